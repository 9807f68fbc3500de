//! Statements that change roles, privileges, settings and definitions, as they begin, end and fail.
//!
//! As in [`super::statement`], frames of the hook itself hold nothing that must be dropped: somebody else's error
//! jumps over them. That a statement has failed shows when its transaction, or savepoint, is rolled back with the
//! statement still on the list of those that run.

use super::unguarded;
use crate::capture::document::{Actor, Draft, Failure, Outcome, Statement};
use crate::capture::record::{self, Log};
use crate::capture::{self, Kind, definition, nodes, privilege, role, setting};
use crate::queue::Provenance;
use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag as T;
use std::cell::{Cell, RefCell};
use std::ffi::c_char;

/// Events of one failed statement.
const MAX_FAILED: usize = 16;

/// When a statement's events are recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// Before it runs: it does what a rollback does not undo.
    Before,
    /// When it has succeeded.
    After,
    /// When it has succeeded, outside of the transaction, which may be read-only.
    Outside,
    /// When it fails; of success an event trigger hears.
    Failure,
}

struct Running {
    /// Nesting of transactions when it began.
    nesting: i32,
    when: When,
    log: Log,
    drafts: Vec<Draft>,
    statement: Statement,
    actor: Actor,
    provenance: Provenance,
}

thread_local! {
    static RUNNING: RefCell<Vec<Running>> = const { RefCell::new(Vec::new()) };
    static CALLBACKS: Cell<bool> = const { Cell::new(false) };
    /// Is there something for the callbacks? They are called for every transaction.
    static BUSY: Cell<bool> = const { Cell::new(false) };
    /// The error that was reported last, until its transaction has ended.
    static ERROR: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

static mut PREVIOUS: pg_sys::ProcessUtility_hook_type = None;

/// Sets the hook; called once by `_PG_init` in the postmaster.
pub fn init() {
    // SAFETY: the postmaster is single-threaded while it loads libraries.
    unsafe {
        PREVIOUS = pg_sys::ProcessUtility_hook;
        pg_sys::ProcessUtility_hook = Some(utility);
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
    // SAFETY: the arguments are PostgreSQL's own; the node's tag says what it is.
    unsafe {
        // Nothing is switched on, or it is none of our statements: done with here.
        let watched = capture::is_any_on() && may_matter((*(*statement).utilityStmt).type_);
        let place = if watched { begin(statement, text, context) } else { -1 };
        PREVIOUS.unwrap_or(unguarded::standard_ProcessUtility)(
            statement,
            text,
            read_only_tree,
            context,
            parameters,
            environment,
            receiver,
            completion,
        );
        if place >= 0 {
            end(place);
        }
    }
}

/// May a statement of this kind be one of ours? Leaves out what applications say all the time.
fn may_matter(tag: T) -> bool {
    !matches!(
        tag,
        T::T_TransactionStmt
            | T::T_CallStmt
            | T::T_CheckPointStmt
            | T::T_ClosePortalStmt
            | T::T_ConstraintsSetStmt
            | T::T_CopyStmt
            | T::T_DeallocateStmt
            | T::T_DeclareCursorStmt
            | T::T_DiscardStmt
            | T::T_DoStmt
            | T::T_ExecuteStmt
            | T::T_ExplainStmt
            | T::T_FetchStmt
            | T::T_ListenStmt
            | T::T_LockStmt
            | T::T_NotifyStmt
            | T::T_PrepareStmt
            | T::T_UnlistenStmt
            | T::T_VacuumStmt
            | T::T_VariableShowStmt
    )
}

/// A statement begins. Returns its place on the list, or a negative number when it is not watched.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn begin(
    statement: *mut pg_sys::PlannedStmt,
    sql: *const c_char,
    context: pg_sys::ProcessUtilityContext::Type,
) -> i32 {
    // SAFETY: PostgreSQL's own arguments.
    let node = unsafe { (*statement).utilityStmt };
    let subcommand = context == pg_sys::ProcessUtilityContext::PROCESS_UTILITY_SUBCOMMAND;
    if !may_concern(node) || !record::may_record() {
        return -1;
    }
    let Some(log) = record::log() else { return -1 };
    // SAFETY: as above.
    let Some((when, drafts)) = (unsafe { describe(node, subcommand) }) else {
        return -1;
    };
    if drafts.is_empty() {
        return -1;
    }
    register();
    let running = Running {
        // SAFETY: a counter of this process.
        nesting: unsafe { pg_sys::GetCurrentTransactionNestLevel() },
        when,
        log,
        drafts,
        // SAFETY: as above.
        statement: unsafe { Statement::of(sql, (*statement).stmt_location, (*statement).stmt_len) },
        actor: Actor::current(),
        provenance: crate::provenance::capture(),
    };
    if when == When::Before && matches!(log, Log::Own) {
        record_all(&running);
    }
    BUSY.set(true);
    RUNNING.with_borrow_mut(|list| {
        list.push(running);
        list.len() as i32 - 1
    })
}

/// SET is too frequent for more than a look at its name.
fn may_concern(node: *mut pg_sys::Node) -> bool {
    // SAFETY: a live node; its tag says what it is.
    unsafe {
        if nodes::tag(node) != T::T_VariableSetStmt {
            return true;
        }
        let name = (*node.cast::<pg_sys::VariableSetStmt>()).name;
        if name.is_null() {
            return false;
        }
        let name = std::ffi::CStr::from_ptr(name).to_bytes();
        let starts = |prefix: &[u8]| name.len() >= prefix.len() && name[..prefix.len()].eq_ignore_ascii_case(prefix);
        capture::is_on(Kind::Config) && starts(b"auditlog.")
            || (capture::is_on(Kind::Role) || capture::is_on(Kind::Permission))
                && (name == b"role" || name == b"session_authorization")
    }
}

/// The events of a statement.
unsafe fn describe(node: *mut pg_sys::Node, subcommand: bool) -> Option<(When, Vec<Draft>)> {
    // SAFETY: a live node; its tag says what it is.
    unsafe {
        let tag = nodes::tag(node);
        if capture::is_on(Kind::Role)
            && let Some(drafts) = of_roles(node, tag)
        {
            return Some((When::After, drafts));
        }
        if capture::is_on(Kind::Config) {
            match tag {
                T::T_AlterSystemStmt => return Some((When::Before, vec![setting::alter_system(node.cast())])),
                T::T_AlterDatabaseSetStmt => {
                    return Some((When::After, vec![setting::alter_database(node.cast())]));
                }
                T::T_AlterRoleSetStmt => return Some((When::After, vec![setting::alter_role(node.cast())])),
                _ => {}
            }
        }
        if tag == T::T_VariableSetStmt {
            let of_session = setting::of_session(node.cast()).filter(|_| capture::is_on(Kind::Config));
            let draft = of_session.or_else(|| role::identity(node.cast()).filter(|_| capture::is_on(Kind::Role)));
            return draft.map(|draft| (When::Outside, vec![draft]));
        }
        if !capture::is_on(Kind::Ddl) {
            return None;
        }
        if let Some(draft) = definition::shared(node) {
            return Some((When::Before, vec![draft]));
        }
        if let Some((kind, from, to)) = renamed(node, tag).filter(|(kind, ..)| *kind != "role") {
            return Some((When::After, vec![definition::renamed(kind, &from, &to)]));
        }
        if subcommand {
            return None;
        }
        let name = pg_sys::GetCommandTagName(pg_sys::CreateCommandTag(node));
        let draft = definition::failed(&nodes::text(name).unwrap_or_default())?;
        Some((When::Failure, vec![draft]))
    }
}

unsafe fn of_roles(node: *mut pg_sys::Node, tag: T) -> Option<Vec<Draft>> {
    // SAFETY: as above.
    unsafe {
        Some(match tag {
            T::T_CreateRoleStmt => role::create(node.cast()),
            T::T_AlterRoleStmt => role::alter(node.cast()),
            T::T_DropRoleStmt => role::drop(node.cast()),
            T::T_GrantRoleStmt => role::grant(node.cast()),
            T::T_GrantStmt => privilege::grant(node.cast()),
            T::T_AlterDefaultPrivilegesStmt => privilege::defaults(node.cast()),
            T::T_ReassignOwnedStmt => role::reassign(node.cast()),
            T::T_DropOwnedStmt => role::drop_owned(node.cast()),
            T::T_RenameStmt => match renamed(node, tag)? {
                ("role", from, to) => role::rename(&from, &to),
                _ => return None,
            },
            T::T_AlterOwnerStmt => {
                let owner = node.cast::<pg_sys::AlterOwnerStmt>();
                let kind = shared_kind((*owner).objectType).filter(|kind| *kind != "role")?;
                let name = nodes::text((*(*owner).object.cast::<pg_sys::String>()).sval).unwrap_or_default();
                vec![definition::new_owner(kind, &name, &nodes::role((*owner).newowner))]
            }
            _ => return None,
        })
    }
}

fn shared_kind(kind: pg_sys::ObjectType::Type) -> Option<&'static str> {
    match kind {
        pg_sys::ObjectType::OBJECT_ROLE => Some("role"),
        pg_sys::ObjectType::OBJECT_DATABASE => Some("database"),
        pg_sys::ObjectType::OBJECT_TABLESPACE => Some("tablespace"),
        _ => None,
    }
}

