//! `auditlog verify` of an archive: Parquet objects with manifests, in a directory or in object storage.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use auditlog_archive::layout::MANIFESTS;
use auditlog_archive::{Inventory, Name, Report, Trust};
use auditlog_bundle::verify::Progress;
use auditlog_bundle::{Finding, Kind};
use auditlog_objects::Store;
use auditlog_tlog::VerifierKey;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::input;
use crate::progress::Bar;

/// The most time for one call to object storage.
const DEADLINE: Duration = Duration::from_secs(600);

/// How the result is shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// As JSON.
    pub json: bool,
    /// Not at all.
    pub quiet: bool,
}

/// Whether this is an archive and not a bundle.
pub fn is_archive(target: &str) -> bool {
    target.contains("://") || Path::new(target).join(MANIFESTS).is_dir()
}

/// What was found in all objects.
#[derive(Debug, Default)]
struct Sum {
    objects: u64,
    events: u64,
    redacted: u64,
    with_checkpoint: u64,
    origins: Vec<String>,
    signers: Vec<String>,
    replaced: Vec<String>,
    others: u64,
    findings: Vec<Finding>,
}

/// Verifies the archive at a directory or URL.
pub fn run(target: &str, options: Option<&Path>, keys: &[VerifierKey], shown: Shown) -> Result<ExitCode, Failure> {
    let store = open(target, options)?;
    let mut sum = Sum::default();
    let mut inventory = Inventory::default();
    for entry in store.list("", DEADLINE).map_err(told)? {
        inventory.name(&entry.name);
        if entry.name.starts_with(MANIFESTS) && Name::parse(&entry.name).is_some() {
            let bytes = store.get(&entry.name, DEADLINE).map_err(told)?;
            inventory.manifest(&entry.name, &bytes.unwrap_or_default());
        }
    }
    let contents = inventory.finish();
    sum.findings = contents.findings;
    sum.replaced = contents.replaced;
    sum.others = contents.others.len() as u64;
    let bar = Bar::new(shown.quiet);
    bar.start(contents.pairs.iter().filter_map(|(name, _)| places(name)).sum());
    for (manifest, object) in &contents.pairs {
        let bytes = store.get(manifest, DEADLINE).map_err(told)?.unwrap_or_default();
        let trust = Trust { keys, leaf: None };
        match fetch(&store, object)? {
            Some(file) => {
                let report = auditlog_archive::verify(&bytes, file, trust);
                bar.add(report.events);
                sum.add(report, object);
            }
            None => sum
                .findings
                .push(Finding::of_file(Kind::Missing, object, "the object is gone meanwhile")),
        }
    }
    bar.finish();
    if sum.objects == 0 && sum.findings.is_empty() {
        return Err(Failure::new(format!("{target} has no manifests: it is no archive")));
    }
    if shown.json {
        println!("{:#}", sum.json());
    } else if !shown.quiet {
        print!("{}", sum.text());
    }
    Ok(ExitCode::from(u8::from(!sum.findings.is_empty())))
}

fn open(target: &str, options: Option<&Path>) -> Result<Store, Failure> {
    let options: Value = match options {
        Some(path) => serde_json::from_str(&input::text_file(path)?)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?,
        None => Value::Null,
    };
    let url = match target.contains("://") {
        true => target.to_owned(),
        false => {
            let path = Path::new(target);
            format!("file://{}", path.canonicalize().map_err(Failure::of(path))?.display())
        }
    };
    Store::open(&url, &options).map_err(|error| {
        let hint = error.hint.map(|hint| format!("\n  {hint}")).unwrap_or_default();
        Failure::new(format!("{}{hint}", error.message))
    })
}

fn told(error: auditlog_objects::ObjectError) -> Failure {
    let hint = error.hint.map(|hint| format!("\n  {hint}")).unwrap_or_default();
    Failure::new(format!("{}{hint}", error.message))
}

