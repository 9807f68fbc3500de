//! A group of rows, decompressed: as tuples that the executor can have.

use super::tid::Place;
use crate::error::Fault;
use auditlog_rowgroup::{self as rowgroup, MAX_ROWS};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;

/// Bytes of a tuple's header before a group's: a header without columns.
pub const HEADER: usize = 24;

/// Room for one group, in PostgreSQL's memory: an error ends it with the query.
pub struct Group {
    memory: pg_sys::MemoryContext,
    body: *mut u8,
    room: usize,
    tuples: *mut pg_sys::HeapTupleData,
    rows: usize,
    place: Option<Place>,
}

impl Group {
    /// Empty room in the current memory context, which must outlive it.
    pub fn new() -> Group {
        // SAFETY: plain memory.
        unsafe {
            Group {
                memory: pg_sys::CurrentMemoryContext,
                body: std::ptr::null_mut(),
                room: 0,
                tuples: pg_sys::palloc0(MAX_ROWS * size_of::<pg_sys::HeapTupleData>()).cast(),
                rows: 0,
                place: None,
            }
        }
    }

    /// Which group is here.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// Numbers of its rows end before this one.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Forgets what is here; the memory stays.
    pub fn clear(&mut self) {
        (self.rows, self.place) = (0, None);
    }

    /// Gives the memory back.
    pub fn free(&mut self) {
        self.clear();
        // SAFETY: allocated here; nothing points to it any more.
        unsafe {
            if !self.body.is_null() {
                pg_sys::pfree(self.body.cast());
            }
            pg_sys::pfree(self.tuples.cast());
        }
        (self.body, self.room) = (std::ptr::null_mut(), 0);
    }

    /// Decompresses a tuple of the table underneath.
    ///
    /// # Safety
    /// A live tuple of `relation`, which is kept in compressed groups.
    pub unsafe fn load(&mut self, relation: pg_sys::Relation, tuple: &pg_sys::HeapTupleData) {
        self.clear();
        // SAFETY: as the caller promises; the body has the room that the header asks for.
        unsafe {
            let bytes = payload(tuple);
            let header = rowgroup::header(bytes).unwrap_or_else(|error| damaged(relation, tuple, &error.to_string()));
            if self.room < header.body {
                if !self.body.is_null() {
                    pg_sys::pfree(self.body.cast());
                }
                self.room = header.body.next_multiple_of(8 * 1024);
                self.body = pg_sys::MemoryContextAlloc(self.memory, self.room).cast();
            }
            let body = std::slice::from_raw_parts_mut(self.body, header.body);
            let place = Place::of(&tuple.t_self);
            let table = (*relation).rd_id;
            let (base, tuples) = (self.body, self.tuples);
            rowgroup::unpack(bytes, &header, body, |number, range| {
                *tuples.add(number) = pg_sys::HeapTupleData {
                    t_len: range.len() as u32,
                    t_self: place.row(number),
                    t_tableOid: table,
                    t_data: base.add(range.start).cast(),
                };
            })
            .unwrap_or_else(|error| damaged(relation, tuple, &error.to_string()));
            for number in 0..header.rows {
                let row = &*tuples.add(number);
                if row.t_len > 0 && !is_tuple(row) {
                    damaged(relation, tuple, &format!("row {number} is no row"));
                }
            }
            (self.rows, self.place) = (header.rows, Some(place));
        }
    }

    /// A row of it, if it is there. It stays until another group is loaded.
    pub fn tuple(&self, row: usize) -> Option<pg_sys::HeapTuple> {
        if row >= self.rows {
            return None;
        }
        // SAFETY: one of the tuples of this group.
        unsafe {
            let tuple = self.tuples.add(row);
            ((*tuple).t_len > 0).then_some(tuple)
        }
    }

    /// The bytes of all rows; empty: not there.
    pub fn bytes(&self) -> Vec<&[u8]> {
        let row = |number| {
            let tuple = self.tuple(number);
            // SAFETY: a tuple of this group, which lives as long as it is not replaced.
            tuple.map_or(&[][..], |tuple| unsafe {
                std::slice::from_raw_parts((*tuple).t_data.cast::<u8>(), (*tuple).t_len as usize)
            })
        };
        (0..self.rows).map(row).collect()
    }
}

/// The bytes of a group in its tuple.
unsafe fn payload(tuple: &pg_sys::HeapTupleData) -> &[u8] {
    // SAFETY: a live tuple has as many bytes as it says, and its header among them.
    unsafe {
        let (start, end) = (usize::from((*tuple.t_data).t_hoff), tuple.t_len as usize);
        std::slice::from_raw_parts(tuple.t_data.cast::<u8>().add(start.min(end)), end - start.min(end))
    }
}

/// Has the header of a row sizes that can be?
unsafe fn is_tuple(row: &pg_sys::HeapTupleData) -> bool {
    // SAFETY: the bytes of a row; shorter than a header is none.
    unsafe { row.t_len as usize >= HEADER - 1 && usize::from((*row.t_data).t_hoff) <= row.t_len as usize }
}

unsafe fn damaged(relation: pg_sys::Relation, tuple: &pg_sys::HeapTupleData, what: &str) -> ! {
    let place = Place::of(&tuple.t_self);
    // SAFETY: an open relation.
    let name = unsafe { super::name(relation) };
    Fault::new(
        Code::ERRCODE_DATA_CORRUPTED,
        format!("a group of rows of {name} cannot be read"),
    )
    .detail(format!("Page {}, item {}: {what}.", place.block, place.item))
    .hint("The disk or somebody has changed it. Restore the table from a backup, and run auditlog.verify().")
    .raise()
}
