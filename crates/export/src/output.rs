//! Writing the files of an export.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use auditlog_bundle::Record;
use auditlog_bundle::record::RecordError;
use auditlog_format::FormatError;
use auditlog_tlog::Hash;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::content::{Content, Table};
use crate::files::{Names, hash_of, private};
use crate::line::hex;
use crate::manifest::{FileEntry, ProofEntry};

/// Bytes that are written at a time.
const BUFFER: usize = 256 * 1024;

/// What does not change while an export is written.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What the files are called.
    pub names: Names,
    /// What is in the files.
    pub content: Content,
    /// Bytes after which a part ends; `None` for one file.
    pub part_bytes: Option<u64>,
    /// The most bytes of all files.
    pub max_bytes: u64,
}

/// How far an export is. What it says has been made durable before it is told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The place in the log from which on to read.
    pub position: u64,
    /// Events that were written.
    pub events: u64,
    /// The last one's place.
    pub last: Option<u64>,
    /// The first one's place.
    pub first: Option<u64>,
    /// The first one of the running part.
    pub part_first: Option<u64>,
    /// Events of the running part.
    pub part_events: u64,
    /// Bytes of the running part.
    pub part_bytes: u64,
    /// Bytes of the file of hashes.
    pub proof_bytes: u64,
    /// Parts that are complete.
    pub files: Vec<FileEntry>,
}

impl Progress {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum::<u64>() + self.part_bytes
    }

    /// The first place whose gap's hashes were not written.
    pub fn gap_from(&self) -> u64 {
        self.last.map_or(0, |last| last + 1)
    }

    /// As at the end of the last complete part: where to go on when the running one is lost.
    fn back_to_part(&self) -> Self {
        let last_file = self.files.last();
        let last = last_file.and_then(|file| file.last_log_index);
        Self {
            position: last.map_or(0, |last| last + 1),
            events: self.files.iter().map(|file| file.events).sum(),
            last,
            first: self.files.first().and_then(|file| file.first_log_index),
            part_first: None,
            part_events: 0,
            part_bytes: 0,
            proof_bytes: last_file.map_or(0, |file| file.proof_bytes),
            files: self.files.clone(),
        }
    }
}

/// Why an export cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// A file.
    #[error("{0}")]
    File(String),
    /// An event that has no line.
    #[error("log_index {0}: {1}")]
    Event(u64, FormatError),
    /// No record.
    #[error("a record cannot be read: {0}")]
    Record(#[from] RecordError),
    /// It has more bytes than it may have.
    #[error("the export is too large")]
    TooLarge,
}

pub(crate) fn file_error(path: &std::path::Path) -> impl Fn(io::Error) -> OutputError + '_ {
    move |error| OutputError::File(format!("{}: {error}", path.display()))
}

/// A file that is counted and hashed while it is written.
struct Counted {
    file: io::BufWriter<File>,
    path: std::path::PathBuf,
    sha256: Sha256,
    bytes: u64,
}

impl Counted {
    /// Opens it to go on behind `bytes`; `None` when it has fewer.
    fn open(path: std::path::PathBuf, bytes: u64) -> io::Result<Option<Self>> {
        let mut file = match private(&path, bytes == 0) {
            Err(error) if bytes > 0 && error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let (there, sha256) = hash_of(&file, bytes)?;
        if there < bytes {
            return Ok(None);
        }
        file.set_len(bytes)?;
        file.seek(SeekFrom::Start(bytes))?;
        Ok(Some(Self {
            file: io::BufWriter::with_capacity(BUFFER, file),
            path,
            sha256,
            bytes,
        }))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(file_error(&self.path))
    }

    fn sync(&mut self) -> Result<(), OutputError> {
        self.file.flush().map_err(file_error(&self.path))?;
        self.file.get_ref().sync_data().map_err(file_error(&self.path))
    }

    fn sha256(&self) -> String {
        hex(&self.sha256.clone().finalize())
    }
}

/// The files of an export that is being written.
pub struct Output {
    plan: Plan,
    progress: Progress,
    part: Option<Part>,
    proof: Option<Counted>,
    line: Vec<u8>,
}

/// The part that is being written.
enum Part {
    Lines(Counted),
    Table(Box<Table>),
}

/// What an export has in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The files with events.
    pub files: Vec<FileEntry>,
    /// The file of hashes.
    pub proof: Option<ProofEntry>,
}

impl Output {
    /// Begins, or goes on where `progress` says. What was not made durable is written again.
    ///
    /// # Errors
    /// When a file cannot be opened.
    pub fn open(plan: Plan, progress: Progress) -> Result<Self, OutputError> {
        let mut output = Self {
            plan,
            progress,
            part: None,
            proof: None,
            line: Vec::new(),
        };
        if matches!(output.plan.content, Content::Parquet { .. }) {
            output.progress = output.progress.back_to_part();
        }
        if !output.open_files()? {
            output.progress = output.progress.back_to_part();
            if !output.open_files()? {
                output.progress = Progress::default();
                output.open_files()?;
            }
        }
        Ok(output)
    }

    fn open_files(&mut self) -> Result<bool, OutputError> {
        self.place_complete()?;
        self.part = None;
        self.proof = None;
        if self.progress.part_bytes > 0 {
            let path = self.plan.names.temporary(&self.part_name());
            match Counted::open(path.clone(), self.progress.part_bytes).map_err(file_error(&path))? {
                None => return Ok(false),
                Some(part) => self.part = Some(Part::Lines(part)),
            }
        }
        if self.plan.content.proves() {
            let path = self.plan.names.temporary(&self.plan.names.proof());
            match Counted::open(path.clone(), self.progress.proof_bytes).map_err(file_error(&path))? {
                None => return Ok(false),
                proof => self.proof = proof,
            }
        }
        Ok(true)
    }

