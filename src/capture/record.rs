//! Where a captured event goes: into the running transaction, or to the recorder.

use super::document::{Actor, Draft, LookUp, Outcome, Statement, write};
use super::setting;
use crate::api::event_rows;
use crate::error::Fault;
use crate::queue::{self, Entry, Provenance};
use crate::shmem::{self, Slot};
use crate::store::columns::{self, RowBuf};
use crate::store::{catalog, event_types, inbox, roles};
use auditlog_core::document::{self, Limits};
use auditlog_core::json::Json;
use pgrx::pg_sys;
use std::sync::atomic::Ordering;

/// The log that takes this process' events.
#[derive(Clone, Copy)]
pub enum Log {
    /// That of the database that it is connected to.
    Own,
    /// That of another database (`auditlog.capture_database`), which nothing of this transaction can reach.
    Other(&'static Slot),
}

/// The log for what happens in this database; `None` when there is none.
pub fn log() -> Option<Log> {
    if catalog::find().is_some() {
        return Some(Log::Own);
    }
    fallback().map(Log::Other)
}

/// The database that takes events of databases without a log.
pub fn fallback() -> Option<&'static Slot> {
    let name = crate::guc::CAPTURE_DATABASE.get()?;
    let name = name.to_str().ok().filter(|name| !name.is_empty())?;
    shmem::slot_named(name)
}

/// Is there something to record for in this transaction?
pub fn may_record() -> bool {
    // SAFETY: globals and look-ups of this process, inside a transaction.
    unsafe {
        pg_sys::IsTransactionState()
            && !pg_sys::creating_extension
            && !pg_sys::IsBinaryUpgrade
            && !pg_sys::RecoveryInProgress()
            && !crate::worker::is_ours()
            // pg_dump's scripts, and hardly anybody else, begin with row_security = off: what they load into a log
            // that is still empty has to come first.
            && (pg_sys::row_security || catalog::find().is_none() || !crate::trigger::log_row::restoring())
    }
}

/// Records an event in the running transaction.
pub fn here(mut document: Json) {
    let now = crate::provenance::recorded_at();
    name(&mut document, now);
    let limits = Limits {
        max_bytes: usize::MAX,
        max_depth: 64,
        now_us: now,
        max_clock_skew_us: 0,
    };
    match document::parse(document, &limits) {
        Ok(mut event) => {
            super::person::complete(&mut event, &crate::provenance::session_user());
            let known = event.event_type.as_deref().and_then(event_types::get);
            let mut row = RowBuf::new();
            event_rows::fill(&mut row, &event, known.as_deref(), now);
            inbox::complete_own(&mut row, now);
            inbox::append(&row);
        }
        Err(e) => Fault::from(e).raise(),
    }
}

/// Gives an event an id that nobody else's event can have: that the database has recorded it is no claim.
fn name(document: &mut Json, now: i64) {
    if let (Json::Object(pairs), Some(id)) = (document, crate::random::database_event_id(now)) {
        pairs.push(("event_id".to_owned(), Json::String(id)));
    }
}

/// Looks up what a statement has made of the state, and keeps what it changed.
pub fn complete(draft: &mut Draft) {
    match &draft.look_up {
        LookUp::Nothing => return,
        LookUp::Role(role) => draft.after = roles::attributes(role),
        LookUp::Settings { role, database } => draft.after = Some(setting::states(&roles::settings(role, database))),
    }
    let (before, after) = (draft.before.take(), draft.after.take());
    (draft.before, draft.after) = setting::difference(before, after);
}

/// Hands an event to the recorder of a database. Never waits long, and never raises an error: what finds no room is
/// counted.
pub fn aside(slot: &Slot, mut document: Json, provenance: &Provenance) {
    let now = shmem::unix_micros();
    name(&mut document, now);
    if let Json::Object(pairs) = &mut document {
        pairs.push(("timestamp".to_owned(), Json::String(document::format_timestamp(now))));
    }
    let mut text = String::new();
    columns::write_json(&document, &mut text);
    let database = pg_sys::Oid::from_u32(slot.database.load(Ordering::Acquire));
    let entry = Entry {
        provenance: provenance.clone(),
        document: text,
    };
    queue::try_push(database, &entry);
}

/// The slot behind a log.
pub fn slot(log: Log) -> Option<&'static Slot> {
    match log {
        // SAFETY: a global of this process.
        Log::Own => shmem::known_slot(unsafe { pg_sys::MyDatabaseId }),
        Log::Other(slot) => Some(slot),
    }
}

/// The document of a draft; one that goes to another database says where it happened.
pub fn document_for(log: Log, draft: Draft, actor: &Actor, statement: Option<&Statement>, outcome: &Outcome) -> Json {
    let draft = match (log, crate::client::database()) {
        (Log::Other(_), Some(database)) => draft.with("database", Json::String(database)),
        _ => draft,
    };
    write(draft, actor, statement, outcome)
}
