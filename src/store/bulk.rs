//! Many rows into the inbox within one statement: a WAL record a page instead of one a row.

use super::catalog::objects;
use super::columns::{INBOX, RowBuf};
use super::inbox::{block_of, note, shared_slot};
use crate::shmem::INBOXES;
use pgrx::pg_sys;
use std::sync::atomic::Ordering;

/// Rows written in one stroke.
const STROKE: usize = 200;

/// Appends many completed rows within one statement. Dropped without [`Bulk::end`] it writes
/// nothing more: that is what an error does, and PostgreSQL then closes everything itself.
pub struct Bulk {
    relation: pg_sys::Relation,
    inbox: usize,
    command: pg_sys::CommandId,
    tuples: Vec<pg_sys::HeapTuple>,
    slots: Vec<*mut pg_sys::TupleTableSlot>,
    /// Outlives this; holds the first of the tuples, which is the only one of most statements.
    parent: pg_sys::MemoryContext,
    /// Holds the others; null until there is a second one.
    memory: pg_sys::MemoryContext,
}

impl Bulk {
    /// Opens the inbox that is active now; what is buffered lives in `parent` and a child of it. All rows
    /// belong to the command that is running now, whenever they are written.
    ///
    /// # Safety
    /// `parent` outlives the result.
    pub unsafe fn begin(parent: pg_sys::MemoryContext) -> Bulk {
        let inbox = shared_slot().active_inbox.load(Ordering::Acquire) as usize % INBOXES;
        // SAFETY: a heap table of ours, locked while written and closed by `end`.
        unsafe {
            let relation = pg_sys::table_open(objects().inboxes[inbox], pg_sys::RowExclusiveLock as i32);
            Bulk {
                relation,
                inbox,
                command: pg_sys::GetCurrentCommandId(true),
                tuples: Vec::new(),
                slots: Vec::new(),
                parent,
                memory: std::ptr::null_mut(),
            }
        }
    }

    /// Adds a row.
    pub fn push(&mut self, row: &RowBuf<INBOX>) {
        // SAFETY: the tuple is formed by the table's descriptor and lives in that memory until it is written.
        unsafe {
            let before = pg_sys::CurrentMemoryContext;
            pg_sys::CurrentMemoryContext = self.room();
            let tuple = pg_sys::heap_form_tuple(
                (*self.relation).rd_att,
                row.values.as_ptr().cast_mut(),
                row.nulls.as_ptr().cast_mut(),
            );
            pg_sys::CurrentMemoryContext = before;
            self.tuples.push(tuple);
        }
        if self.tuples.len() == STROKE {
            self.flush();
        }
    }

    /// Memory for the next tuple.
    unsafe fn room(&mut self) -> pg_sys::MemoryContext {
        if self.tuples.is_empty() {
            return self.parent;
        }
        if self.memory.is_null() {
            // SAFETY: a child of memory that outlives this.
            self.memory = unsafe {
                pg_sys::AllocSetContextCreateInternal(
                    self.parent,
                    c"pg_auditlog bulk".as_ptr(),
                    0,
                    8 * 1024,
                    8 * 1024 * 1024,
                )
            };
        }
        self.memory
    }

    /// Writes what is buffered.
    pub fn flush(&mut self) {
        match self.tuples.as_slice() {
            [] => return,
            // SAFETY: the table is open and the tuple ours.
            [single] => unsafe {
                pg_sys::heap_insert(self.relation, *single, self.command, 0, std::ptr::null_mut());
                note(self.inbox, block_of(&(**single).t_self));
            },
            _ => self.write_together(),
        }
        // SAFETY: no tuple is used any more; the first is not in the memory of the others.
        unsafe {
            pg_sys::heap_freetuple(self.tuples[0]);
            if !self.memory.is_null() {
                pg_sys::MemoryContextReset(self.memory);
            }
        }
        self.tuples.clear();
    }

    fn write_together(&mut self) {
        // SAFETY: as many slots hold tuples; heap_multi_insert sets their tids.
        unsafe {
            let before = pg_sys::CurrentMemoryContext;
            pg_sys::CurrentMemoryContext = self.parent;
            while self.slots.len() < self.tuples.len() {
                self.slots.push(pg_sys::MakeSingleTupleTableSlot(
                    (*self.relation).rd_att,
                    &raw const pg_sys::TTSOpsHeapTuple,
                ));
            }
            pg_sys::CurrentMemoryContext = before;
            for (tuple, slot) in self.tuples.iter().zip(&self.slots) {
                pg_sys::ExecStoreHeapTuple(*tuple, *slot, false);
            }
            pg_sys::heap_multi_insert(
                self.relation,
                self.slots.as_mut_ptr(),
                self.tuples.len() as i32,
                self.command,
                0,
                std::ptr::null_mut(),
            );
            for slot in &self.slots[..self.tuples.len()] {
                note(self.inbox, block_of(&(**slot).tts_tid));
                let clear = (*(**slot).tts_ops).clear.expect("every slot type can be cleared");
                clear(*slot);
            }
        }
    }

    /// Writes the rest and closes the table; the lock stays until the transaction ends.
    pub fn end(mut self) {
        self.flush();
        // SAFETY: opened by `begin`.
        unsafe {
            for slot in self.slots.drain(..) {
                pg_sys::ExecDropSingleTupleTableSlot(slot);
            }
            if !self.memory.is_null() {
                pg_sys::MemoryContextDelete(self.memory);
            }
            pg_sys::table_close(self.relation, pg_sys::NoLock as i32);
        }
    }
}
