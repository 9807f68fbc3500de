//! Legal holds: what must not be removed.

use super::POSTGRES_EPOCH;
use super::catalog::as_owner;
use super::checkpoints::{trusted, trusted_rows};
use super::spi::{self, Arg, Cell};

/// A hold that is not released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Which events.
    pub query: String,
    /// Until when, microseconds since the Unix epoch; for ever when `None`.
    pub until: Option<i64>,
    /// Who made it.
    pub made_by: String,
    /// Who has asked for its release.
    pub wanted_by: Option<String>,
}

const COLUMNS: &str = "id, name, query, until, made_by, wanted_by";

fn parse(row: &[Cell]) -> Option<Hold> {
    Some(Hold {
        id: row[0].int()?,
        name: row[1].text()?,
        query: row[2].text()?,
        until: row[3].int().map(|us| us + POSTGRES_EPOCH),
        made_by: row[4].text()?,
        wanted_by: row[5].text(),
    })
}

/// Nobody makes or releases a hold until the end of the transaction.
pub fn freeze() {
    as_owner(|| spi::run("LOCK TABLE auditlog_data.legal_hold IN SHARE ROW EXCLUSIVE MODE", &[]));
}

/// Holds in force at a time, in microseconds since the Unix epoch.
pub fn in_force(at: i64) -> Vec<Hold> {
    let sql = format!(
        "SELECT {COLUMNS} FROM auditlog_data.legal_hold WHERE released_at IS NULL AND (until IS NULL OR until > $1) ORDER BY name"
    );
    let rows = as_owner(|| spi::read_latest(&sql, &[Arg::time(at)]));
    rows.iter().filter_map(|row| parse(row)).collect()
}

/// A hold that is not released, locked until the end of the transaction.
pub fn lock(name: &str) -> Option<Hold> {
    let sql =
        format!("SELECT {COLUMNS} FROM auditlog_data.legal_hold WHERE name = $1 AND released_at IS NULL FOR UPDATE");
    let rows = as_owner(|| spi::run(&sql, &[Arg::text(Some(name))]));
    rows.first().and_then(|row| parse(row))
}

/// Adds a hold.
pub fn add(name: &str, query: &str, until: Option<i64>, reason: &str, who: &str) {
    trusted(
        "INSERT INTO auditlog_data.legal_hold (name, query, until, reason, made_by) VALUES ($1, $2, $3, $4, $5)",
        &[
            Arg::text(Some(name)),
            Arg::text(Some(query)),
            Arg::time_or_null(until),
            Arg::text(Some(reason)),
            Arg::text(Some(who)),
        ],
    );
}

/// Somebody wants it released.
pub fn want(id: i64, who: &str) {
    trusted(
        "UPDATE auditlog_data.legal_hold SET wanted_by = $2, wanted_at = clock_timestamp() WHERE id = $1",
        &[Arg::int(id), Arg::text(Some(who))],
    );
}

/// It is released.
pub fn release(id: i64, reason: &str, who: &str) {
    trusted_rows(
        "UPDATE auditlog_data.legal_hold SET released_at = clock_timestamp(), released_by = $2, release_reason = $3 WHERE id = $1",
        &[Arg::int(id), Arg::text(Some(who)), Arg::text(Some(reason))],
    );
}

/// How many events match a query now.
pub fn matching(query: &str) -> i64 {
    let sql = "SELECT count(*) FROM auditlog.events AS e WHERE auditlog.matches(e, $1)";
    let rows = as_owner(|| spi::read_latest(sql, &[Arg::text(Some(query))]));
    rows.first().and_then(|row| row[0].int()).unwrap_or(0)
}

/// The places of the events of one class and time that any of the queries holds, ascending.
pub fn places(queries: &[String], class: &str, from: Option<i64>, until: i64) -> Vec<i64> {
    let mut found: Vec<i64> = Vec::new();
    for query in queries {
        let sql = "SELECT e.log_index FROM auditlog.events AS e WHERE auditlog.matches(e, $1) AND e.retention_class = $2 \
             AND e.log_index IS NOT NULL AND e.\"timestamp\" >= COALESCE($3, '-infinity'::timestamptz) AND e.\"timestamp\" < $4";
        let rows = as_owner(|| {
            spi::read_latest(
                sql,
                &[
                    Arg::text(Some(query)),
                    Arg::text(Some(class)),
                    Arg::time_or_null(from),
                    Arg::time(until),
                ],
            )
        });
        found.extend(rows.iter().filter_map(|row| row[0].int()));
    }
    found.sort_unstable();
    found.dedup();
    found
}
