//! The access journal: every statement of a client that reads events leaves one entry, whatever becomes of its
//! transaction.
//!
//! The permission check of the executor sees which relations a query reads, at any depth; functions that read
//! without it call [`note`]. Both come back only when there is room for the entry (`reads::mark`), so nothing is
//! read that could not be told of. Executor and utility hooks say what the client's own statement is, how many rows it
//! gave, and when it ends.
//!
//! Every statement of the server passes these hooks. As in `hooks/statement`, their frames hold nothing that must be
//! dropped: an error of somebody else's statement jumps over them as PostgreSQL raised it.

mod entry;
mod event;
mod frames;
mod reads;
mod refusal;

pub use entry::Kind;
pub use event::host_name;
pub use reads::verified;

use super::unguarded;
use crate::store::audited;
use auditlog_core::json::Json;
use entry::What;
use frames::Stage;
use pgrx::pg_sys;
use std::cell::Cell;
use std::ffi::c_char;
use std::rc::Rc;

static mut PREVIOUS_START: pg_sys::ExecutorStart_hook_type = None;
static mut PREVIOUS_RUN: pg_sys::ExecutorRun_hook_type = None;
static mut PREVIOUS_FINISH: pg_sys::ExecutorFinish_hook_type = None;
static mut PREVIOUS_END: pg_sys::ExecutorEnd_hook_type = None;
static mut PREVIOUS_PERMISSIONS: pg_sys::ExecutorCheckPerms_hook_type = None;
static mut PREVIOUS_PLANNER: pg_sys::planner_hook_type = None;
static mut PREVIOUS_UTILITY: pg_sys::ProcessUtility_hook_type = None;

thread_local! {
    /// In a parallel worker: the leader's own plan reads events, so that the leader tells of it.
    static LEADER_READS: Cell<bool> = const { Cell::new(false) };
}

/// Sets the hooks; called once by `_PG_init` in the postmaster.
pub fn init() {
    // SAFETY: the postmaster is single-threaded while it loads libraries.
    unsafe {
        PREVIOUS_START = pg_sys::ExecutorStart_hook;
        pg_sys::ExecutorStart_hook = Some(start);
        PREVIOUS_RUN = pg_sys::ExecutorRun_hook;
        pg_sys::ExecutorRun_hook = Some(run);
        PREVIOUS_FINISH = pg_sys::ExecutorFinish_hook;
        pg_sys::ExecutorFinish_hook = Some(finish);
        PREVIOUS_END = pg_sys::ExecutorEnd_hook;
        pg_sys::ExecutorEnd_hook = Some(end);
        PREVIOUS_PERMISSIONS = pg_sys::ExecutorCheckPerms_hook;
        pg_sys::ExecutorCheckPerms_hook = Some(permissions);
        PREVIOUS_PLANNER = pg_sys::planner_hook;
        pg_sys::planner_hook = Some(plan);
        PREVIOUS_UTILITY = pg_sys::ProcessUtility_hook;
        pg_sys::ProcessUtility_hook = Some(utility);
    }
    refusal::init();
}

/// A function of ours reads the log for its caller, by itself or with the owner's rights. Raises an error when
/// that cannot be told of.
pub fn note(kind: Kind, name: &str, arguments: Json) {
    if reads::is_on()
        && let Err(fault) = reads::mark(What {
            kind,
            relations: &[],
            call: Some((name, arguments)),
        })
    {
        fault.raise();
    }
}

/// The word index is asked, which tells what events contain. A statement that reads events as well is told of anyway.
pub fn note_words() {
    if reads::is_on() && !reads::is_marked() && !audited::is_internal() {
        read(&["auditlog_data.word_chunk".into()]);
    }
}

