//! Certificates of retention (docs/format.md): why certain places of the log have no record any more.
//!
//! A certificate is a signed note. What vouches for it is the log itself: a sealed event
//! `auditlog.retention` names the SHA-256 of its text, so that whoever trusts the checkpoint knows that it
//! was told of, and when. It is made from the places and leaves that are to be removed by a [`Gathering`].

mod wire;

use auditlog_core::document::{format_timestamp, parse_timestamp};
use auditlog_tlog::note::{KeyNameError, NoteError, NoteSigner};
use auditlog_tlog::{Frontier, Hash, KeyName, SignedNote, SigningKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first line of the text.
pub const FORMAT: &str = "pg_auditlog-certificate/1";

/// The type of the event that tells of a certificate.
pub const EVENT_TYPE: &str = "auditlog.retention";

/// The most ranges of places: with them, and nothing else that is unusually long, the note stays below
/// [`auditlog_tlog::note::MAX_NOTE_BYTES`]. What retention removes beyond that takes another certificate.
pub const MAX_RANGES: usize = 20_000;

/// A range of places, both included.
pub type Range = (u64, u64);

/// What was removed, and by whom. The fields stand in the order of their names: this is the canonical order
/// (RFC 8785), and what is between two quotes serde_json escapes as RFC 8785 does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Who decided it.
    pub actor: String,
    /// The types of the events; `None` for all.
    pub event_types: Option<Vec<String>>,
    /// How many events were removed.
    #[serde(with = "wire::decimal")]
    pub events: u64,
    /// No event's `timestamp` is before this, in microseconds since 1970.
    #[serde(with = "wire::time")]
    pub from: i64,
    /// When it was made sure that no legal hold covers them.
    #[serde(with = "wire::time")]
    pub holds_checked_at: i64,
    /// The places that have no record any more: ascending, with at least one place between two ranges.
    #[serde(with = "wire::ranges")]
    pub log_indexes: Vec<Range>,
    /// The log, as in its checkpoints of that time.
    pub origin: String,
    /// The retention policy.
    pub policy: String,
    /// The class of the events.
    pub retention_class: String,
    /// Root of the tree over [`place_leaf`] of each place.
    #[serde(with = "wire::hash")]
    pub root: Hash,
    /// Every event's `timestamp` is before this.
    #[serde(with = "wire::time")]
    pub until: i64,
}

/// Why a text is no certificate, or a certificate has no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Of another format.
    #[error("the certificate does not begin with the line «{FORMAT}»")]
    Format,
    /// Not two lines.
    #[error("the text of a certificate has two lines")]
    Lines,
    /// The second line has other members, or other values.
    #[error("the second line is no description of what was removed: {0}")]
    Description(String),
    /// The places are not written in the one way.
    #[error("log_indexes must be ascending pairs, with a place between two of them that is in none, and not be empty")]
    Ranges,
    /// Another text for the same JSON.
    #[error("the JSON is not canonical (RFC 8785)")]
    Canonical,
    /// A time before the year 1 or after 9999.
    #[error("a time lies beyond the years that RFC 3339 can write")]
    Time,
    /// The origin is no name of a key.
    #[error("the origin is no name of a key: {0}")]
    Origin(#[from] KeyNameError),
    /// The text is no note.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Certificate {
    /// What is signed: two lines.
    ///
    /// # Errors
    /// When a time cannot be written, or the places are not in their order.
    pub fn text(&self) -> Result<String, CertificateError> {
        let writable = |time: i64| parse_timestamp(&format_timestamp(time)) == Some(time);
        if ![self.from, self.until, self.holds_checked_at].into_iter().all(writable) {
            return Err(CertificateError::Time);
        }
        if !in_order(&self.log_indexes) {
            return Err(CertificateError::Ranges);
        }
        self.written()
    }

    fn written(&self) -> Result<String, CertificateError> {
        let json = serde_json::to_string(self).map_err(|error| CertificateError::Description(error.to_string()))?;
        Ok(format!("{FORMAT}\n{json}\n"))
    }

    /// Reads the text of a note.
    ///
    /// # Errors
    /// When [`Certificate::text`] would not have written it.
    pub fn parse(text: &str) -> Result<Self, CertificateError> {
        let certificate = Self::read(text)?;
        if !certificate.is_written_as(text) {
            return Err(CertificateError::Canonical);
        }
        Ok(certificate)
    }

    /// As [`Certificate::parse`], from JSON that need not be canonical.
    pub(crate) fn read(text: &str) -> Result<Self, CertificateError> {
        let rest = text
            .strip_prefix(FORMAT)
            .and_then(|rest| rest.strip_prefix('\n'))
            .ok_or(CertificateError::Format)?;
        let json = rest.strip_suffix('\n').ok_or(CertificateError::Lines)?;
        if json.contains('\n') {
            return Err(CertificateError::Lines);
        }
        let certificate: Self =
            serde_json::from_str(json).map_err(|error| CertificateError::Description(error.to_string()))?;
        if !in_order(&certificate.log_indexes) {
            return Err(CertificateError::Ranges);
        }
        Ok(certificate)
    }

    /// Whether the text is the one that it is written as.
    pub(crate) fn is_written_as(&self, text: &str) -> bool {
        self.written().is_ok_and(|written| written == text)
    }

    /// The note, signed by the log's key.
    ///
    /// # Errors
    /// As for [`Certificate::text`]; when the origin is no name of a key; when the note would be too long.
    pub fn sign(&self, key: &SigningKey) -> Result<SignedNote, CertificateError> {
        let name = KeyName::new(&self.origin)?;
        let mut note = SignedNote::new(&self.text()?)?;
        note.add(NoteSigner::new(name, key.clone()).sign(&note));
        // what can't be read must not be signed: the text alone may be just short enough
        Ok(SignedNote::parse(&note.to_string())?)
    }

    /// How many places the ranges have.
    pub fn places(&self) -> u64 {
        let count = |(first, last): &Range| (last - first).saturating_add(1);
        self.log_indexes.iter().map(count).fold(0, u64::saturating_add)
    }
}

