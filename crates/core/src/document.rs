//! From the public JSON document to an [`Event`]'s columns and back, losing nothing.
//!
//! The rule: what goes in comes out equal. A value goes into its column alone only when the column
//! renders back to the identical JSON value; otherwise the column gets the best typed value (or
//! NULL, so that filters still work where they can) and the original stays in `extra` at the same
//! path, which [`to_document`] merges over the columns.

mod columns;
mod error;
mod inet;
mod render;
mod scan;
mod time;

pub(crate) use columns::extra_contradicts;
pub use columns::{Scalars, check_columns, check_scalars, may_speak_of_a_column, personal_in_extra};
pub use error::{DocumentError, ErrorKind};
pub use inet::{format_inet, parse_inet};
pub use render::to_document;
pub use time::{format_timestamp, parse_timestamp};

use crate::event::{Event, Severity};
use crate::json::Json;
pub(crate) use error::quoted;
use error::wrong_type;

/// Longest `event_id` and `event_type` in bytes.
pub const MAX_NAME_BYTES: usize = 200;

/// Longest value in bytes that goes whole into a column with a B-tree index. PostgreSQL refuses
/// index entries above about 2,700 bytes, and the sealer must never meet a row it cannot insert.
pub const MAX_INDEXED_BYTES: usize = 2048;

/// What an event must keep to.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Greatest size of the document's text; checked by whoever has the text.
    pub max_bytes: usize,
    /// Greatest number of objects and arrays inside each other, the document itself included.
    pub max_depth: usize,
    /// The server's clock, microseconds since the Unix epoch.
    pub now_us: i64,
    /// How far a timestamp may lie after `now_us`.
    pub max_clock_skew_us: i64,
}

/// Turns a document into an event.
///
/// # Errors
/// [`DocumentError`] with the path of the first value that cannot be recorded.
pub fn parse(document: Json, limits: &Limits) -> Result<Event, DocumentError> {
    scan::check(&document, limits.max_depth)?;
    parse_flat(document, limits)
}

/// [`parse`] for a document that is known to be flat enough and without U+0000.
///
/// # Errors
/// [`DocumentError`] with the path of the first value that cannot be recorded.
pub fn parse_flat(document: Json, limits: &Limits) -> Result<Event, DocumentError> {
    let event = extract(document)?;
    columns::check_presence_and_time(event.event_type.is_some(), event.timestamp, limits)?;
    Ok(event)
}

/// [`parse`] without the checks that need limits or the whole event.
pub(crate) fn extract(document: Json) -> Result<Event, DocumentError> {
    let pairs = match document {
        Json::Object(pairs) => pairs,
        other => {
            return Err(wrong_type(
                "$",
                "an object",
                &other,
                "Give one JSON object for each event.",
            ));
        }
    };
    let mut event = Event::default();
    let mut rest = Vec::new();
    for (key, value) in pairs {
        let kept = match key.as_str() {
            "event_id" => event_id(value, &mut event.event_id)?,
            "timestamp" => timestamp(value, &mut event.timestamp)?,
            "event_type" => event_type(value, &mut event.event_type)?,
            "severity" => severity(value, &mut event.severity)?,
            "tenant" => text(value, "$.tenant", &mut event.tenant)?,
            "idempotency_key" => idempotency_key(value, &mut event.idempotency_key)?,
            "actor" => group(value, "$.actor", |key, value| actor(&mut event, key, value))?,
            "resource" => group(value, "$.resource", |key, value| resource(&mut event, key, value))?,
            "action" => group(value, "$.action", |key, value| action(&mut event, key, value))?,
            "changes" => group(value, "$.changes", |key, value| Ok(changes(&mut event, key, value)))?,
            "metadata" => group(value, "$.metadata", |key, value| metadata(&mut event, key, value))?,
            _ => Some(value),
        };
        if let Some(value) = kept {
            rest.push((key, value));
        }
    }
    if !rest.is_empty() {
        event.extra = Some(Json::Object(rest));
    }
    Ok(event)
}

