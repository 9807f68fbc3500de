//! Verifying an export: its files against the manifest, its events against a signed checkpoint of the log.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use auditlog_archive::ObjectReader;
use auditlog_format::Format;
use auditlog_tlog::proof::verify_consistency;
use auditlog_tlog::{Checkpoint, Policy, SignedNote, VerifierKey};
use sha2::{Digest, Sha256};

use crate::content::PARQUET;
use crate::line::{Place, hex};
use crate::manifest::{FileEntry, MAX_BYTES, Manifest, ManifestError};
use crate::reading::{Hashes, Hashing, count_lines, csv_rows};
use crate::report::{Finding, Report};
use crate::tree::{Builder, gap};

/// Findings that are kept; more are counted.
const MAX_FINDINGS: usize = 100;
/// The longest line, in bytes.
const MAX_LINE: u64 = 1 << 30;

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum CannotVerify {
    /// The manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file.
    #[error("{0}: {1}")]
    File(String, io::Error),
}

/// Verifies the export that a manifest is about.
///
/// # Errors
/// When the manifest cannot be read.
pub fn verify(path: &Path, keys: &[VerifierKey], policy: Option<&Policy>) -> Result<Report, CannotVerify> {
    let failed = |error| CannotVerify::File(path.display().to_string(), error);
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    let manifest = Manifest::parse(&text)?;
    let mut verifier = Verifier {
        directory: path.parent().unwrap_or(Path::new(".")),
        report: Report {
            manifest_sha256: hex(&Sha256::digest(&text)),
            manifest: manifest.clone(),
            events: 0,
            gaps: 0,
            in_log: false,
            signed_by: Vec::new(),
            findings: Vec::new(),
            further: 0,
        },
        tree: Builder::default(),
        first: None,
        last: None,
        damaged: false,
    };
    let checkpoint = verifier.checkpoint(&manifest, keys, policy);
    verifier.files(&manifest, checkpoint.as_ref());
    Ok(verifier.report)
}

struct Verifier<'a> {
    directory: &'a Path,
    report: Report,
    tree: Builder,
    first: Option<u64>,
    last: Option<u64>,
    /// The lines give no tree any more.
    damaged: bool,
}