/// What the event `auditlog.retention` says under `metadata.certificate`, in hexadecimal digits: the SHA-256 of
/// the note's text.
pub fn digest(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// The leaf for one removed event in the certificate's own tree.
pub fn place_leaf(log_index: u64, entry_hash: &Hash) -> Hash {
    let mut bytes = [0; 41];
    bytes[1..9].copy_from_slice(&log_index.to_be_bytes());
    bytes[9..].copy_from_slice(entry_hash);
    Sha256::digest(bytes).into()
}

/// Ascending, no two of them one, at least one.
fn in_order(ranges: &[Range]) -> bool {
    let apart = |pair: &[Range]| pair[0].1.checked_add(1).is_some_and(|next| next < pair[1].0);
    !ranges.is_empty() && ranges.iter().all(|(first, last)| first <= last) && ranges.windows(2).all(apart)
}

/// What a certificate says beside places, their number and root.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // those of Certificate
pub struct Decision {
    pub origin: String,
    pub policy: String,
    pub retention_class: String,
    pub event_types: Option<Vec<String>>,
    pub from: i64,
    pub until: i64,
    pub holds_checked_at: i64,
    pub actor: String,
}

/// Why a place is not taken into a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GatherError {
    /// It does not come after the one before it.
    #[error("log_index {0} does not come after those that are in the certificate")]
    Order(u64),
    /// The certificate has as many ranges as it can have: this place begins the next one.
    #[error("a certificate has at most {MAX_RANGES} ranges of places")]
    Full,
    /// Nothing was removed.
    #[error("a certificate is about one event at least")]
    Empty,
}

/// The places that one certificate is about, as they come. Takes the memory of its ranges, whatever their
/// length.
#[derive(Debug, Clone, Default)]
pub struct Gathering {
    ranges: Vec<Range>,
    tree: Frontier,
}

impl Gathering {
    /// Adds the next event that is to be removed, with its leaf in the log's tree.
    ///
    /// # Errors
    /// [`GatherError::Full`]: finish this one, and begin another with this place. [`GatherError::Order`].
    pub fn push(&mut self, log_index: u64, entry_hash: &Hash) -> Result<(), GatherError> {
        let full = self.ranges.len() == MAX_RANGES;
        match self.ranges.last_mut() {
            Some((_, last)) if log_index <= *last => return Err(GatherError::Order(log_index)),
            Some((_, last)) if last.checked_add(1) == Some(log_index) => *last = log_index,
            _ if full => return Err(GatherError::Full),
            _ => self.ranges.push((log_index, log_index)),
        }
        self.tree.push(place_leaf(log_index, entry_hash));
        Ok(())
    }

    /// The certificate.
    ///
    /// # Errors
    /// [`GatherError::Empty`].
    pub fn finish(self, decision: Decision) -> Result<Certificate, GatherError> {
        if self.ranges.is_empty() {
            return Err(GatherError::Empty);
        }
        Ok(Certificate {
            actor: decision.actor,
            event_types: decision.event_types,
            events: self.tree.size(),
            from: decision.from,
            holds_checked_at: decision.holds_checked_at,
            log_indexes: self.ranges,
            origin: decision.origin,
            policy: decision.policy,
            retention_class: decision.retention_class,
            root: self.tree.root(),
            until: decision.until,
        })
    }
}

#[cfg(test)]
mod tests;
