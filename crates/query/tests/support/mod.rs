//! What several test files need.
#![allow(dead_code)] // each test file uses a part

use auditlog_core::json::Json;
use auditlog_query::node::Checked;
use auditlog_query::{CheckOptions, Limits, QueryError, check, eval, matches, parse};

/// 2026-11-25T12:00:00Z, a Wednesday.
pub const NOW: i64 = 1_795_608_000_000_000;

/// The core's JSON of a serde value.
pub fn json(value: &serde_json::Value) -> Json {
    match value {
        serde_json::Value::Null => Json::Null,
        serde_json::Value::Bool(b) => Json::Bool(*b),
        serde_json::Value::Number(n) => Json::Number(n.to_string()),
        serde_json::Value::String(s) => Json::String(s.clone()),
        serde_json::Value::Array(items) => Json::Array(items.iter().map(json).collect()),
        serde_json::Value::Object(map) => Json::Object(map.iter().map(|(k, v)| (k.clone(), json(v))).collect()),
    }
}

/// Parsed and checked with the usual options.
pub fn compile(query: &str) -> Result<Checked, QueryError> {
    let options = CheckOptions::default();
    check(&parse(query, &Limits::default())?, &options)
}

/// Does the document satisfy the query at [`NOW`]?
pub fn holds(query: &Checked, document: &Json) -> bool {
    matches(query, eval::JsonDocument::new(document), NOW)
}

/// The JSON of a file below `crates/query/tests`.
pub fn file(name: &str) -> serde_json::Value {
    let path = format!("{}/tests/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}
