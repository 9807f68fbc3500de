//! Retention policies, the partitions that they are about, and the ledger of what was done.

use super::POSTGRES_EPOCH;
use super::catalog::as_owner;
use super::checkpoints::{trusted, trusted_rows};
use super::partitions::Month;
use super::spi::{self, Arg};
use auditlog_core::json::Json;
use auditlog_policy::retention::policy::RetentionPolicy;
use pgrx::pg_sys::Oid;
use std::cell::RefCell;
use std::rc::Rc;

/// A policy in force.
#[derive(Debug, Clone)]
pub struct InForce {
    /// 0 when none was ever set: then nothing is moved.
    pub version: i64,
    /// What it says.
    pub policy: Rc<RetentionPolicy>,
    /// Its fingerprint, for certificates.
    pub fingerprint: String,
}

thread_local! {
    static KNOWN: RefCell<Option<InForce>> = const { RefCell::new(None) };
}

/// The policy in force, as committed by now.
pub fn in_force() -> InForce {
    let rows = as_owner(|| {
        spi::read_latest(
            "SELECT COALESCE(max(version), 0) FROM auditlog_data.retention_policy",
            &[],
        )
    });
    let version = rows.first().and_then(|row| row[0].int()).unwrap_or(0);
    if let Some(known) = KNOWN.with_borrow(|known| known.clone().filter(|known| known.version == version)) {
        return known;
    }
    let found = load(version);
    KNOWN.with_borrow_mut(|known| *known = Some(found.clone()));
    found
}

fn load(version: i64) -> InForce {
    let rows = as_owner(|| {
        spi::read_latest(
            "SELECT canonical::text FROM auditlog_data.retention_policy WHERE version = $1",
            &[Arg::int(version)],
        )
    });
    // What was checked when it was set may be read otherwise by another version: then all is standard, and kept.
    let parsed = rows.first().and_then(|row| row[0].text());
    let parsed = parsed.and_then(|text| RetentionPolicy::parse(&text).ok());
    let (version, policy) = parsed.map_or((0, RetentionPolicy::default()), |(policy, _)| (version, policy));
    InForce {
        version,
        fingerprint: policy.fingerprint(),
        policy: Rc::new(policy),
    }
}

/// Puts a policy in force; returns its version, and what was in force before.
pub fn set(definition: &str, canonical: &Json, fingerprint: &str, who: &str) -> (i64, Option<Json>) {
    // One after the other.
    as_owner(|| {
        spi::run(
            "LOCK TABLE auditlog_data.retention_policy IN SHARE ROW EXCLUSIVE MODE",
            &[],
        )
    });
    let before = as_owner(|| {
        spi::run(
            "SELECT version, canonical::text FROM auditlog_data.retention_policy ORDER BY version DESC LIMIT 1",
            &[],
        )
    });
    let version = before.first().and_then(|row| row[0].int()).unwrap_or(0) + 1;
    trusted(
        "INSERT INTO auditlog_data.retention_policy (version, definition, canonical, fingerprint, made_by) VALUES ($1, $2, $3, $4, $5)",
        &[
            Arg::int(version),
            Arg::text(Some(definition)),
            Arg::jsonb(canonical),
            Arg::text(Some(fingerprint)),
            Arg::text(Some(who)),
        ],
    );
    let before = before.first().and_then(|row| row[1].text());
    (version, before.map(super::jsonb::from_text))
}

/// A partition of the log.
#[derive(Debug, Clone)]
pub struct Partition {
    /// Its table.
    pub oid: Oid,
    /// Its name.
    pub relation: String,
    /// Its retention class.
    pub class: String,
    /// Its month.
    pub month: Month,
    /// Its tier's label.
    pub tier: String,
    /// The version of the policy by which its events were last found to be of its class.
    pub policy: i64,
    /// With indexes, in bytes.
    pub bytes: i64,
}

/// All partitions of the log, by month and class.
pub fn partitions() -> Vec<Partition> {
    let sql = "SELECT c.oid::bigint, c.relname::text, substr(p.relname, 5), COALESCE(t.tier, 'hot'), COALESCE(t.policy, 0), \
            pg_catalog.pg_total_relation_size(c.oid) \
        FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relkind = 'r' \
        JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent \
        JOIN pg_catalog.pg_inherits AS g ON g.inhrelid = p.oid AND g.inhparent = 'auditlog_data.log'::regclass \
        LEFT JOIN auditlog_data.partition_tier AS t ON t.relation = c.relname";
    let rows = as_owner(|| spi::read_latest(sql, &[]));
    let mut found: Vec<Partition> = rows
        .iter()
        .filter_map(|row| {
            let (relation, class) = (row[1].text()?, row[2].text()?);
            Some(Partition {
                oid: Oid::from_u32(row[0].int()? as u32),
                month: Month::of_partition(relation.strip_prefix("log_")?.strip_prefix(class.as_str())?)?,
                relation,
                class,
                tier: row[3].text()?,
                policy: row[4].int()?,
                bytes: row[5].int()?,
            })
        })
        .collect();
    found.sort_by(|a, b| (a.month, &a.class).cmp(&(b.month, &b.class)));
    found
}

/// The types of the events in a partition, and how many there are of each.
pub fn types(relation: &str) -> Vec<(String, i64)> {
    let sql = format!(
        "SELECT event_type, count(*) FROM auditlog_data.{} GROUP BY 1 ORDER BY 1",
        spi::identifier(relation)
    );
    let rows = as_owner(|| spi::read_latest(&sql, &[]));
    rows.iter()
        .filter_map(|row| Some((row[0].text()?, row[1].int()?)))
        .collect()
}

