//! Exceptions: what a reviewer must look at first among the events of a control.

use super::parameter::Parameters;
use crate::model::Severity;
use auditlog_policy::duration::Duration;
use std::fmt;

/// A kind of events that must be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// For programs, unique in the control: `self_grant`.
    pub kind: String,
    /// How bad.
    pub severity: Severity,
    /// Which events of the population it is about: a query in which `$name` stands for a parameter.
    pub query: String,
    /// What such an event, or such a group of events, is: a phrase in lower case without a full stop.
    pub text: String,
    /// What else must hold.
    pub trigger: Trigger,
}

/// What makes events that match an exception's query a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Each is one.
    Each,
    /// Only together: so many with the same values of the fields within a length of time (a window that slides).
    Burst {
        /// Fields whose values tell groups apart.
        per: Vec<String>,
        /// How many, from 2 on: a number or a parameter that counts events.
        at_least: super::Bound,
        /// Within which time, both ends included.
        within: Span,
    },
    /// Both fields have the same value: whoever granted has also received.
    Same([String; 2]),
    /// It came late: more than the length of time after the moment that its field names.
    Late {
        /// Path of a time in the event.
        after: String,
        /// How much later is still good.
        within: Span,
    },
    /// Nothing followed: no event of the other query with the same values came within the time. What is not yet due at the end of the
    /// period is no finding.
    Unanswered {
        /// What should have followed, among all events of the control: a query.
        by: String,
        /// Fields whose values belong together.
        per: Vec<String>,
        /// Within which time.
        within: Span,
    },
}

/// A length of time, or a parameter that is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// `1h`
    Fixed(Duration),
    /// `$removal_hours`
    Parameter(String),
}

impl Span {
    /// Microseconds; none when the parameter is unknown or no length of time.
    pub fn microseconds(&self, parameters: &Parameters) -> Option<i64> {
        match self {
            Span::Fixed(duration) => Some(duration.us()),
            Span::Parameter(name) => parameters.microseconds(name),
        }
    }

    /// In words, such as «24 hours».
    pub fn words(&self, parameters: &Parameters) -> String {
        let found = match self {
            Span::Fixed(duration) => Some(*duration),
            Span::Parameter(_) => self
                .microseconds(parameters)
                .and_then(|us| Duration::from_seconds(us / 1_000_000)),
        };
        found.map_or_else(|| "no time".to_owned(), Duration::words)
    }
}

/// As it is written.
impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Span::Fixed(duration) => duration.fmt(out),
            Span::Parameter(name) => write!(out, "${name}"),
        }
    }
}

impl Exception {
    /// The query that is run: events of the population that match, parameters with their values.
    ///
    /// `population` is the control's, expanded.
    pub fn within(&self, population: &str, parameters: &Parameters) -> String {
        let own = parameters.expand(&self.query);
        match population.trim() {
            "" | "*" => own,
            population => format!("({population}) AND ({own})"),
        }
    }
}
