//! The reads of this session's transaction, from the moment before the first row to the transaction's end.

use super::entry::{Ending, Read, What};
use super::frames::{self, Root};
use super::refusal;
use crate::error::Fault;
use crate::guc::{self, StandbyPolicy};
use crate::queue;
use crate::shmem;
use crate::store::inbox::shared_slot;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering;

/// Finished reads of a transaction that wait for its end; more of them are told of before.
const MAX_HELD: usize = 16;

thread_local! {
    static READS: RefCell<Vec<Read>> = const { RefCell::new(Vec::new()) };
    static CALLBACKS: Cell<bool> = const { Cell::new(false) };
}

/// Has this transaction read?
pub fn any() -> bool {
    READS.with_borrow(|reads| !reads.is_empty())
}

/// Are reads of this process told of at all?
pub fn is_on() -> bool {
    guc::ACCESS_LOG.get() && shmem::loaded() && !crate::worker::is_ours()
}

/// The running statement reads the audit log. Comes back only when there is room to tell of it.
pub fn mark(what: What<'_>) -> Result<(), Fault> {
    let (root, statement, nesting) = frames::root();
    // SAFETY: reads this server's state.
    if unsafe { pg_sys::RecoveryInProgress() } && !guc::reads_are_forwarded() {
        return on_standby();
    }
    // Nothing waits with a borrow: the session may be ended meanwhile, which comes back here.
    match more(root, &what) {
        More::Known => return Ok(()),
        More::Bytes(bytes) => {
            let room = queue::reserve(shared_slot(), bytes)?;
            update(root, |read| read.add(what, room));
        }
        More::New => {
            refusal::forget();
            let read = Read::begin(root, statement, nesting, what)?;
            READS.with_borrow_mut(|reads| reads.push(read));
            watch(root);
        }
    }
    Ok(())
}

/// What a statement's further read needs.
enum More {
    /// Nothing: that it reads this was known.
    Known,
    /// Room for so many bytes more.
    Bytes(usize),
    /// It has not read before.
    New,
}

fn more(root: Root, what: &What<'_>) -> More {
    READS.with_borrow_mut(|reads| {
        let read = reads.iter_mut().find(|read| read.root == root && read.ending.is_none());
        read.map_or(More::New, |read| read.more(what).map_or(More::Known, More::Bytes))
    })
}

/// No worker can write on a standby, and nobody has said where the primary is.
fn on_standby() -> Result<(), Fault> {
    let queue = queue::of(shared_slot());
    match guc::STANDBY_ACCESS_POLICY.get() {
        StandbyPolicy::Count => {
            queue.dropped.fetch_add(1, Ordering::AcqRel);
            Ok(())
        }
        StandbyPolicy::Refuse => {
            queue.refused.fetch_add(1, Ordering::AcqRel);
            Err(Fault::new(
                Code::ERRCODE_READ_ONLY_SQL_TRANSACTION,
                "access to the audit log cannot be recorded on a standby",
            )
            .detail("What is read must be recorded, and a standby cannot write.")
            .hint("Read it on the primary; or have a superuser set auditlog.primary_conninfo, so that the primary records it, or auditlog.standby_access_policy = count, which lets reads through and counts them."))
        }
    }
}

fn update(root: Root, f: impl FnOnce(&mut Read)) {
    READS.with_borrow_mut(|reads| {
        if let Some(read) = reads.iter_mut().find(|read| read.root == root && read.ending.is_none()) {
            f(read);
        }
    });
}

/// A verification that the running statement has asked for has come to its end.
pub fn verified(findings: u64) {
    update(frames::root().0, |read| read.verified = Some(findings));
}

/// A statement is planned; its executor begins: what planning has read is the statement's.
pub fn adopt(query: *mut pg_sys::QueryDesc) {
    // SAFETY: the query has a plan.
    let location = unsafe { (*(*query).plannedstmt).stmt_location };
    READS.with_borrow_mut(|reads| {
        for read in reads
            .iter_mut()
            .filter(|read| read.root == Root::Planning && read.ending.is_none())
        {
            if read.location == location {
                read.root = Root::Query(query);
            } else {
                read.end(Ending::Success);
            }
        }
    });
}

/// The query's rows are about to be made.
pub fn run(query: *mut pg_sys::QueryDesc) {
    update(Root::Query(query), Read::go_on);
    watch(Root::Query(query));
}

/// They were made.
pub fn pause(query: *mut pg_sys::QueryDesc, ran: bool) {
    update(Root::Query(query), |read| {
        // SAFETY: the executor's state lives until its end.
        let rows = unsafe { (*query).estate.as_ref() }.map_or(0, |state| state.es_processed);
        read.pause(if ran { rows } else { 0 });
    });
}

/// The query's executor ends.
pub fn ended(query: *mut pg_sys::QueryDesc) {
    finish(Root::Query(query), |_| {});
}

