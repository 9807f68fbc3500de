//! Periods at the edges of the calendar.

use crate::custom::period::{Rolling, Since, Unit};
use crate::custom::{CustomReport, Interval, MAX_BUCKETS};
use auditlog_core::document::{format_timestamp, parse_timestamp};
use auditlog_query::dates::Zone;
use proptest::prelude::*;

fn us(text: &str) -> i64 {
    parse_timestamp(text).unwrap_or_else(|| panic!("{text}"))
}

fn shown(period: Option<(i64, i64)>) -> String {
    let (since, until) = period.expect("a period");
    format!("{} {}", format_timestamp(since), format_timestamp(until))
}

fn zone(name: &str) -> Zone {
    name.parse().expect(name)
}

#[test]
fn periods_are_those_of_the_calendar() {
    for (name, zone_name, now, expected, previous) in [
        // Saturday 2026-11-28
        (
            "last_day",
            "UTC",
            "2026-11-28T13:00:00Z",
            "2026-11-27T00:00:00Z 2026-11-28T00:00:00Z",
            "2026-11-26T00:00:00Z 2026-11-27T00:00:00Z",
        ),
        (
            "yesterday",
            "UTC",
            "2026-11-28T00:00:00Z",
            "2026-11-27T00:00:00Z 2026-11-28T00:00:00Z",
            "2026-11-26T00:00:00Z 2026-11-27T00:00:00Z",
        ),
        (
            "last_week",
            "UTC",
            "2026-11-28T13:00:00Z",
            "2026-11-16T00:00:00Z 2026-11-23T00:00:00Z",
            "2026-11-09T00:00:00Z 2026-11-16T00:00:00Z",
        ),
        // on Monday the week before has just ended; on Sunday it has not
        (
            "last_week",
            "UTC",
            "2026-11-30T00:00:00Z",
            "2026-11-23T00:00:00Z 2026-11-30T00:00:00Z",
            "2026-11-16T00:00:00Z 2026-11-23T00:00:00Z",
        ),
        (
            "last_week",
            "UTC",
            "2026-11-29T23:59:59Z",
            "2026-11-16T00:00:00Z 2026-11-23T00:00:00Z",
            "2026-11-09T00:00:00Z 2026-11-16T00:00:00Z",
        ),
        // the 31st has no counterpart in February
        (
            "last_month",
            "UTC",
            "2026-03-31T12:00:00Z",
            "2026-02-01T00:00:00Z 2026-03-01T00:00:00Z",
            "2026-01-01T00:00:00Z 2026-02-01T00:00:00Z",
        ),
        (
            "last_month",
            "UTC",
            "2028-03-01T00:00:00Z",
            "2028-02-01T00:00:00Z 2028-03-01T00:00:00Z",
            "2028-01-01T00:00:00Z 2028-02-01T00:00:00Z",
        ),
        (
            "last_month",
            "UTC",
            "2026-01-01T00:00:00Z",
            "2025-12-01T00:00:00Z 2026-01-01T00:00:00Z",
            "2025-11-01T00:00:00Z 2025-12-01T00:00:00Z",
        ),
        (
            "last_quarter",
            "UTC",
            "2026-02-28T00:00:00Z",
            "2025-10-01T00:00:00Z 2026-01-01T00:00:00Z",
            "2025-07-01T00:00:00Z 2025-10-01T00:00:00Z",
        ),
        (
            "last_year",
            "UTC",
            "2028-02-29T10:00:00Z",
            "2027-01-01T00:00:00Z 2028-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z 2027-01-01T00:00:00Z",
        ),
        (
            "last 7 days",
            "UTC",
            "2028-03-02T10:00:00Z",
            "2028-02-24T00:00:00Z 2028-03-02T00:00:00Z",
            "2028-02-17T00:00:00Z 2028-02-24T00:00:00Z",
        ),
        (
            "this_month",
            "UTC",
            "2026-03-31T12:00:00Z",
            "2026-03-01T00:00:00Z 2026-03-31T12:00:00Z",
            "2026-02-01T00:00:00Z 2026-03-01T00:00:00Z",
        ),
        (
            "this_month",
            "UTC",
            "2026-03-10T12:00:00Z",
            "2026-03-01T00:00:00Z 2026-03-10T12:00:00Z",
            "2026-02-01T00:00:00Z 2026-02-10T12:00:00Z",
        ),
        (
            "this_week",
            "UTC",
            "2026-11-25T06:00:00Z",
            "2026-11-23T00:00:00Z 2026-11-25T06:00:00Z",
            "2026-11-16T00:00:00Z 2026-11-18T06:00:00Z",
        ),
        (
            "this_day",
            "UTC",
            "2026-11-25T00:00:00Z",
            "2026-11-25T00:00:00Z 2026-11-25T00:00:00Z",
            "2026-11-24T00:00:00Z 2026-11-24T00:00:00Z",
        ),
        (
            "today",
            "UTC",
            "2026-11-25T06:00:00Z",
            "2026-11-25T00:00:00Z 2026-11-25T06:00:00Z",
            "2026-11-24T00:00:00Z 2026-11-24T06:00:00Z",
        ),
        // in Berlin it is the first already
        (
            "last_month",
            "Europe/Berlin",
            "2026-04-30T22:00:00Z",
            "2026-03-31T22:00:00Z 2026-04-30T22:00:00Z",
            "2026-02-28T23:00:00Z 2026-03-31T22:00:00Z",
        ),
        // days of 23 and of 25 hours
        (
            "last_day",
            "Europe/Berlin",
            "2026-03-30T10:00:00Z",
            "2026-03-28T23:00:00Z 2026-03-29T22:00:00Z",
            "2026-03-27T23:00:00Z 2026-03-28T23:00:00Z",
        ),
        (
            "last_day",
            "Europe/Berlin",
            "2026-10-26T10:00:00Z",
            "2026-10-24T22:00:00Z 2026-10-25T23:00:00Z",
            "2026-10-23T22:00:00Z 2026-10-24T22:00:00Z",
        ),
        // the same time by the clocks, though more hours have passed
        (
            "today",
            "Europe/Berlin",
            "2026-10-25T11:00:00Z",
            "2026-10-24T22:00:00Z 2026-10-25T11:00:00Z",
            "2026-10-23T22:00:00Z 2026-10-24T10:00:00Z",
        ),
        // midnight that the clocks skip: the day begins at one
        (
            "last_day",
            "America/Santiago",
            "2026-09-07T12:00:00Z",
            "2026-09-06T04:00:00Z 2026-09-07T03:00:00Z",
            "2026-09-05T04:00:00Z 2026-09-06T04:00:00Z",
        ),
        // Samoa had no 30 December 2011
        (
            "last_day",
            "Pacific/Apia",
            "2011-12-30T12:00:00Z",
            "2011-12-29T10:00:00Z 2011-12-30T10:00:00Z",
            "2011-12-28T10:00:00Z 2011-12-29T10:00:00Z",
        ),
        (
            "last_day",
            "+05:30",
            "2026-11-28T18:30:00Z",
            "2026-11-27T18:30:00Z 2026-11-28T18:30:00Z",
            "2026-11-26T18:30:00Z 2026-11-27T18:30:00Z",
        ),
    ] {
        let period = Since::Rolling(Rolling::parse(name).unwrap_or_else(|| panic!("{name}")));
        let zone = zone(zone_name);
        assert_eq!(
            shown(period.resolve(us(now), &zone)),
            expected,
            "{name} at {now} in {zone_name}"
        );
        assert_eq!(
            shown(period.previous(us(now), &zone)),
            previous,
            "before {name} at {now} in {zone_name}"
        );
    }
}

