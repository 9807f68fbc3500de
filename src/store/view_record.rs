//! A row of the view `auditlog.events` as a bundle's record, without a copy of its hashes.

use super::POSTGRES_EPOCH;
use super::columns::{ENTRY_HASH, HASHED, INBOX, REDACTED, SALT};
use super::jsonb;
use super::row::{self, Hasher, RowError};
use super::view::EventRow;
use auditlog_bundle::Record;
use pgrx::pg_sys::Datum;

/// Makes records, and keeps what they are made in.
#[derive(Default)]
pub struct Recorder {
    hasher: Hasher,
    redacted: Vec<u8>,
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
            let row = EventRow::of(event);
            let Some(log_index) = row.get("log_index") else {
                return Ok(None);
            };
            let (mut values, mut nulls) = ([Datum::null(); INBOX], [true; INBOX]);
            let mut set = |place: usize, value: Option<Datum>| {
                if let Some(value) = value {
                    values[place] = value;
                    nulls[place] = false;
                }
            };
            for place in 0..HASHED {
                set(place, row.hashed(place));
            }
            set(SALT, row.get("salt"));
            set(REDACTED, row.get("redacted"));
            set(ENTRY_HASH, row.get("entry_hash"));
            let hash = |column| row.get(column).and_then(|datum| row::hash(datum)).unwrap_or([0; 32]);
            let has_redacted = !nulls[REDACTED];
            if has_redacted {
                let raw = row::bytes(values[REDACTED]);
                self.redacted.clear();
                if jsonb::canonical(raw, &mut self.redacted).is_err() {
                    // no reader finds commitments in it
                    self.redacted.clear();
                    self.redacted.extend_from_slice(raw);
                }
            }
            let record = Record {
                log_index: log_index.value() as u64,
                sealed_at: row
                    .get("sealed_at")
                    .map_or(0, |datum| (datum.value() as i64).wrapping_add(POSTGRES_EPOCH)),
                prev_hash: hash("prev_hash"),
                entry_hash: hash("entry_hash"),
                hash: hash("hash"),
                salt: (!nulls[SALT]).then(|| row::bytes(values[SALT])),
                redacted: has_redacted.then_some(self.redacted.as_slice()),
                values: self.hasher.plain_entry(&values, &nulls)?,
            };
            Ok(Some(f(&record)))
        }
    }
}
