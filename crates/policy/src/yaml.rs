//! YAML or JSON → a tree in which every value knows its place, so that an error can point at it.
//!
//! serde's own errors would name types of Rust; the readers over this tree say what is wrong in the words
//! of whoever wrote the text.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use serde_saphyr::options::MergeKeyPolicy;
use std::fmt;

/// Longest text that is read, in bytes. The largest public Sigma rules have some 10 kB.
pub const MAX_TEXT_BYTES: usize = 256 * 1024;

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Character of the line, from 1.
    pub column: usize,
    /// Bytes `start..end` of the text; empty where they are not known.
    pub bytes: (usize, usize),
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// A key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where the key stands.
    pub place: Place,
    /// The key.
    pub key: String,
    /// Its value.
    pub node: Node,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, by its text.
    Number(String),
    /// Any other scalar.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in its order; keys are unique.
    Map(Vec<Entry>),
}

/// The text is neither YAML nor JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Where.
    pub place: Place,
    /// Lower case, no full stop.
    pub message: String,
}

/// The only document of the text.
pub fn read(text: &str) -> Result<Node, SyntaxError> {
    let mut documents = read_all(text)?;
    match documents.len() {
        1 => Ok(documents.remove(0)),
        0 => Err(SyntaxError {
            place: Place {
                line: 1,
                column: 1,
                bytes: (0, 0),
            },
            message: "the text is empty".to_owned(),
        }),
        _ => Err(SyntaxError {
            place: documents[1].place,
            message: "the text has more than one document".to_owned(),
        }),
    }
}

/// All documents of the text; those without content are left out.
pub fn read_all(text: &str) -> Result<Vec<Node>, SyntaxError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(SyntaxError {
            place: Place {
                line: 1,
                column: 1,
                bytes: (0, 0),
            },
            message: format!("the text is longer than {MAX_TEXT_BYTES} bytes"),
        });
    }
    let options = serde_saphyr::options! {
        // «no», «on» and «off» are texts, as in YAML 1.2
        strict_booleans: true,
        with_snippet: false,
        merge_keys: MergeKeyPolicy::Error,
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_nodes: 50_000,
        },
    };
    let found: Vec<Spanned<Raw>> = serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let place = error
            .location()
            .map_or_else(Place::default, |location| place(&location));
        let message = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
        // it is told apart
        let suffix = format!(" at line {}, column {}", place.line, place.column);
        let message = message.trim_end().strip_suffix(&suffix).unwrap_or(&message);
        SyntaxError {
            place: Place {
                line: place.line.max(1),
                column: place.column.max(1),
                ..place
            },
            message: lowered(message),
        }
    })?;
    let documents: Vec<Node> = found.into_iter().map(|raw| node(raw, text)).collect();
    match documents.iter().find_map(unwritable) {
        None => Ok(documents),
        Some((place, c)) => Err(SyntaxError {
            place,
            message: format!("a text has the character {c:?}, which is not allowed"),
        }),
    }
}

/// A character that only an escape can bring in, and that JSON does not escape: whoever writes the text as JSON
/// could not read it again.
fn unwritable(node: &Node) -> Option<(Place, char)> {
    let found = |text: &str, place: Place| {
        let odd = |c: &char| matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
        let c = text.chars().find(odd)?;
        Some((place, c))
    };
    match &node.value {
        Value::Text(text) => found(text, node.place),
        Value::List(items) => items.iter().find_map(unwritable),
        Value::Map(entries) => entries
            .iter()
            .find_map(|entry| found(&entry.key, entry.place).or_else(|| unwritable(&entry.node))),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Ours begin with a lower case letter.
fn lowered(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim_end_matches('.');
    let mut chars = line.chars();
    match (chars.next(), chars.next()) {
        // an abbreviation stays
        (Some(first), second) if !second.is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(line.chars().skip(1)).collect()
        }
        _ => line.to_owned(),
    }
}

fn place(location: &serde_saphyr::Location) -> Place {
    let span = location.span();
    let bytes = span.byte_offset().zip(span.byte_len()).and_then(|(start, length)| {
        let start = usize::try_from(start).ok()?;
        Some((start, start.checked_add(usize::try_from(length).ok()?)?))
    });
    Place {
        line: usize::try_from(location.line()).unwrap_or(usize::MAX),
        column: usize::try_from(location.column()).unwrap_or(usize::MAX),
        bytes: bytes.unwrap_or((0, 0)),
    }
}

fn node(raw: Spanned<Raw>, text: &str) -> Node {
    let (place, defined) = (self::place(&raw.referenced), self::place(&raw.defined));
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Bool(value) => Value::Bool(value),
        // `5.0` and `0x10` as they were written; an alias stands for what it names
        Raw::Number(number) => Value::Number(written(text, defined).map_or(number, str::to_owned)),
        Raw::Text(value) => Value::Text(value),
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(item, text)).collect()),
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    place: self::place(&key.referenced),
                    key: key.value,
                    node: node(value, text),
                })
                .collect(),
        ),
    };
    Node { place, value }
}

fn written(text: &str, place: Place) -> Option<&str> {
    let found = text.get(place.bytes.0..place.bytes.1)?.trim();
    (!found.is_empty()).then_some(found)
}

impl Node {
    /// The text of a scalar as a person would read it; none of null, lists and mappings.
    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Some(text),
            Value::Bool(true) => Some("true"),
            Value::Bool(false) => Some("false"),
            _ => None,
        }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a key, when this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let entry = self.entries()?.iter().find(|entry| entry.key == key)?;
        Some(&entry.node)
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// Where the character number `at` (from 0) of this text stands. It is found where the text is written on
    /// one line, plain or in quotes; otherwise it is the place where the text begins.
    pub fn place_of(&self, at: usize, source: &str) -> Place {
        let inside = || {
            let Value::Text(value) = &self.value else { return None };
            let found = source.get(self.place.bytes.0..)?;
            offset(found, value, at)
        };
        Place {
            column: self.place.column + inside().unwrap_or(0),
            ..self.place
        }
    }
}

/// The characters of `written` before the character `at` of the text that it stands for.
fn offset(written: &str, value: &str, at: usize) -> Option<usize> {
    let quote = written.chars().next().filter(|c| matches!(c, '"' | '\''));
    let mut rest = written.chars().skip(usize::from(quote.is_some())).peekable();
    let mut column = usize::from(quote.is_some());
    let mut found = None;
    let mut count = 0;
    for wanted in value.chars() {
        if count == at {
            found = Some(column);
        }
        count += 1;
        let c = rest.next()?;
        column += 1;
        let decoded = match (quote, c) {
            (Some('"'), '\\') => {
                column += 1;
                match rest.next()? {
                    'n' => '\n',
                    't' => '\t',
                    c @ ('"' | '\\' | '/' | ' ') => c,
                    'u' => {
                        let digits: String = rest.by_ref().take(4).collect();
                        column += 4;
                        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                    }
                    _ => return None,
                }
            }
            (Some('\''), '\'') => {
                rest.next_if_eq(&'\'')?;
                column += 1;
                '\''
            }
            // another line
            (_, '\n' | '\r') => return None,
            (_, c) => c,
        };
        // a folded line, or an escape that is not known here
        (decoded == wanted).then_some(())?;
    }
    found.or((at == count).then_some(column))
}

/// What serde is told to make.
enum Raw {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut found = Vec::new();
        while let Some(item) = items.next_element()? {
            found.push(item);
        }
        Ok(Raw::List(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut found = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            found.push(entry);
        }
        Ok(Raw::Map(found))
    }
}

#[cfg(test)]
mod tests;
