//! Random events and queries over the same small vocabulary, so that queries find something.

use auditlog_testkit::random::Random;

const WORDS: [&str; 16] = [
    "alice",
    "Bob",
    "BOB",
    "ålesund",
    "STRASSE",
    "straße",
    "failed",
    "Failed",
    "login",
    "a%b",
    "a_b",
    "x\\y",
    "1.0",
    "42",
    "2026-03-10",
    "10.0.0.1",
];
const TYPES: [&str; 6] = [
    "authentication.login",
    "authentication.logout",
    "resource.created",
    "resource.deleted.now",
    "cost.budget",
    "a.b",
];
const SEVERITIES: [&str; 6] = ["debug", "info", "notice", "warning", "error", "critical"];
const IPS: [&str; 8] = [
    "10.0.0.1",
    "10.0.0.0/8",
    "10.255.0.7",
    "203.0.113.45",
    "2001:db8::1",
    "2001:DB8::1",
    "bastion.internal",
    "10.0.0.001",
];
const TIMES: [&str; 5] = [
    "2026-03-10T14:30:45.123Z",
    "2026-03-10T00:00:00Z",
    "2026-03-10T16:30:45.123+02:00",
    "2026-02-28T23:59:59.999999Z",
    "2024-01-01T00:00:00Z",
];

fn pick<'a>(random: &mut Random, from: &[&'a str]) -> &'a str {
    from[random.below(from.len() as u64) as usize]
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A scalar that is usually, but not always, a text.
fn scalar(random: &mut Random) -> String {
    match random.below(12) {
        0 => "42".to_owned(),
        1 => "1.0".to_owned(),
        2 => "true".to_owned(),
        3 => "null".to_owned(),
        _ => json(pick(random, &WORDS)),
    }
}

fn value(random: &mut Random) -> String {
    match random.below(6) {
        0 => format!("[{}, {}]", scalar(random), scalar(random)),
        1 => format!(
            "{{\"k\": {}, \"deep\": [{{\"n\": {}}}, {{\"n\": {}}}]}}",
            scalar(random),
            scalar(random),
            scalar(random)
        ),
        _ => scalar(random),
    }
}

fn group(random: &mut Random, keys: &[(&str, u8)]) -> String {
    let mut members = Vec::new();
    for (key, kind) in keys {
        if random.chance(45) {
            let value = match kind {
                0 => scalar(random),
                1 => json(pick(random, &IPS)),
                2 => match random.below(5) {
                    0 => json(pick(random, &WORDS)),
                    1 => value(random),
                    _ => format!("[{}, {}]", json(pick(random, &WORDS)), json(pick(random, &WORDS))),
                },
                3 => json(&format!("{}{}", "long ".repeat(500), pick(random, &WORDS))),
                _ => value(random),
            };
            members.push(format!("{}: {value}", json(key)));
        }
    }
    format!("{{{}}}", members.join(", "))
}

/// An event's document.
pub fn event(random: &mut Random, number: usize) -> String {
    let mut members = vec![
        format!("\"event_id\": \"e{number:05}\""),
        format!("\"event_type\": {}", json(pick(random, &TYPES))),
    ];
    if random.chance(80) {
        members.push(format!("\"timestamp\": {}", json(pick(random, &TIMES))));
    }
    if random.chance(60) {
        members.push(format!("\"severity\": {}", json(pick(random, &SEVERITIES))));
    }
    let long = if random.chance(5) { 3 } else { 0 };
    for (name, keys) in [
        (
            "actor",
            &[
                ("type", 0),
                ("id", long),
                ("email", 0),
                ("ip_address", 1),
                ("user_agent", 0),
                ("name", 4),
            ][..],
        ),
        (
            "resource",
            &[
                ("type", 0),
                ("id", 0),
                ("account_id", 0),
                ("region", 0),
                ("tags", 4),
                ("name", 4),
            ],
        ),
        (
            "action",
            &[("operation", 0), ("status", 0), ("method", 0), ("reason", 4)],
        ),
        ("changes", &[("before", 4), ("after", 4)]),
        ("metadata", &[("request_id", 0), ("tags", 2), ("other", 4)]),
    ] {
        if random.chance(70) {
            members.push(format!("\"{name}\": {}", group(random, keys)));
        }
    }
    for key in ["status", "custom", "k"] {
        if random.chance(25) {
            members.push(format!("\"{key}\": {}", value(random)));
        }
    }
    format!("{{{}}}", members.join(", "))
}

const TEXTS: [&str; 14] = [
    "actor.id",
    "user",
    "email",
    "status",
    "action.operation",
    "resource.id",
    "resource.region",
    "account_id",
    "operation",
    "actor.user_agent",
    "metadata.request_id",
    "tenant",
    "category",
    "event_id",
];
const JSONS: [&str; 12] = [
    "resource.tags.k",
    "resource.tags",
    "changes.before",
    "changes.after.deep.n",
    "metadata.other",
    "metadata.other.k",
    "custom",
    "custom.deep.n",
    "\"status\"",
    "resource.name",
    "actor.name.k",
    "resource",
];

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn literal(random: &mut Random) -> String {
    let word = pick(random, &WORDS);
    match random.below(10) {
        0 => quoted(word),
        1 => format!("{}*", word.chars().next().unwrap_or('a')),
        2 => format!("*{}", word.chars().last().unwrap_or('a')),
        3 => format!(
            "?{}*",
            word.chars().nth(1).filter(|c| c.is_alphanumeric()).unwrap_or('o')
        ),
        4 => format!("{}*", quoted(word)),
        _ => word.replace('\\', "\\\\"),
    }
}