/// How many events a name may speak of.
fn places(name: &str) -> Option<u64> {
    let name = Name::parse(name)?;
    Some(name.last - name.first + 1)
}

/// The object as a file; one from elsewhere is copied to where it takes no memory.
fn fetch(store: &Store, object: &str) -> Result<Option<File>, Failure> {
    if let Some(directory) = store.directory() {
        let path = directory.join(object);
        return match File::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::of(&path)(error)),
        };
    }
    let mut copy = tempfile::tempfile()?;
    if store.get_to(object, &mut copy, DEADLINE).map_err(told)?.is_none() {
        return Ok(None);
    }
    copy.seek(SeekFrom::Start(0))?;
    Ok(Some(copy))
}

impl Sum {
    fn add(&mut self, report: Report, object: &str) {
        self.objects += 1;
        self.events += report.events;
        self.redacted += report
            .redacted
            .iter()
            .map(|(first, last)| last - first + 1)
            .sum::<u64>();
        self.with_checkpoint += u64::from(report.checkpoint.is_some());
        for finding in report.findings {
            self.findings.push(Finding {
                file: Some(object.to_owned()),
                ..finding
            });
        }
        let origin = report.manifest.map(|manifest| manifest.origin);
        for origin in origin
            .into_iter()
            .filter(|origin| !self.origins.contains(origin))
            .collect::<Vec<_>>()
        {
            self.origins.push(origin);
        }
        for signer in report.signers {
            if !self.signers.contains(&signer) {
                self.signers.push(signer);
            }
        }
    }

    /// What this says nothing about.
    fn not_proven(&self) -> Vec<String> {
        let mut open = vec![
            "that the archive has all events: compare its places with the certificates of a bundle".to_owned(),
            "that the log's tree has these events under its checkpoints: the manifests' signatures say so".to_owned(),
        ];
        if self.redacted > 0 {
            open.push(format!(
                "{} events have erased values: that the log tells of each erasure is shown by a bundle",
                self.redacted
            ));
        }
        open
    }

    fn json(&self) -> Value {
        json!({
            "format": "pg_auditlog-verify-archive/1",
            "verdict": if self.findings.is_empty() { "proven" } else { "findings" },
            "origins": self.origins,
            "signed_by": self.signers,
            "objects": self.objects,
            "with_checkpoint": self.with_checkpoint,
            "events": self.events,
            "redacted": self.redacted,
            "replaced": self.replaced,
            "other_files": self.others,
            "findings": self.findings.iter().map(|finding| json!({
                "kind": finding.kind.label(),
                "log_index": finding.log_index,
                "count": finding.count,
                "event_id": finding.event_id,
                "file": finding.file,
                "detail": finding.detail,
            })).collect::<Vec<_>>(),
            "not_proven": self.not_proven(),
        })
    }

    fn text(&self) -> String {
        let mut lines = Vec::new();
        let (objects, events) = (self.objects, self.events);
        if self.findings.is_empty() {
            lines.push(format!(
                "PROVEN: {events} events in {objects} objects are what the log has signed as archived"
            ));
        } else {
            let count = self.findings.len();
            lines.push(format!(
                "NOT PROVEN: {count} finding{}",
                if count == 1 { "" } else { "s" }
            ));
            lines.extend(self.findings.iter().map(|finding| format!("  {finding}")));
        }
        lines.extend(self.signers.iter().map(|key| format!("  signed by {key}")));
        lines.push(format!(
            "  {} of {objects} manifests have a signed checkpoint",
            self.with_checkpoint
        ));
        lines.extend(
            self.replaced
                .iter()
                .map(|name| format!("  replaced, and still there: {name}")),
        );
        if self.others > 0 {
            lines.push(format!("  {} other files were not looked at", self.others));
        }
        lines.push("not proven:".to_owned());
        lines.extend(self.not_proven().into_iter().map(|open| format!("  {open}")));
        lines.push(String::new());
        lines.join("\n")
    }
}
