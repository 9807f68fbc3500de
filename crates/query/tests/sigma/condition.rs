//! `selection and not 1 of filter_*`

use super::rule::{Result, Rule};

/// How selections are joined.
#[derive(Debug, PartialEq)]
pub enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    /// A selection.
    Name(String),
    /// All, or one, of those whose name matches.
    Of {
        all: bool,
        pattern: String,
    },
}

impl Condition {
    pub fn read(text: &str) -> Result<Condition> {
        let spaced = text.replace('(', " ( ").replace(')', " ) ");
        let mut words = spaced.split_whitespace().collect::<Vec<_>>().into_iter().peekable();
        let condition = or(&mut words)?;
        match words.next() {
            None => Ok(condition),
            Some(rest) => Err(format!("condition goes on at {rest}")),
        }
    }

    /// The selections that `Of` speaks of.
    pub fn chosen<'a>(rule: &'a Rule, pattern: &str) -> Vec<&'a str> {
        let names = rule.selections.iter().map(|(name, _)| name.as_str());
        names
            .filter(|name| match pattern.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None if pattern == "them" => !name.starts_with('_'),
                None => *name == pattern,
            })
            .collect()
    }
}

type Words<'a> = std::iter::Peekable<std::vec::IntoIter<&'a str>>;

fn or(words: &mut Words<'_>) -> Result<Condition> {
    let mut items = vec![and(words)?];
    while words.next_if_eq(&"or").is_some() {
        items.push(and(words)?);
    }
    Ok(if items.len() == 1 {
        items.remove(0)
    } else {
        Condition::Or(items)
    })
}

fn and(words: &mut Words<'_>) -> Result<Condition> {
    let mut items = vec![not(words)?];
    while words.next_if_eq(&"and").is_some() {
        items.push(not(words)?);
    }
    Ok(if items.len() == 1 {
        items.remove(0)
    } else {
        Condition::And(items)
    })
}

fn not(words: &mut Words<'_>) -> Result<Condition> {
    match words.next().ok_or("condition ends early")? {
        "not" => Ok(Condition::Not(Box::new(not(words)?))),
        "(" => {
            let inner = or(words)?;
            words.next_if_eq(&")").ok_or("parenthesis is not closed")?;
            Ok(inner)
        }
        quantity @ ("1" | "any" | "all") if words.next_if_eq(&"of").is_some() => Ok(Condition::Of {
            all: quantity == "all",
            pattern: words.next().ok_or("condition ends early")?.to_owned(),
        }),
        word @ (")" | "and" | "or" | "|") => Err(format!("condition has {word} where a name is expected")),
        name => Ok(Condition::Name(name.to_owned())),
    }
}
