//! What a transaction's context adds to its events, and what it must never add.

mod support;

use auditlog_core::context::Context;
use auditlog_core::document::{ErrorKind, check_columns, parse, to_document};
use auditlog_core::event::Event;
use auditlog_core::json::Json;
use proptest::prelude::*;
use support::{LIMITS, document, equal, json};

const ALICE: &str = r#"{"actor": {"type": "user", "id": "alice", "email": "alice@example.com", "session_id": "s1"},
    "tenant": "acme", "metadata": {"request_id": "r1", "k8s": {"pod": "p1", "node": "n1"}}}"#;

fn context(text: &str) -> Context {
    Context::from_json(json(text)).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Merges as a document and as columns: both must give `expected`.
#[track_caller]
fn merged(context: &Context, event: &str, expected: &str) {
    let mut document = json(event);
    context.merge(&mut document);
    assert!(equal(&document, &json(expected)), "{document:?}");
    let mut columns = parse(json(event), &LIMITS).expect("a valid event");
    context.merge_event(&mut columns);
    assert!(
        equal(&to_document(&columns), &json(expected)),
        "as columns: {columns:?}"
    );
    assert_eq!(check_columns(&columns, &LIMITS), Ok(()));
}

#[test]
fn an_event_gets_what_it_lacks() {
    merged(
        &context(ALICE),
        r#"{"event_type": "a", "metadata": {"k8s": {"pod": "p2"}, "tags": []}}"#,
        r#"{"event_type": "a", "tenant": "acme",
            "actor": {"type": "user", "id": "alice", "email": "alice@example.com", "session_id": "s1"},
            "metadata": {"request_id": "r1", "k8s": {"pod": "p2", "node": "n1"}, "tags": []}}"#,
    );
    merged(
        &context(r#"{"actor": {"ip_address": "host.example"}, "metadata": {"tags": ["x"]}}"#),
        r#"{"event_type": "a", "actor": {"ip_address": "10.0.0.1"}, "metadata": {"tags": ["y"]}}"#,
        r#"{"event_type": "a", "actor": {"ip_address": "10.0.0.1"}, "metadata": {"tags": ["y"]}}"#,
    );
}

#[test]
fn what_the_event_says_stays() {
    for event in [
        r#"{"event_type": "a", "tenant": null, "actor": null, "metadata": null}"#,
        r#"{"event_type": "a", "tenant": "other", "actor": {"id": null}, "metadata": {"request_id": 7, "k8s": null}}"#,
    ] {
        merged(&context(ALICE), event, event);
    }
}

#[test]
fn another_actor_gets_nothing_of_this_one() {
    let only_actor =
        context(r#"{"actor": {"type": "user", "id": "alice", "email": "alice@example.com", "session_id": "s1"}}"#);
    for actor in [
        r#"{"id": "bob"}"#,
        r#"{"email": "bob@example.com"}"#,
        r#"{"id": "alice", "email": "bob@example.com"}"#,
        r#"{"type": "system"}"#,
        r#"{"email": null}"#,
    ] {
        let event = format!(r#"{{"event_type": "a", "actor": {actor}}}"#);
        merged(&only_actor, &event, &event);
    }
    merged(
        &only_actor,
        r#"{"event_type": "a", "actor": {"email": "Alice@Example.com", "user_agent": "curl"}}"#,
        r#"{"event_type": "a", "actor": {"type": "user", "id": "alice", "email": "Alice@Example.com", "session_id": "s1", "user_agent": "curl"}}"#,
    );
    let by_number = context(r#"{"actor": {"id": 7, "session_id": "s1"}}"#);
    merged(
        &by_number,
        r#"{"event_type": "a", "actor": {"id": "7"}}"#,
        r#"{"event_type": "a", "actor": {"id": "7", "session_id": "s1"}}"#,
    );
}

#[test]
fn the_other_groups_are_filled_whoever_the_actor_is() {
    merged(
        &context(ALICE),
        r#"{"event_type": "a", "actor": {"id": "bob"}, "metadata": {"k8s": "none"}}"#,
        r#"{"event_type": "a", "actor": {"id": "bob"}, "tenant": "acme", "metadata": {"k8s": "none", "request_id": "r1"}}"#,
    );
}

#[test]
fn nulls_in_a_context_give_nothing() {
    let event = r#"{"event_type": "a"}"#;
    merged(
        &context(r#"{"tenant": null, "actor": {"id": null}, "metadata": {"x": {"y": null}}}"#),
        event,
        event,
    );
    for text in ["null", "{}"] {
        assert!(context(text).is_empty());
        merged(&context(text), event, event);
    }
}

#[test]
fn columns_that_are_refused_stay_refused() {
    let context = context(ALICE);
    let good = parse(json(r#"{"event_type": "a", "actor": {"id": "alice"}}"#), &LIMITS).expect("a valid event");
    for bad in [
        Event {
            extra: Some(json(r#"{"actor": {"id": "mallory"}}"#)),
            ..good.clone()
        },
        Event {
            extra: Some(json(r#"{"actor": "mallory"}"#)),
            ..good.clone()
        },
        Event {
            extra: Some(json("[]")),
            ..good.clone()
        },
        Event {
            timestamp: Some(i64::MIN),
            ..good.clone()
        },
        Event {
            event_type: Some("A".to_owned()),
            ..good.clone()
        },
    ] {
        let mut merged = bad.clone();
        context.merge_event(&mut merged);
        assert_eq!(merged, bad);
        assert!(check_columns(&merged, &LIMITS).is_err(), "{bad:?}");
    }
}

#[test]
fn a_bad_context_is_refused() {
    for (text, kind, path) in [
        ("[]", ErrorKind::WrongType, "$"),
        (r#"{"actor": {"id": []}}"#, ErrorKind::WrongType, "$.actor.id"),
        (r#"{"actor": "alice"}"#, ErrorKind::WrongType, "$.actor"),
        (r#"{"user_id": 1}"#, ErrorKind::BadValue, "$.user_id"),
        (r#"{"event_type": "a"}"#, ErrorKind::BadValue, "$.event_type"),
    ] {
        let error = Context::from_json(json(text)).expect_err(text);
        assert_eq!((error.kind, error.path.as_str()), (kind, path), "{text}");
    }
}

#[test]
fn a_gateway_says_who_and_from_where() {
    let claims =
        json(r#"{"sub": "u1", "email": "u@example.com", "sid": "s9", "org_id": 12, "role": "editor", "exp": 1}"#);
    let headers =
        json(r#"{"x-forwarded-for": "203.0.113.45, 10.0.0.1", "user-agent": "curl/8", "x-correlation-id": "c1"}"#);
    merged(
        &Context::from_gateway(Some(claims), Some(headers)),
        r#"{"event_type": "a"}"#,
        r#"{"event_type": "a", "tenant": 12, "metadata": {"request_id": "c1", "role": "editor"},
            "actor": {"type": "user", "id": "u1", "email": "u@example.com", "session_id": "s9",
                "ip_address": "203.0.113.45", "user_agent": "curl/8"}}"#,
    );
    let address = |headers: &str| {
        let mut document = json("{}");
        Context::from_gateway(None, Some(json(headers))).merge(&mut document);
        document
            .get("actor")
            .and_then(|actor| actor.get("ip_address")?.as_str().map(str::to_owned))
    };
    assert_eq!(
        address(r#"{"x-real-ip": "2001:db8::1"}"#).as_deref(),
        Some("2001:db8::1")
    );
    assert_eq!(
        address(r#"{"x-forwarded-for": "unknown", "x-real-ip": "10.0.0.1"}"#).as_deref(),
        Some("10.0.0.1")
    );
    assert_eq!(
        address(r#"{"x-forwarded-for": "203.0.113.45:4711"}"#).as_deref(),
        Some("203.0.113.45")
    );
    assert_eq!(
        address(r#"{"x-forwarded-for": "[2001:db8::1]:4711"}"#).as_deref(),
        Some("2001:db8::1")
    );
    assert_eq!(
        address(r#"{"x-forwarded-for": "[2001:db8::1]"}"#).as_deref(),
        Some("2001:db8::1")
    );
    assert_eq!(address(r#"{"x-forwarded-for": 1}"#), None);
    // nothing in a strange token stops a write
    for strange in ["[]", "1", r#"{"sub": {}, "email": null, "role": [], "tenant": ""}"#] {
        assert!(
            Context::from_gateway(Some(json(strange)), Some(json(strange))).is_empty(),
            "{strange}"
        );
    }
}

#[test]
fn set_context_wins_over_the_gateway() {
    let gateway = || {
        let claims = json(r#"{"sub": "u1", "email": "u@example.com", "tenant": "t1"}"#);
        Context::from_gateway(Some(claims), Some(json(r#"{"x-request-id": "r1"}"#)))
    };
    merged(
        &gateway().overlay(context(r#"{"actor": {"id": "u1", "session_id": "s"}, "tenant": "t2"}"#)),
        r#"{"event_type": "a"}"#,
        r#"{"event_type": "a", "actor": {"type": "user", "id": "u1", "email": "u@example.com", "session_id": "s"},
            "tenant": "t2", "metadata": {"request_id": "r1"}}"#,
    );
    merged(
        &gateway().overlay(context(r#"{"actor": {"id": "job"}, "tenant": null}"#)),
        r#"{"event_type": "a"}"#,
        r#"{"event_type": "a", "actor": {"id": "job"}, "metadata": {"request_id": "r1"}}"#,
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_context_never_changes_what_is_there(event in document(), other in document()) {
        let keys = ["actor", "resource", "action", "metadata", "tenant"];
        let Json::Object(pairs) = other else { unreachable!("documents are objects") };
        let given = Json::Object(pairs.into_iter().filter(|(key, _)| keys.contains(&key.as_str())).collect());
        let context = Context::from_json(given).map_err(|e| TestCaseError::reject(e.message))?;
        let columns = parse(event.clone(), &LIMITS).map_err(|e| TestCaseError::reject(e.message))?;
        let mut by_document = event.clone();
        context.merge(&mut by_document);
        prop_assert!(support::contains(&by_document, &event));
        let mut by_columns: Event = columns;
        context.merge_event(&mut by_columns);
        prop_assert!(equal(&to_document(&by_columns), &by_document));
    }
}
