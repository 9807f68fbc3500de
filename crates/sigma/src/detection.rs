//! Selections: maps, lists, keywords.

use crate::error::SigmaError;
use crate::modifier::{self, Test};
use auditlog_policy::yaml::{Entry, Node, Place, Value};

/// A part of a selection.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// All of them.
    All(Vec<Item>),
    /// At least one.
    Any(Vec<Item>),
    /// A field's value passes the test.
    Field { name: String, test: Test, place: Place },
    /// Somewhere in the event.
    Keyword { test: Test, place: Place },
}

/// A named selection.
pub(crate) type Selection = (String, Item);

/// The selections of a detection: everything but the condition.
pub(crate) fn selections(detection: &Node) -> Result<Vec<Selection>, SigmaError> {
    let entries = detection.entries().ok_or_else(|| {
        let message = format!("the detection is {}, not a mapping of selections", detection.kind());
        SigmaError::wrong(detection.place, message, "Write selections and a condition.")
    })?;
    let selections = entries
        .iter()
        .filter(|entry| !matches!(entry.key.as_str(), "condition" | "timeframe"));
    selections
        .map(|entry| Ok((entry.key.clone(), item(&entry.node)?)))
        .collect()
}

fn item(node: &Node) -> Result<Item, SigmaError> {
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => {
            Ok(Item::All(entries.iter().map(field).collect::<Result<_, _>>()?))
        }
        Value::List(items) if !items.is_empty() => Ok(Item::Any(items.iter().map(item).collect::<Result<_, _>>()?)),
        Value::Text(_) | Value::Number(_) | Value::Bool(_) => Ok(Item::Keyword {
            test: modifier::test(&[], node, node.place)?,
            place: node.place,
        }),
        _ => Err(SigmaError::wrong(
            node.place,
            "a selection is empty",
            "Write fields with values, or keywords.",
        )),
    }
}

/// `field|modifier|modifier: value or values`
fn field(entry: &Entry) -> Result<Item, SigmaError> {
    let mut modifiers: Vec<&str> = entry.key.split('|').collect();
    let name = modifiers.remove(0);
    let all = modifiers.contains(&"all");
    modifiers.retain(|modifier| *modifier != "all");
    let one = |value: &Node| {
        let test = modifier::test(&modifiers, value, entry.place)?;
        Ok(match name {
            "" => Item::Keyword {
                test,
                place: value.place,
            },
            name => Item::Field {
                name: name.to_owned(),
                test,
                place: entry.place,
            },
        })
    };
    match &entry.node.value {
        Value::List(values) if values.is_empty() => {
            let message = format!("{:?} has no values", entry.key);
            Err(SigmaError::wrong(entry.place, message, "Write at least one value."))
        }
        Value::List(values) => {
            let items = values.iter().map(one).collect::<Result<Vec<_>, SigmaError>>()?;
            // different from a list is different from each
            Ok(if all || different(&items) {
                Item::All(items)
            } else {
                Item::Any(items)
            })
        }
        _ => one(&entry.node),
    }
}

fn different(items: &[Item]) -> bool {
    items
        .iter()
        .all(|item| matches!(item, Item::Field { test: Test::Not(_), .. }))
}
