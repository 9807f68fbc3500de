//! Errors on their way to the server's log: refused statements, refused logins, the reasons of failures.
//!
//! The hook runs while an error is being reported. It must not raise one of its own, nor look anything up: what the
//! process does not know by heart is left out.

use crate::api::own_event::text;
use crate::capture::document::{Actor, Draft, Failure, Outcome, Statement, write};
use crate::capture::{self, Kind, nodes, record};
use crate::hooks::{session, utility};
use crate::{client, provenance, shmem};
use pgrx::pg_sys;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Longest message and detail that are kept, in characters.
const MAX_TEXT: usize = 500;

thread_local! {
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

static mut PREVIOUS: pg_sys::emit_log_hook_type = None;

/// Sets the hook; called once by `_PG_init` in the postmaster.
pub fn init() {
    // SAFETY: the postmaster is single-threaded while it loads libraries.
    unsafe {
        PREVIOUS = pg_sys::emit_log_hook;
        pg_sys::emit_log_hook = Some(emit_log);
    }
}

unsafe extern "C-unwind" fn emit_log(error: *mut pg_sys::ErrorData) {
    // SAFETY: PostgreSQL's own argument, and the hook that was there before.
    unsafe {
        if capture::is_any_on() && (*error).elevel >= pg_sys::PGERROR as i32 && !BUSY.replace(true) {
            // A panic of ours must not become another error.
            let _ = catch_unwind(AssertUnwindSafe(|| note(&*error)));
            BUSY.set(false);
        }
        if let Some(previous) = PREVIOUS {
            previous(error);
        }
    }
}

/// The five characters that PostgreSQL packs into a number.
fn sqlstate(code: i32) -> String {
    (0..5)
        .map(|i| char::from(((code >> (6 * i)) & 0x3f) as u8 + b'0'))
        .collect()
}

fn short(message: String) -> String {
    let message = auditlog_redact::value("", &message);
    match message.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    }
}

unsafe fn note(error: &pg_sys::ErrorData) {
    // SAFETY: strings of an error that is being reported.
    let (message, detail) = unsafe {
        (
            nodes::text(error.message),
            nodes::text(error.detail_log).or_else(|| nodes::text(error.detail)),
        )
    };
    let failure = Failure {
        sqlstate: Some(sqlstate(error.sqlerrcode)),
        message: message.map(short),
    };
    // SAFETY: a global of this process.
    let setting_up = unsafe { pg_sys::Mode } == pg_sys::ProcessingMode::InitProcessing;
    if error.elevel >= pg_sys::FATAL as i32 {
        // 57P03: the server starts, stops or recovers, and takes nobody.
        let is_attempt = setting_up && client::is_client() && failure.sqlstate.as_deref() != Some("57P03");
        if !capture::is_on(Kind::Login) {
        } else if is_attempt {
            session::failed(&failure, detail.map(short));
        } else {
            session::ends_by(failure);
        }
    } else if utility::is_running() {
        utility::note_error(failure);
    } else if capture::is_on(Kind::Permission) && failure.is_refusal() && !setting_up {
        // SAFETY: as above.
        unsafe { refused(error, failure) }
    }
}

/// A statement was refused for want of a privilege.
unsafe fn refused(error: &pg_sys::ErrorData, failure: Failure) {
    // SAFETY: a global of this process.
    let own = shmem::known_slot(unsafe { pg_sys::MyDatabaseId });
    let Some(slot) = own.or_else(record::fallback) else {
        return;
    };
    // SAFETY: strings of an error that is being reported; the message as it stands in the source, before translation.
    let (template, sql) = unsafe {
        (
            nodes::text(error.message_id).unwrap_or_default(),
            nodes::text(pg_sys::debug_query_string),
        )
    };
    let message = failure.message.clone().unwrap_or_default();
    let by_policy = template.contains("row-level security");
    let event_type = if by_policy { "rls.denied" } else { "access.denied" };
    let mut draft = Draft::new(event_type, object_kind(sql.as_deref()), "statement");
    if let Some((kind, name)) = object(&template, &message) {
        draft = draft.on(kind, name);
    }
    if own.is_none() {
        draft
            .metadata
            .extend(client::database().map(|name| ("database", text(&name))));
    }
    let who = provenance::known();
    let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let actor = Actor {
        kind: if client::is_client() { "user" } else { "service" },
        id: crate::identity::current().map(|subject| subject.actor_id.clone()),
        address: client::address().map(|address| address.to_string()),
        session: client::session_id(),
        role: string(&who.current_user),
        // A superuser is refused nothing.
        privileged: false,
        end_user: None,
        change_ref: None,
    };
    let statement = sql.as_deref().map(Statement::new);
    let outcome = Outcome { error: Some(failure) };
    record::aside(slot, write(draft, &actor, statement.as_ref(), &outcome), &who);
}

/// What a message such as `permission denied for table orders` speaks of.
fn object(template: &str, message: &str) -> Option<(String, String)> {
    let (before, _) = template.split_once("%s")?;
    let kind = before
        .strip_prefix("permission denied for ")
        .or_else(|| before.strip_prefix("must be owner of "))
        .or_else(|| before.rsplit_once("for ").map(|(_, kind)| kind))?;
    // Of a translated message only the kind is known.
    let name = message.strip_prefix(before)?.trim_matches('"');
    let kind = kind.trim_end_matches(['"', ' ']);
    (!kind.is_empty() && !name.is_empty()).then(|| (kind.to_owned(), name.to_owned()))
}

/// What kind of statement it was: a definition, a role, a setting; anything else is data.
fn object_kind(sql: Option<&str>) -> &'static str {
    let mut words = sql.unwrap_or_default().split_whitespace().map(str::to_ascii_lowercase);
    match (words.next().as_deref(), words.next().as_deref()) {
        (Some("alter"), Some("system")) | (Some("set" | "reset"), _) => "config",
        (Some("grant" | "revoke" | "reassign"), _) => "role",
        (Some("create" | "alter" | "drop"), Some("role" | "user" | "group")) => "role",
        (Some("create" | "alter" | "drop" | "comment" | "truncate"), _) => "ddl",
        _ => "data",
    }
}
