//! Documents: random ones, and how to compare what went in with what comes out.

use auditlog_testkit::Random;
use auditlog_testkit::postgres::Client;
use serde_json::{Map, Value, json};

/// The public document of one event.
pub fn document_of(client: &mut Client, event_id: &str) -> Value {
    let row = client
        .query_one(
            "SELECT auditlog.to_json(e)::text FROM auditlog.events e WHERE event_id = $1",
            &[&event_id],
        )
        .unwrap_or_else(|e| panic!("event {event_id}: {e:?}"));
    serde_json::from_str(&row.get::<_, String>(0)).expect("to_json gives JSON")
}

/// `document` as PostgreSQL itself reads it: what `jsonb` changes (1e3 is 1000) is not ours.
pub fn normal(client: &mut Client, document: &str) -> Value {
    let row = client
        .query_one("SELECT $1::text::jsonb::text", &[&document])
        .expect("JSON");
    serde_json::from_str(&row.get::<_, String>(0)).expect("jsonb prints JSON")
}

/// Asserts that all of `given` is in `found`: objects may have gained keys, nothing else differs.
pub fn assert_contained(given: &Value, found: &Value) {
    if let Err(path) = contained(given, found, "$") {
        panic!("differs at {path}\ngiven: {given}\nfound: {found}");
    }
}

fn contained(given: &Value, found: &Value, path: &str) -> Result<(), String> {
    match (given, found) {
        (Value::Object(given), Value::Object(found)) => given.iter().try_for_each(|(key, value)| {
            let path = format!("{path}.{key}");
            contained(value, found.get(key).ok_or_else(|| path.clone())?, &path)
        }),
        _ if given == found => Ok(()),
        _ => Err(path.to_owned()),
    }
}

/// A random event with known and unknown keys in every group.
pub fn random_event(random: &mut Random, number: usize) -> Value {
    let mut event = Map::new();
    event.insert("event_id".into(), json!(format!("random-{number}")));
    event.insert(
        "event_type".into(),
        json!(["authentication.login", "resource.modify", "x.y-z.w_1"][random.below(3) as usize]),
    );
    for (group, keys) in [
        (
            "actor",
            &["type", "id", "email", "ip_address", "user_agent", "session_id", "realm"][..],
        ),
        (
            "resource",
            &["type", "id", "cloud_provider", "account_id", "region", "tags", "arn"],
        ),
        ("action", &["operation", "status", "method", "took_ms"]),
        ("changes", &["before", "after", "patch"]),
        ("metadata", &["request_id", "api_version", "trace"]),
    ] {
        let mut members = Map::new();
        for key in keys {
            if random.chance(60) {
                members.insert((*key).into(), random_member(random, key));
            }
        }
        if random.chance(80) {
            event.insert(group.into(), Value::Object(members));
        }
    }
    if random.chance(30) {
        event.insert(
            "severity".into(),
            json!(["debug", "info", "critical"][random.below(3) as usize]),
        );
    }
    if random.chance(50) {
        event.insert("custom".into(), random_value(random, 4));
    }
    Value::Object(event)
}

fn random_member(random: &mut Random, key: &str) -> Value {
    match key {
        "before" | "after" | "patch" | "trace" | "realm" | "took_ms" => random_value(random, 4),
        "tags" => json!({"env": random_text(random), "n": random.below(9).to_string()}),
        "ip_address" if random.chance(70) => json!(format!("10.{}.0.{}", random.below(256), random.below(256))),
        _ => json!(random_text(random)),
    }
}

fn random_text(random: &mut Random) -> String {
    const PIECES: [&str; 10] = [
        "a",
        "Z9",
        " ",
        "ü",
        "e\u{301}",
        "\u{1F600}",
        "\\",
        "\"",
        "\u{7f}\u{1}",
        "'{}",
    ];
    (0..random.below(6))
        .map(|_| PIECES[random.below(10) as usize])
        .collect()
}

fn random_value(random: &mut Random, depth: u32) -> Value {
    match random.below(if depth == 0 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => json!(random.chance(50)),
        2 => json!(random.draw()),
        3 => serde_json::from_str(&format!("-{}.{}0", random.draw(), random.draw())).expect("a number"),
        4 | 5 => json!(random_text(random)),
        6 => (0..random.below(4)).map(|_| random_value(random, depth - 1)).collect(),
        _ => (0..random.below(4))
            .map(|_| (random_text(random), random_value(random, depth - 1)))
            .collect::<Map<_, _>>()
            .into(),
    }
}
