//! What an alert is: read from YAML or JSON, shown as canonical JSON and in words.
//!
//! ```yaml
//! name: "Multiple Failed Login Attempts"
//! description: "Somebody guesses a password."       # optional, as all but name and condition
//! enabled: true
//! condition: "event_type:authentication.login AND status:failed"   # the query language
//! threshold:                     # without it every event fires
//!   count: 5
//!   window: 5m
//!   group_by: actor.email        # or a list
//!   distinct: actor.ip_address   # counts values instead of events
//!   all_of: ["a:b", "c:d"]       # instead of count and distinct: an event for each of these queries
//! suppress: 1h                   # quiet time of a group; the window unless given
//! resolve_after: 30m
//! schedule: {days: [mon-fri], hours: "08:00-18:00", timezone: Europe/Berlin, outside: true}
//! labels: {team: security}
//! notification:
//!   channels: [email, slack]
//!   recipients: [security@company.com]
//!   severity: high
//!   template: "…"
//! ```
//!
//! Instead of `threshold`, `unusual` compares with what was usual: see [`Unusual`].

mod describe;
mod error;
mod json;
pub mod keys;
mod queries;
mod read;
#[cfg(test)]
mod tests;

pub use error::{DefinitionError, Fault};
pub use queries::Queries;

use crate::alert::field::Field;
use crate::alert::schedule::Schedule;
use crate::duration::Duration;
use auditlog_core::event::Severity;
use auditlog_query::CheckOptions;

/// Most characters of a name.
pub const MAX_NAME_CHARS: usize = 200;

/// Greatest `count`: as many entries may be held in memory for each group.
pub const MAX_COUNT: u32 = 100_000;

/// Longest window and quiet time, in seconds: so much of the log may be read again after a restart.
pub const MAX_WINDOW_SECONDS: i64 = 31 * 86_400;

/// Most queries of `all_of`.
pub const MAX_QUERIES: usize = 16;

/// Most fields to group by.
pub const MAX_GROUP_FIELDS: usize = 8;

/// An alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// 1 to [`MAX_NAME_CHARS`] characters, no control characters.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Is it evaluated?
    pub enabled: bool,
    /// A query: which events it is about. With `all_of` it may be left out, and is `*` then: it narrows those queries.
    pub condition: String,
    /// When such events are worth a word.
    pub rule: Rule,
    /// Quiet time of a group, as far as it is given; [`Definition::quiet`] is what counts.
    pub suppress: Option<Duration>,
    /// A firing is over when no event of its group has matched for so long.
    pub resolve_after: Option<Duration>,
    /// When it is evaluated, by the events' own times.
    pub schedule: Option<Schedule>,
    /// Names and texts for people and routing.
    pub labels: Vec<(String, String)>,
    /// Who is told.
    pub notification: Option<Notification>,
}

/// When matching events make an alert fire.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// So many in so short a time.
    Threshold(Threshold),
    /// More than usual, or something new.
    Unusual(Unusual),
}

/// So many matching events, or values, of a group inside a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// 1 to [`MAX_COUNT`]; with `all_of` the number of its queries.
    pub count: u32,
    /// How near to each other in time; none only where `count` is 1: then every event fires.
    pub window: Option<Duration>,
    /// Each combination of their values is a group that is counted by itself.
    pub group_by: Vec<Field>,
    /// Different values of this field are counted instead of events.
    pub distinct: Option<Field>,
    /// Instead of events, those of these queries are counted that an event has matched: none, or 2 to [`MAX_QUERIES`] different
    /// ones.
    pub all_of: Vec<String>,
}

/// A comparison with the group's own past.
#[derive(Debug, Clone, PartialEq)]
pub enum Unusual {
    /// A period has many more events of a group than its periods usually have.
    Count {
        /// Each combination of their values has a history of its own.
        count_by: Vec<Field>,
        /// Length of a period.
        every: Duration,
        /// How far back it is compared.
        history: Duration,
        /// How many robust standard deviations above the median are unusual.
        sensitivity: f64,
    },
    /// A value that the group never had before.
    FirstSeen {
        /// The field whose values are remembered.
        field: Field,
        /// Each combination of their values remembers its own.
        by: Vec<Field>,
        /// How long a group is watched before anything is new.
        after: Duration,
    },
}

/// Who is told, and how loud.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notification {
    /// Names of channels.
    pub channels: Vec<String>,
    /// Addresses, for channels that want some.
    pub recipients: Vec<String>,
    /// How grave a firing is.
    pub severity: Option<Level>,
    /// Text of the message.
    pub template: Option<String>,
}

/// A severity by any of its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// As it was written: `high` stays `high`.
    pub written: String,
    /// What it means: `low` is notice, `medium` is warning, `high` is error.
    pub severity: Severity,
}

impl Definition {
    /// Reads YAML or JSON; conditions that name saved queries need [`Definition::parse_with`].
    pub fn parse(text: &str) -> Result<Definition, DefinitionError> {
        Definition::parse_with(text, &CheckOptions::default())
    }

    /// Reads YAML or JSON; the condition is checked with these options.
    pub fn parse_with(text: &str, options: &CheckOptions<'_>) -> Result<Definition, DefinitionError> {
        read::definition(text, options)
    }

    /// How long a group is quiet after a firing: `suppress`, else the window, or the period of an unusual
    /// count; none where every event, or every new value, is a firing.
    pub fn quiet(&self) -> Option<Duration> {
        self.suppress.or(match &self.rule {
            Rule::Threshold(threshold) => threshold.window,
            Rule::Unusual(Unusual::Count { every, .. }) => Some(*every),
            Rule::Unusual(Unusual::FirstSeen { .. }) => None,
        })
    }

    /// The fields whose values make a group.
    pub fn group_by(&self) -> &[Field] {
        match &self.rule {
            Rule::Threshold(threshold) => &threshold.group_by,
            Rule::Unusual(Unusual::Count { count_by, .. }) => count_by,
            Rule::Unusual(Unusual::FirstSeen { by, .. }) => by,
        }
    }

    /// How grave a firing is; warning unless given.
    pub fn severity(&self) -> Severity {
        let level = self
            .notification
            .as_ref()
            .and_then(|notification| notification.severity.as_ref());
        level.map_or(Severity::Warning, |level| level.severity)
    }

    /// The canonical form: keys in a fixed order, only what is set. Reading it gives the same definition.
    pub fn to_json(&self) -> serde_json::Value {
        json::to_json(self)
    }

    /// In words, a sentence each.
    pub fn describe(&self) -> Vec<String> {
        describe::describe(self)
    }
}

impl Threshold {
    /// What is counted, in words.
    pub fn counted(&self) -> String {
        match &self.distinct {
            _ if !self.all_of.is_empty() => "matched queries".to_owned(),
            Some(field) => format!("different values of {}", field.name()),
            None => "events".to_owned(),
        }
    }
}

impl Default for Threshold {
    fn default() -> Threshold {
        Threshold {
            count: 1,
            window: None,
            group_by: Vec::new(),
            distinct: None,
            all_of: Vec::new(),
        }
    }
}
