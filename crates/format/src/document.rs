//! The event's public document, written without building it: its columns, with `extra` merged over them.
//!
//! The text is what [`to_document`](auditlog_core::document::to_document) gives, member for member and in its order.

use auditlog_core::decode::JsonError;
use auditlog_core::encode::Value;

use crate::binary::{find, is_object, members};
use crate::fields::{Fields, at};
use crate::json_text::{canonical, list, string};
use crate::object::Object;
use crate::time_text;

/// What stands at a name of the document.
#[derive(Clone, Copy)]
enum Part {
    Column(usize),
    Group(&'static [(&'static str, usize)]),
}

const DOCUMENT: [(&str, Part); 11] = [
    ("event_id", Part::Column(at::EVENT_ID)),
    ("timestamp", Part::Column(at::TIMESTAMP)),
    ("event_type", Part::Column(at::EVENT_TYPE)),
    ("severity", Part::Column(at::SEVERITY)),
    ("tenant", Part::Column(at::TENANT)),
    ("idempotency_key", Part::Column(at::IDEMPOTENCY_KEY)),
    (
        "actor",
        Part::Group(&[
            ("type", at::ACTOR_TYPE),
            ("id", at::ACTOR_ID),
            ("email", at::ACTOR_EMAIL),
            ("ip_address", at::ACTOR_IP),
            ("user_agent", at::ACTOR_USER_AGENT),
            ("session_id", at::ACTOR_SESSION_ID),
        ]),
    ),
    (
        "resource",
        Part::Group(&[
            ("type", at::RESOURCE_TYPE),
            ("id", at::RESOURCE_ID),
            ("cloud_provider", at::CLOUD_PROVIDER),
            ("account_id", at::ACCOUNT_ID),
            ("region", at::REGION),
            ("tags", at::RESOURCE_TAGS),
        ]),
    ),
    (
        "action",
        Part::Group(&[
            ("operation", at::OPERATION),
            ("status", at::STATUS),
            ("method", at::METHOD),
        ]),
    ),
    ("changes", Part::Group(&[("before", at::BEFORE), ("after", at::AFTER)])),
    (
        "metadata",
        Part::Group(&[("request_id", at::REQUEST_ID), ("tags", at::TAGS)]),
    ),
];

/// The member that the format `json` adds to the document.
pub(crate) const ENVELOPE: &str = "auditlog";

/// What a document has that must not stand where it stood.
pub(crate) struct Displaced<'a> {
    /// The document's own member [`ENVELOPE`].
    pub(crate) member: Option<&'a [u8]>,
    /// An `extra` that is no object: only a row that was touched has one.
    pub(crate) extra: Option<&'a [u8]>,
}

/// Appends the document's members to `object`, but for its own member [`ENVELOPE`].
pub(crate) fn write<'a>(fields: &Fields<'a>, object: &mut Object<'_>) -> Result<Displaced<'a>, JsonError> {
    let mut displaced = Displaced {
        member: None,
        extra: None,
    };
    let extra = match fields.json(at::EXTRA) {
        None => Vec::new(),
        Some(extra) if is_object(extra) => members(extra)?,
        Some(extra) => {
            displaced.extra = Some(extra);
            Vec::new()
        }
    };
    for (name, part) in DOCUMENT {
        if is_there(fields, part) {
            write_part(fields, part, find(&extra, name.as_bytes()), object.name(name))?;
        }
    }
    for (name, value) in extra {
        if name == ENVELOPE.as_bytes() {
            displaced.member = Some(value);
        } else if !DOCUMENT
            .iter()
            .any(|(known, part)| known.as_bytes() == name && is_there(fields, *part))
        {
            canonical(value, object.foreign_name(name))?;
        }
    }
    Ok(displaced)
}

fn is_there(fields: &Fields<'_>, part: Part) -> bool {
    match part {
        Part::Column(at) => fields.values[at] != Value::Null,
        Part::Group(members) => members.iter().any(|(_, at)| fields.values[*at] != Value::Null),
    }
}

fn write_part(fields: &Fields<'_>, part: Part, over: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), JsonError> {
    match (part, over) {
        (Part::Column(at), over) => write_column(fields.values[at], over, out),
        (Part::Group(_), Some(over)) if !is_object(over) => canonical(over, out).map(drop),
        (Part::Group(group), over) => {
            let over = over.map_or_else(|| Ok(Vec::new()), members)?;
            let mut object = Object::begin(out);
            for (name, at) in group {
                if fields.values[*at] != Value::Null {
                    write_column(fields.values[*at], find(&over, name.as_bytes()), object.name(name))?;
                }
            }
            for (name, value) in over {
                let known = |(known, at): &(&str, usize)| known.as_bytes() == name && fields.values[*at] != Value::Null;
                if !group.iter().any(known) {
                    canonical(value, object.foreign_name(name))?;
                }
            }
            object.end();
            Ok(())
        }
    }
}

fn write_column(value: Value<'_>, over: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), JsonError> {
    match (value, over) {
        (Value::Json(under), Some(over)) => return merge(under, over, out),
        (_, Some(over)) => return canonical(over, out).map(drop),
        _ => {}
    }
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Text(text) => string(text, out),
        Value::Int(us) => {
            out.push(b'"');
            time_text::shortest(us, out);
            out.push(b'"');
        }
        Value::Inet(bits, address) => {
            out.push(b'"');
            time_text::address(bits, address, out);
            out.push(b'"');
        }
        Value::TextArray(payload) => list(payload, out)?,
        Value::Json(json) => drop(canonical(json, out)?),
    }
    Ok(())
}

/// Objects are merged member by member; anything else gives way.
fn merge(under: &[u8], over: &[u8], out: &mut Vec<u8>) -> Result<(), JsonError> {
    if !is_object(under) || !is_object(over) {
        return canonical(over, out).map(drop);
    }
    let (under, over) = (members(under)?, members(over)?);
    let mut object = Object::begin(out);
    for (name, value) in &under {
        let out = object.foreign_name(name);
        match find(&over, name) {
            Some(over) => merge(value, over, out)?,
            None => drop(canonical(value, out)?),
        }
    }
    for (name, value) in over {
        if find(&under, name).is_none() {
            canonical(value, object.foreign_name(name))?;
        }
    }
    object.end();
    Ok(())
}
