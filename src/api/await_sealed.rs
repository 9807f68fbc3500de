//! `auditlog.await_sealed`: waits until an event has its place in the log.

use crate::error::Fault;
use crate::fmgr::Call;
use crate::shmem::Slot;
use crate::store::catalog::as_owner;
use crate::store::inbox::shared_slot;
use crate::store::spi::{self, Arg};
use crate::store::subtransaction;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::sync::atomic::Ordering;

crate::sql_function!(auditlog_await_sealed, pg_finfo_auditlog_await_sealed, await_sealed);

/// Milliseconds between two looks.
const STEP: i64 = 10;

fn await_sealed(call: &Call) -> Datum {
    let (Some(event_id), Some(timeout)) = (call.text(0), call.arg(1)) else {
        Fault::new(
            Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "event_id and timeout must not be null",
        )
        .detail("An event is awaited by the event_id that auditlog.record() returned.")
        .hint("Give both, or leave the timeout out.")
        .raise()
    };
    // SAFETY: declared as interval.
    let timeout = unsafe {
        let interval: *const pg_sys::Interval = timeout.cast_mut_ptr();
        let days = i64::from((*interval).day) + 30 * i64::from((*interval).month);
        days.saturating_mul(86_400_000_000).saturating_add((*interval).time)
    };
    let deadline = crate::shmem::unix_micros().saturating_add(timeout.max(0));
    let slot = shared_slot();
    let _waiter = Waiter::new(slot);
    loop {
        if let Some(index) = sealed_as(&event_id) {
            return index.into();
        }
        if crate::shmem::unix_micros() >= deadline {
            too_late(&event_id, timeout);
        }
        slot.urgent.store(true, Ordering::Release);
        slot.wake();
        // SAFETY: waits on this process' latch, with interrupts served in between.
        unsafe {
            let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
            pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, STEP as _, pg_sys::PG_WAIT_EXTENSION);
            pg_sys::ResetLatch(pg_sys::MyLatch);
        }
        pgrx::check_for_interrupts!();
    }
}

/// Tells the sealer that this transaction only waits. A new partition becomes ready when every
/// transaction that read the log before it has ended (store/partitions.rs); a statement of its own,
/// outside of any function, reads on with its old snapshot and needs no such care.
struct Waiter(Option<(&'static Slot, usize)>);

impl Waiter {
    fn new(slot: &'static Slot) -> Waiter {
        // SAFETY: globals of this process; functions that run SQL put an entry on the error stack.
        let alone = unsafe { !pg_sys::IsTransactionBlock() && pg_sys::error_context_stack.is_null() };
        let place = if alone {
            slot.add_waiter(crate::compat::virtual_transaction())
        } else {
            None
        };
        Waiter(place.map(|p| (slot, p)))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some((slot, place)) = self.0 {
            slot.remove_waiter(place);
        }
    }
}

fn sealed_as(event_id: &str) -> Option<i64> {
    // The look must not keep its lock on the log: a new partition becomes ready only when nobody
    // who read the log before is left (store/partitions.rs), and that would be us.
    let rows = subtransaction::without_keeping_locks(|| {
        as_owner(|| {
            spi::read_latest(
                "SELECT min(log_index) FROM auditlog_data.log WHERE event_id = $1",
                &[Arg::text(Some(event_id))],
            )
        })
    });
    rows.first()?.first()?.int()
}

fn too_late(event_id: &str, timeout: i64) -> ! {
    // An event of this very transaction can't be sealed before it commits.
    let own = as_owner(|| {
        spi::read(
            "SELECT 1 FROM auditlog.events WHERE event_id = $1 AND log_index IS NULL LIMIT 1",
            &[Arg::text(Some(event_id))],
        )
    });
    let hint = if own.is_empty() {
        "No such event has been committed; an event of the same statement cannot be sealed before it ends."
    } else {
        "The event is sealed after its transaction commits; call auditlog.await_sealed() in a later transaction that has not read the log, and look at auditlog.health() when it takes long."
    };
    Fault::new(Code::ERRCODE_QUERY_CANCELED, "event was not sealed in time")
        .detail(format!(
            "Event {event_id} has no log_index after {} ms.",
            timeout / 1000
        ))
        .hint(hint)
        .raise()
}
