//! The sealed log in the order of log_index, for those who evaluate it.

use super::catalog::as_owner;
use super::row;
use super::spi::{self, Arg};
use super::view::EventRow;
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
