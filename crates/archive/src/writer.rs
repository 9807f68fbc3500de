//! Writing an object.

use std::io::{self, Write};

use auditlog_bundle::Record;
use auditlog_bundle::certificate::MAX_RANGES;
use auditlog_bundle::record::RecordError;
use auditlog_core::decode::decode_plain;
use auditlog_core::encode::Value;
use chrono::{DateTime, NaiveDate};
use parquet::errors::ParquetError;
use sha2::{Digest, Sha256};

use crate::manifest::{FORMAT, Manifest};
use crate::places::Places;
use crate::rows::{Rows, check_size};
use crate::schema::{FIRST, SCHEMA_VERSION};

/// What all events of an object have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The log, as in its checkpoints.
    pub origin: String,
    /// The class that the events are kept under.
    pub retention_class: String,
    /// The day in UTC of their `timestamp`.
    pub day: NaiveDate,
}

/// How an object is written. The same records with the same options give the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// A row group ends when its records have so many bytes: so many, and half as much again, are kept in
    /// memory. Those who read the object need as much. At most [`MAX_ROW_GROUP_BYTES`].
    pub row_group_bytes: usize,
    /// zstd's level, 1 to 22.
    pub level: i32,
}

/// The most that [`Options::row_group_bytes`] can be.
pub const MAX_ROW_GROUP_BYTES: usize = 128 << 20;

/// The largest record in bytes. PostgreSQL's rows are smaller.
pub const MAX_RECORD_BYTES: usize = 256 << 20;

impl Default for Options {
    fn default() -> Self {
        Self {
            row_group_bytes: 32 << 20,
            level: 3,
        }
    }
}

/// Why an object cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It is no record.
    #[error("a record cannot be read: {0}")]
    Record(#[from] RecordError),
    /// It does not come after the one before it.
    #[error("log_index {0} does not come after those that are in the object")]
    Order(u64),
    /// No place of a log.
    #[error("{0} is no log_index")]
    Place(u64),
    /// The event is of another day.
    #[error("the event at log_index {log_index} is of {found}, the object is of {expected}")]
    Day {
        /// Its place.
        log_index: u64,
        /// Its day.
        found: NaiveDate,
        /// The object's day.
        expected: NaiveDate,
    },
    /// The object has as many ranges of places as its manifest can have: this place begins the next object.
    #[error("an object has at most {MAX_RANGES} ranges of places: begin another")]
    Full,
    /// A record that no row can hold.
    #[error("the record at log_index {log_index} has {bytes} bytes; the most is {MAX_RECORD_BYTES}")]
    TooLarge {
        /// Its place.
        log_index: u64,
        /// Its bytes.
        bytes: usize,
    },
    /// Nothing was pushed.
    #[error("an object has one event at least")]
    Empty,
    /// What the object is written to, or an option that is none.
    #[error("the object cannot be written: {0}")]
    Parquet(#[from] ParquetError),
}

impl WriteError {
    /// What to do about it, as a sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Record(_) | Self::Place(_) => "Give records as auditlog.bundle_record() writes them.",
            Self::Order(_) => "Give the records in the order of log_index, each once.",
            Self::Day { .. } => "Begin an object for each day in UTC.",
            Self::Full => "Finish this object and begin another with this record.",
            Self::TooLarge { .. } => "Leave the event in the database.",
            Self::Empty => "Finish an object only when something was added.",
            Self::Parquet(_) => "See whether there is room where the object is written, and write it anew.",
        }
    }
}

/// Passes bytes on, counts and hashes them.
struct Digesting<W> {
    inner: W,
    sha256: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Writes records of one class and day, in the order of the log, as one object.
///
/// Row groups follow each other in the order of the log. Within a row group rows stand by time, as its
/// metadata says: nothing but one row group is ever in memory, and the log's order is nearly that of time.
pub struct ObjectWriter<W: Write + Send> {
    rows: Rows<Digesting<W>>,
    placement: Placement,
    places: Places,
    times: Option<(i64, i64)>,
}

impl<W: Write + Send> ObjectWriter<W> {
    /// Begins an object.
    ///
    /// # Errors
    /// When an option is out of its range, or the first bytes cannot be written.
    pub fn new(out: W, placement: Placement, options: Options) -> Result<Self, WriteError> {
        let out = Digesting {
            inner: out,
            sha256: Sha256::new(),
            bytes: 0,
        };
        let facts = [
            ("format", FORMAT),
            ("schema", &SCHEMA_VERSION.to_string()),
            ("origin", &placement.origin),
            ("retention_class", &placement.retention_class),
            ("day", &placement.day.to_string()),
        ];
        Ok(Self {
            rows: Rows::begin(out, &facts, options)?,
            placement,
            places: Places::default(),
            times: None,
        })
    }

    /// Adds the bytes of a record, as `auditlog.bundle_record` writes them.
    ///
    /// # Errors
    /// [`WriteError::Full`]: finish this object, and begin another with this record. With other errors but
    /// [`WriteError::Parquet`] the object is as it was, without the record.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let record = Record::parse(bytes)?;
        let log_index = record.log_index;
        if i64::try_from(log_index).is_err() {
            return Err(WriteError::Place(log_index));
        }
        if !self.places.is_next(log_index) {
            return Err(WriteError::Order(log_index));
        }
        check_size(log_index, bytes.len())?;
        if self.places.begins(log_index) && self.places.ranges().len() == MAX_RANGES {
            return Err(WriteError::Full);
        }
        let values = decode_plain(record.values).ok();
        let time = values.as_ref().and_then(|values| match values[FIRST - 1] {
            Value::Int(time) => Some(time),
            _ => None,
        });
        self.check_day(log_index, time)?;
        self.rows.push(&record, values.as_ref(), bytes)?;
        self.places.push(log_index, &record.entry_hash);
        Ok(())
    }

    /// Events are where their time says; one whose time cannot be read is where the caller says.
    fn check_day(&mut self, log_index: u64, time: Option<i64>) -> Result<(), WriteError> {
        let Some((time, moment)) = time.and_then(|time| Some((time, DateTime::from_timestamp_micros(time)?))) else {
            return Ok(());
        };
        let found = moment.date_naive();
        if found != self.placement.day {
            return Err(WriteError::Day {
                log_index,
                found,
                expected: self.placement.day,
            });
        }
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), last.max(time)));
        Ok(())
    }

    /// How many events have been added.
    pub fn events(&self) -> u64 {
        self.places.events()
    }

    /// How many bytes have been written; those of the row group in memory are not among them.
    pub fn bytes_written(&self) -> u64 {
        self.rows.bytes_written()
    }

    /// Writes what is left, and gives what the object was written to, and its manifest.
    ///
    /// # Errors
    /// [`WriteError::Empty`], or when it cannot be written.
    pub fn finish(self) -> Result<(W, Manifest), WriteError> {
        if self.places.events() == 0 {
            return Err(WriteError::Empty);
        }
        let Digesting { inner, sha256, bytes } = self.rows.finish()?;
        let manifest = Manifest {
            bytes,
            checkpoint: None,
            day: self.placement.day,
            events: self.places.events(),
            first_timestamp: self.times.map(|(first, _)| first),
            last_timestamp: self.times.map(|(_, last)| last),
            log_indexes: self.places.ranges().to_vec(),
            origin: self.placement.origin,
            replaces: Vec::new(),
            retention_class: self.placement.retention_class,
            root: self.places.root(),
            schema: u64::from(SCHEMA_VERSION),
            sha256: sha256.finalize().into(),
        };
        Ok((inner, manifest))
    }
}
