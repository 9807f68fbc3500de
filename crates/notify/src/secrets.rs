//! Secrets by reference: `secret:NAME` is the file NAME in a directory, read for every delivery.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use auditlog_sink::ConfigError;
use auditlog_sink::client::Options;
use zeroize::Zeroizing;

use crate::outcome::Failure;

/// What a reference begins with.
const PREFIX: &str = "secret:";

/// The most bytes of a secret.
pub const MAX_SECRET_BYTES: u64 = 64 << 10;

/// What stands in a channel's configuration where a secret belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretName(String);

impl SecretName {
    /// Reads `secret:NAME`. NAME has letters, digits, `.`, `_` and `-`, and does not begin with a dot.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix(PREFIX)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let fits = (1..=255).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(allowed);
        fits.then(|| Self(name.to_owned()))
    }

    /// An option that refers to a secret. One that holds it is refused and not repeated.
    ///
    /// # Errors
    /// When it is no reference.
    pub fn option(options: &mut Options<'_>, name: &'static str) -> Result<Option<Self>, ConfigError> {
        let Some(value) = options.value(name) else {
            return Ok(None);
        };
        match value.as_str().and_then(Self::parse) {
            Some(found) => Ok(Some(found)),
            None => Err(options.wrong(name, "secret:NAME, never the secret itself").hint(
                "Write the secret into a file of auditlog.secrets_directory that only the server's account can read, \
                 and write secret: and the name of that file here.",
            )),
        }
    }

    /// The same, for one that must be there.
    ///
    /// # Errors
    /// When it is none or missing.
    pub fn needed(options: &mut Options<'_>, name: &'static str) -> Result<Self, ConfigError> {
        Self::option(options, name)?.ok_or_else(|| missing(name, "secret:NAME"))
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

/// The error that a needed option isn't there.
pub fn missing(name: &str, like: &str) -> ConfigError {
    ConfigError::new(format!("the option «{name}» is missing")).hint(format!("Write \"{name}\": \"{like}\"."))
}

/// A secret, wiped when it is dropped.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// It.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Says that it is there, and nothing else.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The directory that has the secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets(PathBuf);

impl Secrets {
    /// Nothing is read yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    /// Says why a secret can't be used, if it can't: for `create_channel`, before anything is to be delivered.
    ///
    /// # Errors
    /// As a delivery would.
    pub fn check(&self, name: &SecretName) -> Result<(), Failure> {
        self.read(name).map(drop)
    }

    /// Reads a secret: one line of text, in a regular file of ours that nobody else can read, at most
    /// [`MAX_SECRET_BYTES`] long. A link may lead elsewhere within the directory, as Kubernetes makes them.
    ///
    /// # Errors
    /// When there is no such file, or its text, owner or mode is another.
    pub fn read(&self, name: &SecretName) -> Result<Secret, Failure> {
        let wrong = |what: String, hint: &str| Failure::new(format!("{name}: {what}")).hint(hint);
        let here = "Write the secret into that file of auditlog.secrets_directory.";
        let directory = self.0.canonicalize().map_err(|error| {
            wrong(
                format!("the directory {} can't be read: {error}", self.0.display()),
                here,
            )
        })?;
        let path = directory
            .join(&name.0)
            .canonicalize()
            .map_err(|error| wrong(format!("can't be read: {error}"), here))?;
        if !path.starts_with(&directory) {
            return Err(wrong(
                "is a link that leads out of the directory of secrets".to_owned(),
                "Put the file itself into the directory.",
            ));
        }
        self.read_file(&path)
            .map_err(|(what, hint)| wrong(what, hint.unwrap_or(here)))
    }

    fn read_file(&self, path: &Path) -> Result<Secret, (String, Option<&'static str>)> {
        let failed = |error: std::io::Error| (format!("can't be read: {error}"), None);
        // The path has no links any more; one that is put there meanwhile is not followed, and no pipe is waited for.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(i32::from_ne_bytes(flags.bits().to_ne_bytes()))
            .open(path)
            .map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(("is no regular file".to_owned(), None));
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            let hint = "Make the account that runs the server its owner: chown.";
            return Err(("belongs to another account than the server's".to_owned(), Some(hint)));
        }
        if metadata.mode() & 0o077 != 0 {
            let what = format!("can be used by others (mode {:04o})", metadata.mode() & 0o7777);
            return Err((what, Some("Take their rights away: chmod 0600.")));
        }
        // Room for all of it, so that no copy is left behind by a growing text.
        let room = usize::try_from(metadata.len().min(MAX_SECRET_BYTES)).unwrap_or_default() + 1;
        let mut text = Zeroizing::new(String::with_capacity(room));
        // The error of a text that isn't UTF-8 says nothing of it.
        file.take(MAX_SECRET_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
        if text.len() as u64 > MAX_SECRET_BYTES {
            return Err((format!("has more than {MAX_SECRET_BYTES} bytes"), None));
        }
        let length = text
            .strip_suffix('\n')
            .map_or(text.len(), |line| line.strip_suffix('\r').unwrap_or(line).len());
        text.truncate(length);
        if text.is_empty() || text.chars().any(char::is_control) {
            let hint = "The secret is one line of text and nothing else.";
            return Err(("is empty, or has more than one line".to_owned(), Some(hint)));
        }
        Ok(Secret(text))
    }
}