/// RENAME of an object of the whole cluster: its kind, old and new name.
unsafe fn renamed(node: *mut pg_sys::Node, tag: T) -> Option<(&'static str, String, String)> {
    if tag != T::T_RenameStmt {
        return None;
    }
    // SAFETY: as above.
    unsafe {
        let rename = &*node.cast::<pg_sys::RenameStmt>();
        Some((
            shared_kind(rename.renameType)?,
            nodes::text(rename.subname)?,
            nodes::text(rename.newname)?,
        ))
    }
}

/// The statement at this place has succeeded.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn end(place: i32) {
    let running = RUNNING.with_borrow_mut(|list| {
        list.truncate(place as usize + 1);
        list.pop()
    });
    let Some(mut running) = running else { return };
    match running.when {
        When::Failure => {}
        When::Before if matches!(running.log, Log::Own) => {}
        When::After => {
            running.drafts.iter_mut().for_each(record::complete);
            record_all(&running);
        }
        When::Before | When::Outside => record_all(&running),
    }
}

fn record_all(running: &Running) {
    let outcome = Outcome::default();
    for draft in running.drafts.clone() {
        let document = record::document_for(running.log, draft, &running.actor, Some(&running.statement), &outcome);
        match (running.log, running.when) {
            (Log::Own, When::Before | When::After) => record::here(document),
            _ => {
                if let Some(slot) = record::slot(running.log) {
                    record::aside(slot, document, &running.provenance);
                }
            }
        }
    }
}

