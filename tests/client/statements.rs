//! Statements that record many events through the view: what they show, to whom, and when nothing
//! of them may stay.

use auditlog_testkit::Database;
use auditlog_testkit::log::{assert_intact, count_events, scalar, text, wait_sealed};
use auditlog_testkit::refused::refused;
use std::io::Write;

#[test]
fn nothing_is_lost_without_a_word_when_triggers_are_off() {
    let db = Database::new();
    let mut admin = db.superuser();
    let replica = "SET session_replication_role = replica";
    admin.batch_execute(replica).expect(replica);
    admin
        .batch_execute("CREATE VIEW public.through AS SELECT event_type FROM auditlog.events")
        .expect("CREATE VIEW");
    for insert in [
        "INSERT INTO auditlog.events (event_type) VALUES ('a.b')",
        "INSERT INTO auditlog.events (event_type) VALUES ('a.b') RETURNING event_id",
        "INSERT INTO public.through VALUES ('a.b')",
        "WITH x AS (INSERT INTO auditlog.events (event_type) VALUES ('a.b')) SELECT 1",
        "PREPARE p AS INSERT INTO auditlog.events (event_type) VALUES ('a.b'); EXECUTE p",
    ] {
        let error = refused(&mut admin, insert);
        assert_eq!(error.code().code(), "55000", "{insert}: {error}");
        assert!(error.hint().is_some(), "{insert}");
    }
    let mut other = db.superuser();
    other.batch_execute(replica).expect(replica);
    let copy = other.copy_in("COPY auditlog.events (event_type) FROM STDIN");
    assert!(copy.is_err(), "COPY was accepted");
    let record = "SELECT auditlog.record('a.c')";
    admin.batch_execute(record).expect(record);
    assert_intact(&mut admin, 1);
}

#[test]
fn extra_must_fit_the_columns_whatever_the_type() {
    let db = Database::new();
    let mut writer = db.writer();
    // One type with JSON Schema, one without, one that the catalogue lacks.
    for event_type in ["resource.modify", "resource.view", "never.heard"] {
        for extra in [
            "[1]",
            "1",
            "null",
            r#"{"actor": {"id": "another"}}"#,
            r#"{"actor": null}"#,
            r#"{"event_type": "another.one"}"#,
        ] {
            let insert = format!(
                "INSERT INTO auditlog.events (event_type, actor_id, resource_type, resource_id, extra)
                 VALUES ('{event_type}', 'u', 't', 'r', '{extra}')"
            );
            assert_eq!(refused(&mut writer, &insert).code().code(), "22023", "{insert}");
        }
        let fits = format!(
            "INSERT INTO auditlog.events (event_type, actor_id, resource_type, resource_id, extra)
             VALUES ('{event_type}', 'u', 't', 'r', '{{\"actor\": {{\"realm\": \"x\"}}, \"actor.id\": 1}}')"
        );
        writer.batch_execute(&fits).expect(&fits);
    }
    assert_eq!(count_events(&mut db.superuser()), 3);
}

#[test]
fn schemas_judge_columns_as_they_judge_documents() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute("SET auditlog.validation = reject")
        .expect("setting");
    for (values, fits) in [
        ("'resource.modify', 't', 'r', NULL, NULL", true),
        ("'resource.modify', 't', NULL, NULL, NULL", false),
        ("'resource.modify', 't', NULL, 'failed', NULL", true),
        ("'resource.modify', '', 'r', NULL, NULL", false),
        ("'resource.modify', NULL, 'r', NULL, NULL", false),
        (
            r#"'resource.modify', 't', 'r', NULL, '{"resource": {"name": "n"}}'"#,
            true,
        ),
        ("'never.heard', 't', 'r', NULL, NULL", false),
    ] {
        let insert = format!(
            "INSERT INTO auditlog.events (event_type, resource_type, resource_id, status, extra) VALUES ({values})"
        );
        assert_eq!(admin.batch_execute(&insert).is_ok(), fits, "{insert}");
    }
    for (columns, values, fits) in [
        ("actor_id, status", "'u', 'success'", true),
        ("status", "'success'", false),
        ("actor_id", "'u'", false),
        ("extra, status", r#"'{"actor": {"realm": "x"}}', 'failed'"#, true),
    ] {
        let insert =
            format!("INSERT INTO auditlog.events (event_type, {columns}) VALUES ('authentication.login', {values})");
        assert_eq!(admin.batch_execute(&insert).is_ok(), fits, "{insert}");
    }
}

