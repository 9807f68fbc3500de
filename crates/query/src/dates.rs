//! Dates and date arithmetic.
//!
//! A literal names an interval: `2026-11-21` that day, `now/d` today; `now-1h`, and whatever has
//! seconds, a point. «now» stays symbolic until a row is tested, so nothing kept freezes it.
//!
//! The zone matters for rounding and for literals without an offset only. Years, months, weeks and
//! days count on the calendar of the zone once the zone matters (after a rounding, or from a
//! literal without offset), on that of UTC before; hours, minutes and seconds are always elapsed time.

mod parse;
mod zone;

pub use parse::{DateError, parse_interval, parse_value};
pub use zone::Zone;

use chrono::{Datelike, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

/// A unit of date arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    /// Begins on Monday.
    Week,
    Month,
    Year,
}

/// One step from an instant to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// `+3d`, `-1M`
    Add(i64, Unit),
    /// `/d` for a lower end: the beginning of the unit.
    Floor(Unit),
    /// `/d` for an upper end: the beginning of the next unit.
    Next(Unit),
}

/// An instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instant {
    /// Microseconds since 1970-01-01 00:00 UTC.
    Fixed(i64),
    /// Steps from «now», in order.
    Now(Vec<Step>),
}

impl Instant {
    /// Microseconds since the epoch, when it is now `now_us`. What lies outside of all calendars
    /// is the first or last moment of the type.
    pub fn at(&self, now_us: i64, zone: &Zone) -> i64 {
        match self {
            Instant::Fixed(us) => *us,
            Instant::Now(steps) => apply(now_us, steps, zone, false).unwrap_or_else(|| {
                let back = steps.iter().any(|step| matches!(step, Step::Add(n, _) if *n < 0));
                if back { i64::MIN } else { i64::MAX }
            }),
        }
    }
}

/// What a date literal names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// Its first moment.
    pub low: Instant,
    /// The moment after its last; none for a point.
    pub high: Option<Instant>,
}

/// An end of a range of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeEnd {
    /// Does the instant itself belong to the range?
    pub inclusive: bool,
    /// The instant.
    pub instant: Instant,
}

/// A range of time; no end means open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TimeRange {
    /// The lower end.
    pub low: Option<TimeEnd>,
    /// The upper end.
    pub high: Option<TimeEnd>,
}

impl TimeRange {
    /// Does the instant lie inside?
    pub fn contains(&self, us: i64, now_us: i64, zone: &Zone) -> bool {
        let above = self.low.as_ref().is_none_or(|end| {
            let low = end.instant.at(now_us, zone);
            us > low || (end.inclusive && us == low)
        });
        above
            && self.high.as_ref().is_none_or(|end| {
                let high = end.instant.at(now_us, zone);
                us < high || (end.inclusive && us == high)
            })
    }
}

impl Interval {
    /// `f:literal`
    pub fn inside(self) -> TimeRange {
        let low = Some(end(self.low.clone(), true));
        let high = match self.high {
            Some(high) => end(high, false),
            None => end(self.low, true),
        };
        TimeRange { low, high: Some(high) }
    }

    /// The lower end of `f:>=literal` (inclusive) and `f:>literal`.
    pub fn above(self, inclusive: bool) -> TimeEnd {
        match (inclusive, self.high) {
            (true, _) => end(self.low, true),
            (false, Some(high)) => end(high, true),
            (false, None) => end(self.low, false),
        }
    }

    /// The upper end of `f:<=literal` (inclusive) and `f:<literal`.
    pub fn below(self, inclusive: bool) -> TimeEnd {
        match (inclusive, self.high) {
            (false, _) => end(self.low, false),
            (true, Some(high)) => end(high, false),
            (true, None) => end(self.low, true),
        }
    }
}

fn end(instant: Instant, inclusive: bool) -> TimeEnd {
    TimeEnd { inclusive, instant }
}

/// Takes the steps; `local` says whether the calendar of the zone counts already.
fn apply(us: i64, steps: &[Step], zone: &Zone, mut local: bool) -> Option<i64> {
    let mut us = us;
    for step in steps {
        us = match *step {
            Step::Add(n, unit) if unit <= Unit::Hour => us.checked_add(n.checked_mul(elapsed(unit))?)?,
            Step::Add(n, unit) => {
                let zone = if local { zone } else { &Zone::Utc };
                zone.instant(add(zone.local(us)?, n, unit)?)?
            }
            Step::Floor(unit) => zone.instant(floor(zone.local(us)?, unit)?)?,
            Step::Next(unit) => zone.instant(add(floor(zone.local(us)?, unit)?, 1, unit)?)?,
        };
        local |= !matches!(step, Step::Add(..));
    }
    Some(us)
}

fn elapsed(unit: Unit) -> i64 {
    match unit {
        Unit::Second => 1_000_000,
        Unit::Minute => 60_000_000,
        _ => 3_600_000_000,
    }
}

fn add(time: NaiveDateTime, n: i64, unit: Unit) -> Option<NaiveDateTime> {
    let months = |n: i64| {
        let count = Months::new(u32::try_from(n.unsigned_abs()).ok()?);
        if n < 0 {
            time.checked_sub_months(count)
        } else {
            time.checked_add_months(count)
        }
    };
    match unit {
        Unit::Year => months(n.checked_mul(12)?),
        Unit::Month => months(n),
        Unit::Week => time.checked_add_signed(TimeDelta::try_weeks(n)?),
        Unit::Day => time.checked_add_signed(TimeDelta::try_days(n)?),
        _ => time.checked_add_signed(TimeDelta::microseconds(n.checked_mul(elapsed(unit))?)),
    }
}

fn floor(time: NaiveDateTime, unit: Unit) -> Option<NaiveDateTime> {
    let date = time.date();
    let day = match unit {
        Unit::Year => NaiveDate::from_ymd_opt(date.year(), 1, 1)?,
        Unit::Month => date.with_day(1)?,
        Unit::Week => date.checked_sub_signed(TimeDelta::days(i64::from(date.weekday().num_days_from_monday())))?,
        _ => date,
    };
    let (hour, minute, second) = match unit {
        Unit::Hour => (time.hour(), 0, 0),
        Unit::Minute => (time.hour(), time.minute(), 0),
        Unit::Second => (time.hour(), time.minute(), time.second()),
        _ => (0, 0, 0),
    };
    Some(day.and_time(NaiveTime::from_hms_opt(hour, minute, second)?))
}
