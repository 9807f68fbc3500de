//! Says when alerts fire, over the sealed log in the order of `log_index`.
//!
//! # What counts together
//!
//! An event has two times: when it happened, as it says itself (`timestamp`), and when it arrived. The engine's clock is the
//! latest arrival so far; an event that arrives «earlier» because the machine's clock went back arrives now. So:
//!
//! - Two events *count together* when their own times differ by less than `window` **and** their arrivals differ by less than
//!   `window` + [`Limits::lateness_us`]. The first makes a delayed delivery or a backfill count where it belongs; the second bounds
//!   memory by a clock that nobody who records events can set.
//! - A window has its beginning and not its end: with `window: 5m`, events exactly 5 minutes apart do not count together.
//! - An alert *fires* with the event that completes a set of `count` events of one group, any two of which count together
//!   (with `distinct`: a set with `count` different values of that field; an event without a value does not count). That is the
//!   event that arrives last, whatever its own time. [`Firing::count`] is that of the fullest such set.
//! - With `all_of` it is a set in which each of the queries is matched by some event, in any order. One event may match several, even all.
//!   What is counted, as different values are, is the queries; an event that matches none of them, or not the condition, does not match.
//! - Events are not used up. After the quiet time, what has been counted for a firing counts for the next one, too, as far as it
//!   still counts together with new events.
//!
//! # Groups
//!
//! Each combination of values of `group_by` is counted by itself. A value that is missing, null or empty is a value, as in SQL's
//! GROUP BY: all such events are one group. A list is its JSON text. Case counts.
//!
//! # Quiet times
//!
//! A firing at the event time t makes its group quiet from t − `suppress` to t + `suppress` (both exclusive), in event time. An
//! event in there does not fire; it is counted into the firing ([`Engine::updates`]). It is quiet on both sides, so that the
//! late events of one attack are no second firing, while events of another day, which a backfill brings, fire by themselves.
//! A firing is remembered for that until `suppress` + lateness after its arrival.
//!
//! # The end of a firing
//!
//! With `resolve_after` a group that has fired is *resolved* when no event of it has matched for so long, by arrival
//! ([`Engine::tick`]). Quiet times go on.
//!
//! # Conditions, hours
//!
//! `now` in a condition is the event's arrival. A `schedule` is asked for the event's own time. An event outside of it does not
//! match. An event whose content was erased is what is left of it.
//!
//! # What is unusual
//!
//! Alerts with `unusual` compare an event with the past of its group: `usual` (how many events a period has) and `known` (values that
//! the group has had) say how. An unusual event fires, and is quiet, as one that completes a set. What they remember goes
//! further back than a log would be read again; so it is stored ([`Engine::state_json`], [`Engine::restore_state`]).
//!
//! # A restart
//!
//! The caller keeps, with its position and in the same transaction, [`Engine::horizon`] and the firings. Then: [`Engine::set_alert`] with
//! the same `since`, [`Engine::restore_firing`] for each firing that is open or younger than its alert's `suppress` + lateness, [`Engine::start`] with
//! the horizon, [`Engine::observe`] with `replay` for all events from the horizon to the position; then on with what is new. The
//! firings are those that there would have been without the restart, as long as nothing was given up for want of memory.
//!
//! With [`Engine::state_json`], stored now and then, less of the log must be read: [`Engine::restore_state`] says from where.
//!
//! # Bounds
//!
//! - Of each group the newest [`Limits::max_entries`] events are kept (at least `count`; with `all_of` always the newest for each query). Events that arrive in the order of their
//!   times always fire as if all were kept; fewer may be seen by one that arrives late ([`Stats::dropped_entries`]).
//! - Over [`Limits::max_groups`] the alert with most groups gives one up: with a single event before with several before fired,
//!   among those the one that matched longest ago. A flood of invented groups pushes out itself first. What is given up is
//!   counted ([`Stats::lost_groups`]) and worth an alarm.

mod alert;
mod baseline;
mod clock;
mod counter;
mod groups;
mod key;
mod known;
mod needs;
mod report;
mod state;
mod terms;
#[cfg(test)]
mod tests;
mod usual;
mod window;

pub use clock::Horizon;
pub use key::MAX_KEY_BYTES;
pub use known::FORGET_DAYS;
pub use report::{Firing, MAX_SAMPLES, Moment, Resolved, Restored, Stats, Update};
pub use state::{Part, StateError};
pub use usual::{MIN_COUNT, MIN_PERIODS};

use crate::alert::definition::{Definition, Rule};
use alert::{Alert, about};
use auditlog_query::eval::Document;
use auditlog_query::{CheckOptions, QueryError};
use baseline::Baseline;
use clock::Clock;
use counter::Counter;
use needs::{Index, Need};
use terms::Terms;
use window::{Counted, Entry, Measure};

