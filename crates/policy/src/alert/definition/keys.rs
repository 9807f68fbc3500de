//! Mappings with known keys, and the values of keys.

use super::error::{DefinitionError, Fault};
use crate::alert::field::Field;
use crate::duration::Duration;
use crate::yaml::{Entry, Node, Place, Value};

/// A mapping whose keys are all known.
pub struct Keys<'a> {
    entries: &'a [Entry],
    /// Of the mapping.
    pub place: Place,
}

impl<'a> Keys<'a> {
    /// `what` names the mapping in messages.
    pub fn new(node: &'a Node, what: &str, known: &[&str]) -> Result<Keys<'a>, DefinitionError> {
        let hint = || format!("Known keys are {}.", known.join(", "));
        let Value::Map(entries) = &node.value else {
            let message = format!("{what} is {}, not a mapping of keys", node.kind());
            return Err(Fault::new(message, hint()).at(node.place));
        };
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                let message = format!("{what} has no key {:?}", entry.key);
                let hint = match nearest(&entry.key, known) {
                    Some(near) => format!("Did you mean «{near}»? {}", hint()),
                    None => hint(),
                };
                return Err(Fault::new(message, hint).at(entry.place));
            }
        }
        Ok(Keys {
            entries,
            place: node.place,
        })
    }

    /// The value of the key, unless it is missing or null.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (entry.node.value != Value::Null).then_some(&entry.node)
    }

    /// The same for a key that must be there.
    pub fn need(&self, key: &str, hint: &str) -> Result<&'a Node, DefinitionError> {
        self.get(key)
            .ok_or_else(|| Fault::new(format!("the key {key:?} is missing"), hint).at(self.place))
    }
}

/// The known name nearest to a wrong one, when it is near enough to be meant.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let name = plain(name);
    let allowed = if name.chars().count() > 5 { 2 } else { 1 };
    let near = known
        .iter()
        .map(|known| (strsim::osa_distance(&name, known), *known))
        .filter(|(distance, known)| *distance <= allowed || known.replace('_', "") == name);
    near.min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

/// The error for a value of the wrong kind; `what` names the value, `wanted` what it should be.
pub fn wrong(node: &Node, what: &str, wanted: &str, hint: &str) -> DefinitionError {
    Fault::new(format!("{what} is {}, not {wanted}", node.kind()), hint).at(node.place)
}

/// A text without control characters; `lines` allows line breaks and tabs.
pub fn text(node: &Node, what: &str, lines: bool) -> Result<String, DefinitionError> {
    let Some(text) = node.scalar() else {
        return Err(wrong(node, what, "a text", "Write a text, in quotes if need be."));
    };
    let bad = |c: char| c.is_control() && !(lines && matches!(c, '\n' | '\t'));
    if text.contains(bad) {
        let message = format!("{what} has a control character");
        return Err(Fault::new(message, "Remove it.").at(node.place));
    }
    Ok(text.to_owned())
}

/// A text that is not empty.
pub fn name(node: &Node, what: &str, most: usize) -> Result<String, DefinitionError> {
    let text = text(node, what, false)?;
    if text.trim().is_empty() {
        return Err(Fault::new(format!("{what} is empty"), format!("Write 1 to {most} characters.")).at(node.place));
    }
    if text.chars().count() > most {
        let message = format!("{what} is longer than {most} characters");
        return Err(Fault::new(message, "Shorten it.").at(node.place));
    }
    Ok(text)
}

/// A list of texts, or one.
pub fn names(node: &Node, what: &str) -> Result<Vec<String>, DefinitionError> {
    each(node, |item| name(item, what, 320))
}

/// A list, or a single value.
pub fn each<T>(
    node: &Node,
    mut read: impl FnMut(&Node) -> Result<T, DefinitionError>,
) -> Result<Vec<T>, DefinitionError> {
    match &node.value {
        Value::List(items) => items.iter().map(read).collect(),
        _ => Ok(vec![read(node)?]),
    }
}

/// `true` or `false`.
pub fn flag(node: &Node, what: &str) -> Result<bool, DefinitionError> {
    match node.value {
        Value::Bool(value) => Ok(value),
        _ => Err(wrong(node, what, "true or false", "Write true or false.")),
    }
}

/// A whole number from 1 on.
pub fn whole(node: &Node, what: &str, most: u32) -> Result<u32, DefinitionError> {
    let hint = format!("Write a whole number from 1 to {most}.");
    let Value::Number(number) = &node.value else {
        return Err(wrong(node, what, "a number", &hint));
    };
    match number.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(Fault::new(format!("{what} is {number}"), hint).at(node.place)),
    }
}

/// A length of time, at most `most` seconds.
pub fn duration(node: &Node, what: &str, most: Option<i64>) -> Result<Duration, DefinitionError> {
    let Some(text) = node.scalar() else {
        return Err(wrong(node, what, "a length of time", Duration::HINT));
    };
    let duration: Duration = text
        .parse()
        .map_err(|error| Fault::new(format!("{what}: {text:?} {error}"), Duration::HINT).at(node.place))?;
    match most.and_then(Duration::from_seconds) {
        Some(most) if duration > most => {
            let message = format!("{what} is longer than {}", most.words());
            Err(Fault::new(message, format!("Write at most {most}.")).at(node.place))
        }
        _ => Ok(duration),
    }
}

/// A field, or several.
pub fn fields(node: &Node, what: &str, most: usize) -> Result<Vec<Field>, DefinitionError> {
    let found = each(node, |item| field(item, what))?;
    if found.len() > most {
        let message = format!("{what} has more than {most} fields");
        return Err(Fault::new(message, "Name those that tell groups apart.").at(node.place));
    }
    let twice = found
        .iter()
        .enumerate()
        .find(|(at, one)| found[..*at].iter().any(|other| other.same(one)));
    if let Some((_, field)) = twice {
        let message = format!("{what} names the field {:?} twice", field.name());
        return Err(Fault::new(message, "Name it once.").at(node.place));
    }
    Ok(found)
}

/// A field's name as in a query.
pub fn field(node: &Node, what: &str) -> Result<Field, DefinitionError> {
    let Some(text) = node.scalar() else {
        return Err(wrong(
            node,
            what,
            "a field",
            "Write a field's name as in a query, such as actor.email.",
        ));
    };
    Field::parse(text).map_err(|fault| Fault::new(format!("{what}: {}", fault.message), fault.hint).at(node.place))
}
