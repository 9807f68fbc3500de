//! Manifests: what the files of a report are. The SHA-256 of the manifest is in the log, in the event `auditlog.report`, so that
//! whoever has changed a file and its manifest has still not changed what the log says.

use serde::{Deserialize, Serialize};

use crate::files::sha256;
use crate::model::Report;

/// The format's name and version.
pub const FORMAT: &str = "pg_auditlog report manifest v1";

/// The name of the JSON in manifests and inside the PDF.
pub const JSON_NAME: &str = "report.json";

/// The name of the CSV.
pub const CSV_NAME: &str = "report.csv";

/// The name of the manifest inside the PDF.
pub const MANIFEST_NAME: &str = "manifest.json";

/// The most bytes of a manifest that are read.
pub const MAX_BYTES: usize = 1 << 20;

/// What the files of a report are. The PDF is not among them: it has the manifest inside. The log has the PDF's hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The report's number in its database.
    pub report_id: i64,
    /// Its title.
    pub title: String,
    /// SHA-256 of the definition's text, hexadecimal.
    pub definition_sha256: String,
    /// The log's name.
    pub origin: String,
    /// Events of the log when the report was asked for.
    pub log_size: u64,
    /// Events from this time on (RFC 3339, UTC) …
    pub since: String,
    /// … until before this time.
    pub until: String,
    /// The login role that asked for it.
    pub made_by: String,
    /// When it was asked for (RFC 3339, UTC).
    pub made_at: String,
    /// The signed checkpoint that the samples are proven against.
    pub checkpoint: Option<String>,
    /// The files: the JSON, then the CSV.
    pub files: Vec<FileEntry>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// Why bytes are no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// More than [`MAX_BYTES`].
    #[error("the manifest has {0} bytes, more than the {MAX_BYTES} that are read")]
    Large(usize),
    /// No JSON with these members.
    #[error("the manifest cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Of another version.
    #[error("the manifest is of the format «{0}», not «{FORMAT}»; a newer auditlog may read it")]
    Format(String),
}

impl FileEntry {
    fn of(name: &str, mime: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            mime: mime.to_owned(),
            bytes: bytes.len() as u64,
            sha256: sha256(bytes),
        }
    }
}

impl Manifest {
    /// The manifest of a report and the bytes of its files. It says nothing that these do not say.
    pub fn of(report: &Report, json: &[u8], csv: &[u8]) -> Self {
        Self {
            format: FORMAT.to_owned(),
            report_id: report.report_id,
            title: report.title.clone(),
            definition_sha256: report.definition.sha256.clone(),
            origin: report.integrity.origin.clone(),
            log_size: report.integrity.log_size,
            since: report.since.clone(),
            until: report.until.clone(),
            made_by: report.made_by.clone(),
            made_at: report.made_at.clone(),
            checkpoint: report.integrity.checkpoint.clone(),
            files: vec![
                FileEntry::of(JSON_NAME, "application/json", json),
                FileEntry::of(CSV_NAME, "text/csv", csv),
            ],
        }
    }

    /// The bytes of its file; the same manifest gives the same bytes.
    ///
    /// # Panics
    /// Never: there is nothing in it that JSON cannot say.
    pub fn to_json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a manifest is JSON");
        bytes.push(b'\n');
        bytes
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_BYTES {
            return Err(ManifestError::Large(bytes.len()));
        }
        let manifest: Self = serde_json::from_slice(bytes)?;
        if manifest.format != FORMAT {
            return Err(ManifestError::Format(manifest.format));
        }
        Ok(manifest)
    }

    /// The file of this name.
    pub fn file(&self, name: &str) -> Option<&FileEntry> {
        self.files.iter().find(|file| file.name == name)
    }
}
