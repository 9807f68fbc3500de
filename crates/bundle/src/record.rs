//! Records: one event with its proof of place, as the extension writes it.
//!
//! ```text
//! "pgar" 01 ‖ u64 log_index ‖ i64 sealed_at ‖ prev_hash 32 ‖ entry_hash 32 ‖ hash 32
//!   ‖ u32 length ‖ salt (length FFFFFFFF: NULL) ‖ u32 length ‖ redacted as canonical JSON (or NULL)
//!   ‖ the values as an entry in which nothing is hidden, to the end
//! ```
//!
//! All integers are big endian.

use auditlog_core::chain::Hash;

/// First bytes of a record: magic and version.
pub const MAGIC: [u8; 5] = *b"pgar\x01";

/// The shortest record: without salt, redactions and values.
pub const MIN_BYTES: usize = 5 + 8 + 8 + 3 * 32 + 4 + 4;

/// The length that says NULL.
const NULL: u32 = u32::MAX;

/// A record, borrowed from its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place in the log, from 0.
    pub log_index: u64,
    /// When it was sealed, in microseconds since 1970. Not hashed.
    pub sealed_at: i64,
    /// `hash` of the record before it.
    pub prev_hash: Hash,
    /// The leaf of the tree.
    pub entry_hash: Hash,
    /// The chain's link.
    pub hash: Hash,
    /// What the commitments to personal values were made with.
    pub salt: Option<&'a [u8]>,
    /// Commitments that erasure left in place of columns: canonical JSON.
    pub redacted: Option<&'a [u8]>,
    /// The plain entry.
    pub values: &'a [u8],
}

/// Why bytes are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// They do not begin with [`MAGIC`].
    #[error("the record does not begin with «pgar» and version 1")]
    Magic,
    /// They end early.
    #[error("the record is too short")]
    Short,
}

impl<'a> Record<'a> {
    /// Reads a record, without the length before it in a file.
    ///
    /// # Errors
    /// [`RecordError`]. The values are not looked at.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let mut rest = bytes.strip_prefix(&MAGIC).ok_or(RecordError::Magic)?;
        Ok(Self {
            log_index: u64::from_be_bytes(*take(&mut rest)?),
            sealed_at: i64::from_be_bytes(*take(&mut rest)?),
            prev_hash: *take(&mut rest)?,
            entry_hash: *take(&mut rest)?,
            hash: *take(&mut rest)?,
            salt: nullable(&mut rest)?,
            redacted: nullable(&mut rest)?,
            values: rest,
        })
    }

    /// Appends the record's bytes, without a length before them.
    ///
    /// # Panics
    /// When the salt or the redactions have 4 GiB or more.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend(MAGIC);
        out.extend(self.log_index.to_be_bytes());
        out.extend(self.sealed_at.to_be_bytes());
        for hash in [&self.prev_hash, &self.entry_hash, &self.hash] {
            out.extend(hash);
        }
        for part in [self.salt, self.redacted] {
            let length = part.map_or(NULL, |part| u32::try_from(part.len()).expect("below 4 GiB"));
            out.extend(length.to_be_bytes());
            out.extend(part.unwrap_or_default());
        }
        out.extend(self.values);
    }
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], RecordError> {
    let (taken, after) = rest.split_first_chunk().ok_or(RecordError::Short)?;
    *rest = after;
    Ok(taken)
}

fn nullable<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, RecordError> {
    let length = u32::from_be_bytes(*take(rest)?);
    if length == NULL {
        return Ok(None);
    }
    let (taken, after) = rest.split_at_checked(length as usize).ok_or(RecordError::Short)?;
    *rest = after;
    Ok(Some(taken))
}
