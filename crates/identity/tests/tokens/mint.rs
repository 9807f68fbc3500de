//! Makes tokens, good and bad ones.

use auditlog_identity::{Expected, Keys};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::Signer;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use std::sync::OnceLock;

pub const NOW: i64 = 1_790_000_000;

#[allow(non_snake_case)]
pub fn EXPECTED() -> Expected {
    Expected {
        issuer: "https://login.example".to_owned(),
        audience: "audit".to_owned(),
    }
}

pub fn claims() -> Value {
    json!({
        "iss": "https://login.example", "aud": "audit", "sub": "user_1",
        "iat": NOW, "nbf": NOW, "exp": NOW + 300,
    })
}

/// A key for Ed25519, told apart by a byte.
pub fn ed_key(seed: u8) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
}

pub fn rsa_key() -> &'static rsa::RsaPrivateKey {
    static KEY: OnceLock<rsa::RsaPrivateKey> = OnceLock::new();
    KEY.get_or_init(|| rsa::RsaPrivateKey::new(&mut rand_core::OsRng, 2048).expect("an RSA key"))
}

pub fn ed_jwk() -> Value {
    let public = ed_key(7).verifying_key();
    json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": "ed", "x": BASE64.encode(public.as_bytes())})
}

pub fn rsa_jwk() -> Value {
    let (n, e) = (rsa_key().n().to_bytes_be(), rsa_key().e().to_bytes_be());
    json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "rs", "n": BASE64.encode(n), "e": BASE64.encode(e)})
}

pub fn keys() -> Keys {
    Keys::parse(&json!({"keys": [ed_jwk(), rsa_jwk()]}).to_string()).expect("keys")
}

/// Header and claims, not signed yet.
pub fn message(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        BASE64.encode(header.to_string()),
        BASE64.encode(claims.to_string())
    )
}

pub fn signed_with(seed: u8, header: &Value, claims: &Value) -> String {
    let message = message(header, claims);
    let signature = ed_key(seed).sign(message.as_bytes());
    format!("{message}.{}", BASE64.encode(signature.to_bytes()))
}

pub fn ed(claims: &Value) -> String {
    signed_with(7, &json!({"alg": "EdDSA", "typ": "JWT", "kid": "ed"}), claims)
}

pub fn rs_signed(header: &Value, claims: &Value) -> String {
    use rsa::sha2::Digest;
    let message = message(header, claims);
    let digest = rsa::sha2::Sha256::digest(message.as_bytes());
    let signature = rsa_key()
        .sign(Pkcs1v15Sign::new::<rsa::sha2::Sha256>(), &digest)
        .expect("a signature");
    format!("{message}.{}", BASE64.encode(signature))
}

pub fn rs(claims: &Value) -> String {
    rs_signed(&json!({"alg": "RS256", "kid": "rs"}), claims)
}
