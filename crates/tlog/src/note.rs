//! Signed notes: a text and who has signed it, c2sp.org/signed-note.

use std::fmt;

use crate::cosignature;
use crate::key::SigningKey;
use crate::text::{base64, quoted, unbase64};

pub use crate::vkey::{KeyError, KeyKind, KeyName, KeyNameError, VerifierKey, key_id};

/// The most bytes of a note with its signatures.
pub const MAX_NOTE_BYTES: usize = 1_000_000;

/// The most signatures of a note. The specification asks for 16 at least.
pub const MAX_SIGNATURES: usize = 100;

/// What a signature line begins with.
const DASH: &str = "— ";

/// A text and signatures of it, of known keys or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<Signature>,
}

/// A signature as it stands in a note. It has been checked only when [`SignedNote::verify`] says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The name of the key.
    pub name: KeyName,
    /// The id of the key.
    pub key_id: u32,
    /// What the key's type makes of it; not empty.
    pub bytes: Vec<u8>,
}

/// A key whose signature of a note is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'k> {
    /// The key.
    pub key: &'k VerifierKey,
    /// When a cosignature was made, in seconds since 1970; `None` for a plain signature.
    pub time: Option<u64>,
}

/// What is wrong with a note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More than [`MAX_NOTE_BYTES`].
    #[error("the note has {0} bytes; the most is {MAX_NOTE_BYTES}")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("the note is not UTF-8")]
    Utf8,
    /// A control character other than the newline.
    #[error("the note has the control character {0:#04x}")]
    Control(u8),
    /// No empty line, or nothing behind the last.
    #[error("the note has no signatures: they follow its last empty line")]
    Unsigned,
    /// The text doesn't end in a newline.
    #[error("the text of a note must end with a newline")]
    Text,
    /// A line among the signatures is none.
    #[error("the line {0} is no signature")]
    Line(String),
    /// More than [`MAX_SIGNATURES`].
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooMany,
    /// A known key's signature is wrong.
    #[error("the signature of {name} ({id:08x}) is wrong")]
    Wrong {
        /// The key's name.
        name: KeyName,
        /// The key's id.
        id: u32,
    },
    /// Two different known keys have the same name and id.
    #[error("two known keys have the name {name} and the id {id:08x}")]
    Ambiguous {
        /// Their name.
        name: KeyName,
        /// Their id.
        id: u32,
    },
    /// No known key has signed.
    #[error("the note has no signature of a known key")]
    Unknown,
}

impl SignedNote {
    /// A note with the text `text` that nobody has signed yet.
    ///
    /// # Errors
    /// When the text doesn't end with a newline or has other control characters.
    pub fn new(text: &str) -> Result<Self, NoteError> {
        check(text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::Text);
        }
        Ok(Self {
            text: text.to_owned(),
            signatures: Vec::new(),
        })
    }

    /// Reads a note with at least one signature.
    ///
    /// # Errors
    /// When [`SignedNote`]'s `to_string` would not have written it, or it is too large.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        check(note)?;
        // The text keeps its last newline; the one after it is the empty line.
        let end = note.rfind("\n\n").ok_or(NoteError::Unsigned)? + 1;
        let (text, lines) = (&note[..end], &note[end + 1..]);
        Ok(Self {
            text: text.to_owned(),
            signatures: parse_signatures(lines)?,
        })
    }

    /// As [`SignedNote::parse`], from bytes.
    ///
    /// # Errors
    /// As for [`SignedNote::parse`], or when the bytes are not UTF-8.
    pub fn parse_bytes(note: &[u8]) -> Result<Self, NoteError> {
        Self::parse(std::str::from_utf8(note).map_err(|_| NoteError::Utf8)?)
    }

    /// What is signed, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, in the order they stand in.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature at the end, in place of one by the same key.
    pub fn add(&mut self, signature: Signature) {
        self.signatures
            .retain(|other| (&other.name, other.key_id) != (&signature.name, signature.key_id));
        self.signatures.push(signature);
    }

    /// The keys among `keys` that have signed, each once, in the order of the signatures. Signatures of
    /// other keys are ignored.
    ///
    /// # Errors
    /// When a signature by one of `keys` is wrong, or there is none.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Verified<'k>>, NoteError> {
        let verified = self.verify_known(keys)?;
        if verified.is_empty() {
            return Err(NoteError::Unknown);
        }
        Ok(verified)
    }

    /// As [`SignedNote::verify`], but it may be none.
    ///
    /// # Errors
    /// When a signature by one of `keys` is wrong.
    pub fn verify_known<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Verified<'k>>, NoteError> {
        let mut verified: Vec<Verified<'k>> = Vec::new();
        for signature in &self.signatures {
            let Some(key) = signature.key(keys)? else { continue };
            let time = signature.check(&self.text, key)?;
            if verified.iter().all(|other| other.key != key) {
                verified.push(Verified { key, time });
            }
        }
        Ok(verified)
    }
}

