//! The matching events of a group that still count, and whether a new one completes a firing.

use std::collections::{HashMap, VecDeque};

/// A matching event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// When it happened, as it says.
    pub at_us: i64,
    /// When it arrived, by the engine's clock, which never goes back.
    pub arrived_us: i64,
    pub log_index: i64,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Events,
    /// Different values; a value is its hash.
    Values,
    /// Queries that were matched; a value is a set of them, a bit for each.
    Queries,
}

impl Counted {
    /// What an entry with this value adds to the count.
    fn items(self, value: u128) -> impl Iterator<Item = u128> {
        let (whole, mut rest) = match self {
            Counted::Events => (None, 0),
            Counted::Values => (Some(value), 0),
            Counted::Queries => (None, value),
        };
        let bits = std::iter::from_fn(move || {
            let lowest = rest & rest.wrapping_neg();
            rest ^= lowest;
            (lowest != 0).then_some(lowest)
        });
        whole.into_iter().chain(bits)
    }
}

/// What the window of an alert asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    pub counted: Counted,
    /// How many of that make a firing.
    pub count: usize,
    /// Times of events that count together differ by less than this.
    pub window_us: i64,
    /// Arrivals of events that count together differ by less than this.
    pub reach_us: i64,
    /// Most entries kept.
    pub most: usize,
}

/// The fullest window around an event that completes a firing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Full {
    /// Events, different values, or queries.
    pub count: usize,
    /// Its events, in the order of time.
    pub entries: Vec<Entry>,
    /// Where queries are counted: which of the events are the first for one.
    pub telling: Vec<usize>,
}

/// Entries in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct Entries {
    entries: VecDeque<Entry>,
    /// The value of each entry, where values or queries are counted.
    values: VecDeque<u128>,
    /// How often each of what is counted is there.
    times: HashMap<u128, u32>,
    /// Is an entry earlier in time than one that came before it?
    unordered: bool,
}

impl Entries {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entries in the order of their arrival, with what stands for their values.
    pub fn all(&self) -> impl Iterator<Item = (&Entry, Option<u128>)> {
        self.entries
            .iter()
            .enumerate()
            .map(|(at, entry)| (entry, self.values.get(at).copied()))
    }

    /// Drops what no later event can count together with.
    pub fn expire(&mut self, clock_us: i64, measure: &Measure) {
        while self
            .entries
            .front()
            .is_some_and(|entry| entry.arrived_us <= clock_us.saturating_sub(measure.reach_us))
        {
            self.remove(0, measure.counted);
        }
        if self.entries.len() < 2 {
            self.unordered = false;
        }
    }

    /// Adds an event; how many others had to go.
    pub fn push(&mut self, entry: Entry, value: Option<u128>, measure: &Measure) -> u64 {
        self.unordered |= self.entries.back().is_some_and(|last| last.at_us > entry.at_us);
        self.entries.push_back(entry);
        if let Some(value) = value {
            self.values.push_back(value);
            for item in measure.counted.items(value) {
                *self.times.entry(item).or_default() += 1;
            }
        }
        let mut dropped = 0;
        while self.entries.len() > measure.most {
            self.remove(self.superfluous(measure.counted), measure.counted);
            dropped += 1;
        }
        dropped
    }

    /// The oldest entry; where values or queries are counted, the oldest that has only what later ones have, too.
    fn superfluous(&self, counted: Counted) -> usize {
        match counted {
            Counted::Events => 0,
            Counted::Values => {
                if self.times.len() == self.values.len() {
                    return 0;
                }
                let again = |value: &u128| self.times.get(value).is_some_and(|times| *times > 1);
                self.values.iter().position(again).unwrap_or(0)
            }
            Counted::Queries => {
                let (mut later, mut found) = (0, 0);
                for (at, queries) in self.values.iter().enumerate().rev() {
                    if queries & !later == 0 {
                        found = at;
                    }
                    later |= queries;
                }
                found
            }
        }
    }

    fn remove(&mut self, at: usize, counted: Counted) {
        self.entries.remove(at);
        let Some(value) = self.values.remove(at) else { return };
        for item in counted.items(value) {
            if let Some(times) = self.times.get_mut(&item) {
                *times -= 1;
                if *times == 0 {
                    self.times.remove(&item);
                }
            }
        }
    }

