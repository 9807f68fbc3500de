//! Bad input gets SQLSTATE, message, DETAIL with the JSON path and HINT, and nothing of that
//! statement is recorded.

use auditlog_testkit::Database;
use auditlog_testkit::log::{assert_intact, count_events, text};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::postgres::error::DbError;
use auditlog_testkit::refused::{refused, refused_with};
use std::io::Write;

/// A call, its SQLSTATE, and what DETAIL must name.
const BAD: [(&str, &str, &str); 26] = [
    ("SELECT auditlog.record(NULL::jsonb)", "22004", ""),
    ("SELECT auditlog.record(event_type => NULL)", "22004", ""),
    ("SELECT auditlog.record_batch(NULL)", "22004", ""),
    ("SELECT auditlog.record_ndjson(NULL)", "22004", ""),
    ("SELECT auditlog.record('{}'::jsonb)", "22004", "$.event_type"),
    ("SELECT auditlog.record('[]'::jsonb)", "22023", "$"),
    ("SELECT auditlog.record('\"text\"'::jsonb)", "22023", "$"),
    (
        r#"SELECT auditlog.record('{"event_type": ""}'::jsonb)"#,
        "22023",
        "$.event_type",
    ),
    (
        r#"SELECT auditlog.record('{"event_type": 7}'::jsonb)"#,
        "22023",
        "$.event_type",
    ),
    (
        r#"SELECT auditlog.record('{"event_type": null}'::jsonb)"#,
        "22023",
        "$.event_type",
    ),
    (
        r#"SELECT auditlog.record('{"event_type": "a.b", "severity": "fatal"}'::jsonb)"#,
        "22023",
        "$.severity",
    ),
    (
        r#"SELECT auditlog.record('{"event_type": "a.b", "severity": 3}'::jsonb)"#,
        "22023",
        "$.severity",
    ),
    (
        r#"SELECT auditlog.record('{"event_type": "a.b", "timestamp": "tea time"}'::jsonb)"#,
        "22023",
        "$.timestamp",
    ),
    (
        r#"SELECT auditlog.record('{"event_type": "a.b", "timestamp": "2024-02-30T00:00:00Z"}'::jsonb)"#,
        "22023",
        "$.timestamp",
    ),
    (
        r#"SELECT auditlog.record('{"event_type": "a.b", "timestamp": 1710081045}'::jsonb)"#,
        "22023",
        "$.timestamp",
    ),
    (
        r#"SELECT auditlog.record('{"event_type": "a.b", "actor": "bob"}'::jsonb)"#,
        "22023",
        "$.actor",
    ),
    (
        r#"SELECT auditlog.record('{"event_type": "a.b", "changes": []}'::jsonb)"#,
        "22023",
        "$.changes",
    ),
    (
        r#"SELECT auditlog.record(event_type => 'a.b', resource => '7')"#,
        "22023",
        "$.resource",
    ),
    (
        r#"SELECT auditlog.record(event_type => 'a.b', severity => 'loud')"#,
        "22023",
        "$.severity",
    ),
    (
        "SELECT auditlog.record(event_type => 'a.b', \"timestamp\" => now() + '10min'::interval)",
        "22008",
        "$.timestamp",
    ),
    (
        "INSERT INTO auditlog.events (event_type, timestamp) VALUES ('a.b', now() + '1h'::interval)",
        "22008",
        "timestamp",
    ),
    (
        "INSERT INTO auditlog.events (event_type, timestamp) VALUES ('a.b', 'infinity')",
        "22008",
        "timestamp",
    ),
    (
        "INSERT INTO auditlog.events (actor_id) VALUES ('u1')",
        "22004",
        "event_type",
    ),
    (r#"SELECT auditlog.record_batch('{"event_type": "a.b"}')"#, "22023", "$"),
    (
        r#"SELECT auditlog.record_batch('[{"event_type": "a.b"}, 5]')"#,
        "22023",
        "$[1]",
    ),
    (
        r#"SELECT auditlog.record_batch('[{"event_type": "a.b"}, {"event_type": "a.b", "severity": "x"}]')"#,
        "22023",
        "$[1] $.severity",
    ),
];

fn assert_helpful(error: &DbError, path: &str) {
    let message = error.message();
    let first = message.chars().next().expect("a message");
    assert!(
        !first.is_uppercase() && !message.ends_with('.'),
        "style of the message: {error:?}"
    );
    let hint = error.hint().unwrap_or_else(|| panic!("no HINT: {error:?}"));
    let detail = match error.detail() {
        Some(detail) => detail,
        None if path.is_empty() => "It has no path: the argument itself is NULL.",
        None => panic!("no DETAIL: {error:?}"),
    };
    assert!(
        detail.ends_with('.') && hint.ends_with('.'),
        "DETAIL and HINT are sentences: {error:?}"
    );
    assert!(
        path.split(' ').all(|part| detail.contains(part)),
        "DETAIL names {path}: {error:?}"
    );
}

#[test]
fn each_bad_call_is_refused_with_a_helpful_error() {
    let db = Database::new();
    let mut writer = db.writer();
    let mut wrong = Vec::new();
    for (sql, code, path) in BAD {
        let error = match writer.batch_execute(sql) {
            Ok(()) => {
                wrong.push(format!("accepted: {sql}"));
                continue;
            }
            Err(error) => error.as_db_error().expect("an error of the server").clone(),
        };
        if error.code().code() != code {
            wrong.push(format!(
                "{} instead of {code}: {sql}: {}",
                error.code().code(),
                error.message()
            ));
        } else if let Err(panic) = std::panic::catch_unwind(|| assert_helpful(&error, path)) {
            let what = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            wrong.push(format!("{sql}: {what}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_intact(&mut db.superuser(), 0);
}

#[test]
fn too_large_and_too_deep_is_54000() {
    let db = Database::new();
    let mut writer = db.writer();
    let large =
        r#"jsonb_build_object('event_type', 'a.b', 'changes', jsonb_build_object('after', repeat('x', 2000000)))"#;
    for sql in [
        format!("SELECT auditlog.record({large})"),
        format!("SELECT auditlog.record_batch(jsonb_build_array({large}))"),
        format!("SELECT auditlog.record_ndjson({large}::text)"),
        "INSERT INTO auditlog.events (event_type, extra) VALUES ('a.b', jsonb_build_object('k', repeat('x', 2000000)))"
            .to_owned(),
    ] {
        assert_helpful(&refused_with(&mut writer, "54000", &sql), "");
    }
    let deep = |n: usize| {
        format!(
            r#"{{"event_type": "a.b", "deep": {}1{}}}"#,
            "[".repeat(n),
            "]".repeat(n)
        )
    };
    assert_helpful(
        &refused_with(
            &mut writer,
            "54000",
            &format!("SELECT auditlog.record('{}'::jsonb)", deep(80)),
        ),
        "",
    );
    assert_helpful(
        &refused_with(
            &mut writer,
            "54000",
            &format!("SELECT auditlog.record_ndjson('{}')", deep(5000)),
        ),
        "",
    );
    let part = format!(r#"{{"a": {}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    for (sql, path) in [
        (format!("SELECT auditlog.record('a.b', '{part}')"), "$.actor"),
        (
            format!("SELECT auditlog.record('a.b', changes => '{part}')"),
            "$.changes",
        ),
        (
            format!("SELECT auditlog.record(event_type => 'a.b', actor => '{part}')"),
            "$.actor",
        ),
    ] {
        assert_helpful(&refused_with(&mut writer, "54000", &sql), path);
    }
    writer
        .batch_execute(&format!("SELECT auditlog.record('{}'::jsonb)", deep(40)))
        .expect("40 levels are fine");

    let mut admin = db.superuser();
    admin
        .batch_execute("SET auditlog.max_event_size = '4MB'; SET auditlog.max_json_depth = 100")
        .expect("a superuser may");
    admin
        .batch_execute(&format!("SELECT auditlog.record({large})"))
        .expect("2 MB fit into 4 MB");
    admin
        .batch_execute(&format!("SELECT auditlog.record('{}'::jsonb)", deep(80)))
        .expect("80 levels fit into 100");
    refused_with(&mut writer, "42501", "SET auditlog.max_event_size = '1GB'");
    assert_intact(&mut admin, 3);
}

#[test]
fn a_value_too_long_for_an_index_goes_into_extra() {
    let db = Database::new();
    let mut writer = db.writer();
    let mut admin = db.superuser();
    writer
        .batch_execute("SELECT auditlog.record(jsonb_build_object('event_type', 'a.b', 'actor', jsonb_build_object('id', repeat('x', 9000))))")
        .expect("record()");
    let id = "SELECT auditlog.to_json(e)->'actor'->>'id' FROM auditlog.events e";
    assert_eq!(text(&mut admin, id), "x".repeat(9000));
    let sql = "INSERT INTO auditlog.events (event_type, actor_id) VALUES ('a.b', repeat('x', 9000))";
    assert_helpful(&refused_with(&mut writer, "22023", sql), "$.actor.id");
    assert_intact(&mut admin, 1);
}

#[test]
fn nul_and_broken_json_name_their_line() {
    let db = Database::new();
    let mut writer = db.writer();
    let error = refused(
        &mut writer,
        "SELECT auditlog.record_ndjson(E'{\"event_type\": \"a.b\"}\\n{\"event_type\": \"a')",
    );
    assert_eq!(error.code().code(), "22P02", "{error:?}");
    assert!(
        error.detail().is_some_and(|d| d.contains("ine 2")),
        "DETAIL names line 2: {error:?}"
    );
    let error = refused(
        &mut writer,
        r#"SELECT auditlog.record_ndjson('{"event_type": "a\u0000b"}')"#,
    );
    assert!(["22P02", "22P05", "22023"].contains(&error.code().code()), "{error:?}");
    let error = refused(
        &mut writer,
        r#"SELECT auditlog.record_ndjson('{"event_type": "a.b"} {"event_type": "a.b"}')"#,
    );
    assert_eq!(error.code().code(), "22P02", "{error:?}");
    let error = refused(
        &mut writer,
        "SELECT auditlog.record_ndjson(E'{\"event_type\": \"a.b\"}\\n\\n{\"event_type\": \"a.b\", \"actor\": 1}')",
    );
    assert_eq!(error.code().code(), "22023", "{error:?}");
    assert!(
        error
            .detail()
            .is_some_and(|d| d.contains("$.actor") && d.contains("ine 3")),
        "{error:?}"
    );
    assert_intact(&mut db.superuser(), 0);
}

#[test]
fn one_bad_row_undoes_its_whole_statement_and_only_that() {
    let db = Database::new();
    let mut writer = db.writer();
    let mut admin = db.superuser();
    writer
        .batch_execute("INSERT INTO auditlog.events (event_type) VALUES ('kept.one')")
        .expect("INSERT");
    refused(
        &mut writer,
        "INSERT INTO auditlog.events (event_type, timestamp) VALUES ('a.b', now()), ('a.b', now() + '1h'::interval)",
    );
    let mut copy = writer
        .copy_in("COPY auditlog.events (event_type, timestamp) FROM STDIN")
        .expect("COPY starts");
    writeln!(copy, "a.b\t2024-01-01\na.b\t2999-01-01").expect("COPY takes lines");
    assert!(copy.finish().is_err(), "COPY with an event of the year 2999");
    let mut transaction = writer.transaction().expect("BEGIN");
    let mut savepoint = transaction.savepoint("s").expect("SAVEPOINT");
    savepoint
        .batch_execute("SELECT auditlog.record('{\"event_type\": \"a.b\"}')")
        .expect("record()");
    assert!(savepoint.batch_execute("SELECT auditlog.record('{}')").is_err());
    savepoint.rollback().expect("ROLLBACK TO");
    transaction
        .batch_execute("SELECT auditlog.record('{\"event_type\": \"kept.two\"}')")
        .expect("record()");
    transaction.commit().expect("COMMIT");
    assert_eq!(
        text(
            &mut admin,
            "SELECT string_agg(event_type, ' ' ORDER BY event_type) FROM auditlog.events"
        ),
        "kept.one kept.two"
    );
    assert_intact(&mut admin, 2);
}

#[test]
fn a_time_within_the_clock_skew_is_fine() {
    let db = Database::new();
    let mut writer = db.writer();
    writer
        .batch_execute("SELECT auditlog.record(event_type => 'a.b', \"timestamp\" => now() + '4min'::interval)")
        .expect("4 of 5 minutes");
    refused_with(&mut writer, "42501", "SET auditlog.max_clock_skew = '1h'");
    let mut admin = db.superuser();
    admin.batch_execute("SET auditlog.max_clock_skew = '1h'").expect("SET");
    admin
        .batch_execute("SELECT auditlog.record(event_type => 'a.b', \"timestamp\" => now() + '50min'::interval)")
        .expect("50 of 60 minutes");
    assert_eq!(count_events(&mut admin), 2);
}

/// Notices that `sql` gives.
fn notices(db: &Database, setting: &str, sql: &str) -> Result<Vec<DbError>, Box<DbError>> {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut client: Client = {
        let seen = seen.clone();
        let mut config = auditlog_testkit::shared().config("postgres", db.name());
        config.notice_callback(move |notice| seen.lock().expect("no panic").push(notice));
        config.connect(auditlog_testkit::postgres::NoTls).expect("connection")
    };
    client
        .batch_execute(&format!("SET auditlog.validation = '{setting}'"))
        .expect("SET");
    let result = client.batch_execute(sql);
    drop(client);
    match result {
        Ok(()) => Ok(std::mem::take(&mut seen.lock().expect("no panic"))),
        Err(error) => Err(Box::new(error.as_db_error().expect("an error of the server").clone())),
    }
}

#[test]
fn validation_is_off_a_warning_or_an_error() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            r#"INSERT INTO auditlog.event_types (event_type, category, description, json_schema) VALUES ('shop.sale', 'shop', 'A sale.',
               '{"type": "object", "properties": {"changes": {"type": "object", "required": ["after"]}}, "required": ["changes"]}')"#,
        )
        .expect("an administrator adds a type");
    let good = r#"SELECT auditlog.record('{"event_type": "shop.sale", "changes": {"after": {"n": 1}}}')"#;
    let bad = r#"SELECT auditlog.record('{"event_type": "shop.sale", "changes": {"before": 1}}')"#;
    let unknown = r#"SELECT auditlog.record('{"event_type": "never.heard_of"}')"#;
    for (setting, sql, warnings) in [
        ("off", good, 0),
        ("off", bad, 0),
        ("off", unknown, 0),
        ("warn", good, 0),
        ("warn", bad, 1),
        ("warn", unknown, 0),
        ("reject", good, 0),
    ] {
        let seen = notices(&db, setting, sql).unwrap_or_else(|e| panic!("{setting}: {sql}: {e:?}"));
        assert_eq!(seen.len(), warnings, "{setting}: {sql}: {seen:?}");
        assert!(seen.iter().all(|n| n.severity() == "WARNING"), "{seen:?}");
    }
    for sql in [bad, unknown] {
        let error = notices(&db, "reject", sql).expect_err(sql);
        assert_eq!(error.code().code(), "22023", "{error:?}");
        assert_helpful(&error, "$");
    }
    assert_eq!(
        text(
            &mut admin,
            "SELECT DISTINCT category FROM auditlog.events WHERE event_type = 'shop.sale'"
        ),
        "shop"
    );
    assert_intact(&mut admin, 7);
}
