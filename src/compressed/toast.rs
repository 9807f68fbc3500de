//! PostgreSQL's functions that move long values out of a row, which pgrx does not bind (`access/heaptoast.h`).

use pgrx::pg_sys;

unsafe extern "C-unwind" {
    fn heap_toast_insert_or_update(
        relation: pg_sys::Relation,
        new: pg_sys::HeapTuple,
        old: pg_sys::HeapTuple,
        options: i32,
    ) -> pg_sys::HeapTuple;
    fn heap_toast_delete(relation: pg_sys::Relation, old: pg_sys::HeapTuple, is_speculative: bool);
}

/// The row with its long values moved out; those of `old`, the row before, that it does not have any more go.
///
/// # Safety
/// Live tuples of the relation, or no old one.
pub unsafe fn move_out(
    relation: pg_sys::Relation,
    new: pg_sys::HeapTuple,
    old: pg_sys::HeapTuple,
    options: i32,
) -> pg_sys::HeapTuple {
    // SAFETY: as the caller promises.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| heap_toast_insert_or_update(relation, new, old, options)) }
}

/// The values of a row that were moved out go.
///
/// # Safety
/// A live tuple of the relation.
pub unsafe fn remove(relation: pg_sys::Relation, old: pg_sys::HeapTuple) {
    // SAFETY: as the caller promises.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| heap_toast_delete(relation, old, false)) }
}
