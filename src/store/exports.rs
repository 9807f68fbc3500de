//! Exports to files: what was asked for, how far it is, and the events in the order of the log.

use super::catalog::as_owner;
use super::checkpoints::{trusted, trusted_rows};
use super::roles;
use super::row::RowError;
use super::spi::{self, Arg, SetOwner};
use super::tiles::Subtrees;
use super::view_record::Recorder;
use auditlog_export::{Progress, tree};
use auditlog_tlog::Hash;
use pgrx::pg_sys;
use pgrx::pg_sys::{Datum, Oid};

/// An export that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Its number.
    pub id: i64,
    /// Format.
    pub format: String,
    /// Which events.
    pub query: String,
    /// From when on, microseconds since the Unix epoch.
    pub since: Option<i64>,
    /// Until before when.
    pub until: Option<i64>,
    /// The path of the file.
    pub destination: String,
    /// Options, as JSON text.
    pub options: String,
    /// The login role that asked.
    pub asked_by: String,
    /// The role with whose rights events are read.
    pub role: Oid,
    /// When, microseconds since the Unix epoch.
    pub asked_at: i64,
    /// Events of the log at that time.
    pub log_size: i64,
    /// How far it is, as JSON text.
    pub progress: String,
}

const ASKED: &str = "id, format, query, since, until, destination, options::text, asked_by, role_oid, asked_at, log_size, progress::text";

fn asked(row: &[spi::Cell]) -> Option<Asked> {
    let time = |cell: &spi::Cell| cell.int().map(|at| at + super::POSTGRES_EPOCH);
    Some(Asked {
        id: row[0].int()?,
        format: row[1].text()?,
        query: row[2].text()?,
        since: time(&row[3]),
        until: time(&row[4]),
        destination: row[5].text()?,
        options: row[6].text()?,
        asked_by: row[7].text()?,
        role: Oid::from_u32(row[8].int()? as u32),
        asked_at: time(&row[9])?,
        log_size: row[10].int()?,
        progress: row[11].text()?,
    })
}

/// Asks for an export; returns its number.
pub fn add(new: &Asked) -> i64 {
    let rows = trusted_rows(
        "INSERT INTO auditlog_data.export (format, query, since, until, destination, options, asked_by, role_oid, log_size) \
         VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8::oid, $9) RETURNING id",
        &[
            Arg::text(Some(&new.format)),
            Arg::text(Some(&new.query)),
            Arg::time_or_null(new.since),
            Arg::time_or_null(new.until),
            Arg::text(Some(&new.destination)),
            Arg::text(Some(&new.options)),
            Arg::text(Some(&new.asked_by)),
            Arg::int(i64::from(new.role.to_u32())),
            Arg::int(new.log_size),
        ],
    );
    rows.first().and_then(|row| row[0].int()).unwrap_or(0)
}

/// The next export to work for: one that was interrupted comes first.
pub fn next() -> Option<Asked> {
    let sql = format!(
        "SELECT {ASKED} FROM auditlog_data.export WHERE state IN ('waiting', 'running') ORDER BY state = 'running' DESC, id LIMIT 1"
    );
    let rows = as_owner(|| spi::read_latest(&sql, &[]));
    rows.first().and_then(|row| asked(row))
}

/// An export that was cancelled, and may have left files that are not complete.
pub fn next_to_clean() -> Option<Asked> {
    let sql = format!(
        "SELECT {ASKED} FROM auditlog_data.export WHERE state = 'cancelled' AND has_temporary ORDER BY id LIMIT 1"
    );
    let rows = as_owner(|| spi::read_latest(&sql, &[]));
    rows.first().and_then(|row| asked(row))
}

/// They are gone.
pub fn cleaned(id: i64) {
    trusted(
        "UPDATE auditlog_data.export SET has_temporary = false WHERE id = $1",
        &[Arg::int(id)],
    );
}

/// The state of an export, its row locked; `None` when there is none, or it is another one's and `everybodys` is not set.
pub fn lock(id: i64, asked_by: &str, everybodys: bool) -> Option<String> {
    let rows = as_owner(|| {
        spi::run(
            "SELECT state FROM auditlog_data.export WHERE id = $1 AND ($3 OR asked_by = $2) FOR UPDATE",
            &[Arg::int(id), Arg::text(Some(asked_by)), Arg::truth(everybodys)],
        )
    });
    rows.first()?.first()?.text()
}

/// Begins, or goes on.
pub fn begin(id: i64) {
    trusted(
        "UPDATE auditlog_data.export SET state = 'running', has_temporary = true, begun_at = COALESCE(begun_at, clock_timestamp()), error = NULL, \
         ended_at = NULL WHERE id = $1 AND state IN ('waiting', 'running')",
        &[Arg::int(id)],
    );
}

/// Writes down how far it is; false when nobody wants it any more.
pub fn save(id: i64, progress: &str) -> bool {
    let rows = trusted_rows(
        "UPDATE auditlog_data.export SET progress = $2::jsonb WHERE id = $1 AND state = 'running' RETURNING id",
        &[Arg::int(id), Arg::text(Some(progress))],
    );
    !rows.is_empty()
}

