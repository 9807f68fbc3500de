//! The key of masks that hash: a file outside of SQL's reach, made when it is needed first. Every session of
//! the cluster hashes with it, so that equal values stay recognisable as equal.

use crate::error::Fault;
use crate::guc;
use auditlog_core::erase::hex;
use hmac::{Hmac, KeyInit, Mac};
use pgrx::PgSqlErrorCode as Code;
use sha2::Sha256;
use std::cell::RefCell;
use std::fs;
use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What stands before the hash of a value.
const PREFIX: &str = "hmac-sha256:";
const KEY_BYTES: usize = 32;

thread_local! {
    static KEY: RefCell<Option<(PathBuf, Hmac<Sha256>)>> = const { RefCell::new(None) };
}

/// The hash that stands for a value.
pub fn hash(value: &[u8]) -> String {
    let path = path();
    let known = KEY.with_borrow(|key| key.as_ref().filter(|(of, _)| *of == path).map(|(_, mac)| mac.clone()));
    let mut mac = known.unwrap_or_else(|| {
        let mac = load(&path);
        KEY.with_borrow_mut(|key| *key = Some((path, mac.clone())));
        mac
    });
    mac.update(value);
    format!("{PREFIX}{}", hex(&mac.finalize().into_bytes()))
}

/// Reads the key, or makes it; an error when neither is possible.
pub fn require() {
    load(&path());
}

/// Relative to the data directory, where every process of the server runs.
fn path() -> PathBuf {
    let setting = guc::MASK_KEY_FILE.get();
    PathBuf::from(setting.as_deref().and_then(|s| s.to_str().ok()).unwrap_or(""))
}

fn load(path: &Path) -> Hmac<Sha256> {
    let key = match read(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => make(path).and_then(|()| read(path)),
        other => other,
    };
    match key {
        Ok(key) => Hmac::<Sha256>::new_from_slice(&key).expect("HMAC accepts keys of any length"),
        Err(e) => Fault::new(
            Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "the key of masked values cannot be used",
        )
        .detail(format!("{}: {e}.", path.display()))
        .hint("Put the file back or correct auditlog.mask_key_file; nothing is recorded in the clear meanwhile.")
        .raise(),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let metadata = fs::metadata(path)?;
    // As PostgreSQL wants its TLS key: 0600, or 0640 when it belongs to root.
    let others = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & others != 0 {
        return Err(Error::other("it has group or world access; chmod 0600 it"));
    }
    let text = fs::read_to_string(path)?;
    auditlog_core::encode::parse_hex(text.trim())
        .map(|key| key.to_vec())
        .ok_or_else(|| Error::other("it holds no key of 64 hexadecimal digits"))
}

/// Makes the file; another session may do the same at this moment.
fn make(path: &Path) -> Result<(), Error> {
    // SAFETY: a global of this process.
    let pid = unsafe { pgrx::pg_sys::MyProcPid };
    let draft = path.with_extension(format!("new.{pid}"));
    let write = || -> Result<(), Error> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        writeln!(file, "{}", hex(&crate::random::bytes::<KEY_BYTES>()))?;
        file.sync_all()?;
        // A link fails where a file is already.
        match fs::hard_link(&draft, path) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    let result = write();
    let _ = fs::remove_file(&draft);
    result
}