/// What the engine may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Groups of all alerts together; at least 1.
    pub max_groups: usize,
    /// Events of a group that are kept. Each takes 24 bytes, with `distinct` or `all_of` 40 and some.
    pub max_entries: usize,
    /// By how much events may come later than others and still count with them, microseconds.
    pub lateness_us: i64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_groups: 100_000,
            max_entries: 256,
            lateness_us: 3_600_000_000,
        }
    }
}

/// What the engine must know of an event besides its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Position in the log.
    pub log_index: i64,
    /// When it happened, microseconds since the epoch.
    pub timestamp_us: i64,
    /// When it was sealed, microseconds since the epoch.
    pub arrived_us: i64,
    /// Was it seen before the restart? Then nothing fires.
    pub replay: bool,
}

/// Evaluates alerts. See the module's documentation for what that means.
#[derive(Debug)]
pub struct Engine {
    limits: Limits,
    /// In the order of their ids.
    alerts: Vec<Alert>,
    terms: Terms,
    /// How many there were when they were built.
    terms_in_use: usize,
    /// None when the alerts have changed.
    index: Option<Index>,
    clock: Clock,
    /// The last event.
    last_index: i64,
    /// Of all alerts.
    groups: usize,
    /// How long events matter, for the alert that needs it longest.
    reach_us: i64,
    candidates: Vec<u32>,
}

/// Terms of alerts that are gone are cleared away when there are more than these and twice those in use.
const MIN_STALE_TERMS: usize = 1_000;

impl Engine {
    /// An engine without alerts.
    pub fn new(limits: Limits) -> Engine {
        Engine {
            limits: Limits {
                max_groups: limits.max_groups.max(1),
                lateness_us: limits.lateness_us.max(0),
                ..limits
            },
            alerts: Vec::new(),
            terms: Terms::default(),
            terms_in_use: 0,
            index: None,
            clock: Clock::default(),
            last_index: -1,
            groups: 0,
            reach_us: 0,
            candidates: Vec::new(),
        }
    }

    /// Goes on after a restart: the clock shows what it showed at the horizon.
    pub fn start(&mut self, horizon: Horizon) {
        self.clock.start(horizon);
    }

    /// Adds an alert, or replaces it; one that is not enabled is removed. It is about events from the position
    /// `since` on. What it has counted is kept when only words, labels or recipients have changed.
    ///
    /// # Errors
    /// The condition is wrong under these options: a saved query may have changed.
    pub fn set_alert(
        &mut self,
        id: i64,
        definition: &Definition,
        options: &CheckOptions<'_>,
        since: i64,
    ) -> Result<(), QueryError> {
        if !definition.enabled {
            self.remove_alert(id);
            return Ok(());
        }
        let queries = definition.queries(options)?;
        let condition = queries.whole();
        let mut alert = Alert {
            id,
            since,
            term: 0,
            need: Need::of(&condition.node),
            condition,
            all_of: queries.all_of.into_iter().map(|query| (query, 0)).collect(),
            rule: definition.rule.clone(),
            schedule: definition.schedule.clone(),
            about: about(definition, since),
            counter: self.counter(definition),
            baseline: None,
            seen_to: i64::MIN,
            matched: 0,
            fired: 0,
            lost_groups: 0,
        };
        alert.add_to(&mut self.terms);
        alert.baseline = alert.empty_baseline(&self.limits);
        match self.alerts.binary_search_by_key(&id, |alert| alert.id) {
            Ok(at) if self.alerts[at].counts_as(&alert) => return Ok(()),
            Ok(at) => {
                let before = std::mem::replace(&mut self.alerts[at], alert);
                self.groups -= before.groups();
            }
            Err(at) => self.alerts.insert(at, alert),
        }
        self.changed();
        Ok(())
    }

    /// Removes an alert; says whether it was there.
    pub fn remove_alert(&mut self, id: i64) -> bool {
        let Some(at) = self.find(id) else { return false };
        let alert = self.alerts.remove(at);
        self.groups -= alert.groups();
        self.changed();
        true
    }

    /// An event of the log; the next one has a greater `log_index`. Adds what fires, in the order of alerts.
    pub fn observe<'a, D: Document<'a>>(&mut self, event: Seen, document: D, out: &mut Vec<Firing>) {
        let entry = Entry {
            at_us: event.timestamp_us,
            arrived_us: self.clock.arrive(event.log_index, event.arrived_us, self.reach_us),
            log_index: event.log_index,
        };
        self.last_index = event.log_index;
        self.terms.next_event();
        let alerts = &self.alerts;
        let index = self
            .index
            .get_or_insert_with(|| Index::build(alerts.iter().map(|alert| alert.need.as_ref())));
        let mut candidates = std::mem::take(&mut self.candidates);
        index.find(document, &mut candidates);
        for number in &candidates {
            let alert = &mut self.alerts[*number as usize];
            if event.log_index < alert.since
                || alert
                    .schedule
                    .as_ref()
                    .is_some_and(|schedule| !schedule.contains(entry.at_us))
                || !self.terms.holds(alert.term, document, entry.arrived_us)
            {
                continue;
            }
            let before = alert.groups();
            let queries = alert.queries(&mut self.terms, document, entry.arrived_us);
            out.extend(alert.matched(entry, document, queries, event.replay));
            self.groups = self.groups + alert.groups() - before;
            if self.groups > self.limits.max_groups {
                self.give_up();
            }
        }
        self.candidates = candidates;
    }

