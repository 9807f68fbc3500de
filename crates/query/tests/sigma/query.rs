//! A rule as a query's text.

use super::condition::Condition;
use super::rule::{Item, Result, Rule, Test};
use auditlog_query::ast::Part;
use auditlog_query::fields;

/// The query that is true for what the rule detects.
pub fn query(rule: &Rule) -> Result<String> {
    condition(rule, &rule.condition)
}

fn condition(rule: &Rule, what: &Condition) -> Result<String> {
    let all = |items: &[Condition]| {
        items
            .iter()
            .map(|item| condition(rule, item))
            .collect::<Result<Vec<_>>>()
    };
    Ok(match what {
        Condition::And(items) => join(all(items)?, " AND "),
        Condition::Or(items) => join(all(items)?, " OR "),
        Condition::Not(inner) => format!("NOT {}", condition(rule, inner)?),
        Condition::Name(name) => selection(rule, name)?,
        Condition::Of { all, pattern } => {
            let names = Condition::chosen(rule, pattern);
            let parts = names
                .iter()
                .map(|name| selection(rule, name))
                .collect::<Result<Vec<_>>>()?;
            join(parts, if *all { " AND " } else { " OR " })
        }
    })
}

fn selection(rule: &Rule, name: &str) -> Result<String> {
    let found = rule.selections.iter().find(|(known, _)| known == name);
    item(&found.ok_or_else(|| format!("no selection {name}"))?.1)
}

fn item(what: &Item) -> Result<String> {
    let each = |items: &[Item]| items.iter().map(item).collect::<Result<Vec<_>>>();
    match what {
        Item::All(items) => Ok(join(each(items)?, " AND ")),
        Item::Any(items) => Ok(join(each(items)?, " OR ")),
        Item::Field(path, test) => field(&name(path), test),
        Item::Keyword(parts) => {
            let has_word = |part: &Part| matches!(part, Part::Text(text) if text.chars().any(char::is_alphanumeric));
            if parts.iter().any(has_word) {
                Ok(literal(parts))
            } else {
                Err("keyword without a letter or digit".to_owned())
            }
        }
    }
}

fn field(name: &str, test: &Test) -> Result<String> {
    Ok(match test {
        Test::Not(inner) => format!("NOT {}", field(name, inner)?),
        Test::Exists => format!("{name}:*"),
        Test::Network(network) => format!("{name}:\"{network}\""),
        Test::Compare(operator, number) => format!("{name}:{operator}{number}"),
        Test::Regex(pattern) => format!("{name}:~\"(?s:.*)(?:{})(?s:.*)\"", pattern.replace('"', "\\\"")),
        Test::Equals(parts, false) => format!("{name}:{}", literal(parts)),
        Test::Equals(parts, true) if parts.iter().all(|part| matches!(part, Part::Text(_))) => {
            format!("{name}:={}", literal(parts))
        }
        Test::Equals(parts, true) => {
            let pattern = parts.iter().map(|part| match part {
                Part::Text(text) => regex::escape(text),
                Part::Many => ".*".to_owned(),
                Part::One => ".".to_owned(),
            });
            let pattern: String = pattern.collect();
            format!("{name}:~\"(?s){}\"", pattern.replace('"', "\\\""))
        }
    })
}

/// Keys of vendors' events: what is also a short name of ours is quoted.
fn name(path: &[String]) -> String {
    let plain = |segment: &str| segment.chars().all(|c| c.is_alphanumeric() || c == '_');
    let ours = !fields::targets(&path[0]).is_empty() || fields::by_path(&path[0]).is_some();
    let segments = path.iter().enumerate().map(|(at, segment)| {
        if plain(segment) && !(at == 0 && ours) {
            segment.clone()
        } else {
            format!("\"{}\"", segment.replace('\\', "\\\\").replace('"', "\\\""))
        }
    });
    segments.collect::<Vec<_>>().join(".")
}

/// Quoted, or with wildcards and everything else escaped.
fn literal(parts: &[Part]) -> String {
    match parts {
        [] => "\"\"".to_owned(),
        [Part::Text(text)] => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        parts => parts.iter().map(escaped).collect(),
    }
}

fn escaped(part: &Part) -> String {
    let Part::Text(text) = part else {
        return if *part == Part::Many { "*" } else { "?" }.to_owned();
    };
    let escape = |c: char| if c.is_alphanumeric() { vec![c] } else { vec!['\\', c] };
    text.chars().flat_map(escape).collect()
}

fn join(items: Vec<String>, with: &str) -> String {
    if items.len() == 1 {
        return items.concat();
    }
    format!("({})", items.join(with))
}
