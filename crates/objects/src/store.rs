//! What can be done with a store.

use std::io::{Read, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auditlog_sink::ConfigError;
use bytes::Bytes;
use futures_executor::block_on;
use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use sha2::{Digest, Sha256};

use crate::credentials;
use crate::error::ObjectError;
use crate::location::Location;
use crate::provider::Clients;
use crate::transport::{Allow, Transport};

/// The most bytes that are sent in one piece; what is longer goes in parts.
pub const MAX_SINGLE_BYTES: usize = 64 << 20;

/// The bytes of a part. S3 takes 10,000 of them: 156 GiB.
const PART_BYTES: usize = 16 << 20;

/// What came of creating an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It was not there.
    Created,
    /// It was there, with the same bytes.
    AlreadyThereSame,
    /// It was there, with other bytes. Nothing was changed.
    AlreadyThereOther,
}

/// An object in a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name below the store's prefix.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
}

/// A store. One call at a time is made; others wait for it. Every call ends by its deadline, but for a local
/// directory and the system's resolver of names, which know none.
pub struct Store {
    location: Location,
    transport: Transport,
    clients: Mutex<Option<Clients>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}

/// Clients, held for one call.
struct Held<'a> {
    clients: Clients,
    transport: &'a Transport,
    _alone: MutexGuard<'a, Option<Clients>>,
}

impl Held<'_> {
    fn failed(&self, error: &Error) -> ObjectError {
        ObjectError::of_store(error, self.transport.failure())
    }
}

impl Store {
    /// A store at `url` with options (a JSON object, or null), which the crate's documentation lists. Nothing is
    /// asked or read yet.
    ///
    /// # Errors
    /// When the URL or an option is unknown, or has a value that it can't have.
    pub fn open(url: &str, options: &serde_json::Value) -> Result<Self, ConfigError> {
        let location = Location::parse(url, options)?;
        let everybody: Allow = Arc::new(|_, _| true);
        let (tls, connect) = match &location {
            Location::Local(_) => Default::default(),
            Location::Remote(remote) => (remote.tls.clone(), remote.connect),
        };
        Ok(Self {
            transport: Transport::new(tls, connect, everybody),
            location,
            clients: Mutex::new(None),
        })
    }

    /// With a list of addresses that may be connected to: it is asked with each address of a host, and the host.
    #[must_use]
    pub fn with_allowed(mut self, allow: Allow) -> Self {
        if let Location::Remote(remote) = &self.location {
            self.transport = Transport::new(remote.tls.clone(), remote.connect, allow);
            self.clients = Mutex::new(None);
        }
        self
    }

    /// The hosts that are connected to, in lower case; none for a directory. A service account's file may name
    /// another for its tokens.
    pub fn hosts(&self) -> Vec<String> {
        match &self.location {
            Location::Local(_) => Vec::new(),
            Location::Remote(remote) => remote.hosts(),
        }
    }

    /// The directory, when it is one.
    pub fn directory(&self) -> Option<&std::path::Path> {
        match &self.location {
            Location::Local(path) => Some(path),
            Location::Remote(_) => None,
        }
    }

