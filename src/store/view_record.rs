//! A row of the view `auditlog.events` as a bundle's record, without a copy of its hashes.

use super::POSTGRES_EPOCH;
use super::columns::{ENTRY_HASH, HASH, HASHED, INBOX, LOG_INDEX, PREV_HASH, REDACTED, SALT, SEALED_AT};
use super::jsonb;
use super::row::{self, Hasher, RowError};
use super::view::{EventRow, Numbers};
use auditlog_bundle::Record;
use auditlog_core::encode::Values;
use pgrx::pg_sys::Datum;
use std::rc::Rc;

/// Columns beside the hashed ones, in the order of their positions in [`Recorder::known`].
const NAMES: [&str; 7] = [
    "log_index",
    "sealed_at",
    "prev_hash",
    "entry_hash",
    "hash",
    "salt",
    "redacted",
];

/// Makes records, and keeps what they are made in.
#[derive(Default)]
pub struct Recorder {
    hasher: Hasher,
    redacted: Vec<u8>,
    /// Where [`NAMES`] are, and of which row type.
    known: Option<(Rc<Numbers>, [usize; NAMES.len()])>,
}

/// A row taken apart.
struct Parts {
    values: [Datum; INBOX],
    nulls: [bool; INBOX],
    log_index: u64,
    sealed_at: i64,
    prev_hash: [u8; 32],
    entry_hash: [u8; 32],
    hash: [u8; 32],
}

impl Recorder {
    /// Hands over the record of a sealed event; `None` for one that is not sealed.
    ///
    /// # Errors
    /// When a value is too long for an entry.
    ///
    /// # Safety
    /// `event` is a composite value of the view's row type.
    pub unsafe fn with<R>(&mut self, event: Datum, f: impl FnOnce(&Record<'_>) -> R) -> Result<Option<R>, RowError> {
        // SAFETY: as the caller promises; the columns have the types of the tables.
        unsafe {
            let Some(parts) = self.take_apart(event) else {
                return Ok(None);
            };
            let redacted = (!parts.nulls[REDACTED]).then_some(self.redacted.as_slice());
            let mut record = parts.record(redacted);
            record.values = self.hasher.plain_entry(&parts.values, &parts.nulls)?;
            Ok(Some(f(&record)))
        }
    }

    /// Hands over its values as well, which the record then has not: nothing is encoded to be decoded again. `column` gives the
    /// value of a column of the log by its position, when it is not NULL.
    ///
    /// # Errors
    /// When a value's bytes are none of its type.
    ///
    /// # Safety
    /// The values are of the log's columns, and stay during the call.
    pub unsafe fn with_columns<R>(
        &mut self,
        column: impl Fn(usize) -> Option<Datum>,
        f: impl FnOnce(&Record<'_>, &Values<'_>) -> R,
    ) -> Result<Option<R>, RowError> {
        // SAFETY: as the caller promises.
        unsafe {
            let Some(parts) = self.parts(column) else {
                return Ok(None);
            };
            let redacted = (!parts.nulls[REDACTED]).then_some(self.redacted.as_slice());
            let record = parts.record(redacted);
            let (values, nulls) = (&parts.values, &parts.nulls);
            self.hasher
                .plain_values(values, nulls, |values| f(&record, values))
                .map(Some)
        }
    }

    /// # Safety
    /// As [`Recorder::with`].
    unsafe fn take_apart(&mut self, event: Datum) -> Option<Parts> {
        // SAFETY: as the caller promises.
        unsafe {
            let row = EventRow::of(event);
            let places = match &self.known {
                Some((numbers, places)) if Rc::ptr_eq(numbers, row.numbers()) => *places,
                _ => {
                    let numbers = row.numbers().clone();
                    let places = NAMES.map(|name| numbers.by_name.get(name).copied().unwrap_or(usize::MAX));
                    self.known = Some((numbers, places));
                    places
                }
            };
            let [log_index, sealed_at, prev_hash, entry_hash, hash, salt, redacted] = places.map(|place| row.at(place));
            self.parts(|place| match place {
                LOG_INDEX => log_index,
                SEALED_AT => sealed_at,
                PREV_HASH => prev_hash,
                HASH => hash,
                ENTRY_HASH => entry_hash,
                SALT => salt,
                REDACTED => redacted,
                place if place < HASHED => row.hashed(place),
                _ => None,
            })
        }
    }

    /// The parts of a row, by the positions of the log's columns; `None` when it is not sealed.
    ///
    /// # Safety
    /// The values are of the log's columns.
    unsafe fn parts(&mut self, column: impl Fn(usize) -> Option<Datum>) -> Option<Parts> {
        // SAFETY: as the caller promises.
        unsafe {
            let log_index = column(LOG_INDEX)?;
            let (mut values, mut nulls) = ([Datum::null(); INBOX], [true; INBOX]);
            for place in 0..INBOX {
                if let Some(value) = column(place) {
                    values[place] = value;
                    nulls[place] = false;
                }
            }
            if !nulls[REDACTED] {
                let raw = row::bytes(values[REDACTED]);
                self.redacted.clear();
                if jsonb::canonical(raw, &mut self.redacted).is_err() {
                    // no reader finds commitments in it
                    self.redacted.clear();
                    self.redacted.extend_from_slice(raw);
                }
            }
            let hash_of = |place: usize| column(place).and_then(|datum| row::hash(datum)).unwrap_or([0; 32]);
            Some(Parts {
                values,
                nulls,
                log_index: log_index.value() as u64,
                sealed_at: column(SEALED_AT).map_or(0, |datum| (datum.value() as i64).wrapping_add(POSTGRES_EPOCH)),
                prev_hash: hash_of(PREV_HASH),
                entry_hash: hash_of(ENTRY_HASH),
                hash: hash_of(HASH),
            })
        }
    }
}

impl Parts {
    /// Without values.
    ///
    /// # Safety
    /// The parts of a row that is still there.
    unsafe fn record<'a>(&'a self, redacted: Option<&'a [u8]>) -> Record<'a> {
        Record {
            log_index: self.log_index,
            sealed_at: self.sealed_at,
            prev_hash: self.prev_hash,
            entry_hash: self.entry_hash,
            hash: self.hash,
            // SAFETY: a bytea column.
            salt: (!self.nulls[SALT]).then(|| unsafe { row::bytes(self.values[SALT]) }),
            redacted,
            values: &[],
        }
    }
}
