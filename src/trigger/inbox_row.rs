//! BEFORE INSERT on the inbox tables: validates and hashes, whoever inserts and however.

use super::log_row::restoring;
use super::tuples::{When, give_back, new_row, skip, unchanged};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::columns::{ENTRY_HASH, INBOX};
use crate::store::inbox;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_inbox_row, pg_finfo_auditlog_inbox_row, before_insert);

fn before_insert(call: &Call) -> Datum {
    let mut row = new_row::<INBOX>(call, When::Before);
    // A dump carries rows that were complete when it was made: they stay as they are, or don't get in.
    if !row.nulls[ENTRY_HASH] && restoring() {
        if inbox::is_consistent(&row) {
            crate::store::head::announce_restore();
            announce();
            return unchanged(call);
        }
        Fault::refused("a restored event does not fit its own hash")
            .hint("The dump was changed, or it is of a newer format than this version reads.")
            .raise();
    }
    if !crate::api::record::prepare_row(&mut row) {
        return skip();
    }
    announce();
    give_back(call, &row)
}

/// Which block the row will be in is unknown before the insert: the sealer looks through all.
fn announce() {
    for i in 0..crate::shmem::INBOXES {
        inbox::note(i, 0);
    }
}
