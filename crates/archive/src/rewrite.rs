//! Writing an object anew: after erasure, and when events go.

use std::io::{Read, Write};

use auditlog_bundle::Record;
use auditlog_bundle::record::RecordError;
use auditlog_tlog::Hash;
use parquet::file::reader::ChunkReader;
use sha2::{Digest, Sha256};

use crate::manifest::{Manifest, Replaced};
use crate::reader::{ObjectReader, ReadError};
use crate::row::RowError;
use crate::writer::{ObjectWriter, Options, Placement, WriteError};

/// What becomes of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It stays as it is.
    Keep,
    /// It goes.
    Drop,
    /// It is this record instead, which has the same place and the same entry: erasure keeps the entry.
    Replace(Vec<u8>),
}

/// Why an object is not written anew.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// The object is not the one that the manifest is about.
    #[error("the object is not the one that the manifest is about: it must be verified first")]
    Other,
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A row of it is no record.
    #[error("the row of log_index {log_index} cannot be read: {error}")]
    Row {
        /// Its place.
        log_index: u64,
        /// Why.
        error: RowError,
    },
    /// A record cannot be read.
    #[error("a record cannot be read: {0}")]
    Record(#[from] RecordError),
    /// What is to come in place of a record has another place or another entry.
    #[error("the record that replaces log_index {0} is of another event")]
    Replacement(u64),
    /// The new object cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl RewriteError {
    /// What to do about it, as a sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read(error) => error.hint(),
            Self::Write(error) => error.hint(),
            Self::Other | Self::Row { .. } | Self::Record(_) => {
                "Run auditlog verify on the archive; it names what was changed."
            }
            Self::Replacement(_) => "Give the record of the same event after erasure.",
        }
    }
}

/// Writes to `out` what is left of `object`, and gives the manifest of the new object: with the old one's
/// checkpoint, and the old object under `replaces`, where the certificate of what went is the caller's to fill
/// in. `None` when nothing is left; what has been written to `out` is then worth nothing.
///
/// # Errors
/// When the object is not `manifest`'s, or cannot be read, or the new one cannot be written.
pub fn rewrite<R: ChunkReader + 'static, W: Write + Send>(
    object: R,
    manifest: &Manifest,
    out: W,
    options: Options,
    mut change: impl FnMut(&Record<'_>) -> Change,
) -> Result<Option<(W, Manifest)>, RewriteError> {
    if digest(&object)? != (manifest.sha256, manifest.bytes) {
        return Err(RewriteError::Other);
    }
    let reader = ObjectReader::open(object)?;
    let placement = Placement {
        origin: manifest.origin.clone(),
        retention_class: manifest.retention_class.clone(),
        day: manifest.day,
    };
    let mut writer = ObjectWriter::new(out, placement, options)?;
    let mut bytes = Vec::new();
    for number in 0..reader.groups() {
        let mut group = reader.group(number)?;
        for at in 0..group.len() {
            bytes.clear();
            let log_index = group.log_index(at);
            group
                .record(at, &mut bytes)
                .map_err(|error| RewriteError::Row { log_index, error })?;
            let record = Record::parse(&bytes)?;
            match change(&record) {
                Change::Keep => writer.push(&bytes)?,
                Change::Drop => {}
                Change::Replace(other) => {
                    let new = Record::parse(&other)?;
                    let links =
                        |record: &Record<'_>| (record.log_index, record.prev_hash, record.entry_hash, record.hash);
                    if links(&new) != links(&record) {
                        return Err(RewriteError::Replacement(log_index));
                    }
                    writer.push(&other)?;
                }
            }
        }
    }
    if writer.events() == 0 {
        return Ok(None);
    }
    let (out, mut new) = writer.finish()?;
    new.checkpoint = manifest.checkpoint.clone();
    new.replaces = manifest.replaces.clone();
    new.replaces.push(Replaced {
        certificate: None,
        sha256: manifest.sha256,
    });
    Ok(Some((out, new)))
}

/// SHA-256 and number of bytes of an object.
pub(crate) fn digest<R: ChunkReader>(object: &R) -> Result<(Hash, u64), ReadError> {
    let damaged = |error: std::io::Error| ReadError::Damaged(error.to_string());
    let mut reader = object.get_read(0)?;
    let mut sha256 = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let read = reader.read(&mut piece).map_err(damaged)?;
        if read == 0 {
            return Ok((sha256.finalize().into(), bytes));
        }
        sha256.update(&piece[..read]);
        bytes += read as u64;
    }
}
