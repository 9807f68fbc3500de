//! Timestamps and addresses in documents.

use super::support::{LIMITS, json};
use auditlog_core::document::*;
use auditlog_core::event::*;

#[test]
fn timestamps_in_the_future_are_refused() {
    let now = parse_timestamp("2026-03-10T14:30:45Z").expect("a timestamp");
    let limits = Limits {
        now_us: now,
        max_clock_skew_us: 300_000_000,
        ..LIMITS
    };
    assert!(
        parse(
            json(r#"{"event_type": "a", "timestamp": "2026-03-10T14:35:45Z"}"#),
            &limits
        )
        .is_ok()
    );
    let late = json(r#"{"event_type": "a", "timestamp": "2026-03-10T14:35:45.000001Z"}"#);
    let error = parse(late, &limits).expect_err("too late");
    assert_eq!((error.kind, error.path.as_str()), (ErrorKind::TooLate, "$.timestamp"));
    assert!(error.detail.contains("2026-03-10T14:35:45.000001Z"), "{}", error.detail);
    assert!(error.detail.contains("2026-03-10T14:30:45Z"), "{}", error.detail);
    assert!(error.hint.contains("auditlog.max_clock_skew"), "{}", error.hint);
    let columns = Event {
        event_type: Some("a".into()),
        timestamp: Some(i64::MAX),
        ..Event::default()
    };
    assert_eq!(
        check_columns(&columns, &limits).map_err(|e| e.kind),
        Err(ErrorKind::TooLate)
    );
}

#[test]
fn timestamps_are_read_in_many_spellings() {
    let expected = Some(1_773_153_045_000_000);
    for text in [
        "2026-03-10T14:30:45Z",
        "2026-03-10t14:30:45z",
        "2026-03-10 14:30:45Z",
        "2026-03-10 14:30:45+00",
        "2026-03-10T14:30:45.000000000Z",
        "2026-03-10T16:00:45+01:30",
        "2026-03-10T16:00:45+0130",
        "2026-03-09T15:30:45-23:00",
        "2026-03-10T14:30:44.999999999Z",
    ] {
        let micros = parse_timestamp(text).map(|us| if text.contains("44.9") { us + 1 } else { us });
        assert_eq!(micros, expected, "{text}");
    }
    assert_eq!(parse_timestamp("2026-03-10T14:30Z"), Some(1_773_153_000_000_000));
    assert_eq!(
        parse_timestamp("2016-12-31T23:59:60Z"),
        parse_timestamp("2017-01-01T00:00:00Z")
    );
    for text in [
        "",
        "now",
        "2026-03-10",
        "2026-03-10T14:30:45",
        "2026-13-10T14:30:45Z",
        "2026-02-29T14:30:45Z",
        "2026-03-10T24:00:00Z",
        "2026-03-10T14:60:00Z",
        "2026-03-10T14:30:61Z",
        "2026-03-10T14:30:45.Z",
        "2026-03-10T14:30:45.1234567890Z",
        "2026-03-10T14:30:45+24:00",
        "2026-03-10T14:30:45ZZ",
        "2026-3-10T14:30:45Z",
        "２026-03-10T14:30:45Z",
        "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "infinity",
    ] {
        assert_eq!(parse_timestamp(text), None, "{text}");
    }
}

#[test]
fn timestamps_are_written_in_one_way() {
    for text in [
        "1970-01-01T00:00:00Z",
        "2026-03-10T14:30:45.123Z",
        "2026-03-10T14:30:45.123400Z",
        "2026-03-10T14:30:45.000001Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "1969-12-31T23:59:59.999Z",
        "2024-02-29T00:00:00Z",
    ] {
        assert_eq!(parse_timestamp(text).map(format_timestamp).as_deref(), Some(text));
    }
    assert_eq!(format_timestamp(i64::MAX), "infinity");
    assert_eq!(format_timestamp(i64::MIN), "-infinity");
    assert_eq!(format_timestamp(253_402_300_800_000_000), "+010000-01-01T00:00:00Z");
}

/// Texts as PostgreSQL 15 prints the `inet` on the left.
#[test]
fn addresses_are_written_as_postgresql_does() {
    for (text, printed) in [
        ("203.0.113.45", "203.0.113.45"),
        ("203.0.113.45/32", "203.0.113.45"),
        ("203.0.113.45/0", "203.0.113.45/0"),
        ("2001:DB8:0:0:0:0:0:1/128", "2001:db8::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:1:1:1:1:0:1", "2001:db8:1:1:1:1:0:1"),
        ("::", "::"),
        ("::1", "::1"),
        ("::5", "::5"),
        ("::1:2", "::0.1.0.2"),
        ("::1.2.3.4", "::1.2.3.4"),
        ("::ffff:1.2.3.4/100", "::ffff:1.2.3.4/100"),
        ("::ffff:0:0", "::ffff:0.0.0.0"),
        ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
        ("fe80::1/64", "fe80::1/64"),
    ] {
        assert_eq!(
            parse_inet(text).map(|inet| format_inet(&inet)).as_deref(),
            Some(printed),
            "{text}"
        );
    }
    for text in [
        "",
        "localhost",
        "1.2.3",
        "01.2.3.4",
        "1.2.3.4/33",
        "1.2.3.4/",
        "1.2.3.4/+8",
        "::/129",
        "fe80::1%eth0",
        "1.2.3.4:80",
    ] {
        assert_eq!(parse_inet(text), None, "{text}");
    }
}
