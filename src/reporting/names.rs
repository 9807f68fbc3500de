//! Labels for people, and values of events by their paths.

use auditlog_report::model::{Column, Metric};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256, hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    auditlog_core::erase::hex(&Sha256::digest(bytes))
}

/// A column of this path.
pub fn column(path: &str) -> Column {
    Column {
        name: path.to_owned(),
        label: label(path),
    }
}

/// What people call a path or a metric.
pub fn label(path: &str) -> String {
    let known = match path {
        "log_index" => "Place",
        "timestamp" => "Time (UTC)",
        "event_type" => "Event",
        "actor.id" => "Actor",
        "actor.email" => "E-mail",
        "actor.ip_address" => "Address",
        "actor.session_id" => "Session",
        "resource.id" => "Resource",
        "resource.type" => "Kind of resource",
        "resource.tags.classification" => "Classification",
        "action.operation" => "Operation",
        "action.status" => "Outcome",
        "count" => "Events",
        "distinct_actors" => "Actors",
        "distinct_resources" => "Resources",
        "distinct_subjects" => "Data subjects",
        "rows" => "Rows read",
        "columns" => "Most columns",
        "pct_attributed" => "Attributed to a person (%)",
        "pct_with_request_id" => "With a request number (%)",
        "first" => "First (UTC)",
        "last" => "Last (UTC)",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let last = path.rsplit('.').next().unwrap_or(path).replace('_', " ");
    let mut letters = last.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A figure.
pub fn metric(name: &str, value: Value) -> Metric {
    Metric {
        name: name.to_owned(),
        label: label(name),
        value,
        note: None,
    }
}

/// The value at a path of an event's document.
pub fn at(document: &Value, path: &str) -> Value {
    let found = path.split('.').try_fold(document, |value, step| value.get(step));
    found.cloned().unwrap_or(Value::Null)
}

/// A time as PostgreSQL's JSON has it, as reports have it.
pub fn time(value: &Value) -> Value {
    let us = value.as_str().and_then(auditlog_core::document::parse_timestamp);
    us.map_or(Value::Null, |us| {
        Value::String(auditlog_core::document::format_timestamp(us))
    })
}