/// What stays in `extra` of a value: nothing, or itself.
type Kept = Result<Option<Json>, DocumentError>;

fn actor(event: &mut Event, key: &str, value: Json) -> Kept {
    match key {
        "type" => text(value, "$.actor.type", &mut event.actor_type),
        "id" => indexed_text(value, "$.actor.id", &mut event.actor_id),
        "email" => indexed_text(value, "$.actor.email", &mut event.actor_email),
        "ip_address" => ip_address(value, &mut event.actor_ip),
        "user_agent" => text(value, "$.actor.user_agent", &mut event.actor_user_agent),
        "session_id" => text(value, "$.actor.session_id", &mut event.actor_session_id),
        _ => Ok(Some(value)),
    }
}

fn resource(event: &mut Event, key: &str, value: Json) -> Kept {
    match key {
        "type" => text(value, "$.resource.type", &mut event.resource_type),
        "id" => indexed_text(value, "$.resource.id", &mut event.resource_id),
        "cloud_provider" => text(value, "$.resource.cloud_provider", &mut event.cloud_provider),
        "account_id" => text(value, "$.resource.account_id", &mut event.account_id),
        "region" => text(value, "$.resource.region", &mut event.region),
        "tags" => Ok(whole(value, &mut event.resource_tags)),
        _ => Ok(Some(value)),
    }
}

fn action(event: &mut Event, key: &str, value: Json) -> Kept {
    match key {
        "operation" => text(value, "$.action.operation", &mut event.operation),
        "status" => text(value, "$.action.status", &mut event.status),
        "method" => text(value, "$.action.method", &mut event.method),
        _ => Ok(Some(value)),
    }
}

fn changes(event: &mut Event, key: &str, value: Json) -> Option<Json> {
    match key {
        "before" => whole(value, &mut event.before),
        "after" => whole(value, &mut event.after),
        _ => Some(value),
    }
}

fn metadata(event: &mut Event, key: &str, value: Json) -> Kept {
    match key {
        "request_id" => text(value, "$.metadata.request_id", &mut event.request_id),
        "tags" => Ok(tags(value, &mut event.tags)),
        _ => Ok(Some(value)),
    }
}

/// The members of a group; `take` stores one or gives it back.
fn group(value: Json, path: &'static str, mut take: impl FnMut(&str, Json) -> Kept) -> Kept {
    match value {
        Json::Object(pairs) if !pairs.is_empty() => {
            let mut rest = Vec::new();
            for (key, value) in pairs {
                if let Some(kept) = take(&key, value)? {
                    rest.push((key, kept));
                }
            }
            Ok(if rest.is_empty() {
                None
            } else {
                Some(Json::Object(rest))
            })
        }
        Json::Object(_) | Json::Null => Ok(Some(value)),
        other => Err(wrong_type(
            path,
            "an object or null",
            &other,
            "Leave the key out when there is nothing to say.",
        )),
    }
}

fn whole(value: Json, slot: &mut Option<Json>) -> Option<Json> {
    *slot = Some(value);
    None
}

fn text(value: Json, path: &'static str, slot: &mut Option<String>) -> Kept {
    match value {
        Json::String(text) => {
            *slot = Some(text);
            Ok(None)
        }
        Json::Number(ref number) => {
            *slot = Some(number.clone());
            Ok(Some(value))
        }
        Json::Bool(b) => {
            *slot = Some(b.to_string());
            Ok(Some(value))
        }
        Json::Null => Ok(Some(value)),
        other => Err(wrong_type(
            path,
            "a text",
            &other,
            "Put structured values under another key: unknown keys are kept.",
        )),
    }
}

