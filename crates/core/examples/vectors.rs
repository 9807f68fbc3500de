//! Writes `tests/vectors/entries.json`. Run it once for a new version of the format or to append
//! cases; entries that are already there must never change (`git diff` shows only additions).

#[path = "../tests/support/mod.rs"]
mod support;

use auditlog_core::chain::{GENESIS, entry_hash, link_hash};
use auditlog_core::columns::{COLUMNS, Kind};
use auditlog_core::encode::{Hiding, canonical_json, commit_column};
use auditlog_core::personal::Committer;
use serde_json::{Map, Value, json};
use support::vectors::{self, FILE, hex, unhex};

const SALT: &str = "000102030405060708090a0b0c0d0e0f";

fn main() -> std::io::Result<()> {
    let mut cases = vec![case("no column", json!({}))];
    for column in &COLUMNS {
        let mut columns = Map::new();
        columns.insert(column.name.to_owned(), example(column.kind));
        cases.push(case(&format!("only {}", column.name), Value::Object(columns)));
    }
    cases.extend(special());
    cases.extend(personal());
    let count = cases.len();
    let chain = chain(&cases[count - 10..]);
    let file = json!({ "format": 1, "cases": cases, "chain": chain });
    std::fs::write(FILE, serde_json::to_string_pretty(&file).expect("JSON") + "\n")?;
    println!("{count} cases written to {FILE}");
    Ok(())
}

fn example(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!("héllo 🦀"),
        Kind::Time => json!(1_773_153_045_123_456_i64),
        Kind::Int => json!(4_294_967_296_i64),
        Kind::Inet => json!("203.0.113.45"),
        Kind::TextArray => json!(["a", "", "ü"]),
        Kind::Json => json!(r#"{"b": [1, true, null], "a": "x"}"#),
    }
}

/// A case; personal columns get the salt they need.
fn case(name: &str, columns: Value) -> Value {
    let hides = ["actor_email", "actor_ip", "actor_user_agent"]
        .iter()
        .any(|c| columns.get(c).is_some());
    let salt = if hides || columns.get("personal").is_some() {
        json!(SALT)
    } else {
        Value::Null
    };
    finish(json!({ "name": name, "columns": columns, "salt": salt, "redacted": null }))
}

fn finish(mut case: Value) -> Value {
    let entry = vectors::entry(&case);
    case["entry"] = json!(hex(&entry));
    case["entry_hash"] = json!(hex(&entry_hash(&entry)));
    case
}

