//! The tables of jobs and of their runs.

use super::catalog::as_owner;
use super::checkpoints::trusted;
use super::jsonb;
use super::spi::{self, Arg, Cell};
use auditlog_core::json::Json;

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    /// Number.
    pub id: i64,
    /// Name, if it has one.
    pub name: Option<String>,
    /// Schedule as text.
    pub schedule: String,
    /// What is executed.
    pub command: String,
    /// Database in which.
    pub database: String,
    /// Role as which.
    pub role: String,
    /// Is it run?
    pub active: bool,
    /// Another one whenever it has changed.
    pub revision: i64,
    /// Until when it has been decided what was due, microseconds since the Unix epoch.
    pub looked_at: i64,
}

const COLUMNS: &str = "jobid, jobname, schedule, command, database, username, active, revision, looked_at";

fn parse(row: &[Cell]) -> Option<JobRow> {
    Some(JobRow {
        id: row[0].int()?,
        name: row[1].text(),
        schedule: row[2].text()?,
        command: row[3].text()?,
        database: row[4].text()?,
        role: row[5].text()?,
        active: row[6].int()? != 0,
        revision: row[7].int()?,
        looked_at: row[8].int()? + super::POSTGRES_EPOCH,
    })
}

/// Jobs that are run.
pub fn active() -> Vec<JobRow> {
    let sql = format!("SELECT {COLUMNS} FROM auditlog_data.job WHERE active ORDER BY jobid");
    as_owner(|| spi::run(&sql, &[]))
        .iter()
        .filter_map(|row| parse(row))
        .collect()
}

/// A job, locked until the end of the transaction.
pub fn lock(id: i64) -> Option<JobRow> {
    let sql = format!("SELECT {COLUMNS} FROM auditlog_data.job WHERE jobid = $1 FOR UPDATE");
    let rows = as_owner(|| spi::run(&sql, &[Arg::int(id)]));
    rows.first().and_then(|row| parse(row))
}

/// A role's job of this name, locked until the end of the transaction.
pub fn lock_named(name: &str, role: &str) -> Option<JobRow> {
    let sql = format!("SELECT {COLUMNS} FROM auditlog_data.job WHERE jobname = $1 AND username = $2 FOR UPDATE");
    let rows = as_owner(|| spi::run(&sql, &[Arg::text(Some(name)), Arg::text(Some(role))]));
    rows.first().and_then(|row| parse(row))
}

/// Adds a job and returns its number.
pub fn add(job: &JobRow) -> i64 {
    let rows = as_owner(|| spi::run("SELECT nextval('auditlog_data.job_jobid_seq')", &[]));
    let id = rows.first().and_then(|row| row[0].int()).unwrap_or_default();
    trusted(
        "INSERT INTO auditlog_data.job (jobid, jobname, schedule, command, database, username, active) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            Arg::int(id),
            Arg::text(job.name.as_deref()),
            Arg::text(Some(&job.schedule)),
            Arg::text(Some(&job.command)),
            Arg::text(Some(&job.database)),
            Arg::text(Some(&job.role)),
            Arg::truth(job.active),
        ],
    );
    id
}

/// Changes a job. What was due before is over.
pub fn replace(job: &JobRow) {
    trusted(
        "UPDATE auditlog_data.job SET schedule = $2, command = $3, database = $4, username = $5, active = $6, \
         revision = revision + 1, looked_at = clock_timestamp() WHERE jobid = $1",
        &[
            Arg::int(job.id),
            Arg::text(Some(&job.schedule)),
            Arg::text(Some(&job.command)),
            Arg::text(Some(&job.database)),
            Arg::text(Some(&job.role)),
            Arg::truth(job.active),
        ],
    );
}

/// Removes a job.
pub fn remove(id: i64) {
    trusted("DELETE FROM auditlog_data.job WHERE jobid = $1", &[Arg::int(id)]);
}

/// A job, for an event.
pub fn described(id: i64) -> Option<Json> {
    let sql = "SELECT jsonb_build_object('schedule', schedule, 'command', command, 'database', database, 'username', username, \
        'active', active, 'jobname', jobname) FROM auditlog_data.job WHERE jobid = $1";
    let rows = as_owner(|| spi::run(sql, &[Arg::int(id)]));
    jsonb::tree(rows.first()?[0].bytes()?).ok()
}

/// It is decided what was due until `now` (microseconds since the Unix epoch). The scheduler's.
pub fn looked(id: i64, now: i64) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.job SET looked_at = $2 WHERE jobid = $1",
            &[Arg::int(id), Arg::time(now)],
        )
    });
}

/// A run begins; returns its number.
pub fn begin(job: &JobRow) -> i64 {
    let rows = as_owner(|| {
        spi::run(
            "INSERT INTO auditlog_data.job_run (jobid, database, username, command, status, start_time) \
             VALUES ($1, $2, $3, $4, 'starting', clock_timestamp()) RETURNING runid",
            &[
                Arg::int(job.id),
                Arg::text(Some(&job.database)),
                Arg::text(Some(&job.role)),
                Arg::text(Some(&job.command)),
            ],
        )
    });
    rows.first().and_then(|row| row[0].int()).unwrap_or_default()
}

/// What a run has come to; `ended` when that is its end.
pub fn progress(run: i64, status: &str, pid: Option<i32>, message: Option<&str>, ended: bool) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.job_run SET status = $2, job_pid = COALESCE($3::integer, job_pid), return_message = $4, \
             end_time = CASE WHEN $5 THEN clock_timestamp() END WHERE runid = $1",
            &[
                Arg::int(run),
                Arg::text(Some(status)),
                Arg::int_or_null(pid.map(i64::from)),
                Arg::text(message),
                Arg::truth(ended),
            ],
        )
    });
}

/// Runs that a server before this one has left.
pub fn abandon() {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.job_run SET status = 'failed', return_message = 'server restarted', end_time = clock_timestamp() \
             WHERE status IN ('starting', 'running', 'connecting', 'sending')",
            &[],
        )
    });
}

/// Forgets runs that ended more than `days` ago.
pub fn purge(days: i64) {
    as_owner(|| {
        spi::run(
            "DELETE FROM auditlog_data.job_run WHERE end_time < clock_timestamp() - make_interval(days => $1::integer)",
            &[Arg::int(days)],
        )
    });
}
