//! The live tail's waiting: until something was sealed behind a position. Reading it is SQL with the caller's rights
//! (`sql/schema/39_live.sql`).

use crate::error::Fault;
use crate::fmgr::Call;
use crate::shmem;
use crate::store::catalog::as_owner;
use crate::store::inbox::shared_slot;
use crate::store::spi::{self, Arg};
use crate::store::subtransaction;
use crate::store::{POSTGRES_EPOCH, head};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::sync::atomic::Ordering;

crate::sql_function!(auditlog_tail_wait, pg_finfo_auditlog_tail_wait, wait);
crate::sql_function!(auditlog_tail_position, pg_finfo_auditlog_tail_position, position);

/// Longest sleep on the primary, whose sealer tells of each batch. A sealer that is being started again tells nobody of
/// the batch before its end.
const STEP: i64 = 1_000;
/// Longest sleep on a standby, where nobody tells.
const STANDBY_STEP: i64 = 100;
/// Of more new events than these some are taken to be no entries of tails: as many as thousands of tails leave in a while.
const ENTRIES_OF_TAILS: i64 = 20_000;

/// `tail_position()`: log_index of the last sealed event; NULL when there is none.
fn position(call: &Call) -> Datum {
    match size() {
        0 => call.null(),
        size => (size - 1).into(),
    }
}

/// Events of the log that the caller's next statement can see.
fn size() -> i64 {
    let newest = if is_fixed() { None } else { head::committed() };
    newest.or_else(head::of_the_rows).map_or(0, |head| head.size)
}

/// Does this transaction see the same all the time?
fn is_fixed() -> bool {
    // SAFETY: a global of this process; `IsolationUsesXactSnapshot`.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// `tail_wait(after, until)`: log_index of the last sealed event as soon as there is something behind `after` that is
/// not only the journal's entries of other tails; NULL when there is nothing at the time `until`. Whoever waits isn't woken for tokens with
/// which others begin a tail, either: they come with what is news, or to who asks without waiting.
fn wait(call: &Call) -> Datum {
    let (Some(after), Some(until)) = (call.int(0), call.int(1)) else {
        return call.null();
    };
    let until = until.saturating_add(POSTGRES_EPOCH);
    let slot = shared_slot();
    // SAFETY: reads this server's state.
    let is_standby = unsafe { pg_sys::RecoveryInProgress() };
    if is_fixed() && until > shmem::unix_micros() {
        Fault::new(
            Code::ERRCODE_ACTIVE_SQL_TRANSACTION,
            "a tail cannot wait in a transaction that always sees the same",
        )
        .detail("In REPEATABLE READ and SERIALIZABLE transactions nothing new is visible.")
        .hint("Call auditlog.tail() in READ COMMITTED, or without \"wait\".")
        .raise();
    }
    let waits = until > shmem::unix_micros();
    let mut seen = after;
    // The head is committed before the sealer tells of it: who has asked for the position in between must find what is there.
    let mut is_first = true;
    let found = loop {
        // SAFETY: prepared before the look, so that a batch in between is not missed.
        unsafe { pg_sys::ConditionVariablePrepareToSleep(slot.sealed_more.get()) };
        let told = slot.log_size.load(Ordering::Acquire);
        if std::mem::take(&mut is_first) || is_standby || told == 0 || told > seen.saturating_add(1) {
            let last = size() - 1;
            if last > seen && has_news(seen, last, waits) {
                break Some(last);
            }
            seen = seen.max(last);
        }
        let left = (until - shmem::unix_micros()) / 1_000;
        if left <= 0 {
            break None;
        }
        let step = left.min(if is_standby { STANDBY_STEP } else { STEP });
        // SAFETY: serves interrupts; an error there ends the transaction, which ends the waiting.
        unsafe {
            pg_sys::ConditionVariableTimedSleep(slot.sealed_more.get(), step as _, pg_sys::PG_WAIT_EXTENSION);
        }
    };
    // SAFETY: ends what was begun above.
    unsafe {
        pg_sys::ConditionVariableCancelSleep();
    }
    found.map_or_else(|| call.null(), Datum::from)
}

/// Is there anything but entries of tails, and, where `waits`, but tokens? These are told of in the log like all reads; if a tail showed
/// them, two tails would go on showing each other for ever (`head::is_news`).
fn has_news(after: i64, last: i64, waits: bool) -> bool {
    if last.saturating_sub(after) > ENTRIES_OF_TAILS {
        return true;
    }
    // Without its lock the look is in nobody's way (store/partitions.rs).
    let rows = subtransaction::without_keeping_locks(|| {
        as_owner(|| {
            spi::read_latest(
                "SELECT 1 FROM auditlog_data.log WHERE log_index > $1 AND log_index <= $2 \
                 AND NOT (event_type = 'auditlog.search' AND COALESCE(operation, '') = 'tail') \
                 AND NOT ($3 = 1 AND event_type = 'auditlog.view' AND COALESCE(operation, '') = 'authenticate') LIMIT 1",
                &[Arg::int(after), Arg::int(last), Arg::int(waits.into())],
            )
        })
    });
    !rows.is_empty()
}
