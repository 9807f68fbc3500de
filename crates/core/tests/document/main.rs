//! Documents become columns and come back equal; bad ones are refused with path and hint.

#[path = "../support/mod.rs"]
mod support;
mod values;

use auditlog_core::document::{
    DocumentError, ErrorKind, Limits, MAX_INDEXED_BYTES, check_columns, format_timestamp, parse, parse_inet,
    parse_timestamp, personal_in_extra, to_document,
};
use auditlog_core::event::{Event, Severity};
use auditlog_core::json::Json;
use proptest::prelude::*;
use support::{LIMITS, any_json, contains, document, equal, json};

const SEED: &str = r#"{"event_id": "evt_2026031012345678", "timestamp": "2026-03-10T14:30:45.123Z",
    "event_type": "resource.modify", "severity": "info",
    "actor": {"type": "user", "id": "user_12345", "email": "admin@company.com", "ip_address": "203.0.113.45",
      "user_agent": "Mozilla/5.0...", "session_id": "sess_abcdef123456"},
    "resource": {"type": "ec2_instance", "id": "i-0123456789abcdef", "cloud_provider": "aws",
      "account_id": "123456789012", "region": "us-east-1"},
    "action": {"operation": "stop_instance", "status": "success", "method": "api"},
    "changes": {"before": {"state": "running"}, "after": {"state": "stopped"}},
    "metadata": {"request_id": "req_xyz789", "api_version": "v2", "tags": ["automation", "cost-optimization"]}}"#;

fn event(text: &str) -> Event {
    parse(json(text), &LIMITS).unwrap_or_else(|error| panic!("{text}: {error}: {}", error.detail))
}

fn refused(text: &str) -> DocumentError {
    parse(json(text), &LIMITS).expect_err(text)
}

