//! Where events of an age belong, and when they move.
//!
//! Events move by ranges of time (a month, a day). A range is as old as its end: all its events must be
//! older than the tier's age, so nothing moves early. Time moves them one way, from hot to warm, to cold, to
//! nowhere.

use super::age::Age;
use std::fmt;

/// Where events are. The order is the way they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Partitions with all indexes.
    Hot,
    /// Partitions with few indexes.
    Warm,
    /// Objects in an archive.
    Cold,
    /// Nowhere: removed.
    Gone,
}

impl Tier {
    /// Those that hold events.
    pub const KEEPING: [Tier; 3] = [Tier::Hot, Tier::Warm, Tier::Cold];

    /// `hot`, `warm`, `cold`, `gone`.
    pub fn label(self) -> &'static str {
        match self {
            Tier::Hot => "hot",
            Tier::Warm => "warm",
            Tier::Cold => "cold",
            Tier::Gone => "gone",
        }
    }

    /// By its label.
    pub fn from_label(label: &str) -> Option<Tier> {
        [Tier::Hot, Tier::Warm, Tier::Cold, Tier::Gone]
            .into_iter()
            .find(|tier| tier.label() == label)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.label())
    }
}

/// The age at which each tier ends; [`Age::NONE`] where there is none. Those that are there don't get
/// shorter; where two end at the same age, nothing is ever in the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiers {
    /// All indexes, at once.
    pub hot: Age,
    /// Rows for every query, but compact.
    pub warm: Age,
    /// The archive.
    pub cold: Age,
}

/// The next thing that happens to a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Where it goes.
    pub to: Tier,
    /// When, in microseconds since 1970.
    pub at: i64,
}

impl Tiers {
    /// Hot 90 days, warm 1 year, cold 7 years.
    pub const DEFAULT: Tiers = Tiers {
        hot: Age::of_days(90),
        warm: Age::of_years(1),
        cold: Age::of_years(7),
    };

    /// The age at which this tier ends; none for [`Tier::Gone`].
    pub fn end(&self, tier: Tier) -> Age {
        match tier {
            Tier::Hot => self.hot,
            Tier::Warm => self.warm,
            Tier::Cold => self.cold,
            Tier::Gone => Age::NONE,
        }
    }

    /// The tiers that events are ever in, each with the ages at which it begins and ends.
    fn stays(&self) -> impl Iterator<Item = (Tier, Age, Age)> {
        let mut begin = Age::NONE;
        Tier::KEEPING.into_iter().filter_map(move |tier| {
            let (from, end) = (begin, self.end(tier));
            if end.days() <= from.days() {
                return None;
            }
            begin = end;
            Some((tier, from, end))
        })
    }

    /// The age at which events are removed; [`Age::FOREVER`] when they never are.
    pub fn life(&self) -> Age {
        self.stays().last().map_or(Age::NONE, |(_, _, end)| end)
    }

    /// The age until which events are rows of the log, hot or warm.
    pub fn at_hand(&self) -> Age {
        let rows = self.stays().filter(|(tier, ..)| *tier <= Tier::Warm);
        rows.last().map_or(Age::NONE, |(_, _, end)| end)
    }

    /// The tier in which events are at the end of their life.
    pub fn last(&self) -> Tier {
        self.stays().last().map_or(Tier::Hot, |(tier, ..)| tier)
    }

    /// Where a range that ends (excluded) at `until` belongs at `now`. As long as its end is not past it is
    /// hot, whatever the tiers: events still come in, or the clock is wrong.
    pub fn tier(&self, until: i64, now: i64) -> Tier {
        if now < until {
            return Tier::Hot;
        }
        let over = |end: Age| end.after(until).is_some_and(|end| now >= end);
        let found = self.stays().find(|(_, _, end)| !over(*end));
        found.map_or(Tier::Gone, |(tier, ..)| tier)
    }

    /// When a range enters a tier, or what comes after it where there is no such tier; none when never.
    pub fn enters(&self, tier: Tier, until: i64) -> Option<i64> {
        match self.stays().find(|(other, ..)| *other >= tier) {
            Some((_, from, _)) => from.after(until),
            None => self.life().after(until),
        }
    }

    /// What happens next to a range that is in this tier, however late that may be; none when nothing ever.
    pub fn next(&self, tier: Tier, until: i64) -> Option<Step> {
        if tier == Tier::Gone {
            return None;
        }
        let (to, age) = match self.stays().find(|(other, ..)| *other > tier) {
            Some((other, from, _)) => (other, from),
            None => (Tier::Gone, self.life()),
        };
        age.after(until).map(|at| Step { to, at })
    }

    /// All that is still to happen to a range that is in this tier, in its order.
    pub fn schedule(&self, tier: Tier, until: i64) -> Vec<Step> {
        std::iter::successors(self.next(tier, until), |step| self.next(step.to, until)).collect()
    }
}

#[cfg(test)]
mod tests;
