//! What a checked token says besides whom it speaks of.

use std::time::{Duration, SystemTime};

use auditlog_identity::Subject;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::SsoError;
use crate::identity::forgery;
use crate::identity::tokens::{SignedIn, Tokens};

/// The longest name that is shown, in characters.
const LONGEST_NAME: usize = 200;

/// Whoever has signed in; the token's signature, issuer, audience and times have been checked.
pub(super) fn signed_in(
    tokens: Tokens,
    subject: Subject,
    client_id: &str,
    nonce: Option<&str>,
) -> Result<SignedIn, SsoError> {
    let wrong = |what: &str| SsoError::Unfit(format!("its token: {what}"));
    let claims = claims(&tokens.id_token).ok_or_else(|| wrong("it cannot be read"))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    match (nonce, text("nonce")) {
        (Some(nonce), Some(given)) if forgery::is_token(given.as_bytes(), nonce) => {}
        (Some(_), _) => return Err(wrong("it is not of this sign-in")),
        (None, _) => {}
    }
    if claims.get("azp").is_some_and(|azp| azp.as_str() != Some(client_id)) {
        return Err(wrong("it was given to somebody else"));
    }
    let expires = claims.get("exp").and_then(Value::as_f64).filter(|exp| *exp >= 0.0);
    let expires = expires.ok_or_else(|| wrong("it has no end"))?;
    let expires = Duration::try_from_secs_f64(expires).ok();
    let expires = expires.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
    let name = ["email", "preferred_username", "name"]
        .iter()
        .find_map(|name| text(name));
    let name = name.unwrap_or(&subject.id).chars().take(LONGEST_NAME).collect();
    Ok(SignedIn {
        subject: subject.id,
        tenant: subject.tenant,
        name,
        expires: expires.ok_or_else(|| wrong("it has no end"))?,
        tokens,
    })
}

fn claims(token: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use zeroize::Zeroizing;

    fn judged(claims: &Value, nonce: Option<&str>) -> Result<SignedIn, SsoError> {
        let tokens = Tokens {
            id_token: Zeroizing::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))),
            refresh_token: None,
        };
        let subject = Subject {
            id: "sub-1".to_owned(),
            tenant: None,
        };
        signed_in(tokens, subject, "audit", nonce)
    }

    #[test]
    fn a_token_is_of_this_sign_in_and_for_us() {
        let good = json!({"nonce": "n", "exp": 2_000_000_000, "azp": "audit", "email": "ann@example.com"});
        let signed_in = judged(&good, Some("n")).expect("good");
        assert_eq!(
            (signed_in.name.as_str(), signed_in.subject.as_str()),
            ("ann@example.com", "sub-1")
        );
        assert_eq!(
            signed_in.expires,
            SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000)
        );
        assert!(judged(&good, None).is_ok(), "a newer one");
        for (name, value) in [
            ("nonce", json!("m")),
            ("nonce", Value::Null),
            ("nonce", json!(["n"])),
            ("azp", json!("other")),
            ("azp", json!(["audit"])),
            ("exp", json!("soon")),
            ("exp", json!(-1)),
            ("exp", json!(1e300)),
        ] {
            let mut claims = good.clone();
            claims[name] = value.clone();
            assert!(judged(&claims, Some("n")).is_err(), "{name}: {value}");
        }
        let bare = judged(&json!({"exp": 1}), None).expect("good");
        assert_eq!(bare.name, "sub-1");
    }
}
