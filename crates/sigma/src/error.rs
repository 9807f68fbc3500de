//! Why a rule is refused.

use auditlog_policy::yaml::Place;

/// Why a rule is refused, ready for an SQL error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct SigmaError {
    /// Line of the text, from 1.
    pub line: usize,
    /// Character of the line, from 1.
    pub column: usize,
    /// Is it a rule that we can't express? Otherwise it is wrong.
    pub unsupported: bool,
    /// Lower case, no full stop.
    pub message: String,
    /// A sentence that says what to do.
    pub hint: String,
}

impl SigmaError {
    /// The rule is wrong.
    #[cold]
    pub(crate) fn wrong(place: Place, message: impl Into<String>, hint: impl Into<String>) -> SigmaError {
        SigmaError {
            line: place.line,
            column: place.column,
            unsupported: false,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// The rule has something that can't be expressed; `what` names it.
    #[cold]
    pub(crate) fn unsupported(place: Place, what: impl Into<String>, hint: impl Into<String>) -> SigmaError {
        SigmaError {
            unsupported: true,
            ..SigmaError::wrong(place, format!("{} can't be expressed", what.into()), hint)
        }
    }
}
