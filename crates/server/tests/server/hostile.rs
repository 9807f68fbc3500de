//! Hostile texts in every parameter of every operation: refused or taken, but nothing breaks and nobody sees more.

use serde_json::{Value, json};

use crate::client::escape;
use crate::matrix::{event_of_ann, model};
use crate::world::World;

const TEXTS: &[&str] = &[
    "'",
    "''; DROP TABLE auditlog_data.log; --",
    "' OR '1'='1",
    "1; SELECT pg_sleep(20)",
    "$$; SELECT 1; $$",
    "\\",
    "%00",
    "\u{0}",
    "\u{1}\u{7f}\u{9b}",
    "%",
    "_",
    "../../../../etc/passwd",
    "..%2f..%2f",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "=cmd|' /C calc'!A0",
    "\u{202e}\u{2066}txet",
    "\u{feff}",
    "𝒳😀e\u{301}",
    "null",
    "NaN",
    "-1",
    "0",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1e400",
    "infinity",
    "((((((((((((((((((((((((((((((((",
    "/(a+)+$/",
    "status:[1 TO",
    "_saved_:_saved_",
    "{\"a\": [",
    "[]",
    "2026-13-45T99:99:99Z",
    "now-99999999999d",
    "294277-01-01",
    "4714-11-24 BC",
    "178000000 years",
];

#[test]
fn hostile_texts_break_nothing() {
    let world = World::new();
    let event = event_of_ann(&world);
    let document = world.anonymous("GET", "/openapi.json").send().expect(200).json();
    let mut texts: Vec<String> = TEXTS.iter().map(|text| (*text).to_owned()).collect();
    texts.push("a".repeat(5_000));
    let mut wrong = Vec::new();
    for entry in model(&event) {
        let (method, path) = entry.operation.split_once(' ').expect("a method");
        let item = &document["paths"][path];
        let parameters = item[method.to_lowercase()]["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        for text in &texts {
            let mut targets = Vec::new();
            for parameter in &parameters {
                let name = parameter["name"].as_str().expect("a name");
                match parameter["in"].as_str() {
                    Some("query") => {
                        let address = entry.target.split('?').next().expect("an address");
                        let others = entry.target.split_once('?').map_or("", |(_, rest)| rest);
                        let others: Vec<&str> = others
                            .split('&')
                            .filter(|pair| !pair.is_empty() && !pair.starts_with(&format!("{name}=")))
                            .collect();
                        targets.push(format!(
                            "{address}?{}",
                            [others, vec![&format!("{name}={}", escape(text))]].concat().join("&")
                        ));
                    }
                    Some("path") => {
                        let filled = parameters.iter().filter(|other| other["in"] == "path").fold(
                            path.to_owned(),
                            |path, other| {
                                let other = other["name"].as_str().expect("a name");
                                path.replace(
                                    &format!("{{{other}}}"),
                                    &if other == name { escape(text) } else { "1".to_owned() },
                                )
                            },
                        );
                        targets.push(filled);
                    }
                    _ => {}
                }
            }
            for target in targets {
                let mut request = world.by("adm", method, &target);
                if let Some(body) = &entry.body {
                    request = request.json(body);
                }
                judge(&mut wrong, &format!("{method} {target}"), request.open().status);
            }
            for body in entry.body.iter().flat_map(|body| with_text(body, text)) {
                let request = world.by("adm", method, &entry.target).json(&body);
                judge(&mut wrong, &format!("{method} {path} {body}"), request.open().status);
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    // And everything is there.
    let count = world
        .superuser()
        .query_one("SELECT count(*) FROM auditlog.verify()", &[])
        .expect("verify")
        .get::<_, i64>(0);
    assert_eq!(count, 0);
}

fn judge(wrong: &mut Vec<String>, what: &str, status: u16) {
    if status >= 500 || status == 401 || status == 429 {
        wrong.push(format!("{status} {}", what.chars().take(200).collect::<String>()));
    }
}

/// The body with the text in place of each member, one at a time.
fn with_text(body: &Value, text: &str) -> Vec<Value> {
    let Some(members) = body.as_object() else {
        return Vec::new();
    };
    let names = members.keys().cloned();
    let mut bodies: Vec<Value> = names
        .map(|name| {
            let mut changed = body.clone();
            changed[&name] = json!(text);
            changed
        })
        .collect();
    bodies.push(json!(text));
    bodies
}

#[test]
fn nobody_sees_more_by_a_query() {
    let world = World::new();
    world.record(&[("a.b", "user_17"), ("a.b", "user_99")]);
    for text in TEXTS
        .iter()
        .chain(&["actor.id:user_99 OR actor.id:user_17", "NOT actor.id:user_17", "*", ""])
    {
        let answer = world.get("ann", &format!("/api/v1/audit-logs?q={}", escape(text)));
        assert!(
            !answer.text().contains("user_99") || text.contains("user_99") && answer.status == 400,
            "{text}"
        );
    }
    for filters in ["{\"user\": \"user_99\"}", "{\"actor.id\": [\"user_99\", \"user_17\"]}"] {
        let answer = world
            .get("ann", &format!("/api/v1/audit-logs?filters={}", escape(filters)))
            .expect(200)
            .json();
        for event in answer["events"].as_array().expect("events") {
            assert_eq!(event["actor"]["id"], "user_17");
        }
    }
}
