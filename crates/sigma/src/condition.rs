//! `selection and not 1 of filter_*` → a tree.

use crate::error::SigmaError;
use auditlog_policy::yaml::{Node, Place};

/// How selections are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    /// A selection.
    Name(String),
    /// All, or at least one, of those whose names match.
    Of {
        all: bool,
        pattern: String,
    },
}

/// Deeper is no condition that a person has written.
const MAX_DEPTH: usize = 50;

impl Condition {
    /// Reads a condition, or a list of them, of which any may be true.
    pub fn read(node: &Node) -> Result<Condition, SigmaError> {
        use auditlog_policy::yaml::Value;
        match &node.value {
            Value::List(items) if !items.is_empty() => {
                let items = items.iter().map(Condition::read).collect::<Result<Vec<_>, _>>()?;
                Ok(joined(items, Condition::Or))
            }
            Value::Text(text) => {
                let mut parser = Parser {
                    words: words(text),
                    at: 0,
                    depth: 0,
                    place: node.place,
                };
                let condition = parser.or()?;
                match parser.next() {
                    None => Ok(condition),
                    Some(word) => Err(parser.wrong(format!("the condition goes on at {word:?}"))),
                }
            }
            _ => Err(SigmaError::wrong(
                node.place,
                format!("the condition is {}, not a text", node.kind()),
                "Write names of selections joined by and, or, not.",
            )),
        }
    }

    /// The selections, of these names, that `Of` with this pattern speaks of.
    pub fn chosen<'a>(pattern: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        // a selection with an underscore in front is left out of «them»
        names
            .filter(|name| {
                if pattern == "them" {
                    !name.starts_with('_')
                } else {
                    matches(pattern, name)
                }
            })
            .collect()
    }
}

/// `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, behind)) => name.strip_prefix(before).is_some_and(|rest| {
            let starts = (0..=rest.len()).filter(|at| rest.is_char_boundary(*at));
            starts.into_iter().any(|at| matches(behind, &rest[at..]))
        }),
    }
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in text.split_whitespace() {
        let mut rest = part;
        while let Some(at) = rest.find(['(', ')', '|']) {
            words.extend((at > 0).then(|| rest[..at].to_owned()));
            words.push(rest[at..=at].to_owned());
            rest = &rest[at + 1..];
        }
        words.extend((!rest.is_empty()).then(|| rest.to_owned()));
    }
    words
}

struct Parser {
    words: Vec<String>,
    at: usize,
    depth: usize,
    place: Place,
}

impl Parser {
    fn next(&mut self) -> Option<String> {
        let word = self.words.get(self.at).cloned();
        self.at += usize::from(word.is_some());
        word
    }

    fn next_is(&mut self, wanted: &str) -> bool {
        let is = self
            .words
            .get(self.at)
            .is_some_and(|word| word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(is);
        is
    }

    fn or(&mut self) -> Result<Condition, SigmaError> {
        let mut items = vec![self.and()?];
        while self.next_is("or") {
            items.push(self.and()?);
        }
        if self.words.get(self.at).is_some_and(|word| word == "|") {
            let hint = "Write a correlation rule (event_count or value_count) in a document of its own.";
            return Err(SigmaError::unsupported(self.place, "an aggregation behind «|»", hint));
        }
        Ok(joined(items, Condition::Or))
    }

    fn and(&mut self) -> Result<Condition, SigmaError> {
        let mut items = vec![self.not()?];
        while self.next_is("and") {
            items.push(self.not()?);
        }
        Ok(joined(items, Condition::And))
    }

    fn not(&mut self) -> Result<Condition, SigmaError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.wrong(format!("the condition is nested deeper than {MAX_DEPTH} levels")));
        }
        let Some(word) = self.next() else {
            return Err(self.wrong("the condition ends early".to_owned()));
        };
        let found = match word.to_ascii_lowercase().as_str() {
            "not" => Condition::Not(Box::new(self.not()?)),
            "(" => {
                let inner = self.or()?;
                if !self.next_is(")") {
                    return Err(self.wrong("a parenthesis of the condition is not closed".to_owned()));
                }
                inner
            }
            quantity @ ("1" | "any" | "all") if self.next_is("of") => match self.next() {
                Some(pattern) if !matches!(pattern.as_str(), "(" | ")" | "|") => Condition::Of {
                    all: quantity == "all",
                    pattern,
                },
                _ => return Err(self.wrong(format!("nothing is named behind «{quantity} of»"))),
            },
            ")" | "and" | "or" | "of" | "|" => {
                return Err(self.wrong(format!("the condition has {word:?} where a name is expected")));
            }
            // «2 of them» is no Sigma
            number if number.bytes().all(|b| b.is_ascii_digit()) && self.next_is("of") => {
                let what = format!("«{number} of»");
                return Err(SigmaError::unsupported(self.place, what, "Write «1 of» or «all of»."));
            }
            _ => Condition::Name(word),
        };
        self.depth -= 1;
        Ok(found)
    }

    fn wrong(&self, message: String) -> SigmaError {
        let hint = "Write names of selections joined by and, or, not, with «1 of name_*» and «all of them».";
        SigmaError::wrong(self.place, message, hint)
    }
}

fn joined(mut items: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    if items.len() == 1 { items.remove(0) } else { join(items) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog_policy::yaml::Value;

    fn read(text: &str) -> Result<Condition, SigmaError> {
        Condition::read(&Node {
            place: Place::default(),
            value: Value::Text(text.to_owned()),
        })
    }

    fn name(name: &str) -> Condition {
        Condition::Name(name.to_owned())
    }

    #[test]
    fn not_binds_closest_then_and() {
        let expected = Condition::Or(vec![
            name("a"),
            Condition::And(vec![Condition::Not(Box::new(name("b"))), name("c")]),
        ]);
        for text in ["a or not b and c", "A OR NOT B AND C", "(a)or(not b and c)"] {
            assert_eq!(read(&text.to_lowercase()), Ok(expected.clone()), "{text}");
        }
        assert_eq!(read("a OR NOT b AND c"), Ok(expected));
        let of = |all, pattern: &str| Condition::Of {
            all,
            pattern: pattern.to_owned(),
        };
        assert_eq!(
            read("all of them and not 1 of f_*"),
            Ok(Condition::And(vec![
                of(true, "them"),
                Condition::Not(Box::new(of(false, "f_*")))
            ]))
        );
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for (text, message) in [
            ("", "ends early"),
            ("a and", "ends early"),
            ("(a", "not closed"),
            ("a)", "goes on at \")\""),
            ("a b", "goes on at \"b\""),
            ("and a", "\"and\" where a name"),
            ("1 of", "nothing is named"),
            ("2 of them", "«2 of» can't be expressed"),
            ("a | count() > 5", "aggregation"),
            ("a and (b | count() > 5)", "aggregation"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.message.contains(message), "{text}: {error}");
        }
        read(&"not ".repeat(60)).expect_err("too deep");
        read(&"(".repeat(100_000)).expect_err("too deep");
    }

    #[test]
    fn patterns_choose_selections() {
        let names = ["selection", "filter_a", "filter_b", "_hidden"];
        let chosen = |pattern| Condition::chosen(pattern, names.into_iter());
        assert_eq!(chosen("filter_*"), ["filter_a", "filter_b"]);
        assert_eq!(chosen("them"), ["selection", "filter_a", "filter_b"]);
        assert_eq!(chosen("*_a"), ["filter_a"]);
        assert_eq!(chosen("f*_*b"), ["filter_b"]);
        assert_eq!(chosen("filter"), Vec::<&str>::new());
    }
}
