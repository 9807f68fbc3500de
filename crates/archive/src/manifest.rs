//! Manifests: what an object has, so that nobody need believe the object.
//!
//! A manifest is a file of one line, canonical JSON (RFC 8785):
//!
//! ```text
//! {"archive":{…},"format":"pg_auditlog-archive/1","signatures":["— origin …"]}
//! ```
//!
//! What is signed is a note's text of two lines, the format and the value of `archive`, so `signatures` are the
//! lines of a signed note (docs/format.md §9). Whoever signs nothing but checkpoints leaves the list empty; then
//! the sealed event that names [`Manifest::digest`] vouches for it, as for a certificate.

mod wire;

use auditlog_bundle::certificate::{Certificate, Decision, Range};
use auditlog_core::document::{format_timestamp, parse_timestamp};
use auditlog_tlog::note::{KeyNameError, NoteError, NoteSigner, Signature};
use auditlog_tlog::{Hash, KeyName, SignedNote, SigningKey};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a manifest says under `format`, and the first line of what is signed.
pub const FORMAT: &str = "pg_auditlog-archive/1";

/// What is signed. The fields stand in the order of their names: this is the canonical order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The object's bytes.
    #[serde(with = "wire::decimal")]
    pub bytes: u64,
    /// A checkpoint of the log, as it is published, over all places of the object. The caller's to give.
    pub checkpoint: Option<String>,
    /// The day in UTC of the events' `timestamp`.
    #[serde(with = "wire::day")]
    pub day: NaiveDate,
    /// How many events there are.
    #[serde(with = "wire::decimal")]
    pub events: u64,
    /// The least `timestamp`, in microseconds since 1970; `None` when no event has one that can be read.
    #[serde(with = "wire::time")]
    pub first_timestamp: Option<i64>,
    /// The greatest.
    #[serde(with = "wire::time")]
    pub last_timestamp: Option<i64>,
    /// Their places: ascending, with at least one place between two ranges.
    #[serde(with = "wire::ranges")]
    pub log_indexes: Vec<Range>,
    /// The log, as in its checkpoints.
    pub origin: String,
    /// The objects that this one is instead of, the oldest first.
    pub replaces: Vec<Replaced>,
    /// The class that the events are kept under.
    pub retention_class: String,
    /// Root of the tree over `certificate::place_leaf` of each place.
    #[serde(with = "wire::hash")]
    pub root: Hash,
    /// Version of the columns.
    #[serde(with = "wire::decimal")]
    pub schema: u64,
    /// SHA-256 of the object.
    #[serde(with = "wire::hash")]
    pub sha256: Hash,
}

/// An object that has gone because another has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    /// SHA-256 of the text of the certificate of what was removed; `None` when nothing was.
    #[serde(with = "wire::optional_hash")]
    pub certificate: Option<Hash>,
    /// SHA-256 of the object.
    #[serde(with = "wire::hash")]
    pub sha256: Hash,
}

/// Why a text is no manifest, or a manifest has no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not one line of JSON with these members.
    #[error("the manifest cannot be read: {0}")]
    Json(String),
    /// Of another format.
    #[error("the manifest is of the format «{0}», not {FORMAT}")]
    Format(String),
    /// The places are not written in the one way, or are not as many as the events.
    #[error("log_indexes must be ascending pairs with a place between two of them, and as many places as events")]
    Ranges,
    /// Another text for the same JSON.
    #[error("the manifest is not canonical (RFC 8785)")]
    Canonical,
    /// A time before the year 1 or after 9999.
    #[error("a time lies beyond the years that RFC 3339 can write")]
    Time,
    /// The origin is no name of a key.
    #[error("the origin is no name of a key: {0}")]
    Origin(#[from] KeyNameError),
    /// What is to be signed is no note's text, or a signature is none.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl ManifestError {
    /// What to do about it, as a sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Format(_) => "Use the version of pg_auditlog that wrote it, or a later one.",
            Self::Time => "The events are touched: ask auditlog.verify() about them.",
            Self::Origin(_) => "The origin is the name of the log in its checkpoints.",
            _ => "Take the manifest from where it was written first, or from a backup.",
        }
    }
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    archive: Manifest,
    format: String,
    signatures: Vec<String>,
}

/// A manifest with its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedManifest {
    /// What is signed.
    pub manifest: Manifest,
    /// By whom.
    pub signatures: Vec<Signature>,
}

impl Manifest {
    /// What is signed: two lines.
    ///
    /// # Errors
    /// When a time cannot be written, or the places are not in their order.
    pub fn text(&self) -> Result<String, ManifestError> {
        let times = [self.first_timestamp, self.last_timestamp];
        let writable = |time: &i64| parse_timestamp(&format_timestamp(*time)) == Some(*time);
        if !times.iter().flatten().all(writable) {
            return Err(ManifestError::Time);
        }
        self.check_places()?;
        Ok(format!("{FORMAT}\n{}\n", json(self)?))
    }

