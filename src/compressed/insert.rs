//! Writes rows: they are compressed in groups, and each group is a tuple of the table underneath.

use super::group::HEADER;
use super::tid::{MAX_ITEMS, Place};
use super::toast;
use crate::error::Fault;
use auditlog_rowgroup as rowgroup;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use std::cell::Cell;

/// Bytes of a group that fill a page (`MaxHeapTupleSize`, less the tuple's header).
const LIMIT: usize = pg_sys::BLCKSZ as usize - 32 - HEADER;
/// A shorter group takes this much: so no page has room for a second one while the first is there.
const LEAST: usize = LIMIT / 2 + HEADER;
/// Rows longer than this have their long values moved out, as in every table.
const LONG_ROW: u32 = 4_000;

thread_local! {
    /// How many rows went into a group lately.
    static HINT: Cell<usize> = const { Cell::new(32) };
}

/// The bytes of a row as they are kept: as a tuple that everybody sees, so that rows with the same content are the same.
///
/// # Safety
/// A live tuple of the relation.
pub unsafe fn row_bytes(relation: pg_sys::Relation, tuple: pg_sys::HeapTuple, options: i32) -> Vec<u8> {
    // SAFETY: as the caller promises.
    unsafe {
        // What was moved out belongs to another table: it must come with the row.
        let is_elsewhere = (*(*tuple).t_data).t_infomask & pg_sys::HEAP_HASEXTERNAL as u16 != 0;
        let short = if is_elsewhere || (*tuple).t_len > LONG_ROW {
            toast::move_out(relation, tuple, std::ptr::null_mut(), options)
        } else {
            tuple
        };
        plain(short)
    }
}

/// A tuple's bytes, without whatever says who wrote it.
///
/// # Safety
/// A live tuple.
pub unsafe fn plain(tuple: pg_sys::HeapTuple) -> Vec<u8> {
    // SAFETY: as the caller promises; the copy has a header, as the tuple has.
    unsafe {
        let mut bytes = std::slice::from_raw_parts((*tuple).t_data.cast::<u8>(), (*tuple).t_len as usize).to_vec();
        let header: pg_sys::HeapTupleHeader = bytes.as_mut_ptr().cast();
        let mut clean = pg_sys::HeapTupleHeaderData::default();
        clean.t_choice.t_heap.t_xmin = pg_sys::FrozenTransactionId;
        let kept = (pg_sys::HEAP_HASNULL | pg_sys::HEAP_HASVARWIDTH | pg_sys::HEAP_HASEXTERNAL) as u16;
        let infomask = (*header).t_infomask & kept | (pg_sys::HEAP_XMIN_FROZEN | pg_sys::HEAP_XMAX_INVALID) as u16;
        std::ptr::addr_of_mut!((*header).t_choice).write_unaligned(clean.t_choice);
        std::ptr::addr_of_mut!((*header).t_ctid).write_unaligned(pg_sys::ItemPointerData::default());
        std::ptr::addr_of_mut!((*header).t_infomask).write_unaligned(infomask);
        let columns = (*(*tuple).t_data).t_infomask2 & pg_sys::HEAP_NATTS_MASK as u16;
        std::ptr::addr_of_mut!((*header).t_infomask2).write_unaligned(columns);
        bytes
    }
}

/// Writes rows, as few groups as they fit into; returns for each of them where it is. A row without bytes is the place of
/// one that is not there; it takes part in the numbers of the others.
///
/// # Safety
/// An open relation that is kept in compressed groups, locked for writing.
pub unsafe fn write(
    relation: pg_sys::Relation,
    rows: &[&[u8]],
    command: pg_sys::CommandId,
    options: i32,
    bulk: pg_sys::BulkInsertState,
) -> Vec<pg_sys::ItemPointerData> {
    let mut groups = Vec::new();
    let mut done = 0;
    while done < rows.len() {
        let packed = pack(relation, &rows[done..]);
        done += packed.rows;
        groups.push(packed);
    }
    // SAFETY: as the caller promises.
    unsafe { put(relation, &groups, command, options, bulk) }
}

/// Writes one group with the first of `rows`, as many as fit; returns where they are.
///
/// # Safety
/// As for `write`.
pub unsafe fn write_first(
    relation: pg_sys::Relation,
    rows: &[&[u8]],
    command: pg_sys::CommandId,
) -> Vec<pg_sys::ItemPointerData> {
    let group = pack(relation, rows);
    // SAFETY: as the caller promises.
    unsafe { put(relation, &[group], command, 0, std::ptr::null_mut()) }
}

fn pack(relation: pg_sys::Relation, rows: &[&[u8]]) -> rowgroup::Packed {
    let mut hint = HINT.get();
    let packed = rowgroup::pack(rows, LIMIT, &mut hint).unwrap_or_else(|error| too_large(relation, error));
    HINT.set(hint);
    packed
}

