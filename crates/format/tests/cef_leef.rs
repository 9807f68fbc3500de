//! CEF and LEEF, read by strict readers.

mod support;

use auditlog_format::Format;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Made, hostile, samples, writer};

/// The seven fields of the header and the pairs of a CEF line.
fn cef(line: &str) -> (Vec<String>, Vec<(String, String)>) {
    let mut rest = line.strip_prefix("CEF:").expect("CEF");
    let mut header = Vec::new();
    while header.len() < 7 {
        let mut field = String::new();
        let mut characters = rest.chars();
        loop {
            match characters.next().expect("seven pipes") {
                '\\' => field.push(
                    characters
                        .next()
                        .filter(|c| matches!(c, '|' | '\\'))
                        .expect("an escape"),
                ),
                '|' => break,
                c => {
                    assert!(!hostile::is_control(c));
                    field.push(c);
                }
            }
        }
        header.push(field);
        rest = characters.as_str();
    }
    // each «=» without escape ends a key, which begins behind the last space
    let mut keys = Vec::new();
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'\\' => escaped = !escaped,
            b'=' if !escaped => {
                let start = rest[..at].rfind(' ').map_or(0, |space| space + 1);
                keys.push((start, at));
            }
            _ => escaped = false,
        }
    }
    let mut pairs = Vec::new();
    for (number, (start, equals)) in keys.iter().enumerate() {
        let end = keys.get(number + 1).map_or(rest.len(), |(next, _)| next - 1);
        let key = &rest[*start..*equals];
        assert!(
            !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{key:?} in {line:?}"
        );
        let mut value = String::new();
        let mut characters = rest[equals + 1..end].chars();
        while let Some(c) = characters.next() {
            match c {
                '\\' => value.push(match characters.next() {
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some(c @ ('\\' | '=')) => c,
                    other => panic!("the escape {other:?}"),
                }),
                c => {
                    assert!(c == '\t' || !hostile::is_control(c));
                    value.push(c);
                }
            }
        }
        pairs.push((key.to_owned(), value));
    }
    (header, pairs)
}

fn of<'a>(pairs: &'a [(String, String)], key: &str) -> Option<&'a str> {
    let found: Vec<&str> = pairs
        .iter()
        .filter(|(other, _)| other == key)
        .map(|(_, value)| value.as_str())
        .collect();
    assert!(found.len() <= 1, "{key} is there twice");
    found.first().copied()
}

/// What of a text comes back from CEF.
fn of_cef(text: &Option<Vec<u8>>) -> Option<String> {
    let text = text.as_deref().filter(|text| !text.is_empty())?;
    let kept = |c: char| {
        if hostile::is_control(c) && !matches!(c, '\t' | '\n' | '\r') {
            '\u{fffd}'
        } else {
            c
        }
    };
    Some(hostile::lossy(text).chars().map(kept).collect())
}

const CEF_KEYS: [(&str, usize); 13] = [
    ("cs1", 1),
    ("cat", 3),
    ("act", 4),
    ("reason", 5),
    ("requestMethod", 6),
    ("cs5", 7),
    ("spriv", 8),
    ("suid", 9),
    ("requestClientApplication", 11),
    ("flexString2", 12),
    ("cs3", 13),
    ("cs4", 14),
    ("sproc", 16),
];

proptest! {
    #[test]
    fn cef_gives_the_texts_back((event, texts) in hostile::event()) {
        let (header, pairs) = cef(&event.written(&writer(Format::Cef, Value::Null)));
        prop_assert_eq!(&header[..4], ["0", "pg_auditlog", "pg_auditlog", "0.1.0"]);
        let space = |c: char| if hostile::is_control(c) { ' ' } else { c };
        let event_type: String = hostile::lossy(texts[2].as_deref().unwrap_or_default()).chars().map(space).collect();
        prop_assert_eq!(&header[4], if event_type.is_empty() { "event" } else { &event_type });
        prop_assert!(header.iter().all(|field| !field.is_empty()));
        prop_assert!(pairs.iter().all(|(_, value)| !value.is_empty()));
        for (key, column) in CEF_KEYS {
            let expected = of_cef(&texts[column]);
            prop_assert_eq!(of(&pairs, key), expected.as_deref(), "{}", key);
        }
        let index = event.log_index.to_string();
        prop_assert_eq!(of(&pairs, "cn1"), Some(index.as_str()));
        prop_assert_eq!(of(&pairs, "deviceExternalId"), Some("example.org/log"));
        let document: Value = serde_json::from_str(&event.written(&writer(Format::Json, Value::Null))).unwrap();
        prop_assert_eq!(of(&pairs, "cs2").unwrap(), document["auditlog"]["entry_hash"].as_str().unwrap());
        let changes: Value = serde_json::from_str(of(&pairs, "cs6").unwrap()).unwrap();
        prop_assert_eq!(&changes, &document["changes"]);
    }
}

