//! A JSON value that loses nothing: numbers stay the text they were, objects keep their order.

/// A JSON value as PostgreSQL's `jsonb` holds it. `serde_json::Value` is not used because the log
/// must never pass a number through a float (integrity.md §0.8).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// The number's decimal text, as PostgreSQL's `numeric_out` prints it.
    Number(String),
    /// A string without NUL characters (PostgreSQL cannot store them).
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// Key and value pairs; keys are unique.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The value of `key` when this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(pairs) => pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Removes and returns the value of `key` when this is an object that has it.
    pub fn take(&mut self, key: &str) -> Option<Json> {
        match self {
            Json::Object(pairs) => {
                let at = pairs.iter().position(|(k, _)| k == key)?;
                Some(pairs.remove(at).1)
            }
            _ => None,
        }
    }

    /// The text when this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(s) => Some(s),
            _ => None,
        }
    }

    /// JSON's name for the kind of this value, for error messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "boolean",
            Json::Number(_) => "number",
            Json::String(_) => "string",
            Json::Array(_) => "array",
            Json::Object(_) => "object",
        }
    }
}
