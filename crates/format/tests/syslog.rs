//! Syslog, read by a strict reader of RFC 5424.

mod support;

use auditlog_bundle::Record;
use auditlog_format::{Format, FormatError};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Made, hostile, json as strict_json, samples, writer};

#[derive(Debug)]
struct Line {
    priority: u32,
    time: String,
    host: String,
    app: String,
    process: String,
    id: String,
    data_id: String,
    data: Vec<(String, String)>,
    message: String,
}

fn word<'a>(rest: &mut &'a str, most: usize) -> &'a str {
    let (word, after) = rest.split_once(' ').expect("a space");
    assert!(
        (1..=most).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_graphic()),
        "{word:?}"
    );
    *rest = after;
    word
}

fn parse(line: &str) -> Line {
    let mut rest = line.strip_prefix('<').expect("a priority");
    let (priority, after) = rest.split_once('>').expect("the end of the priority");
    let priority: u32 = priority.parse().unwrap();
    assert!(priority <= 191);
    rest = after.strip_prefix("1 ").expect("version 1");
    let time = word(&mut rest, 32).to_owned();
    let host = word(&mut rest, 255).to_owned();
    let app = word(&mut rest, 48).to_owned();
    let process = word(&mut rest, 128).to_owned();
    let id = word(&mut rest, 32).to_owned();
    rest = rest.strip_prefix('[').expect("structured data");
    let end = rest.find(' ').unwrap();
    let data_id = rest[..end].to_owned();
    assert!(data_id.len() <= 32);
    rest = &rest[end..];
    let mut data = Vec::new();
    while let Some(after) = rest.strip_prefix(' ') {
        let (name, after) = after.split_once("=\"").expect("a parameter");
        assert!(
            name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{name:?}"
        );
        let mut value = String::new();
        let mut characters = after.chars();
        loop {
            match characters.next().expect("the end of the value") {
                '\\' => value.push(
                    characters
                        .next()
                        .filter(|c| matches!(c, '"' | '\\' | ']'))
                        .expect("an escape"),
                ),
                '"' => break,
                c => {
                    assert!(c != ']' && !hostile::is_control(c), "{c:?}");
                    value.push(c);
                }
            }
        }
        data.push((name.to_owned(), value));
        rest = characters.as_str();
    }
    rest = rest.strip_prefix(']').expect("the end of structured data");
    Line {
        priority,
        time,
        host,
        app,
        process,
        id,
        data_id,
        data,
        message: rest.strip_prefix(' ').unwrap_or(rest).to_owned(),
    }
}

impl Line {
    fn parameter(&self, name: &str) -> Option<&str> {
        let found: Vec<&String> = self
            .data
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value)
            .collect();
        assert!(found.len() <= 1, "{name} is there twice");
        found.first().map(|value| value.as_str())
    }
}

