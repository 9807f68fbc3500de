//! Whether an object is what its manifest says, and its rows are the events that the log sealed.

use std::collections::BTreeMap;

use auditlog_bundle::certificate::Range;
use auditlog_bundle::content::Entries;
use auditlog_bundle::{Finding, Kind, Record};
use auditlog_core::chain::Hash;
use auditlog_tlog::{Checkpoint, SignedNote, VerifierKey};
use parquet::file::reader::ChunkReader;

use crate::manifest::{Manifest, SignedManifest};
use crate::places::Places;
use crate::reader::ObjectReader;
use crate::rewrite::digest;
use crate::row::Group;

/// What the verifier has beside the archive.
#[derive(Clone, Copy, Default)]
pub struct Trust<'a> {
    /// The auditor's keys. Without one, signatures are not looked at.
    pub keys: &'a [VerifierKey],
    /// The leaf of the log's tree at a place, from tiles that have been checked against a checkpoint.
    pub leaf: Option<&'a dyn Fn(u64) -> Option<Hash>>,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What does not fit; nothing when all is well.
    pub findings: Vec<Finding>,
    /// The manifest, if it could be read.
    pub manifest: Option<Manifest>,
    /// The rows that were looked at.
    pub events: u64,
    /// The places of events of which values were erased: an event of the log must tell of each.
    pub redacted: Vec<Range>,
    /// The keys that have signed the manifest.
    pub signers: Vec<String>,
    /// The manifest's checkpoint, if it has one that a key has signed.
    pub checkpoint: Option<Checkpoint>,
}

/// Compares an object with its manifest, and both with what is trusted. Goes on after a finding: every row that
/// can be read is looked at.
///
/// Where JSON has personal members it is read by recursion, up to 600 levels: a thread needs 8 MiB of stack.
pub fn verify<R: ChunkReader + 'static>(manifest: &[u8], object: R, trust: Trust<'_>) -> Report {
    let mut report = Report::default();
    let signed = match SignedManifest::parse(manifest) {
        Ok(signed) => signed,
        Err(error) => {
            report
                .findings
                .push(Finding::of_bundle(Kind::Unreadable, error.to_string()));
            return report;
        }
    };
    signatures(&signed, trust.keys, &mut report);
    let manifest = signed.manifest;
    checkpoint(&manifest, trust.keys, &mut report);
    Rows::new(&manifest, trust, &mut report).object(object);
    report.manifest = Some(manifest);
    report
}

fn of_manifest(kind: Kind, detail: impl Into<String>) -> Finding {
    Finding::of_bundle(kind, detail)
}

fn signatures(signed: &SignedManifest, keys: &[VerifierKey], report: &mut Report) {
    if keys.is_empty() {
        return;
    }
    let origin = &signed.manifest.origin;
    let own: Vec<VerifierKey> = keys
        .iter()
        .filter(|key| key.name().as_str() == origin)
        .cloned()
        .collect();
    let verified = signed.note().map_err(|error| error.to_string()).and_then(|note| {
        let verified = note.verify(&own).map_err(|error| error.to_string())?;
        Ok(verified.iter().map(|signer| signer.key.to_string()).collect())
    });
    match verified {
        Ok(signers) => report.signers = signers,
        Err(error) => report.findings.push(of_manifest(
            Kind::KeyReplaced,
            format!("none of the given keys has signed the manifest: {error}"),
        )),
    }
}

fn checkpoint(manifest: &Manifest, keys: &[VerifierKey], report: &mut Report) {
    let Some(text) = &manifest.checkpoint else { return };
    let note = match SignedNote::parse(text) {
        Ok(note) => note,
        Err(error) => {
            let detail = format!("the checkpoint of the manifest cannot be read: {error}");
            return report.findings.push(of_manifest(Kind::Unreadable, detail));
        }
    };
    let checkpoint = match Checkpoint::parse(note.text()) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            let detail = format!("the checkpoint of the manifest cannot be read: {error}");
            return report.findings.push(of_manifest(Kind::Unreadable, detail));
        }
    };
    if checkpoint.origin != manifest.origin {
        let detail = format!("the checkpoint of the manifest is of the log «{}»", checkpoint.origin);
        report.findings.push(of_manifest(Kind::Modified, detail));
    } else if checkpoint.size <= manifest.last() {
        let detail = format!(
            "the checkpoint of the manifest ends before log_index {}",
            manifest.last()
        );
        report.findings.push(of_manifest(Kind::Modified, detail));
    }
    let own: Vec<VerifierKey> = keys
        .iter()
        .filter(|key| key.name().as_str() == checkpoint.origin)
        .cloned()
        .collect();
    match note.verify(&own) {
        Ok(_) => report.checkpoint = Some(checkpoint),
        Err(_) if keys.is_empty() => {}
        Err(error) => {
            let detail = format!("none of the given keys has signed the checkpoint of the manifest: {error}");
            report.findings.push(of_manifest(Kind::KeyReplaced, detail));
        }
    }
}

