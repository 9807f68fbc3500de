//! The events of the access journal as documents.

use crate::queue::Provenance;
use crate::store::columns::write_json;
use auditlog_core::document::format_timestamp;
use auditlog_core::erase::hex;
use auditlog_core::json::Json;
use pgrx::pg_sys;
use sha2::{Digest, Sha256};

/// Bytes of a statement's text that are kept; of a longer one the hash tells the rest.
const TEXT_BYTES: usize = 4096;
/// Bytes of a call's arguments that are kept.
pub const ARGUMENT_BYTES: usize = 8192;

/// Who reads, or tried to.
#[derive(Clone, Copy)]
pub enum Reader<'a> {
    /// This actor.
    Actor(&'a str),
    /// A login role that is no principal, or whose principal is gone.
    Role,
    /// Whoever has logged in: the recorder knows whom ([`crate::capture::person`]).
    Login,
}

/// An event of the access journal. Who reads is a session, and the principal that it is.
pub fn event(
    event_id: &str,
    at: i64,
    event_type: &str,
    who: (&Provenance, Reader<'_>),
    operation: &str,
    status: &str,
    metadata: Vec<(&str, Json)>,
) -> String {
    let mut metadata = metadata;
    if let Some(standby) = standby() {
        metadata.push(("standby", text(&standby)));
    }
    let document = object(vec![
        ("event_id", text(event_id)),
        ("timestamp", text(&format_timestamp(at))),
        ("event_type", text(event_type)),
        ("actor", actor(who)),
        (
            "resource",
            object(vec![("type", text("audit_log")), ("id", text("auditlog.events"))]),
        ),
        (
            "action",
            object(vec![("operation", text(operation)), ("status", text(status))]),
        ),
        ("metadata", object(metadata)),
    ]);
    written(&document)
}

/// Which server this is, when it is a standby: what `cluster_name` says, or else the machine's name.
fn standby() -> Option<String> {
    // SAFETY: reads this server's state and a setting of this process, NUL-terminated.
    unsafe {
        if !pg_sys::RecoveryInProgress() {
            return None;
        }
        let name = std::ffi::CStr::from_ptr(pg_sys::cluster_name);
        if !name.is_empty() {
            return Some(name.to_string_lossy().into_owned());
        }
    }
    Some(host_name())
}

/// The name of this machine.
pub fn host_name() -> String {
    let mut name = [0u8; 256];
    // SAFETY: a buffer of this length.
    unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    String::from_utf8_lossy(&name[..end]).into_owned()
}

/// Who reads: the principal, or else the login role, which the event has as `db_session_user` anyway.
fn actor((who, reader): (&Provenance, Reader<'_>)) -> Json {
    let role = String::from_utf8_lossy(&who.session_user);
    let mut actor = match reader {
        Reader::Actor(id) => vec![("type", text("user")), ("id", text(id))],
        Reader::Role => vec![("type", text("database_role")), ("id", text(&role))],
        Reader::Login => vec![],
    };
    if let Some(inet) = who.client_addr.as_deref().and_then(crate::api::event_rows::parse_inet) {
        actor.push(("ip_address", text(&inet.address.to_string())));
    }
    // SAFETY: plain globals of this process; together they are %c of log_line_prefix.
    let (started, pid) = unsafe { (pg_sys::MyStartTime, pg_sys::MyProcPid) };
    actor.push(("session_id", Json::String(format!("{started:x}.{pid:x}"))));
    object(actor)
}

/// The statement's text without tokens, cut, with the hash of the whole.
pub fn query(whole: &str) -> Json {
    let whole = &*auditlog_redact::token::redact(whole);
    let mut end = whole.len().min(TEXT_BYTES);
    while !whole.is_char_boundary(end) {
        end -= 1;
    }
    let mut query = vec![("text", text(&whole[..end]))];
    if end < whole.len() {
        query.push(("bytes", number(whole.len() as u64)));
        query.push(("sha256", text(&hex(&Sha256::digest(whole)))));
    }
    object(query)
}

/// Arguments that are not too long to be kept; otherwise their hash.
pub fn shortened(arguments: Json) -> Json {
    let written = written(&arguments);
    if written.len() <= ARGUMENT_BYTES {
        return arguments;
    }
    object(vec![
        ("bytes", number(written.len() as u64)),
        ("sha256", text(&hex(&Sha256::digest(&written)))),
    ])
}

pub fn written(json: &Json) -> String {
    let mut out = String::new();
    write_json(json, &mut out);
    out
}

pub fn text(value: &str) -> Json {
    Json::String(value.to_owned())
}

pub fn number(value: u64) -> Json {
    Json::Number(value.to_string())
}

pub fn object(pairs: Vec<(&str, Json)>) -> Json {
    Json::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}