fn condition(random: &mut Random, field: &str) -> String {
    match random.below(12) {
        0 => format!("{field}:*"),
        1 => format!("_missing_:{field}"),
        2 => format!("{field}:null"),
        3 => format!("{field}:={}", quoted(pick(random, &WORDS))),
        4 => format!(
            "{field}:~{}",
            quoted(pick(random, &["[a-z]+", "(?i)b.b", ".*s", "4.", ".*long.*"]))
        ),
        5 => format!(
            "{field}:[{} TO {}]",
            quoted(pick(random, &["a", "b", "1", "A"])),
            quoted(pick(random, &["f", "z", "50", "Z"]))
        ),
        6 => format!("{field}:{{* TO {}}}", pick(random, &["f", "43", "1.5", "m"])),
        7 => format!(
            "{field}:>{}",
            pick(random, &["f", "41", "0.5", "10.0.0.0", "2026-01-01"])
        ),
        8 => format!("{field} IN ({}, {}, {})", literal(random), quoted("x"), literal(random)),
        9 => format!("{field}:({} OR NOT {})", literal(random), literal(random)),
        _ => format!("{field}:{}", literal(random)),
    }
}

fn atom(random: &mut Random) -> String {
    match random.below(16) {
        0 => format!(
            "event_type:{}",
            pick(
                random,
                &[
                    "authentication.login",
                    "Authentication.*",
                    "*.deleted.*",
                    "a.b",
                    "res?urce.created"
                ]
            )
        ),
        1 => {
            let op = pick(random, &["", ">=", ">", "<", "<="]);
            format!("severity:{op}{}", pick(random, &SEVERITIES))
        }
        2 => format!(
            "severity:{}",
            pick(
                random,
                &["(info OR error)", "*n*", "~\"[a-e].*\"", "[notice TO error}", "*"]
            )
        ),
        3 => format!(
            "timestamp:{}",
            pick(
                random,
                &[
                    "2026-03-10",
                    ">2026-03-10",
                    "<=2026-02",
                    ">now-1h",
                    "[2024 TO 2026-02-28]",
                    "now/d",
                    "<now-1M/M",
                    "*",
                    "2026-03-10T14:30"
                ]
            )
        ),
        4 => format!(
            "ip:{}",
            pick(
                random,
                &[
                    "10.0.0.0/8",
                    "10.0.0.1",
                    "203.0.113.*",
                    "2001:db8::/32",
                    "2001:db8::1",
                    "bastion.internal",
                    "*.internal",
                    "*",
                    ">=10.0.0.0",
                    "[10.0.0.0 TO 11.0.0.0]",
                    "=10.0.0.1"
                ]
            )
        ),
        5 => {
            let field = pick(random, &["tags", "metadata.tags", "tag"]);
            condition(random, field)
        }
        6 => pick(random, &WORDS).replace('\\', "\\\\"),
        7 => format!("{}*", pick(random, &["lo", "b", "str", "fa"])),
        8 => quoted(pick(
            random,
            &["login failed", "alice", "long long", "42", "a.b", "2026 03"],
        )),
        9 => format!(
            "{}:{{k:{} AND deep.n:*}}",
            pick(random, &["custom", "resource.tags", "changes.before", "metadata.other"]),
            literal(random)
        ),
        10 | 11 => {
            let field = pick(random, &JSONS);
            condition(random, field)
        }
        12 => {
            let field = pick(
                random,
                &[
                    "db_session_user",
                    "log_index",
                    "db_xid",
                    "recorded_at",
                    "hash",
                    "retention_class",
                ],
            );
            match field {
                "log_index" | "db_xid" => {
                    format!("{field}:{}", pick(random, &[">5", "7", "[3 TO 20}", "7.0", "*", "x"]))
                }
                "recorded_at" => format!("{field}:{}", pick(random, &[">now-1h", "now/d", "*"])),
                _ => condition(random, field),
            }
        }
        _ => {
            let field = pick(random, &TEXTS);
            condition(random, field)
        }
    }
}

/// A query; `depth` bounds its nesting.
pub fn query(random: &mut Random, depth: u32) -> String {
    match random.below(if depth == 0 { 1 } else { 6 }) {
        0..=2 => atom(random),
        3 => format!(
            "({} OR {})",
            query(random, depth.saturating_sub(1)),
            query(random, depth.saturating_sub(1))
        ),
        4 => format!(
            "({} AND {})",
            query(random, depth.saturating_sub(1)),
            query(random, depth.saturating_sub(1))
        ),
        _ => format!("NOT ({})", query(random, depth.saturating_sub(1))),
    }
}
