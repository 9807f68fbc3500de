//! The access journal, as SQL sees it.

use super::own_event::{self, OwnEvent};
use crate::fmgr::{Call, Rows};
use crate::hooks::access::{self, Kind};
use crate::queue;
use crate::shmem::my_slot;
use crate::store::POSTGRES_EPOCH;
use crate::store::columns::text;
use crate::store::jsonb;
use auditlog_core::json::Json;
use pgrx::pg_sys::Datum;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

crate::sql_function!(auditlog_access_state, pg_finfo_auditlog_access_state, access_state);
crate::sql_function!(auditlog_note_search, pg_finfo_auditlog_note_search, note_search);
crate::sql_function!(auditlog_note_export, pg_finfo_auditlog_note_export, note_export);

crate::sql_function!(auditlog_tell_change, pg_finfo_auditlog_tell_change, tell_change);

/// `tell_change(event_type, severity, operation, subject, before, after)`, for triggers.
fn tell_change(call: &Call) -> Datum {
    let text = |i: usize| call.text(i).unwrap_or_default();
    let side = |i: usize| call.jsonb(i).and_then(|data| jsonb::tree(data).ok());
    own_event::record_change(
        &OwnEvent {
            event_type: &text(0),
            severity: &text(1),
            actor: ("database_role", &crate::provenance::session_user()),
            operation: &text(2),
            metadata: &[("subject", own_event::text(&text(3)))],
        },
        None,
        side(4),
        side(5),
    );
    call.null()
}

/// `note_search(name, arguments)`. Anybody who may search may call it: it can only add to what is told.
fn note_search(call: &Call) -> Datum {
    note(call, Kind::Search)
}

/// `note_export(name, arguments)`
fn note_export(call: &Call) -> Datum {
    note(call, Kind::Export)
}

fn note(call: &Call, kind: Kind) -> Datum {
    let name = call.text(0).unwrap_or_default();
    let arguments = call.jsonb(1).and_then(|data| jsonb::tree(data).ok());
    access::note(kind, &name, arguments.unwrap_or(Json::Null));
    true.into()
}

/// `access_state()`: the queue of this database, and how its recorder does.
fn access_state(call: &Call) -> Datum {
    let mut rows = Rows::new(call);
    if let Some(slot) = my_slot() {
        let queue = queue::of(slot);
        let fill = queue.fill();
        let number = |n: u64| Some(Datum::from(n as i64));
        let count = |c: &AtomicU64| number(c.load(Relaxed));
        let time = |us: i64| (us != 0).then(|| Datum::from(us - POSTGRES_EPOCH));
        let pid = slot.recorder.pid.load(Relaxed);
        rows.push(&[
            (pid > 0).then(|| Datum::from(pid)),
            number(fill.size),
            number(fill.used),
            number(fill.reserved),
            time(fill.oldest),
            count(&queue.pushed),
            count(&queue.recorded),
            time(queue.last_recorded.load(Relaxed)),
            count(&queue.dropped),
            count(&queue.refused),
            count(&queue.waits),
            count(&queue.unrecordable),
            count(&queue.last_error.count),
            time(queue.last_error.at.load(Relaxed)),
            queue.last_error.text().map(|e| text(e.as_bytes())),
        ]);
    }
    call.null()
}
