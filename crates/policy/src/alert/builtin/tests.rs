use super::*;
use crate::alert::engine::{Engine, Limits, Seen};
use auditlog_core::json::Json;
use auditlog_query::CheckOptions;
use auditlog_query::eval::JsonDocument;
use serde_json::{Value, json};

/// Events at seconds from Wednesday, 2026-11-25, 12:00 UTC.
type Stream = Vec<(i64, Value)>;

const NOON: i64 = 1_795_608_000;

fn core(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Number(n) => Json::Number(n.to_string()),
        Value::String(s) => Json::String(s.clone()),
        Value::Array(items) => Json::Array(items.iter().map(core).collect()),
        Value::Object(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), core(value))).collect()),
    }
}

fn fires(alert: &Builtin, stream: &Stream) -> usize {
    let mut definition = alert.definition().expect(alert.key);
    definition.enabled = true;
    let mut engine = Engine::new(Limits::default());
    engine
        .set_alert(1, &definition, &CheckOptions::default(), 0)
        .expect(alert.key);
    let mut out = Vec::new();
    for (log_index, (at, event)) in (0..).zip(stream) {
        let us = (NOON + at) * 1_000_000;
        let seen = Seen {
            log_index,
            timestamp_us: us,
            arrived_us: us,
            replay: false,
        };
        engine.observe(seen, JsonDocument::new(&core(event)), &mut out);
    }
    out.len()
}

fn event(event_type: &str, status: &str, actor: &str) -> Value {
    json!({"event_type": event_type, "action": {"status": status}, "actor": {"type": "user", "id": actor, "ip_address": "10.0.0.1", "user_agent": "curl"},
        "resource": {"id": "r1", "type": "thing"}})
}

/// The same event, so many seconds apart.
fn times(count: i64, apart: i64, event: Value) -> Stream {
    (0..count).map(|n| (n * apart, event.clone())).collect()
}

/// Each with another value at a place.
fn varied(count: i64, place: &str, event: Value) -> Stream {
    let vary = |n: i64| {
        let mut event = event.clone();
        *event.pointer_mut(place).expect("a place") = json!(if place.ends_with("ip_address") {
            format!("10.0.0.{n}")
        } else {
            n.to_string()
        });
        (n, event)
    };
    (0..count).map(vary).collect()
}

fn with(mut event: Value, place: &str, value: &str) -> Value {
    *event.pointer_mut(place).expect("a place") = json!(value);
    event
}

