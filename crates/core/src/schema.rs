//! JSON Schemas of the event catalogue.

mod quick;

use crate::json::Json;
use crate::view::View;
use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Number, Value};

/// A violation is reported with at most so many characters.
const MAX_MESSAGE: usize = 300;

/// So many violations are reported.
const MAX_VIOLATIONS: usize = 10;

/// Regular expressions in a schema may compile to so many bytes.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// A compiled JSON Schema.
#[derive(Debug)]
pub struct Schema {
    library: Validator,
    quick: Option<quick::Quick>,
}

/// Why something is no JSON Schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid JSON Schema at {path}: {message}")]
pub struct SchemaError {
    /// Where in the schema, like `$.properties.actor`.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

/// Something in an event that its type's schema does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where in the event, like `$.actor.id`.
    pub path: String,
    /// What is wrong. Never has the value itself: it may be personal, and messages go into logs.
    pub message: String,
}

impl Schema {
    /// Compiles a schema. References outside of it are refused (nothing here reads files or the
    /// network) and regular expressions run in linear time: no event can stall the writer.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn compile(schema: &Json) -> Result<Schema, SchemaError> {
        let patterns = PatternOptions::regex().size_limit(MAX_PATTERN_BYTES);
        jsonschema::options()
            .with_pattern_options(patterns)
            .build(&to_serde(schema))
            .map(|library| Schema {
                library,
                quick: quick::Quick::compile(schema),
            })
            .map_err(|error| SchemaError {
                path: dotted(error.instance_path().as_str()),
                message: shortened(error.to_string()),
            })
    }

    /// Is the document valid, as far as can be said without the library? `false` means «ask [`Schema::validate`]».
    pub fn accepts<'a>(&self, document: impl View<'a>) -> bool {
        self.quick.as_ref().is_some_and(|quick| quick.accepts(document))
    }

    /// What `document` violates, at most ten things; empty when it is valid.
    pub fn validate(&self, document: &Json) -> Vec<Violation> {
        if self.accepts(document) {
            Vec::new()
        } else {
            self.violations(document)
        }
    }

    fn violations(&self, document: &Json) -> Vec<Violation> {
        let document = to_serde(document);
        let violations = self.library.iter_errors(&document).take(MAX_VIOLATIONS);
        let violation = |error: jsonschema::ValidationError<'_>| Violation {
            path: dotted(error.instance_path().as_str()),
            message: shortened(error.masked_with("the value").to_string()),
        };
        violations.map(violation).collect()
    }
}

fn to_serde(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        // the text of numeric_out is a JSON number; serde_json keeps it as text
        Json::Number(text) => Value::Number(Number::from_string_unchecked(text.clone())),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::Array(items.iter().map(to_serde).collect()),
        Json::Object(pairs) => Value::Object(
            pairs
                .iter()
                .map(|(key, value)| (key.clone(), to_serde(value)))
                .collect::<Map<_, _>>(),
        ),
    }
}

/// `$.actor.id` from the JSON pointer `/actor/id`.
fn dotted(pointer: &str) -> String {
    let mut path = String::from("$");
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit()) {
            path.push_str(&format!("[{step}]"));
        } else {
            path.push('.');
            path.push_str(&step);
        }
    }
    path
}

fn shortened(mut message: String) -> String {
    if message.len() > MAX_MESSAGE {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE));
        message.push('…');
    }
    message
}

#[cfg(test)]
fn from_text(text: &str) -> Json {
    fn convert(value: Value) -> Json {
        match value {
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(b),
            Value::Number(n) => Json::Number(n.to_string()),
            Value::String(s) => Json::String(s),
            Value::Array(items) => Json::Array(items.into_iter().map(convert).collect()),
            Value::Object(map) => Json::Object(map.into_iter().map(|(k, v)| (k, convert(v))).collect()),
        }
    }
    convert(serde_json::from_str(text).expect("JSON"))
}
