//! Reads groups by their place, as far as a snapshot sees them.

use super::group::Group;
use super::tid::Place;
use pgrx::pg_sys;

/// Loads the group at `place` when `snapshot` sees it. What is loaded already is not decompressed again: a group never
/// changes, and nothing else ever comes to its place.
///
/// # Safety
/// An open relation that is kept in compressed groups, and a snapshot.
pub unsafe fn load(relation: pg_sys::Relation, place: Place, snapshot: pg_sys::Snapshot, group: &mut Group) -> bool {
    // SAFETY: as the caller promises; the buffer is released here.
    unsafe {
        let mut tuple = pg_sys::HeapTupleData {
            t_self: place.tid(),
            ..Default::default()
        };
        let mut buffer = pg_sys::InvalidBuffer as pg_sys::Buffer;
        if !pg_sys::heap_fetch(relation, snapshot, &mut tuple, &mut buffer, false) {
            return false;
        }
        if group.place() != Some(place) {
            group.load(relation, &tuple);
        }
        pg_sys::ReleaseBuffer(buffer);
        true
    }
}

/// Puts a copy of a row into a slot, which owns it.
///
/// # Safety
/// A slot of our kind.
pub unsafe fn store_copy(tuple: pg_sys::HeapTuple, slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: as the caller promises; the copy is in the slot's memory.
    unsafe {
        let before = pg_sys::MemoryContextSwitchTo((*slot).tts_mcxt);
        let copy = pg_sys::heap_copytuple(tuple);
        pg_sys::MemoryContextSwitchTo(before);
        pg_sys::ExecStoreHeapTuple(copy, slot, true);
    }
}

/// The row with this address, into a slot.
///
/// # Safety
/// As for [`load`], and a slot of our kind.
pub unsafe fn row_version(
    relation: pg_sys::Relation,
    tid: &pg_sys::ItemPointerData,
    snapshot: pg_sys::Snapshot,
    slot: *mut pg_sys::TupleTableSlot,
) -> bool {
    let (place, row) = Place::of_row(tid);
    let mut group = Group::new();
    // SAFETY: as the caller promises.
    unsafe {
        let found = load(relation, place, snapshot, &mut group)
            .then(|| group.tuple(row))
            .flatten();
        if let Some(tuple) = found {
            store_copy(tuple, slot);
        }
        group.free();
        found.is_some()
    }
}
