//! The context of a transaction: who the application says is acting, and where that never leaks to.

use crate::support::{assert_contained, document_of};
use auditlog_testkit::log::{count_events, scalar, text};
use auditlog_testkit::postgres::{Client, Config, NoTls};
use auditlog_testkit::{Cluster, Database, Options};
use serde_json::{Value, json};

const EVENT: &str = r#"SELECT auditlog.record('{"event_type": "a.b"}'::jsonb)"#;

fn record(client: &mut Client) -> String {
    client.query_one(EVENT, &[]).expect("record()").get(0)
}

/// The actor's id in the event, or "none".
fn actor(admin: &mut Client, id: &str) -> String {
    document_of(admin, id)
        .pointer("/actor/id")
        .and_then(Value::as_str)
        .unwrap_or("none")
        .to_owned()
}

#[test]
fn context_fills_what_the_event_lacks_and_nothing_else() {
    let db = Database::new();
    let mut writer = db.writer();
    let mut t = writer.transaction().expect("BEGIN");
    t.batch_execute(
        r#"SELECT auditlog.set_context('{"actor": {"type": "user", "id": "alice", "email": "a@x.org", "ip_address": "10.1.2.3",
             "session_id": "s1", "roles": ["r"]}, "tenant": "acme", "metadata": {"request_id": "req-1"},
             "resource": {"region": "eu"}}')"#,
    )
    .expect("set_context()");
    let plain: String = t.query_one(EVENT, &[]).expect("record()").get(0);
    let own: String = t
        .query_one(
            r#"SELECT auditlog.record('{"event_type": "a.b", "actor": {"id": "robot"}, "tenant": "other", "metadata": {"request_id": "req-2"}}'::jsonb)"#,
            &[],
        )
        .expect("record()")
        .get(0);
    t.batch_execute(
        "INSERT INTO auditlog.events (event_id, event_type, actor_id) VALUES ('by-insert', 'a.b', 'carol')",
    )
    .expect("INSERT");
    t.commit().expect("COMMIT");
    let mut admin = db.superuser();
    assert_contained(
        &json!({"actor": {"type": "user", "id": "alice", "email": "a@x.org", "ip_address": "10.1.2.3", "session_id": "s1", "roles": ["r"]},
                "tenant": "acme", "metadata": {"request_id": "req-1"}, "resource": {"region": "eu"}}),
        &document_of(&mut admin, &plain),
    );
    assert_contained(
        &json!({"actor": {"id": "robot"}, "tenant": "other", "metadata": {"request_id": "req-2"}, "resource": {"region": "eu"}}),
        &document_of(&mut admin, &own),
    );
    assert_eq!(
        document_of(&mut admin, &own).pointer("/actor/email"),
        None,
        "somebody else's address"
    );
    assert_contained(
        &json!({"actor": {"id": "carol"}, "tenant": "acme"}),
        &document_of(&mut admin, "by-insert"),
    );
}

