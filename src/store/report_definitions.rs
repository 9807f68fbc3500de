//! What reports are made by: frameworks that users have added, and definitions of their own.

use super::catalog::as_owner;
use super::checkpoints::{trusted, trusted_rows};
use super::spi::{self, Arg};
use auditlog_core::json::Json;

/// The text of a framework that was added.
pub fn framework(id: &str) -> Option<String> {
    let sql = "SELECT definition FROM auditlog_data.framework WHERE id = $1";
    let rows = as_owner(|| spi::read_latest(sql, &[Arg::text(Some(id))]));
    rows.first()?.first()?.text()
}

/// Adds a framework, or puts it in another's place; returns the text that was there.
pub fn set_framework(id: &str, definition: &str, canonical: &Json, sha256: &str, who: &str) -> Option<String> {
    let before = framework(id);
    trusted(
        "INSERT INTO auditlog_data.framework (id, definition, canonical, sha256, added_by) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO UPDATE SET definition = EXCLUDED.definition, canonical = EXCLUDED.canonical, sha256 = EXCLUDED.sha256, \
         added_by = EXCLUDED.added_by, added_at = clock_timestamp()",
        &[
            Arg::text(Some(id)),
            Arg::text(Some(definition)),
            Arg::jsonb(canonical),
            Arg::text(Some(sha256)),
            Arg::text(Some(who)),
        ],
    );
    before
}

/// Removes a framework that was added; returns its text.
pub fn drop_framework(id: &str) -> Option<String> {
    let rows = trusted_rows(
        "DELETE FROM auditlog_data.framework WHERE id = $1 RETURNING definition",
        &[Arg::text(Some(id))],
    );
    rows.first()?.first()?.text()
}

/// A definition of a report.
pub struct Definition {
    /// Its text.
    pub text: String,
    /// The job that runs it.
    pub job: Option<i64>,
}

/// The definition of this name, locked until the end of the transaction.
pub fn lock(name: &str) -> Option<Definition> {
    let sql = "SELECT definition, job_id FROM auditlog_data.report_definition WHERE name = $1 FOR UPDATE";
    let rows = as_owner(|| spi::run(sql, &[Arg::text(Some(name))]));
    let row = rows.first()?;
    Some(Definition {
        text: row[0].text()?,
        job: row[1].int(),
    })
}

/// The text of the definition of this name.
pub fn text(name: &str) -> Option<String> {
    let sql = "SELECT definition FROM auditlog_data.report_definition WHERE name = $1";
    let rows = as_owner(|| spi::read_latest(sql, &[Arg::text(Some(name))]));
    rows.first()?.first()?.text()
}

/// Defines a report, or defines it anew.
pub fn set(name: &str, definition: &str, canonical: &Json, sha256: &str, who: &str, job: Option<i64>) {
    trusted(
        "INSERT INTO auditlog_data.report_definition (name, definition, canonical, sha256, made_by, job_id) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (name) DO UPDATE SET definition = EXCLUDED.definition, canonical = EXCLUDED.canonical, sha256 = EXCLUDED.sha256, \
         made_by = EXCLUDED.made_by, made_at = clock_timestamp(), job_id = EXCLUDED.job_id",
        &[
            Arg::text(Some(name)),
            Arg::text(Some(definition)),
            Arg::jsonb(canonical),
            Arg::text(Some(sha256)),
            Arg::text(Some(who)),
            Arg::int_or_null(job),
        ],
    );
}

/// Removes the definition of this name.
pub fn remove(name: &str) {
    trusted(
        "DELETE FROM auditlog_data.report_definition WHERE name = $1",
        &[Arg::text(Some(name))],
    );
}
