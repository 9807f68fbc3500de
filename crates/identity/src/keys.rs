//! JWK Sets (RFC 7517), as far as they hold keys that sign with EdDSA or RS256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

/// Bits that an RSA modulus may have: fewer are weak, more are slow to no purpose.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// The smallest public exponent of RSA (NIST SP 800-56B).
const RSA_EXPONENT: u64 = 65_537;

/// Why a text is no JWK Set to check tokens with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    Json(String),
    /// It has not the shape of a JWK Set.
    #[error("it has no array «keys»")]
    Shape,
    /// A key has the wrong shape.
    #[error("key {0}: {1}")]
    Key(usize, &'static str),
    /// A private key is in it.
    #[error("key {0} has the private half too; a JWK Set for checking has public keys only")]
    Private(usize),
    /// An RSA key of a size that is not accepted.
    #[error("key {0} has {1} bits; RSA keys of {low} to {high} bits are accepted", low = RSA_BITS.start(), high = RSA_BITS.end())]
    Size(usize, usize),
    /// Two keys have the same name.
    #[error("keys {0} and {1} have the same «kid» and algorithm")]
    Twice(usize, usize),
    /// Nothing in it can check a token.
    #[error("it has no key for EdDSA (Ed25519) or RS256 signatures")]
    Empty,
}

/// One public key.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) id: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

/// The public keys that may have signed a token.
#[derive(Debug, Clone)]
pub struct Keys(Vec<Key>);

impl Keys {
    /// Reads a JWK Set. Keys for other purposes and algorithms are passed over.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn parse(text: &str) -> Result<Keys, KeysError> {
        let set: Value = serde_json::from_str(text).map_err(|e| KeysError::Json(e.to_string()))?;
        let list = set.get("keys").and_then(Value::as_array).ok_or(KeysError::Shape)?;
        let mut keys: Vec<(usize, Key)> = Vec::new();
        for (place, key) in list.iter().enumerate() {
            let key = key.as_object().ok_or(KeysError::Key(place, "it is not an object"))?;
            let Some(key) = parse_key(place, key)? else { continue };
            let same = |other: &&(usize, Key)| other.1.id == key.id && other.1.algorithm == key.algorithm;
            if let Some((other, _)) = keys.iter().find(same) {
                return Err(KeysError::Twice(*other, place));
            }
            keys.push((place, key));
        }
        if keys.is_empty() {
            return Err(KeysError::Empty);
        }
        Ok(Keys(keys.into_iter().map(|(_, key)| key).collect()))
    }

    /// The names of the keys, `None` for one without.
    pub fn ids(&self) -> impl Iterator<Item = Option<&str>> {
        self.0.iter().map(|key| key.id.as_deref())
    }

    /// The key that a token's header names: by `kid`, or the only one of its algorithm when it names none.
    pub(crate) fn find(&self, algorithm: Algorithm, id: Option<&str>) -> Option<&Key> {
        let mut fitting = self
            .0
            .iter()
            .filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id));
        let found = fitting.next()?;
        fitting.next().is_none().then_some(found)
    }
}

fn parse_key(place: usize, key: &Map<String, Value>) -> Result<Option<Key>, KeysError> {
    let text = |name: &str| match key.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(KeysError::Key(place, "a member that has to be a text is none")),
    };
    let kind = text("kty")?.ok_or(KeysError::Key(place, "«kty» is missing"))?;
    let (purpose, algorithm, id) = (text("use")?, text("alg")?, text("kid")?.map(str::to_owned));
    let verifies = match key.get("key_ops") {
        None => true,
        Some(operations) => operations
            .as_array()
            .is_some_and(|operations| operations.iter().any(|one| one == "verify")),
    };
    let wanted = purpose.is_none_or(|purpose| purpose == "sig") && verifies;
    let bytes = |name: &str| -> Result<Vec<u8>, KeysError> {
        let value = text(name)?.ok_or(KeysError::Key(place, "a member of this kind of key is missing"))?;
        URL_SAFE_NO_PAD
            .decode(value)
            .map_err(|_| KeysError::Key(place, "a number in it is not base64url"))
    };
    let (algorithm, key) = match (kind, text("crv")?, algorithm) {
        ("OKP", Some("Ed25519"), None | Some("EdDSA" | "Ed25519")) if wanted => {
            require_public(place, key)?;
            let point = bytes("x")?;
            if point.len() != 32 {
                return Err(KeysError::Key(place, "«x» of an Ed25519 key has 32 bytes"));
            }
            (Algorithm::EdDSA, DecodingKey::from_ed_der(&point))
        }
        ("RSA", None, None | Some("RS256")) if wanted => {
            require_public(place, key)?;
            let (modulus, exponent) = (bytes("n")?, bytes("e")?);
            let bits = bits(&modulus);
            if !RSA_BITS.contains(&bits) {
                return Err(KeysError::Size(place, bits));
            }
            if !is_exponent(&exponent) {
                return Err(KeysError::Key(place, "«e» is an odd number from 65537 to 2^32"));
            }
            (
                Algorithm::RS256,
                DecodingKey::from_rsa_raw_components(&modulus, &exponent),
            )
        }
        _ => return Ok(None),
    };
    Ok(Some(Key { id, algorithm, key }))
}

fn require_public(place: usize, key: &Map<String, Value>) -> Result<(), KeysError> {
    let private = ["d", "p", "q", "dp", "dq", "qi", "oth"];
    if private.iter().any(|name| key.contains_key(*name)) {
        Err(KeysError::Private(place))
    } else {
        Ok(())
    }
}

/// The length of a number that is given big end first.
fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    match number.get(zeros) {
        Some(first) => (number.len() - zeros) * 8 - first.leading_zeros() as usize,
        None => 0,
    }
}

fn is_exponent(number: &[u8]) -> bool {
    let value = number
        .iter()
        .try_fold(0u64, |value, byte| Some(value.checked_mul(256)? + u64::from(*byte)));
    value.is_some_and(|value| (RSA_EXPONENT..=u64::from(u32::MAX)).contains(&value) && value % 2 == 1)
}
