//! Jobs and their runs.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;
use utoipa::ToSchema;

use super::Answer;
use crate::database::Transaction;

/// A job.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its number.
    pub jobid: i64,
    /// Its name.
    pub jobname: Option<String>,
    /// When it runs.
    pub schedule: String,
    /// What it runs.
    pub command: String,
    /// Where.
    pub database: String,
    /// As whom.
    pub username: String,
    /// Does it run?
    pub active: bool,
}

/// Jobs that the caller may see.
///
/// # Errors
/// What the database refuses.
pub async fn list(transaction: &Transaction) -> Answer<Vec<Job>> {
    transaction
        .list(
            "SELECT j.jobid, j.jobname, j.schedule, j.command, j.database, j.username, j.active FROM auditlog.job AS j ORDER BY j.jobid",
            &[],
        )
        .await
}

/// A run of a job.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// The job.
    pub jobid: i64,
    /// The run.
    pub runid: i64,
    /// What became of it.
    pub status: String,
    /// What it said.
    pub return_message: Option<String>,
    /// When it began.
    pub start_time: Option<String>,
    /// When it ended.
    pub end_time: Option<String>,
}

/// The newest runs, of a job or of all.
///
/// # Errors
/// What the database refuses.
pub async fn runs(transaction: &Transaction, job: Option<i64>, limit: i64) -> Answer<Vec<Run>> {
    transaction
        .list(
            "SELECT r.jobid, r.runid, r.status, r.return_message, r.start_time, r.end_time FROM auditlog.job_run_details AS r \
             WHERE $1::int8 IS NULL OR r.jobid = $1 ORDER BY r.runid DESC LIMIT $2",
            &[(&job, Type::INT8), (&limit, Type::INT8)],
        )
        .await
}

/// Has a job run at other times, or not any more; what is None stays.
///
/// # Errors
/// What the database refuses.
pub async fn alter(transaction: &Transaction, id: i64, schedule: Option<&str>, active: Option<bool>) -> Answer<()> {
    transaction
        .call(
            "SELECT auditlog.alter_job($1, schedule => $2, active => $3)",
            &[(&id, Type::INT8), (&schedule, Type::TEXT), (&active, Type::BOOL)],
        )
        .await
}

/// Removes a job.
///
/// # Errors
/// What the database refuses.
pub async fn remove(transaction: &Transaction, id: i64) -> Answer<()> {
    transaction
        .call("SELECT auditlog.unschedule($1)", &[(&id, Type::INT8)])
        .await
}