/// The text of the statement that runs, for event triggers.
pub fn statement() -> Option<Statement> {
    RUNNING.with_borrow(|list| list.last().map(|running| running.statement.clone()))
}

/// Does a statement run whose failure will be recorded?
pub fn is_running() -> bool {
    RUNNING.with_borrow(|list| !list.is_empty())
}

/// An error is being reported to the client.
pub fn note_error(failure: Failure) {
    ERROR.with_borrow_mut(|error| *error = Some(failure));
}

/// Tells of statements that were running when they were rolled back. Nothing here may fail.
fn tell(failed: Vec<Running>) {
    let error = ERROR.with_borrow_mut(Option::take).unwrap_or(Failure {
        sqlstate: None,
        message: None,
    });
    let outcome = Outcome { error: Some(error) };
    for mut running in failed {
        let Some(slot) = record::slot(running.log) else {
            continue;
        };
        running.drafts.truncate(MAX_FAILED);
        for mut draft in running.drafts {
            // A state that did not change.
            draft.before = None;
            let document = record::document_for(running.log, draft, &running.actor, Some(&running.statement), &outcome);
            record::aside(slot, document, &running.provenance);
        }
    }
}

fn register() {
    if !CALLBACKS.replace(true) {
        // SAFETY: plain functions that live as long as the process.
        unsafe {
            pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut());
            pg_sys::RegisterSubXactCallback(Some(at_savepoint_end), std::ptr::null_mut());
        }
    }
}

unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _argument: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT};
    if BUSY.get() && matches!(event, XACT_EVENT_ABORT | XACT_EVENT_COMMIT) {
        // SAFETY: a plain call; this frame holds nothing that must be dropped.
        unsafe { ended(event == XACT_EVENT_ABORT) }
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn ended(aborted: bool) {
    // Not at COMMIT: some statements go on in a transaction that follows.
    if aborted {
        let failed = RUNNING.with_borrow_mut(std::mem::take);
        if !failed.is_empty() {
            tell(failed);
        }
    }
    ERROR.with_borrow_mut(Option::take);
    BUSY.set(is_running());
}

unsafe extern "C-unwind" fn at_savepoint_end(
    event: pg_sys::SubXactEvent::Type,
    _own: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _argument: *mut std::ffi::c_void,
) {
    if BUSY.get() && event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB {
        // SAFETY: as above.
        unsafe { rolled_back() }
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn rolled_back() {
    // SAFETY: a counter of this process, still that of the savepoint.
    let nesting = unsafe { pg_sys::GetCurrentTransactionNestLevel() };
    let failed = RUNNING.with_borrow_mut(|list| {
        let from = list.iter().position(|running| running.nesting >= nesting);
        from.map_or_else(Vec::new, |from| list.split_off(from))
    });
    if !failed.is_empty() {
        tell(failed);
    }
}
