//! Records as row groups of Parquet: what objects of the archive and exports have in common.

use std::io::Write;

use auditlog_bundle::Record;
use auditlog_core::encode::Values;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;

use crate::buffer::{Buffer, MAX_COLUMN_BYTES};
use crate::schema::{message_type, properties};
use crate::writer::{MAX_RECORD_BYTES, MAX_ROW_GROUP_BYTES, Options, WriteError};

/// Row groups follow each other in the order of the records; one of them is in memory, nothing more.
pub(crate) struct Rows<W: Write + Send> {
    file: SerializedFileWriter<W>,
    buffer: Buffer,
    row_group_bytes: usize,
}

impl<W: Write + Send> Rows<W> {
    /// Begins a file that says these facts of itself.
    pub(crate) fn begin(out: W, facts: &[(&str, &str)], options: Options) -> Result<Self, WriteError> {
        if !(1..=MAX_ROW_GROUP_BYTES).contains(&options.row_group_bytes) {
            let wrong = format!(
                "row groups have 1 to {MAX_ROW_GROUP_BYTES} bytes, not {}",
                options.row_group_bytes
            );
            return Err(ParquetError::General(wrong).into());
        }
        let fact = |(name, value): &(&str, &str)| KeyValue {
            key: format!("pg_auditlog.{name}"),
            value: Some((*value).to_owned()),
        };
        let properties = properties(options.level, facts.iter().map(fact).collect())?;
        Ok(Self {
            file: SerializedFileWriter::new(out, message_type()?, properties)?,
            buffer: Buffer::new(),
            row_group_bytes: options.row_group_bytes,
        })
    }

    /// Adds a record, whose bytes and, if they can be read, values are these.
    pub(crate) fn push(
        &mut self,
        record: &Record<'_>,
        values: Option<&Values<'_>>,
        bytes: &[u8],
    ) -> Result<(), ParquetError> {
        // JSON text may take six times its canonical bytes
        if self.buffer.rows() > 0 && self.buffer.longest() + 6 * bytes.len() > MAX_COLUMN_BYTES {
            self.buffer.flush(&mut self.file)?;
        }
        self.buffer.push(record, values, bytes);
        if self.buffer.bytes() >= self.row_group_bytes {
            self.buffer.flush(&mut self.file)?;
        }
        Ok(())
    }

    /// How many bytes have been written; those of the row group in memory are not among them.
    pub(crate) fn bytes_written(&self) -> u64 {
        self.file.bytes_written() as u64
    }

    /// Writes what is left, and gives what the file was written to.
    pub(crate) fn finish(mut self) -> Result<W, ParquetError> {
        if self.buffer.rows() > 0 {
            self.buffer.flush(&mut self.file)?;
        }
        let mut out = self.file.into_inner()?;
        out.flush()?;
        Ok(out)
    }
}

/// Is the record small enough for a row?
pub(crate) fn check_size(log_index: u64, bytes: usize) -> Result<(), WriteError> {
    if bytes > MAX_RECORD_BYTES {
        return Err(WriteError::TooLarge { log_index, bytes });
    }
    Ok(())
}
