//! Records of any days and classes as one file of Parquet, with the columns of an object: for exports.

use std::io::Write;

use auditlog_bundle::Record;
use auditlog_core::decode::decode_plain;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;

use crate::buffer::{Buffer, MAX_COLUMN_BYTES};
use crate::reader::ReadError;
use crate::schema::{SCHEMA_VERSION, message_type, properties};
use crate::writer::{MAX_RECORD_BYTES, Options, WriteError};

/// Writes records in the order of the log, without their salts: those leave the log for its own archive only. The same
/// records with the same options give the same bytes. One row group is in memory, nothing more.
pub struct TableWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
    row_group_bytes: usize,
    buffer: Buffer,
    last: Option<u64>,
    record: Vec<u8>,
}

impl<W: Write + Send> TableWriter<W> {
    /// Begins a file that says of which log its events are.
    ///
    /// # Errors
    /// When an option is out of its range, or the first bytes cannot be written.
    pub fn new(out: W, origin: &str, options: Options) -> Result<Self, WriteError> {
        let fact = |key: &str, value: String| KeyValue {
            key: format!("pg_auditlog.{key}"),
            value: Some(value),
        };
        let facts = vec![
            fact("format", "export".to_owned()),
            fact("schema", SCHEMA_VERSION.to_string()),
            fact("origin", origin.to_owned()),
        ];
        let properties = properties(options.level, facts)?;
        Ok(Self {
            file: SerializedFileWriter::new(out, message_type()?, properties)?,
            row_group_bytes: options.row_group_bytes,
            buffer: Buffer::new(),
            last: None,
            record: Vec::new(),
        })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// When it does not come after the one before it, is too large, or cannot be written.
    pub fn push(&mut self, record: &Record<'_>) -> Result<(), WriteError> {
        let log_index = record.log_index;
        if self.last.is_some_and(|last| last >= log_index) {
            return Err(WriteError::Order(log_index));
        }
        let record = Record { salt: None, ..*record };
        let mut bytes = std::mem::take(&mut self.record);
        bytes.clear();
        record.write(&mut bytes);
        if bytes.len() > MAX_RECORD_BYTES {
            let bytes = bytes.len();
            return Err(WriteError::TooLarge { log_index, bytes });
        }
        // JSON text may take six times its canonical bytes
        if self.buffer.rows() > 0 && self.buffer.longest() + 6 * bytes.len() > MAX_COLUMN_BYTES {
            self.buffer.flush(&mut self.file)?;
        }
        self.buffer
            .push(&record, decode_plain(record.values).ok().as_ref(), &bytes);
        self.record = bytes;
        self.last = Some(log_index);
        if self.buffer.bytes() >= self.row_group_bytes {
            self.buffer.flush(&mut self.file)?;
        }
        Ok(())
    }

    /// How many bytes have been written; those of the row group in memory are not among them.
    pub fn bytes_written(&self) -> u64 {
        self.file.bytes_written() as u64
    }

    /// Writes what is left, and gives what the file was written to. A file without records is one as well.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<W, WriteError> {
        if self.buffer.rows() > 0 {
            self.buffer.flush(&mut self.file)?;
        }
        let mut out = self.file.into_inner()?;
        out.flush().map_err(ParquetError::from)?;
        Ok(out)
    }
}

/// How many rows a file of Parquet says that it has.
///
/// # Errors
/// When it is none.
pub fn rows<R: ChunkReader + 'static>(file: R) -> Result<u64, ReadError> {
    crate::reader::guarded(|| {
        let file = SerializedFileReader::new(file)?;
        Ok(u64::try_from(file.metadata().file_metadata().num_rows()).unwrap_or(0))
    })
}
