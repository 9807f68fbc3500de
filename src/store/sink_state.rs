//! How far each sink is, and what became of it. Written by the streamer alone, but for the wish to send dead letters again.

use super::catalog::as_owner;
use super::sinks::SinkRow;
use super::spi::{self, Arg};
use auditlog_core::chain::Hash;
use auditlog_notify::breaker::Breaker;

/// How far a sink is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// The next `log_index`.
    pub position: i64,
    /// The chain's hash of the event before it; `None` where the sink began.
    pub hash: Option<Hash>,
    /// When to try again after failures.
    pub breaker: Breaker,
    /// Does it wait for somebody? It is probed now and then.
    pub waits: bool,
    /// Has it been stopped, because the log is not the one that it has sent from?
    pub stopped: bool,
}

/// The state of a sink, made where there is none yet, and made to fit where the sink has changed since.
pub fn load(sink: &SinkRow) -> State {
    let sql = "INSERT INTO auditlog_data.sink_state AS s (sink_id, revision, start_number, position) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (sink_id) DO UPDATE SET revision = EXCLUDED.revision, start_number = EXCLUDED.start_number, \
            position = CASE WHEN s.start_number = EXCLUDED.start_number THEN s.position ELSE EXCLUDED.position END, \
            hash = CASE WHEN s.start_number = EXCLUDED.start_number THEN s.hash END, \
            failures = CASE WHEN s.revision = EXCLUDED.revision THEN s.failures ELSE 0 END, \
            open_until = CASE WHEN s.revision = EXCLUDED.revision THEN s.open_until ELSE 0 END, \
            waits = s.waits AND s.revision = EXCLUDED.revision, stopped = s.stopped AND s.revision = EXCLUDED.revision \
        RETURNING position, hash, failures, open_until, waits, stopped";
    let rows = as_owner(|| {
        spi::run(
            sql,
            &[
                Arg::int(sink.id),
                Arg::int(sink.revision),
                Arg::int(sink.start_number),
                Arg::int(sink.start_index),
            ],
        )
    });
    let row = rows.first();
    let number = |at: usize| row.and_then(|row| row[at].int());
    State {
        position: number(0).unwrap_or(sink.start_index),
        hash: row.and_then(|row| row[1].bytes()?.try_into().ok()),
        breaker: Breaker {
            failures: number(2).and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
            open_until_us: number(3).unwrap_or(0),
        },
        waits: number(4) == Some(1),
        stopped: number(5) == Some(1),
    }
}

/// Forgets what is of no sink any more. No sink has dead letters without a state.
pub fn forget() {
    as_owner(|| {
        let gone = spi::run(
            "DELETE FROM auditlog_data.sink_state AS s WHERE NOT EXISTS (SELECT FROM auditlog_data.sink AS k WHERE k.id = s.sink_id) RETURNING 1::bigint",
            &[],
        );
        if !gone.is_empty() {
            spi::run(
                "DELETE FROM auditlog_data.sink_letter AS l WHERE NOT EXISTS (SELECT FROM auditlog_data.sink AS k WHERE k.id = l.sink_id)",
                &[],
            );
        }
    });
}

/// What came of a delivery.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Events that have arrived.
    pub delivered: i64,
    /// Their bytes in the sink's format.
    pub bytes: i64,
    /// Batches that have arrived as a whole.
    pub batches: i64,
    /// Tries that will be repeated.
    pub retried: i64,
    /// Events that were given up.
    pub rejected: i64,
    /// Events per second; `None` while that is not known anew.
    pub rate: Option<i64>,
    /// What the other side has said last.
    pub answer: Option<String>,
    /// The error, if there was one.
    pub error: Option<String>,
}

/// Writes down how far a sink is and what came of a delivery.
pub fn report(sink: i64, state: &State, report: &Report) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.sink_state SET position = $2, hash = $3, failures = $4, open_until = $5, waits = $6, stopped = $7, \
                 delivered = delivered + $8, bytes = bytes + $9, batches = batches + $10, retried = retried + $11, rejected = rejected + $12, \
                 rate = COALESCE($13, rate), delivered_at = CASE WHEN $8 > 0 THEN clock_timestamp() ELSE delivered_at END, \
                 last_answer = COALESCE($14, last_answer), last_error = COALESCE($15, last_error), \
                 last_error_at = CASE WHEN $15 IS NOT NULL THEN clock_timestamp() ELSE last_error_at END \
             WHERE sink_id = $1",
            &[
                Arg::int(sink),
                Arg::int(state.position),
                Arg::bytea_or_null(state.hash.as_ref().map(<[u8; 32]>::as_slice)),
                Arg::int(i64::from(state.breaker.failures)),
                Arg::int(state.breaker.open_until_us),
                Arg::truth(state.waits),
                Arg::truth(state.stopped),
                Arg::int(report.delivered),
                Arg::int(report.bytes),
                Arg::int(report.batches),
                Arg::int(report.retried),
                Arg::int(report.rejected),
                Arg::int_or_null(report.rate),
                Arg::text(report.answer.as_deref()),
                Arg::text(report.error.as_deref()),
            ],
        )
    });
}

/// Keeps an event that was given up; one that is there already was sent again, and is refused again.
pub fn died(sink: i64, log_index: i64, event_id: &str, error: &str) {
    as_owner(|| {
        spi::run(
            "INSERT INTO auditlog_data.sink_letter (sink_id, log_index, event_id, error) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (sink_id, log_index) DO UPDATE SET error = EXCLUDED.error, at = EXCLUDED.at, redrive = false",
            &[
                Arg::int(sink),
                Arg::int(log_index),
                Arg::text(Some(event_id)),
                Arg::text(Some(error)),
            ],
        )
    });
}

/// Places of dead letters that somebody wants to have sent again, the first ones. None that somebody holds a lock on.
pub fn to_redrive(sink: i64, most: i64) -> Vec<i64> {
    let sql = "SELECT log_index FROM auditlog_data.sink_letter WHERE sink_id = $1 AND redrive ORDER BY log_index LIMIT $2 FOR UPDATE SKIP LOCKED";
    let rows = as_owner(|| spi::run(sql, &[Arg::int(sink), Arg::int(most)]));
    rows.iter().filter_map(|row| row[0].int()).collect()
}

/// They have arrived after all, or are not there to be sent.
pub fn redriven(sink: i64, log_indexes: &[i64]) {
    as_owner(|| {
        spi::run(
            "DELETE FROM auditlog_data.sink_letter WHERE (sink_id, log_index) IN (SELECT l.sink_id, l.log_index \
                 FROM auditlog_data.sink_letter AS l WHERE l.sink_id = $1 AND l.log_index = ANY ($2) FOR UPDATE SKIP LOCKED)",
            &[Arg::int(sink), Arg::ints(log_indexes)],
        )
    });
}
