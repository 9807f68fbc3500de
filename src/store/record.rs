//! A row of the log as the bytes that bundles, archives and exports have (docs/format.md, «Records»).

use super::POSTGRES_EPOCH;
use super::columns::{ENTRY_HASH, HASH, LOG, LOG_INDEX, PREV_HASH, REDACTED, SALT, SEALED_AT};
use super::row::{self, Hasher, RowError};
use super::{jsonb, row::bytes};
use auditlog_bundle::Record;
use pgrx::pg_sys::Datum;

/// Appends the record of a row.
///
/// # Errors
/// When a value cannot be read.
///
/// # Safety
/// A row of the log.
pub unsafe fn write(
    values: &[Datum; LOG],
    nulls: &[bool; LOG],
    hasher: &mut Hasher,
    out: &mut Vec<u8>,
) -> Result<(), RowError> {
    let hash = |at: usize| {
        // SAFETY: bytea columns of the log.
        (!nulls[at])
            .then(|| unsafe { row::hash(values[at]) })
            .flatten()
            .unwrap_or([0; 32])
    };
    // SAFETY: a jsonb and a bytea column.
    let (redacted, salt) = unsafe {
        let redacted = (!nulls[REDACTED]).then(|| {
            let raw = bytes(values[REDACTED]);
            let mut canonical = Vec::new();
            match jsonb::canonical(raw, &mut canonical) {
                Ok(()) => canonical,
                Err(_) => raw.to_vec(),
            }
        });
        (redacted, (!nulls[SALT]).then(|| bytes(values[SALT])))
    };
    // SAFETY: as the caller promises.
    let entry = unsafe { hasher.plain_entry(values, nulls)? };
    Record {
        log_index: values[LOG_INDEX].value() as u64,
        sealed_at: (values[SEALED_AT].value() as i64).wrapping_add(POSTGRES_EPOCH),
        prev_hash: hash(PREV_HASH),
        entry_hash: hash(ENTRY_HASH),
        hash: hash(HASH),
        salt,
        redacted: redacted.as_deref(),
        values: entry,
    }
    .write(out);
    Ok(())
}
