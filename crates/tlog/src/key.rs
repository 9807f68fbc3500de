//! Secret keys and the files they are kept in: PKCS#8 as PEM, as `openssl genpkey -algorithm ed25519`
//! writes it.

use std::fmt;

use ed25519_dalek::Signer;
use zeroize::Zeroizing;

use crate::pkcs8;
use crate::vkey::{KeyKind, KeyName, VerifierKey};

/// An Ed25519 secret key, wiped from memory when dropped.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

/// What is wrong with a file that should hold a secret key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// No PEM at all.
    #[error("the file has no line «-----BEGIN PRIVATE KEY-----»")]
    NoPem,
    /// PEM of something else.
    #[error("the file has the PEM «{0}», not «PRIVATE KEY»{1}")]
    Label(String, &'static str),
    /// More than one block.
    #[error("the file has more than one PEM block")]
    Several,
    /// The last line is missing.
    #[error("the PEM has no line «-----END PRIVATE KEY-----»")]
    Unfinished,
    /// What lies between the lines is no base64.
    #[error("the PEM is not base64")]
    Base64,
    /// The bytes end early, go on too long, or are no DER of a private key.
    #[error("the private key is damaged: {0}")]
    Der(&'static str),
    /// A key for another algorithm.
    #[error("the private key is for {0}, not Ed25519; make one with «openssl genpkey -algorithm ed25519»")]
    Algorithm(&'static str),
    /// The file's public key belongs to another secret.
    #[error("the public key in the file does not belong to its private key")]
    Public,
}

impl SigningKey {
    /// The key of the seed `seed`, the private key of RFC 8032. It must come from a cryptographic source
    /// of randomness.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Reads the text of a key file, PKCS#8 version 1 or 2. What stands before or behind the PEM block
    /// is ignored.
    ///
    /// # Errors
    /// When the text has no such key; says what it has instead.
    pub fn from_pem(text: &str) -> Result<Self, KeyFileError> {
        pkcs8::read(text).map(|seed| Self::from_seed(&seed))
    }

    /// The text of a key file, PKCS#8 version 1. Write it where only its owner can read.
    pub fn to_pem(&self) -> Zeroizing<String> {
        pkcs8::write(self.0.as_bytes())
    }

    /// The 32 bytes of the public key.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The public key of a log or another signer of notes with the name `name`.
    pub fn vkey(&self, name: KeyName) -> VerifierKey {
        VerifierKey::from_key(name, KeyKind::Ed25519, self.0.verifying_key())
    }

    /// The public key of a witness with the name `name`. A key must not have two such names, as its
    /// cosignatures don't say under which they were made.
    pub fn cosigner_vkey(&self, name: KeyName) -> VerifierKey {
        VerifierKey::from_key(name, KeyKind::CosignatureV1, self.0.verifying_key())
    }

    /// The Ed25519 signature of `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// Without the secret.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey")
            .field(&self.0.verifying_key().to_bytes())
            .finish()
    }
}
