//! The verifier: recomputes everything in a bundle and believes nothing in it.
//!
//! What it starts from is what the auditor brings: the log's public key, perhaps an older checkpoint and
//! a policy of witnesses. The key proves the checkpoint, the checkpoint's root the tiles (the top first,
//! so that a damaged tile is found where it is), the leaves in them every record's values, its place and
//! its link of the chain. What the proven records say about the log itself vouches for the certificates of
//! what retention has removed, and for erasures. All findings are reported, and where the bundle has another way to learn what
//! a damaged part was, the rest is judged by that.

mod block;
mod certificates;
mod checks;
mod events;
mod head;
mod leaves;
mod notes;
mod order;
mod parallel;
mod settle;
mod told;
mod tree;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use auditlog_tlog::{Checkpoint, Policy, SignedNote, VerifierKey};

use crate::finding::{Finding, Findings, Kind, in_order};
use crate::layout::{CHECKPOINT, MANIFEST};
use crate::manifest::{Manifest, ManifestError};
use crate::report::Report;
use crate::tiles::TileFiles;

pub use checks::{Check, Checks};

/// What the auditor brings.
pub struct Options<'a> {
    /// The log's public keys. Several after a rotation.
    pub keys: &'a [VerifierKey],
    /// Older checkpoints that the auditor has kept, with a name for messages.
    pub known: &'a [(String, SignedNote)],
    /// Which witnesses must have cosigned.
    pub policy: Option<&'a Policy>,
    /// How many threads; at least 1.
    pub threads: usize,
    /// Who is told how far it is.
    pub progress: &'a dyn Progress,
    /// Which checks are made: all of them, but for tests of the checks.
    pub checks: Checks,
}

/// Who is told how far the verification is.
pub trait Progress: Sync {
    /// So many events are expected.
    fn start(&self, events: u64);
    /// So many more have been read.
    fn add(&self, events: u64);
}

/// Nobody.
#[derive(Debug, Clone, Copy)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn start(&self, _: u64) {}
    fn add(&self, _: u64) {}
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum CannotJudge {
    /// Without a key nothing can be proven.
    #[error("no public key was given: the log's key must come from somewhere else than the bundle")]
    NoKey,
    /// There is no bundle.
    #[error("{0} is no bundle: it has neither {MANIFEST} nor {CHECKPOINT}")]
    NoBundle(String),
    /// A bundle of a later format.
    #[error("{MANIFEST}: {0}; use a newer version of this program")]
    Format(String),
    /// A checkpoint that the auditor brought proves nothing itself.
    #[error("the checkpoint {name} cannot be compared with: {why}")]
    Known {
        /// Which.
        name: String,
        /// Why not.
        why: String,
    },
    /// A file cannot be read.
    #[error("{file}: {error}")]
    Io {
        /// Which file.
        file: String,
        /// Why.
        error: io::Error,
    },
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

impl CannotJudge {
    pub(crate) fn io(file: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let file = file.into();
        move |error| CannotJudge::Io { file, error }
    }
}

/// Verifies the bundle in `directory`.
///
/// # Errors
/// [`CannotJudge`] when there can be no verdict. A bundle that does not prove itself gives a report with
/// findings, not an error.
pub fn verify(directory: &Path, options: &Options<'_>) -> Result<Report, CannotJudge> {
    if options.keys.is_empty() {
        return Err(CannotJudge::NoKey);
    }
    let known = notes::known(options)?;
    let mut findings = Findings::default();
    let mut report = Report::default();
    let manifest = read_manifest(directory, &mut findings)?;
    if let Some(manifest) = &manifest {
        report.selection.clone_from(&manifest.selection);
        report.untrusted_keys = untrusted(&manifest.keys, options.keys);
    }
    report.known = known.len();
    report.policy_given = options.policy.is_some();
    let Some(head) = head::judge(directory, options, &mut findings, &mut report)? else {
        if manifest.is_none() && !directory.join(CHECKPOINT).exists() {
            return Err(CannotJudge::NoBundle(directory.display().to_string()));
        }
        report.findings = in_order(findings.into_vec());
        return Ok(report);
    };
    if let Some(manifest) = &manifest {
        check_manifest(manifest, &head, options.checks, &mut findings);
    }
    let complete = manifest.as_ref().is_none_or(|manifest| manifest.selection.is_none());
    let files = TileFiles::new(directory, head.size);
    let mut tree = tree::upper(files, &head.root, directory, options.checks, &mut findings)?;
    let expected = manifest.as_ref().map_or(head.size, |manifest| manifest.events);
    options.progress.start(expected.min(head.size));
    let work = events::Work {
        directory,
        origin: &head.origin,
        size: head.size,
        complete,
        options,
        told: Mutex::default(),
    };
    let blocks = events::run(&work, &mut tree, &mut findings)?;
    settle::settle(&work, &tree, blocks, &mut findings, &mut report)?;
    if let Some(manifest) = &manifest {
        check_count(manifest, &work, &report, &mut findings);
    }
    notes::check(directory, &head, &known, &tree, options, &mut findings, &mut report)?;
    report.findings = in_order(findings.into_vec());
    Ok(report)
}

/// The manifest; `None` with a finding when it cannot be read.
fn read_manifest(directory: &Path, findings: &mut Findings) -> Result<Option<Manifest>, CannotJudge> {
    let bytes = match fs::read(directory.join(MANIFEST)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            findings.add(Finding::of_file(Kind::Unreadable, MANIFEST, "the file is not there"));
            return Ok(None);
        }
        Err(error) => return Err(CannotJudge::io(MANIFEST)(error)),
    };
    match Manifest::parse(&bytes) {
        Ok(manifest) => Ok(Some(manifest)),
        Err(error @ ManifestError::Format(_)) => Err(CannotJudge::Format(error.to_string())),
        Err(error) => {
            findings.add(Finding::of_file(Kind::Unreadable, MANIFEST, error.to_string()));
            Ok(None)
        }
    }
}

