//! `bundle.json`: what a bundle says of itself. Nothing in it is believed.

use serde::{Deserialize, Serialize};

use crate::layout::FORMAT;

/// The manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The log's origin.
    pub origin: String,
    /// The entries of the checkpoint's tree.
    pub size: u64,
    /// When the bundle was made, RFC 3339.
    pub created_at: String,
    /// How many records it has.
    pub events: u64,
    /// Which events were asked for; `None` for all of the log.
    pub selection: Option<Selection>,
    /// The log's public keys, as `name+id+key`. Only a hint: the auditor has them from elsewhere.
    #[serde(default)]
    pub keys: Vec<String>,
    /// The program that made it.
    #[serde(default)]
    pub generator: String,
}

/// Which events of the log were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Selection {
    /// The earliest timestamp.
    #[serde(default)]
    pub since: Option<String>,
    /// The timestamp before which all are.
    #[serde(default)]
    pub until: Option<String>,
    /// A query in the extension's language.
    #[serde(default)]
    pub query: Option<String>,
}

/// Why a text is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Another format.
    #[error("the format is «{0}», and only «{FORMAT}» is known")]
    Format(String),
    /// No JSON, or a member is missing or of another type.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

impl Manifest {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ManifestError`]: of a later format too, even if the rest of it could be read.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        let json: serde_json::Value = serde_json::from_slice(text)?;
        match json.get("format").and_then(|format| format.as_str()) {
            Some(FORMAT) | None => Ok(serde_json::from_value(json)?),
            Some(other) => Err(ManifestError::Format(other.chars().take(80).collect())),
        }
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("numbers, texts and lists are always JSON");
        text.push('\n');
        text
    }
}