#[test]
fn the_documents_of_the_product_description_fill_the_columns() {
    let event = event(SEED);
    assert_eq!(event.event_id.as_deref(), Some("evt_2026031012345678"));
    assert_eq!(event.timestamp, Some(1_773_153_045_123_000));
    assert_eq!(event.event_type.as_deref(), Some("resource.modify"));
    assert_eq!(event.severity, Some(Severity::Info));
    assert_eq!(event.actor_type.as_deref(), Some("user"));
    assert_eq!(event.actor_id.as_deref(), Some("user_12345"));
    assert_eq!(event.actor_email.as_deref(), Some("admin@company.com"));
    assert_eq!(event.actor_ip, parse_inet("203.0.113.45"));
    assert_eq!(event.actor_user_agent.as_deref(), Some("Mozilla/5.0..."));
    assert_eq!(event.actor_session_id.as_deref(), Some("sess_abcdef123456"));
    assert_eq!(event.resource_type.as_deref(), Some("ec2_instance"));
    assert_eq!(event.resource_id.as_deref(), Some("i-0123456789abcdef"));
    assert_eq!(event.cloud_provider.as_deref(), Some("aws"));
    assert_eq!(event.account_id.as_deref(), Some("123456789012"));
    assert_eq!(event.region.as_deref(), Some("us-east-1"));
    assert_eq!(event.operation.as_deref(), Some("stop_instance"));
    assert_eq!(event.status.as_deref(), Some("success"));
    assert_eq!(event.method.as_deref(), Some("api"));
    assert_eq!(event.before, Some(json(r#"{"state": "running"}"#)));
    assert_eq!(event.after, Some(json(r#"{"state": "stopped"}"#)));
    assert_eq!(event.request_id.as_deref(), Some("req_xyz789"));
    assert_eq!(
        event.tags,
        Some(vec!["automation".to_owned(), "cost-optimization".to_owned()])
    );
    assert_eq!(event.extra, Some(json(r#"{"metadata": {"api_version": "v2"}}"#)));
    assert!(equal(&to_document(&event), &json(SEED)));
}

/// Leaves that do not fit their column: the column's value, and what stays in `extra`.
#[test]
fn values_that_do_not_fit_stay_in_extra() {
    let extra = |text: &str| {
        let event = event(&format!(r#"{{"event_type": "a", {text}}}"#));
        assert!(contains(&to_document(&event), &json(&format!("{{{text}}}"))), "{text}");
        event
    };
    for text in [
        r#""actor": null"#,
        r#""actor": {}"#,
        r#""actor": {"id": null}"#,
        r#""actor": {"ip_address": "ec2.amazonaws.com"}"#,
        r#""actor": {"ip_address": 7}"#,
        r#""changes": {}"#,
        r#""metadata": {"tags": ["a", 1]}"#,
        r#""metadata": {"tags": {"a": "b"}}"#,
        r#""tenant": null"#,
        r#""big": 1234567890123456789012345678901234567890.10"#,
        r#""category": "mine", "log_index": 7, "hash": "x", "extra": {"extra": 1}"#,
    ] {
        let event = extra(text);
        assert_eq!(event.extra, Some(json(&format!("{{{text}}}"))));
        assert_eq!(
            Event { extra: None, ..event },
            Event {
                event_type: Some("a".to_owned()),
                ..Event::default()
            }
        );
    }
    let number = extra(r#""actor": {"id": 42.50, "email": true}"#);
    assert_eq!(
        (number.actor_id.as_deref(), number.actor_email.as_deref()),
        (Some("42.50"), Some("true"))
    );
    assert_eq!(number.extra, Some(json(r#"{"actor": {"id": 42.50, "email": true}}"#)));
    let address = extra(r#""actor": {"ip_address": "2001:DB8::1"}"#);
    assert_eq!(address.actor_ip, parse_inet("2001:db8::1"));
    assert_eq!(address.extra, Some(json(r#"{"actor": {"ip_address": "2001:DB8::1"}}"#)));
    let time = extra(r#""timestamp": "2026-03-10T15:30:45.1234567+01:00""#);
    assert_eq!(time.timestamp, Some(1_773_153_045_123_456));
    assert_eq!(
        time.extra,
        Some(json(r#"{"timestamp": "2026-03-10T15:30:45.1234567+01:00"}"#))
    );
}

#[test]
fn values_that_fit_leave_nothing_in_extra() {
    for text in [
        r#""changes": {"before": null, "after": [1, 1.00]}"#,
        r#""resource": {"tags": null}"#,
        r#""resource": {"tags": {"Environment": "production"}}"#,
        r#""metadata": {"tags": []}"#,
        r#""actor": {"ip_address": "10.0.0.0/8"}"#,
        r#""timestamp": "2026-03-10T14:30:45.123456Z""#,
        r#""tenant": "", "idempotency_key": "k""#,
    ] {
        let event = event(&format!(r#"{{"event_type": "a", {text}}}"#));
        assert_eq!(event.extra, None, "{text}");
        assert!(contains(&to_document(&event), &json(&format!("{{{text}}}"))), "{text}");
    }
    assert_eq!(
        event(r#"{"event_type": "a", "changes": {"before": null}}"#).before,
        Some(Json::Null)
    );
}

#[test]
fn a_long_value_keeps_its_index_small() {
    let long = "ü".repeat(MAX_INDEXED_BYTES);
    let event = event(&format!(r#"{{"event_type": "a", "resource": {{"id": "{long}"}}}}"#));
    assert_eq!(event.resource_id.as_ref().map(String::len), Some(MAX_INDEXED_BYTES));
    assert!(contains(
        &to_document(&event),
        &json(&format!(r#"{{"resource": {{"id": "{long}"}}}}"#))
    ));
    assert_eq!(check_columns(&event, &LIMITS), Ok(()));
    let error = refused(&format!(r#"{{"event_type": "a", "idempotency_key": "{long}"}}"#));
    assert_eq!(
        (error.path.as_str(), error.kind),
        ("$.idempotency_key", ErrorKind::BadValue)
    );
}

#[test]
fn bad_documents_are_refused_with_path_and_hint() {
    for (text, kind, path, message) in [
        (
            "[]",
            ErrorKind::WrongType,
            "$",
            "the event must be an object, not an array",
        ),
        ("{}", ErrorKind::Missing, "$.event_type", "event_type is missing"),
        (
            r#"{"event_type": null}"#,
            ErrorKind::WrongType,
            "$.event_type",
            "event_type must be a text, not null",
        ),
        (
            r#"{"event_type": "A.b"}"#,
            ErrorKind::BadValue,
            "$.event_type",
            "\"A.b\" is not an event type",
        ),
        (
            r#"{"event_type": ""}"#,
            ErrorKind::BadValue,
            "$.event_type",
            "\"\" is not an event type",
        ),
        (
            r#"{"event_type": "a..b"}"#,
            ErrorKind::BadValue,
            "$.event_type",
            "\"a..b\" is not an event type",
        ),
        (
            r#"{"event_type": "-a"}"#,
            ErrorKind::BadValue,
            "$.event_type",
            "\"-a\" is not an event type",
        ),
        (
            r#"{"event_type": "a.-a"}"#,
            ErrorKind::BadValue,
            "$.event_type",
            "\"a.-a\" is not an event type",
        ),
        (
            r#"{"event_type": "a\n"}"#,
            ErrorKind::BadValue,
            "$.event_type",
            "\"a\\n\" is not an event type",
        ),
        (
            r#"{"event_type": "a", "event_id": ""}"#,
            ErrorKind::BadValue,
            "$.event_id",
            "event_id is empty",
        ),
        (
            r#"{"event_type": "a", "event_id": 1}"#,
            ErrorKind::WrongType,
            "$.event_id",
            "event_id must be a text, not a number",
        ),
        (
            r#"{"event_type": "a", "severity": "high"}"#,
            ErrorKind::BadValue,
            "$.severity",
            "unknown severity \"high\"",
        ),
        (
            r#"{"event_type": "a", "timestamp": 1}"#,
            ErrorKind::WrongType,
            "$.timestamp",
            "timestamp must be a text, not a number",
        ),
        (
            r#"{"event_type": "a", "timestamp": "now"}"#,
            ErrorKind::BadValue,
            "$.timestamp",
            "\"now\" is not a timestamp",
        ),
        (
            r#"{"event_type": "a", "actor": "x"}"#,
            ErrorKind::WrongType,
            "$.actor",
            "actor must be an object or null, not a string",
        ),
        (
            r#"{"event_type": "a", "changes": []}"#,
            ErrorKind::WrongType,
            "$.changes",
            "changes must be an object or null, not an array",
        ),
        (
            r#"{"event_type": "a", "actor": {"id": {}}}"#,
            ErrorKind::WrongType,
            "$.actor.id",
            "actor.id must be a text, not an object",
        ),
        (
            r#"{"event_type": "a", "actor": {"ip_address": []}}"#,
            ErrorKind::WrongType,
            "$.actor.ip_address",
            "actor.ip_address must be a text, not an array",
        ),
        (
            r#"{"event_type": "a", "x": {"y z": [0, "\u0000"]}}"#,
            ErrorKind::NulCharacter,
            "$.x[\"y z\"][1]",
            "text with a NUL character",
        ),
        (
            r#"{"event_type": "a", "x": {"\u0000": 1}}"#,
            ErrorKind::NulCharacter,
            "$.x[\"\\0\"]",
            "key with a NUL character",
        ),
    ] {
        let error = refused(text);
        assert_eq!(
            (error.kind, error.path.as_str(), error.message.as_str()),
            (kind, path, message),
            "{text}"
        );
        assert!(
            error.detail.contains(path) && error.detail.ends_with('.'),
            "{text}: {}",
            error.detail
        );
        assert!(
            error.hint.ends_with('.') && error.hint.len() > 10,
            "{text}: {}",
            error.hint
        );
    }
    let labels = refused(r#"{"event_type": "a", "severity": "high"}"#).hint;
    assert!(
        Severity::ALL.iter().all(|severity| labels.contains(severity.label())),
        "{labels}"
    );
}

#[test]
fn depth_is_limited() {
    let limits = Limits { max_depth: 3, ..LIMITS };
    assert!(parse(json(r#"{"event_type": "a", "x": {"y": []}}"#), &limits).is_ok());
    let error = parse(json(r#"{"event_type": "a", "x": {"y": [[]]}}"#), &limits).expect_err("four levels");
    assert_eq!((error.kind, error.path.as_str()), (ErrorKind::TooDeep, "$.x.y[0]"));
}

#[test]
fn columns_are_checked_like_documents() {
    let valid = event(SEED);
    assert_eq!(check_columns(&valid, &LIMITS), Ok(()));
    let kind = |event: Event| check_columns(&event, &LIMITS).map_err(|error| (error.kind, error.path));
    let bad = |kind, path: &str| Err((kind, path.to_owned()));
    assert_eq!(
        kind(Event {
            event_type: None,
            ..valid.clone()
        }),
        bad(ErrorKind::Missing, "$.event_type")
    );
    assert_eq!(
        kind(Event {
            event_type: Some("A".into()),
            ..valid.clone()
        }),
        bad(ErrorKind::BadValue, "$.event_type")
    );
    assert_eq!(
        kind(Event {
            event_id: Some("".into()),
            ..valid.clone()
        }),
        bad(ErrorKind::BadValue, "$.event_id")
    );
    assert_eq!(
        kind(Event {
            timestamp: Some(i64::MIN),
            ..valid.clone()
        }),
        bad(ErrorKind::BadValue, "$.timestamp")
    );
    assert_eq!(
        kind(Event {
            actor_id: Some("x".repeat(2049)),
            ..valid.clone()
        }),
        bad(ErrorKind::BadValue, "$.actor.id")
    );
    let with_extra = |text: &str| {
        kind(Event {
            extra: Some(json(text)),
            ..valid.clone()
        })
    };
    assert_eq!(with_extra("[]"), bad(ErrorKind::WrongType, "$.extra"));
    // what extra says beside the columns must not contradict them
    for text in [
        r#"{"actor": {"id": "mallory"}}"#,
        r#"{"actor": {"id": null}}"#,
        r#"{"actor": null}"#,
        r#"{"actor": "mallory"}"#,
        r#"{"actor": {"ip_address": "other.example"}}"#,
    ] {
        assert_eq!(with_extra(text), bad(ErrorKind::BadValue, "$.actor"), "{text}");
    }
    assert_eq!(
        with_extra(r#"{"metadata": {"tags": [1]}}"#),
        bad(ErrorKind::BadValue, "$.metadata")
    );
    assert_eq!(
        with_extra(r#"{"event_type": "other"}"#),
        bad(ErrorKind::BadValue, "$.event_type")
    );
    assert_eq!(
        with_extra(r#"{"timestamp": "2026-03-10T15:30:45.123+01:00", "actor": {"id": "user_12345", "shoe": 42}}"#),
        Ok(())
    );
}

#[test]
fn personal_values_in_extra_are_found() {
    let extra = json(r#"{"actor": {"ip_address": "host.example"}, "x": 1}"#);
    assert!(personal_in_extra(&extra, ["actor.email", "actor.ip_address"]));
    assert!(!personal_in_extra(&extra, ["actor.email", "x.y"]));
}

fn cases(short: u32) -> ProptestConfig {
    let soak = std::env::var_os("AUDITLOG_SOAK").is_some();
    ProptestConfig {
        cases: if soak { 1_000_000 } else { short },
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(5000))]

    #[test]
    fn what_goes_in_comes_out_equal(document in document()) {
        let event = parse(document.clone(), &LIMITS).map_err(|e| TestCaseError::reject(e.message))?;
        let back = to_document(&event);
        prop_assert!(equal(&back, &document), "{document:?}\n{back:?}");
        prop_assert_eq!(check_columns(&event, &LIMITS), Ok(()));
        // the way back is stable
        prop_assert_eq!(parse(back, &LIMITS).map(|again| to_document(&again)).map_err(|e| e.message), Ok(to_document(&event)));
    }

    #[test]
    fn timestamps_come_back(text in support::timestamp()) {
        if let Some(us) = parse_timestamp(&text) {
            prop_assert_eq!(parse_timestamp(&format_timestamp(us)), Some(us));
        }
    }
}

proptest! {
    #![proptest_config(cases(10_000))]

    /// The fuzz test: no JSON makes the parser panic or lose something (AUDITLOG_SOAK=1 for a million).
    #[test]
    fn arbitrary_json_never_panics(value in any_json(8), key in "(event_id|timestamp|severity|actor|resource|action|changes|metadata|tenant)") {
        let _ = parse(value.clone(), &LIMITS);
        let document = Json::Object(vec![(key, value), ("event_type".to_owned(), Json::String("a".to_owned()))]);
        let shallow = Limits { max_depth: 4, ..LIMITS };
        if let Ok(event) = parse(document.clone(), &shallow) {
            prop_assert!(contains(&to_document(&event), &document));
        }
    }
}