fn check_manifest(manifest: &Manifest, head: &Checkpoint, checks: Checks, findings: &mut Findings) {
    if !checks.on(Check::Manifest) {
        return;
    }
    let mut differs = |what: &str, says: &dyn std::fmt::Display, is: &dyn std::fmt::Display| {
        let detail = format!("it says that the {what} is {says}, and the checkpoint says {is}");
        findings.add(Finding::of_file(Kind::Modified, MANIFEST, detail));
    };
    if manifest.origin != head.origin {
        differs("origin", &manifest.origin, &head.origin);
    }
    if manifest.size != head.size {
        differs("size", &manifest.size, &head.size);
    }
}

/// The number of events is all that tells that one was taken out of a selection.
fn check_count(manifest: &Manifest, work: &events::Work<'_>, report: &Report, findings: &mut Findings) {
    if !work.options.checks.on(Check::Count) {
        return;
    }
    let should = if work.complete {
        work.size - report.covered
    } else {
        report.events
    };
    // what is there although it should not be, or is not although it should be, has findings of its own
    let fits = manifest.events == should || (work.complete && manifest.events == report.events);
    if !fits {
        let kind = if !work.complete && manifest.events > should {
            Kind::Missing
        } else {
            Kind::Modified
        };
        let detail = format!(
            "it says that there are {} events, and there are {should}",
            manifest.events
        );
        findings.add(Finding::of_file(kind, MANIFEST, detail));
    }
}

/// The keys in the manifest that the auditor did not bring.
fn untrusted(named: &[String], given: &[VerifierKey]) -> Vec<String> {
    let given: Vec<String> = given.iter().map(ToString::to_string).collect();
    named.iter().filter(|key| !given.contains(key)).cloned().collect()
}

/// The names in a folder of the bundle, in order; none when there is no such folder.
fn list(directory: &Path, folder: &str) -> Result<Vec<String>, CannotJudge> {
    let entries = match fs::read_dir(directory.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(CannotJudge::io(folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(CannotJudge::io(folder))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}
