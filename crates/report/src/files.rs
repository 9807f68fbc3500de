//! A report as files: JSON, what is made of it, and all of it in the PDF.

use serde_json::Error;
use sha2::{Digest, Sha256};

use crate::csv;
use crate::manifest::Manifest;
use crate::model::{FORMAT, Report};
use crate::pdf::{Attachment, PdfError, render};

/// The most bytes of a report's JSON that are read. The tables of a report are capped, so that real ones stay far below it.
pub const MAX_JSON_BYTES: usize = 256 << 20;

/// Why bytes are no report.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// More than [`MAX_JSON_BYTES`].
    #[error("the report has {0} bytes, more than the {MAX_JSON_BYTES} that are read")]
    Large(usize),
    /// No JSON with these members; the message says where.
    #[error("the report cannot be read: {0}")]
    Json(#[from] Error),
    /// Of another version.
    #[error("the report is of the format «{0}», not «{FORMAT}»; a newer auditlog may read it")]
    Format(String),
    /// It reads as a report, but is not written as one: other white space, order of members or digits, a member given twice.
    #[error("the report was written by another program: from byte {0} on it differs from what pg_auditlog writes")]
    Rewritten(usize),
}

/// The files of a report that need no layout, in the order in which they are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// `report.json`.
    pub json: Vec<u8>,
    /// `report.csv`.
    pub csv: Vec<u8>,
    /// `manifest.json`, about the other two.
    pub manifest: Vec<u8>,
}

impl Files {
    /// Makes them. What nobody could verify later does not leave: the JSON is read again and must be the report.
    ///
    /// # Errors
    /// [`FileError`] when a number of the report is none that JSON has (NaN, infinity) or the report is too large.
    pub fn of(report: &Report) -> Result<Self, FileError> {
        let json = to_json(report);
        from_json(&json)?;
        let csv = csv::to_bytes(report);
        let manifest = Manifest::of(report, &json, &csv).to_json();
        Ok(Self { json, csv, manifest })
    }

    /// The PDF of the report, with these files inside. The verifier draws it once more, and compares.
    ///
    /// # Errors
    /// [`PdfError`].
    pub fn pdf(&self, report: &Report) -> Result<Vec<u8>, PdfError> {
        let file = |name, mime, description, bytes| Attachment {
            name,
            mime,
            description,
            bytes,
        };
        let attachments = [
            file(
                "report.json",
                "application/json",
                "The report for machines",
                self.json.as_slice(),
            ),
            file(
                "report.csv",
                "text/csv",
                "The report's figures and tables",
                self.csv.as_slice(),
            ),
            file(
                "manifest.json",
                "application/json",
                "Hashes of the other two",
                self.manifest.as_slice(),
            ),
        ];
        render(report, &attachments)
    }
}

/// The bytes of `report.json`: indented by two spaces, members in the order of the model, a newline at the end. The same report
/// gives the same bytes.
///
/// # Panics
/// Never: the members of a report are all JSON. NaN and infinity become `null`, which [`from_json`] refuses.
pub fn to_json(report: &Report) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(report).expect("a report is JSON");
    bytes.push(b'\n');
    bytes
}

/// Reads `report.json`. Strict: an unknown, missing or repeated member is an error, and so is any byte that [`to_json`] would
/// not have written, so that a report has one text.
///
/// # Errors
/// [`FileError`].
pub fn from_json(bytes: &[u8]) -> Result<Report, FileError> {
    if bytes.len() > MAX_JSON_BYTES {
        return Err(FileError::Large(bytes.len()));
    }
    let report: Report = serde_json::from_slice(bytes)?;
    if report.format != FORMAT {
        return Err(FileError::Format(report.format));
    }
    let written = to_json(&report);
    if written != bytes {
        let same = written.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        return Err(FileError::Rewritten(same));
    }
    Ok(report)
}

/// SHA-256 in hexadecimal digits, as manifests and the log have it.
pub fn sha256(bytes: &[u8]) -> String {
    auditlog_bundle::report::hex(&Sha256::digest(bytes))
}
