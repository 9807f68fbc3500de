//! Verifying an export: its files against the manifest, its events against a signed checkpoint of the log.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use auditlog_format::Format;
use auditlog_tlog::proof::verify_consistency;
use auditlog_tlog::{Checkpoint, Hash, Policy, SignedNote, VerifierKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::line::{Place, hex};
use crate::manifest::{FileEntry, MAX_BYTES, Manifest, ManifestError};
use crate::tree::{Builder, gap};

/// Findings that are kept; more are counted.
const MAX_FINDINGS: usize = 100;
/// The longest line, in bytes.
const MAX_LINE: u64 = 1 << 30;

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind: `checkpoint`, `file`, `count`, `event` or `tree`.
    pub kind: &'static str,
    /// Where and what, without a full stop.
    pub detail: String,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Report {
    /// SHA-256 of the manifest: what the log has of it.
    pub manifest_sha256: String,
    /// What the manifest says.
    pub manifest: Manifest,
    /// Events in the files.
    pub events: u64,
    /// Places between the first and the last event that were not exported.
    pub gaps: u64,
    /// Were the events found in the tree of a signed checkpoint?
    pub in_log: bool,
    /// Who has signed the checkpoint.
    pub signed_by: Vec<String>,
    /// What does not fit.
    pub findings: Vec<Finding>,
    /// How many findings were not kept.
    pub further: u64,
}

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
        let file = Hashing::new(File::open(self.directory.join(&entry.name))?);
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let format = Format::from_label(&manifest.format).ok();
        match (format, hashes) {
            (Some(Format::Json), Some(hashes)) => self.lines(manifest, entry, &mut reader, hashes)?,
            (Some(Format::Csv | Format::CsvRaw), _) => self.report.events += csv_rows(&mut reader)?.saturating_sub(1),
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

/// A reader that hashes what passes.
struct Hashing<R> {
    inner: R,
    sha256: Sha256,
    bytes: u64,
}

impl<R> Hashing<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            sha256: Sha256::new(),
            bytes: 0,
        }
    }

    fn end(self) -> (u64, String) {
        (self.bytes, hex(&self.sha256.finalize()))
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.sha256.update(&out[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// The file of hashes.
struct Hashes {
    reader: BufReader<Hashing<File>>,
    bytes: u64,
}

impl Hashes {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self {
            reader: BufReader::new(Hashing::new(file)),
            bytes,
        })
    }

    fn next(&mut self) -> io::Result<Option<Hash>> {
        let mut hash = [0; 32];
        match self.reader.read_exact(&mut hash) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            read => read.map(|()| Some(hash)),
        }
    }

    /// Bytes that no gap has asked for, and the SHA-256 of all.
    fn rest(&mut self) -> io::Result<(u64, String)> {
        let left = io::copy(&mut self.reader, &mut io::sink())?;
        let hashing = self.reader.get_ref();
        Ok((left, hex(&hashing.sha256.clone().finalize())))
    }
}

fn count_lines(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut lines = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(lines);
        }
        lines += buffer.iter().filter(|byte| **byte == b'\n').count() as u64;
        let length = buffer.len();
        reader.consume(length);
    }
}

/// Rows of CSV: line breaks between quotes are none.
fn csv_rows(reader: &mut impl BufRead) -> io::Result<u64> {
    let (mut rows, mut quoted) = (0, false);
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(rows);
        }
        for byte in buffer {
            match byte {
                b'"' => quoted = !quoted,
                b'\n' if !quoted => rows += 1,
                _ => {}
            }
        }
        let length = buffer.len();
        reader.consume(length);
    }
}

impl Report {
    /// Does everything fit? Of formats other than `json`, that the files are those of the manifest.
    pub fn fits(&self) -> bool {
        self.findings.is_empty()
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let findings: Vec<Value> = self
            .findings
            .iter()
            .map(|finding| json!({"kind": finding.kind, "detail": finding.detail}))
            .collect();
        json!({
            "fits": self.fits(),
            "in_log": self.in_log,
            "manifest_sha256": self.manifest_sha256,
            "origin": self.manifest.origin,
            "format": self.manifest.format,
            "query": self.manifest.query,
            "events": self.events,
            "gaps": self.gaps,
            "first_log_index": self.manifest.first_log_index,
            "last_log_index": self.manifest.last_log_index,
            "log_size": self.manifest.log_size,
            "signed_by": self.signed_by,
            "findings": findings,
            "further_findings": self.further,
        })
    }

    /// For people.
    pub fn text(&self) -> String {
        let manifest = &self.manifest;
        let mut out = format!(
            "export {} of {}\n  format {}, query «{}», asked by {} at {}\n  {} events, of the log's first {}",
            manifest.export_id,
            manifest.origin,
            manifest.format,
            manifest.query.escape_debug(),
            manifest.asked_by,
            manifest.asked_at,
            self.events,
            manifest.log_size
        );
        if let (Some(first), Some(last)) = (manifest.first_log_index, manifest.last_log_index) {
            out += &format!(", log_index {first} to {last}, {} not exported between them", self.gaps);
        }
        out += &format!("\n  manifest: SHA-256 {}\n", self.manifest_sha256);
        for finding in &self.findings {
            out += &format!("finding: {}: {}\n", finding.kind, finding.detail);
        }
        if self.further > 0 {
            out += &format!("finding: {} more\n", self.further);
        }
        out += match (self.fits(), self.in_log) {
            (true, true) => {
                "verified: the files are those of the manifest, and each event is in the signed log at its place\n"
            }
            (true, false) => {
                "verified: the files are those of the manifest; only the format json proves that the events are in the log\n"
            }
            (false, _) => "NOT verified\n",
        };
        out
    }
}
