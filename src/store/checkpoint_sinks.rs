//! Where checkpoints go: the tables of their sinks and of what witnesses add.

use super::catalog::as_owner;
use super::checkpoints::trusted;
use super::jsonb;
use super::spi::{self, Arg, Cell};
use auditlog_core::json::Json;
use serde_json::Value;

/// A sink that has something to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// Its name.
    pub name: String,
    /// Its kind, as `auditlog_sink::Target` knows it.
    pub kind: String,
    /// Its address.
    pub address: String,
    /// Its options.
    pub options: Value,
    /// Size of the last checkpoint that has arrived there; 0 for none.
    pub delivered: i64,
    /// Has its last checkpoint been compared with this log since the publisher started?
    pub compared: bool,
    /// Failures since the last success.
    pub attempts: i64,
}

/// Sinks whose time has come.
pub fn due(origin: &str) -> Vec<Due> {
    let rows = spi::run(
        "SELECT name, kind, address, options::text, CASE WHEN origin = $1 THEN delivered_size ELSE 0 END, compared, attempts \
         FROM auditlog_data.checkpoint_sink WHERE next_attempt <= clock_timestamp() ORDER BY name",
        &[Arg::text(Some(origin))],
    );
    let due = |row: &Vec<Cell>| {
        Some(Due {
            name: row[0].text()?,
            kind: row[1].text()?,
            address: row[2].text()?,
            options: serde_json::from_str(&row[3].text()?).ok()?,
            delivered: row[4].int()?,
            compared: row[5].int()? != 0,
            attempts: row[6].int()?,
        })
    };
    rows.iter().filter_map(due).collect()
}

/// A started publisher trusts nothing that it has not compared, and waits with that for nothing: a failure from before
/// the start must not put off what a restored database has to hear first.
pub fn compare_again() {
    spi::run(
        "UPDATE auditlog_data.checkpoint_sink SET compared = false, attempts = 0, next_attempt = clock_timestamp() \
         WHERE compared OR attempts > 0",
        &[],
    );
}

/// Is there a file whose last checkpoint is still to be compared?
pub fn waits_for_comparison() -> bool {
    !spi::run(
        "SELECT 1 FROM auditlog_data.checkpoint_sink WHERE kind = 'file' AND NOT compared AND attempts = 0 LIMIT 1",
        &[],
    )
    .is_empty()
}

/// Its last checkpoint is one of this log.
pub fn compared(name: &str) {
    spi::run(
        "UPDATE auditlog_data.checkpoint_sink SET compared = true WHERE name = $1",
        &[Arg::text(Some(name))],
    );
}

/// A checkpoint over `size` events has arrived, or was there.
pub fn delivered(name: &str, origin: &str, size: i64) {
    spi::run(
        "UPDATE auditlog_data.checkpoint_sink SET origin = $2, delivered_size = $3, delivered_at = clock_timestamp(), \
         attempts = 0, next_attempt = clock_timestamp(), last_error = NULL, compared = true WHERE name = $1",
        &[Arg::text(Some(name)), Arg::text(Some(origin)), Arg::int(size)],
    );
}

/// A witness has another size on record than we thought.
pub fn resume_from(name: &str, origin: &str, size: i64) {
    spi::run(
        "UPDATE auditlog_data.checkpoint_sink SET origin = $2, delivered_size = $3, compared = true WHERE name = $1",
        &[Arg::text(Some(name)), Arg::text(Some(origin)), Arg::int(size)],
    );
}

/// An attempt has failed; the next one may be made after `pause` microseconds.
pub fn failed(name: &str, message: &str, pause: i64) {
    spi::run(
        "UPDATE auditlog_data.checkpoint_sink SET attempts = attempts + 1, last_error = $2, last_error_at = clock_timestamp(), \
         next_attempt = clock_timestamp() + $3 * interval '1 microsecond' WHERE name = $1",
        &[Arg::text(Some(name)), Arg::text(Some(message)), Arg::int(pause)],
    );
}

/// Keeps the lines that a witness has added.
pub fn cosigned(origin: &str, size: i64, name: &str, lines: &str) {
    spi::run(
        "INSERT INTO auditlog_data.cosignature (origin, size, sink, lines, cosigned_at) VALUES ($1, $2, $3, $4, clock_timestamp()) \
         ON CONFLICT (origin, size, sink) DO UPDATE SET lines = EXCLUDED.lines, cosigned_at = EXCLUDED.cosigned_at",
        &[
            Arg::text(Some(origin)),
            Arg::int(size),
            Arg::text(Some(name)),
            Arg::text(Some(lines)),
        ],
    );
}

/// Adds a sink; false when there is one of this name.
pub fn add(name: &str, kind: &str, address: &str, options: &Value, who: &str) -> bool {
    let rows = as_owner(|| {
        spi::run(
            "SELECT 1 FROM auditlog_data.checkpoint_sink WHERE name = $1",
            &[Arg::text(Some(name))],
        )
    });
    if !rows.is_empty() {
        return false;
    }
    trusted(
        "INSERT INTO auditlog_data.checkpoint_sink (name, kind, address, options, added_at, added_by, next_attempt) \
         VALUES ($1, $2, $3, $4::jsonb, clock_timestamp(), $5, clock_timestamp())",
        &[
            Arg::text(Some(name)),
            Arg::text(Some(kind)),
            Arg::text(Some(address)),
            Arg::text(Some(&options.to_string())),
            Arg::text(Some(who)),
        ],
    );
    true
}

/// What a sink's configuration says, for an event.
pub fn described(name: &str) -> Option<Json> {
    let sql = "SELECT pg_catalog.jsonb_build_object('kind', kind, 'address', address, 'options', options) \
        FROM auditlog_data.checkpoint_sink WHERE name = $1";
    let rows = as_owner(|| spi::read_latest(sql, &[Arg::text(Some(name))]));
    jsonb::tree(rows.first()?[0].bytes()?).ok()
}

/// What kept them from working was the old origin's affair.
pub fn try_all_again() {
    trusted(
        "UPDATE auditlog_data.checkpoint_sink SET attempts = 0, next_attempt = clock_timestamp(), last_error = NULL",
        &[],
    );
}

/// Removes a sink; false when there is none of this name.
pub fn drop(name: &str) -> bool {
    let rows = as_owner(|| {
        spi::run(
            "SELECT 1 FROM auditlog_data.checkpoint_sink WHERE name = $1",
            &[Arg::text(Some(name))],
        )
    });
    trusted(
        "DELETE FROM auditlog_data.checkpoint_sink WHERE name = $1",
        &[Arg::text(Some(name))],
    );
    !rows.is_empty()
}

/// Sets which witnesses must cosign; `None` for none.
pub fn set_policy(policy: Option<&str>) {
    trusted(
        "INSERT INTO auditlog_data.publisher (state, detail, since, witness_policy) VALUES ('ok', '', clock_timestamp(), $1) \
         ON CONFLICT (single) DO UPDATE SET witness_policy = EXCLUDED.witness_policy",
        &[Arg::text(policy)],
    );
}

/// Which witnesses must cosign.
pub fn policy() -> Option<String> {
    let rows = as_owner(|| spi::read("SELECT witness_policy FROM auditlog_data.publisher", &[]));
    rows.first()?.first()?.text()
}

/// The keys of the witnesses among the sinks.
pub fn witness_keys() -> Vec<String> {
    let rows = as_owner(|| {
        spi::read(
            "SELECT options ->> 'key' FROM auditlog_data.checkpoint_sink WHERE kind = 'witness' AND options ? 'key'",
            &[],
        )
    });
    rows.iter().filter_map(|row| row[0].text()).collect()
}
