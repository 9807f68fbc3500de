//! JWK Sets.

use crate::mint::{ed_jwk, rsa_jwk};
use auditlog_identity::{Keys, KeysError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use proptest::prelude::*;
use serde_json::{Value, json};

fn parse(keys: Value) -> Result<Vec<Option<String>>, KeysError> {
    let keys = Keys::parse(&json!({ "keys": keys }).to_string())?;
    Ok(keys.ids().map(|id| id.map(str::to_owned)).collect())
}

fn with(mut key: Value, name: &str, value: Value) -> Value {
    key[name] = value;
    key
}

#[test]
fn what_is_for_something_else_is_passed_over() {
    let others = [
        json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "ec"}),
        json!({"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}),
        json!({"kty": "OKP", "crv": "X25519", "x": "AA", "kid": "x"}),
        with(ed_jwk(), "use", json!("enc")),
        with(ed_jwk(), "key_ops", json!(["sign"])),
        with(ed_jwk(), "alg", json!("ES256")),
        with(rsa_jwk(), "alg", json!("PS256")),
        json!({"kty": "new"}),
    ];
    for other in &others {
        assert_eq!(parse(json!([other])), Err(KeysError::Empty), "{other}");
        assert_eq!(parse(json!([other, ed_jwk()])), Ok(vec![Some("ed".to_owned())]));
    }
}

#[test]
fn what_is_no_key_is_called_so() {
    let short = BASE64.encode([1u8; 31]);
    let weak = BASE64.encode([255u8; 128]);
    for (key, message) in [
        (json!(5), "key 0: it is not an object"),
        (json!({}), "key 0: «kty» is missing"),
        (json!({"kty": 1}), "key 0: a member that has to be a text is none"),
        (
            with(ed_jwk(), "x", json!(short)),
            "key 0: «x» of an Ed25519 key has 32 bytes",
        ),
        (
            with(ed_jwk(), "x", json!("+/")),
            "key 0: a number in it is not base64url",
        ),
        (
            with(ed_jwk(), "d", json!("AA")),
            "key 0 has the private half too; a JWK Set for checking has public keys only",
        ),
        (
            with(rsa_jwk(), "p", json!("AA")),
            "key 0 has the private half too; a JWK Set for checking has public keys only",
        ),
        (
            with(rsa_jwk(), "n", json!(weak)),
            "key 0 has 1024 bits; RSA keys of 2048 to 4096 bits are accepted",
        ),
        (
            with(rsa_jwk(), "e", json!("Aw")),
            "key 0: «e» is an odd number from 65537 to 2^32",
        ),
        (
            with(rsa_jwk(), "e", json!("AQAAAAAAAAAB")),
            "key 0: «e» is an odd number from 65537 to 2^32",
        ),
    ] {
        let found = parse(json!([key])).expect_err("no key").to_string();
        assert_eq!(found, message, "{key}");
    }
    assert_eq!(parse(json!([ed_jwk(), ed_jwk()])), Err(KeysError::Twice(0, 1)));
    assert_eq!(Keys::parse("{}").map(|_| ()), Err(KeysError::Shape));
    assert!(matches!(Keys::parse("{"), Err(KeysError::Json(_))));
}

proptest! {
    #[test]
    fn no_set_is_too_strange(text in "\\PC*", x in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = Keys::parse(&text);
        let encoded = BASE64.encode(&x);
        let found = parse(json!([with(ed_jwk(), "x", json!(encoded.clone()))]));
        prop_assert_eq!(found.is_ok(), x.len() == 32);
        let _ = parse(json!([with(rsa_jwk(), "n", json!(encoded.clone()))]));
        let _ = parse(json!([with(rsa_jwk(), "e", json!(encoded))]));
    }
}
