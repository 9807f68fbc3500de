//! Periods by the calendar of a zone.

use auditlog_core::document::format_timestamp;
use auditlog_query::dates::Zone;
use chrono::{Datelike, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use std::fmt;

/// Most days of `last N days`.
pub const MAX_DAYS: u32 = 36_500;

/// The period of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// Always the same, in microseconds since 1970 in UTC; `until_us` is after `since_us`.
    Fixed {
        /// The first moment.
        since_us: i64,
        /// The moment after the last.
        until_us: i64,
    },
    /// As seen from the time of the run.
    Rolling(Rolling),
}

/// A period as seen from the time of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rolling {
    /// `last_month`: the last that is over.
    Last(Unit),
    /// `this_month`: from its beginning until now.
    This(Unit),
    /// `last_30_days`: so many days, the last of which ended at midnight.
    Days(u32),
}

/// A unit of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Unit {
    Day,
    /// Begins on Monday.
    Week,
    Month,
    /// Begins in January, April, July or October.
    Quarter,
    Year,
}

impl Unit {
    /// All of them.
    pub const ALL: [Unit; 5] = [Unit::Day, Unit::Week, Unit::Month, Unit::Quarter, Unit::Year];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Day => "day",
            Unit::Week => "week",
            Unit::Month => "month",
            Unit::Quarter => "quarter",
            Unit::Year => "year",
        }
    }

    /// The first day of the unit that has this day.
    pub(super) fn floor(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Unit::Day => Some(day),
            Unit::Week => day.checked_sub_signed(TimeDelta::days(i64::from(day.weekday().num_days_from_monday()))),
            Unit::Month => day.with_day(1),
            Unit::Quarter => day.with_day(1)?.with_month0(day.month0() / 3 * 3),
            Unit::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
        }
    }

    /// The first day of the unit so many units later, from the first day of one.
    pub(super) fn add(self, day: NaiveDate, count: i32) -> Option<NaiveDate> {
        let months = |each: i32| months(day, count.checked_mul(each)?);
        match self {
            Unit::Day => day.checked_add_signed(TimeDelta::days(i64::from(count))),
            Unit::Week => day.checked_add_signed(TimeDelta::days(i64::from(count) * 7)),
            Unit::Month => months(1),
            Unit::Quarter => months(3),
            Unit::Year => months(12),
        }
    }
}

fn months(day: NaiveDate, count: i32) -> Option<NaiveDate> {
    let step = Months::new(count.unsigned_abs());
    if count < 0 {
        day.checked_sub_months(step)
    } else {
        day.checked_add_months(step)
    }
}

/// When the day begins; where the clocks skip midnight, when they first show a later time of the day.
pub(super) fn midnight(day: NaiveDate, zone: &Zone) -> Option<i64> {
    zone.instant(day.and_time(NaiveTime::MIN))
}

impl Rolling {
    /// The name as it is written: `last_month`, `this_week`, `last_30_days`.
    pub fn parse(text: &str) -> Option<Rolling> {
        let text = text.trim().to_lowercase().replace([' ', '-'], "_");
        match text.as_str() {
            "yesterday" => return Some(Rolling::Last(Unit::Day)),
            "today" => return Some(Rolling::This(Unit::Day)),
            _ => {}
        }
        let unit = |name: &str| Unit::ALL.into_iter().find(|unit| unit.name() == name);
        if let Some(name) = text.strip_prefix("this_") {
            return unit(name).map(Rolling::This);
        }
        let name = text.strip_prefix("last_")?;
        let days = || {
            let number = name.strip_suffix("_days").or_else(|| name.strip_suffix("_day"))?;
            let digits = number.bytes().all(|byte| byte.is_ascii_digit());
            number
                .parse()
                .ok()
                .filter(|days| digits && (1..=MAX_DAYS).contains(days))
        };
        unit(name).map(Rolling::Last).or_else(|| days().map(Rolling::Days))
    }
}

