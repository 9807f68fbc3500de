//! A document that a rule detects, made of the rule's own values.

use super::condition::Condition;
use super::rule::{Item, Rule, Test};
use auditlog_query::ast::Part;
use serde_json::{Map, Value, json};

/// The values that the positive selections ask for; nothing when they do not say one.
pub fn document(rule: &Rule) -> Option<Value> {
    let mut root = Value::Object(Map::new());
    condition(rule, &rule.condition, &mut root)?;
    Some(root)
}

/// Is the rule true for a document without values?
pub fn holds_for_nothing(rule: &Rule) -> bool {
    empty_condition(rule, &rule.condition)
}

fn selection<'a>(rule: &'a Rule, name: &str) -> Option<&'a Item> {
    rule.selections
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, item)| item)
}

fn condition(rule: &Rule, what: &Condition, root: &mut Value) -> Option<()> {
    match what {
        Condition::And(items) => items.iter().try_for_each(|inner| condition(rule, inner, root)),
        Condition::Or(items) => condition(rule, &items[0], root),
        // filters speak of other values than the selections
        Condition::Not(_) => Some(()),
        Condition::Name(name) => item(selection(rule, name)?, root),
        Condition::Of { all, pattern } => {
            let names = Condition::chosen(rule, pattern);
            let needed = if *all { names.len() } else { 1 };
            names
                .iter()
                .take(needed)
                .try_for_each(|name| item(selection(rule, name)?, root))
        }
    }
}

fn item(what: &Item, root: &mut Value) -> Option<()> {
    match what {
        Item::All(items) => items.iter().try_for_each(|inner| item(inner, root)),
        Item::Any(items) => item(items.first()?, root),
        Item::Keyword(parts) => add(
            root,
            &["message".to_owned()],
            format!("seen: {}!", filled(parts)).into(),
        ),
        Item::Field(path, test) => match test {
            Test::Equals(parts, _) => add(root, path, filled(parts).into()),
            Test::Network(network) => add(root, path, network.split('/').next()?.into()),
            Test::Exists => add(root, path, json!("x")),
            Test::Compare(operator, number) => {
                let number: f64 = number.parse().ok()?;
                let step = if operator.starts_with('>') { 1.0 } else { -1.0 };
                add(root, path, json!(number + step))
            }
            Test::Regex(pattern) => {
                let text = pattern.replace(".+", "x").replace(".*", "x").replace("\\.", ".");
                let plain = regex::escape(&text.replace(['.', '-'], "")) == text.replace(['.', '-'], "");
                plain.then_some(())?;
                add(root, path, text.into())
            }
            Test::Not(_) => Some(()),
        },
    }
}

fn filled(parts: &[Part]) -> String {
    let text = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Many => "xy".to_owned(),
        Part::One => "z".to_owned(),
    };
    parts.iter().map(text).collect()
}

/// A second value at a place makes a list of both.
fn add(place: &mut Value, path: &[String], value: Value) -> Option<()> {
    if let Some((key, rest)) = path.split_first() {
        let Value::Object(members) = place else { return None };
        return add(members.entry(key.clone()).or_insert(json!({})), rest, value);
    }
    match place {
        Value::Array(items) => items.push(value),
        Value::Object(members) if members.is_empty() => *place = value,
        Value::Object(_) => return None,
        first => *first = json!([first.take(), value]),
    }
    Some(())
}

fn empty_condition(rule: &Rule, what: &Condition) -> bool {
    match what {
        Condition::And(items) => items.iter().all(|inner| empty_condition(rule, inner)),
        Condition::Or(items) => items.iter().any(|inner| empty_condition(rule, inner)),
        Condition::Not(inner) => !empty_condition(rule, inner),
        Condition::Name(name) => selection(rule, name).is_some_and(empty_item),
        Condition::Of { all, pattern } => {
            let names = Condition::chosen(rule, pattern);
            let mut holds = names.iter().map(|name| selection(rule, name).is_some_and(empty_item));
            if *all {
                holds.all(|held| held)
            } else {
                holds.any(|held| held)
            }
        }
    }
}

fn empty_item(what: &Item) -> bool {
    match what {
        Item::All(items) => items.iter().all(empty_item),
        Item::Any(items) => items.iter().any(empty_item),
        Item::Field(_, test) => matches!(test, Test::Not(_)),
        Item::Keyword(_) => false,
    }
}
