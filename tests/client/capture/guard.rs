//! Who may track what, and what the log says when somebody ends it.

use super::{captured, told};
use auditlog_testkit::log::{scalar, text};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, Database, LONG, Options, wait_until};

#[test]
fn only_tables_of_the_application_can_be_tracked() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "CREATE TABLE t (id int); CREATE VIEW v AS SELECT * FROM t; CREATE MATERIALIZED VIEW mv AS SELECT * FROM t;
             CREATE SEQUENCE s; CREATE INDEX i ON t (id); CREATE TEMP TABLE tt (id int);
             CREATE FOREIGN DATA WRAPPER w; CREATE SERVER f FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE ft (id int) SERVER f",
        )
        .expect("relations");
    for name in [
        "v",
        "mv",
        "s",
        "i",
        "tt",
        "ft",
        "pg_class",
        "pg_catalog.pg_authid",
        "auditlog.event_types",
        "auditlog.events",
        "auditlog_data.log",
        "auditlog_data.inbox_0",
        "auditlog_data.tracked_table",
    ] {
        let error = refused_with(&mut admin, "42809", &format!("SELECT auditlog.track('{name}')"));
        assert!(error.hint().is_some(), "{name}: {error:?}");
    }
    refused_with(&mut admin, "22004", "SELECT auditlog.track(NULL)");
    refused_with(&mut admin, "42P01", "SELECT auditlog.track('999999999')");
    refused_with(&mut admin, "42704", "SELECT auditlog.untrack('t')");
    refused_with(&mut admin, "25006", "BEGIN READ ONLY; SELECT auditlog.track('t')");
    admin.batch_execute("ROLLBACK").expect("ROLLBACK");
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM auditlog.tracked_tables"), 0);
}

#[test]
fn who_may_track() {
    let db = Database::new();
    let mut admin = db.superuser();
    let [owner, writer, auditor, nobody] = [
        &["auditlog_writer"][..],
        &["auditlog_writer"],
        &["auditlog_administrator"],
        &[],
    ]
    .map(|groups| db.login(groups));
    admin
        .batch_execute(&format!(
            "CREATE TABLE public.t (id int PRIMARY KEY, v int); ALTER TABLE public.t OWNER TO {owner};
             GRANT SELECT, INSERT, UPDATE ON public.t TO {writer}, {auditor}, {nobody}"
        ))
        .expect("CREATE TABLE");
    for role in [&writer, &auditor, &nobody] {
        refused_with(&mut db.connect_as(role), "42501", "SELECT auditlog.track('public.t')");
    }
    let mut client = db.connect_as(&owner);
    client
        .batch_execute("SELECT auditlog.track('public.t')")
        .expect("track()");
    // auditing is ended by administrators, and by them as the table's owner
    for role in [&owner, &writer, &auditor, &nobody] {
        refused_with(&mut db.connect_as(role), "42501", "SELECT auditlog.untrack('public.t')");
    }
    admin
        .batch_execute(&format!("GRANT {owner} TO {auditor}"))
        .expect("GRANT");
    let mut client = db.connect_as(&auditor);
    client
        .batch_execute(&format!("SET ROLE {owner}; RESET ROLE"))
        .expect("SET ROLE");
    client
        .batch_execute("SELECT auditlog.untrack('public.t')")
        .expect("untrack()");
    // the right TRIGGER is enough, as for CREATE TRIGGER
    admin
        .batch_execute(&format!("GRANT TRIGGER ON public.t TO {writer}"))
        .expect("GRANT");
    db.connect_as(&writer)
        .batch_execute("SELECT auditlog.track('public.t')")
        .expect("track()");
    // but not to change what is tracked already
    refused_with(
        &mut db.connect_as(&writer),
        "42501",
        "SELECT auditlog.track('public.t', '{v}')",
    );
    // nobody names the function, or changes the list, by himself
    for role in [&owner, &auditor, &writer] {
        let mut client = db.connect_as(role);
        refused_with(
            &mut client,
            "42501",
            "CREATE TABLE pg_temp.x (id int); CREATE TRIGGER x AFTER INSERT ON pg_temp.x FOR EACH ROW EXECUTE FUNCTION auditlog_data.capture()",
        );
        refused_with(&mut client, "42501", "DELETE FROM auditlog_data.tracked_table");
    }
    for sql in [
        "DELETE FROM auditlog_data.tracked_table",
        "UPDATE auditlog_data.tracked_table SET rules = '[]'",
        "TRUNCATE auditlog_data.tracked_table",
    ] {
        refused_with(&mut admin, "42501", sql);
    }
    let events = told(&mut admin);
    assert_eq!(events.len(), 3, "{events:?}");
}

#[test]
fn tracking_is_itself_recorded() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            r#"CREATE TABLE t (id int PRIMARY KEY, v int, s text);
             SELECT auditlog.track('t', '{v}');
             SELECT auditlog.track('t', mask => '{"s": "hash"}', only_if => 'id > 0', event_prefix => 'x');
             SELECT auditlog.untrack('t')"#,
        )
        .expect("track()");
    let plain = r#"{"mask": {}, "only_if": null, "event_prefix": null, "ignore_columns": ["v"]}"#;
    let masked = r#"{"mask": {"s": "hash"}, "only_if": "id > 0", "event_prefix": "x", "ignore_columns": []}"#;
    assert_eq!(
        told(&mut admin),
        [
            format!("track public.t notice → {plain}"),
            format!("track public.t warning {plain} → {masked}"),
            format!("untrack public.t warning {masked} →"),
        ]
    );
    // nobody else may say so
    refused_with(&mut admin, "42501", "SELECT auditlog.record('auditlog.policy_change')");
}

