//! What must not pass.

use crate::mint::{EXPECTED, NOW, claims, ed, ed_jwk, ed_key, keys, message, rs, rs_signed, rsa_jwk, signed_with};
use auditlog_identity::{Keys, LONGEST_TOKEN, Refused, verify};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use proptest::prelude::*;
use serde_json::{Value, json};

fn refused(token: &str) -> Refused {
    verify(token, &keys(), &EXPECTED(), NOW).expect_err("the token must be refused")
}

#[test]
fn no_signature_is_no_signature() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let message = message(&json!({"alg": alg, "kid": "ed"}), &claims());
        assert_eq!(refused(&format!("{message}.")), Refused::Algorithm, "{alg}");
        assert_eq!(refused(&format!("{message}.AAAA")), Refused::Algorithm, "{alg}");
    }
    // no «alg» at all
    assert_eq!(
        refused(&format!("{}.", message(&json!({"kid": "ed"}), &claims()))),
        Refused::Malformed
    );
}

/// HMAC with the public key as the secret: what verifiers fell for that let the token choose.
#[test]
fn a_public_key_is_no_secret() {
    for alg in ["HS256", "HS384", "HS512", "ES256", "PS256", "RS384", "RS512"] {
        let token = signed_with(7, &json!({"alg": alg, "kid": "ed"}), &claims());
        assert_eq!(refused(&token), Refused::Algorithm, "{alg}");
    }
}

#[test]
fn one_kind_of_key_does_not_check_the_other_kind_of_signature() {
    let crossed = signed_with(7, &json!({"alg": "RS256", "kid": "ed"}), &claims());
    assert_eq!(refused(&crossed), Refused::UnknownKey);
    let crossed = signed_with(7, &json!({"alg": "RS256", "kid": "rs"}), &claims());
    assert_eq!(refused(&crossed), Refused::Signature);
    let crossed = rs_signed(&json!({"alg": "EdDSA", "kid": "ed"}), &claims());
    assert_eq!(refused(&crossed), Refused::Signature);
}

