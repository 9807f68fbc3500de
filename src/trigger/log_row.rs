//! BEFORE INSERT on every partition of the log: the chain is enforced here, by a trigger. A row must
//! have the next index, link to the head, and its hashes must fit its content.

use super::tuples::{When, new_row, unchanged};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::columns::{ENTRY_HASH, HASH, LOG, LOG_INDEX, PREV_HASH, RowBuf};
use crate::store::row::{self, Hasher};
use crate::store::{head, log};
use auditlog_core::chain::{Hash, link_hash};
use pgrx::pg_sys::Datum;
use std::cell::{Cell, RefCell};

thread_local! {
    static HASHER: RefCell<Hasher> = RefCell::new(Hasher::default());
    // The transaction for which loading a dump was found to be allowed.
    static RESTORING: Cell<u64> = const { Cell::new(0) };
}

crate::sql_function!(auditlog_log_row, pg_finfo_auditlog_log_row, before_insert);

fn before_insert(call: &Call) -> Datum {
    let row = new_row::<LOG>(call, When::Before);
    // SAFETY: the row has the log's columns and types.
    let content_fits = HASHER
        .with_borrow_mut(|h| unsafe { h.matches(&row.values, &row.nulls) })
        .unwrap_or(false);
    let sealed = log::with_sealing(|sealing| {
        let sealing = sealing?;
        let (index, prev, linked) = links(&row)?;
        if index != sealing.next || prev != sealing.prev || !linked {
            return Some(false);
        }
        if !content_fits {
            sealing.tampered.push(index);
        }
        sealing.next = index + 1;
        sealing.prev = hash(&row, HASH)?;
        Some(true)
    });
    match sealed {
        Some(true) => unchanged(call),
        Some(false) => Fault::broken("the sealer was about to break the chain").raise(),
        None => {
            require_restore(call);
            match links(&row) {
                Some((_, _, true)) if content_fits => unchanged(call),
                _ => Fault::refused("a restored event does not fit its own hashes")
                    .detail(format!("log_index {}.", row.values[LOG_INDEX].value() as i64))
                    .hint("The dump was changed, or it is of a newer format than this version reads.")
                    .raise(),
            }
        }
    }
}

fn hash(row: &RowBuf<LOG>, at: usize) -> Option<Hash> {
    let value = (!row.nulls[at]).then_some(row.values[at]);
    // SAFETY: a bytea column.
    value.and_then(|v| unsafe { row::hash(v) })
}

/// Index, prev_hash, and whether `hash` fits them and the entry.
fn links(row: &RowBuf<LOG>) -> Option<(i64, Hash, bool)> {
    let index = (!row.nulls[LOG_INDEX]).then(|| row.values[LOG_INDEX].value() as i64)?;
    let prev = hash(row, PREV_HASH)?;
    let fits = link_hash(&prev, &hash(row, ENTRY_HASH)?, index as u64) == hash(row, HASH)?;
    Some((index, prev, fits))
}

/// Rows come from elsewhere only while a superuser loads a dump into a log that is still empty.
pub fn require_restore(call: &Call) {
    if !restoring() {
        Fault::refused("direct INSERT into the audit log is refused")
            .detail(format!(
                "Table {} is written by the sealer only.",
                super::tuples::relation_name(call)
            ))
            .hint("Record events with auditlog.record() or INSERT INTO auditlog.events.")
            .raise();
    }
}

/// Is this a superuser in a database whose log has not sealed anything yet?
pub fn restoring() -> bool {
    // SAFETY: look-ups inside a transaction.
    unsafe {
        // The outer user: our own bookkeeping runs as auditlog_owner for a moment.
        if !pgrx::pg_sys::superuser_arg(pgrx::pg_sys::GetOuterUserId()) {
            return false;
        }
        let transaction = pgrx::pg_sys::GetTopFullTransactionId().value;
        if RESTORING.get() == transaction {
            return true;
        }
        let empty = head::visible().is_none_or(|h| h.size == 0);
        if empty {
            RESTORING.set(transaction);
        }
        empty
    }
}
