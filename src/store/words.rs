//! The tables of the word index (crates/index has the format).

use super::catalog::as_owner;
use super::spi::{self, Arg};
use auditlog_index::RunHead;

/// A run and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Its number in the tables.
    pub run: i64,
    /// What it is.
    pub head: RunHead,
}

const RUNS: &str =
    "SELECT run, first_index, end_index, bits, postings FROM auditlog_data.word_run ORDER BY first_index";

fn parse(rows: &[Vec<spi::Cell>]) -> Vec<Stored> {
    let run = |row: &Vec<spi::Cell>| {
        Some(Stored {
            run: row[0].int()?,
            head: RunHead {
                first: row[1].int()? as u64,
                end: row[2].int()? as u64,
                bits: row[3].int()? as u8,
                postings: row[4].int()? as u64,
            },
        })
    };
    rows.iter().filter_map(run).collect()
}

/// All runs in the order of the log, as the active snapshot shows them.
pub fn visible_runs() -> Vec<Stored> {
    as_owner(|| parse(&spi::read(RUNS, &[])))
}

/// All runs, as committed by now.
pub fn runs() -> Vec<Stored> {
    parse(&spi::run(RUNS, &[]))
}

/// The chunks that may have a term, one for each run in which it could be, as the active snapshot
/// shows them.
pub fn chunks_of(term: u32) -> Vec<(u64, Vec<u8>)> {
    let rows = as_owner(|| {
        spi::read(
            "SELECT r.first_index, c.data FROM auditlog_data.word_run r \
             JOIN auditlog_data.word_chunk c ON c.run = r.run AND c.bucket = ($1 >> (32 - r.bits))::integer \
             ORDER BY r.first_index",
            &[Arg::int(i64::from(term))],
        )
    });
    rows.into_iter()
        .filter_map(|mut row| match (row.pop(), row.pop()) {
            (Some(spi::Cell::Bytes(data)), Some(spi::Cell::Int(first))) => Some((first as u64, data)),
            _ => None,
        })
        .collect()
}

/// One chunk of a run.
pub fn chunk(run: i64, bucket: u32) -> Option<Vec<u8>> {
    let rows = spi::run(
        "SELECT data FROM auditlog_data.word_chunk WHERE run = $1 AND bucket = $2",
        &[Arg::int(run), Arg::int(i64::from(bucket))],
    );
    rows.first().and_then(|row| row[0].bytes()).map(<[u8]>::to_vec)
}

/// Writes a chunk of a run that is not there yet for readers.
pub fn write_chunk(run: i64, bucket: u32, data: &[u8]) {
    spi::run(
        "INSERT INTO auditlog_data.word_chunk (run, bucket, data) VALUES ($1, $2, $3)",
        &[Arg::int(run), Arg::int(i64::from(bucket)), Arg::bytea(data)],
    );
}

/// Shows a run to readers, instead of those it was made from.
pub fn publish(run: i64, head: &RunHead, instead_of: &[i64]) {
    for old in instead_of {
        spi::run("DELETE FROM auditlog_data.word_run WHERE run = $1", &[Arg::int(*old)]);
    }
    spi::run(
        "INSERT INTO auditlog_data.word_run (run, first_index, end_index, bits, postings) VALUES ($1, $2, $3, $4, $5)",
        &[
            Arg::int(run),
            Arg::int(head.first as i64),
            Arg::int(head.end as i64),
            Arg::int(i64::from(head.bits)),
            Arg::int(head.postings as i64),
        ],
    );
}

/// Deletes the chunks of a run that readers see no more.
pub fn delete_chunks(run: i64) {
    spi::run("DELETE FROM auditlog_data.word_chunk WHERE run = $1", &[Arg::int(run)]);
}

/// Deletes chunks that belong to no run: what a crash left. Returns the highest number in use.
pub fn clean_up() -> i64 {
    spi::run(
        "DELETE FROM auditlog_data.word_chunk c \
         WHERE NOT EXISTS (SELECT FROM auditlog_data.word_run r WHERE r.run = c.run)",
        &[],
    );
    let rows = spi::run("SELECT max(run) FROM auditlog_data.word_run", &[]);
    rows.first().and_then(|row| row[0].int()).unwrap_or(0)
}

/// Forgets the whole index.
pub fn forget() {
    spi::run("DELETE FROM auditlog_data.word_run", &[]);
}

/// Hands the events from `from` to before `to` to `auditlog_data.word_collect`.
pub fn collect(from: u64, to: u64) {
    spi::run(
        "SELECT count(auditlog_data.word_collect(e)) FROM auditlog.events e WHERE log_index >= $1 AND log_index < $2",
        &[Arg::int(from as i64), Arg::int(to as i64)],
    );
}
