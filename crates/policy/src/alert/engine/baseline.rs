//! What an alert about unusual events remembers.

use super::known::{Known, New};
use super::usual::{TooMany, Usual};
use super::{Limits, key};
use crate::alert::definition::Unusual;
use crate::alert::engine::window::Entry;
use crate::duration::Duration;
use auditlog_core::document::format_timestamp;

/// The past of an alert's groups.
#[derive(Debug)]
pub(super) enum Baseline {
    Count(Usual),
    Values(Known),
}

/// An unusual event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// Events of the period, or 1.
    pub count: u64,
    /// From how many on it is unusual.
    pub needed: u64,
    pub reason: String,
}

impl Baseline {
    pub fn new(unusual: &Unusual, limits: &Limits) -> Baseline {
        match unusual {
            Unusual::Count {
                every,
                history,
                sensitivity,
                ..
            } => Baseline::Count(Usual::new(every.us(), history.us(), *sensitivity)),
            Unusual::FirstSeen { after, .. } => Baseline::Values(Known::new(after.us(), limits.max_entries)),
        }
    }

    /// A matching event of a group; `value` is that of the field that is watched.
    pub fn observe(&mut self, unusual: &Unusual, group: &str, value: Option<&str>, entry: Entry) -> Option<Found> {
        match (self, unusual) {
            (Baseline::Count(usual), Unusual::Count { every, .. }) => {
                let found = usual.observe(group, entry)?;
                Some(Found {
                    count: u64::from(found.count),
                    needed: usual.limit(&found.level).floor() as u64 + 1,
                    reason: too_many(&found, *every),
                })
            }
            (Baseline::Values(known), Unusual::FirstSeen { field, .. }) => {
                let value = value?;
                let new = known.observe(group, key::hash(value), entry.arrived_us)?;
                Some(Found {
                    count: 1,
                    needed: 1,
                    reason: first_seen(field.name(), value, new),
                })
            }
            _ => None,
        }
    }

    pub fn groups(&self) -> usize {
        match self {
            Baseline::Count(usual) => usual.groups.len(),
            Baseline::Values(known) => known.groups.len(),
        }
    }

    /// Periods or values in memory.
    pub fn entries(&self) -> usize {
        match self {
            Baseline::Count(usual) => usual.groups.values().map(|periods| periods.counts.len()).sum(),
            Baseline::Values(known) => known.groups.values().map(|values| values.seen.len()).sum(),
        }
    }

    /// Values that went because there were too many.
    pub fn dropped(&self) -> u64 {
        match self {
            Baseline::Count(_) => 0,
            Baseline::Values(known) => known.dropped,
        }
    }

    pub fn sweep(&mut self, clock_us: i64) {
        match self {
            Baseline::Count(usual) => usual.sweep(clock_us),
            Baseline::Values(known) => known.sweep(clock_us),
        }
    }

    /// Gives up a group: one that is still being learnt before one that is known.
    pub fn give_up(&mut self) -> bool {
        match self {
            Baseline::Count(usual) => usual.groups.give_up(),
            Baseline::Values(known) => known.groups.give_up(),
        }
    }
}

fn too_many(found: &TooMany, every: Duration) -> String {
    let TooMany { count, level } = found;
    let above = (f64::from(*count) - level.median) / level.scale;
    format!(
        "{count} events in a period of {}; usual are {} (the median of {} periods before), and this is {above:.1} robust standard deviations of {:.1} above",
        every.words(),
        level.median,
        level.periods,
        level.scale
    )
}

fn first_seen(field: &str, value: &str, new: New) -> String {
    let value = key::shown(value.to_owned());
    format!(
        "{field} is {value:?} for the first time; {} other value{} known since {}",
        new.known,
        if new.known == 1 { " is" } else { "s are" },
        format_timestamp(new.since_us)
    )
}
