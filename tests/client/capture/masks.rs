//! Masks, and conditions on rows.

use super::{captured, lines};
use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, Database, Options};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;

#[test]
fn masked_values_are_nowhere_in_the_log() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            r#"CREATE TABLE person (ssn text PRIMARY KEY, email text, password text, note text, n int);
             SELECT auditlog.track('person', mask => '{"ssn": "hash", "email": "hash", "password": "drop", "note": "redact"}');
             INSERT INTO person VALUES ('secret-1', 'secret-2', 'secret-3', 'secret-4', 1);
             UPDATE person SET email = 'secret-5', note = NULL, n = 2;
             UPDATE person SET password = 'secret-6';
             UPDATE person SET email = 'secret-2';
             DELETE FROM person;
             INSERT INTO person VALUES ('secret-7', NULL, NULL, NULL, 1)"#,
        )
        .expect("writes");
    let found = captured(&mut admin);
    let hash = |value: &serde_json::Value| {
        let text = value.as_str().expect("a text").to_owned();
        assert!(text.starts_with("hmac-sha256:") && text.len() == 12 + 64, "{text}");
        text
    };
    let first = hash(&found[0].after["email"]);
    assert_eq!(found[0].after["note"], json!("[redacted]"));
    assert_eq!(found[0].after.get("password"), None);
    assert_eq!(found[0].id, Some(hash(&found[0].after["ssn"])));
    assert_ne!(hash(&found[1].after["email"]), first);
    assert_eq!(hash(&found[1].before["email"]), first);
    assert_eq!(found[1].after["note"], json!("[redacted]"));
    // that a dropped value changed is told, not what it was
    assert_eq!((&found[2].before, &found[2].after), (&json!({}), &json!({})));
    assert_eq!(found[2].metadata, json!({"changed_unrecorded": ["password"]}));
    // equal values have equal hashes, in other tables too
    assert_eq!(hash(&found[3].after["email"]), first);
    assert_eq!(found[5].after["email"], json!(null));
    admin
        .batch_execute(
            r#"CREATE TABLE other (id int PRIMARY KEY, e text); SELECT auditlog.track('other', mask => '{"e": "hash"}'); INSERT INTO other VALUES (1, 'secret-2')"#,
        )
        .expect("writes");
    assert_eq!(hash(&captured(&mut admin)[6].after["e"]), first);
    wait_sealed(&mut admin);
    assert_eq!(
        scalar(
            &mut admin,
            "SELECT count(*) FROM auditlog.events e WHERE e::text LIKE '%secret-%'"
        ),
        0
    );
}

