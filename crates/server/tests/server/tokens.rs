//! Bearers of JSON Web Tokens: what the extension finds in the token decides, and nothing else.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::World;

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}

fn signed(seed: u8, claims: &Value) -> String {
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": "k"}).to_string();
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = SigningKey::from_bytes(&[seed; 32]).sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn token(subject: &str) -> String {
    signed(
        7,
        &json!({"iss": "idp", "aud": "audit", "sub": subject, "exp": now() + 600}),
    )
}

fn world() -> World {
    let world = World::new();
    let x = URL_SAFE_NO_PAD.encode(SigningKey::from_bytes(&[7; 32]).verifying_key().as_bytes());
    let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}]}).to_string();
    world
        .superuser()
        .execute("SELECT auditlog.set_token_keys($1, 'idp', 'audit')", &[&keys])
        .expect("keys");
    world.record(&[("a.b", "user_17"), ("a.b", "user_99"), ("a.b", "user_4")]);
    world
}

fn get(world: &World, token: &str, target: &str) -> Answer {
    world
        .anonymous("GET", target)
        .header("Authorization", &format!("Bearer {token}"))
        .send()
}

fn events(world: &World, token: &str) -> usize {
    let listed = get(world, token, "/api/v1/audit-logs?q=event_type:a.b")
        .expect(200)
        .json();
    listed["events"].as_array().expect("events").len()
}

#[test]
fn a_token_speaks_for_its_subject() {
    let world = world();
    let who = get(&world, &token("user_99"), "/api/v1/whoami").expect(200).json();
    assert_eq!(
        (&who["actor_id"], &who["sees"], &who["identified_by"]),
        (&json!("user_99"), &json!("own"), &json!("token"))
    );
    assert_eq!(events(&world, &token("user_99")), 1);
    assert_eq!(events(&world, &token("user_4")), 2, "a manager sees the team");
    // One connection for all of them, one after another.
    for _ in 0..10 {
        assert_eq!(events(&world, &token("user_17")), 1);
        assert_eq!(events(&world, &token("user_4")), 2);
    }
}

#[test]
fn a_login_role_of_the_principal_counts_when_the_authenticator_may_take_it() {
    let world = world();
    let mut client = world.superuser();
    client
        .batch_execute("SELECT auditlog.add_principal('ana', actor_id => 'user_7')")
        .expect("a principal");
    assert_eq!(
        events(&world, &token("user_7")),
        0,
        "the authenticator is no member of ana"
    );
    client.batch_execute("GRANT ana TO authenticator").expect("GRANT");
    assert_eq!(events(&world, &token("user_7")), 3);
    client.batch_execute("REVOKE ana FROM authenticator").expect("REVOKE");
    assert_eq!(events(&world, &token("user_7")), 0);
}

#[test]
fn other_tokens_are_refused() {
    let world = world();
    let good = json!({"iss": "idp", "aud": "audit", "sub": "user_17", "exp": now() + 600});
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let refused = [
        signed(8, &good),
        signed(7, &with("exp", json!(now() - 600))),
        signed(7, &with("aud", json!("other"))),
        signed(7, &with("iss", json!("other"))),
        signed(7, &with("sub", json!("nobody_known"))),
        "x.y.z".to_owned(),
        "a".repeat(7_000),
    ];
    for token in refused {
        let answer = get(&world, &token, "/api/v1/audit-logs");
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert!(!answer.text().contains(&token), "a refusal tells nothing of the token");
    }
    world
        .anonymous("GET", "/api/v1/whoami")
        .header("Authorization", "Digest x")
        .send()
        .expect(401);
}

#[test]
fn a_bearer_with_rights_changes_things() {
    let world = world();
    let mut client = world.superuser();
    client
        .batch_execute("SELECT auditlog.add_principal('adm', actor_id => 'user_8'); GRANT adm TO authenticator")
        .expect("a principal");
    let create = |token: &str| {
        let request = world
            .anonymous("POST", "/api/v1/alerts")
            .json(&json!({"name": "a", "condition": "event_type:x.y"}));
        request.header("Authorization", &format!("Bearer {token}")).send()
    };
    create(&token("user_99")).expect(403);
    create(&token("user_8")).expect(201);
    client.batch_execute("REVOKE adm FROM authenticator").expect("REVOKE");
    create(&token("user_8")).expect(403);
    // The database tells of the login, which is the authenticator's: see decision 37.
    let by: String = client
        .query_one("SELECT changed_by FROM auditlog.alerts", &[])
        .expect("the alert")
        .get(0);
    assert_eq!(by, "authenticator");
}
