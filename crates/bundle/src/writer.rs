//! Writing a bundle.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use auditlog_tlog::tile::{to_bytes, width_at};
use auditlog_tlog::{Hash, TileId};

use crate::frames::write_frame;
use crate::layout::{
    CHECKPOINT, CHECKPOINTS, EVENTS, EVENTS_PER_FILE, MANIFEST, certificate_path, checkpoint_path, events_path,
};
use crate::manifest::Manifest;
use crate::record::Record;

/// Writes the files of a bundle. The manifest comes last, so that one that was cut off has none.
#[derive(Debug)]
pub struct BundleWriter {
    directory: PathBuf,
    size: u64,
    file: Option<(u64, BufWriter<File>)>,
    events: u64,
    /// The place that the next record must have at least.
    next: u64,
}

/// Why a bundle cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is something already.
    #[error("{0} is not empty: a bundle is made anew")]
    NotEmpty(String),
    /// A record that is none.
    #[error("a record cannot be read: {0}")]
    Record(#[from] crate::record::RecordError),
    /// A record that does not come after the one before it.
    #[error("a record has log_index {found} where one from {expected} on is due")]
    Order {
        /// The place it has.
        found: u64,
        /// The first place that it could have.
        expected: u64,
    },
    /// A record behind the end of the checkpoint's tree.
    #[error("a record has log_index {0}, behind the end of the checkpoint's tree")]
    Beyond(u64),
    /// Too few hashes for a tile.
    #[error("{path} has {found} hashes where the tree has {expected}")]
    Tile {
        /// The tile.
        path: String,
        /// The hashes of the tree.
        expected: u16,
        /// The hashes given.
        found: usize,
    },
    /// A file.
    #[error("{file}: {error}")]
    Io {
        /// Which.
        file: String,
        /// Why.
        error: io::Error,
    },
}

fn io_error(file: impl Into<String>) -> impl FnOnce(io::Error) -> WriteError {
    let file = file.into();
    move |error| WriteError::Io { file, error }
}

impl BundleWriter {
    /// A bundle in `directory`, which is made if it is not there, about a tree of `size` entries.
    ///
    /// # Errors
    /// [`WriteError::NotEmpty`], or when the folders cannot be made.
    pub fn new(directory: &Path, size: u64) -> Result<Self, WriteError> {
        let name = directory.display().to_string();
        for folder in ["", CHECKPOINTS, EVENTS] {
            fs::create_dir_all(directory.join(folder)).map_err(io_error(name.clone()))?;
            let mut entries = fs::read_dir(directory.join(folder)).map_err(io_error(name.clone()))?;
            if entries.next().is_some() {
                return Err(WriteError::NotEmpty(name));
            }
            if folder.is_empty() {
                continue;
            }
        }
        Ok(Self {
            directory: directory.to_owned(),
            size,
            file: None,
            events: 0,
            next: 0,
        })
    }

    /// The note that the bundle is about.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn checkpoint(&self, note: &str) -> Result<(), WriteError> {
        self.write(CHECKPOINT, note.as_bytes())
    }

    /// A known note of the log's tree of `size`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn known(&self, size: u64, note: &str) -> Result<(), WriteError> {
        self.write(&checkpoint_path(size), note.as_bytes())
    }

    /// A certificate of retention, and the place of the event that tells of it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn certificate(&self, place: u64, note: &str) -> Result<(), WriteError> {
        self.write(&certificate_path(place), note.as_bytes())
    }

    /// A tile. It may have grown since the checkpoint: what is too much is cut off.
    ///
    /// # Errors
    /// When it has too few hashes, or the file cannot be written.
    pub fn tile(&self, id: TileId, hashes: &[Hash]) -> Result<(), WriteError> {
        let width = width_at(id, self.size);
        let path = id.path(width);
        let hashes = hashes.get(..usize::from(width)).ok_or_else(|| WriteError::Tile {
            path: path.clone(),
            expected: width,
            found: hashes.len(),
        })?;
        self.write(&path, &to_bytes(hashes))
    }

    /// The next record, in the order of the log.
    ///
    /// # Errors
    /// When it is none, is out of order or behind the end of the tree, or the file cannot be written.
    pub fn record(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let index = Record::parse(bytes)?.log_index;
        if index < self.next {
            return Err(WriteError::Order {
                found: index,
                expected: self.next,
            });
        }
        if index >= self.size {
            return Err(WriteError::Beyond(index));
        }
        let number = index / EVENTS_PER_FILE;
        let path = events_path(number);
        let file = match self.file.take() {
            Some((open, file)) if open == number => file,
            other => {
                close(other)?;
                let file = File::create_new(self.directory.join(&path)).map_err(io_error(path.clone()))?;
                BufWriter::with_capacity(1 << 18, file)
            }
        };
        let (_, file) = self.file.insert((number, file));
        write_frame(bytes, file).map_err(io_error(path))?;
        self.events += 1;
        self.next = index + 1;
        Ok(())
    }

    /// How many records have been written.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Writes the manifest.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(mut self, manifest: &Manifest) -> Result<(), WriteError> {
        close(self.file.take())?;
        self.write(MANIFEST, manifest.text().as_bytes())
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let file = self.directory.join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(io_error(path))?;
        }
        fs::write(file, bytes).map_err(io_error(path))
    }
}

fn close(file: Option<(u64, BufWriter<File>)>) -> Result<(), WriteError> {
    match file {
        None => Ok(()),
        Some((number, mut file)) => file.flush().map_err(io_error(events_path(number))),
    }
}
