//! From an event back to its document.

use super::inet::format_inet;
use super::time::format_timestamp;
use crate::event::Event;
use crate::json::Json;

/// The document of an event: its columns, with `extra` merged deeply over them.
pub fn to_document(event: &Event) -> Json {
    let mut document = columns_document(event);
    if let Some(extra) = &event.extra {
        merge_over(&mut document, extra);
    }
    document
}

fn columns_document(event: &Event) -> Json {
    let mut top = Pairs::default();
    top.text("event_id", &event.event_id);
    top.put(
        "timestamp",
        event.timestamp.map(|us| Json::String(format_timestamp(us))),
    );
    top.text("event_type", &event.event_type);
    top.put("severity", event.severity.map(|s| Json::String(s.label().to_owned())));
    top.text("tenant", &event.tenant);
    top.text("idempotency_key", &event.idempotency_key);

    let mut actor = Pairs::default();
    actor.text("type", &event.actor_type);
    actor.text("id", &event.actor_id);
    actor.text("email", &event.actor_email);
    actor.put(
        "ip_address",
        event.actor_ip.as_ref().map(|inet| Json::String(format_inet(inet))),
    );
    actor.text("user_agent", &event.actor_user_agent);
    actor.text("session_id", &event.actor_session_id);
    top.group("actor", actor);

    let mut resource = Pairs::default();
    resource.text("type", &event.resource_type);
    resource.text("id", &event.resource_id);
    resource.text("cloud_provider", &event.cloud_provider);
    resource.text("account_id", &event.account_id);
    resource.text("region", &event.region);
    resource.put("tags", event.resource_tags.clone());
    top.group("resource", resource);

    let mut action = Pairs::default();
    action.text("operation", &event.operation);
    action.text("status", &event.status);
    action.text("method", &event.method);
    top.group("action", action);

    let mut changes = Pairs::default();
    changes.put("before", event.before.clone());
    changes.put("after", event.after.clone());
    top.group("changes", changes);

    let mut metadata = Pairs::default();
    metadata.text("request_id", &event.request_id);
    let tags = event.tags.as_ref();
    metadata.put(
        "tags",
        tags.map(|tags| Json::Array(tags.iter().cloned().map(Json::String).collect())),
    );
    top.group("metadata", metadata);

    Json::Object(top.0)
}

#[derive(Default)]
struct Pairs(Vec<(String, Json)>);

impl Pairs {
    fn put(&mut self, key: &str, value: Option<Json>) {
        if let Some(value) = value {
            self.0.push((key.to_owned(), value));
        }
    }

    fn text(&mut self, key: &str, value: &Option<String>) {
        self.put(key, value.clone().map(Json::String));
    }

    fn group(&mut self, key: &str, members: Pairs) {
        if !members.0.is_empty() {
            self.0.push((key.to_owned(), Json::Object(members.0)));
        }
    }
}

fn merge_over(under: &mut Json, over: &Json) {
    match (under, over) {
        (Json::Object(under), Json::Object(over)) => {
            for (key, value) in over {
                match under.iter_mut().find(|(k, _)| k == key) {
                    Some((_, existing)) => merge_over(existing, value),
                    None => under.push((key.clone(), value.clone())),
                }
            }
        }
        (under, over) => *under = over.clone(),
    }
}
