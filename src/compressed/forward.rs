//! Groups that this transaction has written anew, and where their rows are now: a command that changes several rows of a
//! group has only their addresses from before.

use super::tid::Place;
use pgrx::pg_sys;
use std::cell::RefCell;
use std::collections::HashMap;

/// What has become of a group.
struct Forward {
    /// The transaction, or the part of it since a savepoint, that wrote it. Taken back, this is void.
    by: pg_sys::TransactionId,
    /// The row because of which it was written.
    changed: usize,
    /// Where each row is now.
    rows: Vec<Place>,
}

/// One step to where a row is.
pub struct Step {
    /// The group that it is in now.
    pub place: Place,
    /// Was it this row that was changed?
    pub changed: bool,
}

thread_local! {
    static FORWARDS: RefCell<HashMap<(pg_sys::Oid, Place), Forward>> = RefCell::new(HashMap::new());
}

/// A group's rows are in `places` now; the one at `changed` is another. Within a transaction that has written.
pub fn keep(table: pg_sys::Oid, from: Place, changed: usize, places: &[pg_sys::ItemPointerData]) {
    let forward = Forward {
        // SAFETY: within a transaction; it has its id, because it wrote.
        by: unsafe { pg_sys::GetCurrentTransactionId() },
        changed,
        rows: places.iter().map(|place| Place::of_row(place).0).collect(),
    };
    FORWARDS.with_borrow_mut(|all| {
        all.retain(|_, one| is_current(one.by));
        all.insert((table, from), forward);
    });
}

/// Where a row of a group has gone, if anywhere.
pub fn step(table: pg_sys::Oid, place: Place, row: usize) -> Option<Step> {
    FORWARDS.with_borrow(|all| {
        let forward = all.get(&(table, place)).filter(|one| is_current(one.by))?;
        Some(Step {
            place: *forward.rows.get(row)?,
            changed: forward.changed == row,
        })
    })
}

fn is_current(transaction: pg_sys::TransactionId) -> bool {
    // SAFETY: looks at the state of this process.
    unsafe { pg_sys::TransactionIdIsCurrentTransactionId(transaction) }
}
