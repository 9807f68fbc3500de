//! What a thread does for an export: it writes lines into files, and gives the files their names.

use crate::store::exports::Chunk;
use auditlog_export::files::Names;
use auditlog_export::{Ended, Manifest, Output, OutputError, Plan, Progress};
use auditlog_tlog::Hash;
use std::fs;
use std::io::{self, Write};

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
    /// To remove what is not complete, of so many parts.
    Remove(Box<Names>, usize),
}

/// What it gives back.
pub enum Done {
    /// The files as they are now, and whether they are durable.
    Output(Box<Output>, bool),
    /// All files have their names.
    Ended(Box<Output>, Box<Ended>),
    /// SHA-256 of the manifest.
    Manifest(String),
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
        Work::Remove(names, parts) => {
            names.remove_temporary(parts).map_err(failed)?;
            Done::Removed
        }
    })
}

fn failed(error: io::Error) -> OutputError {
    OutputError::File(error.to_string())
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
