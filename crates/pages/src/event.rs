//! An event, as the pages know it: the columns of `auditlog.events`.

use serde_json::{Map, Value};

use crate::time::Moment;

/// An event of the log. What the viewer may not know, or what is not there, is `None`.
#[derive(Debug, Clone, Default)]
#[allow(
    missing_docs,
    reason = "the names are those of the columns of auditlog.events, which are documented there"
)]
pub struct Event {
    pub log_index: Option<u64>,
    pub event_id: String,
    pub timestamp: Moment,
    pub event_type: String,
    pub category: String,
    pub severity: String,
    pub tenant: Option<String>,
    pub actor_type: Option<String>,
    pub actor_id: Option<String>,
    pub actor_email: Option<String>,
    pub actor_ip: Option<String>,
    pub actor_user_agent: Option<String>,
    pub actor_session_id: Option<String>,
    pub resource_type: Option<String>,
    pub resource_id: Option<String>,
    pub cloud_provider: Option<String>,
    pub account_id: Option<String>,
    pub region: Option<String>,
    pub resource_tags: Option<Value>,
    pub operation: Option<String>,
    pub status: Option<String>,
    pub method: Option<String>,
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub request_id: Option<String>,
    pub tags: Vec<String>,
    pub extra: Option<Value>,
    pub idempotency_key: Option<String>,
    pub recorded_at: Option<Moment>,
    pub sealed_at: Option<Moment>,
    pub db_session_user: Option<String>,
    pub db_current_user: Option<String>,
    pub db_client_addr: Option<String>,
    pub db_application: Option<String>,
    pub db_xid: Option<i64>,
    pub retention_class: Option<String>,
    pub redacted: Option<Value>,
    /// Hexadecimal.
    pub entry_hash: Option<String>,
    /// Hexadecimal.
    pub prev_hash: Option<String>,
    /// Hexadecimal.
    pub hash: Option<String>,
}

impl Event {
    /// Who acted, by the name that people know best.
    pub fn actor(&self) -> Option<&str> {
        self.actor_email.as_deref().or(self.actor_id.as_deref())
    }

    /// The document that was recorded, put together from the columns.
    pub fn document(&self) -> Value {
        let text = |value: &Option<String>| value.clone().map(Value::String);
        let object = |pairs: Vec<(&str, Option<Value>)>| {
            let object: Map<_, _> = pairs
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?)))
                .collect();
            (!object.is_empty()).then_some(Value::Object(object))
        };
        let mut document = object(vec![
            ("event_id", Some(self.event_id.clone().into())),
            ("timestamp", Some(crate::time::iso(self.timestamp).into())),
            ("event_type", Some(self.event_type.clone().into())),
            ("severity", Some(self.severity.clone().into())),
            ("tenant", text(&self.tenant)),
            (
                "actor",
                object(vec![
                    ("type", text(&self.actor_type)),
                    ("id", text(&self.actor_id)),
                    ("email", text(&self.actor_email)),
                    ("ip_address", text(&self.actor_ip)),
                    ("user_agent", text(&self.actor_user_agent)),
                    ("session_id", text(&self.actor_session_id)),
                ]),
            ),
            (
                "resource",
                object(vec![
                    ("type", text(&self.resource_type)),
                    ("id", text(&self.resource_id)),
                    ("cloud_provider", text(&self.cloud_provider)),
                    ("account_id", text(&self.account_id)),
                    ("region", text(&self.region)),
                    ("tags", self.resource_tags.clone()),
                ]),
            ),
            (
                "action",
                object(vec![
                    ("operation", text(&self.operation)),
                    ("status", text(&self.status)),
                    ("method", text(&self.method)),
                ]),
            ),
            (
                "changes",
                object(vec![("before", self.before.clone()), ("after", self.after.clone())]),
            ),
            (
                "metadata",
                object(vec![
                    ("request_id", text(&self.request_id)),
                    ("tags", (!self.tags.is_empty()).then(|| self.tags.clone().into())),
                ]),
            ),
        ])
        .unwrap_or_default();
        if let Some(extra) = &self.extra {
            merge(&mut document, extra);
        }
        document
    }
}

/// Adds what is in `extra` and not in `document`, also inside of objects that both have.
fn merge(document: &mut Value, extra: &Value) {
    if let (Value::Object(document), Value::Object(extra)) = (document, extra) {
        for (key, value) in extra {
            match document.get_mut(key) {
                Some(there) => merge(there, value),
                None => {
                    document.insert(key.clone(), value.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_what_the_columns_have() {
        let event = Event {
            event_id: "e".into(),
            event_type: "a.b".into(),
            severity: "info".into(),
            actor_id: Some("u".into()),
            request_id: Some("r".into()),
            extra: Some(serde_json::json!({"metadata": {"api_version": "v2"}, "more": 1})),
            ..Event::default()
        };
        let document = event.document();
        assert_eq!(document["actor"], serde_json::json!({"id": "u"}));
        assert_eq!(
            document["metadata"],
            serde_json::json!({"request_id": "r", "api_version": "v2"})
        );
        assert_eq!(document["more"], 1);
        assert!(document.get("changes").is_none());
    }
}
