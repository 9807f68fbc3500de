//! What can go wrong.

use auditlog_core::decode::{DecodeError, JsonError};

/// Why a format or its options are refused, ready for an SQL error (22023).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct OptionError {
    /// Lower case, no full stop.
    pub message: String,
    /// A sentence that says what to do.
    pub hint: String,
}

impl OptionError {
    #[cold]
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// Why a record cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The record's values are no plain entry.
    #[error("the values of the record cannot be read: {0}")]
    Values(#[from] DecodeError),
    /// JSON inside the record is not what the decoder has said it is.
    #[error("json inside the record cannot be read: {0}")]
    Json(#[from] JsonError),
    /// Not even the shortest form fits.
    #[error("the event has {bytes} bytes as syslog without its message; the most is {most}")]
    TooLong {
        /// Its bytes.
        bytes: usize,
        /// The option `max_bytes`.
        most: usize,
    },
}

impl FormatError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Values(_) | Self::Json(_) => {
                "The record was not written by auditlog.bundle_record, or it was changed since: run auditlog.verify()."
            }
            Self::TooLong { .. } => "Raise the option max_bytes, if the receiver takes longer messages.",
        }
    }
}
