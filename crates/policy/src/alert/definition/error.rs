//! Why a definition is refused.

use crate::yaml::Place;

/// What is wrong with a part of a definition; whoever knows its place adds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// Lower case, no full stop.
    pub message: String,
    /// A sentence that says what to do.
    pub hint: String,
}

impl Fault {
    /// A fault.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Fault {
        Fault {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// The fault at its place.
    pub fn at(self, place: Place) -> DefinitionError {
        DefinitionError {
            line: place.line,
            column: place.column,
            message: self.message,
            hint: self.hint,
        }
    }
}

/// Why a definition is refused, ready for an SQL error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct DefinitionError {
    /// Line of the text, from 1.
    pub line: usize,
    /// Character of the line, from 1.
    pub column: usize,
    /// Lower case, no full stop.
    pub message: String,
    /// A sentence that says what to do.
    pub hint: String,
}
