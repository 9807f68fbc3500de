//! Date literals, date arithmetic, rounding and zones.

mod support;

use auditlog_core::document::{format_timestamp, parse_timestamp};
use auditlog_query::dates::{Interval, Zone, parse_interval};
use support::NOW;

fn zone(name: &str) -> Zone {
    name.parse().expect("a zone")
}

/// The interval as text, `low` or `low/high`.
fn shown(literal: &str, zone: &Zone, now_us: i64) -> String {
    let interval: Interval = match parse_interval(literal, zone) {
        Ok(interval) => interval,
        Err(error) => return error.to_string(),
    };
    let text = |us| format_timestamp(us).replace(":00Z", "").replace("T00:00", "");
    let low = text(interval.low.at(now_us, zone));
    match interval.high {
        Some(high) => format!("{low}/{}", text(high.at(now_us, zone))),
        None => low,
    }
}

#[test]
fn literals_name_intervals() {
    for (literal, expected) in [
        ("2026", "2026-01-01/2027-01-01"),
        ("2026-11", "2026-11-01/2026-12-01"),
        ("2026-11-21", "2026-11-21/2026-11-22"),
        ("2026-11-21T10", "2026-11-21T10:00/2026-11-21T11:00"),
        ("2026-11-21 10:30", "2026-11-21T10:30/2026-11-21T10:31"),
        ("2026-11-21T10:30:15Z", "2026-11-21T10:30:15Z"),
        ("2026-11-21T10:30:15.1234567891234", "2026-11-21T10:30:15.123456Z"),
        ("2026-11-21T10:30+02:00", "2026-11-21T08:30/2026-11-21T08:31"),
        ("2026-11-21T10+0530", "2026-11-21T04:30/2026-11-21T05:30"),
        ("2026Z", "2026-01-01/2027-01-01"),
        ("2026-11-21||+1M", "2026-12-21/2026-12-22"),
        ("2026-01-31||+1M", "2026-02-28/2026-03-01"),
        ("2026-11-21||/M", "2026-11-01/2026-12-01"),
        ("2026-11-21||+1M/d", "2026-12-21/2026-12-22"),
        ("2026-11-21||-1y/y+6M", "2025-07-01/2026-07-01"),
        ("now", "2026-11-25T12:00"),
        ("now-24h", "2026-11-24T12:00"),
        ("now-1M", "2026-10-25T12:00"),
        ("now+2w", "2026-12-09T12:00"),
        ("now/d", "2026-11-25/2026-11-26"),
        ("now-1d/d", "2026-11-24/2026-11-25"),
        ("now/d+8h", "2026-11-25T08:00/2026-11-26T08:00"),
        ("now/w", "2026-11-23/2026-11-30"),
        ("now/M", "2026-11-01/2026-12-01"),
        ("now/y", "2026-01-01/2027-01-01"),
        ("now/h", "2026-11-25T12:00/2026-11-25T13:00"),
        // only the last rounding goes up (Elasticsearch issue 22670)
        ("now/M-1d/d", "2026-10-31/2026-11-01"),
        ("now-7D/D", "2026-11-18/2026-11-19"),
        ("2026-13", "no such date"),
        ("2026-02-30", "no such date"),
        ("2026-11-21T24", "no such date"),
        ("2026-1-1", "not a date"),
        ("now-5", "not a date"),
        ("now-5x", "not a date"),
        ("now+d", "not a date"),
        ("nowhere", "not a date"),
        ("2026||", "2026-01-01/2027-01-01"),
        ("||+1d", "not a date"),
        ("9999-12-31||+999999999y", "no such date"),
        ("", "not a date"),
    ] {
        assert_eq!(shown(literal, &Zone::Utc, NOW), expected, "{literal}");
    }
}

#[test]
fn the_zone_matters_for_rounding_and_literals_without_offset() {
    let berlin = zone("Europe/Berlin");
    for (literal, expected) in [
        ("now/d", "2026-11-24T23:00/2026-11-25T23:00"),
        ("now-24h", "2026-11-24T12:00"),
        ("2026-11-21", "2026-11-20T23:00/2026-11-21T23:00"),
        ("2026-11-21T10:00Z", "2026-11-21T10:00/2026-11-21T10:01"),
        ("2026-07-01", "2026-06-30T22:00/2026-07-01T22:00"),
        // the day of the change has 25 hours, that of the other one 23
        ("2026-10-25", "2026-10-24T22:00/2026-10-25T23:00"),
        ("2026-03-29", "2026-03-28T23:00/2026-03-29T22:00"),
        // this hour never was
        ("2026-03-29T02:30:00", "2026-03-29T01:00"),
        // this one was twice: the first
        ("2026-10-25T02:30:00", "2026-10-25T00:30"),
    ] {
        assert_eq!(shown(literal, &berlin, NOW), expected, "{literal}");
    }
    let after_change = parse_timestamp("2026-10-26T12:00:00Z").expect("a time");
    assert_eq!(
        shown("now/d-1d", &berlin, after_change),
        "2026-10-24T22:00/2026-10-25T23:00"
    );
    assert_eq!(shown("now-1d", &berlin, after_change), "2026-10-25T12:00");
    assert_eq!(
        shown("now/d", &zone("+05:30"), NOW),
        "2026-11-24T18:30/2026-11-25T18:30"
    );
    assert_eq!(zone("UTC"), Zone::Utc);
    assert!("Mars/Olympus".parse::<Zone>().is_err());
}

#[test]
fn now_is_never_frozen() {
    let checked = support::compile("timestamp:>now-1h").expect("checks");
    let event = support::json(&serde_json::json!({"timestamp": "2026-11-25T11:30:00Z"}));
    let at = |now_us| auditlog_query::matches(&checked, auditlog_query::eval::JsonDocument::new(&event), now_us);
    assert!(at(NOW));
    assert!(!at(NOW + 3_600_000_000));
}

#[test]
fn far_away_times_are_ends_of_the_type() {
    for (query, expected) in [
        ("timestamp:>now-999999999y", true),
        ("timestamp:>now+999999999y", false),
    ] {
        let checked = support::compile(query).expect("checks");
        let event = support::json(&serde_json::json!({"timestamp": "2026-11-25T11:30:00Z"}));
        assert_eq!(support::holds(&checked, &event), expected, "{query}");
    }
}
