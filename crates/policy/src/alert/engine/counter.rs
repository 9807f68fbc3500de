//! One alert's groups: what they count, when they fire, when they are quiet, when it is over.

use super::groups::{Class, Groups};
use super::window::{Entries, Entry, Full, Measure};
use super::{Moment, Resolved, Restored, Update};
use std::sync::Arc;

/// Most firings of a group that are remembered for their quiet times. More than a few come only from events
/// whose own times lie far apart.
const MAX_FIRED: usize = 64;

/// State of an alert that counts.
#[derive(Debug)]
pub(super) struct Counter {
    /// None: every event is a firing.
    pub measure: Option<Measure>,
    /// Quiet time, microseconds of event time; 0 for none.
    pub quiet_us: i64,
    /// How long a firing is remembered for it, microseconds of arrival.
    pub quiet_reach_us: i64,
    /// A firing is over after so long without a match, microseconds of arrival.
    pub resolve_us: Option<i64>,
    pub groups: Groups<Group>,
    /// Groups with firings that [`Counter::updates`] has to tell of.
    changed: Vec<Arc<str>>,
    /// Entries that went before their time.
    pub dropped: u64,
}

#[derive(Debug, Default)]
pub(super) struct Group {
    entries: Entries,
    fired: Vec<Fired>,
    /// Is somebody to be told when it is over?
    open: bool,
}

#[derive(Debug)]
struct Fired {
    /// The event that completed it.
    by: Moment,
    arrived_us: i64,
    events: u64,
    last: Moment,
    changed: bool,
}

impl Counter {
    /// Nothing counted yet.
    pub fn new(measure: Option<Measure>, quiet_us: i64, quiet_reach_us: i64, resolve_us: Option<i64>) -> Counter {
        Counter {
            measure,
            quiet_us,
            quiet_reach_us,
            resolve_us,
            groups: Groups::default(),
            changed: Vec::new(),
            dropped: 0,
        }
    }

    /// A matching event of a group. During a replay nothing fires.
    pub fn observe(&mut self, key: &str, entry: Entry, value: Option<u128>, replay: bool) -> Option<Full> {
        let alone = || Full {
            count: 1,
            entries: vec![entry],
            telling: Vec::new(),
        };
        if self.measure.is_none() && self.quiet_us == 0 && self.resolve_us.is_none() {
            return (!replay).then(alone);
        }
        let id = self
            .groups
            .find(key)
            .unwrap_or_else(|| self.groups.add(key, entry.arrived_us, Class::Single));
        let (quiet_us, quiet_reach_us) = (self.quiet_us, self.quiet_reach_us);
        let group = self.groups.get(id);
        group
            .fired
            .retain(|fired| entry.arrived_us.saturating_sub(fired.arrived_us) < quiet_reach_us);
        let near = |fired: &&mut Fired| entry.at_us.abs_diff(fired.by.at_us) < quiet_us.unsigned_abs();
        let quiet = group
            .fired
            .iter_mut()
            .filter(near)
            .max_by_key(|fired| fired.by.log_index);
        let full = match &self.measure {
            _ if quiet.is_some() || replay => None,
            None => Some(alone()),
            Some(measure) => {
                group.entries.expire(entry.arrived_us, measure);
                group.entries.complete(entry, value, *measure)
            }
        };
        let mut told = true;
        if let Some(quiet) = quiet.filter(|_| !replay) {
            told = std::mem::replace(&mut quiet.changed, true);
            quiet.events += 1;
            let moment = Moment::of(&entry);
            quiet.last = quiet.last.max(moment);
        }
        if let Some(measure) = &self.measure {
            group.entries.expire(entry.arrived_us, measure);
            self.dropped += group.entries.push(entry, value, measure);
        }
        if let Some(full) = &full {
            group.fire(full, entry, quiet_us > 0);
            group.open |= self.resolve_us.is_some();
        }
        let class = group.class();
        if !told {
            self.changed.push(Arc::clone(self.groups.key(id)));
        }
        self.groups.touch(id, entry.arrived_us, class);
        full
    }

