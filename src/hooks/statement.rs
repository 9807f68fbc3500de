//! Rows that a statement records through the view `auditlog.events` are written together when the
//! statement ends, as COPY does for a table. Executor and utility hooks say when that is; a trigger
//! FOR EACH STATEMENT would cost every single-row INSERT more than its row.
//!
//! Every statement of the server passes these hooks, so their frames hold nothing that must be dropped:
//! an error of somebody else's statement jumps over them as PostgreSQL raised it. (pgrx's guard would
//! raise it again, without its CONTEXT and the names of table and constraint.) What an error leaves
//! behind here goes when the transaction, or the savepoint, is rolled back.

use super::unguarded;
use crate::error::Fault;
use crate::infallible;
use crate::store::bulk::Bulk;
use crate::store::catalog;
use crate::store::columns::{INBOX, RowBuf};
use crate::store::inbox;
use pgrx::pg_sys;
use std::cell::{Cell, RefCell};

/// A statement that is running and may record events, those around it below.
struct Level {
    /// Does it show the rows that it records?
    returning: bool,
    /// Lives as long as the statement.
    memory: pg_sys::MemoryContext,
    /// Nesting of transactions when it began.
    nesting: i32,
    rows: Option<Bulk>,
}

thread_local! {
    static LEVELS: RefCell<Vec<Level>> = const { RefCell::new(Vec::new()) };
    static CALLBACKS: Cell<bool> = const { Cell::new(false) };
}

static mut PREVIOUS_RUN: pg_sys::ExecutorRun_hook_type = None;
static mut PREVIOUS_FINISH: pg_sys::ExecutorFinish_hook_type = None;
static mut PREVIOUS_UTILITY: pg_sys::ProcessUtility_hook_type = None;

/// Sets the hooks; called once by `_PG_init` in the postmaster.
pub fn init() {
    // SAFETY: the postmaster is single-threaded while it loads libraries.
    unsafe {
        PREVIOUS_RUN = pg_sys::ExecutorRun_hook;
        pg_sys::ExecutorRun_hook = Some(run);
        PREVIOUS_FINISH = pg_sys::ExecutorFinish_hook;
        pg_sys::ExecutorFinish_hook = Some(finish);
        PREVIOUS_UTILITY = pg_sys::ProcessUtility_hook;
        pg_sys::ProcessUtility_hook = Some(utility);
    }
}

/// Appends a completed row within the running statement.
pub fn append(row: &RowBuf<INBOX>) {
    LEVELS.with_borrow_mut(|levels| match levels.last_mut() {
        Some(level) => {
            let memory = level.memory;
            // SAFETY: the statement's memory, which ends after its level.
            level
                .rows
                .get_or_insert_with(|| unsafe { Bulk::begin(memory) })
                .push(row);
        }
        None => inbox::append(row),
    });
}

/// May the running statement show the rows that it records?
pub fn returning() -> bool {
    LEVELS.with_borrow(|levels| levels.last().is_none_or(|level| level.returning))
}

/// A statement begins that may record events.
unsafe fn push(returning: bool, memory: pg_sys::MemoryContext) {
    if !CALLBACKS.replace(true) {
        // SAFETY: plain functions that live as long as the process.
        unsafe {
            pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut());
            pg_sys::RegisterSubXactCallback(Some(at_savepoint_end), std::ptr::null_mut());
        }
    }
    // SAFETY: a counter of this process.
    let nesting = unsafe { infallible::GetCurrentTransactionNestLevel() };
    LEVELS.with_borrow_mut(|levels| {
        levels.push(Level {
            returning,
            memory,
            nesting,
            rows: None,
        });
    });
}

