//! `auditlog.authenticate`: whom a token names, and for how long.

use super::people::People;
use auditlog_testkit::log::{scalar, text};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::time::{SystemTime, UNIX_EPOCH};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn jwks(seed: u8) -> String {
    let x = BASE64.encode(key(seed).verifying_key().as_bytes());
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": format!("k{seed}"), "x": x}]}).to_string()
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}

fn signed(seed: u8, claims: &Value) -> String {
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": format!("k{seed}")});
    let message = format!(
        "{}.{}",
        BASE64.encode(header.to_string()),
        BASE64.encode(claims.to_string())
    );
    let signature = key(seed).sign(message.as_bytes());
    format!("{message}.{}", BASE64.encode(signature.to_bytes()))
}

fn token(subject: &str) -> String {
    signed(
        7,
        &json!({"iss": "idp", "aud": "audit", "sub": subject, "exp": now() + 600}),
    )
}

/// People, and an application's login that is nobody itself.
fn with_keys() -> (People, Client) {
    let people = People::new();
    let set = format!("SELECT auditlog.set_token_keys('{}', 'idp', 'audit')", jwks(7));
    people.db.superuser().batch_execute(&set).expect("set_token_keys()");
    let pool = people.login(&["user"]);
    let client = people.db.connect_as(&pool);
    (people, client)
}

const COUNT: &str = "SELECT count(*) FROM auditlog.events";
const WHO: &str = "SELECT concat_ws(' ', actor_id, sees, identified_by) FROM auditlog.whoami()";

fn authenticate(client: &mut Client, token: &str) {
    client
        .query_one("SELECT auditlog.authenticate($1)", &[&token])
        .unwrap_or_else(|e| panic!("authenticate(): {e:?}"));
}

#[test]
fn a_token_counts_until_the_transaction_ends() {
    let (people, mut client) = with_keys();
    assert_eq!(scalar(&mut client, COUNT), 0);
    for end in ["COMMIT", "ROLLBACK", "PREPARE TRANSACTION 'p'"] {
        client.batch_execute("BEGIN").expect("BEGIN");
        authenticate(&mut client, &token("ann"));
        assert_eq!(scalar(&mut client, COUNT), 2);
        assert_eq!(text(&mut client, WHO), "ann own token");
        assert_eq!(
            scalar(
                &mut client,
                "SELECT count(*) FROM auditlog.events WHERE actor_id <> 'ann'"
            ),
            0
        );
        client.batch_execute(end).expect(end);
        assert_eq!(scalar(&mut client, COUNT), 0, "{end}");
        assert_eq!(text(&mut client, WHO), "nothing", "{end}");
    }
    people
        .db
        .superuser()
        .batch_execute("ROLLBACK PREPARED 'p'")
        .expect("ROLLBACK PREPARED");
    // without a transaction block it is gone with the statement
    authenticate(&mut client, &token("ann"));
    assert_eq!(scalar(&mut client, COUNT), 0);
    // after an error as well
    client.batch_execute("BEGIN").expect("BEGIN");
    authenticate(&mut client, &token("ann"));
    client.batch_execute("SELECT 1/0").expect_err("an error");
    client.batch_execute("ROLLBACK").expect("ROLLBACK");
    assert_eq!(scalar(&mut client, COUNT), 0);
}

#[test]
fn a_savepoint_that_is_rolled_back_takes_its_token_along() {
    let (_people, mut client) = with_keys();
    let who = |client: &mut Client| text(client, "SELECT coalesce(actor_id, '-') FROM auditlog.whoami()");
    client.batch_execute("BEGIN; SAVEPOINT a").expect("BEGIN");
    authenticate(&mut client, &token("ann"));
    client.batch_execute("SAVEPOINT b").expect("SAVEPOINT");
    authenticate(&mut client, &token("bob"));
    client.batch_execute("SAVEPOINT c").expect("SAVEPOINT");
    authenticate(&mut client, &token("eve"));
    assert_eq!(who(&mut client), "eve");
    client.batch_execute("RELEASE c").expect("RELEASE");
    assert_eq!(who(&mut client), "eve");
    client.batch_execute("ROLLBACK TO b").expect("ROLLBACK TO");
    assert_eq!(who(&mut client), "ann");
    client.batch_execute("RELEASE b").expect("RELEASE");
    authenticate(&mut client, &token("bob"));
    assert_eq!(who(&mut client), "bob");
    client.batch_execute("ROLLBACK TO a").expect("ROLLBACK TO");
    assert_eq!(who(&mut client), "-");
    assert_eq!(scalar(&mut client, COUNT), 0);
    // in a block of plpgsql that fails
    client
        .batch_execute(&format!(
            "DO $$ BEGIN PERFORM auditlog.authenticate('{}'); RAISE 'failed'; EXCEPTION WHEN raise_exception THEN NULL; END $$",
            token("ann")
        ))
        .expect("DO");
    assert_eq!(who(&mut client), "-");
}

