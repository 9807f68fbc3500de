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

/// What the window of an alert asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    /// Events, or different values, that make a firing.
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
    /// Events, or different values.
    pub count: usize,
    /// Its events, in the order of time.
    pub entries: Vec<Entry>,
}

/// Entries in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct Entries {
    entries: VecDeque<Entry>,
    /// What is counted, where values are: a hash for each entry.
    values: VecDeque<u128>,
    /// How often each value is there.
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
    pub fn expire(&mut self, clock_us: i64, reach_us: i64) {
        while self
            .entries
            .front()
            .is_some_and(|entry| entry.arrived_us <= clock_us.saturating_sub(reach_us))
        {
            self.remove(0);
        }
        if self.entries.len() < 2 {
            self.unordered = false;
        }
    }

    /// Adds an event; how many others had to go.
    pub fn push(&mut self, entry: Entry, value: Option<u128>, most: usize) -> u64 {
        self.unordered |= self.entries.back().is_some_and(|last| last.at_us > entry.at_us);
        self.entries.push_back(entry);
        if let Some(value) = value {
            self.values.push_back(value);
            *self.times.entry(value).or_default() += 1;
        }
        let mut dropped = 0;
        while self.entries.len() > most {
            self.remove(self.superfluous());
            dropped += 1;
        }
        dropped
    }

    /// The oldest entry; where values are counted, the oldest whose value is there again.
    fn superfluous(&self) -> usize {
        if self.times.len() == self.values.len() {
            return 0;
        }
        let again = |value: &u128| self.times.get(value).is_some_and(|times| *times > 1);
        self.values.iter().position(again).unwrap_or(0)
    }

    fn remove(&mut self, at: usize) {
        self.entries.remove(at);
        if let Some(value) = self.values.remove(at)
            && let Some(times) = self.times.get_mut(&value)
        {
            *times -= 1;
            if *times == 0 {
                self.times.remove(&value);
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
        // enough of them? a flood of few values is answered without a look at its entries
        if let Some(value) = value
            && self.times.len() + usize::from(!self.times.contains_key(&value)) < measure.count
        {
            return None;
        }
        // in the usual order, only the newest are looked at
        let newest = self.entries.iter().rev();
        let enough = measure.count.saturating_sub(1);
        let found = if self.unordered {
            newest.filter(near).take(enough).count()
        } else {
            newest
                .skip_while(|entry| entry.at_us > event.at_us)
                .take_while(near)
                .take(enough)
                .count()
        };
        let late = self.entries.back().is_some_and(|last| last.at_us > event.at_us);
        if found < enough && !late {
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
        let (first, last, count) = fullest(&candidates, event.at_us, measure.window_us, value.is_some());
        (count >= measure.count).then(|| Full {
            count,
            entries: candidates[first..last].iter().map(|(entry, _)| *entry).collect(),
        })
    }
}

/// The window with most events (or values) among those that begin with a candidate and hold the time `at_us`.
fn fullest(candidates: &[(Entry, u128)], at_us: i64, window_us: i64, by_value: bool) -> (usize, usize, usize) {
    let mut best = (0, 0, 0);
    let mut end = 0;
    let mut values: HashMap<u128, usize> = HashMap::new();
    for first in 0..candidates.len() {
        let start_us = candidates[first].0.at_us;
        if start_us > at_us {
            break;
        }
        while end < candidates.len()
            && i128::from(candidates[end].0.at_us) < i128::from(start_us) + i128::from(window_us)
        {
            if by_value {
                *values.entry(candidates[end].1).or_default() += 1;
            }
            end += 1;
        }
        let count = if by_value { values.len() } else { end - first };
        if count > best.2 {
            best = (first, end, count);
        }
        if let Some(times) = values.get_mut(&candidates[first].1) {
            *times -= 1;
            if *times == 0 {
                values.remove(&candidates[first].1);
            }
        }
    }
    best
}
