//! Changes rows. That is rare, an erasure: the group of the row is written anew, and the old one goes as any old version of
//! a row does. The other rows of the group get new addresses with it, and indexes new entries for them.

use super::forward;
use super::group::Group;
use super::tid::Place;
use super::{insert, read, toast};
use crate::error::Fault;
use pg_sys::TM_Result as R;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;

/// Where a row is now, and whether this command has changed it already.
struct Found {
    place: Place,
    row: usize,
    moved: bool,
    changed: bool,
}

/// Follows what this transaction has written anew.
fn find(relation: pg_sys::Relation, tid: &pg_sys::ItemPointerData) -> Found {
    let (mut place, row) = Place::of_row(tid);
    // SAFETY: an open relation.
    let table = unsafe { (*relation).rd_id };
    let (mut moved, mut changed) = (false, false);
    while let Some(step) = forward::step(table, place, row) {
        (place, moved) = (step.place, true);
        changed |= step.changed;
    }
    Found {
        place,
        row,
        moved,
        changed,
    }
}

#[pgrx::pg_guard]
#[expect(clippy::too_many_arguments, reason = "PostgreSQL's signature")]
pub(super) unsafe extern "C-unwind" fn delete(
    relation: pg_sys::Relation,
    tid: pg_sys::ItemPointer,
    command: pg_sys::CommandId,
    _snapshot: pg_sys::Snapshot,
    crosscheck: pg_sys::Snapshot,
    wait: bool,
    failure: *mut pg_sys::TM_FailureData,
    _changing_partition: bool,
) -> R::Type {
    // SAFETY: as PostgreSQL calls it.
    unsafe { change(relation, &*tid, None, command, crosscheck, wait, failure) }
}

#[cfg(feature = "pg15")]
type UpdateIndexes = bool;
#[cfg(not(feature = "pg15"))]
type UpdateIndexes = pg_sys::TU_UpdateIndexes::Type;
#[cfg(feature = "pg15")]
const ALL_INDEXES: UpdateIndexes = true;
#[cfg(not(feature = "pg15"))]
const ALL_INDEXES: UpdateIndexes = pg_sys::TU_UpdateIndexes::TU_All;

#[pgrx::pg_guard]
#[expect(clippy::too_many_arguments, reason = "PostgreSQL's signature")]
pub(super) unsafe extern "C-unwind" fn update(
    relation: pg_sys::Relation,
    tid: pg_sys::ItemPointer,
    slot: *mut pg_sys::TupleTableSlot,
    command: pg_sys::CommandId,
    _snapshot: pg_sys::Snapshot,
    crosscheck: pg_sys::Snapshot,
    wait: bool,
    failure: *mut pg_sys::TM_FailureData,
    mode: *mut pg_sys::LockTupleMode::Type,
    indexes: *mut UpdateIndexes,
) -> R::Type {
    // SAFETY: as PostgreSQL calls it.
    unsafe {
        *mode = pg_sys::LockTupleMode::LockTupleExclusive;
        *indexes = ALL_INDEXES;
        change(relation, &*tid, Some(slot), command, crosscheck, wait, failure)
    }
}

/// Writes a row's group anew: with another row in its place, or without it.
unsafe fn change(
    relation: pg_sys::Relation,
    tid: &pg_sys::ItemPointerData,
    new: Option<*mut pg_sys::TupleTableSlot>,
    command: pg_sys::CommandId,
    crosscheck: pg_sys::Snapshot,
    wait: bool,
    failure: *mut pg_sys::TM_FailureData,
) -> R::Type {
    let mut command = command;
    // SAFETY: as the caller promises.
    unsafe {
        let found = find(relation, tid);
        if found.changed {
            *failure = pg_sys::TM_FailureData {
                cmax: command,
                ..Default::default()
            };
            return R::TM_SelfModified;
        }
        if found.moved {
            // This very command may have written it: only a later one may delete it.
            pg_sys::CommandCounterIncrement();
            command = pg_sys::GetCurrentCommandId(true);
        }
        let mut tuple = found.place.tid();
        let result = pg_sys::heap_delete(relation, &mut tuple, command, crosscheck, wait, failure, false);
        match result {
            R::TM_Ok => {}
            R::TM_Updated | R::TM_Deleted => moved_by_others(relation),
            other => return other,
        }
        let mut group = Group::new();
        if !read::load(relation, found.place, &raw mut pg_sys::SnapshotAnyData, &mut group) {
            group.free();
            return R::TM_Invisible;
        }
        let Some(old) = group.tuple(found.row) else {
            group.free();
            return R::TM_Invisible;
        };
        let changed = match new {
            Some(slot) => {
                let mut owned = false;
                let tuple = pg_sys::ExecFetchSlotHeapTuple(slot, true, &mut owned);
                insert::plain(toast::move_out(relation, tuple, old, 0))
            }
            None => {
                if (*(*old).t_data).t_infomask & pg_sys::HEAP_HASEXTERNAL as u16 != 0 {
                    toast::remove(relation, old);
                }
                Vec::new()
            }
        };
        let mut rows = group.bytes();
        rows[found.row] = &changed;
        let places = write_split(relation, &rows, command);
        index_others(relation, &group, found.row, &places);
        if let Some(slot) = new {
            (*slot).tts_tid = places[found.row];
            (*slot).tts_tableOid = (*relation).rd_id;
        }
        forward::keep((*relation).rd_id, found.place, found.row, &places);
        group.free();
        R::TM_Ok
    }
}