fn special() -> Vec<Value> {
    let before = |text: &str| json!({ "before": text });
    let forty = "1234567890123456789012345678901234567890";
    vec![
        case("empty text", json!({"tenant": ""})),
        case(
            "text with control characters",
            json!({"method": "a\u{1}\u{7f}\r\n\t\"\\"}),
        ),
        case(
            "text that two normal forms write differently: composed",
            json!({"actor_id": "é"}),
        ),
        case(
            "text that two normal forms write differently: decomposed",
            json!({"actor_id": "e\u{301}"}),
        ),
        case("time before 1970", json!({"timestamp": -1})),
        case(
            "time at the ends of 64 bits",
            json!({"timestamp": i64::MAX, "recorded_at": i64::MIN}),
        ),
        case("negative integer", json!({"db_xid": -2})),
        case("network", json!({"db_client_addr": "10.1.2.3/8"})),
        case("prefix length 0", json!({"db_client_addr": "0.0.0.0/0"})),
        case("IPv6", json!({"db_client_addr": "2001:db8::1"})),
        case("IPv6 network", json!({"db_client_addr": "2001:db8::1/32"})),
        case("IPv6 that holds IPv4", json!({"db_client_addr": "::ffff:192.0.2.1"})),
        case("no tags", json!({"tags": []})),
        case("tags with commas", json!({"tags": ["a,b", "{}", "NULL"]})),
        case("JSON null is not NULL", before("null")),
        case("JSON true", before("true")),
        case("JSON false", before("false")),
        case("JSON string", before(r#""a\u0001ü🦀""#)),
        case("JSON empty array", before("[]")),
        case("JSON empty object", before("{}")),
        case("number 1", before("1")),
        case("number 1.0", before("1.0")),
        case("number 1.00", before("1.00")),
        case("number of 40 digits", before(forty)),
        case(
            "negative number of 40 digits with scale",
            before(&format!("-{forty}.{forty}")),
        ),
        case(
            "two numbers that a double cannot tell apart",
            before("[9007199254740992, 9007199254740993]"),
        ),
        case(
            "keys: shorter first, then by bytes",
            before(r#"{"b": 1, "aa": 2, "a": 3, "": 4, "é": 5, "zz": 6, "日": 7}"#),
        ),
        case(
            "nested",
            before(r#"{"a": {"b": [{"c": [[], {}, [null]]}]}, "list": [{"z": 1, "y": 2}]}"#),
        ),
    ]
}

/// Personal values with salt, and the same events after erasure: their entries are the same.
fn personal() -> Vec<Value> {
    let committer = Committer::new(&unhex(SALT));
    let defaults = json!({
        "timestamp": 1_773_153_045_123_000_i64, "event_type": "authentication.login.failed",
        "actor_id": "user_12345", "actor_email": "admin@company.com", "actor_ip": "203.0.113.45",
        "actor_user_agent": "Mozilla/5.0...", "status": "failed",
    });
    let custom = json!({
        "event_type": "user.update", "actor_id": "user_12345", "actor_email": "admin@company.com",
        "before": r#"{"name": "Ann", "address": {"city": "Bern", "zip": 3000.50}, "plan": "a"}"#,
        "after": r#"{"name": "Anna", "plan": "b"}"#,
        "extra": r#"{"actor": {"phone": ["+41", 79], "shoe": 42}, "list": [{"name": "Ann"}]}"#,
        "personal": ["actor.id", "changes.before.name", "changes.before.address", "changes.after", "actor.phone", "list.name"],
    });
    let nothing = json!({"event_type": "a.b", "actor_email": "admin@company.com", "personal": []});
    let mut long_salt =
        json!({"name": "a salt longer than a block of the hash", "columns": defaults, "redacted": null});
    long_salt["salt"] = json!(hex(&[0xa5; 100]));

    let commit = |name: &str, value: &Value| {
        let at = COLUMNS.iter().position(|c| c.name == name).expect("a column");
        let owned = vectors::column(COLUMNS[at].kind, COLUMNS[at].path, value, &Hiding::default());
        hex(&commit_column(at, &owned.borrow(), &committer).expect("a short value"))
    };
    let placeholder = |path: &str, text: &str| {
        let mut bytes = Vec::new();
        canonical_json(&support::json(text), path, &Hiding::default(), &mut bytes).expect("nothing hidden");
        format!(r#"{{"$redacted": "{}"}}"#, hex(&committer.commit(path, &bytes)))
    };

    let mut erased_defaults =
        json!({"name": "personal by default, erased", "columns": defaults, "salt": null, "redacted": {}});
    for name in ["actor_email", "actor_ip", "actor_user_agent"] {
        let commitment = commit(name, &defaults[name]);
        erased_defaults["redacted"][vectors::path_of(name)] = json!(commitment);
        erased_defaults["columns"][name] = Value::Null;
    }
    let mut erased_custom =
        json!({"name": "personal by choice, erased", "columns": custom, "salt": null, "redacted": {}});
    for name in ["actor_id", "after"] {
        erased_custom["redacted"][vectors::path_of(name)] = json!(commit(name, &custom[name]));
        erased_custom["columns"][name] = Value::Null;
    }
    erased_custom["columns"]["before"] = json!(format!(
        r#"{{"name": {}, "address": {}, "plan": "a"}}"#,
        placeholder("changes.before.name", r#""Ann""#),
        placeholder("changes.before.address", r#"{"city": "Bern", "zip": 3000.50}"#),
    ));
    erased_custom["columns"]["extra"] = json!(format!(
        r#"{{"actor": {{"phone": {}, "shoe": 42}}, "list": [{{"name": "Ann"}}]}}"#,
        placeholder("actor.phone", r#"["+41", 79]"#),
    ));
    let mut partly = finish(erased_defaults.clone());
    partly["name"] = json!("personal by default, part of it erased");
    partly["salt"] = json!(SALT);
    partly["columns"]["actor_ip"] = defaults["actor_ip"].clone();
    partly["redacted"]
        .as_object_mut()
        .expect("an object")
        .remove("actor.ip_address");

    let mut cases = vec![
        case("personal by default", defaults.clone()),
        finish(erased_defaults),
        finish(partly),
        case("personal by choice", custom),
        finish(erased_custom),
        case("nothing is personal", nothing),
        finish(long_salt),
        case(
            "a placeholder that nobody erased is a value like others",
            json!({"extra": r#"{"x": {"$redacted": "00"}}"#}),
        ),
    ];
    for (later, earlier) in [(1, 0), (2, 0), (4, 3)] {
        assert_eq!(
            cases[later]["entry"], cases[earlier]["entry"],
            "erasure changes an entry"
        );
        let name = cases[earlier]["name"].clone();
        cases[later]["same_entry_as"] = name;
    }
    cases
}

fn chain(cases: &[Value]) -> Vec<Value> {
    let mut prev = GENESIS;
    let mut links = Vec::new();
    for (index, case) in (0_u64..).zip(cases) {
        let entry = entry_hash(&unhex(case["entry"].as_str().expect("hexadecimal digits")));
        let hash = link_hash(&prev, &entry, index);
        links.push(json!({
            "log_index": index, "case": case["name"], "prev_hash": hex(&prev), "entry_hash": hex(&entry), "hash": hex(&hash),
        }));
        prev = hash;
    }
    links
}
