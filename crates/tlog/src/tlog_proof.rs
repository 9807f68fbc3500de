//! A file that proves, to whoever has a policy, that an entry is in a log: c2sp.org/tlog-proof.

use std::fmt::Write as _;

use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::note::{NoteError, SignedNote, VerifierKey};
use crate::policy::{Policy, Trusted, UntrustedError};
use crate::proof::{HashSource, ProofError, VerifyError, inclusion, verify_inclusion};
use crate::text::{base64, decimal, hash, line, quoted, unbase64};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// The hashes of a proof in the largest tree.
const MAX_HASHES: usize = 63;

/// The proof of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// The entry, from 0.
    pub index: u64,
    /// The proof of inclusion, from the leaf's sibling to the root's child.
    pub hashes: Vec<Hash>,
    /// Whatever the application wants to hand on. Nothing vouches for it.
    pub extra: Option<Vec<u8>>,
    /// The signed checkpoint of a tree with the entry, with cosignatures.
    pub checkpoint: SignedNote,
}

/// What is wrong with the text of a proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofTextError {
    /// The first line is another.
    #[error("the first line is {0}, not «{HEADER}»")]
    Header(String),
    /// The second line's data are no base64.
    #[error("{0} is no line of extra data in base64")]
    Extra(String),
    /// The line of the index is missing or has no number.
    #[error("{0} is no line with the index of an entry")]
    Index(String),
    /// A line of the proof is no hash.
    #[error("{0} is no hash in base64")]
    Hash(String),
    /// More hashes than a proof can have.
    #[error("the proof has more than {MAX_HASHES} hashes")]
    TooLong,
    /// The text ends before the checkpoint.
    #[error("the proof has no empty line with a checkpoint behind it")]
    Unfinished,
    /// The checkpoint is no note.
    #[error("the checkpoint: {0}")]
    Note(#[from] NoteError),
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotProvenError {
    /// The checkpoint is not to be believed.
    #[error("the checkpoint is not to be believed: {0}")]
    Untrusted(#[from] UntrustedError),
    /// The entry is not in the checkpoint's tree.
    #[error("the entry is not proven to be in the tree: {0}")]
    Inclusion(#[from] VerifyError),
}

/// Why a proof cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MakeError<E> {
    /// The note is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] crate::checkpoint::CheckpointError),
    /// The hashes cannot be had.
    #[error(transparent)]
    Proof(ProofError<E>),
}

impl TlogProof {
    /// The proof that entry `index` is in the tree of `checkpoint`, from stored tiles.
    ///
    /// # Errors
    /// When the note is no checkpoint, has no such entry, or the tiles cannot be read.
    pub fn make<S: HashSource>(index: u64, checkpoint: SignedNote, source: &S) -> Result<Self, MakeError<S::Error>> {
        let size = Checkpoint::parse(checkpoint.text())?.size;
        Ok(Self {
            index,
            hashes: inclusion(index, size, source).map_err(MakeError::Proof)?,
            extra: None,
            checkpoint,
        })
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        if let Some(extra) = &self.extra {
            let _ = writeln!(text, "extra {}", base64(extra));
        }
        let _ = writeln!(text, "index {}", self.index);
        for hash in &self.hashes {
            let _ = writeln!(text, "{}", base64(hash));
        }
        let _ = write!(text, "\n{}", self.checkpoint);
        text
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    /// When [`TlogProof::text`] would not have written it.
    pub fn parse(text: &str) -> Result<Self, ProofTextError> {
        let mut rest = text;
        let mut next = || line(&mut rest).ok_or(ProofTextError::Unfinished);
        let header = next()?;
        if header != HEADER {
            return Err(ProofTextError::Header(quoted(header)));
        }
        let mut second = next()?;
        let mut extra = None;
        if let Some(data) = second.strip_prefix("extra ") {
            extra = Some(unbase64(data).ok_or_else(|| ProofTextError::Extra(quoted(second)))?);
            second = next()?;
        }
        let index = second
            .strip_prefix("index ")
            .and_then(decimal)
            .ok_or_else(|| ProofTextError::Index(quoted(second)))?;
        let mut hashes = Vec::new();
        loop {
            match next()? {
                "" => break,
                _ if hashes.len() == MAX_HASHES => return Err(ProofTextError::TooLong),
                text => hashes.push(hash(text).ok_or_else(|| ProofTextError::Hash(quoted(text)))?),
            }
        }
        Ok(Self {
            index,
            hashes,
            extra,
            checkpoint: SignedNote::parse(rest)?,
        })
    }

    /// Checks that the entry with the leaf hash `leaf` is in a log: that one of `log_keys` has signed the
    /// checkpoint of the log it is named after, that the witnesses have cosigned it as `policy` wants,
    /// and that the entry is in its tree.
    ///
    /// The leaf hash must be computed from the entry. Which entry it is, the caller must read in it:
    /// [`TlogProof::index`] is proven as well, [`TlogProof::extra`] is not.
    ///
    /// # Errors
    /// When one of these fails.
    pub fn verify(&self, leaf: &Hash, log_keys: &[VerifierKey], policy: &Policy) -> Result<Trusted, NotProvenError> {
        let trusted = policy.check(&self.checkpoint, log_keys)?;
        let Checkpoint { size, root, .. } = &trusted.checkpoint;
        verify_inclusion(leaf, self.index, *size, &self.hashes, root)?;
        Ok(trusted)
    }
}