/// A statement inside of this one copies rows out.
pub fn note_copy(root: Root) {
    update(root, Read::exports);
}

/// The utility statement has ended.
pub fn utility_ended(root: Root, rows: Option<u64>) {
    finish(root, |read| read.rows = rows.or(read.rows));
}

fn finish(root: Root, f: impl FnOnce(&mut Read)) {
    let mut found = false;
    update(root, |read| {
        f(read);
        read.end(Ending::Success);
        found = true;
    });
    // Outside of a transaction block the end is there in a moment.
    // SAFETY: reads this process' state.
    if found && unsafe { pg_sys::IsTransactionBlock() } {
        READS.with_borrow_mut(|reads| {
            let held = reads.iter().filter(|read| read.ending.is_some()).count();
            for read in reads.iter_mut().filter(|read| read.root == root) {
                read.shrink();
            }
            if held > MAX_HELD || queue::of(shared_slot()).is_tight() {
                let (done, going_on) = std::mem::take(reads)
                    .into_iter()
                    .partition(|read| read.ending.is_some());
                *reads = going_on;
                push(done, "open");
            }
        });
    }
}

fn push(reads: Vec<Read>, transaction: &str) {
    for read in reads {
        read.push(transaction);
    }
}

/// How many rows a query had sent when an error ended it is known only to its executor's state, whose memory is
/// freed before the transaction's end is told of.
fn watch(root: Root) {
    let Root::Query(query) = root else { return };
    update(root, |read| {
        // SAFETY: a started query's state; the callback lives in the memory that it watches.
        unsafe {
            let state = (*query).estate;
            if !read.is_watched && !state.is_null() {
                let memory = (*state).es_query_cxt;
                let callback: *mut pg_sys::MemoryContextCallback =
                    pg_sys::MemoryContextAllocZero(memory, size_of::<pg_sys::MemoryContextCallback>()).cast();
                (*callback).func = Some(executor_freed);
                (*callback).arg = query.cast();
                pg_sys::MemoryContextRegisterResetCallback(memory, callback);
                read.state = state;
                read.is_watched = true;
            }
        }
    });
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn executor_freed(query: *mut std::ffi::c_void) {
    let query = query.cast();
    if frames::is_running(query) {
        update(Root::Query(query), |read| {
            // SAFETY: the state lies in the memory whose freeing begins with this call.
            let rows = unsafe { (*read.state).es_processed };
            read.pause(rows);
        });
    }
}

/// Has the ends of transactions told of. Called for every statement of the server.
pub fn register() {
    if !CALLBACKS.replace(true) {
        // SAFETY: plain functions that live as long as the process.
        unsafe {
            pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut());
            pg_sys::RegisterSubXactCallback(Some(at_savepoint_end), std::ptr::null_mut());
        }
    }
}

/// Nothing here may fail: the transaction has its end already.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _argument: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::{
        XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PARALLEL_ABORT, XACT_EVENT_PARALLEL_COMMIT, XACT_EVENT_PREPARE,
    };
    let (transaction, ending) = match event {
        XACT_EVENT_COMMIT => ("committed", Ending::Success),
        XACT_EVENT_PREPARE => ("prepared", Ending::Success),
        XACT_EVENT_PARALLEL_COMMIT => ("open", Ending::Success),
        XACT_EVENT_ABORT => ("rolled_back", Ending::Failed),
        XACT_EVENT_PARALLEL_ABORT => ("open", Ending::Failed),
        _ => return,
    };
    if ending == Ending::Failed {
        frames::clear();
    }
    let mut reads = READS.take();
    for read in &mut reads {
        read.end(ending);
    }
    push(reads, transaction);
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn at_savepoint_end(
    event: pg_sys::SubXactEvent::Type,
    _own: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _argument: *mut std::ffi::c_void,
) {
    use pg_sys::SubXactEvent::{SUBXACT_EVENT_ABORT_SUB, SUBXACT_EVENT_COMMIT_SUB};
    let nesting = frames::nesting();
    READS.with_borrow_mut(|reads| {
        for read in reads.iter_mut().filter(|read| read.nesting >= nesting) {
            match event {
                SUBXACT_EVENT_COMMIT_SUB => read.nesting = nesting - 1,
                SUBXACT_EVENT_ABORT_SUB => {
                    read.end(Ending::Failed);
                    read.rolled_back = true;
                    read.nesting = nesting - 1;
                }
                _ => {}
            }
        }
    });
    if event == SUBXACT_EVENT_ABORT_SUB {
        frames::roll_back_to(nesting);
    }
}

/// Is a read of the running statement being told of anyway?
pub fn is_marked() -> bool {
    let root = frames::root().0;
    READS.with_borrow(|reads| reads.iter().any(|read| read.root == root && read.ending.is_none()))
}
