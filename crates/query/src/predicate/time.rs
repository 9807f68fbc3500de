//! Instants as values of a comparison.

use super::Value;
use crate::dates::{Instant, Step, Unit};
use std::fmt::Write;

/// «now» stays symbolic: a constant would freeze it in a cached plan.
pub(super) fn value(instant: &Instant) -> Value {
    match instant {
        Instant::Fixed(us) => Value::Time(*us),
        Instant::Now(steps) => match elapsed(steps) {
            Some(us) => Value::Offset(us),
            None => Value::Moment(math(steps)),
        },
    }
}

/// The microseconds of steps that need no calendar; days and weeks are those of UTC as long as
/// nothing was rounded.
fn elapsed(steps: &[Step]) -> Option<i64> {
    steps.iter().try_fold(0_i64, |sum, step| {
        let Step::Add(n, unit) = step else { return None };
        let seconds = match unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3_600,
            Unit::Day => 86_400,
            Unit::Week => 604_800,
            Unit::Month | Unit::Year => return None,
        };
        let us = n.checked_mul(seconds * 1_000_000)?;
        // what leaves the calendar is the calendar's to judge
        sum.checked_add(us).filter(|us| us.unsigned_abs() < MOST)
    })
}

/// About 3,000 years.
const MOST: u64 = 100_000_000_000_000_000;

/// The steps as date arithmetic; the beginning of the next unit is that of this one and a unit.
fn math(steps: &[Step]) -> String {
    let mut text = "now".to_owned();
    for step in steps {
        let _ = match step {
            Step::Add(n, unit) => write!(text, "{n:+}{}", letter(*unit)),
            Step::Floor(unit) => write!(text, "/{}", letter(*unit)),
            Step::Next(unit) => write!(text, "/{0}+1{0}", letter(*unit)),
        };
    }
    text
}

fn letter(unit: Unit) -> char {
    match unit {
        Unit::Second => 's',
        Unit::Minute => 'm',
        Unit::Hour => 'h',
        Unit::Day => 'd',
        Unit::Week => 'w',
        Unit::Month => 'M',
        Unit::Year => 'y',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dates::{Zone, parse_interval};

    fn low(text: &str) -> Instant {
        parse_interval(text, &Zone::Utc).expect(text).low
    }

    fn high(text: &str) -> Instant {
        parse_interval(text, &Zone::Utc).expect(text).high.expect(text)
    }

    #[test]
    fn elapsed_time_needs_no_calendar() {
        assert_eq!(value(&low("now-24h")), Value::Offset(-86_400_000_000));
        assert_eq!(value(&low("now-1d+30m")), Value::Offset(-84_600_000_000));
        assert_eq!(value(&low("now-1M")), Value::Moment("now-1M".into()));
        assert_eq!(value(&low("now-99999999d")), Value::Moment("now-99999999d".into()));
    }

    #[test]
    fn arithmetic_reads_back_as_the_same_instant() {
        let zone: Zone = "Europe/Berlin".parse().expect("a zone");
        let now = 1_774_749_600_000_000; // the night in which summer time begins
        for text in ["now/d", "now-1M/M", "now/w+8h", "now-1y/y+3d"] {
            for instant in [low(text), high(text)] {
                let Value::Moment(math) = value(&instant) else {
                    panic!("{text}")
                };
                assert_eq!(low(&math).at(now, &zone), instant.at(now, &zone), "{text} as {math}");
            }
        }
    }
}
