//! The sealed log in the order of log_index, for those who evaluate it.

use super::catalog::as_owner;
use super::row;
use super::spi::{self, Arg};
use super::view::EventRow;
use auditlog_core::chain::Hash;
use pgrx::pg_sys::Datum;
use std::collections::HashMap;

/// An event with its place and its times, in microseconds since the Unix epoch.
pub struct Streamed<'a> {
    /// Position in the log.
    pub log_index: i64,
    /// When it happened.
    pub timestamp: i64,
    /// When it was sealed.
    pub sealed_at: i64,
    /// Its type.
    pub event_type: &'a str,
    /// All of it.
    pub row: &'a EventRow,
}

/// Hands over the events from `from` to before `to`. Under the newest snapshot, so that the size of the log, as the caller has
/// read it, is there.
pub fn read(from: i64, to: i64, mut each: impl FnMut(Streamed<'_>)) {
    let sql = "SELECT e.log_index, e.\"timestamp\", e.sealed_at, e.event_type, e FROM auditlog.events AS e \
        WHERE e.log_index >= $1 AND e.log_index < $2 ORDER BY e.log_index";
    as_owner(|| {
        spi::read_latest_rows(sql, &[Arg::int(from), Arg::int(to)], |values: &[Datum; 5], _| {
            let time = |datum: Datum| datum.value() as i64 + super::POSTGRES_EPOCH;
            // SAFETY: a text and a row of the view, which outlive the call; NOT NULL in the log.
            unsafe {
                let row = EventRow::of(values[4]);
                each(Streamed {
                    log_index: values[0].value() as i64,
                    timestamp: time(values[1]),
                    sealed_at: time(values[2]),
                    event_type: row::str(values[3]).unwrap_or_default(),
                    row: &row,
                });
            }
        });
    });
}

/// An event with its links, for those who send it on.
pub struct Linked<'a> {
    /// Position in the log.
    pub log_index: i64,
    /// When it happened, microseconds since the Unix epoch.
    pub timestamp: i64,
    /// The chain's hash of the event before it.
    pub prev_hash: Hash,
    /// The chain's hash of this one.
    pub hash: Hash,
    /// Its id.
    pub event_id: &'a str,
    /// Its type.
    pub event_type: &'a str,
    /// Does it match the query?
    pub matches: bool,
    /// All of it: a composite value of the view's row type.
    pub row: Datum,
}

/// Rows that are in memory at a time: events may be large.
const FETCH: i64 = 64;

/// Hands over the events from `from` to before `to`, under the newest snapshot, with what a query says of each, until `each` says
/// false.
pub fn read_linked(query: &str, from: i64, to: i64, each: impl FnMut(Linked<'_>) -> bool) {
    let sql = "SELECT e.log_index, e.\"timestamp\", e.prev_hash, e.hash, e.event_id, e.event_type, \
            $3 = '' OR auditlog.matches(e, $3), e \
        FROM auditlog.events AS e WHERE e.log_index >= $1 AND e.log_index < $2 ORDER BY e.log_index";
    linked(sql, &[Arg::int(from), Arg::int(to), Arg::text(Some(query))], each);
}

/// Hands over the events at these positions, as far as they are there.
pub fn read_places(places: &[i64], each: impl FnMut(Linked<'_>) -> bool) {
    let sql = "SELECT e.log_index, e.\"timestamp\", e.prev_hash, e.hash, e.event_id, e.event_type, true, e \
        FROM auditlog.events AS e WHERE e.log_index = ANY ($1) ORDER BY e.log_index";
    linked(sql, &[Arg::ints(places)], each);
}

fn linked(sql: &str, arguments: &[Arg], mut each: impl FnMut(Linked<'_>) -> bool) {
    as_owner(|| {
        spi::stream_latest_rows_while(sql, arguments, FETCH, |values: &[Datum; 8], nulls| {
            // SAFETY: columns of the view and a row of it, which outlive the call; what somebody made NULL is not looked at.
            unsafe {
                let hash = |at: usize| (!nulls[at]).then(|| row::hash(values[at])).flatten().unwrap_or([0; 32]);
                let name = |at: usize| {
                    if nulls[at] {
                        ""
                    } else {
                        row::str(values[at]).unwrap_or_default()
                    }
                };
                each(Linked {
                    log_index: values[0].value() as i64,
                    timestamp: if nulls[1] {
                        0
                    } else {
                        values[1].value() as i64 + super::POSTGRES_EPOCH
                    },
                    prev_hash: hash(2),
                    hash: hash(3),
                    event_id: name(4),
                    event_type: name(5),
                    matches: !nulls[6] && values[6].value() != 0,
                    row: values[7],
                })
            }
        });
    });
}

/// Where to begin so that `events` events before `position` that match a query are sent again. Not further back than 50 times as
/// many events of any kind.
pub fn before(query: &str, position: i64, events: i64) -> i64 {
    if events == 0 || query.is_empty() {
        return (position - events).max(0);
    }
    let sql = "SELECT min(r.log_index) FROM (SELECT e.log_index FROM auditlog.events AS e WHERE e.log_index < $1 AND e.log_index >= $4 \
        AND auditlog.matches(e, $2) ORDER BY e.log_index DESC LIMIT $3) AS r";
    let first = (position - 50 * events).max(0);
    let arguments = [
        Arg::int(position),
        Arg::text(Some(query)),
        Arg::int(events),
        Arg::int(first),
    ];
    let rows = as_owner(|| spi::read_latest(sql, &arguments));
    rows.first().and_then(|row| row[0].int()).unwrap_or(position)
}

/// When the event at a position, or the first one after it, was sealed: PostgreSQL's microseconds.
pub fn sealed_at(position: i64) -> Option<i64> {
    let sql = "SELECT sealed_at FROM auditlog_data.log WHERE log_index >= $1 ORDER BY log_index LIMIT 1";
    let rows = as_owner(|| spi::read(sql, &[Arg::int(position)]));
    rows.first()?.first()?.int()
}

/// The ids of events by their positions.
pub fn event_ids(positions: &[i64]) -> HashMap<i64, String> {
    let sql = "SELECT log_index, event_id FROM auditlog_data.log WHERE log_index = ANY ($1)";
    let rows = as_owner(|| spi::read_latest(sql, &[Arg::ints(positions)]));
    rows.iter()
        .filter_map(|row| Some((row[0].int()?, row[1].text()?)))
        .collect()
}

/// Position of the first event that was sealed at `time` (microseconds since the Unix epoch) or later; `size` when there is none.
pub fn first_since(time: i64, size: i64) -> i64 {
    // sealed_at grows with log_index, but for clocks that are set back
    let (mut low, mut high) = (0, size);
    let sql = "SELECT sealed_at FROM auditlog_data.log WHERE log_index >= $1 ORDER BY log_index LIMIT 1";
    while low < high {
        let middle = low + (high - low) / 2;
        let rows = as_owner(|| spi::read_latest(sql, &[Arg::int(middle)]));
        match rows.first().and_then(|row| row[0].int()) {
            Some(at) if at + super::POSTGRES_EPOCH >= time => high = middle,
            _ => low = middle + 1,
        }
    }
    low
}
