//! What the files of an export have inside: lines of a format, or rows of Parquet.

use std::fs::File;
use std::io::{BufWriter, Seek};
use std::path::PathBuf;

use auditlog_archive::{Options as TableOptions, TableWriter};
use auditlog_bundle::Record;
use auditlog_format::{Format, OptionError, Options, Source, Writer};

use crate::files::{hash_of, private};
use crate::output::{OutputError, file_error};

/// The name of the format that has no lines.
pub const PARQUET: &str = "parquet";

/// What is written.
#[derive(Debug, Clone)]
pub enum Content {
    /// A line for each event.
    Lines(Box<Writer>),
    /// A row for each event, with the columns of the archive (docs/export.md).
    Parquet {
        /// The log that the events are from.
        origin: String,
    },
}

impl Content {
    /// The content of this name, with these options.
    ///
    /// # Errors
    /// When there is no such format or option.
    pub fn parse(format: &str, options: &serde_json::Value, source: Source) -> Result<Self, OptionError> {
        if !format.trim().eq_ignore_ascii_case(PARQUET) {
            let options = Options::parse(Format::from_label(format)?, options)?;
            return Ok(Self::Lines(Box::new(Writer::new(options, source))));
        }
        match options.as_object().and_then(|options| options.keys().next()) {
            None => Ok(Self::Parquet { origin: source.origin }),
            Some(name) => Err(OptionError {
                message: format!("the format parquet has no option «{name}»"),
                hint: "Leave it out.".to_owned(),
            }),
        }
    }

    /// Do the lines prove, with a file of hashes, that they are the log's?
    pub fn proves(&self) -> bool {
        matches!(self, Self::Lines(writer) if writer.format() == Format::Json)
    }
}

/// A part of Parquet that is being written. Its end says where everything is, so after a crash it begins anew.
pub(crate) struct Table {
    writer: TableWriter<BufWriter<File>>,
    path: PathBuf,
}

impl Table {
    /// A part can't end within a row group, so with small parts those are small.
    pub(crate) fn begin(path: PathBuf, origin: &str, part_bytes: Option<u64>) -> Result<Self, OutputError> {
        let file = private(&path, true).map_err(file_error(&path))?;
        let mut options = TableOptions::default();
        if let Some(most) = part_bytes.and_then(|bytes| usize::try_from(bytes).ok()) {
            options.row_group_bytes = options.row_group_bytes.min(most.max(1));
        }
        let writer = TableWriter::new(BufWriter::new(file), origin, options);
        let writer = writer.map_err(|error| OutputError::File(format!("{}: {error}", path.display())))?;
        Ok(Self { writer, path })
    }

    pub(crate) fn push(&mut self, record: &Record<'_>) -> Result<u64, OutputError> {
        let pushed = self.writer.push(record);
        pushed.map_err(|error| OutputError::File(format!("{}: {error}", self.path.display())))?;
        Ok(self.writer.bytes_written())
    }

    /// Ends it, on disk; its bytes and their SHA-256.
    pub(crate) fn end(self) -> Result<(u64, String), OutputError> {
        let path = self.path;
        let out = self.writer.finish();
        let out = out.map_err(|error| OutputError::File(format!("{}: {error}", path.display())))?;
        let mut file = out
            .into_inner()
            .map_err(|error| file_error(&path)(error.into_error()))?;
        file.sync_data().map_err(file_error(&path))?;
        file.rewind().map_err(file_error(&path))?;
        let (bytes, sha256) = hash_of(&file, u64::MAX).map_err(file_error(&path))?;
        Ok((bytes, crate::line::hex(&sha2::Digest::finalize(sha256))))
    }
}
