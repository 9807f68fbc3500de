//! Sinks as they are configured. Written by administrators' functions alone; how far each is, is the streamer's affair
//! ([`super::sink_state`]).

use super::catalog::as_owner;
use super::checkpoints::{trusted, trusted_rows};
use super::jsonb;
use super::spi::{self, Arg, Cell};
use auditlog_core::json::Json;

/// A sink as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkRow {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its kind, one of `auditlog_stream::KINDS`.
    pub kind: String,
    /// Its options, as JSON text.
    pub config: String,
    /// Which events.
    pub query: String,
    /// In which format.
    pub format: String,
    /// Is anything sent to it?
    pub enabled: bool,
    /// Another one whenever something has changed.
    pub revision: i64,
    /// Where it begins.
    pub start_index: i64,
    /// Another one whenever that was said anew.
    pub start_number: i64,
}

const SINK: &str = "id, name, kind, config::text, query, format, enabled, revision, start_index, start_number";

fn parse(row: &[Cell]) -> Option<SinkRow> {
    Some(SinkRow {
        id: row[0].int()?,
        name: row[1].text()?,
        kind: row[2].text()?,
        config: row[3].text()?,
        query: row[4].text()?,
        format: row[5].text()?,
        enabled: row[6].int()? != 0,
        revision: row[7].int()?,
        start_index: row[8].int()?,
        start_number: row[9].int()?,
    })
}

/// All sinks, by name.
pub fn all() -> Vec<SinkRow> {
    let sql = format!("SELECT {SINK} FROM auditlog_data.sink ORDER BY name");
    let rows = as_owner(|| spi::read_latest(&sql, &[]));
    rows.iter().filter_map(|row| parse(row)).collect()
}

/// A sink by its name.
pub fn get(name: &str) -> Option<SinkRow> {
    let sql = format!("SELECT {SINK} FROM auditlog_data.sink WHERE name = $1");
    let rows = as_owner(|| spi::run(&sql, &[Arg::text(Some(name))]));
    rows.first().and_then(|row| parse(row))
}

/// A sink by its name, locked until the end of the transaction.
pub fn lock(name: &str) -> Option<SinkRow> {
    let sql = format!("SELECT {SINK} FROM auditlog_data.sink WHERE name = $1 FOR UPDATE");
    let rows = as_owner(|| spi::run(&sql, &[Arg::text(Some(name))]));
    rows.first().and_then(|row| parse(row))
}

/// Adds a sink; false when there is one of this name. Its number and revision are not looked at.
pub fn add(new: &SinkRow, best_effort: bool, who: &str) -> bool {
    let added = trusted_rows(
        "INSERT INTO auditlog_data.sink (name, kind, config, query, format, best_effort, start_index, changed_by) \
         VALUES ($1, $2, $3::jsonb, $4, $5, $6, $7, $8) ON CONFLICT (name) DO NOTHING RETURNING 1::bigint",
        &[
            Arg::text(Some(&new.name)),
            Arg::text(Some(&new.kind)),
            Arg::text(Some(&new.config)),
            Arg::text(Some(&new.query)),
            Arg::text(Some(&new.format)),
            Arg::truth(best_effort),
            Arg::int(new.start_index),
            Arg::text(Some(who)),
        ],
    );
    !added.is_empty()
}

/// Puts another configuration in the place of a sink's.
pub fn replace(new: &SinkRow, best_effort: bool, who: &str) {
    trusted(
        "UPDATE auditlog_data.sink SET config = $2::jsonb, query = $3, format = $4, best_effort = $5, revision = revision + 1, \
         changed_at = clock_timestamp(), changed_by = $6 WHERE id = $1",
        &[
            Arg::int(new.id),
            Arg::text(Some(&new.config)),
            Arg::text(Some(&new.query)),
            Arg::text(Some(&new.format)),
            Arg::truth(best_effort),
            Arg::text(Some(who)),
        ],
    );
}

/// Pauses a sink, or has it go on.
pub fn enable(id: i64, enabled: bool, reason: Option<&str>, who: &str) {
    trusted(
        "UPDATE auditlog_data.sink SET enabled = $2, pause_reason = $3, revision = revision + 1, changed_at = clock_timestamp(), \
         changed_by = $4 WHERE id = $1",
        &[
            Arg::int(id),
            Arg::truth(enabled),
            Arg::text(reason),
            Arg::text(Some(who)),
        ],
    );
}

/// Has a sink begin again at an index.
pub fn start_at(id: i64, index: i64, who: &str) {
    trusted(
        "UPDATE auditlog_data.sink SET start_index = $2, start_number = start_number + 1, revision = revision + 1, \
         changed_at = clock_timestamp(), changed_by = $3 WHERE id = $1",
        &[Arg::int(id), Arg::int(index), Arg::text(Some(who))],
    );
}

/// Removes a sink. The streamer forgets its position and its dead letters.
pub fn remove(id: i64) {
    trusted("DELETE FROM auditlog_data.sink WHERE id = $1", &[Arg::int(id)]);
}

/// A sink, for an event.
pub fn described(name: &str) -> Option<Json> {
    let sql = "SELECT jsonb_build_object('kind', kind, 'config', config, 'query', query, 'format', format, 'enabled', enabled, \
            'reason', pause_reason, 'start_index', start_index) \
        FROM auditlog_data.sink WHERE name = $1";
    let rows = as_owner(|| spi::run(sql, &[Arg::text(Some(name))]));
    jsonb::tree(rows.first()?[0].bytes()?).ok()
}

/// Has dead letters of a sink sent again: one of them, or all. Returns how many.
pub fn redrive(id: i64, log_index: Option<i64>) -> i64 {
    let rows = trusted_rows(
        "UPDATE auditlog_data.sink_letter SET redrive = true WHERE sink_id = $1 AND ($2 IS NULL OR log_index = $2) RETURNING 1::bigint",
        &[Arg::int(id), Arg::int_or_null(log_index)],
    );
    rows.len() as i64
}

/// Sinks, and for each the `log_index` of the first event that it has not passed: what retention must not remove. Also those that
/// are paused, which go on some day.
pub fn behind() -> Vec<(String, i64)> {
    let sql = "SELECT k.name, COALESCE(s.position, k.start_index) FROM auditlog_data.sink AS k \
        LEFT JOIN auditlog_data.sink_state AS s ON s.sink_id = k.id AND s.start_number = k.start_number ORDER BY k.name";
    let rows = as_owner(|| spi::read_latest(sql, &[]));
    rows.iter()
        .filter_map(|row| Some((row[0].text()?, row[1].int()?)))
        .collect()
}
