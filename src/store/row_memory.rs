//! Memory for one event of many.

use pgrx::pg_sys;

/// A memory context for one event of many, so that a large batch doesn't add up.
pub struct RowMemory {
    own: pg_sys::MemoryContext,
    outer: pg_sys::MemoryContext,
}

impl RowMemory {
    /// Makes it the current context, until dropped.
    pub fn new() -> RowMemory {
        // SAFETY: a child of the current context, which ends with the statement at the latest.
        unsafe {
            let outer = pg_sys::CurrentMemoryContext;
            let own = pg_sys::AllocSetContextCreateInternal(
                outer,
                c"pg_auditlog event".as_ptr(),
                0,
                8 * 1024,
                8 * 1024 * 1024,
            );
            pg_sys::CurrentMemoryContext = own;
            RowMemory { own, outer }
        }
    }

    /// Frees what the event before has used.
    pub fn clear(&self) {
        // SAFETY: nothing of the last event is used any more.
        unsafe { pg_sys::MemoryContextReset(self.own) }
    }
}

impl Drop for RowMemory {
    fn drop(&mut self) {
        // While an error unwinds PostgreSQL switches and frees contexts itself.
        if !std::thread::panicking() {
            // SAFETY: made by `new`.
            unsafe {
                pg_sys::CurrentMemoryContext = self.outer;
                pg_sys::MemoryContextDelete(self.own);
            }
        }
    }
}

impl Default for RowMemory {
    fn default() -> RowMemory {
        RowMemory::new()
    }
}