/// A stream on which the alert fires once, and streams that are nearly that.
fn streams(key: &str) -> (Stream, Vec<Stream>) {
    let login = |status: &str| event("authentication.login", status, "u1");
    let one = |event: Value| vec![(0, event)];
    let kind = |event_type: &str| event(event_type, "success", "u1");
    match key {
        "failed_logins" => (
            times(5, 60, login("failed")),
            vec![
                times(4, 60, login("failed")),
                times(9, 75, login("failed")),
                times(9, 1, login("success")),
                varied(9, "/actor/id", login("failed")),
            ],
        ),
        "password_spraying" => (
            varied(10, "/actor/id", login("failed")),
            vec![
                varied(9, "/actor/id", login("failed")),
                times(30, 1, login("failed")),
                varied(10, "/actor/id", login("success")),
            ],
        ),
        "second_factor_refused" => {
            let refused = event("authentication.mfa_verify", "denied", "u1");
            (
                times(4, 100, refused.clone()),
                vec![
                    times(3, 100, refused.clone()),
                    varied(9, "/actor/id", refused),
                    times(9, 1, kind("authentication.mfa_verify")),
                ],
            )
        }
        "accounts_locked" => {
            let locked = kind("authentication.account_locked");
            (
                varied(3, "/actor/id", locked.clone()),
                vec![times(9, 1, locked.clone()), varied(2, "/actor/id", locked)],
            )
        }
        "privileged_role_granted" => {
            let granted = with(kind("grant.role"), "/resource/id", "Global Administrator");
            (
                times(3, 10, granted.clone()),
                vec![
                    one(with(granted.clone(), "/action/status", "denied")),
                    one(kind("grant.role")),
                    one(with(granted, "/event_type", "revoke.role")),
                ],
            )
        }
        "many_permission_changes" => (
            times(10, 30, kind("grant.privilege")),
            vec![
                times(9, 30, kind("policy.modify")),
                times(20, 30, kind("policy.violation")),
                varied(20, "/actor/id", kind("grant.role")),
            ],
        ),
        "emergency_access" => (one(kind("breakglass.begin")), vec![one(kind("breakglass.end"))]),
        "code_with_more_rights" => (
            times(3, 60, kind("program.execute")),
            vec![one(kind("function.create"))],
        ),
        "many_denials" => (
            times(20, 20, event("resource.view", "denied", "u1")),
            vec![
                times(19, 20, event("resource.view", "denied", "u1")),
                times(30, 1, login("denied")),
                times(40, 40, kind("access.denied")),
            ],
        ),
        "many_addresses" => (
            varied(5, "/actor/ip_address", login("success")),
            vec![
                varied(4, "/actor/ip_address", login("success")),
                varied(9, "/actor/ip_address", login("failed")),
                times(9, 1, login("success")),
            ],
        ),
        "bulk_export" => (
            times(5, 600, kind("data.copy_to")),
            vec![
                times(4, 600, kind("data.copy_to")),
                times(9, 600, kind("data.copy_from")),
            ],
        ),
        "root_account_used" => {
            let root = with(kind("resource.modify"), "/actor/type", "root");
            (
                times(9, 60, root.clone()),
                vec![
                    one(kind("resource.modify")),
                    one(with(root, "/event_type", "resource.view")),
                ],
            )
        }
        "outside_of_hours" => {
            let night = vec![(10 * 3600, kind("grant.role"))];
            let service = with(kind("grant.role"), "/actor/type", "service");
            (
                night,
                vec![
                    one(kind("grant.role")),
                    vec![(10 * 3600, service)],
                    vec![(10 * 3600, kind("resource.view"))],
                ],
            )
        }
        "new_address" | "new_user_agent" => {
            let place = if key == "new_address" {
                "/actor/ip_address"
            } else {
                "/actor/user_agent"
            };
            let from = |day: i64, value: &str| (day * 86_400, with(login("success"), place, value));
            let known = vec![from(0, "10.0.0.1"), from(6, "10.0.0.2"), from(8, "10.0.0.2")];
            let new = vec![from(0, "10.0.0.1"), from(8, "10.0.0.2"), from(9, "10.0.0.2")];
            let failed = vec![
                (0, login("failed")),
                (8 * 86_400, with(login("failed"), place, "10.0.0.2")),
            ];
            (new, vec![known, failed])
        }
        "unusually_many_events" => {
            let hours = |last: i64| -> Stream {
                let hour = |n: i64| {
                    (0..if n == 100 { last } else { 6 }).map(move |second| (n * 3600 + second, kind("resource.view")))
                };
                (0..=100).flat_map(hour).collect()
            };
            (hours(60), vec![hours(12), times(500, 1, kind("resource.view"))])
        }
        "policy_violation" => (times(5, 60, kind("policy.violation")), vec![one(kind("policy.modify"))]),
        "policy_weakened" => (
            one(kind("policy.exception")),
            vec![one(event("policy.drop", "denied", "u1")), one(kind("policy.create"))],
        ),
        "many_deletions" => (
            times(20, 10, kind("resource.delete")),
            vec![
                times(19, 10, kind("resource.delete")),
                times(40, 16, kind("ddl.drop")),
                times(20, 10, event("resource.delete", "failed", "u1")),
            ],
        ),
        "unauthorized_modification" => {
            let denied = event("resource.modify", "denied", "u1");
            (
                times(3, 100, denied.clone()),
                vec![
                    times(2, 100, denied),
                    times(9, 1, kind("resource.modify")),
                    times(9, 1, event("resource.view", "denied", "u1")),
                ],
            )
        }
        "recovery_destroyed" => {
            let gone = with(kind("resource.delete"), "/resource/type", "ec2_snapshot");
            (
                times(3, 600, gone.clone()),
                vec![times(2, 600, gone), times(9, 600, kind("resource.delete"))],
            )
        }
        "logging_switched_off" => (
            one(kind("configuration.logging_change")),
            vec![
                one(event("trigger.disable", "failed", "u1")),
                one(kind("trigger.create")),
            ],
        ),
        "audit_log_attacked" => (
            times(5, 60, kind("auditlog.tamper_attempt")),
            vec![one(kind("auditlog.verify_ok"))],
        ),
        "audit_log_weakened" => (
            times(5, 60, kind("auditlog.sink_change")),
            vec![one(kind("auditlog.view"))],
        ),
        "audit_log_refused" => (
            times(3, 60, kind("auditlog.access_denied")),
            vec![
                times(2, 60, kind("auditlog.access_denied")),
                times(9, 1, kind("auditlog.search")),
            ],
        ),
        other => panic!("no streams for {other}"),
    }
}

