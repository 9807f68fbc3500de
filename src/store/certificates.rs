//! Certificates of what retention removed: told of in the log, signed by the publisher, in force once the rows are gone.

use super::catalog::as_owner;
use super::spi::{self, Arg};

/// A certificate that no signature is on yet.
pub struct Told {
    /// The event that tells of it.
    pub event_id: String,
    /// The text to sign.
    pub text: String,
}

/// A certificate of one move.
pub struct Certified {
    /// `told`, `signed`, `done`, `withdrawn`.
    pub state: String,
    /// Its text.
    pub text: String,
}

/// Keeps a certificate that an event of this transaction tells of.
pub fn keep(move_id: i64, event_id: &str, text: &str) {
    as_owner(|| {
        spi::run(
            "INSERT INTO auditlog_data.certificate (event_id, move_id, text) VALUES ($1, $2, $3)",
            &[Arg::text(Some(event_id)), Arg::int(move_id), Arg::text(Some(text))],
        );
    });
}

/// Those that wait for a signature.
pub fn to_sign() -> Vec<Told> {
    let rows = as_owner(|| {
        spi::run(
            "SELECT event_id, text FROM auditlog_data.certificate WHERE state = 'told' ORDER BY event_id LIMIT 100",
            &[],
        )
    });
    rows.iter()
        .filter_map(|row| {
            Some(Told {
                event_id: row[0].text()?,
                text: row[1].text()?,
            })
        })
        .collect()
}

/// The place of the event that tells of a certificate, once it is sealed.
pub fn place(event_id: &str) -> Option<i64> {
    let rows = as_owner(|| {
        spi::run(
            "SELECT log_index FROM auditlog_data.log WHERE event_id = $1 AND event_type = 'auditlog.retention' \
             AND retention_class = 'evidence'",
            &[Arg::text(Some(event_id))],
        )
    });
    rows.first().and_then(|row| row[0].int())
}

/// It is signed.
pub fn signed(event_id: &str, place: i64, note: &str) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.certificate SET state = 'signed', log_index = $2, note = $3 WHERE event_id = $1 AND state = 'told'",
            &[Arg::text(Some(event_id)), Arg::int(place), Arg::text(Some(note))],
        );
    });
}

/// The certificates of a move, locked until the end of the transaction.
pub fn of_move(move_id: i64) -> Vec<Certified> {
    let rows = as_owner(|| {
        spi::run(
            "SELECT state, text FROM auditlog_data.certificate WHERE move_id = $1 ORDER BY event_id FOR UPDATE",
            &[Arg::int(move_id)],
        )
    });
    rows.iter()
        .filter_map(|row| {
            Some(Certified {
                state: row[0].text()?,
                text: row[1].text()?,
            })
        })
        .collect()
}

/// The rows are gone: the certificates of a move count.
pub fn done(move_id: i64) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.certificate SET state = 'done', done_at = clock_timestamp() WHERE move_id = $1 AND state = 'signed'",
            &[Arg::int(move_id)],
        );
    });
}

/// Certificates whose rows are not gone yet count no more, nor will they be: a hold came.
pub fn withdraw_open() -> i64 {
    let rows = super::checkpoints::trusted_rows(
        "WITH gone AS (UPDATE auditlog_data.certificate SET state = 'withdrawn' WHERE state IN ('told', 'signed') RETURNING move_id), \
         moves AS (UPDATE auditlog_data.retention_move AS m SET state = 'withdrawn', detail = 'a legal hold came', \
             ended_at = clock_timestamp() WHERE m.state = 'certified' AND m.id IN (SELECT g.move_id FROM gone AS g) RETURNING m.id) \
         SELECT count(*) FROM moves",
        &[],
    );
    rows.first().and_then(|row| row[0].int()).unwrap_or(0)
}

/// The certificates of a move will not count: its rows have changed.
pub fn withdraw(move_id: i64) {
    as_owner(|| {
        spi::run(
            "UPDATE auditlog_data.certificate SET state = 'withdrawn' WHERE move_id = $1",
            &[Arg::int(move_id)],
        );
        spi::run(
            "UPDATE auditlog_data.retention_move SET state = 'withdrawn', detail = 'personal values were erased meanwhile', \
                 ended_at = clock_timestamp() WHERE id = $1",
            &[Arg::int(move_id)],
        );
    });
}

/// A move that is certified, and whose rows are still there.
pub struct Open {
    /// Its number in the ledger.
    pub id: i64,
    /// The partition.
    pub relation: String,
    /// When it is archived: how many of its events had their personal values erased.
    pub erased: Option<i64>,
}

/// Moves that are certified, and whose rows are still there.
pub fn open() -> Vec<Open> {
    let rows = as_owner(|| {
        spi::run(
            "SELECT id, relation, CASE WHEN kind = 'archive' THEN erased END FROM auditlog_data.retention_move WHERE state = 'certified' ORDER BY id",
            &[],
        )
    });
    rows.iter()
        .filter_map(|row| {
            Some(Open {
                id: row[0].int()?,
                relation: row[1].text()?,
                erased: row[2].int(),
            })
        })
        .collect()
}

/// A certificate that counts.
pub struct Counting {
    /// The place of the event that tells of it.
    pub place: i64,
    /// Its text.
    pub text: String,
    /// `metadata.certificate` of the event at that place, as far as it is one of retention.
    pub told: Option<String>,
}

/// All certificates that count, with what the log tells of them.
pub fn counting() -> Vec<Counting> {
    let rows = as_owner(|| {
        spi::read(
            "SELECT c.log_index, c.text, (SELECT l.extra #>> '{metadata,certificate}' FROM auditlog_data.log AS l \
                 WHERE l.log_index = c.log_index AND l.event_type = 'auditlog.retention' LIMIT 1) \
             FROM auditlog_data.certificate AS c WHERE c.state = 'done' ORDER BY c.log_index",
            &[],
        )
    });
    rows.iter()
        .filter_map(|row| {
            Some(Counting {
                place: row[0].int()?,
                text: row[1].text()?,
                told: row[2].text(),
            })
        })
        .collect()
}
