//! Row capture without PostgreSQL: which columns of a tracked table are left out or masked, and how a row
//! is named.

use crate::json::Json;

/// What happens to a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Treatment {
    /// The column does not exist for the audit log: its values are not recorded, nor that they change.
    Ignore,
    /// Its values are not recorded; that they change is.
    Drop,
    /// A keyed hash stands for the value.
    Hash,
    /// A fixed text stands for the value.
    Redact,
}

impl Treatment {
    /// The mask of this name.
    pub fn mask(name: &str) -> Option<Treatment> {
        match name {
            "drop" => Some(Treatment::Drop),
            "hash" => Some(Treatment::Hash),
            "redact" => Some(Treatment::Redact),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Treatment::Ignore => "ignore",
            Treatment::Drop => "drop",
            Treatment::Hash => "hash",
            Treatment::Redact => "redact",
        }
    }
}

/// A column with a treatment. The number stays when a column is renamed, the name when a table is dumped
/// and restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Number of the column (`attnum`).
    pub number: i16,
    /// Name of the column.
    pub name: String,
    /// What happens to its values.
    pub treatment: Treatment,
}

/// Why a table's rules cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A column of this name is not there.
    #[error("column {0} does not exist")]
    NoColumn(String),
    /// No mask has this name.
    #[error("column {0} has the mask {1}")]
    NoMask(String, String),
    /// The column is ignored and masked.
    #[error("column {0} is both ignored and masked")]
    Twice(String),
    /// The stored rules cannot be read.
    #[error("the stored rules cannot be read")]
    Stored,
}

/// A column that exists: number and name.
pub type Existing = (i16, String);

/// The rules that a user gives by names.
///
/// # Errors
/// [`RuleError`] for names that nothing has, and for columns that are ignored and masked.
pub fn rules(ignore: &[String], mask: &Json, columns: &[Existing]) -> Result<Vec<Rule>, RuleError> {
    let mut found: Vec<Rule> = Vec::new();
    let mut add = |name: &str, treatment: Treatment| -> Result<(), RuleError> {
        let column = columns.iter().find(|(_, n)| n == name);
        let (number, _) = column.ok_or_else(|| RuleError::NoColumn(name.to_owned()))?;
        match found.iter().find(|rule| rule.number == *number) {
            Some(rule) if rule.treatment == treatment => {}
            Some(_) => return Err(RuleError::Twice(name.to_owned())),
            None => found.push(Rule {
                number: *number,
                name: name.to_owned(),
                treatment,
            }),
        }
        Ok(())
    };
    for name in ignore {
        add(name, Treatment::Ignore)?;
    }
    if let Json::Object(pairs) = mask {
        for (name, value) in pairs {
            let given = value.as_str().unwrap_or(value.kind());
            let treatment = Treatment::mask(given).ok_or_else(|| RuleError::NoMask(name.clone(), given.to_owned()))?;
            add(name, treatment)?;
        }
    }
    Ok(found)
}

/// The rules as they are stored.
pub fn to_json(rules: &[Rule]) -> Json {
    let text = |s: &str| Json::String(s.to_owned());
    Json::Array(
        rules
            .iter()
            .map(|rule| {
                Json::Object(vec![
                    ("number".to_owned(), Json::Number(rule.number.to_string())),
                    ("name".to_owned(), text(&rule.name)),
                    ("treatment".to_owned(), text(rule.treatment.name())),
                ])
            })
            .collect(),
    )
}

/// Stored rules.
///
/// # Errors
/// [`RuleError::Stored`] for what [`to_json`] does not write.
pub fn from_json(json: &Json) -> Result<Vec<Rule>, RuleError> {
    let Json::Array(items) = json else {
        return Err(RuleError::Stored);
    };
    let rule = |item: &Json| -> Option<Rule> {
        let Some(Json::Number(number)) = item.get("number") else {
            return None;
        };
        let treatment = item.get("treatment")?.as_str()?;
        Some(Rule {
            number: number.parse().ok()?,
            name: item.get("name")?.as_str()?.to_owned(),
            treatment: if treatment == Treatment::Ignore.name() {
                Treatment::Ignore
            } else {
                Treatment::mask(treatment)?
            },
        })
    };
    let rules: Option<Vec<Rule>> = items.iter().map(rule).collect();
    rules.ok_or(RuleError::Stored)
}

/// Brings stored rules up to date with the table's columns. Where the numbers hold (the table is the one
/// that they were taken from), columns that are gone leave, and renamed ones get their new names. In a
/// restored table the names hold.
///
/// # Errors
/// [`RuleError::NoColumn`] when a masked column is not found by its name: it may be there under another
/// one, and its values must not leak.
pub fn resolve(rules: &[Rule], columns: &[Existing], numbers_hold: bool) -> Result<Vec<Rule>, RuleError> {
    let mut current = Vec::with_capacity(rules.len());
    for rule in rules {
        let column = columns.iter().find(|(number, name)| {
            if numbers_hold {
                *number == rule.number
            } else {
                *name == rule.name
            }
        });
        match column {
            Some((number, name)) => current.push(Rule {
                number: *number,
                name: name.clone(),
                treatment: rule.treatment,
            }),
            None if numbers_hold || rule.treatment == Treatment::Ignore => {}
            None => return Err(RuleError::NoColumn(rule.name.clone())),
        }
    }
    Ok(current)
}