#[test]
fn each_fires_on_its_stream_and_not_on_what_is_nearly_that() {
    for alert in BUILTIN {
        let (stream, near) = streams(alert.key);
        assert_eq!(fires(alert, &stream), 1, "{}", alert.key);
        for (number, stream) in near.iter().enumerate() {
            assert_eq!(fires(alert, stream), 0, "{}: {number}", alert.key);
        }
    }
}

#[test]
fn each_says_what_it_is() {
    let mut names = std::collections::HashSet::new();
    let mut kinds = std::collections::BTreeSet::new();
    for alert in BUILTIN {
        let definition = alert.definition().expect(alert.key);
        assert!(names.insert(definition.name.clone()), "{} twice", definition.name);
        assert!(
            definition.description.as_ref().is_some_and(|text| text.len() > 30),
            "{}",
            alert.key
        );
        let kind = definition
            .labels
            .iter()
            .find(|(name, _)| name == "kind")
            .expect(alert.key);
        kinds.insert(kind.1.clone());
        let options = CheckOptions {
            strict: true,
            ..CheckOptions::default()
        };
        assert_eq!(
            definition.check(&options).expect(alert.key).notices,
            [],
            "{}",
            alert.key
        );
        assert_eq!(Builtin::find(alert.key), Some(alert));
    }
    let kinds: Vec<String> = kinds.into_iter().collect();
    let wanted = [
        "audit log",
        "failed authentication",
        "policy violations",
        "privilege escalation",
        "resource tampering",
        "suspicious activity",
    ];
    assert_eq!(kinds, wanted);
}

/// The catalogue knows every type that is named, so that no alert waits for what never comes.
#[test]
fn types_are_those_of_the_catalogue() {
    let catalogue = include_str!("../../../../../sql/schema/60_event_types.sql");
    for alert in BUILTIN {
        let words = alert
            .text
            .split(|c: char| !c.is_ascii_alphanumeric() && !"._*".contains(c));
        let types = words.filter(|word| {
            word.split_once('.')
                .is_some_and(|(group, rest)| !rest.is_empty() && catalogue.contains(&format!("('{group}.")))
        });
        for word in types.filter(|word| {
            !word.starts_with("resource.id")
                && !word.starts_with("resource.type")
                && !word.starts_with("resource.account")
        }) {
            let known = match word.strip_suffix('*') {
                Some(prefix) => catalogue.contains(&format!("('{prefix}")),
                None => catalogue.contains(&format!("('{word}'")),
            };
            assert!(known, "{}: {word}", alert.key);
        }
    }
}
