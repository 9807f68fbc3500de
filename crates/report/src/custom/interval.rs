//! Steps of a time series.

use super::period::{Unit, midnight};
use auditlog_query::dates::Zone;
use chrono::{NaiveDateTime, NaiveTime, Timelike};

/// Most steps of a series: a year of hours.
pub const MAX_BUCKETS: usize = 9_000;

const HOUR_US: i64 = 3_600_000_000;

/// A step of a time series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Interval {
    Hour,
    Day,
    /// Begins on Monday.
    Week,
    Month,
}

impl Interval {
    /// All of them.
    pub const ALL: [Interval; 4] = [Interval::Hour, Interval::Day, Interval::Week, Interval::Month];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Interval::Hour => "hour",
            Interval::Day => "day",
            Interval::Week => "week",
            Interval::Month => "month",
        }
    }

    fn unit(self) -> Option<Unit> {
        match self {
            Interval::Hour => None,
            Interval::Day => Some(Unit::Day),
            Interval::Week => Some(Unit::Week),
            Interval::Month => Some(Unit::Month),
        }
    }

    /// Where the steps of the period begin, in order: the first at or before `since_us`, the last before `until_us`. An event belongs to
    /// the last step that begins at or before it. None when there are more than [`MAX_BUCKETS`], or outside of the calendar.
    pub fn starts(self, since_us: i64, until_us: i64, zone: &Zone) -> Option<Vec<i64>> {
        let local = zone.local(since_us)?;
        let mut starts: Vec<i64> = Vec::new();
        let mut push = |start: i64| {
            // a day that a zone has left out begins with the next
            if starts.last() != Some(&start) {
                starts.push(start);
            }
            starts.len() <= MAX_BUCKETS
        };
        match self.unit() {
            None => {
                // hours are elapsed time: where the clocks are set back, an hour comes twice
                let mut start = since_us.checked_sub(past_the_hour(local))?;
                while start < until_us {
                    if !push(start) {
                        return None;
                    }
                    start = start.checked_add(HOUR_US)?;
                }
            }
            Some(unit) => {
                let first = unit.floor(local.date())?;
                for count in 0.. {
                    let start = midnight(unit.add(first, count)?, zone)?;
                    if start >= until_us {
                        break;
                    }
                    if !push(start) {
                        return None;
                    }
                }
            }
        }
        Some(starts)
    }
}

/// Microseconds since the clocks showed a full hour.
fn past_the_hour(local: NaiveDateTime) -> i64 {
    let hour = NaiveTime::from_hms_opt(local.hour(), 0, 0).unwrap_or(NaiveTime::MIN);
    let past = local.time().signed_duration_since(hour);
    past.num_microseconds().unwrap_or_default()
}
