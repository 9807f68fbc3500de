//! Who may record, read, verify and look at the statistics; and that nobody else may anything.

mod matrix;
mod model;
mod people;
mod plans;
mod policies;
mod principals;
mod rows;
mod tokens;

use crate::guard::{EVENTS, assert_all_refused, sealed, state, tables, writes};
use auditlog_testkit::Database;
use auditlog_testkit::log::{assert_intact, text};

#[test]
fn no_role_reaches_the_private_tables() {
    let db = sealed();
    let mut admin = db.superuser();
    let before = state(&mut admin);
    let mut statements: Vec<String> = tables()
        .into_iter()
        .flat_map(writes)
        .filter(|sql| !sql.contains("COPY"))
        .collect();
    for table in tables() {
        statements.push(format!("ALTER TABLE {table} DISABLE TRIGGER USER"));
        statements.push(format!("DROP TABLE {table}"));
        statements.push(format!("CREATE RULE forged AS ON INSERT TO {table} DO INSTEAD NOTHING"));
    }
    statements.extend(
        [
            "SET session_replication_role = replica",
            "SET ROLE auditlog_owner",
            "SET auditlog.validation = 'off'",
        ]
        .map(String::from),
    );
    for group in [
        "auditlog_writer",
        "auditlog_analyst",
        "auditlog_compliance",
        "auditlog_administrator",
        "auditlog_manager",
        "auditlog_user",
        "pg_monitor",
    ] {
        let role = db.login(&[group]);
        println!("{group}");
        assert_all_refused(&mut db.connect_as(&role), "", &statements);
    }
    assert_all_refused(&mut db.connect_as(&db.login(&[])), "", &statements);
    assert_eq!(state(&mut admin), before);
    assert_intact(&mut admin, EVENTS);
}

#[test]
fn who_may_call_and_read_what() {
    let db = sealed();
    let record = "SELECT auditlog.record(event_type => 'a.b')";
    let insert = "INSERT INTO auditlog.events (event_type) VALUES ('a.b')";
    let read = "SELECT * FROM auditlog.events";
    let verify = "SELECT * FROM auditlog.verify()";
    let health = "SELECT * FROM auditlog.health()";
    let stats = "SELECT * FROM auditlog.stat_ingest, auditlog.stat_seal, auditlog.stat_verify";
    for (group, may) in [
        ("auditlog_writer", &[record, insert][..]),
        ("auditlog_administrator", &[read, verify, record, insert, health, stats]),
        ("auditlog_analyst", &[read, verify, health, stats]),
        ("auditlog_compliance", &[read, verify, health, stats]),
        ("pg_monitor", &[health, stats]),
        // that they see no events as long as they are no principals is tested in roles/rows.rs
        ("auditlog_manager", &[read]),
        ("auditlog_user", &[read]),
        ("", &[]),
    ] {
        let groups: Vec<&str> = [group].into_iter().filter(|g| !g.is_empty()).collect();
        let mut client = db.connect_as(&db.login(&groups));
        for sql in may {
            client
                .batch_execute(sql)
                .unwrap_or_else(|e| panic!("{group}: {sql}: {e:?}"));
        }
        let may_not: &[&str] = match group {
            "auditlog_writer" => &[read, verify],
            "pg_monitor" => &[record, insert, read, verify],
            "auditlog_manager" | "auditlog_user" => &[record, insert, verify, health, stats],
            "" => &[record, insert, read, verify, health, stats],
            "auditlog_administrator" => &[],
            _ => &[record, insert],
        };
        let may_not: Vec<String> = may_not.iter().map(|sql| (*sql).to_owned()).collect();
        println!("{group}");
        assert_all_refused(&mut client, "", &may_not);
    }
}

#[test]
fn public_may_execute_nothing() {
    let db = Database::new();
    let mut admin = db.superuser();
    let open = text(
        &mut admin,
        "SELECT coalesce(string_agg(oid::regprocedure::text, ', ' ORDER BY 1), '') FROM pg_proc
         WHERE pronamespace IN ('auditlog'::regnamespace, 'auditlog_data'::regnamespace)
           AND has_function_privilege('public', oid, 'EXECUTE')",
    );
    // Whoever makes a partition of a tracked table needs it; as a trigger it does nothing but record, and nobody can name it.
    assert_eq!(open, "auditlog_data.capture()", "functions that PUBLIC may execute");
    let readable = text(
        &mut admin,
        "SELECT coalesce(string_agg(oid::regclass::text, ', ' ORDER BY 1), '') FROM pg_class
         WHERE relnamespace IN ('auditlog'::regnamespace, 'auditlog_data'::regnamespace) AND relkind IN ('r', 'p', 'v', 'S', 'm')
           AND has_table_privilege('public', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')",
    );
    assert_eq!(readable, "", "relations that PUBLIC may use");
}
