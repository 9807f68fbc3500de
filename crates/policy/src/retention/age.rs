//! How old an event may become: whole days, weeks, months or years.
//!
//! An age is a fixed number of days, so that ages can be compared, and a later range never moves before an
//! earlier one. A month or a year is as long as the longest that there is: 1 year has 366 days, 7 years
//! have 2,557, 2 months have 62. So nothing moves before its date in the calendar, at most a few days after.

use std::fmt;

/// A day in microseconds.
pub const DAY_US: i64 = 86_400_000_000;

/// Longest age in days: a hundred years.
pub const MAX_DAYS: u32 = 36_525;

/// In what an age is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// 24 hours each.
    Days,
    /// 7 days each.
    Weeks,
    /// As long as so many months in a row can be.
    Months,
    /// As long as so many years in a row can be.
    Years,
    /// No end, whatever the number. Nobody can write it: it is for what proofs depend on.
    Forever,
}

impl Unit {
    /// The units that may be written.
    pub const WRITTEN: [Unit; 4] = [Unit::Days, Unit::Weeks, Unit::Months, Unit::Years];

    /// As in `hot_days`.
    pub fn suffix(self) -> &'static str {
        match self {
            Unit::Days => "days",
            Unit::Weeks => "weeks",
            Unit::Months => "months",
            Unit::Years => "years",
            Unit::Forever => "forever",
        }
    }
}

/// An age. Two ages are equal when they are written alike; [`Age::days`] is what counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Age {
    count: u32,
    unit: Unit,
}

/// Days of 0 to 11 months in a row, when they are the longest.
const MONTHS: [u32; 12] = [0, 31, 62, 92, 123, 153, 184, 215, 245, 276, 306, 337];

impl Age {
    /// No age at all: such a tier is left out.
    pub const NONE: Age = Age {
        count: 0,
        unit: Unit::Days,
    };

    /// Without end.
    pub const FOREVER: Age = Age {
        count: 1,
        unit: Unit::Forever,
    };

    /// So many units; none when they are more than [`MAX_DAYS`].
    pub fn new(count: u32, unit: Unit) -> Option<Age> {
        let age = Age { count, unit };
        (count <= MAX_DAYS && age.days() <= MAX_DAYS).then_some(age)
    }

    /// So many days; for ages that are known to be short enough.
    pub const fn of_days(count: u16) -> Age {
        Age {
            count: count as u32,
            unit: Unit::Days,
        }
    }

    /// So many years.
    pub const fn of_years(count: u8) -> Age {
        Age {
            count: count as u32,
            unit: Unit::Years,
        }
    }

    /// How many units.
    pub fn count(self) -> u32 {
        self.count
    }

    /// The unit it was written in.
    pub fn unit(self) -> Unit {
        self.unit
    }

    /// Is there no such tier?
    pub fn is_none(self) -> bool {
        self.count == 0
    }

    /// Whole days; `u32::MAX` without end.
    pub fn days(self) -> u32 {
        match self.unit {
            Unit::Days => self.count,
            Unit::Weeks => self.count.saturating_mul(7),
            Unit::Months => years(self.count / 12) + MONTHS[(self.count % 12) as usize],
            Unit::Years => years(self.count),
            Unit::Forever => u32::MAX,
        }
    }

    /// When something from `time` is as old; none without end, or beyond all times.
    pub fn after(self, time: i64) -> Option<i64> {
        match self.unit {
            Unit::Forever => None,
            _ => time.checked_add(i64::from(self.days()) * DAY_US),
        }
    }

    /// In words: «90 days», «1 year».
    pub fn words(self) -> String {
        self.to_string()
    }
}

/// Days of so many years in a row, when as many of them as possible are leap years.
fn years(count: u32) -> u32 {
    count.saturating_mul(365).saturating_add(count.div_ceil(4))
}

impl fmt::Display for Age {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.unit.suffix();
        match (self.unit, self.count) {
            (Unit::Forever, _) => out.write_str("for ever"),
            (_, 1) => write!(out, "1 {}", &unit[..unit.len() - 1]),
            (_, count) => write!(out, "{count} {unit}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, Months, NaiveDate};
    use proptest::prelude::*;

    #[test]
    fn ages_have_days() {
        for (count, unit, days, words) in [
            (90, Unit::Days, 90, "90 days"),
            (1, Unit::Days, 1, "1 day"),
            (2, Unit::Weeks, 14, "2 weeks"),
            (1, Unit::Months, 31, "1 month"),
            (2, Unit::Months, 62, "2 months"),
            (12, Unit::Months, 366, "12 months"),
            (18, Unit::Months, 366 + 184, "18 months"),
            (1, Unit::Years, 366, "1 year"),
            (4, Unit::Years, 1_461, "4 years"),
            (7, Unit::Years, 2_557, "7 years"),
            (100, Unit::Years, 36_525, "100 years"),
        ] {
            let age = Age::new(count, unit).expect(words);
            assert_eq!((age.days(), age.words().as_str()), (days, words));
        }
        assert_eq!(Age::new(101, Unit::Years), None);
        assert_eq!(Age::new(u32::MAX, Unit::Weeks), None);
        assert_eq!(Age::new(u32::MAX, Unit::Months), None);
        assert!(Age::NONE.is_none() && !Age::FOREVER.is_none());
        assert_eq!(Age::FOREVER.after(0), None);
        assert_eq!(Age::of_days(2).after(5), Some(5 + 2 * DAY_US));
        assert_eq!(Age::of_days(2).after(i64::MAX), None);
    }

    proptest! {
        #[test]
        fn no_age_ends_before_its_date_in_the_calendar(
            day in 0..80_000_i64, months in 0..1_200_u32,
        ) {
            let from = NaiveDate::from_ymd_opt(1950, 1, 1).expect("a day") + chrono::Days::new(day as u64);
            let real = (from + Months::new(months) - from).num_days();
            let age = Age::new(months, Unit::Months).expect("short");
            prop_assert!(i64::from(age.days()) >= real);
            if months % 12 == 0 {
                let years = Age::new(months / 12, Unit::Years).expect("short");
                prop_assert_eq!(years.days(), age.days());
            }
            // and it is not much longer: no February at most, and the leap days that did not come
            let years = i64::from(months / 12);
            prop_assert!(i64::from(age.days()) - real <= 4 + years / 4, "{} {}", from.year(), months);
        }

        #[test]
        fn more_of_a_unit_is_longer(count in 0..1_000_u32) {
            for unit in Unit::WRITTEN {
                if let (Some(short), Some(long)) = (Age::new(count, unit), Age::new(count + 1, unit)) {
                    prop_assert!(short.days() < long.days());
                }
            }
        }
    }
}