/// Does somebody want it still?
pub fn is_wanted(id: i64) -> bool {
    let sql = "SELECT id FROM auditlog_data.export WHERE id = $1 AND state = 'running'";
    !as_owner(|| spi::read_latest(sql, &[Arg::int(id)])).is_empty()
}

/// Sets the state by hand.
pub fn set_state(id: i64, state: &str) {
    trusted(
        "UPDATE auditlog_data.export SET state = $2, error = NULL, \
         ended_at = CASE $2 WHEN 'cancelled' THEN clock_timestamp() END WHERE id = $1",
        &[Arg::int(id), Arg::text(Some(state))],
    );
}

/// It is done; `sha256` is the manifest's.
pub fn done(id: i64, progress: &str, sha256: &str) {
    trusted(
        "UPDATE auditlog_data.export SET state = 'done', has_temporary = false, progress = $2::jsonb, manifest_sha256 = $3, ended_at = clock_timestamp() WHERE id = $1",
        &[Arg::int(id), Arg::text(Some(progress)), Arg::text(Some(sha256))],
    );
}

/// It has failed.
pub fn failed(id: i64, error: &str) {
    trusted(
        "UPDATE auditlog_data.export SET state = 'failed', error = $2, ended_at = clock_timestamp() WHERE id = $1 AND state = 'running'",
        &[Arg::int(id), Arg::text(Some(error))],
    );
}

/// How far it is, as the table has it.
pub fn progress(asked: &Asked) -> Progress {
    serde_json::from_str(&asked.progress).unwrap_or_default()
}

/// May the role still export?
pub fn may_export(role: Oid) -> bool {
    roles::is_any(role, &[c"auditlog_administrator", c"auditlog_analyst"])
}

/// Is the caller an administrator?
pub fn is_administrator() -> bool {
    // SAFETY: reads a state of this process.
    roles::is_any(unsafe { pg_sys::GetUserId() }, &[c"auditlog_administrator"])
}

/// Events that were read.
#[derive(Default)]
pub struct Chunk {
    /// The records, one after the other.
    pub records: Vec<u8>,
    /// For each the hashes of the gap before it, and where its record ends.
    pub items: Vec<(Vec<Hash>, usize)>,
    /// There is no further event before this place.
    pub position: u64,
    /// The first place whose gap is not in a chunk.
    pub gap_from: u64,
}

/// Which events to read.
pub struct Range {
    /// From this place on.
    pub position: u64,
    /// To before this one.
    pub end: u64,
    /// The first place whose gap is to be read.
    pub gap_from: u64,
    /// Enough when so many bytes are read.
    pub bytes: usize,
}

/// Rows of a fetch.
const FETCH: i64 = 200;

/// Why events could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// An event.
    #[error("log_index {0}: {1}")]
    Event(u64, RowError),
    /// The tree.
    #[error("the Merkle tree is damaged before log_index {0}")]
    Tree(u64),
}

/// Reads with the rights of who asked. With `tree`, also the hashes of the gaps.
///
/// # Errors
/// [`ReadError`].
pub fn read(
    asked: &Asked,
    range: &Range,
    recorder: &mut Recorder,
    mut tree: Option<&mut Subtrees>,
) -> Result<Chunk, ReadError> {
    let mut chunk = Chunk {
        gap_from: range.gap_from,
        ..Chunk::default()
    };
    let mut result = Ok(());
    let sql = "SELECT e.log_index, e FROM auditlog.events AS e \
        WHERE e.log_index >= $1 AND e.log_index < $2 AND auditlog.matches(e, $3) \
            AND ($4::timestamptz IS NULL OR e.\"timestamp\" >= $4) AND ($5::timestamptz IS NULL OR e.\"timestamp\" < $5) \
        ORDER BY e.log_index";
    let arguments = [
        Arg::int(range.position as i64),
        Arg::int(range.end as i64),
        Arg::text(Some(&asked.query)),
        Arg::time_or_null(asked.since),
        Arg::time_or_null(asked.until),
    ];
    let all = {
        let _guard = SetOwner::new(asked.role);
        spi::stream_rows_while(sql, &arguments, FETCH, |values: &[Datum; 2], _| {
            let index = values[0].value() as u64;
            let gap = match &mut tree {
                None => Some(Vec::new()),
                Some(tree) => hashes(tree, chunk.gap_from, index),
            };
            let Some(gap) = gap else {
                result = Err(ReadError::Tree(index));
                return false;
            };
            // SAFETY: a row of the view.
            let read = unsafe { recorder.with(values[1], |record| record.write(&mut chunk.records)) };
            if let Err(error) = read {
                result = Err(ReadError::Event(index, error));
                return false;
            }
            chunk.items.push((gap, chunk.records.len()));
            chunk.gap_from = index + 1;
            chunk.records.len() < range.bytes
        })
    };
    result?;
    chunk.position = if all { range.end } else { chunk.gap_from };
    Ok(chunk)
}

/// The hashes of a gap; `None` when one is missing.
pub fn hashes(tree: &mut Subtrees, from: u64, to: u64) -> Option<Vec<Hash>> {
    tree::gap(from, to)
        .map(|subtree| tree.hash(subtree.height, subtree.index))
        .collect()
}
