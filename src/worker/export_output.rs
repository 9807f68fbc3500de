//! What a thread does for an export: it writes lines into files, and gives the files their names.

use crate::store::exports::Chunk;
use auditlog_export::files::Names;
use auditlog_export::{Ended, Manifest, Output, OutputError, Plan, Progress};
use auditlog_notify::egress::{self, AllowedHosts};
use auditlog_objects::{Created, ObjectError, Store};
use auditlog_sink::FailureKind;
use auditlog_tlog::Hash;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The most bytes that are uploaded in one piece.
const AT_ONCE: u64 = 16 << 20;
/// Time for one file.
const DEADLINE: Duration = Duration::from_secs(3_600);
/// Waits before an upload is tried again.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_secs(32);

/// What the thread gets.
pub enum Work {
    /// To begin, or to go on.
    Open(Box<Plan>, Box<Progress>),
    /// To write events; whether to make them durable.
    Write(Box<Output>, Box<Chunk>, bool),
    /// To write the last hashes and name the files.
    End(Box<Output>, Vec<Hash>),
    /// To write the manifest.
    Manifest(Box<Names>, Box<Manifest>),
    /// To copy complete files into object storage.
    Upload(Box<Names>, Box<Remote>, Vec<String>),
    /// To remove what is not complete, of so many parts; with object storage, all that lies here.
    Remove(Box<Names>, usize, bool),
}

/// Object storage.
pub struct Remote {
    /// Its URL with the prefix.
    pub url: String,
    /// Its options.
    pub options: serde_json::Value,
    /// Whom the server may connect to.
    pub hosts: AllowedHosts,
}

/// What it gives back.
pub enum Done {
    /// The files as they are now, and whether they are durable.
    Output(Box<Output>, bool),
    /// All files have their names.
    Ended(Box<Output>, Box<Ended>),
    /// SHA-256 of the manifest.
    Manifest(String),
    /// All files are there.
    Uploaded,
    /// What was not complete is gone.
    Removed,
    /// It cannot go on.
    Failed(OutputError),
}

/// Does it.
pub fn work(work: Work) -> Done {
    try_work(work).unwrap_or_else(Done::Failed)
}

fn try_work(work: Work) -> Result<Done, OutputError> {
    Ok(match work {
        Work::Open(plan, progress) => Done::Output(Box::new(Output::open(*plan, *progress)?), true),
        Work::Write(mut output, chunk, durable) => {
            let mut start = 0;
            for (gap, end) in &chunk.items {
                output.event(&chunk.records[start..*end], gap)?;
                start = *end;
            }
            output.read_up_to(chunk.position);
            if durable {
                output.sync()?;
            }
            Done::Output(output, durable)
        }
        Work::End(mut output, gap) => {
            let ended = output.end(&gap)?;
            Done::Ended(output, Box::new(ended))
        }
        Work::Manifest(names, manifest) => Done::Manifest(write_manifest(&names, &manifest)?),
        Work::Upload(names, remote, files) => {
            for name in &files {
                upload(&names, &remote, name).map_err(OutputError::File)?;
            }
            Done::Uploaded
        }
        Work::Remove(names, parts, spooled) => {
            if spooled {
                names.remove_directory().map_err(failed)?;
            } else {
                names.remove_temporary(parts).map_err(failed)?;
            }
            Done::Removed
        }
    })
}

fn failed(error: io::Error) -> OutputError {
    OutputError::File(error.to_string())
}

/// Copies a file; what fails for a moment is tried again.
fn upload(names: &Names, remote: &Remote, name: &str) -> Result<(), String> {
    let hosts = remote.hosts.clone();
    let store = Store::open(&remote.url, &remote.options)
        .map_err(|error| error.message)?
        .with_allowed(Arc::new(move |address, host| egress::allowed(address, host, &hosts)));
    let mut wait = FIRST_WAIT;
    loop {
        let result = put(&store, &names.at(name), name);
        match result {
            Ok(Created::Created | Created::AlreadyThereSame) => return Ok(()),
            Ok(Created::AlreadyThereOther) => {
                return Err(format!(
                    "the object {}/{name} exists and has other bytes; it is not overwritten",
                    remote.url
                ));
            }
            Err(error) if error.is_retry() && wait < LAST_WAIT => {
                std::thread::sleep(wait);
                wait *= 2;
            }
            Err(error) => {
                let hint = error.hint.map_or_else(String::new, |hint| format!(". {hint}"));
                return Err(format!("{}/{name}: {}{hint}", remote.url, error.message));
            }
        }
    }
}

fn put(store: &Store, path: &Path, name: &str) -> Result<Created, ObjectError> {
    let unreadable = |error: io::Error| ObjectError {
        kind: FailureKind::Permanent,
        message: format!("{}: {error}", path.display()),
        hint: None,
        status: None,
    };
    let mut file = fs::File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.len() <= AT_ONCE {
        return store.put_new(name, fs::read(path).map_err(unreadable)?, DEADLINE);
    }
    store.put_new_from(name, &mut file, DEADLINE)
}

/// Returns its SHA-256. One that is there already, from before a crash, may have an older checkpoint: it stays.
fn write_manifest(names: &Names, manifest: &Manifest) -> Result<String, OutputError> {
    let name = names.manifest();
    let place = names.at(&name);
    let here = |error: io::Error| OutputError::File(format!("{}: {error}", place.display()));
    match fs::read_to_string(&place) {
        Ok(text) => {
            let known = Manifest::parse(&text)
                .ok()
                .filter(|known| known.is_of_the_same(manifest));
            return known.map(|known| known.sha256()).ok_or_else(|| {
                OutputError::File(format!("the file {} exists; it is not overwritten", place.display()))
            });
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(here(error)),
        Err(_) => {}
    }
    let temporary = names.temporary(&name);
    let mut file = fs::File::create(&temporary).map_err(here)?;
    file.write_all(manifest.text().as_bytes()).map_err(here)?;
    file.sync_all().map_err(here)?;
    let sha256 = manifest.sha256();
    names.place(&name, &sha256).map_err(here)?;
    Ok(sha256)
}
