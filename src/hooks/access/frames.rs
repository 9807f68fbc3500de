//! What is running: the statement that a client sent, and what runs inside of it. A read that a function makes
//! somewhere inside belongs to the statement that the client sent, the root.
//!
//! Frames are left by whoever entered them, or, after an error, when the transaction or the savepoint is rolled back.

use crate::infallible;
use pgrx::pg_sys;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char};

/// The statement that a client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// A query, or a cursor's query, for as long as its executor lives.
    Query(*mut pg_sys::QueryDesc),
    /// A utility statement.
    Utility(u64),
    /// A query that is being planned; its executor takes over.
    Planning,
    /// A call without a statement (PostgreSQL's fast path).
    Call,
}

/// What a root is: pointers into PostgreSQL's memory that live as long as its frame.
#[derive(Debug, Clone, Copy)]
pub struct Statement {
    /// The string it is in.
    pub text: *const c_char,
    /// Where it begins there; negative: at the beginning.
    pub location: i32,
    /// Its length; 0: to the end.
    pub length: i32,
    /// The utility's node; null for a query.
    pub node: *mut pg_sys::Node,
    /// The query's command.
    pub command: pg_sys::CmdType::Type,
}

/// A query that is started, run or finished, or a utility statement.
#[derive(Debug, Clone, Copy)]
struct Frame {
    root: Root,
    nesting: i32,
    statement: Statement,
    /// The query that is being run.
    running: *mut pg_sys::QueryDesc,
}

/// A cursor's query, and what its DECLARE was.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    query: *mut pg_sys::QueryDesc,
    location: i32,
    length: i32,
    nesting: i32,
}

thread_local! {
    static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
    static CURSORS: RefCell<Vec<Cursor>> = const { RefCell::new(Vec::new()) };
    static UTILITIES: Cell<u64> = const { Cell::new(0) };
}

/// Nesting of transactions.
pub fn nesting() -> i32 {
    // SAFETY: reads this process' state.
    unsafe { infallible::GetCurrentTransactionNestLevel() }
}

/// What a query is started, run or finished for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its executor is being started.
    Start,
    /// It runs.
    Run,
    /// Its rest is being done.
    Finish,
}

/// A query's executor goes on; returns the depth to leave to.
///
/// # Safety
/// The query has a plan.
pub unsafe fn enter_query(query: *mut pg_sys::QueryDesc, stage: Stage) -> usize {
    // SAFETY: as the caller promises.
    let plan = unsafe { &*(*query).plannedstmt };
    FRAMES.with_borrow_mut(|frames| {
        let depth = frames.len();
        let declares = stage == Stage::Start && frames.last().is_some_and(|frame| is_declare(frame.statement.node));
        let (mut location, mut length) = (plan.stmt_location, plan.stmt_len);
        let root = if declares {
            let outer = frames[depth - 1];
            (location, length) = (outer.statement.location, outer.statement.length);
            let nesting = outer.nesting;
            CURSORS.with_borrow_mut(|cursors| {
                cursors.push(Cursor {
                    query,
                    location,
                    length,
                    nesting,
                });
            });
            Root::Query(query)
        } else if let Some(cursor) = cursor(query) {
            (location, length) = (cursor.location, cursor.length);
            Root::Query(query)
        } else {
            frames.last().map_or(Root::Query(query), |frame| frame.root)
        };
        let running = if stage == Stage::Run {
            query
        } else {
            std::ptr::null_mut()
        };
        frames.push(Frame {
            root,
            nesting: nesting(),
            statement: Statement {
                // SAFETY: as the caller promises.
                text: unsafe { (*query).sourceText },
                location,
                length,
                node: std::ptr::null_mut(),
                command: plan.commandType,
            },
            running,
        });
        depth
    })
}

/// A utility statement begins; returns the depth to leave to, and the root.
///
/// # Safety
/// The statement is a utility's.
pub unsafe fn enter_utility(statement: *mut pg_sys::PlannedStmt, text: *const c_char) -> (usize, Root) {
    // SAFETY: as the caller promises.
    let plan = unsafe { &*statement };
    FRAMES.with_borrow_mut(|frames| {
        let depth = frames.len();
        let root = frames.last().map_or_else(
            || {
                let number = UTILITIES.get() + 1;
                UTILITIES.set(number);
                Root::Utility(number)
            },
            |frame| frame.root,
        );
        frames.push(Frame {
            root,
            nesting: nesting(),
            statement: Statement {
                text,
                location: plan.stmt_location,
                length: plan.stmt_len,
                node: plan.utilityStmt,
                command: plan.commandType,
            },
            running: std::ptr::null_mut(),
        });
        (depth, root)
    })
}

