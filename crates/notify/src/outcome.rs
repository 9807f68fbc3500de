//! What came of a try, by one rule for all channels.
//!
//! | answer | outcome |
//! | --- | --- |
//! | 2xx | delivered |
//! | 408, 425, 429, 5xx but 501; a network's fault; no answer by the deadline | retry, not before `Retry-After` |
//! | 413 | split |
//! | what says that this one message is wrong: 400, 409, 422 | reject |
//! | everything else: 401, 403, 404, 410, a redirect, TLS, an address that is not allowed, a secret that is missing | pause |

use std::fmt;
use std::time::Duration;

use auditlog_sink::client::{Answer, refused, whole};
use auditlog_sink::{DeliveryError, FailureKind};

use crate::notification::Notification;

/// What came of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has arrived, as far as the other side says.
    Delivered {
        /// What the other side has said, for people.
        detail: String,
    },
    /// It may pass by itself: try again, without a limit of attempts ([`crate::breaker::wait`]). It may have arrived.
    Retry {
        /// The least time to wait, as the other side asked for.
        after: Option<Duration>,
        /// What happened.
        error: Failure,
        /// What is left to deliver, when a part was: the same notification for fewer recipients, to be kept
        /// instead. Who tries the whole again sends to some of them twice, which does no harm.
        rest: Option<Box<Notification>>,
    },
    /// It is too large for the other side: deliver what [`Notification::split`] makes of it instead.
    Split {
        /// What happened.
        error: Failure,
    },
    /// This one is refused, others may not be: give it up, and keep it where somebody finds it.
    Reject {
        /// What happened.
        error: Failure,
    },
    /// Nothing passes until somebody changes something, here or there: keep everything, tell, and probe rarely.
    Pause {
        /// What happened.
        error: Failure,
    },
}

impl Outcome {
    /// What happened, unless it was delivered.
    pub fn error(&self) -> Option<&Failure> {
        match self {
            Self::Delivered { .. } => None,
            Self::Retry { error, .. } | Self::Split { error } | Self::Reject { error } | Self::Pause { error } => {
                Some(error)
            }
        }
    }

    /// Its name, in lower case.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Delivered { .. } => "delivered",
            Self::Retry { .. } => "retry",
            Self::Split { .. } => "split",
            Self::Reject { .. } => "reject",
            Self::Pause { .. } => "pause",
        }
    }

    pub(crate) fn retry(error: Failure) -> Self {
        Self::Retry {
            after: None,
            error,
            rest: None,
        }
    }

    /// What a failure of the network or an answer without success means; 413 is for [`Outcome::Split`].
    pub(crate) fn failed(error: DeliveryError) -> Self {
        let kind = error.kind;
        let error = Failure::of_delivery(error, "channel");
        match kind {
            _ if error.status == Some(413) => Self::Split { error },
            FailureKind::Retry { after } => Self::Retry {
                after,
                error,
                rest: None,
            },
            FailureKind::Permanent | FailureKind::Conflict { .. } => Self::Pause { error },
        }
    }
}

/// A message that was not delivered, or not known to have been. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What happened, with the beginning of the other side's answer: lower case, no full stop.
    pub message: String,
    /// The status of the answer, of HTTP or SMTP, if there was one.
    pub status: Option<u16>,
    /// A sentence that says what to do, when somebody can do something.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without status and hint.
    pub fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            status: None,
            hint: None,
        }
    }

    /// What a failed delivery says, with what to do about it; `of` is what was configured: a channel, a sink.
    pub fn of_delivery(error: DeliveryError, of: &str) -> Self {
        let hint = match error.status {
            Some(status) => status_hint(status, of),
            None if error.message.contains("TLS with") => Some(
                "Look at the receiver's certificate: its names, its dates, and who has signed it. Name the certificate of \
                 an authority of your own in «ca_file»."
                    .to_owned(),
            ),
            None => None,
        };
        Self {
            message: error.message,
            status: error.status,
            hint,
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the status of the answer.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}

/// What to do about an answer that will be the same until somebody changes something.
fn status_hint(status: u16, of: &str) -> Option<String> {
    match status {
        300..=399 => Some(format!("Give the {of} the address that this one leads to.")),
        401 | 403 => Some(format!(
            "Look whether the {of}'s secret is still the right one, and may do this."
        )),
        404 | 410 => Some(format!(
            "Look whether the receiver is still there; give the {of} its new address."
        )),
        405 | 406 | 415 | 501 => Some(format!(
            "Look whether the {of}'s address is that of a receiver of this kind."
        )),
        _ => None,
    }
}

/// Whether an answer says that the one message is wrong, and not the channel.
pub(crate) fn is_refusal(status: u16) -> bool {
    matches!(status, 400 | 409 | 422)
}

/// The outcome of an HTTP answer. `secrets` were sent and are not repeated; `refusal` says of an answer whether it
/// refuses just this message.
pub(crate) fn judge(who: &str, answer: &Answer, secrets: &[&str], refusal: &dyn Fn(&Answer) -> bool) -> Outcome {
    if (200..300).contains(&answer.status) {
        return match whole(who, answer) {
            Ok(()) => Outcome::Delivered {
                detail: format!("{who} answered {}", answer.status),
            },
            Err(error) => Outcome::failed(error),
        };
    }
    match Outcome::failed(refused(who, answer, secrets)) {
        Outcome::Pause { error } if refusal(answer) => Outcome::Reject { error },
        other => other,
    }
}
