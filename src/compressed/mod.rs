//! `auditlog_compressed`: the table access method of the warm tier. Rows are compressed in groups, and each group is one
//! tuple of an ordinary heap table, which fills a page.
//!
//! So whatever makes a table durable is PostgreSQL's own heap: the WAL, MVCC, locks, VACUUM, freezing, standbys, backups. This
//! module only packs rows into tuples and finds them there ([decision 43](../../docs/decisions/0043-warm-rows-in-compressed-groups.md)):
//!
//! - A tuple of the heap has no columns but the bytes of a group (`crates/rowgroup`) where they would be.
//! - A row's address is its page, and in the offset which tuple of that page and which row of it (`tid.rs`). A place once taken
//!   is never taken again, because VACUUM leaves the line pointers of what it removes.
//! - A row is changed by writing its group anew (`change.rs`).

use crate::fmgr::Call;
use pgrx::pg_sys;
use std::ffi::CStr;
use std::sync::OnceLock;

mod build;
mod change;
mod fetch;
mod forward;
mod group;
mod insert;
mod read;
mod scan;
mod tid;
mod toast;
mod upkeep;

/// PostgreSQL keeps a pointer to it as long as the process lives.
struct Routine(pg_sys::TableAmRoutine);

// SAFETY: read only once it is made; it has pointers to functions, and none to data.
unsafe impl Send for Routine {}
// SAFETY: as above.
unsafe impl Sync for Routine {}

static ROUTINE: OnceLock<Routine> = OnceLock::new();

crate::sql_function!(
    auditlog_compressed_handler,
    pg_finfo_auditlog_compressed_handler,
    handler
);

fn handler(_call: &Call) -> pg_sys::Datum {
    pg_sys::Datum::from(std::ptr::from_ref(&ROUTINE.get_or_init(|| Routine(routine())).0))
}

/// The heap's routines, and ours where rows are concerned.
fn routine() -> pg_sys::TableAmRoutine {
    // SAFETY: a constant of PostgreSQL.
    let heap = unsafe { *pg_sys::GetHeapamTableAmRoutine() };
    pg_sys::TableAmRoutine {
        slot_callbacks: Some(slot_callbacks),
        scan_begin: Some(scan::begin),
        scan_end: Some(scan::end),
        scan_rescan: Some(scan::rescan),
        scan_getnextslot: Some(scan::next),
        scan_set_tidrange: None,
        scan_getnextslot_tidrange: None,
        index_fetch_begin: Some(fetch::begin),
        index_fetch_reset: Some(fetch::reset),
        index_fetch_end: Some(fetch::end),
        index_fetch_tuple: Some(fetch::tuple),
        tuple_fetch_row_version: Some(fetch::row_version),
        tuple_tid_valid: Some(fetch::tid_valid),
        tuple_get_latest_tid: Some(fetch::latest_tid),
        tuple_satisfies_snapshot: Some(fetch::satisfies),
        index_delete_tuples: Some(fetch::index_delete),
        tuple_insert: Some(insert::one),
        tuple_insert_speculative: Some(insert::speculative),
        tuple_complete_speculative: Some(insert::speculative_end),
        multi_insert: Some(insert::many),
        tuple_delete: Some(change::delete),
        tuple_update: Some(change::update),
        tuple_lock: Some(change::lock),
        #[cfg(feature = "pg15")]
        relation_set_new_filenode: Some(upkeep::new_storage),
        #[cfg(not(feature = "pg15"))]
        relation_set_new_filelocator: Some(upkeep::new_storage),
        relation_copy_for_cluster: Some(upkeep::copy_for_cluster),
        relation_vacuum: Some(upkeep::vacuum),
        scan_analyze_next_block: Some(scan::analyze_block),
        scan_analyze_next_tuple: Some(scan::analyze_tuple),
        index_build_range_scan: Some(build::range),
        index_validate_scan: Some(build::validate),
        relation_toast_am: Some(upkeep::toast_method),
        #[cfg(not(feature = "pg18"))]
        scan_bitmap_next_block: Some(scan::bitmap_block),
        scan_bitmap_next_tuple: Some(scan::bitmap_tuple),
        scan_sample_next_block: Some(scan::sample_block),
        scan_sample_next_tuple: Some(scan::sample_tuple),
        ..heap
    }
}

/// Rows are tuples in memory of ours.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn slot_callbacks(_relation: pg_sys::Relation) -> *const pg_sys::TupleTableSlotOps {
    &raw const pg_sys::TTSOpsHeapTuple
}

/// The name of a relation, for messages.
///
/// # Safety
/// An open relation.
unsafe fn name(relation: pg_sys::Relation) -> String {
    // SAFETY: a NUL-terminated name.
    unsafe { CStr::from_ptr((*(*relation).rd_rel).relname.data.as_ptr()) }
        .to_string_lossy()
        .into_owned()
}
