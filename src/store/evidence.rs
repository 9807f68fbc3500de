//! Evidence beyond events (`sql/schema/53_evidence.sql`): samples of health, verification, snapshots of rights, reviews.

use super::POSTGRES_EPOCH;
use super::catalog::as_owner;
use super::checkpoints::trusted_rows;
use super::spi::{self, Arg};

/// Seconds between two lines about verification that found nothing.
const QUIET: i64 = 3_600;

/// Is a sample due? At each full hour, where the interval is one: the first of each piece of time of `interval` seconds.
pub fn sample_is_due(interval: i64) -> bool {
    let sql = "SELECT max(at) FROM auditlog_data.health_sample";
    let rows = as_owner(|| spi::read_latest(sql, &[]));
    let last = rows.first().and_then(|row| row[0].int());
    last.is_none_or(|last| {
        let (last, now) = (
            (last + POSTGRES_EPOCH) / 1_000_000,
            crate::shmem::unix_micros() / 1_000_000,
        );
        now / interval != last / interval
    })
}

/// Takes a sample, and a snapshot of who holds which rights when that has changed: its SHA-256.
pub fn take_sample() -> Option<String> {
    as_owner(|| {
        spi::run("SELECT auditlog_data.take_health_sample()", &[]);
        let rows = spi::run("SELECT auditlog_data.take_access_snapshot()", &[]);
        rows.first().and_then(|row| row[0].text())
    })
}

/// Verification has come to the log's end: written down once an hour, and whenever something was found.
pub fn note_verified(begun: i64, size: i64, findings: i64, first: Option<&str>) {
    spi::run(
        "INSERT INTO auditlog_data.verification_run (begun_at, from_index, to_index, findings, first_finding, head_hash) \
         SELECT $1, 0, $2, $3, $4, COALESCE((SELECT h.hash FROM auditlog_data.head AS h ORDER BY h.size DESC LIMIT 1), ''::bytea) \
         WHERE NOT EXISTS (SELECT FROM (SELECT v.ended_at, v.findings FROM auditlog_data.verification_run AS v ORDER BY v.id DESC LIMIT 1) AS l \
             WHERE l.findings = $3 AND l.ended_at > clock_timestamp() - make_interval(secs => $5))",
        &[
            Arg::time(begun),
            Arg::int(size),
            Arg::int(findings),
            Arg::text(first),
            Arg::int(QUIET),
        ],
    );
}

/// A review that was signed.
pub struct Review<'a> {
    /// The period, microseconds since the Unix epoch.
    pub since: i64,
    /// Its end.
    pub until: i64,
    /// Which events.
    pub query: &'a str,
    /// What the reviewer has to say.
    pub note: &'a str,
    /// Who.
    pub reviewer: &'a str,
    /// How many events the query finds in the period.
    pub events: i64,
    /// How many of them were exceptions.
    pub exceptions: i64,
    /// The event that says the same.
    pub event_id: &'a str,
}

/// Keeps a review; returns its number.
pub fn add_review(review: &Review<'_>) -> i64 {
    let rows = trusted_rows(
        "INSERT INTO auditlog_data.review (period, query, note, reviewer, events_in_scope, exceptions, event_id) \
         VALUES (tstzrange($1, $2), $3, $4, $5, $6, $7, $8) RETURNING id",
        &[
            Arg::time(review.since),
            Arg::time(review.until),
            Arg::text(Some(review.query)),
            Arg::text(Some(review.note)),
            Arg::text(Some(review.reviewer)),
            Arg::int(review.events),
            Arg::int(review.exceptions),
            Arg::text(Some(review.event_id)),
        ],
    );
    rows.first().and_then(|row| row[0].int()).unwrap_or(0)
}

/// How many events of a period a query finds, with the caller's rights.
pub fn in_scope(query: &str, since: i64, until: i64) -> i64 {
    let sql = "SELECT count(*) FROM auditlog.events AS e WHERE auditlog.matches(e, $1) AND e.\"timestamp\" >= $2 AND e.\"timestamp\" < $3";
    let rows = spi::read(sql, &[Arg::text(Some(query)), Arg::time(since), Arg::time(until)]);
    rows.first().and_then(|row| row[0].int()).unwrap_or(0)
}
