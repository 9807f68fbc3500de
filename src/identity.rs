//! Whom a verified token has named, until the transaction ends. Kept in this process' memory and nowhere
//! else: a setting could be set by any SQL (compliance.md §2.4).

use pgrx::pg_sys;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// An actor and its tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The actor's id.
    pub actor_id: String,
    /// The actor's tenant.
    pub tenant: Option<String>,
}

/// The token of ours by which an actor was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its number.
    pub id: i64,
    /// What it is good for; `None`: all that its owner may do.
    pub scopes: Option<Vec<String>>,
}

struct Named {
    subject: Rc<Subject>,
    token: Option<Rc<ApiToken>>,
    /// The subtransaction whose rollback undoes it.
    level: pg_sys::SubTransactionId,
}

thread_local! {
    // The last one counts; those before come back with ROLLBACK TO SAVEPOINT.
    static NAMED: RefCell<Vec<Named>> = const { RefCell::new(Vec::new()) };
    static CALLBACKS: Cell<bool> = const { Cell::new(false) };
}

/// From now until the end of the transaction, or of the savepoint that is rolled back, the session speaks
/// for this actor; `token` when it was named by one of ours.
pub fn set(subject: Subject, token: Option<ApiToken>) {
    if !CALLBACKS.replace(true) {
        // SAFETY: plain functions that live as long as the process.
        unsafe {
            pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut());
            pg_sys::RegisterSubXactCallback(Some(at_savepoint_end), std::ptr::null_mut());
        }
    }
    // SAFETY: reads a variable of this process.
    let level = unsafe { pg_sys::GetCurrentSubTransactionId() };
    NAMED.with_borrow_mut(|named| {
        named.retain(|one| one.level != level);
        named.push(Named {
            subject: Rc::new(subject),
            token: token.map(Rc::new),
            level,
        });
    });
}

/// Whom the session speaks for, when a token has said so in this transaction.
pub fn current() -> Option<Rc<Subject>> {
    NAMED.with_borrow(|named| named.last().map(|one| one.subject.clone()))
}

/// The token of ours by which the session speaks for somebody.
pub fn token() -> Option<Rc<ApiToken>> {
    NAMED.with_borrow(|named| named.last().and_then(|one| one.token.clone()))
}

/// Nothing here may fail: an error at this point would take the whole cluster down.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _argument: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE};
    if matches!(event, XACT_EVENT_COMMIT | XACT_EVENT_ABORT | XACT_EVENT_PREPARE) {
        NAMED.with_borrow_mut(Vec::clear);
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn at_savepoint_end(
    event: pg_sys::SubXactEvent::Type,
    level: pg_sys::SubTransactionId,
    parent: pg_sys::SubTransactionId,
    _argument: *mut std::ffi::c_void,
) {
    use pg_sys::SubXactEvent::{SUBXACT_EVENT_ABORT_SUB, SUBXACT_EVENT_COMMIT_SUB};
    NAMED.with_borrow_mut(|named| match event {
        SUBXACT_EVENT_ABORT_SUB => named.retain(|one| one.level != level),
        SUBXACT_EVENT_COMMIT_SUB => {
            for one in named.iter_mut().filter(|one| one.level == level) {
                one.level = parent;
            }
        }
        _ => {}
    });
}