/// Notes a partition's tier, and that its events are of its class by this policy.
pub fn note(relation: &str, tier: &str, policy: i64) {
    as_owner(|| {
        spi::run(
            "INSERT INTO auditlog_data.partition_tier AS t (relation, tier, policy) VALUES ($1, $2, $3) \
             ON CONFLICT (relation) DO UPDATE SET policy = EXCLUDED.policy, tier = EXCLUDED.tier, \
                 since = CASE WHEN t.tier = EXCLUDED.tier THEN t.since ELSE clock_timestamp() END",
            &[Arg::text(Some(relation)), Arg::text(Some(tier)), Arg::int(policy)],
        );
    });
}

/// A partition is gone.
pub fn forget(relation: &str) {
    as_owner(|| {
        spi::run(
            "DELETE FROM auditlog_data.partition_tier WHERE relation = $1",
            &[Arg::text(Some(relation))],
        );
    });
}

/// Begins an entry of the ledger; returns its number.
pub fn begin(relation: &str, class: &str, kind: &str, state: &str, bytes: i64) -> i64 {
    let rows = as_owner(|| {
        spi::run(
            "INSERT INTO auditlog_data.retention_move (relation, retention_class, kind, state, bytes_before) \
             VALUES ($1, $2, $3, $4, $5) RETURNING id",
            &[
                Arg::text(Some(relation)),
                Arg::text(Some(class)),
                Arg::text(Some(kind)),
                Arg::text(Some(state)),
                Arg::int(bytes),
            ],
        )
    });
    rows.first().and_then(|row| row[0].int()).unwrap_or_default()
}

/// How an entry of the ledger ended.
#[derive(Debug, Clone, Default)]
pub struct End<'a> {
    /// `done`, `failed`, `withdrawn`, or `certified`: it goes on.
    pub state: &'a str,
    /// Events that were moved or removed.
    pub events: i64,
    /// Events that stayed because something holds them.
    pub kept: i64,
    /// Bytes that are left, with indexes.
    pub bytes: Option<i64>,
    /// What is to be said of it.
    pub detail: Option<&'a str>,
}

/// Ends an entry of the ledger.
pub fn end(id: i64, end: &End<'_>) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.retention_move SET state = $2, events = $3, kept = $4, bytes_after = $5, detail = $6, \
                 ended_at = CASE WHEN $2 <> 'certified' THEN clock_timestamp() END WHERE id = $1",
            &[
                Arg::int(id),
                Arg::text(Some(end.state)),
                Arg::int(end.events),
                Arg::int(end.kept),
                Arg::int_or_null(end.bytes),
                Arg::text(end.detail),
            ],
        );
    });
}

/// How many events had their personal values erased when a partition was archived.
pub fn set_erased(id: i64, erased: i64) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.retention_move SET erased = $2 WHERE id = $1",
            &[Arg::int(id), Arg::int(erased)],
        );
    });
}

/// Entries that a crash has left: what was not certified never happened.
pub fn abandon() {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.retention_move SET state = 'failed', detail = 'the worker ended', ended_at = clock_timestamp() \
             WHERE state = 'running'",
            &[],
        );
        spi::run(
            "UPDATE auditlog_data.retention_run SET ended_at = clock_timestamp(), error = 'the worker ended' \
             WHERE begun_at IS NOT NULL AND ended_at IS NULL",
            &[],
        );
    });
}

/// Asks for a round as of `at`, microseconds since the Unix epoch; now when `None`.
pub fn ask(at: Option<i64>, who: &str) -> i64 {
    let rows = trusted_rows(
        "INSERT INTO auditlog_data.retention_run (at, asked_by) VALUES ($1, $2) RETURNING id",
        &[Arg::time_or_null(at), Arg::text(Some(who))],
    );
    rows.first().and_then(|row| row[0].int()).unwrap_or_default()
}

/// A round that was asked for.
pub struct Asked {
    /// Its number.
    pub id: i64,
    /// As of when, microseconds since the Unix epoch; now when `None`.
    pub at: Option<i64>,
}

/// The next round that was asked for; it has begun.
pub fn next_asked() -> Option<Asked> {
    let rows = as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.retention_run SET begun_at = clock_timestamp() \
             WHERE id = (SELECT min(id) FROM auditlog_data.retention_run WHERE begun_at IS NULL) RETURNING id, at",
            &[],
        )
    });
    let row = rows.first()?;
    Some(Asked {
        id: row[0].int()?,
        at: row[1].int().map(|us| us + POSTGRES_EPOCH),
    })
}

/// A round is over.
pub fn ended(id: i64, moves: i64, error: Option<&str>) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.retention_run SET ended_at = clock_timestamp(), moves = $2, error = $3 WHERE id = $1",
            &[Arg::int(id), Arg::int(moves), Arg::text(error)],
        );
    });
}

/// Have the last round, and the last change of the policy, been so many seconds ago? Whoever made a mistake in a policy has that
/// time to notice.
pub fn is_due(interval: i64) -> bool {
    let rows = as_owner(|| {
        spi::run(
            "SELECT NOT EXISTS (SELECT FROM auditlog_data.retention_run WHERE asked_at > clock_timestamp() - $1 * interval '1 second') \
             AND NOT EXISTS (SELECT FROM auditlog_data.retention_policy WHERE made_at > clock_timestamp() - $1 * interval '1 second')",
            &[Arg::int(interval)],
        )
    });
    rows.first().and_then(|row| row[0].int()) == Some(1)
}

/// Who has set a policy.
pub fn made_by(version: i64) -> Option<String> {
    let rows = as_owner(|| {
        spi::run(
            "SELECT made_by FROM auditlog_data.retention_policy WHERE version = $1",
            &[Arg::int(version)],
        )
    });
    rows.first()?[0].text()
}
