//! Prints how many rows a second the evaluator tests: `cargo run --release -p auditlog-query --example query_rate`.

use auditlog_core::json::Json;
use auditlog_query::{CheckOptions, Limits, check, eval, matches, parse};
use std::hint::black_box;
use std::time::Instant;

const NOW: i64 = 1_773_153_045_123_000;
const ROWS: u32 = 1_000_000;

fn json(value: serde_json::Value) -> Json {
    match value {
        serde_json::Value::Null => Json::Null,
        serde_json::Value::Bool(b) => Json::Bool(b),
        serde_json::Value::Number(n) => Json::Number(n.to_string()),
        serde_json::Value::String(s) => Json::String(s),
        serde_json::Value::Array(items) => Json::Array(items.into_iter().map(json).collect()),
        serde_json::Value::Object(map) => Json::Object(map.into_iter().map(|(k, v)| (k, json(v))).collect()),
    }
}

fn main() {
    let document = json(serde_json::json!({
        "event_id": "evt_2026031012345678", "timestamp": "2026-03-10T14:30:45.123Z",
        "event_type": "resource.modify", "severity": "info",
        "actor": {"type": "user", "id": "user_12345", "email": "admin@company.com", "ip_address": "203.0.113.45",
            "user_agent": "Mozilla/5.0...", "session_id": "sess_abcdef123456"},
        "resource": {"type": "ec2_instance", "id": "i-0123456789abcdef", "cloud_provider": "aws",
            "account_id": "123456789012", "region": "us-east-1"},
        "action": {"operation": "stop_instance", "status": "success", "method": "api"},
        "changes": {"before": {"state": "running"}, "after": {"state": "stopped"}},
        "metadata": {"request_id": "req_xyz789", "api_version": "v2", "tags": ["automation", "cost-optimization"]}
    }));
    for query in [
        "status:failed",
        "event_type:authentication.login AND status:failed AND timestamp:>now-24h",
        "event_type:resource.* AND timestamp:>now-24h AND ip:203.0.113.0/24",
        "NOT status:failed AND tags:(automation AND cost-optimization)",
        "status IN (failed, denied, error, success)",
        "severity:>=warning OR actor.email:*@company.com",
        "changes.after.state:~\"stop.*\"",
        "failure",
        "\"cost optimization\"",
    ] {
        let query_tree = parse(query, &Limits::default()).expect("parses");
        let checked = check(&query_tree, &CheckOptions::default()).expect("checks");
        let start = Instant::now();
        let mut hits = 0u32;
        for _ in 0..ROWS {
            hits += u32::from(matches(
                black_box(&checked),
                eval::JsonDocument::new(black_box(&document)),
                NOW,
            ));
        }
        let rate = f64::from(ROWS) / start.elapsed().as_secs_f64() / 1e6;
        println!("{rate:8.2} M/s  {}  {query}", if hits > 0 { "hit " } else { "miss" });
    }
}
