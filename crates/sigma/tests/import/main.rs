//! Sigma rules of public and own making, imported and evaluated.

mod correlation;
mod labelled;
mod public;
mod temporal;
mod translate;

use auditlog_core::json::Json;
use auditlog_policy::alert::definition::Definition;
use auditlog_query::eval::JsonDocument;
use auditlog_query::{CheckOptions, matches};
use auditlog_sigma::{Imported, import};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A folder of the shared data; nothing where it is absent.
fn shared(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(name);
    if folder.exists() {
        return Some(folder);
    }
    eprintln!("skipped: {} is absent", folder.display());
    None
}

/// All rules below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

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

/// Does the event satisfy the alert's condition?
fn holds(definition: &Definition, event: &Value) -> bool {
    let checked = definition.check(&CheckOptions::default()).expect("a condition");
    matches(&checked, JsonDocument::new(&core(event)), 0)
}

/// The only alert of a rule with this detection.
fn one(detection: &str) -> Imported {
    let rule = format!("title: t\nlogsource: {{product: other}}\ndetection: {detection}");
    let mut imported = import(&rule, None).unwrap_or_else(|error| panic!("{detection}: {error}"));
    assert_eq!(imported.len(), 1);
    imported.remove(0)
}

/// An event as `examples/cloudtrail/mapping.sql` makes it, as far as rules look at it.
fn cloudtrail(record: &Value) -> Value {
    json!({
        "event_type": "resource.modify",
        "actor": {"user_agent": record["userAgent"]},
        "resource": {"region": record["awsRegion"]},
        "metadata": {"event_name": record["eventName"], "event_source": record["eventSource"], "error_code": record["errorCode"],
            "error_message": record["errorMessage"], "request_id": record["requestID"], "cloudtrail": record},
    })
}

/// An event as `examples/kubernetes/mapping.sql` makes it, as far as rules look at it.
fn kubernetes(record: &Value) -> Value {
    json!({
        "event_type": "resource.modify",
        "actor": {"user_agent": record["userAgent"]},
        "metadata": {"verb": record["verb"], "request_uri": record["requestURI"], "status_code": record["responseStatus"]["code"],
            "kubernetes": record},
    })
}