#[test]
fn a_token_brings_no_key_along() {
    let own = json!({"kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(ed_key(9).verifying_key().as_bytes())});
    let header = json!({"alg": "EdDSA", "kid": "ed", "jwk": own, "jku": "https://evil.example/keys"});
    assert_eq!(refused(&signed_with(9, &header, &claims())), Refused::Signature);
    let header = json!({"alg": "EdDSA", "kid": "mine", "jwk": own});
    assert_eq!(refused(&signed_with(9, &header, &claims())), Refused::UnknownKey);
}

#[test]
fn headers_that_ask_for_more_are_refused() {
    for (header, reason) in [
        (
            json!({"alg": "EdDSA", "kid": "ed", "crit": ["b64"], "b64": false}),
            Refused::Critical,
        ),
        (json!({"alg": "EdDSA", "kid": "ed", "crit": []}), Refused::Critical),
        (json!({"alg": "EdDSA", "kid": "ed", "typ": "dpop+jwt"}), Refused::Type),
        (json!({"alg": "EdDSA", "kid": "ED"}), Refused::UnknownKey),
        (json!({"alg": "EdDSA", "kid": 5}), Refused::Malformed),
    ] {
        assert_eq!(refused(&signed_with(7, &header, &claims())), reason, "{header}");
    }
}

#[test]
fn every_claim_counts() {
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        refused(&ed(&claims))
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().expect("an object").remove(name);
        refused(&ed(&claims))
    };
    for name in ["iss", "aud", "sub", "exp"] {
        assert_eq!(without(name), Refused::Claims, "{name}");
        assert_eq!(with(name, Value::Null), Refused::Claims, "{name}");
        assert_eq!(with(name, json!({})), Refused::Claims, "{name}");
    }
    assert_eq!(with("iss", json!("https://login.example/")), Refused::Issuer);
    assert_eq!(with("iss", json!(["https://login.example"])), Refused::Claims);
    assert_eq!(with("aud", json!("AUDIT")), Refused::Audience);
    assert_eq!(with("aud", json!([])), Refused::Audience);
    assert_eq!(with("sub", json!("")), Refused::Claims);
    assert_eq!(with("sub", json!("a\0b")), Refused::Claims);
    assert_eq!(with("sub", json!(5)), Refused::Claims);
    assert_eq!(with("tenant", json!("")), Refused::Claims);
    assert_eq!(with("tenant", json!(["acme"])), Refused::Claims);
    assert_eq!(with("exp", json!("1900000000")), Refused::Claims);
    assert_eq!(with("exp", json!(NOW - 30)), Refused::Expired);
    assert_eq!(with("nbf", json!(NOW + 31)), Refused::NotYet);
    assert_eq!(with("nbf", json!("soon")), Refused::Claims);
    assert_eq!(with("iat", json!(NOW + 31)), Refused::NotYet);
}

#[test]
fn claims_that_are_there_twice_are_refused() {
    let header = BASE64.encode(r#"{"alg": "EdDSA", "kid": "ed"}"#);
    let text = claims().to_string();
    for more in [r#","sub":"user_2"}"#, r#","exp":9999999999}"#, r#","aud":"audit"}"#] {
        let doubled = format!("{}{more}", &text[..text.len() - 1]);
        let message = format!("{header}.{}", BASE64.encode(doubled));
        let signature = ed25519_dalek::Signer::sign(&ed_key(7), message.as_bytes());
        let token = format!("{message}.{}", BASE64.encode(signature.to_bytes()));
        assert_eq!(refused(&token), Refused::Claims, "{more}");
    }
}

#[test]
fn with_several_keys_a_token_names_its_own() {
    let other =
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed2", "x": BASE64.encode(ed_key(8).verifying_key().as_bytes())});
    let nameless = signed_with(7, &json!({"alg": "EdDSA"}), &claims());
    let one = Keys::parse(&json!({"keys": [ed_jwk(), rsa_jwk()]}).to_string()).expect("keys");
    assert!(verify(&nameless, &one, &EXPECTED(), NOW).is_ok());
    let two = Keys::parse(&json!({"keys": [ed_jwk(), other]}).to_string()).expect("keys");
    assert_eq!(verify(&nameless, &two, &EXPECTED(), NOW), Err(Refused::UnknownKey));
    let named = signed_with(8, &json!({"alg": "EdDSA", "kid": "ed2"}), &claims());
    assert!(verify(&named, &two, &EXPECTED(), NOW).is_ok());
}

#[test]
fn what_is_no_token_is_refused() {
    let good = ed(&claims());
    for bad in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "eyJ9.eyJ9.",
        "\0",
        "ü.ü.ü",
        &good[..good.len() - 1],
        &format!("{good}."),
        &format!(" {good}"),
        &format!("{good}\n"),
        &format!("x.{good}"),
        &good.replace('.', ".."),
        &good.replace('-', "+"),
    ] {
        // a text that has no «-» is the good one
        if bad != good {
            assert!(verify(bad, &keys(), &EXPECTED(), NOW).is_err(), "{bad}");
        }
    }
    assert_eq!(refused(&"x".repeat(LONGEST_TOKEN + 1)), Refused::TooLong);
}

proptest! {
    /// Whatever is changed in a token, it is refused.
    #[test]
    fn no_changed_token_passes(rsa: bool, place: prop::sample::Index, new: char) {
        let good = if rsa { rs(&claims()) } else { ed(&claims()) };
        let at = place.index(good.len());
        let changed = format!("{}{new}{}", &good[..at], &good[at + 1..]);
        prop_assume!(changed != good);
        prop_assert!(verify(&changed, &keys(), &EXPECTED(), NOW).is_err());
    }

    /// No text makes the verifier fall over.
    #[test]
    fn no_text_is_too_strange(text in "\\PC*", parts in prop::collection::vec("[A-Za-z0-9_=-]{0,40}", 0..5)) {
        prop_assert!(verify(&text, &keys(), &EXPECTED(), NOW).is_err());
        prop_assert!(verify(&parts.join("."), &keys(), &EXPECTED(), NOW).is_err());
    }

    /// Nor any header or claims, properly signed.
    #[test]
    fn no_json_is_too_strange(name in "(alg|kid|typ|crit|jwk|zip|enc|x5c)", claim in "(iss|aud|sub|exp|nbf|iat|tenant)", value in json_value()) {
        let mut header = json!({"alg": "EdDSA", "kid": "ed"});
        header[name] = value.clone();
        let _ = verify(&signed_with(7, &header, &claims()), &keys(), &EXPECTED(), NOW);
        let mut claims = claims();
        claims[claim] = value;
        let _ = verify(&ed(&claims), &keys(), &EXPECTED(), NOW);
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::collection::vec(".{0,4}".prop_map(Value::from), 0..3).prop_map(Value::from),
        Just(json!({"kty": "OKP"})),
    ]
}
