//! What an event says of a row: which columns, which key, who.

use super::{captured, lines};
use auditlog_testkit::Database;
use auditlog_testkit::log::{assert_intact, scalar, text};
use auditlog_testkit::refused::refused_with;
use serde_json::json;

#[test]
fn rows_are_recorded_with_what_changed() {
    let db = Database::new();
    let mut admin = db.superuser();
    let app = db.login(&[]);
    admin
        .batch_execute(&format!(
            "CREATE TABLE public.account (id int PRIMARY KEY, name text, balance numeric(12, 2), seen timestamptz);
             GRANT ALL ON public.account TO {app};
             SELECT auditlog.track('public.account', ignore_columns => '{{seen}}')"
        ))
        .expect("track()");
    // a role that has no right on the audit log at all
    let mut client = db.connect_as(&app);
    client
        .batch_execute(
            "INSERT INTO account VALUES (1, 'ann', 10.50, now()), (2, NULL, NULL, NULL);
             UPDATE account SET name = 'Ann' WHERE id = 1;
             UPDATE account SET name = name, balance = balance;
             UPDATE account SET seen = now();
             UPDATE account SET balance = 10.5 WHERE id = 1;
             UPDATE account SET balance = 10.50, name = 'Ann' WHERE id = 1;
             UPDATE account SET id = 3 WHERE id = 2;
             DELETE FROM account WHERE id = 1",
        )
        .expect("writes");
    assert_eq!(
        lines(&mut admin),
        [
            r#"resource.create 1 null → {"id":1,"name":"ann","balance":10.50}"#,
            r#"resource.create 2 null → {"id":2,"name":null,"balance":null}"#,
            r#"resource.modify 1 {"name":"ann"} → {"name":"Ann"}"#,
            r#"resource.modify 2 {"id":2} → {"id":3}"#,
            r#"resource.delete 1 {"id":1,"name":"Ann","balance":10.50} → null"#,
        ]
    );
    assert_eq!(captured(&mut admin)[0].resource_type, "public.account");
    let who =
        "SELECT DISTINCT concat_ws(' ', actor_type, actor_id, db_session_user, category, status) FROM auditlog.events
        WHERE resource_type = 'public.account'";
    assert_eq!(
        text(&mut admin, who),
        format!("database_role {app} {app} resource success")
    );
    assert_intact(&mut admin, 6);
}

#[test]
fn the_context_says_who_it_was() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            r#"CREATE TABLE public.note (id int PRIMARY KEY, body text); SELECT auditlog.track('note', event_prefix => 'crm.note');
             BEGIN;
             SELECT auditlog.set_context('{"actor": {"type": "user", "id": "alice", "email": "a@x.org"}, "tenant": "acme",
                 "resource": {"id": "other", "region": "eu"}, "metadata": {"request_id": "req-1", "trace": "t"}}');
             INSERT INTO note VALUES (1, 'a');
             SELECT auditlog.set_context('{"actor": {"id": "bob"}}');
             UPDATE note SET body = 'b';
             COMMIT;
             DELETE FROM note"#,
        )
        .expect("writes");
    let found = admin
        .query(
            "SELECT concat_ws(' ', event_type, actor_type, actor_id, actor_email, tenant, resource_id, region, request_id,
                 extra #>> '{metadata,trace}', salt IS NOT NULL) FROM auditlog.events WHERE resource_type = 'public.note' ORDER BY recorded_at",
            &[],
        )
        .expect("events");
    let found: Vec<String> = found.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        found,
        [
            "crm.note.create user alice a@x.org acme 1 eu req-1 t t",
            "crm.note.modify bob 1 f",
            "crm.note.delete database_role postgres 1 f",
        ]
    );
    // the category of a type that the catalogue does not have is its first part
    assert_eq!(
        text(
            &mut admin,
            "SELECT DISTINCT category FROM auditlog.events WHERE event_type LIKE 'crm.%'"
        ),
        "crm"
    );
}

