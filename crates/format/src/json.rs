//! The format `json`: the event's document, with one more member, `auditlog`, for what the log says of it.
//!
//! ```json
//! {"event_id":"evt_1","timestamp":"2026-03-10T14:30:45.123Z","event_type":"resource.modify","severity":"info",
//!  "actor":{…},"resource":{…},"action":{…},"changes":{…},"metadata":{…},
//!  "auditlog":{"origin":"example.org/log","log_index":42,"entry_hash":"…","prev_hash":"…","hash":"…",
//!   "sealed_at":"…","recorded_at":"…","category":"resource","db_xid":731,"db_session_user":"app",
//!   "db_current_user":"app","db_client_addr":"10.0.3.9","db_application":"orders-api"}}
//! ```
//!
//! | in `auditlog`, if there | what |
//! | --- | --- |
//! | `personal` | the paths that the event's own list calls personal |
//! | `redacted` | the paths of columns that erasure has emptied |
//! | `document` | the document's own member `auditlog` |
//! | `extra` | what a touched row has as `extra` and no document can hold |

use auditlog_core::decode::JsonError;

use crate::binary::{count, counted};
use crate::document::{self, Displaced, ENVELOPE};
use crate::error::FormatError;
use crate::fields::{Fields, at};
use crate::json_text;
use crate::object::Object;
use crate::source::Source;

/// Appends the event.
pub(crate) fn write(fields: &Fields<'_>, source: &Source, out: &mut Vec<u8>) -> Result<(), FormatError> {
    let mut object = Object::begin(out);
    let displaced = document::write(fields, &mut object)?;
    object.object(ENVELOPE, |inner| envelope(fields, source, &displaced, inner))?;
    object.end();
    Ok(())
}

fn envelope(
    fields: &Fields<'_>,
    source: &Source,
    displaced: &Displaced<'_>,
    object: &mut Object<'_>,
) -> Result<(), JsonError> {
    place(fields, source, object);
    object.hex("prev_hash", &fields.record.prev_hash);
    object.hex("hash", &fields.record.hash);
    object.moment("sealed_at", fields.record.sealed_at);
    if let Some(us) = fields.integer(at::RECORDED_AT) {
        object.moment("recorded_at", us);
    }
    object.some_text("category", fields.text(at::CATEGORY));
    if let Some(xid) = fields.integer(at::DB_XID) {
        object.integer("db_xid", xid);
    }
    object.some_text("db_session_user", fields.text(at::DB_SESSION_USER));
    object.some_text("db_current_user", fields.text(at::DB_CURRENT_USER));
    if let Some((bits, address)) = fields.address(at::DB_CLIENT_ADDR) {
        object.address("db_client_addr", bits, address);
    }
    object.some_text("db_application", fields.text(at::DB_APPLICATION));
    if let Some(payload) = fields.list(at::PERSONAL) {
        object.list("personal", payload)?;
    }
    redacted(fields, object)?;
    if let Some(value) = displaced.member {
        object.canonical("document", value)?;
    }
    if let Some(value) = displaced.extra {
        object.canonical("extra", value)?;
    }
    Ok(())
}

/// The key of an event: members that every JSON format has.
pub(crate) fn place(fields: &Fields<'_>, source: &Source, object: &mut Object<'_>) {
    object.text("origin", &source.origin);
    object.natural("log_index", fields.record.log_index);
    object.hex("entry_hash", &fields.record.entry_hash);
}

/// The paths of columns that erasure has emptied, if there are any. The commitments tell a receiver nothing.
pub(crate) fn redacted(fields: &Fields<'_>, object: &mut Object<'_>) -> Result<(), JsonError> {
    let Some(bytes) = fields.record.redacted else {
        return Ok(());
    };
    let out = object.name("redacted");
    paths(bytes, out)
}

/// Appends the keys of an object of texts as an array. Nobody has checked these bytes yet, so that nothing here goes
/// inwards.
pub(crate) fn paths(redacted: &[u8], out: &mut Vec<u8>) -> Result<(), JsonError> {
    let bytes = redacted
        .strip_prefix(b"{")
        .ok_or(JsonError::Tag(redacted.first().copied().unwrap_or(0)))?;
    let (members, mut rest) = count(bytes)?;
    out.push(b'[');
    for number in 0..members {
        let (path, value) = counted(rest)?;
        let (tag, value) = value.split_first().ok_or(JsonError::Short)?;
        if *tag != b'"' {
            return Err(JsonError::Tag(*tag));
        }
        if number > 0 {
            out.push(b',');
        }
        json_text::string(path, out);
        rest = counted(value)?.1;
    }
    out.push(b']');
    if rest.is_empty() {
        Ok(())
    } else {
        Err(JsonError::Trailing)
    }
}
