//! Helpers of the tests: JSON texts to [`Json`] and back, comparison, random documents.
#![allow(dead_code)] // each test binary uses some of them

pub mod vectors;

use auditlog_core::document::Limits;
use auditlog_core::json::Json;
use proptest::prelude::*;
use serde_json::Value;

/// Limits under which no timestamp is too late.
pub const LIMITS: Limits = Limits {
    max_bytes: 1 << 20,
    max_depth: 64,
    now_us: i64::MAX,
    max_clock_skew_us: 0,
};

/// The JSON in a text.
pub fn json(text: &str) -> Json {
    from_serde(serde_json::from_str(text).expect("the test's JSON is well-formed"))
}

pub fn from_serde(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(b),
        Value::Number(n) => Json::Number(n.to_string()),
        Value::String(s) => Json::String(s),
        Value::Array(items) => Json::Array(items.into_iter().map(from_serde).collect()),
        Value::Object(pairs) => Json::Object(pairs.into_iter().map(|(k, v)| (k, from_serde(v))).collect()),
    }
}

/// Is every value of `part` in `whole`, equal, at the same path? Objects may have more keys.
pub fn contains(whole: &Json, part: &Json) -> bool {
    match (whole, part) {
        (Json::Object(_), Json::Object(pairs)) => pairs
            .iter()
            .all(|(key, value)| whole.get(key).is_some_and(|found| contains(found, value))),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        _ => whole == part,
    }
}

/// Equality of JSON values: the order of keys does not count.
pub fn equal(a: &Json, b: &Json) -> bool {
    contains(a, b) && contains(b, a)
}

pub fn number() -> impl Strategy<Value = Json> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        "-?[1-9][0-9]{38,42}",
        "-?(0|[1-9][0-9]{0,20})\\.[0-9]{1,25}",
        Just("1.0".to_owned()),
        Just("1.00".to_owned()),
    ]
    .prop_map(Json::Number)
}

pub fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9_.-]{0,12}",
        any::<String>().prop_map(|s| s.replace('\0', "")),
        Just("203.0.113.45".to_owned()),
        Just("10.0.0.1/8".to_owned()),
        Just("10.0.0.1/32".to_owned()),
        Just("2001:DB8::1".to_owned()),
        Just("2001:db8::1".to_owned()),
        Just("::ffff:10.0.0.1".to_owned()),
        Just("::1:2".to_owned()),
        Just("ec2.amazonaws.com".to_owned()),
        Just("Zürich 日本 🦀 \u{200d}\u{301}".to_owned()),
        Just("x".repeat(3000)),
        Just("ü".repeat(1500)),
    ]
}

/// Any JSON, at most `depth` levels.
pub fn any_json(depth: u32) -> impl Strategy<Value = Json> + Clone {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        number(),
        string().prop_map(Json::String),
    ];
    leaf.prop_recursive(depth, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
            object(prop_oneof!["[a-zA-Z$ .]{0,4}".prop_map(String::from), string()], inner),
        ]
    })
    .boxed()
}

pub fn object<K>(keys: K, values: impl Strategy<Value = Json>) -> impl Strategy<Value = Json>
where
    K: Strategy<Value = String>,
{
    prop::collection::vec((keys, values), 0..5).prop_map(|pairs| {
        let mut seen = std::collections::HashSet::new();
        Json::Object(pairs.into_iter().filter(|(key, _)| seen.insert(key.clone())).collect())
    })
}

fn key(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::sample::select(names).prop_map(str::to_owned), 1 => "[a-z_]{1,6}"]
}

/// A group of the document: known keys with scalars mostly, sometimes null or empty.
fn group(names: &'static [&'static str]) -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        8 => string().prop_map(Json::String),
        1 => number(),
        1 => any::<bool>().prop_map(Json::Bool),
        1 => Just(Json::Null),
    ];
    prop_oneof![8 => object(key(names), scalar), 1 => Just(Json::Null)]
}

pub fn timestamp() -> impl Strategy<Value = String> {
    let fraction = prop_oneof![
        Just(String::new()),
        "\\.[0-9]{1,9}",
        Just(".000".to_owned()),
        Just(".120".to_owned())
    ];
    let offset = prop_oneof![
        Just("Z"),
        Just("z"),
        Just("+00:00"),
        Just("-05:30"),
        Just("+14:00"),
        Just("+02")
    ];
    let separator = prop_oneof![Just("T"), Just(" "), Just("t")];
    (
        0u32..=9999,
        1u32..=12,
        1u32..=28,
        0u32..24,
        0u32..60,
        0u32..=60,
        separator,
        fraction,
        offset,
    )
        .prop_map(|(y, mo, d, h, mi, s, separator, fraction, offset)| {
            format!("{y:04}-{mo:02}-{d:02}{separator}{h:02}:{mi:02}:{s:02}{fraction}{offset}")
        })
}

/// A document in the event's shape; most of them are accepted.
pub fn document() -> impl Strategy<Value = Json> {
    let actor = group(&["type", "id", "email", "ip_address", "user_agent", "session_id"]);
    let resource = (
        group(&["type", "id", "cloud_provider", "account_id", "region"]),
        prop::option::of(any_json(3)),
    )
        .prop_map(|(mut group, tags)| {
            if let (Json::Object(pairs), Some(tags)) = (&mut group, tags) {
                pairs.push(("tags".to_owned(), tags));
            }
            group
        });
    let changes = object(key(&["before", "after"]), any_json(4));
    let tag_list = prop_oneof![
        prop::collection::vec(string().prop_map(Json::String), 0..4).prop_map(Json::Array),
        any_json(2)
    ];
    let metadata = (group(&["request_id"]), prop::option::of(tag_list)).prop_map(|(mut group, tags)| {
        if let (Json::Object(pairs), Some(tags)) = (&mut group, tags) {
            pairs.push(("tags".to_owned(), tags));
        }
        group
    });
    let optional = |name: &'static str, values: BoxedStrategy<Json>| {
        prop::option::of(values).prop_map(move |value| value.map(|value| (name.to_owned(), value)))
    };
    let top = (
        "[a-z0-9_]{1,8}(\\.[a-z0-9_]{1,8}){0,3}".prop_map(|t| Some(("event_type".to_owned(), Json::String(t)))),
        optional("event_id", "[a-zA-Z0-9_ü]{1,60}".prop_map(Json::String).boxed()),
        optional("timestamp", timestamp().prop_map(Json::String).boxed()),
        optional(
            "severity",
            prop::sample::select(&["debug", "info", "critical"][..])
                .prop_map(|s| Json::String(s.to_owned()))
                .boxed(),
        ),
        optional("tenant", any_scalar().boxed()),
        optional("idempotency_key", "[a-z]{0,40}".prop_map(Json::String).boxed()),
        optional("actor", actor.boxed()),
        optional("resource", resource.boxed()),
        (
            optional("action", group(&["operation", "status", "method"]).boxed()),
            optional("changes", changes.boxed()),
            optional("metadata", metadata.boxed()),
            optional("other", any_json(4).boxed()),
        ),
    );
    top.prop_map(|(a, b, c, d, e, f, g, h, (i, j, k, l))| {
        Json::Object([a, b, c, d, e, f, g, h, i, j, k, l].into_iter().flatten().collect())
    })
    .prop_flat_map(|document| match document {
        Json::Object(pairs) => Just(pairs).prop_shuffle().prop_map(Json::Object).boxed(),
        other => Just(other).boxed(),
    })
}

fn any_scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        string().prop_map(Json::String),
        number(),
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool)
    ]
}
