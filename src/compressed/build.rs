//! Hands all rows to an index that is being built.

use super::scan::{self, Scan};
use crate::error::Fault;
use pg_sys::HTSV_Result as V;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use std::ffi::c_void;
use std::ptr::null_mut;

#[pgrx::pg_guard]
#[expect(clippy::too_many_arguments, reason = "PostgreSQL's signature")]
pub(super) unsafe extern "C-unwind" fn range(
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    info: *mut pg_sys::IndexInfo,
    allow_sync: bool,
    _any_visible: bool,
    _progress: bool,
    start: pg_sys::BlockNumber,
    blocks: pg_sys::BlockNumber,
    callback: pg_sys::IndexBuildCallback,
    state: *mut c_void,
    given: pg_sys::TableScanDesc,
) -> f64 {
    // SAFETY: as PostgreSQL calls it; what is made here is given back here.
    unsafe {
        if (*info).ii_Concurrent {
            concurrently();
        }
        let Some(callback) = callback else { return 0.0 };
        let estate = pg_sys::CreateExecutorState();
        let context = pg_sys::MakePerTupleExprContext(estate);
        let slot = pg_sys::MakeSingleTupleTableSlot((*table).rd_att, &raw const pg_sys::TTSOpsHeapTuple);
        (*context).ecxt_scantuple = slot;
        let predicate = pg_sys::ExecPrepareQual((*info).ii_Predicate, estate);
        let oldest = pg_sys::GetOldestNonRemovableTransactionId(table);
        let any = &raw mut pg_sys::SnapshotAnyData;
        let scan = if given.is_null() {
            use pg_sys::ScanOptions as O;
            let sync = if allow_sync { O::SO_ALLOW_SYNC } else { 0 };
            let scan = scan::begin(
                table,
                any,
                0,
                null_mut(),
                null_mut(),
                O::SO_TYPE_SEQSCAN | O::SO_ALLOW_STRAT | sync,
            );
            if !allow_sync {
                pg_sys::heap_setscanlimits((*scan.cast::<Scan>()).inner, start, blocks);
            }
            scan
        } else {
            given
        };
        let groups = &mut *scan.cast::<Scan>();
        let is_any = std::ptr::eq(groups.snapshot(), any);
        let mut rows = 0.0;
        let mut values = [pg_sys::Datum::null(); pg_sys::INDEX_MAX_KEYS as usize];
        let mut nulls = [false; pg_sys::INDEX_MAX_KEYS as usize];
        while groups.next_group(pg_sys::ScanDirection::ForwardScanDirection) {
            pgrx::check_for_interrupts!();
            let alive = match is_any.then(|| visibility(groups.inner, oldest)) {
                Some(V::HEAPTUPLE_DEAD) => continue,
                Some(V::HEAPTUPLE_RECENTLY_DEAD | V::HEAPTUPLE_DELETE_IN_PROGRESS) => false,
                _ => true,
            };
            for row in 0..groups.group.rows() {
                let Some(tuple) = groups.group.tuple(row) else { continue };
                pg_sys::MemoryContextReset((*context).ecxt_per_tuple_memory);
                pg_sys::ExecStoreHeapTuple(tuple, slot, false);
                rows += f64::from(u8::from(alive));
                if !predicate.is_null() && !pg_sys::ExecQual(predicate, context) {
                    continue;
                }
                pg_sys::FormIndexDatum(info, slot, estate, values.as_mut_ptr(), nulls.as_mut_ptr());
                let tid = &raw mut (*tuple).t_self;
                let (values, nulls) = (values.as_mut_ptr(), nulls.as_mut_ptr());
                pg_sys::ffi::pg_guard_ffi_boundary(|| callback(index, tid, values, nulls, alive, state));
            }
        }
        scan::end(scan);
        pg_sys::ExecDropSingleTupleTableSlot(slot);
        pg_sys::FreeExecutorState(estate);
        // They may have pointed into what has gone.
        (*info).ii_ExpressionsState = null_mut();
        (*info).ii_PredicateState = null_mut();
        rows
    }
}

/// What is known of the tuple at which a scan of the table underneath stands.
unsafe fn visibility(scan: pg_sys::TableScanDesc, oldest: pg_sys::TransactionId) -> V::Type {
    let heap: pg_sys::HeapScanDesc = scan.cast();
    // SAFETY: the tuple's buffer is pinned by the scan; it is locked for the look.
    unsafe {
        pg_sys::LockBuffer((*heap).rs_cbuf, pg_sys::BUFFER_LOCK_SHARE as i32);
        let found = pg_sys::HeapTupleSatisfiesVacuum(&raw mut (*heap).rs_ctup, oldest, (*heap).rs_cbuf);
        pg_sys::LockBuffer((*heap).rs_cbuf, pg_sys::BUFFER_LOCK_UNLOCK as i32);
        found
    }
}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn validate(
    _table: pg_sys::Relation,
    _index: pg_sys::Relation,
    _info: *mut pg_sys::IndexInfo,
    _snapshot: pg_sys::Snapshot,
    _state: *mut pg_sys::ValidateIndexState,
) {
    concurrently()
}

fn concurrently() -> ! {
    Fault::new(
        Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        "an index of a compressed table cannot be built concurrently",
    )
    .hint("Build it without CONCURRENTLY.")
    .raise()
}