    /// It is now `now_us`: adds the firings that are over, and clears memory. To be called every second or so.
    pub fn tick(&mut self, now_us: i64, out: &mut Vec<Resolved>) {
        let clock_us = self.clock.now_us();
        let now_us = now_us.max(clock_us);
        for alert in &mut self.alerts {
            let before = alert.groups();
            alert.counter.resolve(alert.id, now_us, out);
            alert.counter.sweep(clock_us);
            if let Some(baseline) = &mut alert.baseline {
                baseline.sweep(clock_us);
            }
            self.groups = self.groups + alert.groups() - before;
        }
    }

    /// Adds what has been counted into firings since the last call.
    pub fn updates(&mut self, out: &mut Vec<Update>) {
        for alert in &mut self.alerts {
            alert.counter.updates(alert.id, out);
        }
    }

    /// From where the log must be read again after a restart; none before the first event.
    pub fn horizon(&self) -> Option<Horizon> {
        self.clock.horizon(self.reach_us)
    }

    /// A firing of before a restart; false when there is no such alert. Those that matched earlier come first.
    pub fn restore_firing(&mut self, firing: &Restored) -> bool {
        let Some(at) = self.find(firing.alert) else {
            return false;
        };
        let alert = &mut self.alerts[at];
        let before = alert.groups();
        alert.counter.restore(firing);
        self.groups = self.groups + alert.groups() - before;
        if self.groups > self.limits.max_groups {
            self.give_up();
        }
        true
    }

    /// What became of an alert.
    pub fn stats(&self, id: i64) -> Option<Stats> {
        let alert = &self.alerts[self.find(id)?];
        Some(Stats {
            matched: alert.matched,
            fired: alert.fired,
            groups: alert.groups(),
            entries: alert.counter.entries() + alert.baseline.as_ref().map_or(0, Baseline::entries),
            lost_groups: alert.lost_groups,
            dropped_entries: alert.counter.dropped + alert.baseline.as_ref().map_or(0, Baseline::dropped),
        })
    }

    /// Groups of all alerts.
    pub fn groups(&self) -> usize {
        self.groups
    }

    fn find(&self, id: i64) -> Option<usize> {
        self.alerts.binary_search_by_key(&id, |alert| alert.id).ok()
    }

    fn counter(&self, definition: &Definition) -> Counter {
        let late = |us: i64| us.saturating_add(self.limits.lateness_us);
        let measure = match &definition.rule {
            Rule::Threshold(threshold) => threshold.window.map(|window| Measure {
                counted: match &threshold.distinct {
                    _ if !threshold.all_of.is_empty() => Counted::Queries,
                    Some(_) => Counted::Values,
                    None => Counted::Events,
                },
                count: threshold.count as usize,
                window_us: window.us(),
                reach_us: late(window.us()),
                most: self.limits.max_entries.max(threshold.count as usize),
            }),
            Rule::Unusual(_) => None,
        };
        let quiet_us = definition.quiet().map_or(0, |quiet| quiet.us());
        let quiet_reach_us = if quiet_us == 0 { 0 } else { late(quiet_us) };
        Counter::new(
            measure,
            quiet_us,
            quiet_reach_us,
            definition.resolve_after.map(|after| after.us()),
        )
    }

    fn changed(&mut self) {
        self.index = None;
        let reach = |alert: &Alert| alert.counter.measure.map_or(0, |measure| measure.reach_us);
        self.reach_us = self.alerts.iter().map(reach).max().unwrap_or(0);
        if self.terms.len() > MIN_STALE_TERMS + 2 * self.terms_in_use {
            self.terms = Terms::default();
            for alert in &mut self.alerts {
                alert.add_to(&mut self.terms);
            }
            self.terms_in_use = self.terms.len();
        }
    }

    /// Gives up a group of the alert that has most.
    fn give_up(&mut self) {
        let most = self.alerts.iter_mut().max_by_key(|alert| alert.groups());
        if let Some(alert) = most
            && alert.give_up()
        {
            alert.lost_groups += 1;
            self.groups -= 1;
        }
    }
}