#[test]
fn a_failed_statement_leaves_nothing_and_the_next_one_works() {
    let db = Database::new();
    let mut admin = db.superuser();
    let insert = "INSERT INTO auditlog.events (event_type, actor_id) SELECT 'a.b', (1 / (700 - i))::text FROM generate_series(1, 1000) i";
    admin
        .batch_execute(&format!(
            "BEGIN;
             INSERT INTO auditlog.events (event_type) SELECT 'before.it' FROM generate_series(1, 300);
             DO $$ BEGIN {insert}; EXCEPTION WHEN division_by_zero THEN NULL; END $$;
             INSERT INTO auditlog.events (event_type) SELECT 'after.it' FROM generate_series(1, 300);
             COMMIT"
        ))
        .expect("block");
    refused(&mut admin, insert);
    let mut copy = admin
        .copy_in("COPY auditlog.events (event_type) FROM STDIN")
        .expect("COPY");
    for i in 0..500 {
        writeln!(copy, "{}", if i == 450 { "Not A Type" } else { "c.d" }).expect("line");
    }
    assert!(copy.finish().is_err(), "a bad line was accepted");
    assert_eq!(
        text(
            &mut admin,
            "SELECT string_agg(DISTINCT event_type, ' ' ORDER BY event_type) FROM auditlog.events"
        ),
        "after.it before.it"
    );
    assert_intact(&mut admin, 600);
}

#[test]
fn a_statement_inside_another_sees_its_rows() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "CREATE FUNCTION public.seen() RETURNS text LANGUAGE plpgsql VOLATILE AS
             $$ BEGIN RETURN (SELECT count(*) FROM auditlog.events); END $$;
             CREATE FUNCTION public.copied() RETURNS bigint LANGUAGE plpgsql AS
             $$ DECLARE n bigint; BEGIN
                INSERT INTO auditlog.events (event_type) SELECT 'x.y' FROM generate_series(1, 5);
                SELECT count(*) INTO n FROM auditlog.events; RETURN n; END $$",
        )
        .expect("functions");
    // Like a table: a volatile function sees the rows before its own.
    admin
        .batch_execute("INSERT INTO auditlog.events (event_type, actor_id) SELECT 'a.b', public.seen() FROM generate_series(1, 450)")
        .expect("INSERT");
    let wrong = "SELECT count(*) FROM (SELECT actor_id::int, row_number() OVER (ORDER BY recorded_at) - 1 AS n FROM auditlog.events) x WHERE actor_id <> n";
    assert_eq!(scalar(&mut admin, wrong), 0);
    // Rows of an inner statement are there when it ends, and those of a data-modifying WITH at the end.
    assert_eq!(scalar(&mut admin, "SELECT public.copied()"), 455);
    let outer = "WITH x AS (INSERT INTO auditlog.events (event_type, actor_id) SELECT 'w.x', public.copied()::text FROM generate_series(1, 3)) SELECT count(*) FROM auditlog.events";
    assert_eq!(scalar(&mut admin, outer), 455);
    assert_eq!(count_events(&mut admin), 455 + 3 + 15);
    // RETURNING shows what was recorded, also within WITH.
    let ids = "WITH x AS (INSERT INTO auditlog.events (event_type) SELECT 'r.t' FROM generate_series(1, 3) RETURNING event_id, recorded_at) SELECT count(DISTINCT event_id) FROM x WHERE event_id LIKE 'evt\\_%' AND recorded_at IS NOT NULL";
    assert_eq!(scalar(&mut admin, ids), 3);
    assert_intact(&mut admin, 455 + 18 + 3);
}

#[test]
fn errors_of_other_statements_keep_what_postgresql_says_of_them() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "CREATE TABLE public.t (a int CONSTRAINT positive CHECK (a > 0));
             CREATE FUNCTION public.f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1 / 0; END $$",
        )
        .expect("table");
    let error = refused(&mut admin, "INSERT INTO public.t VALUES (0)");
    assert_eq!(error.constraint(), Some("positive"));
    assert_eq!(error.table(), Some("t"));
    let error = refused(
        &mut admin,
        "INSERT INTO auditlog.events (event_type, actor_id) SELECT 'a.b', public.f()::text",
    );
    let context = error.where_().unwrap_or_default();
    assert!(
        context.contains("function public.f()") || context.contains("function f()"),
        "{context}"
    );
}

#[test]
fn verify_with_several_threads_can_be_cancelled_and_names_what_was_touched() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, actor_id, actor_email, severity, tags, extra)
             SELECT 'a.b', 'u' || i, i || '@example.com', 'warning', ARRAY['x', 'y'], jsonb_build_object('n', i)
             FROM generate_series(1, 30000) i",
        )
        .expect("INSERT");
    wait_sealed(&mut admin);
    admin.batch_execute("ANALYZE").expect("ANALYZE");
    for _ in 0..5 {
        let error = refused(
            &mut admin,
            "SET statement_timeout = '10ms'; SELECT count(*) FROM auditlog.verify()",
        );
        assert_eq!(error.code().code(), "57014");
    }
    assert_intact(&mut admin, 30000);
    let parts: Vec<String> = ["0, 9999", "10000, 19999", "20000"]
        .map(|range| format!("SELECT * FROM auditlog.verify({range})"))
        .to_vec();
    assert_eq!(
        scalar(
            &mut admin,
            &format!("SELECT count(*) FROM ({}) x", parts.join(" UNION ALL "))
        ),
        0
    );
}
