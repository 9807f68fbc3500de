//! What retention must come to, event by event, to compare a database with.
//!
//! The model knows no partitions, no plans and no moves: at each run it asks of every event by itself where
//! it has to be. It uses what a policy says ([`RetentionPolicy::class_of`], the days of each tier) and what a
//! hold says ([`Hold::holds`]), but none of the arithmetic in [`super::tier`] and [`super::plan`].
//!
//! Sinks are not part of it: a test in which a sink lags compares after it has caught up.

use super::age::DAY_US;
use super::hold::{Hold, HoldError, Outcome};
use super::plan::HoldReach;
use super::policy::RetentionPolicy;
use super::requirement::Requirement;
use super::tier::Tier;
use chrono::{DateTime, Datelike, NaiveDate};
use std::collections::{BTreeMap, BTreeSet};

/// An event, as far as retention looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What the test knows it by, such as its `log_index`.
    pub id: u64,
    /// Its type.
    pub event_type: String,
    /// Its `timestamp`: how old it is.
    pub timestamp: i64,
    /// From then on it is in the log.
    pub sealed_at: i64,
}

/// Which events a hold covers; the test evaluates the query as it likes.
pub type Covers = Box<dyn Fn(&Event) -> bool>;

/// Something that people do.
pub enum Change {
    /// Another policy.
    Policy(RetentionPolicy),
    /// A hold is placed.
    Place(Hold, Covers),
    /// Somebody asks for the release of a hold, or confirms it.
    Release {
        /// The hold.
        hold: String,
        /// Who.
        by: String,
        /// Is `auditlog.hold_four_eyes` on?
        four_eyes: bool,
    },
    /// Personal values of events are erased; they stay where they are.
    Erase(BTreeSet<u64>),
}

/// Ranges of time that move at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Months in UTC; all before 2020 is one.
    Months,
    /// Days in UTC.
    Days,
}

impl Span {
    /// The end (excluded) of the range that a time is in.
    pub fn end(self, time: i64) -> i64 {
        let day = DateTime::from_timestamp_micros(time).unwrap_or_default().date_naive();
        let end = match self {
            Span::Days => day.succ_opt(),
            Span::Months if day.year() < 2020 => NaiveDate::from_ymd_opt(2020, 1, 1),
            Span::Months => day
                .with_day(1)
                .and_then(|first| first.checked_add_months(chrono::Months::new(1))),
        };
        let midnight = end.and_then(|end| end.and_hms_opt(0, 0, 0));
        midnight.map_or(i64::MAX, |midnight| midnight.and_utc().timestamp_micros())
    }
}

/// Where all events are after a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// When the run was.
    pub at: i64,
    /// Ids of the events in each tier; those of [`Tier::Gone`] were removed, in this run or before.
    pub tiers: BTreeMap<Tier, BTreeSet<u64>>,
    /// Ids in each class, of events that are still there.
    pub classes: BTreeMap<String, BTreeSet<u64>>,
    /// Ids whose personal values are erased, of events that are still there.
    pub erased: BTreeSet<u64>,
}

impl Snapshot {
    /// The ids in a tier.
    pub fn tier(&self, tier: Tier) -> BTreeSet<u64> {
        self.tiers.get(&tier).cloned().unwrap_or_default()
    }
}

/// A log and what happens to it.
pub struct Model {
    /// All events that there will be.
    pub events: Vec<Event>,
    /// What people do, by time.
    pub changes: Vec<(i64, Change)>,
    /// The requirements that classifications name.
    pub requirements: Vec<Requirement>,
    /// What a hold keeps.
    pub reach: HoldReach,
    /// Ranges of the archive, where there is one (else what would be cold is warm); those of the log are months.
    pub archive: Option<Span>,
    /// Does what is warm get hot again when the policy has changed so?
    pub back_to_hot: bool,
}

impl Model {
    /// Runs retention at each of these times, which ascend; each run sees what was done until then.
    ///
    /// # Errors
    /// When a hold is released that is not there to be released.
    pub fn run(mut self, times: &[i64]) -> Result<Vec<Snapshot>, HoldError> {
        self.changes.sort_by_key(|(at, _)| *at);
        let mut coming = std::mem::take(&mut self.changes).into_iter().peekable();
        let mut state = State {
            policy: RetentionPolicy::default(),
            holds: Vec::new(),
            tiers: BTreeMap::new(),
            erased: BTreeSet::new(),
        };
        let mut found = Vec::new();
        for now in times {
            while let Some((at, change)) = coming.next_if(|(at, _)| at <= now) {
                state.change(at, change)?;
            }
            found.push(state.run(&self, *now));
        }
        Ok(found)
    }
}