#[test]
fn the_key_of_hashes_is_a_file() {
    let cluster = Cluster::start(&Options::default());
    let mut admin = cluster.create_database_with_extension("audited");
    admin
        .batch_execute(
            r#"CREATE TABLE t (id int PRIMARY KEY, e timestamptz); SELECT auditlog.track('t', mask => '{"e": "hash"}');
             SET TimeZone = 'Asia/Tokyo'; INSERT INTO t VALUES (1, '2026-01-01 00:00+00')"#,
        )
        .expect("writes");
    let hash = |admin: &mut _| {
        text(
            admin,
            "SELECT DISTINCT after ->> 'e' FROM auditlog.events WHERE operation = 'insert'",
        )
    };
    let first = hash(&mut admin);
    let file = cluster.data().join("auditlog_mask_key");
    let mode = std::fs::metadata(&file).expect("the key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // another session, another time zone, after a restart: the same key
    let mut other = cluster.connect("audited");
    other
        .batch_execute("SET TimeZone = 'UTC'; INSERT INTO t VALUES (2, '2026-01-01 00:00+00')")
        .expect("INSERT");
    assert_eq!(hash(&mut admin), first);
    // what others may read is no key: nothing is written in the clear
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("chmod");
    let error = refused_with(
        &mut cluster.connect("audited"),
        "55000",
        "INSERT INTO t VALUES (3, now())",
    );
    assert!(error.detail().is_some_and(|d| d.contains("chmod 0600")), "{error:?}");
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM t"), 2);
}

#[test]
fn options_are_checked() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        .expect("CREATE TABLE");
    for (code, arguments) in [
        ("42703", "ignore_columns => '{nope}'"),
        ("42703", r#"mask => '{"nope": "hash"}'"#),
        ("22023", r#"mask => '{"v": "blur"}'"#),
        ("22023", r#"mask => '{"v": 1}'"#),
        ("22023", r#"mask => '["v"]'"#),
        ("22023", r#"mask => '{"v": "hash"}', ignore_columns => '{v}'"#),
        ("22023", r#"mask => '{"id": "drop"}'"#),
        ("22023", r#"mask => '{"id": "redact"}'"#),
        ("22023", "ignore_columns => '{{id},{v}}'"),
        ("22023", "ignore_columns => '{NULL}'"),
        ("22023", "event_prefix => 'auditlog'"),
        ("22023", "event_prefix => 'Customer'"),
        ("42601", "only_if => ''"),
        ("42601", "only_if => 'v >'"),
        ("42601", "only_if => 'true) EXECUTE FUNCTION f(); --'"),
        ("42601", "only_if => 'true) ORDER BY (1'"),
        ("42601", "only_if => 'true); DROP TABLE t; SELECT (1'"),
        ("42804", "only_if => 'v'"),
        ("42703", "only_if => 'nope > 1'"),
        ("0A000", "only_if => '(SELECT true)'"),
    ] {
        refused_with(&mut admin, code, &format!("SELECT auditlog.track('t', {arguments})"));
    }
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM auditlog.tracked_tables"), 0);
    assert_eq!(
        scalar(
            &mut admin,
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass"
        ),
        0
    );
}

#[test]
fn conditions_choose_rows() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "CREATE TABLE orders (id int PRIMARY KEY, amount int, status text);
             SELECT auditlog.track('orders', only_if => 'amount > 100 -- large ones');
             INSERT INTO orders VALUES (1, 50, 'new'), (2, 500, 'new');
             UPDATE orders SET status = 'paid';
             UPDATE orders SET amount = 200 WHERE id = 1; UPDATE orders SET amount = 20 WHERE id = 1;
             DELETE FROM orders",
        )
        .expect("writes");
    let ids = |admin: &mut _| -> Vec<String> {
        captured(admin)
            .into_iter()
            .map(|e| format!("{} {}", &e.event_type["resource.".len()..], e.id.unwrap_or_default()))
            .collect()
    };
    assert_eq!(
        ids(&mut admin),
        ["create 2", "modify 2", "modify 1", "modify 1", "delete 2"]
    );
    // what names OLD can't be asked of INSERT, nor NEW of DELETE: those are recorded
    admin
        .batch_execute(
            "SELECT auditlog.track('orders', only_if => 'OLD.status IS DISTINCT FROM NEW.status');
             INSERT INTO orders VALUES (5, 1, 'new'); UPDATE orders SET amount = 2; UPDATE orders SET status = 'x'; DELETE FROM orders;
             SELECT auditlog.track('orders', only_if => 'NEW.amount > 100');
             INSERT INTO orders VALUES (6, 1, 'new'), (7, 700, 'new'); DELETE FROM orders",
        )
        .expect("writes");
    assert_eq!(
        ids(&mut admin)[5..],
        ["create 5", "modify 5", "delete 5", "create 7", "delete 6", "delete 7"]
    );
    assert_eq!(
        lines(&mut admin)[6],
        r#"resource.modify 5 {"status":"new"} → {"status":"x"}"#
    );
    // TRUNCATE has no rows to ask
    admin.batch_execute("TRUNCATE orders").expect("TRUNCATE");
    assert_eq!(
        captured(&mut admin).last().map(|e| e.event_type.clone()).as_deref(),
        Some("resource.truncate")
    );
}