    fn hold(&self, deadline: Duration) -> Result<Held<'_>, ObjectError> {
        // clients are whole or none
        let mut kept = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        self.transport.begin(deadline);
        let clients = match &self.location {
            Location::Local(path) => local(path, kept.as_ref())?,
            Location::Remote(remote) => {
                let text = credentials::read(&remote.credentials_file)?;
                let of: [u8; 32] = Sha256::digest(text.as_bytes()).into();
                match kept.as_ref().filter(|clients| clients.of == of) {
                    Some(clients) => clients.clone(),
                    None => Clients::new(remote, &text, &self.transport)?,
                }
            }
        };
        *kept = Some(clients.clone());
        Ok(Held {
            clients,
            transport: &self.transport,
            _alone: kept,
        })
    }

    /// The library's path for a name below the prefix.
    fn path(&self, name: &str) -> Result<Path, ObjectError> {
        let prefix = match &self.location {
            Location::Remote(remote) if !remote.prefix.is_empty() => format!("{}/", remote.prefix),
            _ => String::new(),
        };
        let wrong = || {
            ObjectError::permanent(
                format!("«{}» is no name of an object", name.escape_debug()),
                "Names have parts between single slashes, none of them «.» or «..».",
            )
        };
        let path = Path::parse(format!("{prefix}{name}")).map_err(|_| wrong())?;
        // what the library would write otherwise
        if name.is_empty() || path.as_ref() != format!("{prefix}{name}") {
            return Err(wrong());
        }
        Ok(path)
    }

    /// Creates an object if there is none of this name. After a failure, and after a time-out above all, the object
    /// may be there: the repetition says [`Created::AlreadyThereSame`].
    ///
    /// What is longer than [`MAX_SINGLE_BYTES`] goes in parts, which no service completes conditionally: whether the
    /// name is free is asked before. Two that write other bytes there at the same time are not told apart; names
    /// that say what is in the object, as those of archives do, can't meet so.
    ///
    /// # Errors
    /// When it is not known to be there.
    pub fn put_new(&self, name: &str, bytes: impl Into<Bytes>, deadline: Duration) -> Result<Created, ObjectError> {
        let bytes = bytes.into();
        if bytes.len() > MAX_SINGLE_BYTES {
            return self.put_new_from(name, &mut &bytes[..], deadline);
        }
        let path = self.path(name)?;
        let held = self.hold(deadline)?;
        let payload = PutPayload::from_bytes(bytes.clone());
        match block_on(held.clients.writing.put_opts(&path, payload, PutMode::Create.into())) {
            Ok(_) => Ok(Created::Created),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => held.compare(&path, &mut &bytes[..]),
            Err(error) => Err(held.failed(&error)),
        }
    }

    /// As [`Store::put_new`], in parts, with what is read: never more than one part is in memory.
    ///
    /// # Errors
    /// When it is not known to be there, or can't be read to its end.
    pub fn put_new_from(&self, name: &str, from: &mut dyn Read, deadline: Duration) -> Result<Created, ObjectError> {
        let path = self.path(name)?;
        let held = self.hold(deadline)?;
        match block_on(held.clients.reading.head(&path)) {
            Ok(_) => return held.compare(&path, from),
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(held.failed(&error)),
        }
        let mut upload = block_on(held.clients.writing.put_multipart(&path)).map_err(|error| held.failed(&error))?;
        loop {
            let mut part = Vec::with_capacity(PART_BYTES);
            let read = from.take(PART_BYTES as u64).read_to_end(&mut part);
            let last = part.len() < PART_BYTES;
            let sent = match read {
                Err(error) => Err(ObjectError::retry(format!(
                    "what is to be stored can't be read: {error}"
                ))),
                Ok(_) => block_on(upload.put_part(part.into())).map_err(|error| held.failed(&error)),
            };
            if let Err(error) = sent {
                // what is left of it costs money; if that fails, too, a rule of the bucket removes it
                drop(block_on(upload.abort()));
                return Err(error);
            }
            if last {
                break;
            }
        }
        block_on(upload.complete()).map_err(|error| held.failed(&error))?;
        Ok(Created::Created)
    }

    /// An object's bytes, at most 256 MiB of them; `None` when there is none.
    ///
    /// # Errors
    /// When that is not known, or it is longer.
    pub fn get(&self, name: &str, deadline: Duration) -> Result<Option<Bytes>, ObjectError> {
        let path = self.path(name)?;
        let held = self.hold(deadline)?;
        let read = block_on(async { held.clients.reading.get(&path).await?.bytes().await });
        held.found(read)
    }

    /// Some of an object's bytes; `None` when there is none. What lies behind its end is left out.
    ///
    /// # Errors
    /// When that is not known, or the range begins behind the end.
    pub fn get_range(&self, name: &str, range: Range<u64>, deadline: Duration) -> Result<Option<Bytes>, ObjectError> {
        let path = self.path(name)?;
        let held = self.hold(deadline)?;
        held.found(block_on(held.clients.reading.get_range(&path, range)))
    }

    /// Writes an object of any length to `out`, and says how many bytes that were; `None` when there is none.
    ///
    /// # Errors
    /// When it can't be read to its end, or `out` can't be written.
    pub fn get_to(&self, name: &str, out: &mut dyn Write, deadline: Duration) -> Result<Option<u64>, ObjectError> {
        let path = self.path(name)?;
        let held = self.hold(deadline)?;
        let Some(meta) = held.found(block_on(held.clients.reading.head(&path)))? else {
            return Ok(None);
        };
        let mut at = 0;
        while at < meta.size {
            let end = meta.size.min(at + PART_BYTES as u64);
            let part = block_on(held.clients.reading.get_range(&path, at..end)).map_err(|error| held.failed(&error))?;
            out.write_all(&part)
                .map_err(|error| ObjectError::retry(format!("what was read can't be written: {error}")))?;
            at = end;
        }
        Ok(Some(at))
    }

    /// How many bytes an object has; `None` when there is none.
    ///
    /// # Errors
    /// When that is not known.
    pub fn head(&self, name: &str, deadline: Duration) -> Result<Option<u64>, ObjectError> {
        let path = self.path(name)?;
        let held = self.hold(deadline)?;
        let found = held.found(block_on(held.clients.reading.head(&path)))?;
        Ok(found.map(|meta| meta.size))
    }

    /// The objects below a folder, in the order of their names; the empty text means all.
    ///
    /// # Errors
    /// When they are not known.
    pub fn list(&self, folder: &str, deadline: Duration) -> Result<Vec<Entry>, ObjectError> {
        let folder = folder.trim_end_matches('/');
        let within = match (&self.location, folder) {
            (Location::Remote(remote), "") if !remote.prefix.is_empty() => {
                Some(Path::parse(&remote.prefix).map_err(|error| ObjectError::of_store(&error.into(), None))?)
            }
            (_, "") => None,
            _ => Some(self.path(folder)?),
        };
        let prefix = match &self.location {
            Location::Remote(remote) if !remote.prefix.is_empty() => remote.prefix.len() + 1,
            _ => 0,
        };
        let held = self.hold(deadline)?;
        let listed = block_on(held.clients.reading.list(within.as_ref()).try_collect::<Vec<_>>());
        let mut entries: Vec<Entry> = listed
            .map_err(|error| held.failed(&error))?
            .into_iter()
            .filter_map(|meta| {
                Some(Entry {
                    name: meta.location.as_ref().get(prefix..)?.to_owned(),
                    bytes: meta.size,
                })
            })
            .collect();
        entries.sort();
        Ok(entries)
    }

    /// Removes an object; false when there was none, where the service tells (S3 does not).
    ///
    /// # Errors
    /// When it is not known to be gone.
    pub fn delete(&self, name: &str, deadline: Duration) -> Result<bool, ObjectError> {
        let path = self.path(name)?;
        let held = self.hold(deadline)?;
        let deleted = held.found(block_on(held.clients.writing.delete(&path)))?;
        Ok(deleted.is_some())
    }
}