#[test]
fn what_ends_the_capture_leaves_a_trace() {
    let db = Database::new();
    let mut admin = db.superuser();
    let owner = db.login(&["auditlog_writer"]);
    admin
        .batch_execute(&format!("CREATE SCHEMA app AUTHORIZATION {owner}"))
        .expect("CREATE SCHEMA");
    let mut client = db.connect_as(&owner);
    client
        .batch_execute(
            "SET search_path = app;
             CREATE TABLE t (id int PRIMARY KEY, flag bool); SELECT auditlog.track('t', only_if => 'flag');
             CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p DEFAULT; SELECT auditlog.track('p')",
        )
        .expect("track()");
    let mut seen = told(&mut admin).len();
    let mut after = |client: &mut auditlog_testkit::postgres::Client, sql: &str, expected: &[&str]| {
        client.batch_execute(sql).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        let all = told(&mut admin);
        assert_eq!(all[seen..], *expected, "{sql}");
        seen = all.len();
    };
    let disabled = r#"{"state": "disabled"}"#;
    let enabled = r#"{"state": "enabled"}"#;
    let missing = r#"{"state": "missing"}"#;
    let weakened = r#"{"state": "weakened"}"#;
    let changed = |table: &str, severity: &str, from: &str, to: &str| {
        format!("capture_state app.{table} {severity} {from} → {to}")
    };
    after(
        &mut client,
        "ALTER TABLE t DISABLE TRIGGER ALL",
        &[&changed("t", "warning", enabled, disabled)],
    );
    after(
        &mut client,
        "ALTER TABLE t ENABLE TRIGGER ALL",
        &[&changed("t", "warning", disabled, weakened)],
    );
    after(
        &mut client,
        "SELECT auditlog.track('t', only_if => 'flag')",
        &[
            r#"track app.t warning {"mask": {}, "only_if": "flag", "event_prefix": null, "ignore_columns": []} → {"mask": {}, "only_if": "flag", "event_prefix": null, "ignore_columns": []}"#,
        ],
    );
    after(
        &mut client,
        r#"DROP TRIGGER "00_auditlog_delete" ON t"#,
        &[&changed("t", "warning", enabled, missing)],
    );
    after(
        &mut client,
        "SELECT auditlog.track('t')",
        &[
            r#"track app.t warning {"mask": {}, "only_if": "flag", "event_prefix": null, "ignore_columns": []} → {"mask": {}, "only_if": null, "event_prefix": null, "ignore_columns": []}"#,
        ],
    );
    after(
        &mut client,
        r#"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
           CREATE OR REPLACE TRIGGER "00_auditlog_update" AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()"#,
        &[&changed("t", "warning", enabled, missing)],
    );
    after(
        &mut client,
        "ALTER TABLE p1 DISABLE TRIGGER \"00_auditlog_insert\"",
        &[&changed("p", "warning", enabled, disabled)],
    );
    after(
        &mut client,
        "ALTER TABLE p1 ENABLE ALWAYS TRIGGER \"00_auditlog_insert\"",
        &[&changed("p", "notice", disabled, enabled)],
    );
    after(&mut client, "BEGIN; ALTER TABLE p DISABLE TRIGGER USER; ROLLBACK", &[]);
    after(&mut client, "DROP TABLE t", &["drop_table app.t warning →"]);
    after(
        &mut client,
        "CREATE TABLE other (id int); ALTER TABLE other ADD COLUMN v int; DROP TABLE other",
        &[],
    );
    drop(client);
    let mut admin = db.superuser();
    admin
        .batch_execute("SET client_min_messages = error; DROP SCHEMA app CASCADE")
        .expect("DROP SCHEMA");
    let mut last = told(&mut admin).split_off(seen);
    last.sort();
    assert_eq!(last, ["drop_partition app.p1 warning →", "drop_table app.p warning →"]);
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM auditlog.tracked_tables"), 0);
    assert_eq!(
        scalar(
            &mut admin,
            "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.policy_change' AND actor_id IS NULL"
        ),
        0
    );
    assert_eq!(captured(&mut admin), []);
}

/// A superuser can go round the event triggers; the publisher compares what protects the capture.
#[test]
fn a_superuser_who_switches_it_off_is_told_of() {
    let cluster = Cluster::start(&Options::default().set("auditlog.checkpoint_interval", "1"));
    let mut admin = cluster.create_database_with_extension("audited");
    admin
        .batch_execute("CREATE TABLE t (id int PRIMARY KEY); SELECT auditlog.track('t'); INSERT INTO t VALUES (1)")
        .expect("track()");
    let changed = "SELECT count(*) FROM auditlog.events WHERE operation = 'protection_change' AND extra #>> '{metadata,changed}' = '[\"capture\"]'";
    wait_until("the protection is known", LONG, || {
        scalar(
            &mut admin,
            "SELECT count(*) FROM auditlog_data.publisher WHERE protection ? 'capture'",
        ) == 1
    });
    let before = scalar(&mut admin, changed);
    for state in ["D", "A"] {
        cluster
            .connect("audited")
            .batch_execute(&format!(
                "UPDATE pg_trigger SET tgenabled = '{state}' WHERE tgrelid = 't'::regclass"
            ))
            .expect("a superuser may");
    }
    wait_until("it is told of", LONG, || scalar(&mut admin, changed) > before);
    // and health() says while it lasts
    let health = "SELECT status FROM auditlog.health() WHERE \"check\" = 'capture'";
    assert_eq!(text(&mut admin, health), "ok");
    admin
        .batch_execute("UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid = 't'::regclass")
        .expect("a superuser may");
    assert_eq!(text(&mut admin, health), "warning");
}
