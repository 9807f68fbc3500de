//! The largest tree of a log that has been signed or cosigned, in a file: a checkpoint without signatures.
//! It is on disk before any answer is given.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use auditlog_tlog::Checkpoint;
use auditlog_tlog::witness::TreeHead;

/// A file that no other process has locked, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, making the file if it is not there.
    pub fn take(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)?;
        file.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::new(io::ErrorKind::WouldBlock, "another process uses it"),
            fs::TryLockError::Error(error) => error,
        })?;
        Ok(Self { _file: file })
    }
}

/// The tree on record in `path`; `None` when there is no such file.
pub fn load(path: &Path, origin: &str) -> io::Result<Option<TreeHead>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let checkpoint = Checkpoint::parse(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    if checkpoint.origin != origin {
        let message = format!("the file is about the log «{}»", checkpoint.origin);
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(Some(TreeHead {
        size: checkpoint.size,
        root: checkpoint.root,
    }))
}

/// Puts a tree on record, durably: after a crash the file has either the old or the new one.
pub fn store(path: &Path, origin: &str, head: TreeHead) -> io::Result<()> {
    let checkpoint = Checkpoint {
        origin: origin.to_owned(),
        size: head.size,
        root: head.root,
        extensions: Vec::new(),
    };
    let text = checkpoint
        .text()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let new = beside(path, "new");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// `path` with another ending added to its name.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_there_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("head");
        assert_eq!(load(&path, "a").expect("nothing yet"), None);
        for size in [1, 7] {
            let head = TreeHead { size, root: [3; 32] };
            store(&path, "a", head).expect("stored");
            assert_eq!(load(&path, "a").expect("a head"), Some(head));
        }
        assert!(load(&path, "b").is_err(), "another log");
        fs::write(&path, "a\n7\n").expect("written");
        assert!(load(&path, "a").is_err(), "damaged");
    }

    #[test]
    fn a_lock_is_taken_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let lock = Lock::take(&path).expect("the first");
        assert!(Lock::take(&path).is_err());
        drop(lock);
        Lock::take(&path).expect("the next");
    }
}