#[test]
fn every_statement_asks_anew() {
    let (_people, mut client) = with_keys();
    client
        .batch_execute("PREPARE p AS SELECT string_agg(DISTINCT actor_id, ' ') FROM auditlog.events; SET plan_cache_mode = force_generic_plan")
        .expect("PREPARE");
    client.batch_execute("BEGIN").expect("BEGIN");
    for actor in ["ann", "bob", "ann", "eve"] {
        authenticate(&mut client, &token(actor));
        assert_eq!(text(&mut client, "EXECUTE p"), actor);
        assert_eq!(
            text(&mut client, "SELECT DISTINCT actor_id FROM auditlog.search()"),
            actor
        );
    }
    // a cursor goes on as whom it began
    client
        .batch_execute("DECLARE c CURSOR FOR SELECT DISTINCT actor_id FROM auditlog.events; MOVE 0 FROM c; COMMIT")
        .expect("a cursor");
}

#[test]
fn no_sql_says_who_one_is() {
    let (people, mut client) = with_keys();
    for sql in [
        "SET auditlog.identity = 'ann'",
        "SELECT set_config('auditlog.actor_id', 'ann', true)",
        "SELECT auditlog_data.my_actor_id()",
        "UPDATE auditlog.principals SET role_name = current_user WHERE actor_id = 'ann'",
        "SELECT auditlog.add_principal(current_user, 'ann2')",
        "SELECT auditlog.set_token_keys(NULL)",
        "SET auditlog.jwks_file = '/tmp/keys'",
        "SET auditlog.jwt_issuer = 'me'",
        "SELECT * FROM auditlog.token_keys",
    ] {
        let error = client.batch_execute(sql).expect_err(sql);
        let code = error.code().map(|code| code.code().to_owned()).unwrap_or_default();
        // 42602: the prefix auditlog is reserved
        assert!(["42501", "42602"].contains(&code.as_str()), "{sql}: {error:?}");
    }
    // what applications set for the events that they record is no identity
    client
        .batch_execute("SELECT set_config('request.jwt.claims', '{\"sub\": \"ann\"}', false); SET auditlog.context = '{\"actor\": {\"id\": \"ann\"}}'")
        .expect("settings");
    assert_eq!(scalar(&mut client, COUNT), 0);
    // a role does not become another one because a token was taken
    client.batch_execute("BEGIN").expect("BEGIN");
    authenticate(&mut client, &token("mia"));
    assert_eq!(
        text(&mut client, WHO),
        "mia own token",
        "a user, whatever the principal manages"
    );
    client.batch_execute("COMMIT").expect("COMMIT");
    let manager = people.login(&["manager"]);
    let mut client = people.db.connect_as(&manager);
    client.batch_execute("BEGIN").expect("BEGIN");
    authenticate(&mut client, &token("mia"));
    assert_eq!(
        text(
            &mut client,
            "SELECT string_agg(DISTINCT actor_id, ' ' ORDER BY actor_id) FROM auditlog.events"
        ),
        "ann bob mia"
    );
}