/// As it is written.
impl fmt::Display for Rolling {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rolling::Last(unit) => write!(out, "last_{}", unit.name()),
            Rolling::This(unit) => write!(out, "this_{}", unit.name()),
            Rolling::Days(1) => out.write_str("last_1_day"),
            Rolling::Days(days) => write!(out, "last_{days}_days"),
        }
    }
}

impl Since {
    /// See [`super::CustomReport::resolve`].
    pub fn resolve(&self, now_us: i64, zone: &Zone) -> Option<(i64, i64)> {
        let rolling = match self {
            Since::Fixed { since_us, until_us } => return Some((*since_us, *until_us)),
            Since::Rolling(rolling) => *rolling,
        };
        let today = zone.local(now_us)?.date();
        let (unit, count) = match rolling {
            // in the moment in which it begins, there is nothing yet
            Rolling::This(unit) => return Some((midnight(unit.floor(today)?, zone)?, now_us)),
            Rolling::Last(unit) => (unit, 1),
            Rolling::Days(days) => (Unit::Day, i32::try_from(days).ok()?),
        };
        let this = unit.floor(today)?;
        Some((begins(unit, this, count, zone)?, midnight(this, zone)?))
    }

    /// See [`super::CustomReport::previous`].
    pub fn previous(&self, now_us: i64, zone: &Zone) -> Option<(i64, i64)> {
        let (since, until) = self.resolve(now_us, zone)?;
        match self {
            Since::Fixed { .. } => Some((before(since, until, zone)?, since)),
            Since::Rolling(Rolling::Last(unit)) => {
                let first = zone.local(since)?.date();
                Some((begins(*unit, first, 1, zone)?, since))
            }
            Since::Rolling(Rolling::Days(days)) => {
                let first = zone.local(since)?.date();
                Some((begins(Unit::Day, first, i32::try_from(*days).ok()?, zone)?, since))
            }
            Since::Rolling(Rolling::This(unit)) => {
                let first = unit.floor(zone.local(now_us)?.date())?;
                let earlier = unit.add(first, -1)?;
                // as far by the clocks on the wall, but no further than it went
                let passed = zone
                    .local(now_us)?
                    .signed_duration_since(first.and_time(NaiveTime::MIN));
                let point = earlier.and_time(NaiveTime::MIN).checked_add_signed(passed)?;
                let from = midnight(earlier, zone)?;
                Some((from, zone.instant(point)?.clamp(from, since)))
            }
        }
    }
}

/// Where so many units begin that end where this one does. A day that a zone has left out (Samoa, 30 December 2011) is none.
fn begins(unit: Unit, this: NaiveDate, count: i32, zone: &Zone) -> Option<i64> {
    let end = midnight(this, zone)?;
    let from = midnight(unit.add(this, count.checked_neg()?)?, zone)?;
    if from < end {
        return Some(from);
    }
    midnight(unit.add(this, count.checked_neg()?.checked_sub(1)?)?, zone)
}

/// Where a period as long as this one begins that ends where it begins: in months when it is whole months, in days when it is whole days.
fn before(since: i64, until: i64, zone: &Zone) -> Option<i64> {
    let elapsed = || since.checked_sub(until.checked_sub(since)?);
    let whole = |us: i64| {
        let local: NaiveDateTime = zone.local(us)?;
        let day = local.date();
        Some((midnight(day, zone)? == us).then_some(day))
    };
    let (Some(from), Some(to)) = (whole(since)?, whole(until)?) else {
        return elapsed();
    };
    if from.day() == 1 && to.day() == 1 {
        let count = (to.year() - from.year()) * 12 + to.month() as i32 - from.month() as i32;
        return midnight(months(from, -count)?, zone);
    }
    midnight(from.checked_sub_signed(to.signed_duration_since(from))?, zone)
}

/// As it is written: the name, or both ends.
impl fmt::Display for Since {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Since::Rolling(rolling) => rolling.fmt(out),
            Since::Fixed { since_us, until_us } => {
                write!(
                    out,
                    "{} to {}",
                    format_timestamp(*since_us),
                    format_timestamp(*until_us)
                )
            }
        }
    }
}
