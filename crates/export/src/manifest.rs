//! Manifests: what the files of an export are, and what leads from their events to a signed checkpoint.

use auditlog_tlog::Hash;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::line::{hex, unhex};

/// What a manifest says under `format_version`.
pub const FORMAT: &str = "pg_auditlog-export/1";

/// What the names of manifests end with.
pub const SUFFIX: &str = ".manifest.json";

/// The most bytes of a manifest.
pub const MAX_BYTES: u64 = 64 << 20;

/// An export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format_version: String,
    /// The version of pg_auditlog that wrote it.
    pub version: String,
    /// The export's number in its database.
    pub export_id: i64,
    /// The log, as in its checkpoints.
    pub origin: String,
    /// The format of the lines.
    pub format: String,
    /// Its options.
    pub options: serde_json::Value,
    /// Which events were asked for.
    pub query: String,
    /// From when on, as RFC 3339.
    pub since: Option<String>,
    /// Until before when.
    pub until: Option<String>,
    /// The role that asked.
    pub asked_by: String,
    /// When it asked.
    pub asked_at: String,
    /// The log had so many events then: later ones are not in the export.
    pub log_size: u64,
    /// How many events there are.
    pub events: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// The first event's place; `None` when there is no event.
    pub first_log_index: Option<u64>,
    /// The last one's.
    pub last_log_index: Option<u64>,
    /// The files with the events, in their order.
    pub files: Vec<FileEntry>,
    /// The hashes between the events; with the format `json`.
    pub proof: Option<ProofEntry>,
    /// The signed checkpoint that covers the events; `None` when there was none.
    pub checkpoint: Option<String>,
    /// From the tree of `log_size` leaves to that of the checkpoint.
    pub consistency: Vec<String>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name, in the manifest's directory.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 of them.
    pub sha256: String,
    /// How many events it has.
    pub events: u64,
    /// The first one's place.
    pub first_log_index: Option<u64>,
    /// The last one's.
    pub last_log_index: Option<u64>,
    /// Bytes of the hashes up to the last event.
    pub proof_bytes: u64,
}

/// The file of hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofEntry {
    /// Its name, in the manifest's directory.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 of them.
    pub sha256: String,
}

/// Why a text is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// No JSON with these members.
    #[error("the manifest cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Of another version.
    #[error("the manifest is of the format «{0}», not {FORMAT}")]
    Format(String),
    /// A name that leads elsewhere.
    #[error("«{0}» is no name of a file beside the manifest")]
    Name(String),
}

impl Manifest {
    /// The bytes of its file.
    ///
    /// # Panics
    /// Never: there is nothing in it that JSON cannot say.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a manifest is JSON");
        text.push('\n');
        text
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Version {
            format_version: String,
        }
        let version: Version = serde_json::from_str(text)?;
        if version.format_version != FORMAT {
            return Err(ManifestError::Format(version.format_version));
        }
        let manifest: Self = serde_json::from_str(text)?;
        let files = manifest.files.iter().map(|file| &file.name);
        for name in files.chain(manifest.proof.iter().map(|proof| &proof.name)) {
            if name.is_empty() || name.contains(['/', '\0']) || matches!(name.as_str(), "." | "..") {
                return Err(ManifestError::Name(name.clone()));
            }
        }
        Ok(manifest)
    }

    /// SHA-256 of the file: what the log has of it.
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(self.text()))
    }

    /// Whether both are of the same export and the same files, whatever checkpoint they were finished with.
    pub fn is_of_the_same(&self, other: &Self) -> bool {
        let of = |manifest: &Self| Self {
            checkpoint: None,
            consistency: Vec::new(),
            ..manifest.clone()
        };
        of(self) == of(other)
    }

    /// The consistency proof's hashes, when they are all hashes.
    pub(crate) fn consistency_hashes(&self) -> Option<Vec<Hash>> {
        self.consistency.iter().map(|text| unhex(text)).collect()
    }
}

/// Hashes as a manifest has them.
pub fn hexes(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| hex(hash)).collect()
}