#[test]
fn bad_tokens_are_refused_and_not_repeated() {
    let (people, mut client) = with_keys();
    let claims = |change: fn(&mut Value)| {
        let mut claims = json!({"iss": "idp", "aud": "audit", "sub": "ann", "exp": now() + 600});
        change(&mut claims);
        claims
    };
    for (token, detail) in [
        (signed(8, &claims(|_| ())), "None of the keys is the one that it names."),
        (signed(7, &claims(|c| c["exp"] = json!(now() - 60))), "It has expired."),
        (
            signed(7, &claims(|c| c["nbf"] = json!(now() + 60))),
            "It is not valid yet.",
        ),
        (
            signed(7, &claims(|c| c["iss"] = json!("other"))),
            "It is from another issuer.",
        ),
        (
            signed(7, &claims(|c| c["aud"] = json!("other"))),
            "It is for another audience.",
        ),
        (
            signed(7, &claims(|c| c["sub"] = json!("zoe"))),
            "The token is good, but nobody has said who its subject is.",
        ),
        (
            signed(7, &claims(|c| c["tenant"] = json!("acme"))),
            "The token is good, but nobody has said who its subject is.",
        ),
        (token("ann").replace(".", ".x"), "Its signature does not fit."),
        ("secret".repeat(9), "It is not a JSON Web Token."),
    ] {
        let error = client
            .query("SELECT auditlog.authenticate($1)", &[&token])
            .expect_err("a bad token");
        let error = error.as_db_error().expect("an error of the server").clone();
        assert_eq!((error.code().code(), error.detail()), ("28000", Some(detail)));
        let shown = format!("{error:?}");
        assert!(
            !shown.contains(&token) && !shown.contains(token.rsplit('.').next().expect("a part")),
            "{shown}"
        );
        assert!(error.hint().is_some());
    }
    refused_with(&mut client, "22004", "SELECT auditlog.authenticate(NULL)");
    assert_eq!(scalar(&mut client, COUNT), 0);
    // keys that are taken away count no more, and neither does who is no principal any more
    let mut admin = people.db.superuser();
    client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .expect("BEGIN");
    authenticate(&mut client, &token("ann"));
    assert_eq!(scalar(&mut client, COUNT), 2);
    admin
        .batch_execute("SELECT auditlog.drop_principal('ann'), auditlog.set_token_keys(NULL)")
        .expect("drop_principal()");
    assert_eq!(scalar(&mut client, COUNT), 0);
    let error = client
        .query("SELECT auditlog.authenticate($1)", &[&token("bob")])
        .expect_err("no keys");
    assert_eq!(error.code().map(|code| code.code()), Some("55000"));
}

#[test]
fn changes_of_keys_are_events_and_private_keys_stay_out() {
    let (people, _client) = with_keys();
    let mut admin = people.db.superuser();
    let told = "SELECT concat_ws(' ', event_type, operation, before, after ->> 'key_ids', after ->> 'issuer')
        FROM auditlog.events WHERE operation = 'set_token_keys' ORDER BY recorded_at DESC LIMIT 1";
    assert_eq!(
        text(&mut admin, told),
        "auditlog.principal_change set_token_keys [\"k7\"] idp"
    );
    let private = jwks(7).replace("\"x\"", "\"d\": \"AAAA\", \"x\"");
    for (keys, rest) in [
        (private.as_str(), "'idp', 'audit'"),
        ("{\"keys\": []}", "'idp', 'audit'"),
        ("no", "'idp', 'audit'"),
        (&jwks(7), "'idp'"),
        (&jwks(7), "'idp', ' '"),
    ] {
        let error = refused_with(
            &mut admin,
            "22023",
            &format!("SELECT auditlog.set_token_keys('{keys}', {rest})"),
        );
        assert!(error.hint().is_some() && error.detail().is_some());
    }
    auditlog_testkit::log::wait_sealed(&mut admin);
    for sql in [
        "UPDATE auditlog_data.token_keys SET issuer = 'me'",
        "DELETE FROM auditlog_data.token_keys",
        "TRUNCATE auditlog_data.token_keys",
        "INSERT INTO auditlog_data.token_keys (jwks, issuer, audience, set_by) VALUES ('', '', '', '')",
    ] {
        refused_with(&mut admin, "42501", sql);
    }
}

