//! Finds rows by the addresses that indexes have.

use super::group::Group;
use super::read;
use super::tid::Place;
use pgrx::pg_sys;

/// What an index scan keeps; PostgreSQL knows its first field. Neighbours in an index are mostly in one group.
#[repr(C)]
struct Fetch {
    base: pg_sys::IndexFetchTableData,
    group: Group,
}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn begin(relation: pg_sys::Relation) -> *mut pg_sys::IndexFetchTableData {
    // SAFETY: memory of the index scan.
    unsafe {
        let fetch: *mut Fetch = pg_sys::palloc0(size_of::<Fetch>()).cast();
        fetch.write(Fetch {
            base: pg_sys::IndexFetchTableData { rel: relation },
            group: Group::new(),
        });
        fetch.cast()
    }
}

/// The group stays: it is memory of ours, no buffer.
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn reset(_fetch: *mut pg_sys::IndexFetchTableData) {}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn end(fetch: *mut pg_sys::IndexFetchTableData) {
    // SAFETY: ours, used no more.
    unsafe {
        (*fetch.cast::<Fetch>()).group.free();
        pg_sys::pfree(fetch.cast());
    }
}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn tuple(
    fetch: *mut pg_sys::IndexFetchTableData,
    tid: pg_sys::ItemPointer,
    snapshot: pg_sys::Snapshot,
    slot: *mut pg_sys::TupleTableSlot,
    call_again: *mut bool,
    all_dead: *mut bool,
) -> bool {
    // SAFETY: ours; a slot of our kind. The row stays until the next one is asked for.
    unsafe {
        let fetch = &mut *fetch.cast::<Fetch>();
        *call_again = false;
        if !all_dead.is_null() {
            *all_dead = false;
        }
        let (place, row) = Place::of_row(&*tid);
        if !read::load(fetch.base.rel, place, snapshot, &mut fetch.group) {
            return false;
        }
        let Some(tuple) = fetch.group.tuple(row) else {
            return false;
        };
        pg_sys::ExecStoreHeapTuple(tuple, slot, false);
        true
    }
}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn row_version(
    relation: pg_sys::Relation,
    tid: pg_sys::ItemPointer,
    snapshot: pg_sys::Snapshot,
    slot: *mut pg_sys::TupleTableSlot,
) -> bool {
    // SAFETY: as PostgreSQL calls it.
    unsafe { read::row_version(relation, &*tid, snapshot, slot) }
}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn satisfies(
    relation: pg_sys::Relation,
    slot: *mut pg_sys::TupleTableSlot,
    snapshot: pg_sys::Snapshot,
) -> bool {
    // SAFETY: as PostgreSQL calls it, with a row that this access method has given.
    unsafe {
        let (place, row) = Place::of_row(&(*slot).tts_tid);
        let mut group = Group::new();
        let seen = read::load(relation, place, snapshot, &mut group) && group.tuple(row).is_some();
        group.free();
        seen
    }
}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn tid_valid(scan: pg_sys::TableScanDesc, tid: pg_sys::ItemPointer) -> bool {
    // SAFETY: as PostgreSQL calls it.
    unsafe {
        let blocks = pg_sys::RelationGetNumberOfBlocksInFork((*scan).rs_rd, pg_sys::ForkNumber::MAIN_FORKNUM);
        let (place, _) = Place::of_row(&*tid);
        (*tid).ip_posid > 0 && place.block < blocks
    }
}

/// An address stays what it is: a changed row has another, which nobody may ask for.
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn latest_tid(_scan: pg_sys::TableScanDesc, _tid: pg_sys::ItemPointer) {}

/// Entries of indexes are never known to be dead: they go with the table.
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn index_delete(
    _relation: pg_sys::Relation,
    state: *mut pg_sys::TM_IndexDeleteOp,
) -> pg_sys::TransactionId {
    // SAFETY: as PostgreSQL calls it.
    unsafe { (*state).ndeltids = 0 };
    pg_sys::InvalidTransactionId
}
