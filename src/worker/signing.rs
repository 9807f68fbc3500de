//! The key that signs checkpoints: a file outside the database, read and made by the publisher alone.

use crate::guc;
use auditlog_tlog::SigningKey;
use std::ffi::CStr;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Nothing is at the path.
    #[error("the key file {0} is not there")]
    Missing(String),
    /// Others than its owner may use it.
    #[error("the key file {0} has group or world access; chmod 0600 it")]
    Permissions(String),
    /// It cannot be read or made.
    #[error("the key file {0}: {1}")]
    Io(String, std::io::Error),
    /// It holds something else.
    #[error("the key file {0}: {1}")]
    Content(String, auditlog_tlog::key::KeyFileError),
}

/// Where the key is; workers run in the data directory.
pub fn path() -> PathBuf {
    let setting = guc::SIGNING_KEY_FILE.get();
    let setting = setting.as_deref().and_then(|s| s.to_str().ok()).unwrap_or("");
    // SAFETY: a global of this process.
    let database = unsafe { pgrx::pg_sys::MyDatabaseId };
    PathBuf::from(setting.replace("%d", &database.to_u32().to_string()))
}

/// Does the key lie where base backups copy it?
pub fn in_data_directory() -> bool {
    let path = path();
    // SAFETY: a NUL-terminated path, set when the server starts.
    let data = unsafe { CStr::from_ptr(pgrx::pg_sys::DataDir) };
    path.is_relative() || data.to_str().is_ok_and(|data| path.starts_with(data))
}

/// The key that is to take over.
pub fn next_path() -> PathBuf {
    beside("next")
}

/// The key that has signed until now, kept until a checkpoint bears both signatures.
pub fn retired_path() -> PathBuf {
    beside("retired")
}

fn beside(what: &str) -> PathBuf {
    let mut path = path().into_os_string();
    path.push(".");
    path.push(what);
    PathBuf::from(path)
}

/// The next key takes the place of the one in use.
///
/// # Errors
/// See [`KeyError`].
pub fn take_over() -> Result<(), KeyError> {
    let path = path();
    let failed = |e| KeyError::Io(path.display().to_string(), e);
    // In this order nothing is lost when the server dies in between: both keys are in some file. A copy,
    // not a link: a file of root's may not be linked to.
    let keep = || -> std::io::Result<()> {
        let old = match fs::read(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(retired_path())?;
        file.write_all(&old)?;
        file.sync_all()
    };
    keep().and_then(|()| fs::rename(next_path(), &path)).map_err(failed)
}

/// Reads the key.
///
/// # Errors
/// See [`KeyError`].
pub fn read(path: &Path) -> Result<SigningKey, KeyError> {
    let name = || path.display().to_string();
    let failed = |e: std::io::Error| match e.kind() {
        ErrorKind::NotFound => KeyError::Missing(name()),
        _ => KeyError::Io(name(), e),
    };
    let metadata = fs::metadata(path).map_err(failed)?;
    // As PostgreSQL wants its TLS key: 0600, or 0640 when it belongs to root.
    let others = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & others != 0 {
        return Err(KeyError::Permissions(name()));
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    SigningKey::from_pem(&text).map_err(|e| KeyError::Content(name(), e))
}

/// Makes a key file that nobody else can read; another process may have made one just before.
///
/// # Errors
/// See [`KeyError`].
pub fn make(path: &Path) -> Result<SigningKey, KeyError> {
    let failed = |e| KeyError::Io(path.display().to_string(), e);
    let key = SigningKey::from_seed(&crate::random::bytes());
    let draft = path.with_extension(format!("new.{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(key.to_pem().as_bytes())?;
        file.sync_all()?;
        // A link fails where a file is already: two publishers of a cluster begin at once.
        match fs::hard_link(&draft, path) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    let result = write();
    let _ = fs::remove_file(&draft);
    result.map_err(failed)?;
    read(path)
}
