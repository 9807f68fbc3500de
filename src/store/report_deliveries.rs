//! Files of custom reports on their way to sinks.

use super::POSTGRES_EPOCH;
use super::catalog::as_owner;
use super::checkpoints::{trusted, trusted_rows};
use super::spi::{self, Arg};
use std::time::Duration;

/// A delivery that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The report.
    pub report: i64,
    /// Name of its definition.
    pub name: String,
    /// Name of the sink.
    pub sink: String,
    /// The login role that asked for the report.
    pub asked_by: String,
    /// From when on it is, microseconds since the Unix epoch.
    pub since: i64,
    /// Until before when.
    pub until: i64,
    /// SHA-256 of its manifest.
    pub manifest_sha256: String,
    /// Since when it is done.
    pub done_at: i64,
    /// How often it was tried.
    pub attempts: i64,
}

/// Asks for the files to be brought to these sinks.
pub fn add(report: i64, sinks: &[String]) {
    for sink in sinks {
        trusted(
            "INSERT INTO auditlog_data.report_delivery (report_id, sink) VALUES ($1, $2) ON CONFLICT (report_id, sink) DO NOTHING",
            &[Arg::int(report), Arg::text(Some(sink))],
        );
    }
}

/// The next that is due. A sink that is paused gets nothing until it goes on.
pub fn next() -> Option<Due> {
    let sql = "SELECT d.report_id, r.name, d.sink, r.asked_by, r.since, r.until, r.manifest_sha256, r.ended_at, d.attempts \
         FROM auditlog_data.report_delivery AS d JOIN auditlog_data.report AS r ON r.id = d.report_id \
         WHERE d.state = 'waiting' AND d.due_at <= clock_timestamp() AND r.state = 'done' \
         AND NOT EXISTS (SELECT FROM auditlog_data.sink AS s WHERE s.name = d.sink AND NOT s.enabled) \
         ORDER BY d.due_at, d.report_id LIMIT 1";
    let rows = as_owner(|| spi::read_latest(sql, &[]));
    let row = rows.first()?;
    let time = |cell: &spi::Cell| cell.int().map(|at| at + POSTGRES_EPOCH);
    Some(Due {
        report: row[0].int()?,
        name: row[1].text()?,
        sink: row[2].text()?,
        asked_by: row[3].text()?,
        since: time(&row[4])?,
        until: time(&row[5])?,
        manifest_sha256: row[6].text()?,
        done_at: time(&row[7])?,
        attempts: row[8].int()?,
    })
}

/// Puts it off, without counting a try.
pub fn wait(due: &Due, time: Duration) {
    trusted(
        "UPDATE auditlog_data.report_delivery SET due_at = clock_timestamp() + $3 * interval '1 second' WHERE report_id = $1 AND sink = $2",
        &[
            Arg::int(due.report),
            Arg::text(Some(&due.sink)),
            Arg::int(time.as_secs().max(1) as i64),
        ],
    );
}

/// A try has failed; the next is after this time, if there is to be one.
pub fn failed(due: &Due, error: &str, again: Option<Duration>) {
    trusted(
        "UPDATE auditlog_data.report_delivery SET attempts = attempts + 1, error = $3, \
         state = CASE WHEN $4::bigint IS NULL THEN 'failed' ELSE 'waiting' END, \
         ended_at = CASE WHEN $4::bigint IS NULL THEN clock_timestamp() END, \
         due_at = clock_timestamp() + coalesce($4, 0) * interval '1 second' \
         WHERE report_id = $1 AND sink = $2 AND state = 'waiting'",
        &[
            Arg::int(due.report),
            Arg::text(Some(&due.sink)),
            Arg::text(Some(error)),
            Arg::int_or_null(again.map(|time| time.as_secs() as i64)),
        ],
    );
}

/// All files are there.
pub fn delivered(due: &Due, folder: &str, proven: bool) -> bool {
    let rows = trusted_rows(
        "UPDATE auditlog_data.report_delivery SET attempts = attempts + 1, state = 'delivered', ended_at = clock_timestamp(), folder = $3, \
         proven = $4, error = NULL WHERE report_id = $1 AND sink = $2 AND state = 'waiting' RETURNING report_id",
        &[
            Arg::int(due.report),
            Arg::text(Some(&due.sink)),
            Arg::text(Some(folder)),
            Arg::truth(proven),
        ],
    );
    !rows.is_empty()
}

/// Has what failed tried again, at once; returns how many those are.
pub fn again(report: i64) -> usize {
    trusted_rows(
        "UPDATE auditlog_data.report_delivery SET state = 'waiting', attempts = 0, ended_at = NULL, due_at = clock_timestamp() \
         WHERE report_id = $1 AND (state = 'failed' OR state = 'waiting' AND attempts > 0) RETURNING report_id",
        &[Arg::int(report)],
    )
    .len()
}