struct State {
    policy: RetentionPolicy,
    holds: Vec<(Hold, Covers)>,
    /// Where each event is that has been seen.
    tiers: BTreeMap<u64, Tier>,
    erased: BTreeSet<u64>,
}

impl State {
    fn change(&mut self, at: i64, change: Change) -> Result<(), HoldError> {
        match change {
            Change::Policy(policy) => self.policy = policy,
            Change::Place(hold, covers) => self.holds.push((hold, covers)),
            Change::Release { hold, by, four_eyes } => {
                let known = self.holds.iter_mut().find(|(other, _)| other.name == hold);
                let (known, _) = known.ok_or(HoldError::NoRequest(hold))?;
                let _: Outcome = known.release(&by, "as the test says", four_eyes, at)?;
            }
            Change::Erase(ids) => {
                let there = |id: &u64| self.tiers.get(id) != Some(&Tier::Gone);
                self.erased.extend(ids.into_iter().filter(there));
            }
        }
        Ok(())
    }

    fn run(&mut self, model: &Model, now: i64) -> Snapshot {
        let before = |state: &State, event: &Event| state.tiers.get(&event.id).copied().unwrap_or(Tier::Hot);
        let present: Vec<&Event> = model
            .events
            .iter()
            .filter(|event| event.sealed_at <= now && before(self, event) != Tier::Gone)
            .collect();
        // ranges in which a hold covers something
        let range = |state: &State, event: &Event| {
            let tier = before(state, event);
            let span = model.archive.filter(|_| tier == Tier::Cold).unwrap_or(Span::Months);
            let class = state.policy.class_of(&event.event_type).name.clone();
            (class, tier, span.end(event.timestamp))
        };
        let covered = |event: &Event| self.holds.iter().any(|(hold, covers)| hold.holds(now) && covers(event));
        let held_ranges: BTreeSet<_> = present
            .iter()
            .filter(|event| covered(event))
            .map(|event| range(self, event))
            .collect();
        let mut next = BTreeMap::new();
        for event in &present {
            let range = range(self, event);
            let held = match model.reach {
                HoldReach::Rows => covered(event),
                HoldReach::Range => held_ranges.contains(&range),
            };
            let (_, tier, end) = range;
            let age_us = now - end;
            next.insert(event.id, self.place(model, event, tier, age_us, held));
        }
        self.tiers.extend(next);
        self.snapshot(model, now)
    }

    /// Where an event has to be, which is in `tier` and whose range ended `age_us` ago.
    fn place(&self, model: &Model, event: &Event, tier: Tier, age_us: i64, held: bool) -> Tier {
        let class = self.policy.class_of(&event.event_type);
        if age_us < 0 {
            return tier;
        }
        let days = age_us / DAY_US;
        let ends = [
            (Tier::Hot, class.tiers.hot),
            (Tier::Warm, class.tiers.warm),
            (Tier::Cold, class.tiers.cold),
        ];
        let ends = ends.map(|(tier, age)| (tier, if age.is_none() { 0 } else { i64::from(age.days()) }));
        let without_archive = |tier: Tier| {
            if tier == Tier::Cold && model.archive.is_none() {
                Tier::Warm
            } else {
                tier
            }
        };
        if let Some((wanted, _)) = ends.iter().find(|(_, end)| days < *end) {
            if model.back_to_hot && *wanted == Tier::Hot && tier == Tier::Warm {
                return Tier::Hot;
            }
            return tier.max(without_archive(*wanted));
        }
        let too_young = model.requirements.iter().any(|requirement| {
            let named = class.classification.iter().any(|name| requirement.id == *name);
            named && requirement.minimum_days.is_some_and(|least| days < i64::from(least))
        });
        if !held && !too_young {
            return Tier::Gone;
        }
        // the first tier that ends as late as any: where two end alike, the second is never used
        let life = ends.iter().map(|(_, end)| *end).max().unwrap_or(0);
        let last = ends
            .iter()
            .find(|(_, end)| *end == life)
            .map_or(Tier::Hot, |(tier, _)| *tier);
        tier.max(without_archive(last))
    }

    fn snapshot(&self, model: &Model, now: i64) -> Snapshot {
        let mut found = Snapshot {
            at: now,
            ..Snapshot::default()
        };
        for event in &model.events {
            let Some(tier) = self.tiers.get(&event.id) else {
                continue;
            };
            found.tiers.entry(*tier).or_default().insert(event.id);
            if *tier != Tier::Gone {
                let class = self.policy.class_of(&event.event_type).name.clone();
                found.classes.entry(class).or_default().insert(event.id);
                if self.erased.contains(&event.id) {
                    found.erased.insert(event.id);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