impl Held<'_> {
    fn found<T>(&self, result: Result<T, Error>) -> Result<Option<T>, ObjectError> {
        match result {
            Ok(value) => Ok(Some(value)),
            // a bucket that is not there is no answer about an object in it
            Err(error @ Error::NotFound { .. }) if error.to_string().contains("NoSuchBucket") => {
                Err(self.failed(&error))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// What an object that is there has in common with what was to be written.
    fn compare(&self, path: &Path, with: &mut dyn Read) -> Result<Created, ObjectError> {
        // 409 may also mean that another is writing there and fails in the end
        let gone = || ObjectError::retry(format!("{path} is there and can't be found"));
        let meta = self
            .found(block_on(self.clients.reading.head(path)))?
            .ok_or_else(gone)?;
        let unread = |error: std::io::Error| ObjectError::retry(format!("what is to be stored can't be read: {error}"));
        let mut at = 0;
        loop {
            let mut part = Vec::new();
            with.take(PART_BYTES as u64).read_to_end(&mut part).map_err(unread)?;
            let end = at + part.len() as u64;
            if end > meta.size || part.is_empty() && end < meta.size {
                return Ok(Created::AlreadyThereOther);
            }
            if part.is_empty() {
                return Ok(Created::AlreadyThereSame);
            }
            let there = block_on(self.clients.reading.get_range(path, at..end)).map_err(|error| self.failed(&error))?;
            if there != part {
                return Ok(Created::AlreadyThereOther);
            }
            at = end;
        }
    }
}

fn local(path: &std::path::Path, kept: Option<&Clients>) -> Result<Clients, ObjectError> {
    if let Some(clients) = kept {
        return Ok(clients.clone());
    }
    let made = LocalFileSystem::new_with_prefix(path).map_err(|error| ObjectError::of_store(&error, None))?;
    Ok(Clients::same([0; 32], Arc::new(made.with_fsync(true))))
}
