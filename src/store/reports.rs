//! Reports: what was asked for, how far it is, and its files.

use super::POSTGRES_EPOCH;
use super::catalog::as_owner;
use super::checkpoints::{trusted, trusted_rows};
use super::roles;
use super::spi::{self, Arg};
use pgrx::pg_sys::Oid;

/// A report that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Its number.
    pub id: i64,
    /// `compliance`, `custom` or `incident`.
    pub kind: String,
    /// Framework, name of the definition, or title.
    pub name: String,
    /// The definition's text.
    pub definition: String,
    /// From when on, microseconds since the Unix epoch.
    pub since: i64,
    /// Until before when.
    pub until: i64,
    /// What else events must be, as JSON text.
    pub filters: String,
    /// Formats of its files.
    pub formats: Vec<String>,
    /// The login role that asked.
    pub asked_by: String,
    /// The role that must be allowed to make reports as long as it is made.
    pub role: Oid,
    /// When, microseconds since the Unix epoch.
    pub asked_at: i64,
    /// Events of the log at that time.
    pub log_size: i64,
    /// Rows that a section shows at most.
    pub max_rows: i64,
    /// Whose log it is.
    pub organisation: Option<String>,
    /// How often it was begun.
    pub attempts: i64,
}

const ASKED: &str = "id, kind, name, definition, since, until, filters::text, formats, asked_by, role_oid, asked_at, log_size, max_rows, \
    organisation, attempts";

fn asked(row: &[spi::Cell]) -> Option<Asked> {
    let time = |cell: &spi::Cell| cell.int().map(|at| at + POSTGRES_EPOCH);
    Some(Asked {
        id: row[0].int()?,
        kind: row[1].text()?,
        name: row[2].text()?,
        definition: row[3].text()?,
        since: time(&row[4])?,
        until: time(&row[5])?,
        filters: row[6].text()?,
        formats: row[7].texts()?,
        asked_by: row[8].text()?,
        role: Oid::from_u32(row[9].int()? as u32),
        asked_at: time(&row[10])?,
        log_size: row[11].int()?,
        max_rows: row[12].int()?,
        organisation: row[13].text(),
        attempts: row[14].int()?,
    })
}

/// Asks for a report; returns its number.
pub fn add(new: &Asked) -> i64 {
    let rows = trusted_rows(
        "INSERT INTO auditlog_data.report (kind, name, definition, since, until, filters, formats, asked_by, role_oid, log_size, max_rows, organisation) \
         VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9::oid, $10, $11, $12) RETURNING id",
        &[
            Arg::text(Some(&new.kind)),
            Arg::text(Some(&new.name)),
            Arg::text(Some(&new.definition)),
            Arg::time(new.since),
            Arg::time(new.until),
            Arg::text(Some(&new.filters)),
            Arg::texts(Some(&new.formats)),
            Arg::text(Some(&new.asked_by)),
            Arg::int(i64::from(new.role.to_u32())),
            Arg::int(new.log_size),
            Arg::int(new.max_rows),
            Arg::text(new.organisation.as_deref()),
        ],
    );
    rows.first().and_then(|row| row[0].int()).unwrap_or(0)
}

/// The next report to make: one that was interrupted comes first.
pub fn next() -> Option<Asked> {
    let sql = format!(
        "SELECT {ASKED} FROM auditlog_data.report WHERE state IN ('waiting', 'running') ORDER BY state = 'running' DESC, id LIMIT 1"
    );
    let rows = as_owner(|| spi::read_latest(&sql, &[]));
    rows.first().and_then(|row| asked(row))
}

/// One report, whatever its state.
pub fn find(id: i64) -> Option<Asked> {
    let sql = format!("SELECT {ASKED} FROM auditlog_data.report WHERE id = $1");
    let rows = as_owner(|| spi::read_latest(&sql, &[Arg::int(id)]));
    rows.first().and_then(|row| asked(row))
}

/// The state of a report, its row locked.
pub fn lock(id: i64) -> Option<String> {
    let sql = "SELECT state FROM auditlog_data.report WHERE id = $1 FOR UPDATE";
    let rows = as_owner(|| spi::run(sql, &[Arg::int(id)]));
    rows.first()?.first()?.text()
}

