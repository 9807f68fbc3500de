//! What all captured rows of a table have in common within a transaction: event type, actor and request of
//! the context, the table's name. Made once; each row adds its key and its values.

use super::capture_plan::Plan;
use super::columns::{INBOX, RowBuf, at};
use super::event_types::EventType;
use super::principals::Principal;
use auditlog_core::context::Context;
use auditlog_core::json::Json;
use pgrx::pg_sys;
use std::rc::Rc;

/// An event without what differs from row to row.
pub struct Template {
    /// What it was made from: others need another one.
    pub of: Source,
    /// The columns that are the same.
    pub row: RowBuf<INBOX>,
    /// The column `extra`, for events that have something to add.
    pub extra: Option<Json>,
    /// Holds what the row does not hold itself.
    memory: pg_sys::MemoryContext,
}

/// From what a template is made.
#[derive(Clone)]
pub struct Source {
    /// The transaction's context.
    pub context: Option<Rc<Context>>,
    /// The catalogue's entry.
    pub known: Option<Rc<EventType>>,
    /// The entry that says how grave it is: of types that users make up, that of the built-in one.
    pub graveness: Option<Rc<EventType>>,
    /// Who the caller is, where the context names nobody.
    pub principal: Option<Rc<Principal>>,
    /// The role that logged in.
    pub session_user: pg_sys::Oid,
}

impl Source {
    /// Would the template be the same?
    pub fn is(&self, other: &Source) -> bool {
        fn same<T>(a: Option<&Rc<T>>, b: Option<&Rc<T>>) -> bool {
            match (a, b) {
                (Some(a), Some(b)) => Rc::ptr_eq(a, b),
                (None, None) => true,
                _ => false,
            }
        }
        self.session_user == other.session_user
            && same(self.context.as_ref(), other.context.as_ref())
            && same(self.known.as_ref(), other.known.as_ref())
            && same(self.graveness.as_ref(), other.graveness.as_ref())
            && same(self.principal.as_ref(), other.principal.as_ref())
    }
}

impl Template {
    /// Fills a template; what `fill` allocates lives as long as it.
    pub fn new(of: Source, plan: &Plan, fill: impl FnOnce(&mut RowBuf<INBOX>) -> Option<Json>) -> Template {
        // SAFETY: the plan outlives its templates.
        let (memory, before) = unsafe {
            let memory = pg_sys::AllocSetContextCreateInternal(
                plan.memory(),
                c"pg_auditlog capture template".as_ptr(),
                0,
                1024,
                1024 * 1024,
            );
            let before = pg_sys::CurrentMemoryContext;
            pg_sys::CurrentMemoryContext = memory;
            (memory, before)
        };
        let mut row = RowBuf::new();
        let extra = fill(&mut row);
        for column in [at!("event_id"), at!("timestamp"), at!("resource_id")] {
            row.clear(column);
        }
        // SAFETY: back to where it was; after an error PostgreSQL does it.
        unsafe { pg_sys::CurrentMemoryContext = before }
        Template { of, row, extra, memory }
    }

    /// A row that begins with what is the same. Its values are the template's.
    pub fn start(&self) -> RowBuf<INBOX> {
        let mut row = RowBuf::new();
        row.values = self.row.values;
        row.nulls = self.row.nulls;
        row
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        // At the process' end PostgreSQL's memory is gone already.
        // SAFETY: nothing points into it any more.
        unsafe {
            if !pg_sys::proc_exit_inprogress {
                pg_sys::MemoryContextDelete(self.memory);
            }
        }
    }
}