impl Verifier<'_> {
    fn find(&mut self, kind: &'static str, detail: impl Into<String>) {
        if self.report.findings.len() < MAX_FINDINGS {
            let detail = detail.into();
            self.report.findings.push(Finding { kind, detail });
        } else {
            self.report.further += 1;
        }
    }

    /// The checkpoint, when a key that was given has signed it.
    fn checkpoint(&mut self, manifest: &Manifest, keys: &[VerifierKey], policy: Option<&Policy>) -> Option<Checkpoint> {
        let Some(text) = &manifest.checkpoint else {
            self.find(
                "checkpoint",
                "the manifest has no signed checkpoint: nothing ties the events to the log",
            );
            return None;
        };
        let none = Policy::none();
        let trusted = SignedNote::parse(text)
            .map_err(|error| error.to_string())
            .and_then(|note| {
                policy
                    .unwrap_or(&none)
                    .check(&note, keys)
                    .map_err(|error| error.to_string())
            });
        let checkpoint = match trusted {
            Ok(trusted) => {
                let cosigners = trusted.cosigners.iter().map(|(key, _)| key.name().to_string());
                self.report.signed_by = std::iter::once(trusted.checkpoint.origin.clone())
                    .chain(cosigners)
                    .collect();
                trusted.checkpoint
            }
            Err(error) => {
                self.find("checkpoint", format!("the checkpoint is not to be believed: {error}"));
                return None;
            }
        };
        if checkpoint.origin != manifest.origin {
            let detail = format!(
                "the checkpoint is of «{}», the export of «{}»",
                checkpoint.origin, manifest.origin
            );
            self.find("checkpoint", detail);
            return None;
        }
        if checkpoint.size < manifest.log_size {
            let detail = format!(
                "the checkpoint covers {} events, the export {}",
                checkpoint.size, manifest.log_size
            );
            self.find("checkpoint", detail);
            return None;
        }
        Some(checkpoint)
    }

    fn files(&mut self, manifest: &Manifest, checkpoint: Option<&Checkpoint>) {
        let proof = manifest.proof.as_ref();
        let mut hashes = proof.and_then(|proof| match Hashes::open(&self.directory.join(&proof.name)) {
            Ok(hashes) => Some(hashes),
            Err(error) => {
                self.find("file", format!("{}: {error}", proof.name));
                None
            }
        });
        let mut bytes = 0;
        for file in &manifest.files {
            let before = self.report.events;
            match self.file(manifest, file, hashes.as_mut()) {
                Ok(found) => bytes += found,
                Err(error) => {
                    self.damaged = true;
                    self.find("file", format!("{}: {error}", file.name));
                }
            }
            let events = self.report.events - before;
            if events != file.events {
                self.find(
                    "count",
                    format!("{} has {events} events, the manifest says {}", file.name, file.events),
                );
            }
        }
        let events = self.report.events;
        if events != manifest.events {
            self.find(
                "count",
                format!("there are {events} events, the manifest says {}", manifest.events),
            );
        }
        if bytes != manifest.bytes {
            self.find(
                "count",
                format!("the files have {bytes} bytes, the manifest says {}", manifest.bytes),
            );
        }
        let (Some(mut hashes), Some(proof)) = (hashes, proof) else {
            return;
        };
        let places = (self.first, self.last);
        if places != (manifest.first_log_index, manifest.last_log_index) {
            self.find(
                "count",
                "the first and the last event are others than the manifest says",
            );
        }
        self.gap(manifest.log_size, &mut hashes);
        match hashes.rest() {
            Ok((left, sha256)) if left > 0 || hashes.bytes != proof.bytes || sha256 != proof.sha256 => {
                self.find(
                    "file",
                    format!("{} has not the bytes that the manifest says", proof.name),
                );
            }
            Ok(_) => {}
            Err(error) => self.find("file", format!("{}: {error}", proof.name)),
        }
        if let Some(checkpoint) = checkpoint {
            self.root(manifest, checkpoint);
        }
    }

    /// Do events and hashes give the root that was signed?
    fn root(&mut self, manifest: &Manifest, checkpoint: &Checkpoint) {
        let Some(consistency) = manifest.consistency_hashes() else {
            return self.find("tree", "the consistency proof has something else than hashes");
        };
        if self.damaged || self.tree.size() != manifest.log_size {
            return self.find(
                "tree",
                "the events and the hashes between them give no tree of the log's size",
            );
        }
        let root = self.tree.root();
        let (old, new) = (manifest.log_size, checkpoint.size);
        if verify_consistency(old, &root, new, &checkpoint.root, &consistency).is_ok() {
            self.report.in_log = true;
        } else {
            self.find(
                "tree",
                "the events are not those of the log: their tree does not lead to the signed checkpoint",
            );
        }
    }

    /// The hashes of a gap up to before `to`.
    fn gap(&mut self, to: u64, hashes: &mut Hashes) {
        for subtree in gap(self.tree.size(), to) {
            match hashes.next() {
                Ok(Some(hash)) if !self.damaged => self.tree.add(subtree.height, hash),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => {
                    self.damaged = true;
                    return;
                }
            }
        }
    }

    /// Reads a file; returns its bytes.
    fn file(&mut self, manifest: &Manifest, entry: &FileEntry, hashes: Option<&mut Hashes>) -> io::Result<u64> {
        let path = self.directory.join(&entry.name);
        if manifest.format == PARQUET {
            match ObjectReader::open(File::open(&path)?) {
                Ok(table) => self.report.events += table.rows(),
                Err(error) => self.find("file", format!("{}: {error}", entry.name)),
            }
        }
        let file = Hashing::new(File::open(&path)?);
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let format = Format::from_label(&manifest.format).ok();
        match (format, hashes) {
            (Some(Format::Json), Some(hashes)) => self.lines(manifest, entry, &mut reader, hashes)?,
            (Some(Format::Csv | Format::CsvRaw), _) => self.report.events += csv_rows(&mut reader)?.saturating_sub(1),
            (None, _) if manifest.format == PARQUET => {}
            _ => self.report.events += count_lines(&mut reader)?,
        }
        io::copy(&mut reader, &mut io::sink())?;
        let (bytes, sha256) = reader.into_inner().end();
        if bytes != entry.bytes || sha256 != entry.sha256 {
            self.find(
                "file",
                format!("{} has not the bytes that the manifest says", entry.name),
            );
        }
        Ok(bytes)
    }

    fn lines(
        &mut self,
        manifest: &Manifest,
        entry: &FileEntry,
        reader: &mut impl BufRead,
        hashes: &mut Hashes,
    ) -> io::Result<()> {
        let mut line = Vec::new();
        let mut number = 0u64;
        loop {
            line.clear();
            if reader.take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            number += 1;
            self.report.events += 1;
            let place = match Place::of(&line) {
                Ok(place) => place,
                Err(error) => {
                    self.damaged = true;
                    self.find(
                        "event",
                        format!("{}, line {number}: it is no event: {error}", entry.name),
                    );
                    continue;
                }
            };
            self.event(manifest, &place, &format!("{}, line {number}", entry.name), hashes);
        }
    }

    fn event(&mut self, manifest: &Manifest, place: &Place, at: &str, hashes: &mut Hashes) {
        let index = place.log_index;
        if place.origin != manifest.origin {
            self.find(
                "event",
                format!("{at}: it is of another log, «{}»", place.origin.escape_debug()),
            );
        }
        let Some(leaf) = place.leaf() else {
            self.damaged = true;
            return self.find("event", format!("{at}: its entry_hash is no hash"));
        };
        if index >= manifest.log_size || self.last.is_some_and(|last| index <= last) {
            self.damaged = true;
            return self.find("event", format!("{at}: log_index {index} is out of order"));
        }
        self.report.gaps += self.last.map_or(0, |last| index - last - 1);
        self.first = self.first.or(Some(index));
        self.last = Some(index);
        if !self.damaged {
            self.gap(index, hashes);
        }
        if !self.damaged {
            self.tree.add(0, leaf);
        }
    }
}
