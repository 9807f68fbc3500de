//! Runs one piece of work in a transaction of its own; a failure is reported, and the worker goes on.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use std::panic::AssertUnwindSafe;

/// Runs `work` in a transaction. On an error the transaction is rolled back and the message returned.
pub fn transaction<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    // SAFETY: a worker's main loop, outside any transaction.
    unsafe {
        pg_sys::SetCurrentStatementStartTimestamp();
        pg_sys::StartTransactionCommand();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
    }
    let result = PgTryBuilder::new(AssertUnwindSafe(|| {
        let result = work();
        // SAFETY: ends what was begun above.
        unsafe {
            pg_sys::PopActiveSnapshot();
            pg_sys::CommitTransactionCommand();
        }
        Ok(result)
    }))
    .catch_others(|caught| {
        let message = describe(&caught);
        // SAFETY: pgrx has taken the error out of PostgreSQL's stack; back to a clean state, as
        // PostgresMain does after an error.
        unsafe { pg_sys::AbortCurrentTransaction() };
        pgrx::log!("pg_auditlog: {message}");
        Err(message)
    })
    .execute();
    // SAFETY: statistics of this process; otherwise autovacuum never learns of its writes.
    unsafe { pg_sys::pgstat_report_stat(false) };
    result
}

fn describe(caught: &CaughtError) -> String {
    match caught {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => report.message().to_owned(),
        CaughtError::RustPanic { ereport, .. } => format!("internal error: {}", ereport.message()),
    }
}