#[test]
fn cef_tells_addresses_apart() {
    let pairs = |event: Made| cef(&event.written(&writer(Format::Cef, Value::Null))).1;
    let seed = pairs(samples::seed());
    assert_eq!((of(&seed, "src"), of(&seed, "c6a2")), (Some("203.0.113.45"), None));
    let login = pairs(samples::login());
    assert_eq!((of(&login, "src"), of(&login, "c6a2")), (None, Some("2001:db8::7")));
    assert_eq!(of(&login, "outcome"), Some("failure"));
    // a network is no address: the client's takes its place
    assert_eq!(of(&pairs(samples::select()), "src"), Some("10.0.3.9"));
    assert_eq!(of(&pairs(samples::bare()), "src"), None);
    assert_eq!(of(&pairs(samples::mfa()), "outcome"), Some("pending"));
}

/// The fields of the header and the pairs of a LEEF line.
fn leef(line: &str) -> (Vec<&str>, Vec<(String, String)>) {
    assert!(!line.contains(|c: char| hostile::is_control(c) && c != '\t'));
    let fields = if line.starts_with("LEEF:2.0|") { 6 } else { 5 };
    let mut parts: Vec<&str> = line.splitn(fields + 1, '|').collect();
    let rest = parts.pop().unwrap();
    let delimiter = match parts.get(5) {
        None | Some(&"x09") => '\t',
        Some(text) => text.chars().next().unwrap(),
    };
    let pair = |text: &str| {
        let (key, value) = text.split_once('=').expect("a pair");
        assert!(
            !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{key:?}"
        );
        (key.to_owned(), value.to_owned())
    };
    (parts, rest.split(delimiter).map(pair).collect())
}

proptest! {
    #[test]
    fn leef_gives_the_texts_back((event, texts) in hostile::event(), delimiter in prop::sample::select(vec!["x09", "^", ";", "x5E", "¦"])) {
        for options in [json!({"version": "1.0"}), json!({"delimiter": delimiter})] {
            let first = options.get("version").is_some();
            let between = match (first, delimiter) {
                (true, _) | (false, "x09") => '\t',
                (false, "x5E") => '^',
                (false, other) => other.chars().next().unwrap(),
            };
            let line = event.written(&writer(Format::Leef, options));
            let (header, pairs) = leef(&line);
            prop_assert_eq!(header.len(), if first { 5 } else { 6 });
            prop_assert_eq!(header[1], "pg_auditlog");
            let kept = |text: &Option<Vec<u8>>| {
                let text = text.as_deref().filter(|text| !text.is_empty())?;
                let kept = |c: char| if hostile::is_control(c) || c == between { ' ' } else { c };
                Some(hostile::lossy(text).chars().map(kept).collect::<String>())
            };
            for (key, column) in [("cat", 3), ("eventId", 1), ("operation", 4), ("status", 5), ("tenant", 7), ("role", 8),
                ("actorId", 9), ("userAgent", 11), ("resourceType", 13), ("resource", 14), ("requestId", 15)] {
                let expected = kept(&texts[column]);
                prop_assert_eq!(of(&pairs, key), expected.as_deref(), "{}", key);
            }
            let index = event.log_index.to_string();
            prop_assert_eq!(of(&pairs, "logIndex"), Some(index.as_str()));
            prop_assert_eq!(of(&pairs, "origin"), Some("example.org/log"));
        }
    }
}

#[test]
fn a_megabyte_is_written_whole() {
    let long = "=|\\x\n".repeat(200_000);
    let event = samples::bare().text("actor_user_agent", &long);
    let (_, pairs) = cef(&event.written(&writer(Format::Cef, Value::Null)));
    assert_eq!(of(&pairs, "requestClientApplication"), Some(long.as_str()));
    let line = event.written(&writer(Format::Leef, Value::Null));
    assert_eq!(of(&leef(&line).1, "userAgent"), Some(long.replace('\n', " ").as_str()));
}
