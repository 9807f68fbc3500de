//! The access journal, as SQL sees it.

use crate::fmgr::{Call, Rows};
use crate::queue;
use crate::shmem::my_slot;
use crate::store::POSTGRES_EPOCH;
use crate::store::columns::text;
use pgrx::pg_sys::Datum;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

crate::sql_function!(auditlog_access_state, pg_finfo_auditlog_access_state, access_state);

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