/// The rows of an object as they are gone through.
struct Rows<'a> {
    manifest: &'a Manifest,
    trust: Trust<'a>,
    report: &'a mut Report,
    entries: Entries,
    found: Places,
    /// Something is missing, extra or not to be read: the root can't be told.
    gaps: bool,
    /// Where in the manifest's ranges the next place is looked for.
    range: usize,
    /// The next place that must come.
    due: Option<u64>,
    /// Place and link of the row before.
    last: Option<(u64, Hash)>,
    /// Rows whose leaf is not the tree's.
    strangers: Vec<(u64, Hash)>,
}

impl<'a> Rows<'a> {
    fn new(manifest: &'a Manifest, trust: Trust<'a>, report: &'a mut Report) -> Self {
        Self {
            manifest,
            trust,
            report,
            entries: Entries::default(),
            found: Places::default(),
            gaps: false,
            range: 0,
            due: Some(manifest.first()),
            last: None,
            strangers: Vec::new(),
        }
    }

    fn object<R: ChunkReader + 'static>(mut self, object: R) {
        match digest(&object) {
            Ok(found) if found == (self.manifest.sha256, self.manifest.bytes) => {}
            Ok(_) => self.add(of_manifest(
                Kind::Modified,
                "the object has other bytes than the manifest says",
            )),
            Err(error) => self.add(of_manifest(Kind::Unreadable, error.to_string())),
        }
        match ObjectReader::open(object) {
            Ok(reader) => {
                for number in 0..reader.groups() {
                    match reader.group(number) {
                        Ok(group) => self.group(number, group),
                        Err(error) => {
                            self.gaps = true;
                            self.add(of_manifest(Kind::Unreadable, format!("row group {number}: {error}")));
                        }
                    }
                }
            }
            Err(error) => {
                self.gaps = true;
                self.add(of_manifest(Kind::Unreadable, error.to_string()));
            }
        }
        self.missing_before(None);
        self.settle_strangers();
        if !self.gaps && self.found.root() != self.manifest.root {
            self.add(of_manifest(
                Kind::Modified,
                "the rows give another root than the manifest says",
            ));
        }
    }

    fn add(&mut self, finding: Finding) {
        if let (Some(last), Some(index)) = (self.report.findings.last_mut(), finding.log_index) {
            let follows = last.log_index.and_then(|first| first.checked_add(last.count)) == Some(index);
            if follows
                && last.kind == finding.kind
                && last.detail == finding.detail
                && last.event_id == finding.event_id
            {
                last.count += finding.count;
                return;
            }
        }
        self.report.findings.push(finding);
    }

    fn group(&mut self, number: usize, mut group: Group) {
        if group.placeless() > 0 {
            self.gaps = true;
            let detail = format!("row group {number} has {} rows without a place", group.placeless());
            self.add(of_manifest(Kind::Modified, detail));
        }
        let follows = group.is_empty() || self.last.is_none_or(|(last, _)| last < group.log_index(0));
        if !group.is_sorted() || !follows {
            self.add(of_manifest(
                Kind::Reordered,
                format!("the rows of row group {number} are not in their order"),
            ));
        }
        let mut record = Vec::new();
        for at in 0..group.len() {
            record.clear();
            let log_index = group.log_index(at);
            self.report.events += 1;
            if !self.place(log_index) {
                self.gaps = true;
                self.add(Finding::of_event(
                    Kind::Extra,
                    log_index,
                    &[],
                    "the manifest has no such event, or the object has it twice",
                ));
                continue;
            }
            match group.record(at, &mut record) {
                Ok(()) => self.row(log_index, &record),
                Err(error) => {
                    self.gaps = true;
                    self.last = None;
                    self.add(Finding::of_event(Kind::Modified, log_index, &[], error.to_string()));
                }
            }
        }
    }

    /// Takes the place of a row; false when none is due there.
    fn place(&mut self, log_index: u64) -> bool {
        let ranges = &self.manifest.log_indexes;
        let known = ranges.binary_search_by(|(first, last)| {
            if log_index < *first {
                std::cmp::Ordering::Greater
            } else if log_index > *last {
                std::cmp::Ordering::Less
            } else {
                std::cmp::Ordering::Equal
            }
        });
        if known.is_err() || self.due.is_none_or(|due| log_index < due) {
            return false;
        }
        self.missing_before(Some(log_index));
        true
    }

    /// Names the places before `log_index` that no row has come for; all that are left without one.
    fn missing_before(&mut self, log_index: Option<u64>) {
        while let Some(due) = self.due {
            let (_, last) = self.manifest.log_indexes[self.range];
            let stop = log_index.filter(|place| *place <= last);
            let end = stop.unwrap_or(last.saturating_add(1));
            if due < end {
                self.gaps = true;
                let mut finding = Finding::of_event(Kind::Missing, due, &[], "the object has no row for it");
                finding.count = end - due;
                self.add(finding);
            }
            match stop {
                Some(place) if place < last => return self.due = Some(place + 1),
                _ => {
                    self.range += 1;
                    self.due = self.manifest.log_indexes.get(self.range).map(|(first, _)| *first);
                    if stop.is_some() {
                        return;
                    }
                }
            }
        }
    }

    fn row(&mut self, log_index: u64, bytes: &[u8]) {
        let record = match Record::parse(bytes) {
            Ok(record) => record,
            Err(error) => {
                self.gaps = true;
                return self.add(Finding::of_event(Kind::Modified, log_index, &[], error.to_string()));
            }
        };
        self.found.push(log_index, &record.entry_hash);
        let before = self.last.replace((log_index, record.hash));
        let problem = match self.entries.content(&record) {
            Err(error) => Some((Vec::new(), error.to_string())),
            Ok(content) => {
                if content.redacted > 0 {
                    match self.report.redacted.last_mut() {
                        Some((_, last)) if last.checked_add(1) == Some(log_index) => *last = log_index,
                        _ => self.report.redacted.push((log_index, log_index)),
                    }
                }
                let leaf = self.trust.leaf.and_then(|leaf| leaf(log_index));
                let id = || content.event_id.to_vec();
                if let Some(column) = content.value_beside_erased {
                    Some((id(), format!("{column} has a value although it is erased")))
                } else if content.entry_hash != record.entry_hash {
                    Some((id(), "the values give another entry_hash".to_owned()))
                } else if leaf.is_some_and(|leaf| leaf != record.entry_hash) {
                    self.strangers.push((log_index, record.entry_hash));
                    None
                } else if before.is_some_and(|(last, hash)| last + 1 == log_index && hash != record.prev_hash) {
                    Some((
                        id(),
                        "prev_hash is not the hash of the row at the place before".to_owned(),
                    ))
                } else if record.hash
                    != auditlog_core::chain::link_hash(&record.prev_hash, &record.entry_hash, log_index)
                {
                    Some((id(), "hash is not that of the row".to_owned()))
                } else {
                    None
                }
            }
        };
        if let Some((id, detail)) = problem {
            self.add(Finding::of_event(Kind::Modified, log_index, &id, detail));
        }
    }

    /// A row that is not the tree's at its place may be that of another.
    fn settle_strangers(&mut self) {
        let Some(leaf) = self.trust.leaf else { return };
        let strangers = std::mem::take(&mut self.strangers);
        let homes: BTreeMap<Hash, u64> = strangers
            .iter()
            .filter_map(|(place, _)| Some((leaf(*place)?, *place)))
            .collect();
        for (place, hash) in strangers {
            let (kind, detail) = match homes.get(&hash) {
                Some(home) => (Kind::Reordered, format!("the event belongs to log_index {home}")),
                None => (
                    Kind::Modified,
                    "the log's tree has another event at this place".to_owned(),
                ),
            };
            self.add(Finding::of_event(kind, place, &[], detail));
        }
    }
}