/// A query is being planned, which may run functions; returns the depth to leave to.
///
/// # Safety
/// The query was analysed.
pub unsafe fn enter_planner(query: *mut pg_sys::Query, text: *const c_char) -> usize {
    // SAFETY: as the caller promises.
    let query = unsafe { &*query };
    FRAMES.with_borrow_mut(|frames| {
        let depth = frames.len();
        frames.push(Frame {
            root: frames.last().map_or(Root::Planning, |frame| frame.root),
            nesting: nesting(),
            statement: Statement {
                text,
                location: query.stmt_location,
                length: query.stmt_len,
                node: std::ptr::null_mut(),
                command: query.commandType,
            },
            running: std::ptr::null_mut(),
        });
        depth
    })
}

/// Back to the depth that entering returned.
pub fn leave(depth: usize) {
    FRAMES.with_borrow_mut(|frames| frames.truncate(depth));
}

fn is_declare(node: *mut pg_sys::Node) -> bool {
    // SAFETY: null, or the node of a statement that is running.
    !node.is_null() && unsafe { (*node).type_ } == pg_sys::NodeTag::T_DeclareCursorStmt
}

fn cursor(query: *mut pg_sys::QueryDesc) -> Option<Cursor> {
    CURSORS.with_borrow(|cursors| cursors.iter().find(|cursor| cursor.query == query).copied())
}

/// A query's executor is ended.
pub fn forget(query: *mut pg_sys::QueryDesc) {
    CURSORS.with_borrow_mut(|cursors| cursors.retain(|cursor| cursor.query != query));
}

/// Are there cursors?
pub fn any_cursor() -> bool {
    CURSORS.with_borrow(|cursors| !cursors.is_empty())
}

/// The root of what runs now, what it is, and the nesting of transactions in which it began.
pub fn root() -> (Root, Option<Statement>, i32) {
    FRAMES.with_borrow(|frames| match frames.last() {
        Some(last) => {
            let first = frames.iter().find(|frame| frame.root == last.root).unwrap_or(last);
            (first.root, Some(first.statement), first.nesting)
        }
        None => (Root::Call, None, nesting()),
    })
}

/// Is the client's own statement being started, and nothing inside of it?
pub fn is_outermost() -> bool {
    FRAMES.with_borrow(|frames| frames.len() <= 1)
}

/// Is this query running, or was it when the error came?
pub fn is_running(query: *mut pg_sys::QueryDesc) -> bool {
    FRAMES.with_borrow(|frames| frames.iter().any(|frame| frame.running == query))
}

/// The transaction was rolled back: nothing of it runs any more.
pub fn clear() {
    FRAMES.with_borrow_mut(Vec::clear);
    CURSORS.with_borrow_mut(Vec::clear);
}

/// A savepoint of this nesting was rolled back.
pub fn roll_back_to(nesting: i32) {
    FRAMES.with_borrow_mut(|frames| frames.retain(|frame| frame.nesting < nesting));
    CURSORS.with_borrow_mut(|cursors| cursors.retain(|cursor| cursor.nesting < nesting));
}

impl Statement {
    /// The statement's own text, without what stands beside it in the same string.
    pub fn text(&self) -> String {
        if self.text.is_null() {
            return String::new();
        }
        // SAFETY: the source of a statement whose frame is still there, NUL-terminated.
        let whole = unsafe { CStr::from_ptr(self.text) }.to_bytes();
        let start = usize::try_from(self.location).unwrap_or(0).min(whole.len());
        let end = match usize::try_from(self.length) {
            Ok(length) if length > 0 => (start + length).min(whole.len()),
            _ => whole.len(),
        };
        String::from_utf8_lossy(&whole[start..end]).trim().to_owned()
    }

    /// What it does, in lower case: `select`, `copy`, `declare cursor` …
    pub fn operation(&self) -> String {
        use pg_sys::CmdType::{CMD_DELETE, CMD_INSERT, CMD_SELECT, CMD_UPDATE};
        if self.node.is_null() {
            return match self.command {
                CMD_SELECT => "select",
                CMD_INSERT => "insert",
                CMD_UPDATE => "update",
                CMD_DELETE => "delete",
                _ => "query",
            }
            .to_owned();
        }
        // SAFETY: the node of a statement that is running; names are constants of PostgreSQL.
        unsafe {
            let name = pg_sys::GetCommandTagName(pg_sys::CreateCommandTag(self.node));
            CStr::from_ptr(name).to_string_lossy().to_lowercase().replace(' ', "_")
        }
    }

    /// Does it copy rows out?
    pub fn copies_out(&self) -> bool {
        copies_out(self.node)
    }
}

/// Is this the node of a COPY … TO?
pub fn copies_out(node: *mut pg_sys::Node) -> bool {
    let copy: *mut pg_sys::CopyStmt = node.cast();
    // SAFETY: null, or the node of a live statement, whose tag says what it is.
    !node.is_null() && unsafe { (*node).type_ == pg_sys::NodeTag::T_CopyStmt && !(*copy).is_from }
}
