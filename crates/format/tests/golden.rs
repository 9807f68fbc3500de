//! Each format's text of the same events, in `tests/golden`. `ACCEPT=1` writes what came out.

mod support;

use std::fs;
use std::path::Path;

use auditlog_format::Format;
use serde_json::{Value, json};
use support::{samples, writer};

fn check(name: &str, format: Format, options: Value) {
    let writer = writer(format, options);
    let mut text = Vec::new();
    writer.header(&mut text);
    if !text.is_empty() {
        text.extend_from_slice(writer.line_end().as_bytes());
    }
    for event in samples::all() {
        text.extend_from_slice(event.written(&writer).as_bytes());
        text.extend_from_slice(writer.line_end().as_bytes());
    }
    let text = String::from_utf8(text).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("ACCEPT").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    for (line, (found, wanted)) in text.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, wanted, "line {} of {name}; ACCEPT=1 writes it anew", line + 1);
    }
    assert_eq!(text, expected, "{name}");
}

#[test]
fn every_format_writes_what_it_wrote() {
    for format in Format::ALL {
        check(&format!("{format}.txt"), format, Value::Null);
    }
}

#[test]
fn options_change_what_they_say() {
    check(
        "csv-chosen.txt",
        Format::Csv,
        json!({"columns": ["log_index", "actor.email", "after", "redacted", "entry_hash"], "delimiter": ";", "null": "NULL"}),
    );
    check(
        "leef-1.0.txt",
        Format::Leef,
        json!({"version": "1.0", "vendor": "Example", "product": "Audit"}),
    );
    check("ocsf-1.8.0.txt", Format::Ocsf, json!({"version": "1.8.0"}));
    check(
        "syslog-cef.txt",
        Format::Syslog,
        json!({"msg": "cef", "facility": "local4", "hostname": "h", "app_name": "a", "enterprise_number": 99999, "time_digits": 3, "vendor": "V"}),
    );
    check(
        "syslog-text.txt",
        Format::Syslog,
        json!({"msg": "text", "time_digits": 0}),
    );
    check(
        "cloudevents-source.txt",
        Format::CloudEvents,
        json!({"source": "https://example.org/a?b#c"}),
    );
}

#[test]
fn the_salt_never_leaves() {
    for format in Format::ALL {
        let writer = writer(format, Value::Null);
        for event in samples::all() {
            let text = event.written(&writer);
            assert!(!text.contains("never to be seen"), "{format}");
            assert!(!text.contains("6e6576657220746f206265207365656e"), "{format}");
        }
    }
}

#[test]
fn every_line_has_the_key() {
    for format in Format::ALL {
        let writer = writer(format, Value::Null);
        for event in samples::all() {
            let text = event.written(&writer);
            let bytes = event.bytes();
            let record = auditlog_bundle::Record::parse(&bytes).unwrap();
            let hash: String = record.entry_hash.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(text.contains(&hash), "{format}: {text}");
            assert!(text.contains("example.org/log"), "{format}: {text}");
            assert!(text.contains(&record.log_index.to_string()), "{format}: {text}");
        }
    }
}

#[test]
fn lines_are_one_line() {
    for format in Format::ALL {
        if matches!(format, Format::Csv | Format::CsvRaw) {
            continue;
        }
        let writer = writer(format, Value::Null);
        for event in samples::all() {
            let text = event.written(&writer);
            let ends = |c: char| {
                matches!(
                    c,
                    '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' | '\0' | '\u{1b}'
                )
            };
            assert!(!text.contains(ends), "{format}: {text:?}");
        }
    }
}