#[test]
fn context_ends_with_its_transaction_as_behind_a_pooler() {
    let db = Database::new();
    let mut pooled = db.writer();
    let mut admin = db.superuser();
    for user in ["alice", "bob"] {
        let mut t = pooled.transaction().expect("BEGIN");
        t.batch_execute(&format!(
            r#"SELECT auditlog.set_context('{{"actor": {{"id": "{user}"}}}}')"#
        ))
        .expect("set_context()");
        let id: String = t.query_one(EVENT, &[]).expect("record()").get(0);
        t.commit().expect("COMMIT");
        assert_eq!(actor(&mut admin, &id), user);
        let id = record(&mut pooled);
        assert_eq!(actor(&mut admin, &id), "none", "after {user}'s transaction");
    }
    // a transaction that fails, or that is rolled back, takes its context along
    let mut t = pooled.transaction().expect("BEGIN");
    t.batch_execute(r#"SELECT auditlog.set_context('{"actor": {"id": "mallory"}}')"#)
        .expect("set_context()");
    assert!(t.batch_execute("SELECT 1/0").is_err());
    drop(t);
    let id = record(&mut pooled);
    assert_eq!(actor(&mut admin, &id), "none");
    // outside a transaction block the context lasts for its own statement only
    pooled
        .batch_execute(r#"SELECT auditlog.set_context('{"actor": {"id": "eve"}}')"#)
        .expect("set_context()");
    let id = record(&mut pooled);
    assert_eq!(actor(&mut admin, &id), "none");
}

#[test]
fn context_goes_back_with_a_savepoint() {
    let db = Database::new();
    let mut writer = db.writer();
    let mut admin = db.superuser();
    let mut t = writer.transaction().expect("BEGIN");
    t.batch_execute(r#"SELECT auditlog.set_context('{"actor": {"id": "outer"}}')"#)
        .expect("set_context()");
    let mut s = t.savepoint("s").expect("SAVEPOINT");
    s.batch_execute(r#"SELECT auditlog.set_context('{"actor": {"id": "inner"}}')"#)
        .expect("set_context()");
    s.rollback().expect("ROLLBACK TO");
    let id: String = t.query_one(EVENT, &[]).expect("record()").get(0);
    t.batch_execute("SELECT auditlog.set_context(NULL)")
        .expect("NULL clears it");
    let cleared: String = t.query_one(EVENT, &[]).expect("record()").get(0);
    t.commit().expect("COMMIT");
    assert_eq!(actor(&mut admin, &id), "outer");
    assert_eq!(actor(&mut admin, &cleared), "none");
}

#[test]
fn settings_of_a_postgrest_gateway_are_context_too() {
    let db = Database::new();
    let mut writer = db.writer();
    let mut admin = db.superuser();
    let mut t = writer.transaction().expect("BEGIN");
    t.batch_execute(
        r#"SELECT set_config('request.jwt.claims', '{"sub": "user-7", "email": "u7@x.org", "session_id": "sess-7", "role": "web"}', true),
                  set_config('request.headers', '{"x-forwarded-for": "198.51.100.7, 10.0.0.1", "user-agent": "curl/8", "x-request-id": "rid-7"}', true)"#,
    )
    .expect("set_config()");
    let from_gateway: String = t.query_one(EVENT, &[]).expect("record()").get(0);
    t.batch_execute(r#"SELECT auditlog.set_context('{"actor": {"id": "explicit"}}')"#)
        .expect("set_context()");
    let explicit: String = t.query_one(EVENT, &[]).expect("record()").get(0);
    t.commit().expect("COMMIT");
    assert_contained(
        &json!({"actor": {"id": "user-7", "email": "u7@x.org", "session_id": "sess-7", "ip_address": "198.51.100.7", "user_agent": "curl/8"},
                "metadata": {"request_id": "rid-7"}}),
        &document_of(&mut admin, &from_gateway),
    );
    assert_contained(
        &json!({"actor": {"id": "explicit"}, "metadata": {"request_id": "rid-7"}}),
        &document_of(&mut admin, &explicit),
    );
    // the actor is one: the gateway's e-mail address isn't put to somebody else's id
    assert_eq!(document_of(&mut admin, &explicit).pointer("/actor/email"), None);
    // the settings stay behind as empty texts
    let id = record(&mut writer);
    assert_eq!(actor(&mut admin, &id), "none");
    // a broken gateway does not stop the audit
    for claims in ["not json", "[]", "7", "{\"sub\": 7}", "{\"sub\": null}"] {
        let before = count_events(&mut admin);
        let mut t = writer.transaction().expect("BEGIN");
        t.execute("SELECT set_config('request.jwt.claims', $1, true)", &[&claims])
            .expect("set_config()");
        t.batch_execute(EVENT)
            .unwrap_or_else(|e| panic!("claims {claims}: {e:?}"));
        t.commit().expect("COMMIT");
        assert_eq!(count_events(&mut admin), before + 1, "{claims}");
    }
}

#[test]
fn settings_that_come_into_being_meanwhile_hide_no_gateway() {
    let db = Database::new();
    let mut writer = db.writer();
    let mut admin = db.superuser();
    // each moves the places of those behind it in PostgreSQL 15's list of names
    let ids: Vec<(String, &str)> = [
        ("SELECT 1", "none"),
        ("SET aaa.first = 'x'", "none"),
        ("SET request.zzz = 'x'", "none"),
        (r#"SET "Request.JWT.Claims" = '{"sub": "one"}'"#, "one"),
        ("SET request.jwt.after = 'x'", "one"),
        ("SET request.a = 'x'; SET request.b = 'x'", "one"),
        (r#"SET request.jwt.claims = '{"sub": "two"}'"#, "two"),
        ("SET zzz.last = 'x'; SET Aab.c = 'x'", "two"),
        ("SET request.jwt.claims = ''", "none"),
        (r#"SET request.jwt.claims = '{"sub": "three"}'"#, "three"),
        ("DISCARD ALL", "none"),
        (r#"SET request.jwt.claims = '{"sub": "four"}'"#, "four"),
    ]
    .into_iter()
    .map(|(sql, expected)| {
        writer.batch_execute(sql).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        (record(&mut writer), expected)
    })
    .collect();
    for (id, expected) in ids {
        assert_eq!(actor(&mut admin, &id), expected);
    }
}

#[test]
fn the_databases_own_identity_stands_beside_the_claimed_actor() {
    let db = Database::new();
    let role = db.login(&["auditlog_writer"]);
    let mut client = db.connect_as(&role);
    client.batch_execute("SET application_name = 'billing'").expect("SET");
    let mut t = client.transaction().expect("BEGIN");
    t.batch_execute(r#"SELECT auditlog.set_context('{"actor": {"id": "postgres"}}')"#)
        .expect("set_context()");
    let id: String = t.query_one(EVENT, &[]).expect("record()").get(0);
    let xid: i64 = t
        .query_one("SELECT pg_current_xact_id()::text::bigint", &[])
        .expect("xid")
        .get(0);
    t.commit().expect("COMMIT");
    let mut admin = db.superuser();
    let row = admin
        .query_one(
            "SELECT actor_id, db_session_user, db_current_user, db_application, db_xid, db_client_addr IS NULL, recorded_at <= now()
             FROM auditlog.events WHERE event_id = $1",
            &[&id],
        )
        .expect("one event");
    assert_eq!(row.get::<_, String>(0), "postgres");
    assert_eq!(
        [row.get::<_, String>(1), row.get(2), row.get(3)],
        [role.clone(), role, "billing".to_owned()]
    );
    assert_eq!(row.get::<_, i64>(4), xid);
    assert!(row.get::<_, bool>(5) && row.get::<_, bool>(6));
}

#[test]
fn current_user_is_the_caller_and_not_the_owner_of_our_functions() {
    let db = Database::new();
    let role = db.login(&["auditlog_writer"]);
    let group = db.login(&["auditlog_writer"]);
    let mut admin = db.superuser();
    admin.batch_execute(&format!("GRANT {group} TO {role}")).expect("GRANT");
    let mut client = db.connect_as(&role);
    client.batch_execute(&format!("SET ROLE {group}")).expect("SET ROLE");
    record(&mut client);
    client
        .batch_execute("INSERT INTO auditlog.events (event_type) VALUES ('a.b')")
        .expect("INSERT");
    let users = "SELECT string_agg(DISTINCT db_session_user || ' as ' || db_current_user, ', ') FROM auditlog.events";
    assert_eq!(text(&mut admin, users), format!("{role} as {group}"));
    assert_eq!(count_events(&mut admin), 2);
}

#[test]
fn an_insert_cannot_forge_provenance_or_chain() {
    let db = Database::new();
    let role = db.login(&["auditlog_writer"]);
    let mut client = db.connect_as(&role);
    let mut admin = db.superuser();
    let mut accepted = 0;
    for (column, forged) in [
        ("db_session_user", "'postgres'"),
        ("db_current_user", "'postgres'"),
        ("db_client_addr", "'1.2.3.4'"),
        ("db_application", "'forged'"),
        ("db_xid", "7"),
        ("recorded_at", "'2001-01-01'"),
        ("sealed_at", "'2001-01-01'"),
        ("log_index", "999"),
        ("entry_hash", r"'\x00'"),
        ("prev_hash", r"'\x00'"),
        ("hash", r"'\x00'"),
        ("category", "'forged'"),
        ("retention_class", "'forged'"),
        ("salt", r"'\x00'"),
        ("redacted", "'{}'"),
        ("personal", "'{}'"),
    ] {
        let sql = format!(
            "INSERT INTO auditlog.events (event_type, actor_email, {column}) VALUES ('a.b', 'x@y.z', {forged})"
        );
        if let Err(error) = client.batch_execute(&sql) {
            let error = error.as_db_error().expect("an error of the server");
            assert!(["22023", "42501"].contains(&error.code().code()), "{column}: {error:?}");
            continue;
        }
        accepted += 1;
        let kept = format!("SELECT count(*) FROM auditlog.events WHERE {column} = {forged}");
        assert_eq!(scalar(&mut admin, &kept), 0, "{column} was forged");
    }
    let truth = format!(
        "SELECT count(*) FROM auditlog.events WHERE db_session_user = '{role}' AND db_current_user = '{role}' AND recorded_at > now() - '1h'::interval AND salt IS NOT NULL AND category <> 'forged'"
    );
    assert_eq!(scalar(&mut admin, &truth), accepted);
    auditlog_testkit::log::assert_intact(&mut admin, accepted);
}

#[test]
fn the_clients_address_is_the_databases_own_knowledge() {
    let cluster = Cluster::start(&Options {
        tcp: true,
        ..Options::default()
    });
    let mut admin = cluster.create_database_with_extension("audited");
    let mut client = Config::new()
        .host("127.0.0.1")
        .port(cluster.port())
        .user("postgres")
        .dbname("audited")
        .connect(NoTls)
        .expect("a TCP connection");
    client
        .batch_execute(
            r#"SELECT auditlog.record('{"event_type": "a.b", "actor": {"ip_address": "203.0.113.9"}}'::jsonb)"#,
        )
        .expect("record()");
    let addresses = "SELECT host(db_client_addr) || ' ' || host(actor_ip) FROM auditlog.events";
    assert_eq!(text(&mut admin, addresses), "127.0.0.1 203.0.113.9");
    auditlog_testkit::log::assert_intact(&mut admin, 1);
}
