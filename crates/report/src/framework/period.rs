//! Moments, and the period of a report.

use auditlog_core::document::{format_timestamp, parse_timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Microseconds of a day.
pub(super) const DAY_US: i64 = 86_400_000_000;

/// Microseconds since 1970 in UTC; as JSON an RFC 3339 text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

impl Moment {
    /// Days until `later`, cut down; negative when it is earlier.
    pub fn days_until(self, later: Moment) -> i64 {
        later.0.saturating_sub(self.0).div_euclid(DAY_US)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&format_timestamp(self.0))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment = parse_timestamp(&text).map(Moment);
        moment.ok_or_else(|| de::Error::custom(format_args!("{text:?} is not a time (RFC 3339)")))
    }
}

/// From `since` on, until before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub since: Moment,
    /// The moment after the last; never later than now, because of what is to come nothing can be said.
    pub until: Moment,
}

impl Period {
    /// Is the moment inside?
    pub fn contains(&self, moment: Moment) -> bool {
        self.since <= moment && moment < self.until
    }

    /// The parts of the period of more than `tolerance_us` that none of the spans covers, in order.
    pub fn uncovered(&self, spans: impl IntoIterator<Item = (Moment, Moment)>, tolerance_us: i64) -> Vec<Period> {
        let mut spans: Vec<(Moment, Moment)> = spans.into_iter().filter(|(from, until)| from < until).collect();
        spans.sort_unstable();
        let mut found = Vec::new();
        let mut covered = self.since;
        let mut gap = |since: Moment, until: Moment| {
            if until.0.saturating_sub(since.0) > tolerance_us {
                found.push(Period { since, until });
            }
        };
        for (from, until) in spans {
            gap(covered, from.min(self.until));
            covered = covered.max(until);
        }
        gap(covered, self.until);
        found
    }
}

impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} to {}", self.since, self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(since: i64, until: i64) -> Period {
        Period {
            since: Moment(since),
            until: Moment(until),
        }
    }

    #[test]
    fn parts_without_a_span_are_found() {
        for (spans, expected) in [
            (&[][..], vec![period(0, 100)]),
            (&[(0, 100)], vec![]),
            (&[(-10, 50), (50, 200)], vec![]),
            (
                &[(10, 50), (20, 30), (70, 80)],
                vec![period(0, 10), period(50, 70), period(80, 100)],
            ),
            // shorter than the tolerance
            (&[(3, 50), (55, 96)], vec![]),
            // outside, and upside down
            (&[(200, 300), (60, 40)], vec![period(0, 100)]),
        ] {
            let spans = spans.iter().map(|(from, until)| (Moment(*from), Moment(*until)));
            assert_eq!(
                period(0, 100).uncovered(spans.clone(), 5),
                expected,
                "{:?}",
                spans.collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn moments_are_texts_in_json() {
        let text = "\"2026-03-01T00:00:00Z\"";
        let moment: Moment = serde_json::from_str(text).expect("a time");
        assert_eq!(serde_json::to_string(&moment).expect("JSON"), text);
        assert!(serde_json::from_str::<Moment>("\"yesterday\"").is_err());
    }
}
