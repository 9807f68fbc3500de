//! What the engine says.

use super::baseline::Found;
use super::window::{Entry, Full};
use crate::alert::definition::{Rule, Threshold, Unusual};
use crate::duration::Duration;
use chrono::TimeDelta;
use std::collections::BTreeSet;

/// Most events named in a firing.
pub const MAX_SAMPLES: usize = 10;

/// An event, by its own time and its place in the log. Ordered by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// When it happened, microseconds since the epoch.
    pub at_us: i64,
    /// Position in the log.
    pub log_index: i64,
}

impl Moment {
    pub(super) fn of(entry: &Entry) -> Moment {
        Moment {
            at_us: entry.at_us,
            log_index: entry.log_index,
        }
    }
}

/// An alert fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// Which alert.
    pub alert: i64,
    /// The group: names of fields and their values; long values are cut and end with a hash.
    pub group: Vec<(String, Option<String>)>,
    /// A text for the group, the same for every firing of it and no other: at most [`super::MAX_KEY_BYTES`] bytes.
    pub key: String,
    /// What was counted: events, different values, queries of `all_of`, or events of an unusual period.
    pub count: u64,
    /// How many of that were needed.
    pub needed: u64,
    /// Within which time; none when every event fires.
    pub window: Option<Duration>,
    /// Events that were counted and are known: of an unusual period only the last one is.
    pub events: u64,
    /// The earliest of them.
    pub first: Moment,
    /// The latest of them.
    pub last: Moment,
    /// The event that completed the firing: the last to arrive.
    pub completed: Moment,
    /// When that arrived, by the engine's clock, microseconds since the epoch.
    pub arrived_us: i64,
    /// Positions of up to [`MAX_SAMPLES`] of the events in the order of time, first and last included; with `all_of`, the first for each
    /// query, too.
    pub samples: Vec<i64>,
    /// Why, in words.
    pub reason: String,
}

/// A group has not matched for the time of `resolve_after`: its firings are over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Which alert.
    pub alert: i64,
    /// Which group.
    pub key: String,
    /// When an event of it arrived last, microseconds since the epoch.
    pub last_match_us: i64,
}

/// More was counted into a firing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Which alert.
    pub alert: i64,
    /// Which group.
    pub key: String,
    /// The event that completed the firing.
    pub completed: Moment,
    /// All events counted into it.
    pub events: u64,
    /// The latest of them.
    pub last: Moment,
    /// When an event of the group arrived last, microseconds since the epoch.
    pub last_match_us: i64,
}

/// A firing of before a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Which alert.
    pub alert: i64,
    /// Which group: [`Firing::key`].
    pub key: String,
    /// [`Firing::completed`]
    pub completed: Moment,
    /// [`Firing::arrived_us`]
    pub arrived_us: i64,
    /// All events counted into it: [`Firing::events`], or that of its last [`Update`].
    pub events: u64,
    /// The latest of them.
    pub last: Moment,
    /// When an event of the group arrived last: [`Firing::arrived_us`], or [`Update::last_match_us`].
    pub last_match_us: i64,
    /// Has it not been resolved yet?
    pub open: bool,
}

/// What became of an alert since it was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Events that matched.
    pub matched: u64,
    /// Firings.
    pub fired: u64,
    /// Groups in memory.
    pub groups: usize,
    /// Events in memory.
    pub entries: usize,
    /// Groups given up because there were too many: firings may be missing.
    pub lost_groups: u64,
    /// Events of groups dropped because there were too many: matters to events that come late only.
    pub dropped_entries: u64,
}

pub(super) fn firing(
    alert: i64,
    (key, group): (String, Vec<(String, Option<String>)>),
    full: &Full,
    entry: Entry,
    rule: &Rule,
    found: Option<Found>,
) -> Firing {
    let (first, last) = (
        full.entries.first().unwrap_or(&entry),
        full.entries.last().unwrap_or(&entry),
    );
    let took_us = last.at_us.saturating_sub(first.at_us);
    let (needed, window) = match rule {
        Rule::Threshold(threshold) => (u64::from(threshold.count), threshold.window),
        Rule::Unusual(Unusual::Count { every, .. }) => (1, Some(*every)),
        Rule::Unusual(Unusual::FirstSeen { .. }) => (1, None),
    };
    Firing {
        alert,
        group,
        key,
        count: found.as_ref().map_or(full.count as u64, |found| found.count),
        needed: found.as_ref().map_or(needed, |found| found.needed),
        window,
        events: full.entries.len() as u64,
        first: Moment::of(first),
        last: Moment::of(last),
        completed: Moment::of(&entry),
        arrived_us: entry.arrived_us,
        samples: samples(full),
        reason: match (found, rule) {
            (Some(found), _) => found.reason,
            (None, Rule::Threshold(threshold)) => reason(full, threshold, took_us),
            (None, Rule::Unusual(_)) => String::new(),
        },
    }
}

fn samples(full: &Full) -> Vec<i64> {
    let (count, end) = (
        full.entries.len().min(MAX_SAMPLES),
        full.entries.len().saturating_sub(1),
    );
    let even = (0..count).map(|n| n * end / count.saturating_sub(1).max(1));
    let mut chosen = BTreeSet::new();
    for at in [0, end].into_iter().chain(full.telling.iter().copied()).chain(even) {
        if chosen.len() < count {
            chosen.insert(at);
        }
    }
    let indexes = chosen.into_iter().filter_map(|at| full.entries.get(at));
    indexes.map(|entry| entry.log_index).collect()
}

/// «5 events within 3 minutes and 2 seconds; 5 within 5 minutes are enough»
fn reason(full: &Full, threshold: &Threshold, took_us: i64) -> String {
    let Some(window) = threshold.window else {
        return "every event that matches fires".to_owned();
    };
    let took = match Duration::from_seconds(TimeDelta::microseconds(took_us).num_seconds()) {
        None => "less than a second".to_owned(),
        Some(took) => took.words(),
    };
    if !threshold.all_of.is_empty() {
        return format!(
            "all {} queries are matched by {} within {took}; {} is enough",
            full.count,
            events(full.entries.len()),
            window.words()
        );
    }
    let what = match &threshold.distinct {
        Some(field) => format!(
            "{} different values of {} in {}",
            full.count,
            field.name(),
            events(full.entries.len())
        ),
        None => events(full.count),
    };
    format!(
        "{what} within {took}; {} within {} are enough",
        threshold.count,
        window.words()
    )
}

fn events(n: usize) -> String {
    format!("{n} event{}", if n == 1 { "" } else { "s" })
}
