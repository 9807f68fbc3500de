//! Bearers of JSON Web Tokens: what the extension finds in the token decides, and nothing else.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::World;

pub fn now() -> u64 {
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
    // The database tells of the login, which is the authenticator's: see decision 38.
    let by: String = client
        .query_one("SELECT changed_by FROM auditlog.alerts", &[])
        .expect("the alert")
        .get(0);
    assert_eq!(by, "authenticator");
}

#[test]
fn a_program_has_a_token_of_its_owners_as_far_as_its_scopes_reach() {
    let world = world();
    let made = |body: Value| {
        let answer = world.by("ann", "POST", "/api/v1/tokens").json(&body).send().expect(201);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.json()["token"].as_str().expect("a token").to_owned()
    };
    let narrow = made(json!({"name": "reader", "scopes": ["read"], "days": 1}));
    let wide = made(json!({"name": "everything"}));
    assert_eq!(events(&world, &narrow), 1, "ann's own");
    assert_eq!(events(&world, &wide), 1);
    let post = |token: &str, target: &str, body: Value| {
        let request = world.anonymous("POST", target).json(&body);
        request.header("Authorization", &format!("Bearer {token}")).send()
    };
    post(&narrow, "/api/v1/audit-logs/search", json!({"query": "a"})).expect(200);
    for (target, body) in [
        ("/api/v1/audit-logs/export", json!({"format": "ndjson"})),
        ("/api/v1/events", json!({"event_type": "x.y"})),
        ("/api/v1/tokens", json!({"name": "more"})),
    ] {
        let problem = post(&narrow, target, body).expect(403).json();
        assert_eq!(problem["detail"], "The token is not good for this.", "{target}");
    }
    post(&wide, "/api/v1/tokens", json!({"name": "more"})).expect(403);
    get(&world, &narrow, "/api/v1/tokens").expect(403);
    get(&world, &narrow, "/api/v1/whoami").expect(200);

    let listed = world.get("ann", "/api/v1/tokens").expect(200).json();
    let tokens = listed["items"].as_array().expect("tokens");
    assert_eq!(tokens.len(), 2);
    assert!(
        tokens
            .iter()
            .all(|token| token["token"].is_null() && token["state"] == "good")
    );
    assert!(narrow.starts_with(tokens[1]["prefix"].as_str().expect("a prefix")));
    // nobody else's, then at once
    let id = &tokens[1]["id"];
    world
        .by("mia", "DELETE", &format!("/api/v1/tokens/{id}"))
        .send()
        .expect(404);
    world
        .by("ann", "DELETE", &format!("/api/v1/tokens/{id}"))
        .send()
        .expect(204);
    get(&world, &narrow, "/api/v1/audit-logs").expect(401);
    assert_eq!(events(&world, &wide), 1);
    world
        .by("ann", "POST", "/api/v1/tokens")
        .json(&json!({"name": "x", "scopes": ["root"]}))
        .send()
        .expect(400);
}