/// [`text`] for a column with an index: the column gets a long value's beginning only.
fn indexed_text(value: Json, path: &'static str, slot: &mut Option<String>) -> Kept {
    let kept = text(value, path, slot)?;
    let Some(stored) = slot.as_mut().filter(|stored| stored.len() > MAX_INDEXED_BYTES) else {
        return Ok(kept);
    };
    let original = stored.clone();
    stored.truncate(stored.floor_char_boundary(MAX_INDEXED_BYTES));
    Ok(Some(kept.unwrap_or(Json::String(original))))
}

fn tags(value: Json, slot: &mut Option<Vec<String>>) -> Option<Json> {
    match value {
        Json::Array(items) if items.iter().all(|item| matches!(item, Json::String(_))) => {
            let text = |item| {
                if let Json::String(text) = item {
                    Some(text)
                } else {
                    None
                }
            };
            *slot = Some(items.into_iter().filter_map(text).collect());
            None
        }
        other => Some(other),
    }
}

fn ip_address(value: Json, slot: &mut Option<crate::event::Inet>) -> Kept {
    match value {
        Json::String(text) => {
            *slot = parse_inet(&text);
            let same = slot.as_ref().is_some_and(|inet| inet::renders_as(inet, &text));
            Ok(if same { None } else { Some(Json::String(text)) })
        }
        Json::Object(_) | Json::Array(_) => Err(wrong_type(
            "$.actor.ip_address",
            "a text",
            &value,
            "Give one address, like \"203.0.113.45\"; lists go under another key.",
        )),
        other => Ok(Some(other)),
    }
}

fn event_id(value: Json, slot: &mut Option<String>) -> Kept {
    let Json::String(text) = value else {
        let hint = "Leave event_id out to get one, or give a text of at most 200 bytes.";
        return Err(wrong_type("$.event_id", "a text", &value, hint));
    };
    columns::check_event_id(&text)?;
    *slot = Some(text);
    Ok(None)
}

fn event_type(value: Json, slot: &mut Option<String>) -> Kept {
    let Json::String(text) = value else {
        return Err(wrong_type("$.event_type", "a text", &value, columns::EVENT_TYPE_HINT));
    };
    columns::check_event_type(&text)?;
    *slot = Some(text);
    Ok(None)
}

/// Never cut: two keys with the same beginning are two keys.
fn idempotency_key(value: Json, slot: &mut Option<String>) -> Kept {
    let kept = text(value, "$.idempotency_key", slot)?;
    if let Some(text) = slot {
        columns::check_length(text, "$.idempotency_key", "Use a shorter key, like a UUID.")?;
    }
    Ok(kept)
}

fn severity(value: Json, slot: &mut Option<Severity>) -> Kept {
    const HINT: &str = "Use one of debug, info, notice, warning, error, critical, or leave severity out.";
    let Json::String(text) = value else {
        return Err(wrong_type("$.severity", "a text", &value, HINT));
    };
    let Some(severity) = Severity::from_label(&text) else {
        return Err(DocumentError::new(
            ErrorKind::BadValue,
            "$.severity",
            format!("unknown severity {}", quoted(&text)),
            "The value at $.severity is not the name of a severity.",
            HINT,
        ));
    };
    *slot = Some(severity);
    Ok(None)
}

fn timestamp(value: Json, slot: &mut Option<i64>) -> Kept {
    const HINT: &str = "Write it like \"2026-03-10T14:30:45.123Z\": date, time and an offset or Z.";
    let Json::String(text) = value else {
        return Err(wrong_type("$.timestamp", "a text", &value, HINT));
    };
    let Some(us) = parse_timestamp(&text) else {
        return Err(DocumentError::new(
            ErrorKind::BadValue,
            "$.timestamp",
            format!("{} is not a timestamp", quoted(&text)),
            "The value at $.timestamp is not a date and time with offset of the years 0000 to 9999.",
            HINT,
        ));
    };
    *slot = Some(us);
    Ok(if time::renders_as(us, &text) {
        None
    } else {
        Some(Json::String(text))
    })
}
