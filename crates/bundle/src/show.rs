//! A record as the public JSON document that was recorded.

use std::fmt::Write as _;
use std::net::IpAddr;

use auditlog_core::columns::{COLUMNS, position};
use auditlog_core::decode::{decode_json, decode_plain, text_items};
use auditlog_core::document::{format_timestamp, to_document};
use auditlog_core::encode::{Value, Values};
use auditlog_core::event::{Event, Inet, Severity};
use auditlog_core::json::Json;

use crate::content::{ContentError, redactions};
use crate::record::Record;

/// One line of JSON for a record: `log_index`, `event_id`, `sealed_at`, the document as `event`, and the
/// paths of erased columns as `redacted` when there are any.
///
/// Nothing is verified here. Texts that are not UTF-8 are shown with replacement characters.
///
/// # Errors
/// [`ContentError`] when the values are no plain entry.
pub fn line(record: &Record<'_>) -> Result<String, ContentError> {
    let values = decode_plain(record.values)?;
    let event = event(&values)?;
    let mut pairs = vec![
        ("log_index".to_owned(), Json::Number(record.log_index.to_string())),
        (
            "event_id".to_owned(),
            event.event_id.clone().map_or(Json::Null, Json::String),
        ),
        ("sealed_at".to_owned(), Json::String(format_timestamp(record.sealed_at))),
        ("event".to_owned(), to_document(&event)),
    ];
    if let Some(bytes) = record.redacted {
        let paths = redactions(bytes)?;
        let paths = paths.into_iter().map(|(path, _)| Json::String(path)).collect();
        pairs.push(("redacted".to_owned(), Json::Array(paths)));
    }
    let mut out = String::new();
    write_json(&Json::Object(pairs), &mut out);
    Ok(out)
}

/// The event of plain values.
///
/// # Errors
/// [`ContentError::Json`] when a JSON column is not UTF-8.
pub fn event(values: &Values<'_>) -> Result<Event, ContentError> {
    let value = |name: &str| position(name).map_or(Value::Null, |at| values[at]);
    let text = |name: &str| match value(name) {
        Value::Text(bytes) => Some(lossy(bytes)),
        _ => None,
    };
    let json = |name: &'static str| match value(name) {
        Value::Json(bytes) => decode_json(bytes)
            .map(Some)
            .map_err(|problem| ContentError::Json(name, problem)),
        _ => Ok(None),
    };
    debug_assert_eq!(COLUMNS.len(), values.len());
    Ok(Event {
        event_id: text("event_id"),
        timestamp: match value("timestamp") {
            Value::Int(us) => Some(us),
            _ => None,
        },
        event_type: text("event_type"),
        severity: text("severity").and_then(|label| Severity::from_label(&label)),
        tenant: text("tenant"),
        idempotency_key: text("idempotency_key"),
        operation: text("operation"),
        status: text("status"),
        method: text("method"),
        actor_type: text("actor_type"),
        actor_id: text("actor_id"),
        actor_email: text("actor_email"),
        actor_ip: inet(value("actor_ip")),
        actor_user_agent: text("actor_user_agent"),
        actor_session_id: text("actor_session_id"),
        resource_type: text("resource_type"),
        resource_id: text("resource_id"),
        cloud_provider: text("cloud_provider"),
        account_id: text("account_id"),
        region: text("region"),
        resource_tags: json("resource_tags")?,
        before: json("before")?,
        after: json("after")?,
        request_id: text("request_id"),
        tags: match value("tags") {
            Value::TextArray(payload) => text_items(payload)
                .ok()
                .map(|items| items.into_iter().map(lossy).collect()),
            _ => None,
        },
        extra: json("extra")?,
    })
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn inet(value: Value<'_>) -> Option<Inet> {
    let Value::Inet(bits, address) = value else { return None };
    let address = match address.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(address).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(address).ok()?),
    };
    Some(Inet { address, bits })
}

/// Appends JSON text on one line; numbers keep their digits.
pub fn write_json(json: &Json, out: &mut String) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(digits) => out.push_str(digits),
        Json::String(text) => write_string(text, out),
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Json::Object(pairs) => {
            out.push('{');
            for (at, (key, item)) in pairs.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write_json(item, out);
            }
            out.push('}');
        }
    }
}

/// Control characters are escaped, so that a terminal is not driven by what was recorded.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // writing to a String cannot fail
            control if control.is_control() => drop(write!(out, "\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
}
