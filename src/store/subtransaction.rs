//! Subtransactions: what ends with an error, or is to be given back, while the transaction goes on.

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::{PgTryBuilder, pg_sys};
use std::panic::AssertUnwindSafe;

/// What becomes of what was done.
#[derive(Clone, Copy)]
enum End {
    Keep,
    RollBack,
}

/// Runs queries whose locks are given back at once, by rolling a subtransaction back.
pub fn without_keeping_locks<R>(f: impl FnOnce() -> R) -> R {
    run(End::RollBack, None, f).expect("no error is excused")
}

/// Runs `f` and keeps what it did; `None`, with all of it undone, when it raised this error. Any other goes on up.
pub fn unless<R>(error: Code, f: impl FnOnce() -> R) -> Option<R> {
    run(End::Keep, Some(error), f)
}

fn run<R>(end: End, excused: Option<Code>, f: impl FnOnce() -> R) -> Option<R> {
    // SAFETY: globals of this process, restored below as every caller of internal subtransactions must.
    let (memory, owner) = unsafe { (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner) };
    let finish = |end| {
        // SAFETY: ends the subtransaction that was begun below.
        unsafe {
            match end {
                End::Keep => pg_sys::ReleaseCurrentSubTransaction(),
                End::RollBack => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
            }
            pg_sys::CurrentMemoryContext = memory;
            pg_sys::CurrentResourceOwner = owner;
        }
    };
    // SAFETY: inside a transaction.
    unsafe {
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::CurrentMemoryContext = memory;
    }
    // An error that left it open would leave the session in a state that only a new connection ends.
    PgTryBuilder::new(AssertUnwindSafe(|| {
        let result = f();
        finish(end);
        Some(result)
    }))
    .catch_others(|error| {
        finish(End::RollBack);
        let code = match &error {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => Some(report.sql_error_code()),
            CaughtError::RustPanic { .. } => None,
        };
        if code.is_some() && code == excused {
            return None;
        }
        error.rethrow()
    })
    .execute()
}
