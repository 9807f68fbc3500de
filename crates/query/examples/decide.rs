//! Answers whether documents satisfy queries, for the comparison with another engine in
//! `tests/oracle`: reads lines of `{"query": …, "doc": …}`, writes `true`, `false` or `error: …` for each.

use auditlog_core::json::Json;
use auditlog_query::{CheckOptions, Limits, check, eval, matches, parse};
use std::io::Write;

const NOW: i64 = 1_795_608_000_000_000;

fn json(value: &serde_json::Value) -> Json {
    match value {
        serde_json::Value::Null => Json::Null,
        serde_json::Value::Bool(b) => Json::Bool(*b),
        serde_json::Value::Number(n) => Json::Number(n.to_string()),
        serde_json::Value::String(s) => Json::String(s.clone()),
        serde_json::Value::Array(items) => Json::Array(items.iter().map(json).collect()),
        serde_json::Value::Object(map) => Json::Object(map.iter().map(|(k, v)| (k.clone(), json(v))).collect()),
    }
}

fn answer(query: &str, document: &Json) -> String {
    let checked = parse(query, &Limits::default()).and_then(|query| check(&query, &CheckOptions::default()));
    match checked {
        Ok(checked) => matches(&checked, eval::JsonDocument::new(document), NOW).to_string(),
        Err(error) => format!("error: {error}"),
    }
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lines() {
        let pair: serde_json::Value = serde_json::from_str(&line?)?;
        let query = pair["query"].as_str().unwrap_or_default();
        writeln!(out, "{}", answer(query, &json(&pair["doc"])))?;
    }
    out.flush()
}
