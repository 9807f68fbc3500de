//! A place for objects: a bucket of S3, or a directory.

use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use auditlog_notify::{Attempt, Failure};
use auditlog_sink::client::Options;
use auditlog_sink::{ConfigError, Message, Target, deliver_if};
use serde_json::{Map, Value};

use crate::file::{failed, sync_directory};
use crate::outcome::Outcome;
use crate::server::with_list;

/// The options of a bucket, as `auditlog-sink` reads them.
const OF_BUCKET: [&str; 11] = [
    "credentials_file",
    "profile",
    "region",
    "endpoint",
    "path_style",
    "lock_mode",
    "retain_days",
    "connect_timeout_seconds",
    "ca_file",
    "client_cert_file",
    "client_key_file",
];

/// Where objects go. None is ever overwritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Store {
    Bucket(Target),
    Directory(PathBuf),
}

/// An object to put.
pub(crate) struct Object<'a> {
    /// Parts between slashes, none of them empty or `..`.
    pub(crate) key: String,
    pub(crate) content_type: &'a str,
    pub(crate) bytes: &'a [u8],
}

impl Store {
    /// Reads an address: `s3://bucket/prefix` with the options of a bucket, or an absolute path.
    pub(crate) fn parse(options: &mut Options<'_>, address: &str) -> Result<Self, ConfigError> {
        let mut of_bucket = Map::new();
        for name in OF_BUCKET {
            if let Some(value) = options.value(name) {
                of_bucket.insert(name.to_owned(), value.clone());
            }
        }
        if address.starts_with("s3:") {
            return Target::parse("s3", address, &Value::Object(of_bucket)).map(Self::Bucket);
        }
        if let Some(name) = of_bucket.keys().next() {
            return Err(
                ConfigError::new(format!("the option «{name}» is for a bucket, and the address is none"))
                    .hint("Leave it out, or write s3://bucket/prefix."),
            );
        }
        let path = Path::new(address.strip_prefix("file://").unwrap_or(address));
        let back = path.components().any(|part| part == std::path::Component::ParentDir);
        if !path.is_absolute() || back {
            return Err(
                ConfigError::new(format!("«{}» is no place for objects", address.escape_debug()))
                    .hint("Write s3://bucket/prefix, or the absolute path of a directory without «..»."),
            );
        }
        Ok(Self::Directory(path.to_owned()))
    }

    pub(crate) fn host(&self) -> Option<String> {
        match self {
            Self::Bucket(target) => target.host(),
            Self::Directory(_) => None,
        }
    }

    /// Puts an object, unless it is there with the same bytes.
    pub(crate) fn put(&self, attempt: &Attempt<'_>, object: &Object<'_>) -> Result<(), Outcome> {
        match self {
            Self::Bucket(target) => {
                let message = Message {
                    name: &object.key,
                    content_type: object.content_type,
                    body: object.bytes,
                    time: attempt.now,
                };
                let host = target.host().unwrap_or_default();
                with_list(attempt, &host, |allow| {
                    deliver_if(target, &message, attempt.deadline, allow)
                        .map(drop)
                        .map_err(for_object)
                })
            }
            Self::Directory(root) => {
                let path = root.join(&object.key);
                write(root, &path, object.bytes).map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => Outcome::pause(
                        Failure::new(format!("{} exists and has other bytes", path.display()))
                            .hint("Nothing is overwritten: move that file away."),
                    ),
                    _ => failed("write", &path, &error),
                })
            }
        }
    }
}

/// An object is no event that could be refused: what is wrong with it is wrong with the sink.
fn for_object(error: auditlog_sink::DeliveryError) -> Outcome {
    match Outcome::failed(error) {
        Outcome::Bisect { error } | Outcome::Reject { error, .. } => Outcome::pause(error),
        other => other,
    }
}

/// Writes a file that appears with all its bytes or not at all.
fn write(root: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let mut part = path.to_owned().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut file = std::fs::File::create(&part)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    // Unlike a renaming, a link never takes the place of another file.
    let linked = written.and_then(|()| std::fs::hard_link(&part, path));
    let removed = std::fs::remove_file(&part);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && std::fs::read(path)? == bytes => {}
        other => other.and(removed)?,
    }
    // The names of the directories above too: they may be new.
    path.ancestors()
        .take_while(|path| path.starts_with(root))
        .try_for_each(sync_directory)
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket(target) => target.fmt(f),
            Self::Directory(path) => path.display().fmt(f),
        }
    }
}