/// Begins, with so many sections to come.
pub fn begin(id: i64, sections: i64) {
    trusted(
        "UPDATE auditlog_data.report SET state = 'running', begun_at = clock_timestamp(), ended_at = NULL, error = NULL, \
         attempts = attempts + 1, sections = $2, sections_done = 0, working_on = NULL WHERE id = $1 AND state IN ('waiting', 'running')",
        &[Arg::int(id), Arg::int(sections)],
    );
}

/// Says what it is at; false when nobody wants it any more.
pub fn progress(id: i64, done: i64, working_on: &str) -> bool {
    let rows = trusted_rows(
        "UPDATE auditlog_data.report SET sections_done = $2, working_on = $3 WHERE id = $1 AND state = 'running' RETURNING id",
        &[Arg::int(id), Arg::int(done), Arg::text(Some(working_on))],
    );
    !rows.is_empty()
}

/// Sets the state by hand.
pub fn set_state(id: i64, state: &str) {
    trusted(
        "UPDATE auditlog_data.report SET state = $2, error = NULL, working_on = NULL, \
         ended_at = CASE $2 WHEN 'cancelled' THEN clock_timestamp() END WHERE id = $1",
        &[Arg::int(id), Arg::text(Some(state))],
    );
}

/// A file of a report.
pub struct File {
    /// `pdf`, `json`, `csv` or `manifest`.
    pub format: &'static str,
    /// Its bytes.
    pub content: Vec<u8>,
    /// Their SHA-256, hexadecimal.
    pub sha256: String,
}

/// It is done.
pub fn done(id: i64, files: &[File], findings: i64, manifest_sha256: &str, event_id: &str) -> bool {
    let rows = trusted_rows(
        "UPDATE auditlog_data.report SET state = 'done', sections_done = sections, working_on = NULL, findings = $2, manifest_sha256 = $3, \
         event_id = $4, ended_at = clock_timestamp() WHERE id = $1 AND state = 'running' RETURNING id",
        &[
            Arg::int(id),
            Arg::int(findings),
            Arg::text(Some(manifest_sha256)),
            Arg::text(Some(event_id)),
        ],
    );
    if rows.is_empty() {
        return false;
    }
    trusted(
        "DELETE FROM auditlog_data.report_file WHERE report_id = $1",
        &[Arg::int(id)],
    );
    for file in files {
        trusted(
            "INSERT INTO auditlog_data.report_file (report_id, format, content, sha256) VALUES ($1, $2, $3, $4)",
            &[
                Arg::int(id),
                Arg::text(Some(file.format)),
                Arg::bytea(&file.content),
                Arg::text(Some(&file.sha256)),
            ],
        );
    }
    true
}

/// It has failed.
pub fn failed(id: i64, error: &str) {
    trusted(
        "UPDATE auditlog_data.report SET state = 'failed', error = $2, working_on = NULL, ended_at = clock_timestamp() \
         WHERE id = $1 AND state = 'running'",
        &[Arg::int(id), Arg::text(Some(error))],
    );
}

/// The content of a file.
pub fn file(id: i64, format: &str) -> Option<Vec<u8>> {
    let sql = "SELECT content FROM auditlog_data.report_file WHERE report_id = $1 AND format = $2";
    let rows = as_owner(|| spi::read_latest(sql, &[Arg::int(id), Arg::text(Some(format))]));
    rows.first()?.first()?.bytes().map(<[u8]>::to_vec)
}

/// The event that names a report's files.
pub fn event_id(id: i64) -> Option<String> {
    let sql = "SELECT event_id FROM auditlog_data.report WHERE id = $1";
    let rows = as_owner(|| spi::read_latest(sql, &[Arg::int(id)]));
    rows.first()?.first()?.text()
}

/// May the role make reports still?
pub fn may_report(role: Oid) -> bool {
    roles::is_any(role, &[c"auditlog_administrator", c"auditlog_compliance"])
}
