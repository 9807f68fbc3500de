//! A Sigma rule's detections and the condition over them.

use super::condition::Condition;
use auditlog_query::ast::Part;
use serde_json::Value;

/// What has no counterpart in the query language, or is no Sigma rule.
pub type Result<T> = std::result::Result<T, String>;

/// A rule: named selections and how they are joined.
pub struct Rule {
    pub selections: Vec<(String, Item)>,
    pub condition: Condition,
}

/// A part of a selection.
pub enum Item {
    All(Vec<Item>),
    Any(Vec<Item>),
    Field(Vec<String>, Test),
    Keyword(Vec<Part>),
}

/// What a field must be.
pub enum Test {
    /// With wildcards, and whether case matters.
    Equals(Vec<Part>, bool),
    /// Unanchored, flags in front.
    Regex(String),
    Network(String),
    Exists,
    /// An operator and a number.
    Compare(&'static str, String),
    Not(Box<Test>),
}

impl Rule {
    pub fn read(yaml: &str) -> Result<Rule> {
        let rule: Value = serde_saphyr::from_str(yaml).map_err(|error| error.to_string())?;
        let detection = rule["detection"].as_object().ok_or("no detection")?;
        let condition = Condition::read(detection["condition"].as_str().ok_or("no single condition")?)?;
        let selections = detection
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "condition" | "timeframe"));
        let selections = selections.map(|(name, value)| Ok((name.clone(), item(value)?)));
        Ok(Rule {
            selections: selections.collect::<Result<_>>()?,
            condition,
        })
    }
}

fn item(value: &Value) -> Result<Item> {
    match value {
        Value::Object(fields) => Ok(Item::All(
            fields
                .iter()
                .map(|(key, value)| field(key, value))
                .collect::<Result<_>>()?,
        )),
        Value::Array(items) => Ok(Item::Any(items.iter().map(item).collect::<Result<_>>()?)),
        keyword => Ok(Item::Keyword(parts(&text(keyword)?))),
    }
}

/// `path|modifier|modifier: value or values`
fn field(key: &str, value: &Value) -> Result<Item> {
    let mut modifiers: Vec<&str> = key.split('|').collect();
    let path = modifiers.remove(0);
    let all = modifiers.contains(&"all");
    modifiers.retain(|modifier| *modifier != "all");
    let one = |value: &Value| {
        if path.is_empty() {
            return Ok(Item::Keyword(parts(&text(value)?)));
        }
        let test = test(&modifiers, value)?;
        Ok(Item::Field(path.split('.').map(str::to_owned).collect(), test))
    };
    match value {
        Value::Array(values) => {
            let items = values.iter().map(one).collect::<Result<_>>()?;
            Ok(if all { Item::All(items) } else { Item::Any(items) })
        }
        value => one(value),
    }
}

fn test(modifiers: &[&str], value: &Value) -> Result<Test> {
    let mut modifiers = modifiers.to_vec();
    if let Some(at) = modifiers.iter().position(|modifier| *modifier == "neq") {
        modifiers.remove(at);
        return Ok(Test::Not(Box::new(test(&modifiers, value)?)));
    }
    let cased = modifiers.contains(&"cased");
    modifiers.retain(|modifier| *modifier != "cased");
    let padded = |before: bool, after: bool| {
        let mut all = parts(&text(value)?);
        if before {
            all.insert(0, Part::Many);
        }
        if after {
            all.push(Part::Many);
        }
        all.dedup_by(|a, b| *a == Part::Many && *b == Part::Many);
        Ok::<_, String>(all)
    };
    Ok(match modifiers.as_slice() {
        // «null» is a value that is missing, or null
        [] if value.is_null() => Test::Not(Box::new(Test::Exists)),
        [] => Test::Equals(padded(false, false)?, cased),
        ["contains"] => Test::Equals(padded(true, true)?, cased),
        ["startswith"] => Test::Equals(padded(false, true)?, cased),
        ["endswith"] => Test::Equals(padded(true, false)?, cased),
        ["exists"] if value.as_bool() == Some(true) => Test::Exists,
        ["exists"] => Test::Not(Box::new(Test::Exists)),
        ["cidr"] => Test::Network(text(value)?),
        ["lt"] => Test::Compare("<", text(value)?),
        ["lte"] => Test::Compare("<=", text(value)?),
        ["gt"] => Test::Compare(">", text(value)?),
        ["gte"] => Test::Compare(">=", text(value)?),
        ["re", flags @ ..] if flags.iter().all(|flag| matches!(*flag, "i" | "m" | "s")) => {
            let flags = if flags.is_empty() {
                String::new()
            } else {
                format!("(?{})", flags.concat())
            };
            Test::Regex(format!("{flags}{}", text(value)?))
        }
        other => return Err(format!("modifier {}", other.join("|"))),
    })
}

fn text(value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err("a value that is no scalar".to_owned()),
    }
}

/// `*` and `?` are wildcards; a backslash before one of them, or before a backslash, takes its meaning.
fn parts(text: &str) -> Vec<Part> {
    let mut out = Vec::new();
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let wildcard = match c {
            '*' => Some(Part::Many),
            '?' => Some(Part::One),
            _ => None,
        };
        match wildcard {
            None => {
                let escaped = (c == '\\').then(|| chars.next_if(|next| matches!(next, '*' | '?' | '\\')));
                plain.push(escaped.flatten().unwrap_or(c));
            }
            Some(wildcard) => {
                if !plain.is_empty() {
                    out.push(Part::Text(std::mem::take(&mut plain)));
                }
                out.push(wildcard);
            }
        }
    }
    if !plain.is_empty() {
        out.push(Part::Text(plain));
    }
    out
}