#[test]
fn fixed_periods_have_one_before() {
    for (zone_name, period, previous) in [
        (
            "UTC",
            "{since: 2026-01-01, until: 2026-04-01}",
            "2025-10-01T00:00:00Z 2026-01-01T00:00:00Z",
        ),
        (
            "UTC",
            "{since: 2028-03-01, until: 2028-04-01}",
            "2028-02-01T00:00:00Z 2028-03-01T00:00:00Z",
        ),
        (
            "UTC",
            "{since: 2026-03-10, until: 2026-03-17}",
            "2026-03-03T00:00:00Z 2026-03-10T00:00:00Z",
        ),
        (
            "UTC",
            "{since: \"2026-03-10T12:00:00Z\", until: \"2026-03-10T18:00:00Z\"}",
            "2026-03-10T06:00:00Z 2026-03-10T12:00:00Z",
        ),
        // seven days over the change of the clocks are no 168 hours
        (
            "Europe/Berlin",
            "{since: 2026-03-30, until: 2026-04-06}",
            "2026-03-22T23:00:00Z 2026-03-29T22:00:00Z",
        ),
        (
            "Europe/Berlin",
            "{since: 2026-04-01, until: 2026-05-01}",
            "2026-02-28T23:00:00Z 2026-03-31T22:00:00Z",
        ),
    ] {
        let text = format!("name: x\nperiod: {period}\ntime_zone: {zone_name}\n");
        let report = CustomReport::parse(&text).unwrap_or_else(|error| panic!("{period}: {error}"));
        assert_eq!(shown(report.previous(0)), previous, "{period} in {zone_name}");
        let (since, until) = report.resolve(0).expect("a period");
        assert!(since < until && Some(report.resolve(i64::from(i32::MAX))) == Some(Some((since, until))));
    }
}

