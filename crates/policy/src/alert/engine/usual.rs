//! How many events of a group are usual in a period, and when there are unusually many.
//!
//! Time is cut into periods of `every`, from 1970 on. A period of a group is judged by the group's own complete periods
//! before it, as far back as `history`, those without events included. With their median *m* and their median absolute
//! deviation *d* from it, a count is unusual when it is more than `sensitivity` times *s* above *m*, where *s* is the largest
//! of 1.4826 · *d* (the standard deviation, were they normally distributed), √*m* (what chance alone does to counts) and 1.
//! Fewer than [`MIN_COUNT`] events are never unusual. Outliers among the past periods move neither *m* nor *d* much, so one
//! attack does not make the next one usual.
//!
//! A group is judged once it has been known for [`MIN_PERIODS`] periods and a quarter of the history. An event counts in the period of
//! its own time, but never later than it arrived: a time in the future is now. Events older than the history count nowhere.

use super::groups::{Class, Groups};
use super::window::Entry;
use std::collections::VecDeque;

/// Fewer events in a period are never unusual.
pub const MIN_COUNT: u32 = 5;

/// With fewer periods nothing can be said of what is usual.
pub const MIN_PERIODS: i64 = 8;

/// Standard deviation of normally distributed numbers whose median absolute deviation is 1.
const NORMAL: f64 = 1.4826;

/// Counts of an alert's groups.
#[derive(Debug)]
pub(super) struct Usual {
    every_us: i64,
    /// Periods of the history.
    periods: i64,
    sensitivity: f64,
    pub groups: Groups<Periods>,
}

/// Counts of a group.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Periods {
    /// The first period that counts.
    pub first: i64,
    /// Periods with events, in order.
    pub counts: VecDeque<(i64, u32)>,
    /// What is usual for a period, once it was asked.
    level: Option<(i64, Level)>,
}

/// What is usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    pub median: f64,
    /// What a robust standard deviation is taken to be.
    pub scale: f64,
    /// How many periods say so.
    pub periods: i64,
}

/// More than usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TooMany {
    pub count: u32,
    pub level: Level,
}

impl Usual {
    pub fn new(every_us: i64, history_us: i64, sensitivity: f64) -> Usual {
        Usual {
            every_us,
            periods: (history_us / every_us).max(MIN_PERIODS),
            sensitivity,
            groups: Groups::default(),
        }
    }

    /// A matching event of a group; says when its period now has too many.
    pub fn observe(&mut self, key: &str, entry: Entry) -> Option<TooMany> {
        let now = entry.arrived_us.div_euclid(self.every_us);
        let period = entry.at_us.min(entry.arrived_us).div_euclid(self.every_us);
        let oldest = now - self.periods;
        if period < oldest {
            return None;
        }
        let id = self.groups.find(key).unwrap_or_else(|| {
            let id = self.groups.add(key, entry.arrived_us, Class::Single);
            self.groups.get(id).first = period;
            id
        });
        let learnt = (self.periods / 4).max(MIN_PERIODS);
        let group = self.groups.get(id);
        group.forget(oldest);
        let count = group.count(period);
        let past = period - group.first.max(oldest);
        let class = if now - group.first < learnt {
            Class::Single
        } else {
            Class::Several
        };
        let judged = count >= MIN_COUNT && past >= learnt;
        let level = judged.then(|| group.level(period, now, oldest));
        self.groups.touch(id, entry.arrived_us, class);
        let level = level?;
        let above = f64::from(count) > self.limit(&level);
        above.then_some(TooMany { count, level })
    }

    /// The greatest number that is not yet too many.
    pub fn limit(&self, level: &Level) -> f64 {
        level.median + self.sensitivity * level.scale
    }

    /// Forgets groups without an event in the whole history.
    pub fn sweep(&mut self, clock_us: i64) {
        let oldest_us = (self.periods + 1).saturating_mul(self.every_us);
        self.groups.forget(clock_us.saturating_sub(oldest_us));
    }
}

impl Periods {
    fn forget(&mut self, oldest: i64) {
        while self.counts.front().is_some_and(|(period, _)| *period < oldest) {
            self.counts.pop_front();
        }
    }

    /// One more event in the period; how many it has now.
    fn count(&mut self, period: i64) -> u32 {
        if period < self.first {
            self.first = period;
            self.level = None;
        }
        let at = self.counts.partition_point(|(known, _)| *known < period);
        match self.counts.get_mut(at) {
            Some((known, count)) if *known == period => {
                *count = count.saturating_add(1);
            }
            _ => self.counts.insert(at, (period, 1)),
        }
        if at + 1 < self.counts.len() {
            self.level = None;
        }
        self.counts[at].1
    }

    /// What is usual before the period. It stays the same for the newest one, so it is kept.
    fn level(&mut self, period: i64, now: i64, oldest: i64) -> Level {
        if let Some((known, level)) = self.level
            && known == period
            && period == now
        {
            return level;
        }
        let from = self.first.max(oldest);
        let past = self.counts.iter().filter(|(known, _)| (from..period).contains(known));
        let mut counts: Vec<f64> = past.map(|(_, count)| f64::from(*count)).collect();
        let periods = period - from;
        counts.resize(usize::try_from(periods).unwrap_or(0).max(counts.len()), 0.0);
        let middle = median(&mut counts);
        counts.iter_mut().for_each(|count| *count = (*count - middle).abs());
        let level = Level {
            median: middle,
            scale: (NORMAL * median(&mut counts)).max(middle.sqrt()).max(1.0),
            periods,
        };
        self.level = (period == now).then_some((period, level));
        level
    }
}

/// The middle one, or the mean of the two in the middle; 0 of nothing.
fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let half = numbers.len() / 2;
    match (numbers.len() % 2, numbers.get(half)) {
        (_, None) => 0.0,
        (1, Some(middle)) => *middle,
        (_, Some(above)) => (numbers[half - 1] + above) / 2.0,
    }
}
