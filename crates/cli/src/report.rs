//! `auditlog verify` of a report: its PDF, its JSON, or its manifest.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use auditlog_report::extract::{self, Embedded, MAX_PDF_BYTES, compare, extract};
use auditlog_report::files::{Files, MAX_JSON_BYTES};
use auditlog_report::verify::{Given, Trust, Verified, seal, verify};
use auditlog_report::{manifest, model};
use auditlog_tlog::{Policy, VerifierKey};

use crate::archive::Shown;
use crate::failure::Failure;

/// So many bytes say what a file is.
const HEAD: u64 = 256;

/// A file of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `report.pdf`.
    Pdf,
    /// `report.json`.
    Json,
    /// `report.manifest.json` or `manifest.json`.
    Manifest,
}

/// Which file of a report this is, by its first bytes; `None` when it is another file.
pub fn kind_of(path: &Path) -> Result<Option<Kind>, Failure> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(Failure::of(path))?;
    file.take(HEAD).read_to_end(&mut head).map_err(Failure::of(path))?;
    let text = String::from_utf8_lossy(&head);
    let says = |format: &str| {
        let start: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let format: String = format.chars().filter(|c| !c.is_whitespace()).collect();
        start.starts_with(&format!("{{\"format\":\"{format}"))
    };
    // the version comes last in a format's name: another one is told of by whoever reads the file
    let any = |format: &str| says(format.trim_end_matches(|c: char| c.is_ascii_digit()));
    Ok(if head.starts_with(b"%PDF-") {
        Some(Kind::Pdf)
    } else if any(manifest::FORMAT) {
        Some(Kind::Manifest)
    } else if any(model::FORMAT) {
        Some(Kind::Json)
    } else {
        None
    })
}

/// The files of a report as they lie beside each other: `NAME.pdf`, `NAME.json`, `NAME.csv`, `NAME.manifest.json` and
/// `NAME.proof.json`; the manifest may be called `manifest.json` as well.
#[derive(Debug, Default)]
struct Found {
    json: Option<Vec<u8>>,
    csv: Option<Vec<u8>>,
    manifest: Option<Vec<u8>>,
    pdf: Option<Vec<u8>>,
    proof: Option<Vec<u8>>,
}

/// Verifies the report that a file is of.
pub fn run(
    path: &Path,
    kind: Kind,
    proof: Option<&Path>,
    keys: &[VerifierKey],
    policy: Option<&Policy>,
    shown: Shown,
) -> Result<ExitCode, Failure> {
    let stem = stem(path, kind);
    let beside = |end: &str| PathBuf::from(format!("{}{end}", stem.display()));
    let mut found = Found {
        proof: match proof {
            Some(path) => Some(read(path, seal::MAX_BYTES)?),
            None => optional(&beside(".proof.json"), seal::MAX_BYTES)?,
        },
        ..Found::default()
    };
    let mut inside = None;
    if kind == Kind::Pdf {
        found.pdf = Some(read(path, MAX_PDF_BYTES)?);
    } else {
        found.json = match kind {
            Kind::Json => Some(read(path, MAX_JSON_BYTES)?),
            _ => optional(&beside(".json"), MAX_JSON_BYTES)?,
        };
        found.csv = optional(&beside(".csv"), MAX_JSON_BYTES)?;
        found.pdf = optional(&beside(".pdf"), MAX_PDF_BYTES)?;
        found.manifest = match kind {
            Kind::Manifest => Some(read(path, manifest::MAX_BYTES)?),
            _ => match optional(&beside(".manifest.json"), manifest::MAX_BYTES)? {
                None => optional(&stem.with_file_name(manifest::MANIFEST_NAME), manifest::MAX_BYTES)?,
                bytes => bytes,
            },
        };
        if found.json.is_none() {
            return Err(Failure::new(format!(
                "{} is not there: the manifest says what it is, but it has to be given",
                beside(".json").display()
            )));
        }
    }
    if let Some(pdf) = &found.pdf {
        match extract(pdf) {
            Ok(files) => inside = Some(Ok(files)),
            Err(error) if kind == Kind::Pdf => return Err(Failure::new(format!("{}: {error}", path.display()))),
            Err(error) => inside = Some(Err(error)),
        }
    }
    let verified = judge(&found, inside, keys, policy);
    if shown.json {
        println!("{:#}", verified.json());
    } else if !shown.quiet {
        print!("{}", verified.text());
    }
    Ok(ExitCode::from(u8::from(!verified.fits())))
}

fn judge(
    found: &Found,
    inside: Option<Result<Embedded, extract::ExtractError>>,
    keys: &[VerifierKey],
    policy: Option<&Policy>,
) -> Verified {
    let embedded = inside.as_ref().and_then(|inside| inside.as_ref().ok());
    let alone = embedded.filter(|_| found.json.is_none());
    let given = Given {
        json: alone.map_or_else(|| found.json.as_deref().unwrap_or_default(), |files| &files.json),
        csv: alone.map_or(found.csv.as_deref(), |files| Some(&files.csv)),
        manifest: alone.map_or(found.manifest.as_deref(), |files| Some(&files.manifest)),
        pdf: found.pdf.as_deref(),
        proof: found.proof.as_deref(),
    };
    let trust = Trust {
        keys,
        policy,
        render: Some(&draw),
    };
    let mut verified = verify(&given, &trust);
    match &inside {
        Some(Ok(files)) => {
            for finding in compare(files, given.json, given.csv, given.manifest) {
                verified.find(finding.kind, finding.detail);
            }
        }
        Some(Err(error)) => verified.find("pdf", error.to_string()),
        None => {}
    }
    verified
}

/// The path without the end that says which file of the report it is.
fn stem(path: &Path, kind: Kind) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = match kind {
        Kind::Manifest if name == manifest::MANIFEST_NAME => "report",
        Kind::Manifest => name.strip_suffix(".manifest.json").unwrap_or(&name),
        Kind::Json => name.strip_suffix(".json").unwrap_or(&name),
        Kind::Pdf => name.strip_suffix(".pdf").unwrap_or(&name),
    };
    path.with_file_name(stem)
}

/// The bytes of a file; one that is longer than `most` is not read to its end, and an error.
fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let file = File::open(path).map_err(Failure::of(path))?;
    let mut bytes = Vec::new();
    file.take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(Failure::of(path))?;
    if bytes.len() > most {
        return Err(Failure::new(format!("{} has more than {most} bytes", path.display())));
    }
    Ok(bytes)
}

/// The bytes of a file that may be missing.
fn optional(path: &Path, most: usize) -> Result<Option<Vec<u8>>, Failure> {
    match path.metadata() {
        Ok(_) => read(path, most).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::of(path)(error)),
    }
}

/// The PDF of a report as this version draws it.
fn draw(report: &model::Report) -> Result<Vec<u8>, String> {
    let files = Files::of(report).map_err(|error| error.to_string())?;
    files.pdf(report).map_err(|error| error.to_string())
}