    fn check_places(&self) -> Result<(), ManifestError> {
        let ranges = &self.log_indexes;
        let apart = |pair: &[Range]| pair[0].1.checked_add(1).is_some_and(|next| next < pair[1].0);
        let in_order =
            !ranges.is_empty() && ranges.iter().all(|(first, last)| first <= last) && ranges.windows(2).all(apart);
        let count = |(first, last): &Range| (last - first).saturating_add(1);
        let fits = in_order && ranges.iter().map(count).fold(0, u64::saturating_add) == self.events;
        fits.then_some(()).ok_or(ManifestError::Ranges)
    }

    /// SHA-256 of the text: what a sealed event says of a manifest, as of a certificate.
    ///
    /// # Errors
    /// As for [`Manifest::text`].
    pub fn digest(&self) -> Result<Hash, ManifestError> {
        Ok(Sha256::digest(self.text()?.as_bytes()).into())
    }

    /// The first place.
    ///
    /// # Panics
    /// When there is none; [`Manifest::text`] refuses that, and no writer makes it.
    pub fn first(&self) -> u64 {
        self.log_indexes.first().expect("an object has one event at least").0
    }

    /// The last place.
    ///
    /// # Panics
    /// As [`Manifest::first`].
    pub fn last(&self) -> u64 {
        self.log_indexes.last().expect("an object has one event at least").1
    }

    /// The certificate that says that these events are not in the database any more. Of `decision`, origin and
    /// class are not looked at: they are the manifest's.
    pub fn certificate(&self, decision: Decision) -> Certificate {
        Certificate {
            actor: decision.actor,
            event_types: decision.event_types,
            events: self.events,
            from: decision.from,
            holds_checked_at: decision.holds_checked_at,
            log_indexes: self.log_indexes.clone(),
            origin: self.origin.clone(),
            policy: decision.policy,
            retention_class: self.retention_class.clone(),
            root: self.root,
            until: decision.until,
        }
    }

    /// With the signature of the log's key.
    ///
    /// # Errors
    /// As for [`Manifest::text`]; when the origin is no name of a key, or the note would be too long.
    pub fn sign(self, key: &SigningKey) -> Result<SignedManifest, ManifestError> {
        let name = KeyName::new(&self.origin)?;
        let note = SignedNote::new(&self.text()?)?;
        let signature = NoteSigner::new(name, key.clone()).sign(&note);
        let signed = SignedManifest {
            manifest: self,
            signatures: vec![signature],
        };
        // what can't be read must not be signed
        SignedNote::parse(&signed.note()?.to_string())?;
        Ok(signed)
    }

    /// Without a signature.
    pub fn unsigned(self) -> SignedManifest {
        SignedManifest {
            manifest: self,
            signatures: Vec::new(),
        }
    }
}

impl SignedManifest {
    /// The bytes of the file.
    ///
    /// # Errors
    /// As for [`Manifest::text`].
    pub fn file(&self) -> Result<String, ManifestError> {
        self.manifest.text()?;
        self.written()
    }

    fn written(&self) -> Result<String, ManifestError> {
        let file = File {
            archive: self.manifest.clone(),
            format: FORMAT.to_owned(),
            signatures: self.signatures.iter().map(Signature::to_string).collect(),
        };
        Ok(format!("{}\n", json(&file)?))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When [`SignedManifest::file`] would not have written it.
    pub fn parse(file: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Format {
            format: Option<String>,
        }
        let wrong = |error: serde_json::Error| ManifestError::Json(error.to_string());
        let format: Format = serde_json::from_slice(file).map_err(wrong)?;
        if let Some(format) = format.format.filter(|format| format != FORMAT) {
            return Err(ManifestError::Format(format.chars().take(80).collect()));
        }
        let read: File = serde_json::from_slice(file).map_err(wrong)?;
        read.archive.check_places()?;
        let parse = |line: &String| Signature::parse(line);
        let signed = Self {
            signatures: read.signatures.iter().map(parse).collect::<Result<_, _>>()?,
            manifest: read.archive,
        };
        if signed.written()?.as_bytes() != file {
            return Err(ManifestError::Canonical);
        }
        Ok(signed)
    }

    /// The note whose signatures these are.
    ///
    /// # Errors
    /// As for [`Manifest::text`].
    pub fn note(&self) -> Result<SignedNote, ManifestError> {
        let mut note = SignedNote::new(&self.manifest.text()?)?;
        self.signatures.iter().for_each(|signature| note.add(signature.clone()));
        Ok(note)
    }
}

fn json(value: &impl Serialize) -> Result<String, ManifestError> {
    serde_json::to_string(value).map_err(|error| ManifestError::Json(error.to_string()))
}

#[cfg(test)]
mod tests;