#[test]
fn other_names_are_no_periods() {
    for name in [
        "",
        "last",
        "last_",
        "last_0_days",
        "last_36501_days",
        "last_+3_days",
        "last_fortnight",
        "this_30_days",
        "next_month",
        "last_days",
    ] {
        assert_eq!(Rolling::parse(name), None, "{name}");
    }
    for name in ["last_1_day", "last_30_days", "this_quarter"] {
        assert_eq!(Rolling::parse(name).expect(name).to_string(), name);
    }
    // outside of the calendar there is none
    assert_eq!(
        Since::Rolling(Rolling::Last(Unit::Year)).resolve(i64::MAX, &Zone::Utc),
        None
    );
    assert_eq!(
        Since::Rolling(Rolling::Days(36_500)).previous(i64::MIN, &Zone::Utc),
        None
    );
}

#[test]
fn steps_of_a_series_follow_the_calendar() {
    let berlin = zone("Europe/Berlin");
    let starts = |interval: Interval, since: &str, until: &str, zone: &Zone| -> Vec<String> {
        let found = interval.starts(us(since), us(until), zone).expect("steps");
        found.into_iter().map(format_timestamp).collect()
    };
    assert_eq!(
        starts(Interval::Day, "2026-03-28T12:00:00Z", "2026-03-30T22:00:00Z", &berlin),
        ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]
    );
    assert_eq!(
        starts(
            Interval::Week,
            "2026-11-25T00:00:00Z",
            "2026-12-01T00:00:00Z",
            &Zone::Utc
        ),
        ["2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"]
    );
    assert_eq!(
        starts(
            Interval::Month,
            "2026-01-31T00:00:00Z",
            "2026-04-01T00:00:00Z",
            &Zone::Utc
        ),
        ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"]
    );
    // the hour that comes twice, and half-hour zones
    assert_eq!(
        starts(Interval::Hour, "2026-10-25T00:15:00Z", "2026-10-25T02:00:01Z", &berlin),
        ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"]
    );
    assert_eq!(
        starts(
            Interval::Hour,
            "2026-11-28T00:00:00Z",
            "2026-11-28T00:30:00Z",
            &zone("+05:30")
        ),
        ["2026-11-27T23:30:00Z"]
    );
    let (since, until) = (us("2026-01-01T00:00:00Z"), us("2027-01-01T00:00:00Z"));
    assert_eq!(
        Interval::Hour.starts(since, until, &Zone::Utc).map(|steps| steps.len()),
        Some(8_760)
    );
    assert_eq!(
        Interval::Hour.starts(since, since + (MAX_BUCKETS as i64 + 1) * 3_600_000_000, &Zone::Utc),
        None
    );
    assert_eq!(Interval::Day.starts(since, since, &Zone::Utc), Some(vec![]));
}

proptest! {
    /// Whenever it is: the period is over, the one before ends where it begins, and its steps are in order and cover it.
    #[test]
    fn periods_fit_together(now in 0..4_000_000_000_i64, unit in 0..5_usize, days in 1..400_u32, at in 0..4_usize) {
        let now = now * 1_000_000;
        let zone = zone(["UTC", "Europe/Berlin", "America/Santiago", "Pacific/Apia"][at]);
        let unit = Unit::ALL[unit];
        for rolling in [Rolling::Last(unit), Rolling::This(unit), Rolling::Days(days)] {
            let period = Since::Rolling(rolling);
            let (since, until) = period.resolve(now, &zone).expect("a period");
            prop_assert!(since <= until && until <= now, "{rolling}");
            let (before, end) = period.previous(now, &zone).expect("a period");
            prop_assert!(before <= end && end <= since, "{rolling}");
            if !matches!(rolling, Rolling::This(_)) {
                prop_assert!(since < until && before < end && end == since, "{rolling}");
            }
            for interval in [Interval::Day, Interval::Week, Interval::Month] {
                let steps = interval.starts(since, until, &zone).expect("steps");
                prop_assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert!(steps.first().is_none_or(|first| *first <= since));
                prop_assert!(steps.last().is_none_or(|last| *last < until));
            }
        }
    }
}
