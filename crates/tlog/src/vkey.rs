//! Names of keys, and public keys with a name: `name+id+key`.

use std::fmt;

use ed25519_dalek::{Signature as Ed25519Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::text::{base64, quoted, unbase64};

/// The name of a key: not empty, and without white space, `+` and control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// Why a text is no name of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no name of a key: it must have no white space, no «+» and no control character, and not be empty")]
pub struct KeyNameError(String);

impl KeyName {
    /// The name `name`.
    ///
    /// # Errors
    /// When it is empty or has a character that it must not have.
    pub fn new(name: &str) -> Result<Self, KeyNameError> {
        let forbidden = |c: char| c.is_whitespace() || c < ' ' || c == '+';
        if name.is_empty() || name.contains(forbidden) {
            return Err(KeyNameError(quoted(name)));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a key signs, the signature type of c2sp.org/signed-note. The others are not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// 0x01: the text of a note; the key of a log.
    Ed25519,
    /// 0x04: a checkpoint and a time; the key of a witness.
    CosignatureV1,
}

impl KeyKind {
    /// Its byte.
    pub fn byte(self) -> u8 {
        match self {
            KeyKind::Ed25519 => 0x01,
            KeyKind::CosignatureV1 => 0x04,
        }
    }
}

/// The first four bytes of SHA-256(name ‖ newline ‖ type ‖ key), by which a signature names its key.
pub fn key_id(name: &KeyName, kind: KeyKind, key: &[u8; 32]) -> u32 {
    let mut hasher = Sha256::new();
    hasher.update(name.as_str());
    hasher.update([b'\n', kind.byte()]);
    hasher.update(key);
    let [a, b, c, d, ..]: [u8; 32] = hasher.finalize().into();
    u32::from_be_bytes([a, b, c, d])
}

/// A public key that signatures are checked with. Its text is `name+id+key`, the id in hexadecimal and
/// the key, after its type's byte, in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    kind: KeyKind,
    id: u32,
    key: VerifyingKey,
}

/// Why a text is no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It has another form.
    #[error("{0} is no public key: its form is name+id+key, with the id as 8 hexadecimal digits and the key in base64")]
    Form(String),
    /// The name must not be one.
    #[error(transparent)]
    Name(#[from] KeyNameError),
    /// The key is of a type not known here.
    #[error("the key of {name} is of the type {kind:#04x}; known are 0x01 (Ed25519) and 0x04 (cosignature/v1)")]
    Kind {
        /// Its name.
        name: KeyName,
        /// The byte of its type.
        kind: u8,
    },
    /// The bytes are no Ed25519 public key, or one under which anything can be signed.
    #[error("the key of {0} is no Ed25519 public key of 32 bytes, or a weak one")]
    Key(KeyName),
    /// The id belongs to another name or key.
    #[error("the id of {name} is {found:08x}, but that name and key have {expected:08x}")]
    Id {
        /// The name.
        name: KeyName,
        /// The id that the name and the key have.
        expected: u32,
        /// The id given.
        found: u32,
    },
}

impl VerifierKey {
    /// The Ed25519 public key `key` under `name`.
    ///
    /// # Errors
    /// When `key` is no public key, or one of the few that anybody can sign for.
    pub fn new(name: KeyName, kind: KeyKind, key: &[u8; 32]) -> Result<Self, KeyError> {
        match VerifyingKey::from_bytes(key) {
            Ok(verifying) if !verifying.is_weak() => Ok(Self::from_key(name, kind, verifying)),
            _ => Err(KeyError::Key(name)),
        }
    }

    pub(crate) fn from_key(name: KeyName, kind: KeyKind, key: VerifyingKey) -> Self {
        let id = key_id(&name, kind, key.as_bytes());
        Self { name, kind, id, key }
    }

    /// Reads `name+id+key`.
    ///
    /// # Errors
    /// When the text has another form, is of an unknown type, or its parts do not belong together.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let form = || KeyError::Form(quoted(text));
        let (name, rest) = text.split_once('+').ok_or_else(form)?;
        let (id, key) = rest.split_once('+').ok_or_else(form)?;
        let name = KeyName::new(name)?;
        let hexadecimal = id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let found = u32::from_str_radix(id, 16)
            .ok()
            .filter(|_| hexadecimal)
            .ok_or_else(form)?;
        let bytes = unbase64(key).ok_or_else(form)?;
        let (kind, key) = bytes.split_first().ok_or_else(form)?;
        let kind = match *kind {
            0x01 => KeyKind::Ed25519,
            0x04 => KeyKind::CosignatureV1,
            kind => return Err(KeyError::Kind { name, kind }),
        };
        let Ok(key) = <&[u8; 32]>::try_from(key) else {
            return Err(KeyError::Key(name));
        };
        let key = Self::new(name, kind, key)?;
        if key.id != found {
            return Err(KeyError::Id {
                expected: key.id,
                name: key.name,
                found,
            });
        }
        Ok(key)
    }

    /// Its name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// What it signs.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The id of the key under its name.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The 32 bytes of the key.
    pub fn public(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Whether `signature` is this key's Ed25519 signature of the bytes `message`, by the strict rules that
    /// leave nobody a choice between two signatures.
    ///
    /// Notes and cosignatures have their own: [`SignedNote::verify`](crate::SignedNote::verify).
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Ed25519Signature::from_bytes(signature);
        self.key.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.kind.byte()];
        key.extend(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id, base64(&key))
    }
}

impl std::str::FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}