/// It has ended: writes what it has recorded.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn leave() {
    if let Some(rows) = LEVELS.with_borrow_mut(Vec::pop).and_then(|level| level.rows) {
        rows.end();
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _argument: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE};
    if matches!(event, XACT_EVENT_ABORT | XACT_EVENT_COMMIT | XACT_EVENT_PREPARE) {
        LEVELS.with_borrow_mut(Vec::clear);
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn at_savepoint_end(
    event: pg_sys::SubXactEvent::Type,
    _own: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _argument: *mut std::ffi::c_void,
) {
    if event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB {
        // SAFETY: a counter of this process, still that of the savepoint.
        let nesting = unsafe { infallible::GetCurrentTransactionNestLevel() };
        LEVELS.with_borrow_mut(|levels| levels.retain(|level| level.nesting < nesting));
    }
}

/// A statement inside another one sees what that one has recorded so far, as with any table. (Not
/// inside a subtransaction of its own: the rows would be written, and rolled back, as part of it.)
fn write_outer_rows() {
    LEVELS.with_borrow_mut(|levels| {
        // SAFETY: a counter of this process.
        let nesting = || unsafe { infallible::GetCurrentTransactionNestLevel() };
        for level in levels {
            if let Some(rows) = &mut level.rows
                && level.nesting == nesting()
            {
                rows.flush();
            }
        }
    });
}

/// Prepares for a query; returns whether [`leave`] is to be called after it.
unsafe fn enter(query: *mut pg_sys::QueryDesc) -> bool {
    // SAFETY: a started query has a plan.
    let writes =
        unsafe { (*query).operation != pg_sys::CmdType::CMD_SELECT || (*(*query).plannedstmt).hasModifyingCTE };
    // Nearly every statement of the server is done with here.
    if !writes && LEVELS.with_borrow(Vec::is_empty) {
        return false;
    }
    // SAFETY: as above.
    unsafe { enter_query(query, writes) };
    writes
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn enter_query(query: *mut pg_sys::QueryDesc, writes: bool) {
    write_outer_rows();
    if writes {
        // SAFETY: a started query has a plan and a state.
        unsafe {
            let plan = (*query).plannedstmt;
            if triggers_are_off() {
                refuse_without_triggers(plan);
            }
            // hasReturning speaks of the outermost part only.
            let returning = (*plan).hasReturning || (*plan).hasModifyingCTE;
            push(returning, (*(*query).estate).es_query_cxt);
        }
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn enter_copy(copy: *mut pg_sys::CopyStmt) {
    write_outer_rows();
    // SAFETY: a live statement.
    unsafe {
        if triggers_are_off() && !(*copy).relation.is_null() {
            refuse_view(pg_sys::RangeVarGetRelidExtended(
                (*copy).relation,
                pg_sys::NoLock as i32,
                pg_sys::RVROption::RVR_MISSING_OK,
                None,
                std::ptr::null_mut(),
            ));
        }
        push(false, pg_sys::CurrentMemoryContext);
    }
}

fn triggers_are_off() -> bool {
    // SAFETY: a setting of this process.
    unsafe { pg_sys::SessionReplicationRole == pg_sys::SESSION_REPLICATION_ROLE_REPLICA as i32 }
}

#[cfg(not(feature = "pg18"))]
unsafe extern "C-unwind" fn run(
    query: *mut pg_sys::QueryDesc,
    direction: pg_sys::ScanDirection::Type,
    count: u64,
    once: bool,
) {
    // SAFETY: the arguments are PostgreSQL's own.
    unsafe {
        let entered = enter(query);
        PREVIOUS_RUN.unwrap_or(unguarded::standard_ExecutorRun)(query, direction, count, once);
        if entered {
            leave();
        }
    }
}

#[cfg(feature = "pg18")]
unsafe extern "C-unwind" fn run(query: *mut pg_sys::QueryDesc, direction: pg_sys::ScanDirection::Type, count: u64) {
    // SAFETY: the arguments are PostgreSQL's own.
    unsafe {
        let entered = enter(query);
        PREVIOUS_RUN.unwrap_or(unguarded::standard_ExecutorRun)(query, direction, count);
        if entered {
            leave();
        }
    }
}

/// Data-modifying parts of a WITH that nobody read to their end run here.
unsafe extern "C-unwind" fn finish(query: *mut pg_sys::QueryDesc) {
    // SAFETY: the argument is PostgreSQL's own.
    unsafe {
        let entered = enter(query);
        PREVIOUS_FINISH.unwrap_or(unguarded::standard_ExecutorFinish)(query);
        if entered {
            leave();
        }
    }
}

#[allow(clippy::too_many_arguments)] // PostgreSQL's signature
unsafe extern "C-unwind" fn utility(
    statement: *mut pg_sys::PlannedStmt,
    text: *const std::ffi::c_char,
    read_only_tree: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    parameters: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    receiver: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: the arguments are PostgreSQL's own; the node's tag says what it is.
    unsafe {
        let node = (*statement).utilityStmt;
        let copy: *mut pg_sys::CopyStmt = node.cast();
        let entered = (*node).type_ == pg_sys::NodeTag::T_CopyStmt && (*copy).is_from;
        if entered {
            enter_copy(copy);
        }
        PREVIOUS_UTILITY.unwrap_or(unguarded::standard_ProcessUtility)(
            statement,
            text,
            read_only_tree,
            context,
            parameters,
            environment,
            receiver,
            completion,
        );
        if entered {
            leave();
        }
    }
}

/// Under `session_replication_role = replica` PostgreSQL skips the trigger that records what is
/// inserted into the view, and a view's trigger cannot be ENABLE ALWAYS: the event would be lost
/// without a word.
unsafe fn refuse_without_triggers(plan: *mut pg_sys::PlannedStmt) {
    // SAFETY: lists of a live plan; its targets are numbers of range table entries, from 1 on.
    unsafe {
        let targets = (*plan).resultRelations;
        if targets.is_null() {
            return;
        }
        for i in 0..(*targets).length {
            let number = (*(*targets).elements.add(i as usize)).int_value;
            let entry: *mut pg_sys::RangeTblEntry =
                (*(*(*plan).rtable).elements.add(number as usize - 1)).ptr_value.cast();
            refuse_view((*entry).relid);
        }
    }
}

fn refuse_view(target: pg_sys::Oid) {
    if target != pg_sys::Oid::INVALID && catalog::find().is_some_and(|o| o.events == target) {
        Fault::broken("cannot record into auditlog.events while session_replication_role is replica")
            .detail("PostgreSQL would skip the trigger that records the row, and the event would be lost.")
            .hint("Call auditlog.record(), or set session_replication_role to origin or local.")
            .raise();
    }
}