/// The name of a row with several key columns: a row literal as PostgreSQL writes it.
pub fn composite_key<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let mut key = String::from("(");
    for (i, value) in values.enumerate() {
        if i > 0 {
            key.push(',');
        }
        let plain =
            !value.is_empty() && !value.contains(['"', '\\', '(', ')', ',', ' ', '\t', '\n', '\r', '\x0b', '\x0c']);
        if plain {
            key.push_str(value);
            continue;
        }
        key.push('"');
        for c in value.chars() {
            if matches!(c, '"' | '\\') {
                key.push(c);
            }
            key.push(c);
        }
        key.push('"');
    }
    key.push(')');
    key
}

/// Is this a prefix of event types: dotted, lower case, and not the audit log's own?
pub fn is_event_prefix(prefix: &str) -> bool {
    let part = |part: &str| {
        let mut chars = part.chars();
        chars
            .next()
            .is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
    };
    prefix.len() <= 200 && prefix.split('.').all(part) && prefix.split('.').next() != Some("auditlog")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<Existing> {
        (1i16..).zip(names).map(|(i, n)| (i, (*n).to_owned())).collect()
    }

    fn mask(pairs: &[(&str, &str)]) -> Json {
        let pair = |(k, v): &(&str, &str)| ((*k).to_owned(), Json::String((*v).to_owned()));
        Json::Object(pairs.iter().map(pair).collect())
    }

    #[test]
    fn rules_come_from_names() {
        let table = columns(&["id", "ssn", "note", "seen"]);
        let given = rules(&["seen".into()], &mask(&[("ssn", "hash"), ("note", "drop")]), &table).unwrap();
        let found: Vec<_> = given.iter().map(|r| (r.number, r.treatment)).collect();
        assert_eq!(
            found,
            [(4, Treatment::Ignore), (2, Treatment::Hash), (3, Treatment::Drop)]
        );
        assert_eq!(from_json(&to_json(&given)), Ok(given));
        let refused = |ignore: &[&str], m: &[(&str, &str)]| {
            let ignore: Vec<String> = ignore.iter().map(|s| (*s).to_owned()).collect();
            rules(&ignore, &mask(m), &table).unwrap_err()
        };
        assert_eq!(refused(&["nope"], &[]), RuleError::NoColumn("nope".into()));
        assert_eq!(
            refused(&[], &[("ssn", "ignore")]),
            RuleError::NoMask("ssn".into(), "ignore".into())
        );
        assert_eq!(refused(&["ssn"], &[("ssn", "hash")]), RuleError::Twice("ssn".into()));
    }

    #[test]
    fn rules_follow_their_columns() {
        let given = rules(
            &["seen".into()],
            &mask(&[("ssn", "hash")]),
            &columns(&["id", "ssn", "seen"]),
        )
        .unwrap();
        let renamed = vec![
            (1, "id".to_owned()),
            (2, "tax_id".to_owned()),
            (3, "seen".to_owned()),
            (4, "ssn".to_owned()),
        ];
        let now = resolve(&given, &renamed, true).unwrap();
        assert_eq!(
            now.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(),
            ["seen", "tax_id"]
        );
        // dropped
        assert_eq!(resolve(&given, &renamed[..1], true), Ok(vec![]));
        // restored: other numbers, the same names
        let restored = vec![(1, "ssn".to_owned()), (2, "id".to_owned())];
        let now = resolve(&given, &restored, false).unwrap();
        assert_eq!(
            now.iter().map(|r| (r.number, r.treatment)).collect::<Vec<_>>(),
            [(1, Treatment::Hash)]
        );
        assert_eq!(
            resolve(&given, &columns(&["id"]), false),
            Err(RuleError::NoColumn("ssn".into()))
        );
    }

    #[test]
    fn composite_keys_are_row_literals() {
        let key = |values: &[&str]| composite_key(values.iter().copied());
        assert_eq!(key(&["7", "a b"]), "(7,\"a b\")");
        assert_eq!(key(&["", "x\"y", "a\\b", "ü"]), "(\"\",\"x\"\"y\",\"a\\\\b\",ü)");
        assert_ne!(key(&["a,b", "c"]), key(&["a", "b,c"]));
    }

    #[test]
    fn prefixes_are_event_types() {
        for good in ["resource", "crm.customer", "a-1.b_2"] {
            assert!(is_event_prefix(good), "{good}");
        }
        for bad in ["", "A", "a.", ".a", "a b", "auditlog", "auditlog.x", "-a", "a..b"] {
            assert!(!is_event_prefix(bad), "{bad}");
        }
    }
}