/// Who is known to the log finds what he changed himself among his own events.
#[test]
fn a_principal_is_the_actor() {
    let db = Database::new();
    let mut admin = db.superuser();
    let [ann, bob] = [db.login(&["auditlog_user"]), db.login(&[])];
    admin
        .batch_execute(&format!(
            "CREATE TABLE public.t (id int PRIMARY KEY); GRANT ALL ON public.t TO {ann}, {bob}; SELECT auditlog.track('public.t');
             SELECT auditlog.add_principal('{ann}', actor_id => 'user_17', tenant => 'acme')"
        ))
        .expect("add_principal()");
    let mut client = db.connect_as(&ann);
    client
        .batch_execute(
            r#"INSERT INTO public.t VALUES (1);
               BEGIN; SET LOCAL request.jwt.claims = '{"sub": "somebody"}'; INSERT INTO public.t VALUES (2); COMMIT;
               DELETE FROM public.t WHERE id = 1"#,
        )
        .expect("writes");
    db.connect_as(&bob)
        .batch_execute("INSERT INTO public.t VALUES (3)")
        .expect("INSERT");
    let actors = admin
        .query(
            "SELECT concat_ws(' ', operation, actor_type, actor_id, tenant) FROM auditlog.events
             WHERE resource_type = 'public.t' ORDER BY recorded_at",
            &[],
        )
        .expect("events");
    let actors: Vec<String> = actors.iter().map(|row| row.get(0)).collect();
    let by_role = format!("insert database_role {bob}");
    assert_eq!(
        actors,
        [
            "insert user user_17 acme",
            "insert user somebody",
            "delete user user_17 acme",
            &by_role
        ]
    );
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.events WHERE resource_type = 'public.t'"
        ),
        2
    );
    // other names of roles, and changes of the principals, are heard of
    let mut of = |change: &str, id: i32| {
        admin.batch_execute(change).expect("a superuser may");
        client
            .batch_execute(&format!("INSERT INTO public.t VALUES ({id})"))
            .expect("INSERT");
        let last = format!("SELECT actor_type FROM auditlog.events WHERE resource_id = '{id}'");
        text(&mut admin, &last)
    };
    assert_eq!(of(&format!("ALTER ROLE {ann} RENAME TO {ann}_too"), 4), "database_role");
    assert_eq!(of(&format!("ALTER ROLE {ann}_too RENAME TO {ann}"), 5), "user");
    assert_eq!(
        of("SELECT auditlog.drop_principal('user_17', 'acme')", 6),
        "database_role"
    );
}

