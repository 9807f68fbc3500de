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

impl Event {
    /// Reads an event as REST has it: the document that it came as, and in the member `auditlog` what the log says of it.
    /// What has no field of its own is kept in [`Event::extra`].
    pub fn from_document(document: &Value) -> Self {
        let mut rest = document.as_object().cloned().unwrap_or_default();
        let mut event = Self::default();
        let mut log = rest.remove("auditlog").and_then(take_object).unwrap_or_default();
        // A member of this name that the document itself had.
        if let Some(own) = log.remove("document").filter(|own| !own.is_null()) {
            rest.insert("auditlog".to_owned(), own);
        }
        event.take_log(&mut log);
        let moment = |value: Option<String>| value.as_deref().and_then(crate::time::parse);
        event.event_id = text(&mut rest, "event_id").unwrap_or_default();
        event.timestamp = moment(text(&mut rest, "timestamp")).unwrap_or_default();
        event.event_type = text(&mut rest, "event_type").unwrap_or_default();
        event.severity = text(&mut rest, "severity").unwrap_or_default();
        event.tenant = text(&mut rest, "tenant");
        event.idempotency_key = text(&mut rest, "idempotency_key");
        within(&mut rest, "actor", |actor| {
            event.actor_type = text(actor, "type");
            event.actor_id = text(actor, "id");
            event.actor_email = text(actor, "email");
            event.actor_ip = text(actor, "ip_address");
            event.actor_user_agent = text(actor, "user_agent");
            event.actor_session_id = text(actor, "session_id");
        });
        within(&mut rest, "resource", |resource| {
            event.resource_type = text(resource, "type");
            event.resource_id = text(resource, "id");
            event.cloud_provider = text(resource, "cloud_provider");
            event.account_id = text(resource, "account_id");
            event.region = text(resource, "region");
            event.resource_tags = resource.remove("tags");
        });
        within(&mut rest, "action", |action| {
            event.operation = text(action, "operation");
            event.status = text(action, "status");
            event.method = text(action, "method");
        });
        within(&mut rest, "changes", |changes| {
            event.before = changes.remove("before");
            event.after = changes.remove("after");
        });
        within(&mut rest, "metadata", |metadata| {
            event.request_id = text(metadata, "request_id");
            let texts = |tags: &Value| {
                tags.as_array()?
                    .iter()
                    .map(|tag| Some(tag.as_str()?.to_owned()))
                    .collect()
            };
            if let Some(tags) = metadata.get("tags").and_then(texts) {
                event.tags = tags;
                metadata.remove("tags");
            }
        });
        event.extra = (!rest.is_empty()).then_some(Value::Object(rest));
        event
    }

    /// What the log says of it.
    fn take_log(&mut self, log: &mut Map<String, Value>) {
        self.log_index = log.get("log_index").and_then(Value::as_u64);
        self.category = text(log, "category").unwrap_or_default();
        self.recorded_at = text(log, "recorded_at").as_deref().and_then(crate::time::parse);
        self.sealed_at = text(log, "sealed_at").as_deref().and_then(crate::time::parse);
        self.entry_hash = text(log, "entry_hash");
        self.prev_hash = text(log, "prev_hash");
        self.hash = text(log, "hash");
        self.retention_class = text(log, "retention_class");
        self.db_session_user = text(log, "db_session_user");
        self.db_current_user = text(log, "db_current_user");
        self.db_client_addr = text(log, "db_client_addr");
        self.db_application = text(log, "db_application");
        self.db_xid = log.get("db_xid").and_then(Value::as_i64);
        self.redacted = log.remove("redacted").filter(|value| !value.is_null());
    }
}

/// Takes a text out of an object; anything else stays.
fn text(object: &mut Map<String, Value>, key: &str) -> Option<String> {
    object.get(key)?.as_str()?;
    match object.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn take_object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// Takes members out of an object in an object; it goes when nothing is left of it.
fn within(object: &mut Map<String, Value>, key: &str, take: impl FnOnce(&mut Map<String, Value>)) {
    if let Some(Value::Object(inner)) = object.get_mut(key) {
        take(inner);
        if inner.is_empty() {
            object.remove(key);
        }
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

    #[test]
    fn a_document_is_read_without_loss() {
        let document = serde_json::json!({
            "event_id": "e", "timestamp": "2026-03-10T14:30:45.123Z", "event_type": "a.b", "severity": "info", "more": {"x": [1]},
            "actor": {"id": "u", "shoe": 43}, "resource": {"tags": {"a": "b"}}, "metadata": {"tags": ["x"], "request_id": 7},
            "changes": {"before": null, "after": {"a": 1}},
            "auditlog": {"log_index": 5, "category": "c", "entry_hash": "00", "document": {"mine": true}},
        });
        let event = Event::from_document(&document);
        assert_eq!(
            (event.log_index, event.category.as_str(), event.tags.len()),
            (Some(5), "c", 1)
        );
        let mut back = event.document();
        assert_eq!(back["auditlog"], serde_json::json!({"mine": true}));
        back["auditlog"] = document["auditlog"].clone();
        assert_eq!(back, document);
        assert!(Event::from_document(&Value::Null).extra.is_none());
    }
}
