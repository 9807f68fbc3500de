//! A notification as JSON, for receivers that are programs.

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use crate::notification::{EventRef, Kind, Notification};
use crate::text;

fn group(pairs: &[(String, Option<String>)]) -> Value {
    let pairs = pairs.iter().map(|(field, value)| (field.clone(), json!(value)));
    Value::Object(pairs.collect::<Map<_, _>>())
}

fn moment(micros: i64) -> String {
    text::time(micros, SecondsFormat::Micros)
}

fn event(event: &EventRef) -> Value {
    json!({
        "event_id": event.event_id,
        "log_index": event.log_index,
        "timestamp": moment(event.timestamp),
    })
}

/// All that is known, under the names that `docs/alerts.md` gives; what isn't known is not there. Times are RFC 3339
/// in UTC. Whom it is for and how it is worded are no part of it.
pub(crate) fn document(n: &Notification) -> Value {
    let mut all = json!({
        "id": n.id,
        "kind": n.kind.label(),
        "alert": n.alert,
        "severity": n.severity.label(),
        "title": text::title(n),
        "text": text::sentences(n),
        "count": n.count,
        "database": n.database,
        "fired_at": moment(n.fired_at),
        "dedup_key": n.dedup_key,
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            all[name] = value;
        }
    };
    add("description", n.description.as_ref().map(|text| json!(text)));
    add("reason", n.reason.as_ref().map(|text| json!(text)));
    add("window", n.window.as_ref().map(|text| json!(text)));
    add("origin", n.origin.as_ref().map(|text| json!(text)));
    add("url", n.url.as_ref().map(|text| json!(text)));
    add("group", (!n.group.is_empty()).then(|| group(&n.group)));
    add("first", n.first.as_ref().map(event));
    add("last", n.last.as_ref().map(event));
    add("samples", (!n.samples.is_empty()).then(|| json!(n.samples)));
    add("labels", (!n.labels.is_empty()).then(|| json!(n.labels)));
    let members = n.members.iter().map(|member| {
        json!({
            "id": member.id,
            "kind": member.kind.label(),
            "alert": member.alert,
            "severity": member.severity.label(),
            "group": group(&member.group),
            "count": member.count,
            "fired_at": moment(member.fired_at),
        })
    });
    let members: Vec<Value> = members.collect();
    add("notifications", (n.kind == Kind::Digest).then(|| json!(members)));
    all
}
