//! Events that are a finding only together, and those that wait for another.

use super::MAX_INDEXES;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Values of the fields that tell groups apart.
pub(super) type Key = Vec<Option<String>>;

/// Groups in memory before those that are over are forgotten.
const SWEEP_AT: usize = 100_000;

/// Bursts of all groups.
pub(super) struct Bursts {
    at_least: usize,
    within_us: i64,
    groups: HashMap<Key, Group>,
    sweep_at: usize,
}

#[derive(Default)]
struct Group {
    /// The last events, at most as many as a burst needs, by time.
    recent: VecDeque<(i64, u64)>,
    episodes: Vec<Episode>,
}

/// A burst, from its first event to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Episode {
    pub from_us: i64,
    pub to_us: i64,
    pub count: u64,
    pub indexes: Vec<u64>,
    /// The last event that was counted.
    last: Option<u64>,
}

impl Bursts {
    pub fn new(at_least: u32, within_us: i64) -> Bursts {
        Bursts {
            // a parameter may be set to less
            at_least: usize::try_from(at_least.max(1)).unwrap_or(usize::MAX),
            within_us,
            groups: HashMap::new(),
            sweep_at: SWEEP_AT,
        }
    }

    pub fn event(&mut self, key: Key, time_us: i64, log_index: u64) {
        if self.groups.len() >= self.sweep_at {
            let oldest = time_us.saturating_sub(self.within_us);
            let lives = |group: &Group| group.recent.back().is_some_and(|(time, _)| *time >= oldest);
            self.groups
                .retain(|_, group| !group.episodes.is_empty() || lives(group));
            // when most of them live, sweeping at each event would be slow
            self.sweep_at = (self.groups.len() * 2).max(SWEEP_AT);
        }
        let group = self.groups.entry(key).or_default();
        // the log's order is not quite that of the events' own time
        let later = group
            .recent
            .iter()
            .rev()
            .take_while(|(time, _)| *time > time_us)
            .count();
        group.recent.insert(group.recent.len() - later, (time_us, log_index));
        let oldest = |recent: &VecDeque<(i64, u64)>| recent.front().map_or(i64::MAX, |(time, _)| *time);
        let newest = |recent: &VecDeque<(i64, u64)>| recent.back().map_or(i64::MIN, |(time, _)| *time);
        if group.recent.len() > self.at_least {
            group.recent.pop_front();
        }
        while newest(&group.recent).saturating_sub(oldest(&group.recent)) > self.within_us {
            group.recent.pop_front();
        }
        if group.recent.len() < self.at_least {
            return;
        }
        let (from_us, to_us) = (oldest(&group.recent), newest(&group.recent));
        match group.episodes.last_mut() {
            Some(open) if from_us <= open.to_us => {
                open.to_us = open.to_us.max(to_us);
                open.add(group.recent.iter().map(|(_, index)| *index));
            }
            _ => {
                let mut new = Episode {
                    from_us,
                    to_us,
                    count: 0,
                    indexes: Vec::new(),
                    last: None,
                };
                new.add(group.recent.iter().map(|(_, index)| *index));
                group.episodes.push(new);
            }
        }
    }

    /// The bursts, largest first.
    pub fn finish(self) -> Vec<(Key, Episode)> {
        // by key first, so that the same events always give the same order
        let ordered: BTreeMap<Key, Group> = self.groups.into_iter().collect();
        let mut found: Vec<(Key, Episode)> = ordered
            .into_iter()
            .flat_map(|(key, group)| group.episodes.into_iter().map(move |episode| (key.clone(), episode)))
            .collect();
        found.sort_by_key(|(_, episode)| std::cmp::Reverse(episode.count));
        found
    }
}

impl Episode {
    /// Counts the events that it has not counted yet: events come in the order of the log, so their places are larger.
    fn add(&mut self, indexes: impl Iterator<Item = u64>) {
        let mut new: Vec<u64> = indexes
            .filter(|index| self.last.is_none_or(|last| *index > last))
            .collect();
        new.sort_unstable();
        self.count += new.len() as u64;
        self.last = new.last().copied().or(self.last);
        let room = MAX_INDEXES.saturating_sub(self.indexes.len());
        self.indexes.extend(new.into_iter().take(room));
    }
}

/// Events that wait for an answer.
pub(super) struct Pending {
    within_us: i64,
    open: HashMap<Key, Vec<(i64, u64)>>,
    late: u64,
    indexes: Vec<u64>,
}

impl Pending {
    pub fn new(within_us: i64) -> Pending {
        Pending {
            within_us,
            open: HashMap::new(),
            late: 0,
            indexes: Vec::new(),
        }
    }

    pub fn ask(&mut self, key: Key, time_us: i64, log_index: u64) {
        self.open.entry(key).or_default().push((time_us, log_index));
    }

    /// Answers all questions with this key; what had waited for too long stays a finding.
    pub fn answer(&mut self, key: &Key, time_us: i64) {
        for (asked, log_index) in self.open.remove(key).unwrap_or_default() {
            if time_us.saturating_sub(asked) > self.within_us {
                self.late += 1;
                self.indexes.push(log_index);
            }
        }
    }

    /// How many were not answered in time, as far as the time was over before `until_us`, and some of them.
    pub fn finish(mut self, until_us: i64) -> (u64, Vec<u64>) {
        for (asked, log_index) in self.open.into_values().flatten() {
            if asked.saturating_add(self.within_us) < until_us {
                self.late += 1;
                self.indexes.push(log_index);
            }
        }
        self.indexes.sort_unstable();
        self.indexes.truncate(MAX_INDEXES);
        (self.late, self.indexes)
    }
}
