//! How far the verification in the background has come.

use super::POSTGRES_EPOCH;
use super::columns::LOG;
use super::spi::{self, Arg};
use pgrx::pg_sys::Datum;

/// Places that `outside` names at most.
const NAMED: i64 = 20;

/// State of the verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Events that were verified in this pass.
    pub size: i64,
    /// When it began, microseconds since the Unix epoch.
    pub begun: i64,
    /// Findings of this pass.
    pub findings: i64,
    /// The first of them.
    pub first: Option<String>,
}

/// As committed by now.
pub fn state() -> Verified {
    let rows = spi::run(
        "SELECT verified_size, verify_begun, verify_findings, verify_first FROM auditlog_data.publisher",
        &[],
    );
    let row = rows.first();
    Verified {
        size: row.and_then(|row| row[0].int()).unwrap_or(0),
        begun: row.and_then(|row| row[1].int()).map_or(0, |us| us + POSTGRES_EPOCH),
        findings: row.and_then(|row| row[2].int()).unwrap_or(0),
        first: row.and_then(|row| row[3].text()),
    }
}

/// Keeps it.
pub fn keep(state: &Verified) {
    spi::run(
        "INSERT INTO auditlog_data.publisher (state, detail, since, verified_size, verify_begun, verify_findings, verify_first, verified_at) \
         VALUES ('ok', '', clock_timestamp(), $1, $2, $3, $4, clock_timestamp()) \
         ON CONFLICT (single) DO UPDATE SET verified_size = EXCLUDED.verified_size, verify_begun = EXCLUDED.verify_begun, \
         verify_findings = EXCLUDED.verify_findings, verify_first = EXCLUDED.verify_first, verified_at = EXCLUDED.verified_at",
        &[
            Arg::int(state.size),
            Arg::time(state.begun),
            Arg::int(state.findings),
            Arg::text(state.first.as_deref()),
        ],
    );
}

/// Hands the rows with these places to `each`, in their order, under the active snapshot.
pub fn rows(from: i64, before: i64, each: impl FnMut(&[Datum; LOG], &[bool; LOG])) {
    spi::read_rows::<LOG>(
        "SELECT * FROM auditlog_data.log WHERE log_index >= $1 AND log_index < $2 ORDER BY log_index",
        &[Arg::int(from), Arg::int(before)],
        each,
    );
}

/// Places of rows that no log of this size has, under the active snapshot; some of them when there are many.
pub fn outside(size: i64) -> Vec<i64> {
    let rows = spi::read(
        "SELECT log_index FROM auditlog_data.log WHERE log_index >= $1 OR log_index < 0 ORDER BY log_index LIMIT $2",
        &[Arg::int(size), Arg::int(NAMED)],
    );
    rows.iter().filter_map(|row| row[0].int()).collect()
}
