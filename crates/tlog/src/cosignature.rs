//! Cosignatures: a witness says when it has seen a checkpoint, c2sp.org/tlog-cosignature, the Ed25519
//! form `cosignature/v1`.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::key::SigningKey;
use crate::note::{KeyName, NoteError, Signature, SignedNote, VerifierKey};
use crate::text::MAX_SIZE;
use crate::vkey::KeyKind;

/// Why a note is not cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CosignError {
    /// The note is no checkpoint.
    #[error("only a checkpoint is cosigned: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// No time that a cosignature can have.
    #[error("no cosignature has the time {0}")]
    Time(u64),
}

/// The key of a witness.
#[derive(Debug, Clone)]
pub struct Cosigner {
    key: SigningKey,
    public: VerifierKey,
}

impl Cosigner {
    /// `key` under `name`.
    pub fn new(name: KeyName, key: SigningKey) -> Self {
        let public = key.cosigner_vkey(name);
        Self { key, public }
    }

    /// The public key.
    pub fn verifier(&self) -> &VerifierKey {
        &self.public
    }

    /// The cosignature of the checkpoint `note` at `time`, in seconds since 1970.
    ///
    /// It says that of the trees of this log that the witness knows to be consistent, this is the
    /// largest: what [`Witness::decide`](crate::Witness::decide) finds, once it is on record.
    ///
    /// # Errors
    /// When the note is no checkpoint, or `time` is 0 or above 2⁶³ − 1.
    pub fn cosign(&self, note: &SignedNote, time: u64) -> Result<Signature, CosignError> {
        Checkpoint::parse(note.text())?;
        if time == 0 || time > MAX_SIZE {
            return Err(CosignError::Time(time));
        }
        let mut bytes = time.to_be_bytes().to_vec();
        bytes.extend(self.key.sign(&message(time, note.text())));
        Ok(Signature {
            name: self.public.name().clone(),
            key_id: self.public.id(),
            bytes,
        })
    }
}

/// The time at which `key` has cosigned the text of a checkpoint, in seconds since 1970.
///
/// # Errors
/// When `signature` is not the key's, or `key` is not a witness's.
pub fn verify(signature: &Signature, text: &str, key: &VerifierKey) -> Result<u64, NoteError> {
    let named = key.kind() == KeyKind::CosignatureV1 && signature.key_id == key.id() && signature.name == *key.name();
    if !named {
        return Err(NoteError::Unknown);
    }
    let time = signature.check(text, key)?;
    time.ok_or(NoteError::Unknown)
}

/// The time in the cosignature `bytes` of `text`, if it is right.
pub(crate) fn time(bytes: &[u8], text: &str, key: &VerifierKey) -> Option<u64> {
    let (time, signature) = bytes.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    let signature = signature.try_into().ok()?;
    (time <= MAX_SIZE && key.verifies(&message(time, text), signature)).then_some(time)
}

/// What is signed.
fn message(time: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}
