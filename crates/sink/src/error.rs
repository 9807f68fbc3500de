//! Why a target is refused, and why a message was not delivered.

use std::time::Duration;

/// What is wrong with the configuration of a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// What is wrong, as the primary message of an error report: a phrase without a full stop.
    pub message: String,
    /// What to write instead, as a sentence.
    pub hint: Option<String>,
}

impl ConfigError {
    /// An error without a hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What to do about a failed delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// It may pass by itself: try again later, without a limit of attempts. [`crate::backoff()`] says when.
    Retry {
        /// The least time to wait, as the other side asked for; at most [`crate::MAX_RETRY_AFTER`].
        after: Option<Duration>,
    },
    /// It won't pass unless somebody changes something, here or there: pause, tell, and probe rarely. The
    /// message itself must be kept.
    Permanent,
    /// The witness has another size on record: make the proof again, from that size.
    Conflict {
        /// Entries of the tree that the witness has on record.
        size: u64,
    },
}

/// A message that was not delivered, or not known to have been: after a time-out it may have arrived.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DeliveryError {
    /// What to do about it.
    pub kind: FailureKind,
    /// What happened, with the beginning of the other side's answer. It holds no secret that was sent.
    pub message: String,
    /// The HTTP status of the answer, if there was one. 413 says that the message is too large.
    pub status: Option<u16>,
}

impl DeliveryError {
    /// A failure that may pass by itself.
    pub fn retry(message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Retry { after: None },
            message: message.into(),
            status: None,
        }
    }

    /// A failure that does not pass by itself.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Permanent,
            message: message.into(),
            status: None,
        }
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Whether to try again by itself.
    pub fn is_retry(&self) -> bool {
        matches!(self.kind, FailureKind::Retry { .. })
    }
}
