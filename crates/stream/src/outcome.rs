//! What came of a batch, by one rule for all kinds.
//!
//! | answer | outcome |
//! | --- | --- |
//! | 2xx | delivered |
//! | 408, 425, 429, 5xx but 501; a network's fault; no answer by the deadline | retry, not before `Retry-After` |
//! | 413 | split |
//! | 400, 409, 422 that names an event | reject that one |
//! | 400, 409, 422 without | bisect, down to the one that is refused |
//! | everything else: 401, 403, 404, 410, a redirect, TLS, an address that is not allowed, a missing secret | pause |

use std::time::Duration;

use auditlog_notify::Failure;
use auditlog_notify::breaker::Breaker;
use auditlog_sink::client::{Answer, excerpt, refused, whole};
use auditlog_sink::{DeliveryError, FailureKind};

/// What to do after a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Go on, behind [`Sent::delivered`].
    Delivered,
    /// It may pass by itself: try again, without a limit of attempts ([`auditlog_notify::breaker::wait`]). Some of it may
    /// have arrived.
    Retry {
        /// The least time to wait, as the other side asked for.
        after: Option<Duration>,
        /// What happened.
        error: Failure,
    },
    /// It is too large: send halves. [`crate::Driver`] does.
    Split {
        /// What happened.
        error: Failure,
    },
    /// The event at this place of the batch is refused, whether those before it have arrived is not known.
    /// [`crate::Driver`] sends the others.
    Reject {
        /// Counted from 0.
        index: usize,
        /// What happened.
        error: Failure,
    },
    /// Some event is refused, and which one is not said. [`crate::Driver`] looks for it.
    Bisect {
        /// What happened.
        error: Failure,
    },
    /// A connection without acknowledgements has broken, and the last events that had counted as safe may be lost with it:
    /// send this many before the position again, at once.
    Rewind {
        /// How many, at most [`crate::Stream::window`].
        events: usize,
    },
    /// Nothing passes until somebody changes something, here or there: keep the position, tell, and probe rarely.
    Pause {
        /// What happened.
        error: Failure,
    },
}

impl Outcome {
    /// What happened, unless all went well.
    pub fn error(&self) -> Option<&Failure> {
        match self {
            Self::Delivered | Self::Rewind { .. } => None,
            Self::Retry { error, .. }
            | Self::Split { error }
            | Self::Reject { error, .. }
            | Self::Bisect { error }
            | Self::Pause { error } => Some(error),
        }
    }

    /// Its name, in lower case.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retry { .. } => "retry",
            Self::Split { .. } => "split",
            Self::Reject { .. } => "reject",
            Self::Bisect { .. } => "bisect",
            Self::Rewind { .. } => "rewind",
            Self::Pause { .. } => "pause",
        }
    }

    /// The sink's circuit breaker after this.
    #[must_use]
    pub fn breaker(&self, before: Breaker, now_us: i64) -> Breaker {
        match self {
            Self::Retry { after, .. } => before.failed(now_us, *after),
            Self::Pause { .. } => before.paused(now_us),
            _ => before.succeeded(),
        }
    }

    pub(crate) fn retry(error: Failure) -> Self {
        Self::Retry { after: None, error }
    }

    pub(crate) fn pause(error: Failure) -> Self {
        Self::Pause { error }
    }

    /// What a failure of the network means, or an answer without success.
    pub(crate) fn failed(error: DeliveryError) -> Self {
        let (kind, status) = (error.kind, error.status);
        let failure = Failure::of_delivery(error, "sink");
        match (kind, status) {
            (_, Some(413)) => Self::Split { error: failure },
            (FailureKind::Retry { after }, _) => Self::Retry { after, error: failure },
            (_, Some(400 | 409 | 422)) => Self::Bisect { error: failure },
            (FailureKind::Permanent | FailureKind::Conflict { .. }, _) => Self::Pause { error: failure },
        }
    }
}

/// The answer's text for people when it is a success, or the outcome. `secrets` were sent and are not repeated.
pub(crate) fn judge(who: &str, answer: &Answer, secrets: &[&str]) -> Result<String, Outcome> {
    if (200..300).contains(&answer.status) {
        whole(who, answer).map_err(Outcome::failed)?;
        return Ok(said(who, answer, secrets));
    }
    Err(Outcome::failed(refused(who, answer, secrets)))
}

/// What was answered, for people.
pub(crate) fn said(who: &str, answer: &Answer, secrets: &[&str]) -> String {
    if answer.body.is_empty() {
        return format!("{who} answered {}", answer.status);
    }
    format!("{who} answered {}: {}", answer.status, excerpt(&answer.body, secrets))
}

/// An event that is given up, to be kept where somebody finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in the batch, counted from 0.
    pub index: usize,
    /// Why, with the other side's answer: lower case, no full stop, no secret.
    pub reason: String,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// How many events from the begin of the batch are done with: they have arrived, or are among `rejected`. The position
    /// may go on behind them.
    pub delivered: usize,
    /// Those of them that are given up.
    pub rejected: Vec<Rejected>,
    /// What to do now.
    pub outcome: Outcome,
    /// What the other side has said last, or the error: one line of at most 2 kB without secrets.
    pub answer: String,
}

/// The most bytes of [`Sent::answer`].
const MAX_ANSWER: usize = 2_000;

impl Sent {
    /// All of a batch has arrived.
    pub(crate) fn all(count: usize, answer: String) -> Self {
        Self::part(count, Outcome::Delivered, answer)
    }

    /// Some have arrived.
    pub(crate) fn part(delivered: usize, outcome: Outcome, answer: String) -> Self {
        let mut answer = answer;
        if answer.len() > MAX_ANSWER {
            answer.truncate(
                (0..=MAX_ANSWER)
                    .rev()
                    .find(|end| answer.is_char_boundary(*end))
                    .unwrap_or(0),
            );
        }
        Self {
            delivered,
            rejected: Vec::new(),
            outcome,
            answer,
        }
    }

    /// `delivered` have arrived, and then something came between.
    pub(crate) fn stopped(delivered: usize, outcome: Outcome) -> Self {
        let answer = outcome.error().map_or_else(String::new, |error| error.message.clone());
        Self::part(delivered, outcome, answer)
    }

    /// What came of a batch of `count` events that counts as a whole.
    pub(crate) fn whole(count: usize, result: Result<String, Outcome>) -> Self {
        match result {
            Ok(answer) => Self::all(count, answer),
            Err(outcome) => Self::stopped(0, outcome),
        }
    }
}