/// Writes a group's rows. Where they have become too long for one page the numbers of the rows stay what they were: the
/// second group begins with places of rows that are not there.
unsafe fn write_split(
    relation: pg_sys::Relation,
    rows: &[&[u8]],
    command: pg_sys::CommandId,
) -> Vec<pg_sys::ItemPointerData> {
    let mut places: Vec<pg_sys::ItemPointerData> = Vec::with_capacity(rows.len());
    while places.len() < rows.len() {
        let mut rest: Vec<&[u8]> = vec![&[]; places.len()];
        rest.extend(&rows[places.len()..]);
        // SAFETY: as the caller promises.
        let written = unsafe { insert::write_first(relation, &rest, command) };
        let before = places.len();
        places.extend(written.into_iter().skip(before));
        if places.len() == before {
            insert::no_place(relation);
        }
    }
    places
}

/// Entries in the indexes for all rows of a group but one.
unsafe fn index_others(relation: pg_sys::Relation, group: &Group, but: usize, places: &[pg_sys::ItemPointerData]) {
    // SAFETY: executor functions as COPY uses them; all is closed again.
    unsafe {
        let estate = pg_sys::CreateExecutorState();
        let info: *mut pg_sys::ResultRelInfo = pg_sys::palloc0(size_of::<pg_sys::ResultRelInfo>()).cast();
        (*info).type_ = pg_sys::NodeTag::T_ResultRelInfo;
        pg_sys::InitResultRelInfo(info, relation, 1, std::ptr::null_mut(), 0);
        pg_sys::ExecOpenIndices(info, false);
        let slot = pg_sys::MakeSingleTupleTableSlot((*relation).rd_att, &raw const pg_sys::TTSOpsHeapTuple);
        for (row, place) in places.iter().enumerate().filter(|(row, _)| *row != but) {
            let Some(tuple) = group.tuple(row) else { continue };
            pg_sys::ExecStoreHeapTuple(tuple, slot, false);
            (*slot).tts_tid = *place;
            if (*info).ri_NumIndices > 0 {
                crate::compat::insert_index_tuples(info, slot, estate);
            }
        }
        pg_sys::ExecDropSingleTupleTableSlot(slot);
        pg_sys::ExecCloseIndices(info);
        pg_sys::FreeExecutorState(estate);
    }
}

#[pgrx::pg_guard]
#[expect(clippy::too_many_arguments, reason = "PostgreSQL's signature")]
pub(super) unsafe extern "C-unwind" fn lock(
    relation: pg_sys::Relation,
    tid: pg_sys::ItemPointer,
    _snapshot: pg_sys::Snapshot,
    slot: *mut pg_sys::TupleTableSlot,
    command: pg_sys::CommandId,
    mode: pg_sys::LockTupleMode::Type,
    policy: pg_sys::LockWaitPolicy::Type,
    _flags: u8,
    failure: *mut pg_sys::TM_FailureData,
) -> R::Type {
    // SAFETY: as PostgreSQL calls it; a slot of our kind.
    unsafe {
        let found = find(relation, &*tid);
        if found.moved {
            // Ours, by this transaction: nobody else can have it.
            if found.changed {
                *failure = pg_sys::TM_FailureData {
                    cmax: command,
                    ..Default::default()
                };
                return R::TM_SelfModified;
            }
            let now = found.place.row(found.row);
            let any = &raw mut pg_sys::SnapshotAnyData;
            return if read::row_version(relation, &now, any, slot) {
                R::TM_Ok
            } else {
                R::TM_Invisible
            };
        }
        let mut tuple = pg_sys::HeapTupleData {
            t_self: found.place.tid(),
            t_tableOid: (*relation).rd_id,
            ..Default::default()
        };
        let mut buffer = pg_sys::InvalidBuffer as pg_sys::Buffer;
        let result = pg_sys::heap_lock_tuple(relation, &mut tuple, command, mode, policy, false, &mut buffer, failure);
        if result == R::TM_Ok {
            let mut group = Group::new();
            group.load(relation, &tuple);
            let row = group.tuple(found.row);
            if let Some(row) = row {
                read::store_copy(row, slot);
            }
            group.free();
            pg_sys::ReleaseBuffer(buffer);
            (*failure).traversed = false;
            return if row.is_some() { R::TM_Ok } else { R::TM_Invisible };
        }
        pg_sys::ReleaseBuffer(buffer);
        if result == R::TM_Updated || result == R::TM_Deleted {
            moved_by_others(relation);
        }
        result
    }
}

fn moved_by_others(relation: pg_sys::Relation) -> ! {
    // SAFETY: an open relation.
    let name = unsafe { super::name(relation) };
    Fault::new(
        Code::ERRCODE_T_R_SERIALIZATION_FAILURE,
        format!("another transaction has just changed rows of {name} beside this one"),
    )
    .detail("Rows of the warm tier are compressed in groups, which are written anew as a whole.")
    .hint("Try again.")
    .raise()
}
