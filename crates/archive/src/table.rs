//! Records of any days and classes as one file of Parquet, with the columns of an object: for exports.

use std::io::Write;

use auditlog_bundle::Record;
use auditlog_core::decode::decode_plain;

use crate::rows::{Rows, check_size};
use crate::schema::SCHEMA_VERSION;
use crate::writer::{Options, WriteError};

/// Writes records in the order of the log, without their salts: those leave the log for its own archive only. The same
/// records with the same options give the same bytes.
pub struct TableWriter<W: Write + Send> {
    rows: Rows<W>,
    last: Option<u64>,
    record: Vec<u8>,
}

impl<W: Write + Send> TableWriter<W> {
    /// Begins a file that says of which log its events are.
    ///
    /// # Errors
    /// When an option is out of its range, or the first bytes cannot be written.
    pub fn new(out: W, origin: &str, options: Options) -> Result<Self, WriteError> {
        let facts = [
            ("format", "export"),
            ("schema", &SCHEMA_VERSION.to_string()),
            ("origin", origin),
        ];
        Ok(Self {
            rows: Rows::begin(out, &facts, options)?,
            last: None,
            record: Vec::new(),
        })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// When it does not come after the one before it, is too large, or cannot be written.
    pub fn push(&mut self, record: &Record<'_>) -> Result<(), WriteError> {
        if self.last.is_some_and(|last| last >= record.log_index) {
            return Err(WriteError::Order(record.log_index));
        }
        let record = Record { salt: None, ..*record };
        self.record.clear();
        record.write(&mut self.record);
        check_size(record.log_index, self.record.len())?;
        let values = decode_plain(record.values).ok();
        self.rows.push(&record, values.as_ref(), &self.record)?;
        self.last = Some(record.log_index);
        Ok(())
    }

    /// How many bytes have been written; those of the row group in memory are not among them.
    pub fn bytes_written(&self) -> u64 {
        self.rows.bytes_written()
    }

    /// Writes what is left, and gives what the file was written to. A file without records is one as well.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<W, WriteError> {
        Ok(self.rows.finish()?)
    }
}
