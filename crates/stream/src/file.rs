//! The kind `file`: lines in a file that is rotated by size and by day (UTC).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use auditlog_notify::client::missing;
use auditlog_notify::{Attempt, Failure};
use auditlog_sink::ConfigError;
use auditlog_sink::client::Options;
use chrono::DateTime;

use crate::item::{Item, Limits};
use crate::limits::{Usual, limits};
use crate::lines::{lines, newline};
use crate::outcome::{Outcome, Sent};
use crate::session::Session;

const DAY_SECONDS: i64 = 86_400;

/// A configured file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileSink {
    pub(crate) path: PathBuf,
    pub(crate) limits: Limits,
    /// The most bytes of a file, unless one batch has more.
    most: u64,
    daily: bool,
}

/// A file that is ours as long as it is open.
pub(crate) struct OpenFile {
    file: File,
    size: u64,
    /// Days since 1970 UTC: when it was written last.
    day: i64,
}

impl FileSink {
    pub(crate) fn parse(options: &mut Options<'_>) -> Result<Self, ConfigError> {
        let path = absolute(options, "path")?.ok_or_else(|| missing("path", "/var/log/audit/events.jsonl"))?;
        let most = options.number("rotate_bytes", 0..=1 << 50)?.unwrap_or(100_000_000);
        Ok(Self {
            path,
            limits: limits(
                options,
                &Usual {
                    bytes: 4 << 20,
                    most: 64 << 20,
                    events: 10_000,
                    seconds: 1,
                },
            )?,
            most: if most == 0 { u64::MAX } else { most },
            daily: options.flag("rotate_daily")?.unwrap_or(true),
        })
    }

    pub(crate) fn send(&self, session: &mut Session, batch: &[Item<'_>], attempt: &Attempt<'_>) -> Sent {
        if let Some(outcome) = newline(batch) {
            return Sent::stopped(0, outcome);
        }
        let lines = lines(batch);
        let result = self.append(session, &lines, attempt.now.div_euclid(1_000_000));
        if result.is_err() {
            // What is at its end is looked at again.
            session.file = None;
        }
        Sent::whole(
            batch.len(),
            result.map(|()| format!("{} bytes are on disk in {}", lines.len(), self.path.display())),
        )
    }

    fn append(&self, session: &mut Session, lines: &[u8], now: i64) -> Result<(), Outcome> {
        let today = now.div_euclid(DAY_SECONDS);
        let mut open = match session.file.take().filter(|open| self.is_there(open)) {
            Some(open) => open,
            None => self.open(today)?,
        };
        let full = open.size.saturating_add(lines.len() as u64) > self.most;
        if open.size > 0 && (full || self.daily && open.day != today) {
            self.rotate(open)?;
            open = self.open(today)?;
        }
        let written = open.file.write_all(lines).and_then(|()| open.file.sync_data());
        if let Err(error) = written {
            // So that nobody reads half a batch; if that fails too, the next to open the file does it.
            let _ = open.file.set_len(open.size);
            return Err(failed("write", &self.path, &error));
        }
        open.size += lines.len() as u64;
        open.day = today;
        session.file = Some(open);
        Ok(())
    }

    /// Whether the path still leads to the open file: somebody else may have moved it away.
    fn is_there(&self, open: &OpenFile) -> bool {
        let identity = |metadata: io::Result<std::fs::Metadata>| metadata.ok().map(|found| (found.dev(), found.ino()));
        let own = identity(open.file.metadata());
        own.is_some() && own == identity(std::fs::metadata(&self.path))
    }

    /// Opens the file for us alone, and takes away what a crash has left behind the last whole line.
    fn open(&self, today: i64) -> Result<OpenFile, Outcome> {
        let told = |what: &str, error: &io::Error| failed(what, &self.path, error);
        // Without O_NONBLOCK the opening of a pipe would wait for its other end.
        let flags = rustix::fs::OFlags::NONBLOCK;
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o640)
            .custom_flags(i32::from_ne_bytes(flags.bits().to_ne_bytes()))
            .open(&self.path)
            .map_err(|error| told("open", &error))?;
        let metadata = file.metadata().map_err(|error| told("open", &error))?;
        if !metadata.is_file() {
            let error = Failure::new(format!("{} is no regular file", self.path.display()));
            return Err(Outcome::pause(error.hint("Give the sink a path of its own.")));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("another process has locked {}", self.path.display());
                return Err(Outcome::retry(
                    Failure::new(message).hint("Look whether two sinks have the same path."),
                ));
            }
            Err(TryLockError::Error(error)) => return Err(told("lock", &error)),
        }
        let whole = whole_lines(&mut file).map_err(|error| told("read", &error))?;
        if whole < metadata.len() {
            file.set_len(whole)
                .and_then(|()| file.sync_all())
                .map_err(|error| told("mend", &error))?;
        }
        if metadata.len() == 0 {
            sync_directory(&self.path).map_err(|error| told("sync the directory of", &error))?;
        }
        Ok(OpenFile {
            file,
            size: whole,
            day: if whole == 0 {
                today
            } else {
                metadata.mtime().div_euclid(DAY_SECONDS)
            },
        })
    }

    /// Gives the file the name of its day and the first number that is free.
    fn rotate(&self, open: OpenFile) -> Result<(), Outcome> {
        let told = |error: &io::Error| failed("rotate", &self.path, error);
        let day = DateTime::from_timestamp(open.day.saturating_mul(DAY_SECONDS), 0)
            .map_or_else(|| "unknown".to_owned(), |day| day.format("%Y%m%d").to_string());
        for number in 1_u32.. {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{day}.{number}"));
            if !Path::new(&name).try_exists().map_err(|error| told(&error))? {
                std::fs::rename(&self.path, &name)
                    .and_then(|()| sync_directory(&self.path))
                    .map_err(|error| told(&error))?;
                break;
            }
        }
        drop(open);
        Ok(())
    }
}

/// The absolute path in an option.
pub(crate) fn absolute(options: &mut Options<'_>, name: &'static str) -> Result<Option<PathBuf>, ConfigError> {
    let Some(path) = options.file(name)? else {
        return Ok(None);
    };
    if path.file_name().is_none() || path.components().any(|part| part == Component::ParentDir) {
        return Err(options
            .wrong(name, "an absolute path without «..»")
            .hint("Write it as it is without «..» and links."));
    }
    Ok(Some(path))
}

/// The bytes up to and with the last newline.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    const STEP: u64 = 64 << 10;
    let mut end = file.seek(SeekFrom::End(0))?;
    while end > 0 {
        let start = end.saturating_sub(STEP);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(end - start).read_to_end(&mut bytes)?;
        if let Some(at) = bytes.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Makes the names in the directory of `path` last.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("/"))).and_then(|directory| directory.sync_all())
}

/// What a failure of the file system means: a full disk passes, a missing directory doesn't.
pub(crate) fn failed(what: &str, path: &Path, error: &io::Error) -> Outcome {
    use io::ErrorKind::{
        IsADirectory, NotADirectory, NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    let failure = Failure::new(format!("could not {what} {}: {error}", path.display()));
    match error.kind() {
        StorageFull | QuotaExceeded => Outcome::retry(failure.hint("Make room on that disk.")),
        IsADirectory | NotADirectory | NotFound | PermissionDenied | ReadOnlyFilesystem => Outcome::pause(
            failure.hint("Make the directory, and give the account of the server the right to write there."),
        ),
        _ => Outcome::retry(failure),
    }
}