/// The text, an empty line and a line for each signature. A note without signatures prints as a text
/// that does not parse.
impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl Signature {
    /// Reads a signature line, without its newline.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let parts = || {
            let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
            let signature = unbase64(signature)?;
            let (id, bytes) = signature.split_first_chunk::<4>()?;
            (!bytes.is_empty()).then_some(())?;
            Some(Self {
                name: KeyName::new(name).ok()?,
                key_id: u32::from_be_bytes(*id),
                bytes: bytes.to_vec(),
            })
        };
        parts().ok_or_else(|| NoteError::Line(quoted(line)))
    }

    /// The key among `keys` that it says it is of.
    fn key<'k>(&self, keys: &'k [VerifierKey]) -> Result<Option<&'k VerifierKey>, NoteError> {
        let mut named = keys
            .iter()
            .filter(|key| key.id() == self.key_id && *key.name() == self.name);
        let key = named.next();
        if named.any(|other| Some(other) != key) {
            return Err(NoteError::Ambiguous {
                name: self.name.clone(),
                id: self.key_id,
            });
        }
        Ok(key)
    }

    /// The time of the cosignature of `text` by `key`, or `None` for a plain signature of it.
    pub(crate) fn check(&self, text: &str, key: &VerifierKey) -> Result<Option<u64>, NoteError> {
        let right = match key.kind() {
            KeyKind::Ed25519 => <&[u8; 64]>::try_from(self.bytes.as_slice())
                .is_ok_and(|bytes| key.verifies(text.as_bytes(), bytes))
                .then_some(None),
            KeyKind::CosignatureV1 => cosignature::time(&self.bytes, text, key).map(Some),
        };
        right.ok_or_else(|| NoteError::Wrong {
            name: self.name.clone(),
            id: self.key_id,
        })
    }
}

/// The signature line, without a newline.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.key_id.to_be_bytes().to_vec();
        bytes.extend(&self.bytes);
        write!(f, "{DASH}{} {}", self.name, base64(&bytes))
    }
}

/// A key that signs notes under a name.
#[derive(Debug, Clone)]
pub struct NoteSigner {
    key: SigningKey,
    public: VerifierKey,
}

impl NoteSigner {
    /// `key` under `name`.
    pub fn new(name: KeyName, key: SigningKey) -> Self {
        let public = key.vkey(name);
        Self { key, public }
    }

    /// The key of the Ed25519 seed `seed` under `name`.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        Self::new(name, SigningKey::from_seed(seed))
    }

    /// The public key.
    pub fn verifier(&self) -> &VerifierKey {
        &self.public
    }

    /// The signature of the note's text, to be [added](SignedNote::add).
    pub fn sign(&self, note: &SignedNote) -> Signature {
        Signature {
            name: self.public.name().clone(),
            key_id: self.public.id(),
            bytes: self.key.sign(note.text().as_bytes()).to_vec(),
        }
    }
}

/// Reads signature lines, each with its newline; at least one.
pub(crate) fn parse_signatures(lines: &str) -> Result<Vec<Signature>, NoteError> {
    if lines.is_empty() {
        return Err(NoteError::Unsigned);
    }
    let mut signatures = Vec::new();
    for line in lines.split_inclusive('\n') {
        if signatures.len() == MAX_SIGNATURES {
            return Err(NoteError::TooMany);
        }
        let text = line.strip_suffix('\n').ok_or_else(|| NoteError::Line(quoted(line)))?;
        signatures.push(Signature::parse(text)?);
    }
    Ok(signatures)
}

/// What holds for every text in a note.
fn check(text: &str) -> Result<(), NoteError> {
    if text.len() > MAX_NOTE_BYTES {
        return Err(NoteError::TooLong(text.len()));
    }
    match text.bytes().find(|byte| *byte < 0x20 && *byte != b'\n') {
        Some(control) => Err(NoteError::Control(control)),
        None => Ok(()),
    }
}
