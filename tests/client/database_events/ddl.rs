//! Definitions of objects.

use super::{assert_at, at, cluster, database, event, events, events_now, run};
use auditlog_testkit::refused::{refused, refused_with};
use serde_json::json;

#[test]
fn objects_are_created_altered_and_dropped() {
    let db = database();
    let mut admin = db.superuser();
    run(
        &mut admin,
        "CREATE TABLE orders (id serial PRIMARY KEY, note text DEFAULT 'x');
         ALTER TABLE orders ADD COLUMN amount numeric;
         COMMENT ON TABLE orders IS 'sales'",
    );
    let created = event(&mut admin, "event_type = 'ddl.create' AND resource_type = 'table'");
    assert_at(
        &created,
        &[
            ("resource.id", json!("public.orders")),
            ("actor.type", json!("user")),
            ("actor.id", json!("postgres")),
            ("action.operation", json!("create table")),
            ("action.status", json!("success")),
            ("severity", json!("notice")),
            ("metadata.object_kind", json!("ddl")),
            ("metadata.privileged", json!(true)),
            ("metadata.actor_role", json!("postgres")),
            // this statement alone of those that were sent together
            (
                "metadata.statement",
                json!("CREATE TABLE orders (id serial PRIMARY KEY, note text DEFAULT 'x')"),
            ),
        ],
    );
    assert_eq!(
        at(&created, "metadata.statement_digest").as_str().map(str::len),
        Some(64)
    );
    // sequence and index come with it
    let kinds: Vec<_> = events(&mut admin, 3, "event_type = 'ddl.create'")
        .iter()
        .map(|e| at(e, "resource.type").as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(kinds, ["sequence", "table", "index"]);
    let altered = event(&mut admin, "event_type = 'ddl.alter' AND operation = 'alter table'");
    assert_at(&altered, &[("resource.id", json!("public.orders"))]);
    event(&mut admin, "event_type = 'ddl.alter' AND operation = 'comment'");

    run(
        &mut admin,
        "CREATE VIEW v AS SELECT id FROM orders; DROP TABLE orders CASCADE",
    );
    let dropped = events_now(
        &mut admin,
        "event_type = 'ddl.drop' AND resource_type IN ('table', 'view')",
    );
    let of = |kind: &str| {
        let found = dropped.iter().find(|e| at(e, "resource.type") == &json!(kind));
        found.unwrap_or_else(|| panic!("{kind} in {dropped:#?}"))
    };
    assert_at(
        of("table"),
        &[
            ("resource.id", json!("public.orders")),
            ("severity", json!("warning")),
            ("metadata.cascade", json!(null)),
        ],
    );
    assert_at(
        of("view"),
        &[("resource.id", json!("public.v")), ("metadata.cascade", json!(true))],
    );
}

#[test]
fn nobody_else_speaks_for_the_database() {
    let db = database();
    let mut admin = db.superuser();
    let mut writer = db.writer();
    run(&mut admin, "CREATE TABLE real (id int)");
    let real = event(&mut admin, "event_type = 'ddl.create'");
    assert!(
        at(&real, "event_id")
            .as_str()
            .is_some_and(|id| id.starts_with("dbevt_")),
        "{real}"
    );
    let login = events_now(&mut admin, "event_type = 'authentication.login'");
    assert!(
        login
            .iter()
            .all(|e| at(e, "event_id").as_str().is_some_and(|id| id.starts_with("dbevt_")))
    );
    for sql in [
        r#"SELECT auditlog.record('{"event_type": "ddl.create", "event_id": "dbevt_forged"}'::jsonb)"#,
        "INSERT INTO auditlog.events (event_id, event_type) VALUES ('dbevt_forged', 'ddl.create')",
        r#"SELECT auditlog.record_batch('[{"event_type": "ddl.create", "event_id": "dbevt_forged"}]')"#,
    ] {
        refused_with(&mut writer, "42501", sql);
    }
    refused_with(
        &mut admin,
        "42501",
        "INSERT INTO auditlog_data.inbox_0 (event_id, event_type) VALUES ('dbevt_forged', 'ddl.create')",
    );
    // an id of one's own is not touched
    run(
        &mut writer,
        "INSERT INTO auditlog.events (event_id, event_type) VALUES ('dbe', 'ddl.create')",
    );
}

#[test]
fn kinds_of_objects_have_types_of_their_own() {
    let db = database();
    let mut admin = db.superuser();
    let role = db.login(&[]);
    run(
        &mut admin,
        "CREATE TABLE t (id int);
         CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2';
         CREATE OR REPLACE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION d() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
         CREATE FUNCTION c() RETURNS int LANGUAGE internal AS 'int4_sum';
         CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
         CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION tr();
         ALTER TABLE t DISABLE TRIGGER tr;
         ALTER TABLE t ENABLE ROW LEVEL SECURITY;
         CREATE POLICY p ON t USING (true);
         ALTER POLICY p ON t USING (false);
         DROP POLICY p ON t;
         CREATE EXTENSION citext;
         DROP EXTENSION citext",
    );
    run(
        &mut admin,
        &format!("ALTER TABLE t OWNER TO {role}; ALTER FUNCTION f() OWNER TO {role}"),
    );
    for (event_type, id, count) in [
        ("function.create", "public.f()", 1),
        ("function.replace", "public.f()", 1),
        ("function.create", "public.g()", 1),
        ("function.replace", "public.g()", 0),
        ("function.security_definer", "public.d()", 1),
        ("function.untrusted", "public.c()", 1),
        ("function.untrusted", "public.f()", 0),
        ("trigger.create", "tr on public.t", 1),
        ("trigger.disable", "public.t", 1),
        ("policy.modify", "public.t", 1),
        ("policy.create", "p on public.t", 1),
        ("policy.alter", "p on public.t", 1),
        ("policy.drop", "p on public.t", 1),
        ("extension.create", "citext", 1),
        ("extension.drop", "citext", 1),
        ("owner.change", "public.t", 1),
        ("owner.change", "public.f()", 1),
        ("ddl.alter", "public.t", 0),
        // what a script of an extension makes is not told one by one
        ("ddl.create", "public.citext", 0),
    ] {
        let condition = format!("event_type = '{event_type}' AND resource_id = '{id}'");
        assert_eq!(events_now(&mut admin, &condition).len(), count, "{condition}");
    }
    let owner = event(&mut admin, "event_type = 'owner.change' AND resource_type = 'table'");
    assert_at(&owner, &[("metadata.new_owner", json!(role))]);
}

#[test]
fn temporary_objects_and_rolled_back_ones_leave_nothing() {
    let db = database();
    let mut admin = db.superuser();
    run(
        &mut admin,
        "CREATE TEMPORARY TABLE scratch (id int); DROP TABLE scratch;
         BEGIN; CREATE TABLE gone (id int); ROLLBACK",
    );
    assert_eq!(events_now(&mut admin, "event_type LIKE 'ddl.%'").len(), 0);
}

/// V-233552, V-233555, V-233570: attempts that fail are recorded, whatever becomes of the transaction.
#[test]
fn failed_attempts_survive_the_rollback() {
    let db = database();
    let mut admin = db.superuser();
    run(&mut admin, "CREATE TABLE owned (id int)");
    let role = db.login(&[]);
    let mut user = db.connect_as(&role);
    refused_with(&mut user, "42501", "DROP TABLE owned");
    refused_with(&mut user, "42501", "ALTER TABLE owned ADD COLUMN x int");
    refused_with(&mut user, "42501", "CREATE TABLE pg_catalog.forged (id int)");
    let dropped = event(&mut admin, "event_type = 'ddl.drop' AND status = 'denied'");
    assert_at(
        &dropped,
        &[
            ("actor.id", json!(role)),
            ("severity", json!("warning")),
            ("metadata.sqlstate", json!("42501")),
            ("metadata.error", json!("must be owner of table owned")),
            ("metadata.statement", json!("DROP TABLE owned")),
            ("metadata.object_kind", json!("ddl")),
            ("metadata.privileged", json!(false)),
        ],
    );
    event(&mut admin, "event_type = 'ddl.alter' AND status = 'denied'");
    event(&mut admin, "event_type = 'ddl.create' AND status = 'denied'");
    // one event for one refusal
    assert_eq!(events_now(&mut admin, "event_type = 'access.denied'").len(), 0);
    // the provenance is that of the session, not of the process that recorded it
    let sql = format!("SELECT count(*) FROM auditlog.events WHERE status = 'denied' AND db_session_user = '{role}'");
    assert_eq!(auditlog_testkit::log::scalar(&mut admin, &sql), 3);

    // caught within a function, so that nobody is told of it
    run(
        &mut user,
        "DO $$ BEGIN BEGIN DROP TABLE owned; EXCEPTION WHEN OTHERS THEN NULL; END; END $$",
    );
    let caught = event(&mut admin, "event_type = 'ddl.drop' AND status = 'failed'");
    assert_at(&caught, &[("metadata.statement", json!("DROP TABLE owned"))]);
    refused(&mut user, "BEGIN; CREATE TABLE a (id int); SELECT 1/0");
}

#[test]
fn databases_are_objects_too() {
    let db = database();
    let mut admin = db.superuser();
    run(&mut admin, "CREATE DATABASE made_here");
    run(&mut admin, "ALTER DATABASE made_here CONNECTION LIMIT 5");
    run(&mut admin, "ALTER DATABASE made_here RENAME TO renamed_here");
    run(&mut admin, "DROP DATABASE renamed_here");
    refused(&mut admin, "DROP DATABASE renamed_here");
    for (event_type, id, status) in [
        ("ddl.create", "made_here", "success"),
        ("ddl.drop", "renamed_here", "success"),
        ("ddl.drop", "renamed_here", "failed"),
    ] {
        let condition = format!("event_type = '{event_type}' AND resource_id = '{id}' AND status = '{status}'");
        assert_at(&event(&mut admin, &condition), &[("resource.type", json!("database"))]);
    }
    let renamed = events(&mut admin, 2, "event_type = 'ddl.alter' AND resource_id = 'made_here'").remove(1);
    assert_at(&renamed, &[("changes.after.name", json!("renamed_here"))]);
}

#[test]
fn an_event_that_cannot_be_recorded_fails_the_statement() {
    let db = database();
    let mut admin = db.superuser();
    run(&mut admin, "CREATE TABLE before (id int)");
    // a read-only standby of the log does not exist here; what stops an inbox is a lock that nobody gives back
    let mut blocker = db.superuser();
    run(
        &mut blocker,
        "BEGIN; LOCK TABLE auditlog_data.inbox_0, auditlog_data.inbox_1, auditlog_data.inbox_2, auditlog_data.inbox_3",
    );
    run(&mut admin, "SET lock_timeout = '200ms'");
    refused_with(&mut admin, "55P03", "CREATE TABLE after (id int)");
    run(&mut blocker, "ROLLBACK");
    let found = auditlog_testkit::log::scalar(&mut admin, "SELECT count(*) FROM pg_class WHERE relname = 'after'");
    assert_eq!(found, 0);
}

/// A dump that is loaded into a database of a server that captures everything.
#[test]
fn a_dump_still_loads() {
    let db = database();
    let mut admin = db.superuser();
    run(
        &mut admin,
        "CREATE TABLE kept (id int); INSERT INTO auditlog.events (event_type) SELECT 'a.b' FROM generate_series(1, 5)",
    );
    auditlog_testkit::log::wait_sealed(&mut admin);
    run(&mut cluster().connect("postgres"), "CREATE DATABASE loaded");
    cluster().dump_into(db.name(), cluster(), "loaded");
    let mut copy = cluster().connect("loaded");
    assert_eq!(events(&mut copy, 5, "event_type = 'a.b'").len(), 5);
    auditlog_testkit::log::wait_sealed(&mut copy);
    assert_eq!(auditlog_testkit::log::verify(&mut copy), []);
}