    /// Does the event, which is no entry yet, complete a firing? The fullest window with it, the earliest of
    /// them when there are several.
    pub fn complete(&self, event: Entry, value: Option<u128>, measure: Measure) -> Option<Full> {
        let near = |entry: &&Entry| {
            let apart = i128::from(entry.at_us) - i128::from(event.at_us);
            let waited = i128::from(event.arrived_us) - i128::from(entry.arrived_us);
            apart.unsigned_abs() < measure.window_us.unsigned_abs().into() && waited < measure.reach_us.into()
        };
        let added = value.map_or(0, |value| {
            let new = |item: &u128| !self.times.contains_key(item);
            measure.counted.items(value).filter(new).count()
        });
        // enough of them? a flood of few values is answered without a look at its entries
        if value.is_some() && self.times.len() + added < measure.count {
            return None;
        }
        // in the usual order, only the newest are looked at
        let newest = self.entries.iter().enumerate().rev();
        let found = if self.unordered {
            self.reaches(newest.filter(|(_, entry)| near(entry)), value, measure)
        } else {
            let newest = newest.skip_while(|(_, entry)| entry.at_us > event.at_us);
            self.reaches(newest.take_while(|(_, entry)| near(entry)), value, measure)
        };
        let late = self.entries.back().is_some_and(|last| last.at_us > event.at_us);
        if !found && !late {
            return None;
        }
        let mut candidates: Vec<(Entry, u128)> = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| near(entry))
            .map(|(at, entry)| (*entry, self.values.get(at).copied().unwrap_or(0)))
            .collect();
        candidates.push((event, value.unwrap_or(0)));
        candidates.sort_by_key(|(entry, _)| (entry.at_us, entry.log_index));
        let (first, last, count) = fullest(&candidates, event.at_us, &measure);
        if count < measure.count {
            return None;
        }
        let inside = &candidates[first..last];
        let mut matched = 0;
        let new = |(at, (_, queries)): (usize, &(Entry, u128))| {
            let new = queries & !matched != 0;
            matched |= queries;
            new.then_some(at)
        };
        Some(Full {
            count,
            entries: inside.iter().map(|(entry, _)| *entry).collect(),
            telling: match measure.counted {
                Counted::Queries => inside.iter().enumerate().filter_map(new).collect(),
                Counted::Events | Counted::Values => Vec::new(),
            },
        })
    }

    /// May the event complete a firing with those that are near? Different values are judged as events here.
    fn reaches<'e>(
        &self,
        near: impl Iterator<Item = (usize, &'e Entry)>,
        value: Option<u128>,
        measure: Measure,
    ) -> bool {
        if measure.counted != Counted::Queries {
            let enough = measure.count.saturating_sub(1);
            return near.take(enough).count() == enough;
        }
        let enough = |queries: u128| queries.count_ones() as usize >= measure.count;
        let mut matched = value.unwrap_or(0);
        let mut more = near.filter_map(|(at, _)| self.values.get(at));
        enough(matched)
            || more.any(|queries| {
                matched |= queries;
                enough(matched)
            })
    }
}

/// The window with most events (or values, or queries) among those that begin with a candidate and hold the time `at_us`.
fn fullest(candidates: &[(Entry, u128)], at_us: i64, measure: &Measure) -> (usize, usize, usize) {
    let mut best = (0, 0, 0);
    let mut end = 0;
    let mut times: HashMap<u128, usize> = HashMap::new();
    for first in 0..candidates.len() {
        let start_us = candidates[first].0.at_us;
        if start_us > at_us {
            break;
        }
        while end < candidates.len()
            && i128::from(candidates[end].0.at_us) < i128::from(start_us) + i128::from(measure.window_us)
        {
            for item in measure.counted.items(candidates[end].1) {
                *times.entry(item).or_default() += 1;
            }
            end += 1;
        }
        let count = match measure.counted {
            Counted::Events => end - first,
            Counted::Values | Counted::Queries => times.len(),
        };
        if count > best.2 {
            best = (first, end, count);
        }
        for item in measure.counted.items(candidates[first].1) {
            if let Some(left) = times.get_mut(&item) {
                *left -= 1;
                if *left == 0 {
                    times.remove(&item);
                }
            }
        }
    }
    best
}
