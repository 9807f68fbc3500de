//! Alerts and firings as the pages know them.

use auditlog_pages::pages::alerts::{Alert, Firing};
use auditlog_pages::url::{self, Range};
use chrono::TimeDelta;
use serde_json::Value;

use super::{moment, natural, optional_moment};
use crate::data::alerts;

/// An alert. What it does in words is put together of its definition: asking the database would run it over the past.
pub fn alert(found: &alerts::Alert) -> Alert {
    let definition = &found.definition;
    Alert {
        id: found.id,
        name: found.name.clone(),
        state: found.state.clone(),
        severity: found.severity.clone(),
        condition: condition(definition),
        in_words: in_words(definition),
        fired: natural(found.fired.unwrap_or(0)),
        last_fired_at: optional_moment(found.last_fired_at.as_ref()),
        muted_until: optional_moment(found.muted_until.as_ref()).filter(|_| found.state == "muted"),
        mute_reason: found.mute_reason.clone(),
        error: found.error.clone(),
        channels: texts(definition.pointer("/notification/channels")),
    }
}

/// The texts of a list, or the only one.
pub fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    }
}

fn text<'a>(definition: &'a Value, pointer: &str) -> &'a str {
    definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The query that finds the events that an alert is about.
pub fn condition(definition: &Value) -> String {
    let parts = texts(definition.pointer("/threshold/all_of"));
    let any = parts
        .iter()
        .map(|part| format!("({part})"))
        .collect::<Vec<_>>()
        .join(" OR ");
    url::narrow(text(definition, "/condition"), &any)
}

fn in_words(definition: &Value) -> String {
    let description = text(definition, "/description");
    if !description.is_empty() {
        return description.to_owned();
    }
    let groups = texts(definition.pointer("/threshold/group_by"));
    let each = match groups.is_empty() {
        true => String::new(),
        false => format!(", separately for each {}", groups.join(", ")),
    };
    if definition.get("unusual").is_some() {
        return "Fires when something is unusual.".to_owned();
    }
    let count = definition
        .pointer("/threshold/count")
        .and_then(Value::as_u64)
        .unwrap_or(1);
    let window = match text(definition, "/threshold/window") {
        "" => String::new(),
        window => format!(" within {window}"),
    };
    match text(definition, "/threshold/distinct") {
        "" if definition.pointer("/threshold/all_of").is_some() => {
            format!("Fires when each of its queries has matched{window}{each}.")
        }
        "" if count == 1 => format!("Fires for each event{each}."),
        "" => format!("Fires for {count} events{window}{each}."),
        field => format!("Fires for {count} different values of {field}{window}{each}."),
    }
}

/// A firing, with the query that finds its events, for which the definitions of the alerts are needed.
pub fn firing(found: alerts::Firing, all: &[alerts::Alert]) -> Firing {
    let definition = all
        .iter()
        .find(|alert| alert.name == found.alert)
        .map(|alert| &alert.definition);
    let mut query = definition.map(condition).unwrap_or_default();
    let pairs = |value: &Value| match value.as_object() {
        Some(object) => object.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
        None => Vec::new(),
    };
    let group: Vec<(String, String)> = pairs(&found.group);
    for (field, value) in found.group.as_object().into_iter().flatten() {
        if let Some(value) = value.as_str() {
            query = url::narrow(&query, &url::term(field, value));
        }
    }
    Firing {
        id: found.id,
        severity: found.severity,
        group,
        count: natural(found.count),
        events: natural(found.events),
        reason: found.reason,
        fired_at: moment(&found.fired_at),
        open: found.state == "open",
        muted: found.muted,
        samples: found.samples,
        acknowledged: found
            .acknowledged_by
            .map(|who| (who, found.acknowledged_at.as_deref().map(moment).unwrap_or_default())),
        note: found.note,
        deliveries: pairs(&found.deliveries),
        query,
        range: Range::Custom {
            since: Some(moment(&found.first_at)),
            until: Some(moment(&found.last_at) + TimeDelta::milliseconds(1)),
        },
        alert: found.alert,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "(none)".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn definitions_in_words() {
        let alert =
            json!({"condition": "status:failed", "threshold": {"count": 5, "window": "5m", "group_by": "actor.email"}});
        assert_eq!(
            in_words(&alert),
            "Fires for 5 events within 5m, separately for each actor.email."
        );
        assert_eq!(in_words(&json!({"condition": "x"})), "Fires for each event.");
        assert_eq!(in_words(&json!({"description": "Why"})), "Why");
    }

    #[test]
    fn conditions_of_several_queries() {
        let alert = json!({"condition": "a:1", "threshold": {"all_of": ["b:2", "c:3"]}});
        let query = condition(&alert);
        assert!(query.contains("a:1") && query.contains("(b:2) OR (c:3)"), "{query}");
        assert_eq!(condition(&json!({"condition": "a:1 AND b:2"})), "a:1 AND b:2");
    }
}