#[test]
fn keys_name_rows() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            r#"CREATE TABLE two (b text, n int, a int, PRIMARY KEY (a, b)); SELECT auditlog.track('two');
             CREATE TABLE none (x int, y text); SELECT auditlog.track('none');
             CREATE TABLE ident (u uuid NOT NULL UNIQUE, n int); ALTER TABLE ident REPLICA IDENTITY USING INDEX ident_u_key;
             SELECT auditlog.track('ident');
             CREATE TABLE "Odd Name" ("the key" date PRIMARY KEY); SELECT auditlog.track('"Odd Name"');
             INSERT INTO two VALUES ('x "y", z', 1, 7); UPDATE two SET n = 2;
             INSERT INTO none VALUES (1, 'a'), (1, 'a'); UPDATE none SET y = 'b'; DELETE FROM none WHERE x = 1;
             INSERT INTO ident VALUES ('00000000-0000-0000-0000-00000000000a', 1);
             SET datestyle = german; INSERT INTO "Odd Name" VALUES ('31.12.2026')"#,
        )
        .expect("writes");
    let found = lines(&mut admin);
    assert_eq!(found[1], r#"resource.modify (7,"x ""y"", z") {"n":1} → {"n":2}"#);
    // without a key the whole row says which one it was
    assert_eq!(found[4], r#"resource.modify - {"x":1,"y":"a"} → {"y":"b"}"#);
    assert_eq!(found[6], r#"resource.delete - {"x":1,"y":"b"} → null"#);
    assert!(
        found[8].starts_with("resource.create 00000000-0000-0000-0000-00000000000a "),
        "{found:?}"
    );
    assert_eq!(
        found[9],
        r#"resource.create 2026-12-31 null → {"the key":"2026-12-31"}"#
    );
    assert_eq!(captured(&mut admin)[9].resource_type, "public.\"Odd Name\"");
}

#[test]
fn an_event_commits_with_its_row_or_not_at_all() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute("CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v < 100)); SELECT auditlog.track('t')")
        .expect("track()");
    admin
        .batch_execute(
            "BEGIN; INSERT INTO t VALUES (1, 1); SAVEPOINT s; INSERT INTO t VALUES (2, 2); ROLLBACK TO s;
             INSERT INTO t VALUES (3, 3); COMMIT; BEGIN; INSERT INTO t VALUES (4, 4); ROLLBACK",
        )
        .expect("transactions");
    refused_with(&mut admin, "23514", "INSERT INTO t VALUES (5, 5), (6, 600)");
    admin
        .batch_execute("DO $$BEGIN INSERT INTO t VALUES (7, 7); BEGIN INSERT INTO t VALUES (8, 8); RAISE 'x'; EXCEPTION WHEN raise_exception THEN NULL; END; END$$")
        .expect("DO");
    let ids: Vec<_> = captured(&mut admin).into_iter().filter_map(|e| e.id).collect();
    assert_eq!(ids, ["1", "3", "7"]);
    admin
        .batch_execute("BEGIN; UPDATE t SET v = 9 WHERE id = 1; PREPARE TRANSACTION 'capture'")
        .expect("PREPARE TRANSACTION");
    assert_eq!(captured(&mut admin).len(), 3);
    admin
        .batch_execute("COMMIT PREPARED 'capture'")
        .expect("COMMIT PREPARED");
    assert_eq!(lines(&mut admin)[3], r#"resource.modify 1 {"v":1} → {"v":9}"#);
    // its own transaction sees the events of each statement when that has ended
    let mut t = admin.transaction().expect("BEGIN");
    t.batch_execute("UPDATE t SET v = v + 1").expect("UPDATE");
    let seen: i64 = t
        .query_one("SELECT count(*) FROM auditlog.events WHERE operation = 'update'", &[])
        .expect("events")
        .get(0);
    assert_eq!(seen, 4);
    t.rollback().expect("ROLLBACK");
    assert_intact(&mut admin, 5);
}

#[test]
fn large_values_are_cut_and_unchanged_ones_not_fetched() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "CREATE TABLE doc (id int PRIMARY KEY, n int, body text, packed text, raw bytea, data jsonb);
             SELECT auditlog.track('doc')",
        )
        .expect("track()");
    admin
        .batch_execute(
            "ALTER TABLE doc ALTER body SET STORAGE EXTERNAL;
             INSERT INTO doc SELECT 1, 1, string_agg(md5(i::text), 'ü'), repeat('x', 100000), '\\xdeadbeef', '{\"a\": 1}'
                 FROM generate_series(1, 3000) AS i;
             UPDATE doc SET n = 2;
             UPDATE doc SET body = body || '!';
             UPDATE doc SET raw = decode(repeat('ab', 20000), 'hex'), data = jsonb_build_object('long', repeat('y', 50000));
             UPDATE doc SET body = NULL, data = NULL",
        )
        .expect("writes");
    let found = captured(&mut admin);
    let body = &found[0].after["body"]["$truncated"];
    let (size, sha, start) = {
        let row = admin
            .query_one(
                "SELECT octet_length(b), encode(sha256(convert_to(b, 'UTF8')), 'hex'), b
                 FROM (SELECT string_agg(md5(i::text), 'ü') AS b FROM generate_series(1, 3000) AS i) AS x",
                &[],
            )
            .expect("the body");
        (row.get::<_, i32>(0), row.get::<_, String>(1), row.get::<_, String>(2))
    };
    assert_eq!(body["bytes"], json!(size));
    assert_eq!(body["sha256"], json!(sha));
    let beginning = body["start"].as_str().expect("a text");
    assert!(start.starts_with(beginning) && beginning.len() > 100, "{beginning}");
    assert_eq!(found[0].after["packed"]["$truncated"]["bytes"], json!(100_000));
    assert_eq!(found[0].after["raw"], json!("\\xdeadbeef"));
    assert_eq!(found[1].line(), r#"resource.modify 1 {"n":1} → {"n":2}"#);
    assert_eq!(found[2].after.as_object().expect("an object").len(), 1);
    assert_eq!(found[2].after["body"]["$truncated"]["bytes"], json!(size + 1));
    assert_eq!(found[3].after["raw"]["$truncated"]["bytes"], json!(20_000));
    assert_eq!(found[3].after["data"]["$truncated"]["bytes"], json!(50_012));
    assert_eq!(found[4].after, json!({"body": null, "data": null}));
    // an UPDATE that leaves the long values alone does not read them from where they are stored
    let toast = "SELECT coalesce(toast_blks_hit + toast_blks_read, 0) FROM pg_statio_user_tables WHERE relname = 'doc'";
    admin
        .batch_execute(
            "INSERT INTO doc SELECT 2, 1, string_agg(md5(i::text), 'x') FROM generate_series(1, 30000) AS i; SELECT pg_stat_force_next_flush()",
        )
        .expect("INSERT");
    let before = scalar(&mut admin, toast);
    admin
        .batch_execute("UPDATE doc SET n = n + 1 WHERE id = 2; SELECT pg_stat_force_next_flush()")
        .expect("UPDATE");
    assert_eq!(scalar(&mut admin, toast), before);
}

#[test]
fn rows_with_many_long_values_are_recorded_with_shorter_ones() {
    let db = Database::new();
    let mut admin = db.superuser();
    let columns: Vec<String> = (0..200).map(|i| format!("c{i} text")).collect();
    admin
        .batch_execute(&format!(
            "CREATE TABLE wide (id int PRIMARY KEY, {}); SELECT auditlog.track('wide')",
            columns.join(", ")
        ))
        .expect("track()");
    let values: Vec<String> = (0..200).map(|i| format!("repeat('{}', 15000)", i % 10)).collect();
    admin
        .batch_execute(&format!("INSERT INTO wide VALUES (1, {})", values.join(", ")))
        .expect("INSERT");
    let found = captured(&mut admin);
    assert_eq!(found[0].after["c7"]["$truncated"]["bytes"], json!(15_000));
    // what cannot be recorded is not written
    admin
        .batch_execute("SET auditlog.max_event_size = '1kB'")
        .expect("a setting");
    let error = refused_with(
        &mut admin,
        "54000",
        &format!("INSERT INTO wide VALUES (2, {})", values.join(", ")),
    );
    assert!(error.detail().is_some_and(|d| d.contains("public.wide")), "{error:?}");
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM wide"), 1);
    assert_intact(&mut admin, 2);
}
