//! Why a call failed, and what to do about it.

use std::error::Error as _;
use std::io;

use auditlog_sink::{DeliveryError, FailureKind};
use object_store::Error;

/// A call that failed, or is not known to have succeeded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ObjectError {
    /// Whether to try again by itself.
    pub kind: FailureKind,
    /// What happened, with the beginning of the other side's answer.
    pub message: String,
    /// What somebody has to do, as a sentence; `None` where waiting is enough.
    pub hint: Option<&'static str>,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
}

impl ObjectError {
    pub(crate) fn permanent(message: impl Into<String>, hint: &'static str) -> Self {
        Self {
            kind: FailureKind::Permanent,
            message: message.into(),
            hint: Some(hint),
            status: None,
        }
    }

    pub(crate) fn retry(message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Retry { after: None },
            message: message.into(),
            hint: None,
            status: None,
        }
    }

    /// Whether to try again by itself.
    pub fn is_retry(&self) -> bool {
        matches!(self.kind, FailureKind::Retry { .. })
    }

    /// Of an exchange over HTTP.
    pub(crate) fn of_delivery(error: DeliveryError) -> Self {
        let hint = match error.status {
            _ if error.is_retry() => None,
            Some(401 | 403) => Some("See that the credentials are valid and may do this here."),
            Some(404) => Some("See that the bucket or container is there and the URL names it."),
            Some(300..=399) => Some("Set the option «region» or «endpoint» to where the bucket is."),
            Some(_) => Some("See what the other side says; nothing is tried again until the configuration changes."),
            None => Some("See that the host is allowed and its certificate is one to believe."),
        };
        Self {
            kind: error.kind,
            message: error.message,
            hint,
            status: error.status,
        }
    }

    /// Of the library. `last` is what the last exchange came to, which says more.
    pub(crate) fn of_store(error: &Error, last: Option<DeliveryError>) -> Self {
        if let Some(last) = last {
            return Self::of_delivery(last);
        }
        if let Some(kind) = io_kind(error) {
            return of_io(kind, error);
        }
        match error {
            Error::InvalidPath { .. } => Self::permanent(error.to_string(), "Names have parts between single slashes."),
            Error::NotFound { .. } => Self::permanent(error.to_string(), "See that it is there and the URL names it."),
            _ => Self::permanent(
                error.to_string(),
                "See that the options are those of this kind of storage.",
            ),
        }
    }
}

fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        source = error.source();
    }
    None
}

fn of_io(kind: io::ErrorKind, error: &Error) -> ObjectError {
    let message = error.to_string();
    match kind {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ObjectError::permanent(message, "Let the server's account write there.")
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ObjectError::permanent(
            message,
            "Make the directory; it is not made here, as a mount may be missing.",
        ),
        // a full disk passes once somebody makes room
        _ => ObjectError {
            hint: matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
                .then_some("Make room where the directory is."),
            ..ObjectError::retry(message)
        },
    }
}