/// A query reads these relations. Raises an error when that cannot be told of.
fn read(relations: &[Rc<str>]) {
    // SAFETY: a global of this process.
    if unsafe { pg_sys::ParallelWorkerNumber } >= 0 {
        if frames::is_outermost() {
            LEADER_READS.set(true);
        }
        if LEADER_READS.get() {
            return;
        }
    }
    // The view stands for what it is made of.
    let named: Vec<Rc<str>> = relations
        .iter()
        .filter(|name| !name.starts_with("auditlog_data."))
        .cloned()
        .collect();
    let named = if named.is_empty() { relations } else { &named };
    let what = What {
        kind: Kind::View,
        relations: named,
        call: None,
    };
    if let Err(fault) = reads::mark(what) {
        fault.raise();
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn look(entries: *mut pg_sys::List) {
    let mut relations: Vec<Rc<str>> = Vec::new();
    // SAFETY: a live list of what the query needs permissions for.
    unsafe {
        for i in 0..(*entries).length {
            let (relation, needed) =
                crate::compat::needed_permissions((*(*entries).elements.add(i as usize)).ptr_value);
            // What is inserted into may be returned; that is not reading the log.
            let reads = needed & pg_sys::ACL_SELECT != 0 && needed & pg_sys::ACL_INSERT == 0;
            if reads && let Some(name) = audited::name(relation) {
                relations.push(name);
            }
        }
    }
    if !relations.is_empty() && !audited::is_internal() {
        read(&relations);
    }
}

unsafe fn look_at(entries: *mut pg_sys::List) {
    if !entries.is_null() && reads::is_on() {
        // SAFETY: as the caller promises.
        unsafe { look(entries) }
    }
}

#[cfg(feature = "pg15")]
unsafe extern "C-unwind" fn permissions(range_table: *mut pg_sys::List, report: bool) -> bool {
    // SAFETY: the arguments are PostgreSQL's own.
    unsafe {
        let allowed = PREVIOUS_PERMISSIONS.is_none_or(|previous| previous(range_table, report));
        if allowed {
            look_at(range_table);
        }
        allowed
    }
}

#[cfg(not(feature = "pg15"))]
unsafe extern "C-unwind" fn permissions(
    range_table: *mut pg_sys::List,
    permissions: *mut pg_sys::List,
    report: bool,
) -> bool {
    // SAFETY: the arguments are PostgreSQL's own.
    unsafe {
        let allowed = PREVIOUS_PERMISSIONS.is_none_or(|previous| previous(range_table, permissions, report));
        if allowed {
            look_at(permissions);
        }
        allowed
    }
}

unsafe extern "C-unwind" fn start(query: *mut pg_sys::QueryDesc, flags: i32) {
    // SAFETY: the arguments are PostgreSQL's own.
    unsafe {
        reads::register();
        let depth = frames::enter_query(query, Stage::Start);
        if depth == 0 && reads::any() {
            reads::adopt(query);
        }
        PREVIOUS_START.unwrap_or(unguarded::standard_ExecutorStart)(query, flags);
        frames::leave(depth);
        if reads::any() {
            reads::pause(query, false);
        }
    }
}

unsafe fn before_run(query: *mut pg_sys::QueryDesc) -> usize {
    // SAFETY: as the caller promises.
    let depth = unsafe { frames::enter_query(query, Stage::Run) };
    if reads::any() {
        reads::run(query);
    }
    depth
}

fn after_run(query: *mut pg_sys::QueryDesc, depth: usize) {
    frames::leave(depth);
    if reads::any() {
        reads::pause(query, true);
    }
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
        let depth = before_run(query);
        PREVIOUS_RUN.unwrap_or(unguarded::standard_ExecutorRun)(query, direction, count, once);
        after_run(query, depth);
    }
}

#[cfg(feature = "pg18")]
unsafe extern "C-unwind" fn run(query: *mut pg_sys::QueryDesc, direction: pg_sys::ScanDirection::Type, count: u64) {
    // SAFETY: the arguments are PostgreSQL's own.
    unsafe {
        let depth = before_run(query);
        PREVIOUS_RUN.unwrap_or(unguarded::standard_ExecutorRun)(query, direction, count);
        after_run(query, depth);
    }
}

/// Triggers of the statement run here.
unsafe extern "C-unwind" fn finish(query: *mut pg_sys::QueryDesc) {
    // SAFETY: the argument is PostgreSQL's own.
    unsafe {
        let depth = frames::enter_query(query, Stage::Finish);
        PREVIOUS_FINISH.unwrap_or(unguarded::standard_ExecutorFinish)(query);
        frames::leave(depth);
    }
}

unsafe extern "C-unwind" fn end(query: *mut pg_sys::QueryDesc) {
    // SAFETY: the argument is PostgreSQL's own.
    unsafe {
        if reads::any() {
            reads::ended(query);
        }
        if frames::any_cursor() {
            frames::forget(query);
        }
        PREVIOUS_END.unwrap_or(unguarded::standard_ExecutorEnd)(query);
    }
}

/// Planning runs functions whose result it wants to know.
unsafe extern "C-unwind" fn plan(
    query: *mut pg_sys::Query,
    text: *const c_char,
    options: i32,
    parameters: pg_sys::ParamListInfo,
) -> *mut pg_sys::PlannedStmt {
    // SAFETY: the arguments are PostgreSQL's own.
    unsafe {
        reads::register();
        let depth = frames::enter_planner(query, text);
        let planned = PREVIOUS_PLANNER.unwrap_or(unguarded::standard_planner)(query, text, options, parameters);
        frames::leave(depth);
        planned
    }
}

#[allow(clippy::too_many_arguments)] // PostgreSQL's signature
unsafe extern "C-unwind" fn utility(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    read_only_tree: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    parameters: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    receiver: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: the arguments are PostgreSQL's own.
    unsafe {
        reads::register();
        let (depth, root) = frames::enter_utility(statement, text);
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
        frames::leave(depth);
        if reads::any() {
            if depth == 0 {
                let told = completion
                    .as_ref()
                    .filter(|told| pg_sys::command_tag_display_rowcount(told.commandTag));
                reads::utility_ended(root, told.map(|told| told.nprocessed));
            } else if frames::copies_out((*statement).utilityStmt) {
                reads::note_copy(root);
            }
        }
    }
}
