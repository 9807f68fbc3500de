//! Tokens that are accepted, and attacks that are not.

mod attacks;
mod keys;
mod mint;

use auditlog_identity::{Refused, verify};
use mint::{EXPECTED, NOW, claims, ed, keys, rs};
use serde_json::json;

#[test]
fn both_algorithms_are_accepted() {
    for token in [ed(&claims()), rs(&claims())] {
        let subject = verify(&token, &keys(), &EXPECTED(), NOW).expect("accepted");
        assert_eq!(subject.id, "user_1");
        assert_eq!(subject.tenant, None);
    }
}

#[test]
fn the_tenant_is_read() {
    let mut claims = claims();
    claims["tenant"] = json!("acme");
    let subject = verify(&ed(&claims), &keys(), &EXPECTED(), NOW).expect("accepted");
    assert_eq!(subject.tenant.as_deref(), Some("acme"));
}

#[test]
fn times_are_those_of_the_argument() {
    let token = ed(&claims());
    let at = |now| verify(&token, &keys(), &EXPECTED(), now).map(|_| ());
    assert_eq!(at(NOW - 30), Ok(()), "nbf, with 30 s for clocks that differ");
    assert_eq!(at(NOW - 31), Err(Refused::NotYet));
    assert_eq!(at(NOW + 329), Ok(()), "exp, with 30 s for clocks that differ");
    assert_eq!(at(NOW + 330), Err(Refused::Expired));
    assert_eq!(at(i64::MAX), Err(Refused::Expired));
    assert_eq!(at(i64::MIN), Err(Refused::NotYet));
}

#[test]
fn fractions_and_huge_numbers_are_times() {
    for (exp, accepted) in [
        (json!(NOW as f64 + 0.5), true),
        (serde_json::from_str("1e30").expect("a number"), true),
        (json!(-5), false),
        (serde_json::from_str("1e999").expect("a number"), false),
    ] {
        let mut claims = claims();
        claims["exp"] = exp.clone();
        let found = verify(&ed(&claims), &keys(), &EXPECTED(), NOW);
        assert_eq!(found.is_ok(), accepted, "{exp}: {found:?}");
    }
}

#[test]
fn one_of_several_audiences_is_enough() {
    let mut claims = claims();
    claims["aud"] = json!(["other", "audit"]);
    assert!(verify(&ed(&claims), &keys(), &EXPECTED(), NOW).is_ok());
    claims["aud"] = json!(["other"]);
    assert_eq!(verify(&ed(&claims), &keys(), &EXPECTED(), NOW), Err(Refused::Audience));
}