    /// Parts that were complete when it ended may not have got their names.
    fn place_complete(&self) -> Result<(), OutputError> {
        for file in &self.progress.files {
            if self.plan.names.temporary(&file.name).exists() {
                self.place(&file.name, &file.sha256)?;
            }
        }
        Ok(())
    }

    fn place(&self, name: &str, sha256: &str) -> Result<(), OutputError> {
        let named = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => OutputError::File(error.to_string()),
            _ => OutputError::File(format!("{}: {error}", self.plan.names.at(name).display())),
        };
        self.plan.names.place(name, sha256).map_err(named)
    }

    /// How far it is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    fn part_name(&self) -> String {
        let number = self.plan.part_bytes.map(|_| self.progress.files.len());
        self.plan.names.part(number)
    }

    /// The running part, begun with the format's header.
    fn part(&mut self) -> Result<&mut Part, OutputError> {
        let part = match self.part.take() {
            Some(part) => part,
            None => self.begin_part()?,
        };
        Ok(self.part.insert(part))
    }

    fn begin_part(&mut self) -> Result<Part, OutputError> {
        let path = self.plan.names.temporary(&self.part_name());
        let writer = match &self.plan.content {
            Content::Parquet { origin } => {
                let table = Table::begin(path, origin, self.plan.part_bytes)?;
                return Ok(Part::Table(Box::new(table)));
            }
            Content::Lines(writer) => writer,
        };
        let mut part = Counted::open(path.clone(), 0)
            .map_err(file_error(&path))?
            .ok_or_else(|| OutputError::File(format!("{} is gone", path.display())))?;
        self.line.clear();
        writer.header(&mut self.line);
        if !self.line.is_empty() {
            self.line.extend_from_slice(writer.line_end().as_bytes());
            part.write(&self.line)?;
            self.progress.part_bytes = part.bytes;
        }
        Ok(Part::Lines(part))
    }

    /// Writes an event, and the hashes of the gap before it.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn event(&mut self, record: &[u8], gap: &[Hash]) -> Result<(), OutputError> {
        let record = Record::parse(record)?;
        let index = record.log_index;
        self.part()?;
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        if let Content::Lines(writer) = &self.plan.content {
            writer
                .event(&record, &mut line)
                .map_err(|error| OutputError::Event(index, error))?;
            line.extend_from_slice(writer.line_end().as_bytes());
        }
        if self.progress.bytes() + line.len() as u64 > self.plan.max_bytes {
            return Err(OutputError::TooLarge);
        }
        let bytes = match self.part()? {
            Part::Table(table) => table.push(&record)?,
            Part::Lines(part) => {
                part.write(&line)?;
                part.bytes
            }
        };
        self.line = line;
        if let Some(proof) = &mut self.proof {
            proof.write(gap.as_flattened())?;
            self.progress.proof_bytes = proof.bytes;
        }
        let progress = &mut self.progress;
        progress.part_bytes = bytes;
        progress.part_events += 1;
        progress.events += 1;
        progress.part_first = progress.part_first.or(Some(index));
        progress.first = progress.first.or(Some(index));
        progress.last = Some(index);
        progress.position = index + 1;
        if self.plan.part_bytes.is_some_and(|most| bytes >= most) {
            self.end_part()?;
        }
        Ok(())
    }

    /// There is no event before `position`.
    pub fn read_up_to(&mut self, position: u64) {
        self.progress.position = self.progress.position.max(position);
    }

    /// Makes durable what was written. A part of Parquet is durable once it ends, and begins anew after a crash.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn sync(&mut self) -> Result<(), OutputError> {
        if let Some(Part::Lines(part)) = &mut self.part {
            part.sync()?;
        }
        self.proof.as_mut().map_or(Ok(()), Counted::sync)
    }

    fn end_part(&mut self) -> Result<(), OutputError> {
        let name = self.part_name();
        let (bytes, sha256) = match self.part.take() {
            None => return Ok(()),
            Some(Part::Table(table)) => table.end()?,
            Some(Part::Lines(mut part)) => {
                part.sync()?;
                (part.bytes, part.sha256())
            }
        };
        if self.progress.bytes() - self.progress.part_bytes + bytes > self.plan.max_bytes {
            return Err(OutputError::TooLarge);
        }
        if let Some(proof) = &mut self.proof {
            proof.sync()?;
        }
        let entry = FileEntry {
            name,
            bytes,
            sha256,
            events: self.progress.part_events,
            first_log_index: self.progress.part_first.take(),
            last_log_index: self.progress.last.filter(|_| self.progress.part_events > 0),
            proof_bytes: self.progress.proof_bytes,
        };
        self.place(&entry.name, &entry.sha256)?;
        self.progress.part_events = 0;
        self.progress.part_bytes = 0;
        self.progress.files.push(entry);
        Ok(())
    }

    /// Writes the hashes behind the last event, and gives the files their names. An export without events has an empty file.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn end(&mut self, gap: &[Hash]) -> Result<Ended, OutputError> {
        if self.part.is_some() || self.progress.files.is_empty() {
            self.part()?;
            self.end_part()?;
        }
        let proof = match self.proof.take() {
            None => None,
            Some(mut proof) => {
                proof.write(gap.as_flattened())?;
                proof.sync()?;
                let entry = ProofEntry {
                    name: self.plan.names.proof(),
                    bytes: proof.bytes,
                    sha256: proof.sha256(),
                };
                self.place(&entry.name, &entry.sha256)?;
                Some(entry)
            }
        };
        Ok(Ended {
            files: self.progress.files.clone(),
            proof,
        })
    }
}