    /// Forgets groups that no later event can count with.
    pub fn sweep(&mut self, clock_us: i64) {
        let reach = self
            .measure
            .map_or(0, |measure| measure.reach_us)
            .max(self.quiet_reach_us);
        self.groups.forget(clock_us.saturating_sub(reach));
    }

    /// Ends the firings whose groups have not matched for long enough.
    pub fn resolve(&mut self, alert: i64, now_us: i64, out: &mut Vec<Resolved>) {
        let Some(resolve_us) = self.resolve_us else { return };
        while let Some((id, last)) = self.groups.oldest(Class::Open)
            && now_us.saturating_sub(last) >= resolve_us
        {
            out.push(Resolved {
                alert,
                key: self.groups.key(id).to_string(),
                last_match_us: last,
            });
            let group = self.groups.get(id);
            group.open = false;
            let class = group.class();
            self.groups.touch(id, last, class);
        }
    }

    /// What has been counted into firings since the last call.
    pub fn updates(&mut self, alert: i64, out: &mut Vec<Update>) {
        for key in std::mem::take(&mut self.changed) {
            let Some(id) = self.groups.find(&key) else { continue };
            let last_match_us = self.groups.last_us(id);
            for fired in self.groups.get(id).fired.iter_mut().filter(|fired| fired.changed) {
                fired.changed = false;
                out.push(Update {
                    alert,
                    key: key.to_string(),
                    completed: fired.by,
                    events: fired.events,
                    last: fired.last,
                    last_match_us,
                });
            }
        }
    }

    /// A firing of before a restart.
    pub fn restore(&mut self, firing: &Restored) {
        let id = self
            .groups
            .find(&firing.key)
            .unwrap_or_else(|| self.groups.add(&firing.key, firing.last_match_us, Class::Fired));
        let group = self.groups.get(id);
        group.remember(Fired {
            by: firing.completed,
            arrived_us: firing.arrived_us,
            events: firing.events,
            last: firing.last,
            changed: false,
        });
        group.open |= firing.open && self.resolve_us.is_some();
        let class = group.class();
        self.groups.touch(id, firing.last_match_us, class);
    }

    /// Groups with entries: key, when it was last matched, entries with what stands for their values.
    pub fn windows(&self) -> impl Iterator<Item = (&str, i64, &Entries)> {
        let all = self
            .groups
            .all()
            .map(|(key, last_us, group)| (key, last_us, &group.entries));
        all.filter(|(_, _, entries)| entries.len() > 0)
    }

    /// An entry of before a restart; those of a group come in the order of their arrival.
    pub fn restore_entry(&mut self, key: &str, last_us: i64, entry: Entry, value: Option<u128>) {
        let Some(measure) = self.measure else { return };
        let id = self
            .groups
            .find(key)
            .unwrap_or_else(|| self.groups.add(key, last_us, Class::Single));
        let group = self.groups.get(id);
        group.entries.push(entry, value, &measure);
        let class = group.class();
        self.groups.touch(id, last_us, class);
    }

    /// Entries in memory.
    pub fn entries(&self) -> usize {
        self.groups.values().map(|group| group.entries.len()).sum()
    }
}

impl Group {
    fn fire(&mut self, full: &Full, entry: Entry, quiet: bool) {
        if !quiet {
            return;
        }
        let moment = Moment::of(&entry);
        self.remember(Fired {
            by: moment,
            arrived_us: entry.arrived_us,
            events: full.entries.len() as u64,
            last: full.entries.last().map_or(moment, Moment::of),
            changed: false,
        });
    }

    fn remember(&mut self, fired: Fired) {
        if self.fired.len() == MAX_FIRED {
            self.fired.remove(0);
        }
        self.fired.push(fired);
    }

    fn class(&self) -> Class {
        match self.entries.len() {
            _ if self.open => Class::Open,
            _ if !self.fired.is_empty() => Class::Fired,
            0 | 1 => Class::Single,
            _ => Class::Several,
        }
    }
}
