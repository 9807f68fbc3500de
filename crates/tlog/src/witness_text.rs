//! The texts a log and a witness send each other.

use std::fmt::Write as _;

use crate::hash::Hash;
use crate::note::{MAX_NOTE_BYTES, NoteError, Signature, SignedNote, VerifierKey, parse_signatures};
use crate::text::{base64, decimal, hash, line, quoted};

/// The most hashes of a request.
pub const MAX_PROOF_LINES: usize = 63;

/// The most bytes of a request: those of its lines and of a note.
pub const MAX_BODY_BYTES: usize = 25 + 45 * MAX_PROOF_LINES + MAX_NOTE_BYTES;

/// The content type of the answer that tells the size on record.
pub const SIZE_CONTENT_TYPE: &str = "text/x.tlog.size";

/// The body of an add-checkpoint request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Entries of the tree that the witness has on record, as far as the log knows.
    pub old_size: u64,
    /// The proof that the checkpoint's tree begins with that one.
    pub proof: Vec<Hash>,
    /// The checkpoint with the log's signature.
    pub checkpoint: SignedNote,
}

/// What is wrong with the body of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// More than [`MAX_BODY_BYTES`].
    #[error("the request has {0} bytes; the most is {MAX_BODY_BYTES}")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("the request is not UTF-8")]
    Utf8,
    /// The first line has no size.
    #[error("the first line is {0}, not «old» and a size")]
    Old(String),
    /// A line of the proof is no hash.
    #[error("{0} is no hash in base64")]
    Hash(String),
    /// More than [`MAX_PROOF_LINES`].
    #[error("the proof has more than {MAX_PROOF_LINES} hashes")]
    Proof,
    /// No empty line.
    #[error("the request has no empty line with a checkpoint behind it")]
    Unfinished,
    /// The checkpoint is no note.
    #[error("the checkpoint: {0}")]
    Note(#[from] NoteError),
}

impl AddCheckpoint {
    /// The body of the request.
    pub fn body(&self) -> String {
        let mut body = format!("old {}\n", self.old_size);
        for hash in &self.proof {
            let _ = writeln!(body, "{}", base64(hash));
        }
        let _ = write!(body, "\n{}", self.checkpoint);
        body
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// When [`AddCheckpoint::body`] would not have written it, or it is too large.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(RequestError::TooLong(body.len()));
        }
        let mut rest = std::str::from_utf8(body).map_err(|_| RequestError::Utf8)?;
        let mut next = || line(&mut rest).ok_or(RequestError::Unfinished);
        let first = next()?;
        let old_size = first
            .strip_prefix("old ")
            .and_then(decimal)
            .ok_or_else(|| RequestError::Old(quoted(first)))?;
        let mut proof = Vec::new();
        loop {
            match next()? {
                "" => break,
                _ if proof.len() == MAX_PROOF_LINES => return Err(RequestError::Proof),
                text => proof.push(hash(text).ok_or_else(|| RequestError::Hash(quoted(text)))?),
            }
        }
        Ok(Self {
            old_size,
            proof,
            checkpoint: SignedNote::parse(rest)?,
        })
    }
}

/// What is wrong with a witness's answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// Not UTF-8.
    #[error("the answer is not UTF-8")]
    Utf8,
    /// No signature lines, no signature of a known witness, or a wrong one.
    #[error("the answer: {0}")]
    Note(#[from] NoteError),
    /// A cosignature without a time.
    #[error("the cosignature of {0} has no time")]
    Time(crate::note::KeyName),
    /// Another content type, so no size on record.
    #[error("the answer has the content type {0}, not «{SIZE_CONTENT_TYPE}»")]
    ContentType(String),
    /// Not a size and a newline.
    #[error("{0} is no size of a tree")]
    Size(String),
}

/// The body of the answer with cosignatures.
pub fn cosignature_body(signatures: &[Signature]) -> String {
    signatures.iter().map(|signature| format!("{signature}\n")).collect()
}

/// The cosignatures of `note` in the body of an answer, by the witnesses with the keys `keys`: those to
/// be [added](SignedNote::add) to the note. Those of other keys are left out.
///
/// # Errors
/// When the body is no list of signatures, has none by `keys`, or a wrong one.
pub fn parse_cosignatures(
    body: &[u8],
    note: &SignedNote,
    keys: &[VerifierKey],
) -> Result<Vec<Signature>, ResponseError> {
    let lines = std::str::from_utf8(body).map_err(|_| ResponseError::Utf8)?;
    if lines.len() > MAX_NOTE_BYTES {
        return Err(NoteError::TooLong(lines.len()).into());
    }
    let mut found = Vec::new();
    for signature in parse_signatures(lines)? {
        let mut alone = SignedNote::new(note.text())?;
        alone.add(signature.clone());
        match alone.verify_known(keys)?.first().map(|verified| verified.time) {
            None => {}
            Some(None | Some(0)) => return Err(ResponseError::Time(signature.name)),
            Some(Some(_)) => found.push(signature),
        }
    }
    if found.is_empty() {
        return Err(NoteError::Unknown.into());
    }
    Ok(found)
}

/// The body of the answer that tells the size on record.
pub fn conflict_body(size: u64) -> String {
    format!("{size}\n")
}

/// The size on record in an answer with the status 409. Without it the witness refuses for another
/// reason, such as a fork.
///
/// # Errors
/// When the content type is another or the body is no size.
pub fn parse_conflict(content_type: &str, body: &[u8]) -> Result<u64, ResponseError> {
    if content_type != SIZE_CONTENT_TYPE {
        return Err(ResponseError::ContentType(quoted(content_type)));
    }
    let text = std::str::from_utf8(body).map_err(|_| ResponseError::Utf8)?;
    text.strip_suffix('\n')
        .and_then(decimal)
        .ok_or_else(|| ResponseError::Size(quoted(text)))
}
