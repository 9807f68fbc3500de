//! Runs one piece of work in a transaction of its own; a failure is reported, and the worker goes on.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use std::panic::AssertUnwindSafe;

/// Why a piece of work failed.
#[derive(Debug)]
pub struct Failure {
    /// The error's SQLSTATE.
    pub code: PgSqlErrorCode,
    /// Its message.
    pub message: String,
    /// Its DETAIL: of a deadlock, who waited for whom.
    detail: Option<String>,
}

/// Runs `work` in a transaction. On an error the transaction is rolled back and the message returned.
pub fn transaction<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    attempt(work).map_err(|failure| failure.message)
}

/// The same, for who has to know what kind of error it was.
pub fn attempt<R>(work: impl FnOnce() -> R) -> Result<R, Failure> {
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
        let failure = describe(&caught);
        // SAFETY: pgrx has taken the error out of PostgreSQL's stack; back to a clean state. AbortCurrentTransaction would end
        // a subtransaction only, where one was left open.
        unsafe { pg_sys::AbortOutOfAnyTransaction() };
        let detail = failure.detail.as_deref().unwrap_or_default();
        pgrx::log!(
            "pg_auditlog: {}{}{detail}",
            failure.message,
            if detail.is_empty() { "" } else { ": " }
        );
        Err(failure)
    })
    .execute();
    // SAFETY: statistics of this process; otherwise autovacuum never learns of its writes.
    unsafe { pg_sys::pgstat_report_stat(false) };
    result
}

fn describe(caught: &CaughtError) -> Failure {
    let (report, prefix) = match caught {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => (report, ""),
        CaughtError::RustPanic { ereport, .. } => (ereport, "internal error: "),
    };
    Failure {
        code: report.sql_error_code(),
        message: format!("{prefix}{}", report.message()),
        detail: report.detail().map(str::to_owned),
    }
}
