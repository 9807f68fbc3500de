//! What may be written at a place of a query. The query is broken for as long as somebody types, so
//! this reads it by itself, word by word, and has an answer for every text.

mod scan;
#[cfg(test)]
mod tests;

pub use scan::place;

use crate::fields::{self, ALIASES, FIELDS};

/// What is expected at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// A condition: most begin with a field's name.
    Condition,
    /// A field's name and nothing behind it: `_exists_:`.
    FieldName,
    /// A value of the field, whose name is as it was written.
    Value(String),
    /// The name of a saved query.
    Saved,
    /// Something that joins values inside `field:( )`.
    Operator,
    /// Something that joins conditions, or another condition: that is AND.
    OperatorOrCondition,
    /// Nothing that could be known: inside a comment, a phrase, an element of a list.
    Nothing,
}

/// What is expected, and the text that a suggestion replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What is expected.
    pub expected: Expected,
    /// What is written of it already, up to the cursor, without quotes.
    pub prefix: String,
    /// First character that is replaced, from 0.
    pub from: usize,
    /// Character behind the last one that is replaced.
    pub to: usize,
}

/// Operators, with what they mean.
pub const OPERATORS: [(&str, &str); 3] = [
    ("AND", "both conditions"),
    ("OR", "one of the conditions"),
    ("NOT", "not the condition behind it"),
];

/// Dates that people mean most often.
pub const DATES: [(&str, &str); 6] = [
    (">now-1h", "the last hour"),
    (">now-24h", "the last 24 hours"),
    (">now-7d", "the last seven days"),
    (">now-30d", "the last thirty days"),
    ("now/d", "today"),
    ("now/M", "this month"),
];

/// Names that begin so, in any case, with their descriptions: fields, then short names, then fields
/// with a part that begins so.
pub fn names(prefix: &str) -> Vec<(&'static str, String)> {
    let prefix = prefix.to_lowercase();
    let begins = |name: &str| name.to_lowercase().starts_with(&prefix);
    let mut found: Vec<(&str, String)> = FIELDS
        .iter()
        .filter(|field| begins(field.path))
        .map(|field| (field.path, field.description.to_owned()))
        .collect();
    let short = ALIASES.iter().filter(|alias| begins(alias.name));
    found.extend(short.map(|alias| (alias.name, format!("short for {}", alias.targets.join(" or ")))));
    let inside = |field: &&fields::Field| !begins(field.path) && field.path.split('.').skip(1).any(begins);
    found.extend(
        FIELDS
            .iter()
            .filter(inside)
            .map(|field| (field.path, field.description.to_owned())),
    );
    found
}

/// A value as it has to be written behind `field:` to mean just that.
pub fn literal(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '/' | ':' | '+');
    let bare = value.starts_with(char::is_alphanumeric)
        && value.chars().all(plain)
        && !["null", "and", "or", "not", "in", "to"].contains(&value.to_lowercase().as_str());
    if bare || DATES.iter().any(|(date, _)| *date == value) {
        return value.to_owned();
    }
    let mut out = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}
