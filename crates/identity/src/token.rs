//! One token against keys and expectations.

use crate::keys::Keys;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Number;

/// Bytes that a token may have.
pub const LONGEST_TOKEN: usize = 16 * 1024;
/// Seconds that the issuer's clock may differ.
pub const LEEWAY_SECONDS: u32 = 30;

/// What a token must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The claim `iss`.
    pub issuer: String,
    /// One of the claim `aud`.
    pub audience: String,
}

/// Whom a token speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The claim `sub`.
    pub id: String,
    /// The claim `tenant`, when the token has it.
    pub tenant: Option<String>,
}

/// Why a token is refused. Nothing of the token is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too long.
    #[error("it is longer than {LONGEST_TOKEN} bytes")]
    TooLong,
    /// No token.
    #[error("it is not a JSON Web Token")]
    Malformed,
    /// Signed in another way, or not at all.
    #[error("its algorithm is neither EdDSA nor RS256")]
    Algorithm,
    /// `crit` asks for something that is not done here.
    #[error("its header has critical extensions")]
    Critical,
    /// `typ` says that it is something else.
    #[error("it is of another type than JWT")]
    Type,
    /// No key, or several.
    #[error("none of the keys is the one that it names")]
    UnknownKey,
    /// The signature does not fit.
    #[error("its signature does not fit")]
    Signature,
    /// Of another issuer.
    #[error("it is from another issuer")]
    Issuer,
    /// For somebody else.
    #[error("it is for another audience")]
    Audience,
    /// A claim is missing or of the wrong type.
    #[error("a claim that it must have (iss, aud, sub, exp) is missing or has the wrong type")]
    Claims,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its time is still to come.
    #[error("it is not valid yet")]
    NotYet,
}

/// Times are compared here, with the time that is given, and not by the library: it asks the clock, and
/// reads no number where serde_json keeps all digits.
#[derive(Deserialize)]
struct Claims {
    // Read to be sure that it is one text: the library takes a list as well.
    #[serde(rename = "iss")]
    _iss: String,
    sub: String,
    exp: Number,
    nbf: Option<Number>,
    iat: Option<Number>,
    tenant: Option<String>,
}

/// Whom the token speaks of, at `now` (seconds since the Unix epoch).
///
/// # Errors
/// See [`Refused`].
pub fn verify(token: &str, keys: &Keys, expected: &Expected, now: i64) -> Result<Subject, Refused> {
    if token.len() > LONGEST_TOKEN {
        return Err(Refused::TooLong);
    }
    let header = decode_header(token).map_err(|e| match e.kind() {
        // «none» and all that the library has never heard of
        ErrorKind::Json(e) if e.to_string().contains("unknown variant") => Refused::Algorithm,
        _ => Refused::Malformed,
    })?;
    if !matches!(header.alg, Algorithm::EdDSA | Algorithm::RS256) {
        return Err(Refused::Algorithm);
    }
    if header.crit.is_some() {
        return Err(Refused::Critical);
    }
    let is_token = |kind: &str| ["jwt", "at+jwt", "application/at+jwt"].contains(&kind.to_ascii_lowercase().as_str());
    if !header.typ.as_deref().is_none_or(is_token) {
        return Err(Refused::Type);
    }
    let key = keys
        .find(header.alg, header.kid.as_deref())
        .ok_or(Refused::UnknownKey)?;
    let mut validation = Validation::new(key.algorithm);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.set_required_spec_claims(&["iss", "aud", "sub"]);
    validation.set_issuer(&[&expected.issuer]);
    validation.set_audience(&[&expected.audience]);
    let claims = decode::<Claims>(token, &key.key, &validation)
        .map_err(|e| match e.kind() {
            ErrorKind::InvalidSignature => Refused::Signature,
            ErrorKind::InvalidIssuer => Refused::Issuer,
            ErrorKind::InvalidAudience => Refused::Audience,
            ErrorKind::InvalidAlgorithm => Refused::Algorithm,
            ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => {
                Refused::Claims
            }
            _ => Refused::Malformed,
        })?
        .claims;
    let (now, leeway) = (now as f64, f64::from(LEEWAY_SECONDS));
    if seconds(&claims.exp)? + leeway <= now {
        return Err(Refused::Expired);
    }
    for begin in [&claims.nbf, &claims.iat].into_iter().flatten() {
        if seconds(begin)? > now + leeway {
            return Err(Refused::NotYet);
        }
    }
    let empty = |text: &str| text.trim().is_empty() || text.contains('\0');
    if empty(&claims.sub) || claims.tenant.as_deref().is_some_and(empty) {
        return Err(Refused::Claims);
    }
    Ok(Subject {
        id: claims.sub,
        tenant: claims.tenant,
    })
}

/// A NumericDate.
fn seconds(number: &Number) -> Result<f64, Refused> {
    number
        .as_f64()
        .filter(|seconds| seconds.is_finite())
        .ok_or(Refused::Claims)
}
