//! The minutes of a schedule.

use crate::Zone;
use crate::fields::{Day, Fields};
use chrono::{Datelike, NaiveDate};

/// Microseconds of a minute.
pub(crate) const MINUTE_US: i64 = 60_000_000;

/// Minutes of a day.
const DAY: i64 = 24 * 60;

/// Days after which the calendar repeats, weekdays included.
const CYCLE: i64 = 146_097;

/// Is the local time of this moment's minute one of the schedule?
pub(crate) fn contains(fields: &Fields, us: i64, zone: &Zone) -> bool {
    let minute = us.div_euclid(MINUTE_US);
    let Some(local) = local(zone, minute) else { return false };
    let of_day = local.rem_euclid(DAY);
    fields.has_day(local.div_euclid(DAY)) && fields.time_from(of_day) == Some(of_day)
}

/// The first minute of the schedule that begins after a moment.
pub(crate) fn next(fields: &Fields, after_us: i64, zone: &Zone) -> Option<i64> {
    let mut minute = after_us.div_euclid(MINUTE_US) + 1;
    let end = minute + CYCLE * DAY;
    while minute <= end {
        let here = local(zone, minute)?;
        let day = fields.day_from(here.div_euclid(DAY))?;
        // No zone is a day away from UTC: that day has not begun anywhere before this.
        let before = (day - 1) * DAY;
        if before > minute {
            minute = before;
            continue;
        }
        let until = steady_until(zone, minute, here - minute)?;
        if let Some(found) = fields.first_between(here, here + (until - minute)) {
            return (minute + (found - here)).checked_mul(MINUTE_US);
        }
        minute = until;
    }
    None
}

/// What the clocks show in a minute of UTC, in minutes since the beginning of 1970 there. Old offsets
/// have seconds; they are cut off, as pg_cron looks at the minute alone.
fn local(zone: &Zone, minute: i64) -> Option<i64> {
    let shown = zone.local(minute.checked_mul(MINUTE_US)?)?;
    Some(shown.and_utc().timestamp().div_euclid(60))
}

/// The first minute, within a day, in which the clocks have jumped. No zone has ever jumped and jumped
/// back within 24 hours, or the day's two ends would not do.
fn steady_until(zone: &Zone, minute: i64, offset: i64) -> Option<i64> {
    let (mut steady, mut end) = (minute, minute + DAY);
    let jumped = |at| Some(local(zone, at)? - at != offset);
    if !jumped(end)? {
        return Some(end);
    }
    while end - steady > 1 {
        let middle = steady + (end - steady) / 2;
        if jumped(middle)? {
            end = middle;
        } else {
            steady = middle;
        }
    }
    Some(end)
}

/// A day since 1970-01-01.
fn date(day: i64) -> Option<NaiveDate> {
    NaiveDate::from_epoch_days(i32::try_from(day).ok()?)
}

fn has(set: u64, value: u32) -> bool {
    set >> value & 1 == 1
}

impl Fields {
    /// Is a day one of the schedule? Days count from 1970-01-01.
    fn has_day(&self, day: i64) -> bool {
        date(day).is_some_and(|date| has(self.month.set, date.month()) && self.has_day_of_month(date))
    }

    fn has_day_of_month(&self, date: NaiveDate) -> bool {
        let by_number = match &self.day {
            Day::Last => date.succ_opt().is_none_or(|next| next.day() == 1),
            Day::Of(field) => has(field.set, date.day()),
        };
        let by_weekday = has(self.weekday.set, date.weekday().num_days_from_sunday());
        if self.both_days() {
            by_number && by_weekday
        } else {
            by_number || by_weekday
        }
    }

    /// The first day of the schedule from `day` on, within a cycle of the calendar.
    fn day_from(&self, day: i64) -> Option<i64> {
        let mut at = day;
        while at <= day + CYCLE {
            let date = date(at)?;
            if !has(self.month.set, date.month()) {
                at += i64::from(date.num_days_in_month()) + 1 - i64::from(date.day());
            } else if self.has_day_of_month(date) {
                return Some(at);
            } else {
                at += 1;
            }
        }
        None
    }

    /// The first minute of a day from `minute` on that has both minute and hour.
    fn time_from(&self, minute: i64) -> Option<i64> {
        let (hour, in_hour) = (minute / 60, minute % 60);
        if has(self.hour.set, hour as u32) {
            let left = self.minute.set >> in_hour;
            if left != 0 {
                return Some(minute + i64::from(left.trailing_zeros()));
            }
        }
        let later = self.hour.set >> (hour + 1);
        let hours = hour + 1 + i64::from(later.trailing_zeros());
        (later != 0).then(|| hours * 60 + i64::from(self.minute.set.trailing_zeros()))
    }

    /// The first minute of the schedule in `from..to`, by the clock on the wall.
    fn first_between(&self, from: i64, to: i64) -> Option<i64> {
        let mut at = from;
        while at < to {
            let midnight = at.div_euclid(DAY) * DAY;
            if self.has_day(midnight / DAY)
                && let Some(time) = self.time_from(at - midnight)
            {
                return (midnight + time < to).then_some(midnight + time);
            }
            at = midnight + DAY;
        }
        None
    }
}