unsafe fn put(
    relation: pg_sys::Relation,
    groups: &[rowgroup::Packed],
    command: pg_sys::CommandId,
    options: i32,
    bulk: pg_sys::BulkInsertState,
) -> Vec<pg_sys::ItemPointerData> {
    let options = options | pg_sys::TABLE_INSERT_SKIP_FSM as i32;
    let mut places = Vec::new();
    // SAFETY: as the caller promises; slots and tuples are given back here.
    unsafe {
        let mut slots: Vec<_> = groups
            .iter()
            .map(|group| {
                let slot = pg_sys::MakeSingleTupleTableSlot((*relation).rd_att, &raw const pg_sys::TTSOpsHeapTuple);
                pg_sys::ExecStoreHeapTuple(tuple_of(&group.bytes), slot, true);
                slot
            })
            .collect();
        if pg_sys::wal_level >= pg_sys::WalLevel::WAL_LEVEL_LOGICAL as i32 {
            // Groups are no rows of this table's columns: decoders of the WAL shall not take them for some. Only the
            // insertion of a single tuple can say so.
            let options = options | pg_sys::TABLE_INSERT_NO_LOGICAL as i32;
            for slot in &slots {
                let mut owned = false;
                let tuple = pg_sys::ExecFetchSlotHeapTuple(*slot, true, &mut owned);
                pg_sys::heap_insert(relation, tuple, command, options, bulk);
                (**slot).tts_tid = (*tuple).t_self;
            }
        } else {
            pg_sys::heap_multi_insert(relation, slots.as_mut_ptr(), slots.len() as i32, command, options, bulk);
        }
        for (slot, group) in slots.into_iter().zip(groups) {
            let place = Place::of(&(*slot).tts_tid);
            if place.item > MAX_ITEMS {
                no_room(relation, place);
            }
            places.extend((0..group.rows).map(|row| place.row(row)));
            pg_sys::ExecDropSingleTupleTableSlot(slot);
        }
    }
    places
}

/// A tuple without columns around a group.
unsafe fn tuple_of(bytes: &[u8]) -> pg_sys::HeapTuple {
    let length = (HEADER + bytes.len()).max(LEAST);
    // SAFETY: memory for a tuple of that length, zeroed.
    unsafe {
        let at = pg_sys::palloc0(size_of::<pg_sys::HeapTupleData>() + length).cast::<u8>();
        let tuple: pg_sys::HeapTuple = at.cast();
        let data = at.add(size_of::<pg_sys::HeapTupleData>());
        (*tuple).t_len = length as u32;
        (*tuple).t_data = data.cast();
        (*(*tuple).t_data).t_hoff = HEADER as u8;
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), data.add(HEADER), bytes.len());
        tuple
    }
}

fn too_large(relation: pg_sys::Relation, error: rowgroup::TooLarge) -> rowgroup::Packed {
    // SAFETY: an open relation.
    let name = unsafe { super::name(relation) };
    Fault::new(
        Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        format!("a row of {name} does not fit into a page"),
    )
    .detail(format!("{error}."))
    .hint("Set auditlog.warm_compression to pglz or lz4: such tables keep rows as they are.")
    .raise()
}

/// A changed row that is too long for a page of its own.
pub fn no_place(relation: pg_sys::Relation) -> ! {
    // SAFETY: an open relation.
    let name = unsafe { super::name(relation) };
    Fault::new(
        Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        format!("a changed row of {name} does not fit into a page"),
    )
    .hint("Set auditlog.warm_compression to pglz or lz4, and have the partition written anew.")
    .raise()
}

/// A page that has had this many groups, all but the last of which are gone: only vacuums between as many aborted
/// transactions that each wrote the last page could make one.
fn no_room(relation: pg_sys::Relation, place: Place) -> ! {
    // SAFETY: an open relation.
    let name = unsafe { super::name(relation) };
    Fault::new(
        Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        format!("page {} of {name} has had too many groups", place.block),
    )
    .hint("Try again: VACUUM and a new row make another page the last one.")
    .raise()
}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn one(
    relation: pg_sys::Relation,
    slot: *mut pg_sys::TupleTableSlot,
    command: pg_sys::CommandId,
    options: i32,
    bulk: *mut pg_sys::BulkInsertStateData,
) {
    // SAFETY: as PostgreSQL calls it.
    unsafe { insert(relation, &[slot], command, options, bulk) }
}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn many(
    relation: pg_sys::Relation,
    slots: *mut *mut pg_sys::TupleTableSlot,
    n: i32,
    command: pg_sys::CommandId,
    options: i32,
    bulk: *mut pg_sys::BulkInsertStateData,
) {
    // SAFETY: as PostgreSQL calls it: n slots.
    unsafe {
        let slots = std::slice::from_raw_parts(slots, usize::try_from(n).unwrap_or(0));
        insert(relation, slots, command, options, bulk);
    }
}

unsafe fn insert(
    relation: pg_sys::Relation,
    slots: &[*mut pg_sys::TupleTableSlot],
    command: pg_sys::CommandId,
    options: i32,
    bulk: pg_sys::BulkInsertState,
) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut rows = Vec::with_capacity(slots.len());
        for slot in slots {
            let mut owned = false;
            let tuple = pg_sys::ExecFetchSlotHeapTuple(*slot, true, &mut owned);
            rows.push(row_bytes(relation, tuple, options));
            if owned {
                pg_sys::heap_freetuple(tuple);
            }
        }
        let refs: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        let places = write(relation, &refs, command, options, bulk);
        for (slot, place) in slots.iter().zip(places) {
            (**slot).tts_tid = place;
            (**slot).tts_tableOid = (*relation).rd_id;
        }
    }
}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn speculative(
    _relation: pg_sys::Relation,
    _slot: *mut pg_sys::TupleTableSlot,
    _command: pg_sys::CommandId,
    _options: i32,
    _bulk: *mut pg_sys::BulkInsertStateData,
    _token: u32,
) {
    Fault::new(
        Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        "INSERT … ON CONFLICT does not work for a compressed table",
    )
    .hint("Insert without ON CONFLICT.")
    .raise()
}

/// Never called: nothing was inserted so.
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn speculative_end(
    _relation: pg_sys::Relation,
    _slot: *mut pg_sys::TupleTableSlot,
    _token: u32,
    _succeeded: bool,
) {
}
