//! Why a document is refused.

use crate::json::Json;

/// What is wrong, so that the edge can choose a SQLSTATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A required value is not there.
    Missing,
    /// A value of another JSON kind was expected.
    WrongType,
    /// The kind is right, the value is not.
    BadValue,
    /// Objects and arrays are nested too deeply.
    TooDeep,
    /// The timestamp lies in the future.
    TooLate,
    /// A text holds U+0000, which PostgreSQL cannot store.
    NulCharacter,
}

/// Why a document is refused, ready for an SQL error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DocumentError {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Where, like `$.actor.id`.
    pub path: String,
    /// Lower case, no full stop.
    pub message: String,
    /// A sentence with the path.
    pub detail: String,
    /// A sentence that says what to do.
    pub hint: String,
}

impl DocumentError {
    pub(crate) fn new(
        kind: ErrorKind,
        path: impl Into<String>,
        message: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> DocumentError {
        DocumentError {
            kind,
            path: path.into(),
            message: message.into(),
            detail: detail.into(),
            hint: hint.into(),
        }
    }
}

#[cold]
pub(crate) fn wrong_type(path: &str, expected: &str, found: &Json, hint: &str) -> DocumentError {
    let found = match found {
        Json::Null => "null".to_owned(),
        Json::Array(_) | Json::Object(_) => format!("an {}", found.kind()),
        _ => format!("a {}", found.kind()),
    };
    let name = path.strip_prefix("$.").unwrap_or("the event");
    DocumentError::new(
        ErrorKind::WrongType,
        path,
        format!("{name} must be {expected}, not {found}"),
        format!("The value at {path} is {found}."),
        hint,
    )
}

/// A caller's text for a message: quoted, control characters escaped, cut after 60 characters.
#[cold]
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    out.extend(text.chars().take(60).flat_map(char::escape_debug));
    out.push_str(if text.chars().nth(60).is_some() { "…\"" } else { "\"" });
    out
}