/// As the structured data has a text.
fn expected(text: &[u8]) -> String {
    let mut out = String::new();
    for c in hostile::lossy(text).chars() {
        if hostile::is_control(c) {
            for byte in c.to_string().bytes() {
                out.push_str(&format!("#{byte:03o}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

proptest! {
    #[test]
    fn hostile_events_are_one_message((event, texts) in hostile::event(), digits in 0u32..=6) {
        let options = json!({"max_bytes": 1_048_576, "time_digits": digits});
        let line = parse(&event.written(&writer(Format::Syslog, options)));
        for (name, column) in [("severity", 0), ("event_id", 1), ("event_type", 2)] {
            let text = texts[column].as_deref().filter(|text| !text.is_empty()).map(expected);
            prop_assert_eq!(line.parameter(name), text.as_deref());
        }
        let index = event.log_index.to_string();
        prop_assert_eq!(line.parameter("log_index"), Some(index.as_str()));
        prop_assert_eq!(line.parameter("origin"), Some("example.org/log"));
        prop_assert_eq!(line.message, event.written(&writer(Format::Json, Value::Null)));
    }

    #[test]
    fn no_line_is_longer_than_said((event, _) in hostile::event(), filling in 0usize..4000, most in 1024u64..4000) {
        let event = event.text("resource_id", "x".repeat(filling));
        for msg in ["json", "text", "cef", "leef", "ecs", "ocsf"] {
            let short = writer(Format::Syslog, json!({"max_bytes": most, "msg": msg}));
            let long = writer(Format::Syslog, json!({"max_bytes": 1_048_576, "msg": msg}));
            let whole = event.written(&long);
            let written = event.written(&short);
            prop_assert!(written.len() as u64 <= most);
            if whole.len() as u64 <= most {
                prop_assert_eq!(written, whole);
                continue;
            }
            let line = parse(&written);
            let omitted = parse(&whole).message.len().to_string();
            prop_assert_eq!(line.parameter("omitted_bytes"), Some(omitted.as_str()));
            if msg == "json" && !line.message.is_empty() {
                let document = strict_json::strict(&line.message);
                prop_assert_eq!(document["auditlog"]["log_index"].to_string(), event.log_index.to_string());
                prop_assert_eq!(document["auditlog"]["omitted_bytes"].to_string(), omitted);
            } else if msg != "json" {
                prop_assert_eq!(line.message, "");
            }
        }
    }
}

#[test]
fn the_header_says_what_was_chosen() {
    let options = json!({"facility": "local7", "hostname": "h", "app_name": "a", "enterprise_number": 4_294_967_295u32, "time_digits": 3});
    let line = parse(&samples::login().written(&writer(Format::Syslog, options)));
    assert_eq!(line.priority, 23 * 8 + 4);
    assert_eq!(line.time, "2026-03-10T14:30:46.123Z");
    assert_eq!(
        (line.host.as_str(), line.app.as_str(), line.process.as_str()),
        ("h", "a", "-")
    );
    assert_eq!(line.id, "authentication.login");
    assert_eq!(line.data_id, "auditlog@4294967295");
    let line = parse(&samples::login().written(&writer(Format::Syslog, Value::Null)));
    assert_eq!(line.priority, 13 * 8 + 4);
    assert_eq!(line.time, "2026-03-10T14:30:46.123001Z");
    assert_eq!(
        (line.host.as_str(), line.app.as_str()),
        ("db1.example.org", "pg_auditlog")
    );
    assert_eq!(line.data_id, "auditlog@32473");
}

#[test]
fn severities_are_those_of_syslog() {
    let levels = [
        ("debug", 7),
        ("info", 6),
        ("notice", 5),
        ("warning", 4),
        ("error", 3),
        ("critical", 2),
        ("none such", 6),
    ];
    for (label, level) in levels {
        let line = samples::bare()
            .text("severity", label)
            .written(&writer(Format::Syslog, Value::Null));
        assert_eq!(parse(&line).priority, 104 + level, "{label}");
    }
}

#[test]
fn a_moment_that_receivers_cannot_read_is_left_out() {
    // 2099-12-31T23:59:59.999999Z
    let last = 4_102_444_799_999_999;
    for (time, expected) in [
        (i64::MAX, "-"),
        (-1, "-"),
        (0, "1970-01-01T00:00:00.000000Z"),
        (last, "2099-12-31T23:59:59.999999Z"),
        (last + 1, "-"),
    ] {
        let event = Made::new(0).int("timestamp", time);
        assert_eq!(
            parse(&event.written(&writer(Format::Syslog, Value::Null))).time,
            expected
        );
    }
}

#[test]
fn a_long_type_is_cut_in_the_header_only() {
    let long = "a".repeat(200);
    let line = parse(
        &samples::bare()
            .text("event_type", &long)
            .written(&writer(Format::Syslog, Value::Null)),
    );
    assert_eq!(line.id, "a".repeat(32));
    assert_eq!(line.parameter("event_type"), Some(long.as_str()));
}

#[test]
fn an_event_that_cannot_fit_is_an_error() {
    let bytes = samples::bare().text("event_id", "x".repeat(2000)).bytes();
    let mut out = Vec::new();
    let writer = writer(Format::Syslog, json!({"max_bytes": 1024}));
    let error = writer.event(&Record::parse(&bytes).unwrap(), &mut out).unwrap_err();
    assert!(matches!(error, FormatError::TooLong { most: 1024, .. }), "{error}");
    assert!(error.hint().contains("max_bytes"));
    assert!(out.is_empty());
}
