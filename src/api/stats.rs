//! The counters in shared memory, for the views `auditlog.stat_*` and `auditlog.health()`.

use crate::fmgr::{Call, Rows};
use crate::shmem::my_slot;
use crate::store::POSTGRES_EPOCH;
use crate::store::columns::text;
use pgrx::pg_sys::Datum;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

crate::sql_function!(auditlog_stats, pg_finfo_auditlog_stats, stats);
crate::sql_function!(
    auditlog_announce_database,
    pg_finfo_auditlog_announce_database,
    announce_database
);
crate::sql_function!(auditlog_is_worker, pg_finfo_auditlog_is_worker, is_worker);
crate::sql_function!(
    auditlog_event_types_changed,
    pg_finfo_auditlog_event_types_changed,
    event_types_changed
);

fn stats(call: &Call) -> Datum {
    let mut rows = Rows::new(call);
    if let Some(slot) = my_slot() {
        let count = |c: &AtomicU64| Some(Datum::from(c.load(Relaxed) as i64));
        let time = |t: &AtomicI64| {
            Some(t.load(Relaxed))
                .filter(|t| *t != 0)
                .map(|t| Datum::from(t - POSTGRES_EPOCH))
        };
        let pid = |p: i32| (p != 0).then(|| Datum::from(p));
        rows.push(&[
            pid(slot.sealer.pid.load(Relaxed)),
            Some(Datum::from(slot.active_inbox.load(Relaxed) as i32)),
            count(&slot.sealed),
            count(&slot.batches),
            count(&slot.last_batch),
            time(&slot.last_seal),
            time(&slot.last_round),
            Some(Datum::from(slot.last_lag.load(Relaxed))),
            count(&slot.tampered),
            count(&slot.truncations),
            count(&slot.errors.count),
            time(&slot.errors.at),
            slot.errors.text().map(|e| text(e.as_bytes())),
            count(&slot.repeats),
            count(&slot.differing_repeats),
            count(&slot.schema_warnings),
            pid(slot.verify_pid.load(Relaxed)),
            count(&slot.verify_done),
            count(&slot.verify_total),
            time(&slot.verify_started),
            pid(slot.publisher.pid.load(Relaxed)),
            Some(Datum::from(crate::worker::signing::in_data_directory())),
            count(&slot.seal_us),
            count(&slot.tree_us),
        ]);
    }
    call.null()
}

/// Tells the launcher that this database has the extension: at commit, so that the sealer finds it.
/// An error when the library was not preloaded, so that CREATE EXTENSION says so.
fn announce_database(call: &Call) -> Datum {
    crate::store::inbox::shared_slot();
    for i in 0..crate::shmem::INBOXES {
        crate::store::inbox::note(i, 0);
    }
    call.null()
}

fn is_worker(_call: &Call) -> Datum {
    // SAFETY: a global of this process: true while an extension's script runs.
    (crate::worker::is_sealer() || crate::worker::is_keeper() || unsafe { pgrx::pg_sys::creating_extension }).into()
}

/// Trigger of `auditlog.event_types`: checks the schema of a row, and makes every process read the
/// catalogue again.
fn event_types_changed(call: &Call) -> Datum {
    let trigger = call.trigger();
    // SAFETY: the trigger's relation and tuples live during the call.
    unsafe {
        pgrx::pg_sys::CacheInvalidateRelcacheByRelid((*trigger.tg_relation).rd_id);
        let new = match trigger.tg_event & 3 {
            1 => return trigger.tg_trigtuple.into(),
            2 => trigger.tg_newtuple,
            _ => trigger.tg_trigtuple,
        };
        let column = pgrx::pg_sys::SPI_fnumber((*trigger.tg_relation).rd_att, c"json_schema".as_ptr());
        let mut null = false;
        let datum = pgrx::pg_sys::heap_getattr(new, column, (*trigger.tg_relation).rd_att, &mut null);
        if !null && let Ok(schema) = crate::store::jsonb::tree(crate::store::row::bytes(datum)) {
            crate::store::event_types::check_schema(&schema);
        }
        new.into()
    }
}
