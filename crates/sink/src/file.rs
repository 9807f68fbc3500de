//! The kind `file`: appends to a file that is never truncated.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::error::{ConfigError, DeliveryError};
use crate::message::{Assurance, Message, Receipt};
use crate::net::Call;
use crate::options::Options;
use crate::records::{FileFormat, tail};

/// A configured file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileTarget {
    pub(crate) path: PathBuf,
    pub(crate) format: FileFormat,
}

impl FileTarget {
    pub(crate) fn parse(address: &str, options: &mut Options<'_>) -> Result<Self, ConfigError> {
        let path = Path::new(address);
        let wrong = |what: &str| ConfigError::new(format!("the path «{}» {what}", address.escape_debug()));
        if address.chars().any(char::is_control) {
            return Err(wrong("has a control character"));
        }
        if !path.is_absolute() {
            return Err(wrong("is not absolute")
                .hint("A server process has no working directory to rely on: begin with a slash."));
        }
        if address.ends_with('/') || path.file_name().is_none() {
            return Err(wrong("names a directory"));
        }
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(wrong("goes back with «..»"));
        }
        Ok(Self {
            path: path.to_owned(),
            format: options.choice("format", &[("notes", FileFormat::Notes), ("lines", FileFormat::Lines)])?,
        })
    }

    pub(crate) fn deliver(&self, call: &Call<'_>, message: &Message<'_>) -> Result<Receipt, DeliveryError> {
        let record = self.format.record(message.body)?;
        let failed = |what: &str, error: &io::Error| self.failed(what, error);
        // O_NONBLOCK only for what is no regular file: the opening of a pipe would wait for its other end.
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o640)
            .custom_flags(libc::O_NONBLOCK)
            .open(&self.path)
            .map_err(|error| failed("open", &error))?;
        let metadata = file.metadata().map_err(|error| failed("open", &error))?;
        if !metadata.is_file() {
            return Err(DeliveryError::permanent(format!(
                "{} is no regular file",
                self.path.display()
            )));
        }
        self.lock(&file, call)?;
        let tail = tail(&mut file, self.format).map_err(|error| failed("read", &error))?;
        let mut receipt = Receipt::new(Assurance::Confirmed);
        if self.format == FileFormat::Notes && tail.last.as_deref() == Some(message.body) {
            receipt.already_there = true;
        } else {
            let end: &[u8] = if tail.torn { self.format.end_of_torn() } else { b"" };
            let bytes = [end, &record].concat();
            let written = file.write(&bytes).map_err(|error| failed("write", &error))?;
            if written < bytes.len() {
                return Err(DeliveryError::retry(format!(
                    "could write only {written} of {} bytes to {}",
                    bytes.len(),
                    self.path.display()
                )));
            }
        }
        // Also when it was there before: its writer may have died before this.
        file.sync_all().map_err(|error| failed("sync", &error))?;
        if tail.size == 0 {
            let directory = self.path.parent().unwrap_or(Path::new("/"));
            File::open(directory)
                .and_then(|directory| directory.sync_all())
                .map_err(|error| failed("sync the directory of", &error))?;
        }
        Ok(receipt)
    }

    /// Only one appends at a time: the end of the file must not change while it is looked at.
    fn lock(&self, file: &File, call: &Call<'_>) -> Result<(), DeliveryError> {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(self.failed("lock", &error)),
            }
            let left = call.left().map_err(|_| {
                DeliveryError::retry(format!(
                    "another process held the lock of {} too long",
                    self.path.display()
                ))
            })?;
            std::thread::sleep(left.min(Duration::from_millis(10)));
        }
    }

    fn failed(&self, what: &str, error: &io::Error) -> DeliveryError {
        use io::ErrorKind::{InvalidData, IsADirectory, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem};
        let message = format!("could not {what} {}: {error}", self.path.display());
        match error.kind() {
            InvalidData | IsADirectory | NotADirectory | NotFound | PermissionDenied | ReadOnlyFilesystem => {
                DeliveryError::permanent(message)
            }
            _ => DeliveryError::retry(message),
        }
    }
}
