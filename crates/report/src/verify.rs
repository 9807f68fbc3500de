//! Is a report what it says it is? Verified without PostgreSQL, from its files and the log's public key alone.
//!
//! Three things are told apart, each stronger than the one before:
//!
//! 1. **The files fit each other**: the CSV is what the JSON gives, the manifest has the hashes of both, figures that must be
//!    equal are equal. Whoever can rewrite all files can still change them all alike.
//! 2. **The samples are in the log**: each sampled event is recomputed from its record and proven to be in the tree of a
//!    checkpoint that the log has signed, and what is shown of it is what it says. No key, no other sample.
//! 3. **The report is sealed**: the event `auditlog.report` in the signed log names the manifest's SHA-256 ([`seal`]). Then any
//!    changed byte is found, whoever changed it.

mod checkpoint;
mod consistency;
mod draw;
mod fields;
mod outcome;
mod sample;
pub mod seal;

use auditlog_tlog::{Policy, VerifierKey};

use crate::csv;
use crate::files::{from_json, sha256};
use crate::manifest::{CSV_NAME, JSON_NAME, Manifest};
use crate::model::Report;

pub use draw::draw;
pub use outcome::{Finding, Pages, Verified};
pub use seal::ReportProof;

/// Lays a report out as PDF, the three files inside; the error is a message.
pub type Render<'a> = &'a dyn Fn(&Report) -> Result<Vec<u8>, String>;

/// The files of a report.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// `report.json`.
    pub json: &'a [u8],
    /// `report.csv`.
    pub csv: Option<&'a [u8]>,
    /// `manifest.json`.
    pub manifest: Option<&'a [u8]>,
    /// The PDF.
    pub pdf: Option<&'a [u8]>,
    /// The proof that the report is sealed: a [`ReportProof`] as JSON.
    pub proof: Option<&'a [u8]>,
}

impl<'a> Given<'a> {
    /// The JSON and nothing else.
    pub fn json(json: &'a [u8]) -> Self {
        Self {
            json,
            csv: None,
            manifest: None,
            pdf: None,
            proof: None,
        }
    }
}

/// Whom to believe.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    /// Public keys of the log, from somewhere else than the report.
    pub keys: &'a [VerifierKey],
    /// Which witnesses must have cosigned.
    pub policy: Option<&'a Policy>,
    /// How this program lays out reports, to compare the PDF with.
    pub render: Option<Render<'a>>,
}

/// Verifies a report. Nothing in it is believed.
pub fn verify(given: &Given<'_>, trust: &Trust<'_>) -> Verified {
    let mut verified = Verified::default();
    match from_json(given.json) {
        Ok(report) => {
            let expected = csv::to_bytes(&report);
            if given.csv.is_some_and(|csv| csv != expected) {
                verified.find("file", "report.csv is not what report.json gives as CSV");
            }
            let manifest = Manifest::of(&report, given.json, &expected);
            check_manifest(given, &manifest, &mut verified);
            consistency::check(&report, &mut verified);
            let checkpoint = checkpoint::of_report(&report, trust, &mut verified);
            sample::check(&report, checkpoint.as_ref(), &mut verified);
            let manifest = manifest.to_json();
            let manifest = given.manifest.unwrap_or(&manifest);
            seal::check(
                given,
                manifest,
                Some(&report),
                checkpoint.as_ref(),
                trust,
                &mut verified,
            );
            check_pages(given, &report, trust, &mut verified);
            verified.report = Some(report);
        }
        Err(error) => {
            verified.find("file", error.to_string());
            if let Some(bytes) = given.manifest {
                match Manifest::from_json(bytes) {
                    Ok(manifest) => check_files(given, &manifest, &mut verified),
                    Err(error) => verified.find("manifest", error.to_string()),
                }
                seal::check(given, bytes, None, None, trust, &mut verified);
            }
        }
    }
    outcome::say_what_is_open(given, &mut verified);
    verified
}

/// Is the manifest that of the report?
fn check_manifest(given: &Given<'_>, expected: &Manifest, verified: &mut Verified) {
    let Some(bytes) = given.manifest else { return };
    let manifest = match Manifest::from_json(bytes) {
        Ok(manifest) => manifest,
        Err(error) => return verified.find("manifest", error.to_string()),
    };
    check_files(given, &manifest, verified);
    let differs = [
        ("report_id", manifest.report_id == expected.report_id),
        ("title", manifest.title == expected.title),
        (
            "definition_sha256",
            manifest.definition_sha256 == expected.definition_sha256,
        ),
        ("origin", manifest.origin == expected.origin),
        ("log_size", manifest.log_size == expected.log_size),
        ("since", manifest.since == expected.since),
        ("until", manifest.until == expected.until),
        ("made_by", manifest.made_by == expected.made_by),
        ("made_at", manifest.made_at == expected.made_at),
        ("checkpoint", manifest.checkpoint == expected.checkpoint),
        ("files", manifest.files == expected.files),
    ];
    for (name, _) in differs.iter().filter(|(_, same)| !same) {
        verified.find("manifest", format!("its {name} is not what the report gives"));
    }
    if manifest == *expected && bytes != expected.to_json() {
        verified.find(
            "manifest",
            "it was written by another program: its bytes are not what pg_auditlog writes",
        );
    }
}

/// Have the files the hashes that the manifest has?
fn check_files(given: &Given<'_>, manifest: &Manifest, verified: &mut Verified) {
    for (name, bytes) in [(JSON_NAME, Some(given.json)), (CSV_NAME, given.csv)] {
        let Some(bytes) = bytes else { continue };
        match manifest.file(name) {
            None => verified.find("manifest", format!("it names no {name}")),
            Some(entry) if entry.bytes != bytes.len() as u64 || entry.sha256 != sha256(bytes) => {
                verified.find("file", format!("{name} has not the bytes that the manifest says"));
            }
            Some(_) => {}
        }
    }
}

/// Do the pages say what the JSON says?
fn check_pages(given: &Given<'_>, report: &Report, trust: &Trust<'_>, verified: &mut Verified) {
    let Some(pdf) = given.pdf else { return };
    let sealed = verified.pages == Some(Pages::Sealed);
    match trust.render.map(|render| render(report)) {
        Some(Ok(pages)) if pages == pdf => verified.pages = Some(Pages::Same),
        // another version may lay out in another way; the log says that these are the pages that were made
        _ if sealed => {}
        None => verified.pages = Some(Pages::Unknown),
        Some(Ok(_)) => verified.find(
            "pdf",
            format!(
                "the PDF is not what this version of auditlog makes of report.json; the report was made by «{}»: take that \
                 version, or give the proof, by which the log itself names the PDF",
                report.scope.software.escape_debug()
            ),
        ),
        Some(Err(error)) => verified.find("pdf", format!("report.json cannot be laid out: {error}")),
    }
}