#[test]
fn keys_may_come_from_a_file_that_a_superuser_names() {
    let (people, mut client) = with_keys();
    let mut admin = people.db.superuser();
    let path = format!("/tmp/pgal-jwks-{}-{}.json", std::process::id(), people.db.name());
    std::fs::write(&path, jwks(9)).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("its mode");
    let set = |admin: &mut Client, name: &str, value: &str| {
        admin
            .batch_execute(&format!(
                "ALTER DATABASE {} SET auditlog.{name} = '{value}'",
                people.db.name()
            ))
            .expect("ALTER DATABASE");
    };
    set(&mut admin, "jwks_file", &path);
    let reconnect = |client: &mut Client| *client = people.db.connect_as(&people.login(&["user"]));
    let by_file = signed(9, &json!({"iss": "file", "aud": "a", "sub": "ann", "exp": now() + 600}));
    reconnect(&mut client);
    let attempt = |client: &mut Client, token: &str| -> String {
        match client.query_one("SELECT auditlog.authenticate($1)", &[&token]) {
            Ok(row) => row.get(0),
            Err(e) => e.code().map(|code| code.code().to_owned()).unwrap_or_default(),
        }
    };
    assert_eq!(
        attempt(&mut client, &by_file),
        "55000",
        "issuer and audience are not set"
    );
    set(&mut admin, "jwt_issuer", "file");
    set(&mut admin, "jwt_audience", "a");
    reconnect(&mut client);
    assert_eq!(attempt(&mut client, &by_file), "ann");
    assert_eq!(
        attempt(&mut client, &token("ann")),
        "28000",
        "the keys of the table do not count beside a file"
    );
    let shown = client
        .query_one("SHOW auditlog.jwks_file", &[])
        .expect_err("not for everybody");
    assert_eq!(shown.code().map(|code| code.code()), Some("42501"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).expect("its mode");
    assert_eq!(attempt(&mut client, &by_file), "55000", "anybody may write it");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("its mode");
    std::fs::write(&path, "{}").expect("a file");
    assert_eq!(attempt(&mut client, &by_file), "55000", "no keys in it");
    std::fs::remove_file(&path).expect("the file");
    assert_eq!(attempt(&mut client, &by_file), "55000", "no file");
}

#[test]
fn the_same_id_in_two_tenants_is_two_people() {
    let (people, mut client) = with_keys();
    let mut admin = people.db.superuser();
    admin
        .batch_execute(
            "SELECT auditlog.add_principal(actor_id => 'kim', tenant => t) FROM unnest(ARRAY['acme', 'umbrella']) AS t;
             INSERT INTO auditlog.events (event_id, event_type, actor_id, tenant) VALUES
               ('k1', 'a.b', 'kim', 'acme'), ('k2', 'a.b', 'kim', 'umbrella'), ('k3', 'a.b', 'kim', NULL), ('k4', 'a.b', 'ann', 'acme')",
        )
        .expect("two tenants");
    let of = |tenant: &str| {
        signed(
            7,
            &json!({"iss": "idp", "aud": "audit", "sub": "kim", "tenant": tenant, "exp": now() + 600}),
        )
    };
    let seen = "SELECT string_agg(event_id, ' ' ORDER BY event_id) FROM auditlog.events";
    for (tenant, expected) in [("acme", "k1"), ("umbrella", "k2")] {
        client.batch_execute("BEGIN").expect("BEGIN");
        authenticate(&mut client, &of(tenant));
        assert_eq!(text(&mut client, seen), expected);
        assert_eq!(
            text(&mut client, "SELECT string_agg(event_id, ' ') FROM auditlog.search()"),
            expected
        );
        assert_eq!(
            text(&mut client, "SELECT string_agg(event_id, ' ') FROM auditlog.my_events"),
            expected
        );
        client.batch_execute("COMMIT").expect("COMMIT");
    }
    let error = client.query("SELECT auditlog.authenticate($1)", &[&token("kim")]);
    assert_eq!(
        error.expect_err("of which tenant?").code().map(|code| code.code()),
        Some("28000")
    );
    // one without a tenant sees its events in all of them
    client.batch_execute("BEGIN").expect("BEGIN");
    authenticate(&mut client, &token("ann"));
    assert_eq!(text(&mut client, seen), "e-ann-1 e-ann-2 k4");
}
