//! Every way in which rows change.

use super::{captured, lines};
use auditlog_testkit::Database;
use auditlog_testkit::log::{assert_intact, scalar};
use std::io::Write;

#[test]
fn every_statement_that_changes_rows_is_captured() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute("CREATE TABLE t (id int PRIMARY KEY, v text); SELECT auditlog.track('t')")
        .expect("track()");
    let mut copy = admin.copy_in("COPY t FROM STDIN").expect("COPY");
    copy.write_all(b"1\ta\n2\tb\n").expect("COPY");
    copy.finish().expect("COPY");
    admin
        .batch_execute(
            "INSERT INTO t VALUES (2, 'x'), (3, 'c') ON CONFLICT (id) DO UPDATE SET v = excluded.v || 'y';
             INSERT INTO t VALUES (3, 'z') ON CONFLICT DO NOTHING;
             MERGE INTO t USING (VALUES (1, 'm'), (4, 'n')) AS s (id, v) ON t.id = s.id
                 WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v);
             WITH gone AS (DELETE FROM t WHERE id = 4 RETURNING *) INSERT INTO t SELECT id + 1, v FROM gone;
             TRUNCATE t",
        )
        .expect("writes");
    let found = lines(&mut admin);
    assert_eq!(
        found[..7],
        [
            r#"resource.create 1 null → {"v":"a","id":1}"#,
            r#"resource.create 2 null → {"v":"b","id":2}"#,
            r#"resource.modify 2 {"v":"b"} → {"v":"xy"}"#,
            r#"resource.create 3 null → {"v":"c","id":3}"#,
            r#"resource.modify 1 {"v":"a"} → {"v":"m"}"#,
            r#"resource.create 4 null → {"v":"n","id":4}"#,
            r#"resource.delete 4 {"v":"n","id":4} → null"#,
        ]
    );
    assert_eq!(found[7], r#"resource.create 5 null → {"v":"n","id":5}"#);
    assert_eq!(found[8], "resource.truncate - null → null");
    let truncated = &captured(&mut admin)[8];
    assert_eq!(truncated.metadata["bytes"], serde_json::json!(8192));
    assert_eq!(found.len(), 9);
    assert_intact(&mut admin, 10);
}

#[test]
fn triggers_and_foreign_keys_are_captured_in_their_order() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "CREATE TABLE parent (id int PRIMARY KEY, v int);
             CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
             CREATE TABLE loose (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED);
             CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN IF NEW.v < 3 THEN UPDATE parent SET v = v + 1 WHERE id = NEW.id; END IF; RETURN NULL; END $$;
             CREATE FUNCTION twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := NEW.v * 2; RETURN NEW; END $$;
             CREATE TRIGGER \"0_first\" BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION twice();
             CREATE TRIGGER a_bump AFTER UPDATE ON parent FOR EACH ROW EXECUTE FUNCTION bump();
             SELECT auditlog.track('parent'), auditlog.track('child'), auditlog.track('loose');
             INSERT INTO parent VALUES (1, 5), (2, 5); INSERT INTO child VALUES (10, 1); INSERT INTO loose VALUES (20, 1);
             UPDATE parent SET v = 1 WHERE id = 2;
             BEGIN; UPDATE parent SET id = 9 WHERE id = 2; DELETE FROM parent WHERE id = 1; COMMIT",
        )
        .expect("writes");
    let found = lines(&mut admin);
    assert_eq!(
        found,
        [
            r#"resource.create 1 null → {"v":10,"id":1}"#,
            r#"resource.create 2 null → {"v":10,"id":2}"#,
            r#"resource.create 10 null → {"id":10,"parent":1}"#,
            r#"resource.create 20 null → {"id":20,"parent":1}"#,
            r#"resource.modify 2 {"v":10} → {"v":1}"#,
            r#"resource.modify 2 {"v":1} → {"v":2}"#,
            r#"resource.modify 2 {"v":2} → {"v":3}"#,
            r#"resource.modify 2 {"id":2} → {"id":9}"#,
            r#"resource.delete 1 {"v":10,"id":1} → null"#,
            r#"resource.delete 10 {"id":10,"parent":1} → null"#,
            r#"resource.modify 20 {"parent":1} → {"parent":null}"#,
        ]
    );
}

#[test]
fn views_policies_and_replica_mode_hide_nothing() {
    let db = Database::new();
    let mut admin = db.superuser();
    let app = db.login(&[]);
    admin
        .batch_execute(&format!(
            "CREATE TABLE t (id int PRIMARY KEY, owner text, v int); SELECT auditlog.track('t');
             ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;
             CREATE POLICY own ON t USING (owner = current_user); GRANT ALL ON t TO {app};
             CREATE VIEW plain AS SELECT id, v FROM t WITH LOCAL CHECK OPTION; GRANT ALL ON plain TO {app};
             CREATE VIEW made AS SELECT id FROM t;
             CREATE FUNCTION made() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (NEW.id, 'made', 0); RETURN NEW; END $$;
             CREATE TRIGGER made INSTEAD OF INSERT ON made FOR EACH ROW EXECUTE FUNCTION made();
             CREATE FUNCTION definer() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS
                 $$ INSERT INTO t VALUES (5, 'definer', 0) $$"
        ))
        .expect("tables");
    let mut client = db.connect_as(&app);
    client
        .batch_execute(&format!(
            "INSERT INTO t VALUES (1, '{app}', 1); UPDATE t SET v = 2; SELECT definer()"
        ))
        .expect("writes");
    admin
        .batch_execute(
            "INSERT INTO made VALUES (3); UPDATE plain SET v = 7 WHERE id = 3;
             SET session_replication_role = replica; INSERT INTO t VALUES (4, 'x', 1); DELETE FROM t WHERE id = 4; TRUNCATE t",
        )
        .expect("writes");
    let found: Vec<String> = captured(&mut admin).into_iter().map(|e| e.event_type).collect();
    let short: Vec<&str> = found.iter().filter_map(|t| t.strip_prefix("resource.")).collect();
    assert_eq!(
        short,
        [
            "create", "modify", "create", "create", "modify", "create", "delete", "truncate"
        ]
    );
    let roles = format!(
        "SELECT count(*) FROM auditlog.events WHERE resource_id = '5' AND db_session_user = '{app}' AND db_current_user = 'postgres'"
    );
    assert_eq!(scalar(&mut admin, &roles), 1);
}

/// Writers of a tracked table don't wait for each other; each session's events are all there.
#[test]
fn sessions_capture_side_by_side() {
    const SESSIONS: i32 = 4;
    const UPDATES: i32 = 50;
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(&format!(
            "CREATE TABLE t (id int PRIMARY KEY, v int); SELECT auditlog.track('t'); INSERT INTO t SELECT i, 0 FROM generate_series(1, {SESSIONS}) AS i"
        ))
        .expect("track()");
    let mut open = db.superuser();
    open.batch_execute("BEGIN; INSERT INTO t VALUES (100, 1)")
        .expect("INSERT");
    std::thread::scope(|scope| {
        for session in 1..=SESSIONS {
            let mut client = db.superuser();
            scope.spawn(move || {
                client.batch_execute("SET lock_timeout = '10s'").expect("a setting");
                for _ in 0..UPDATES {
                    client
                        .execute("UPDATE t SET v = v + 1 WHERE id = $1", &[&session])
                        .expect("UPDATE");
                }
            });
        }
    });
    open.batch_execute("COMMIT").expect("COMMIT");
    for session in 1..=SESSIONS {
        let ids = format!(
            "SELECT count(DISTINCT after) FROM auditlog.events WHERE operation = 'update' AND resource_id = '{session}'"
        );
        assert_eq!(scalar(&mut admin, &ids), i64::from(UPDATES));
    }
    assert_intact(&mut admin, i64::from(SESSIONS * (UPDATES + 1) + 2));
}

#[test]
fn many_rows_of_one_statement_are_all_there() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "CREATE TABLE t (id int PRIMARY KEY, v int); SELECT auditlog.track('t');
             INSERT INTO t SELECT i, i FROM generate_series(1, 5000) AS i; UPDATE t SET v = v + 1; DELETE FROM t WHERE id > 10",
        )
        .expect("writes");
    for (operation, rows) in [("insert", 5000), ("update", 5000), ("delete", 4990)] {
        let sql = format!("SELECT count(DISTINCT resource_id) FROM auditlog.events WHERE operation = '{operation}'");
        assert_eq!(scalar(&mut admin, &sql), rows, "{operation}");
    }
    let wrong = "SELECT count(*) FROM auditlog.events WHERE operation = 'update'
        AND ((before ->> 'v')::int <> resource_id::int OR (after ->> 'v')::int <> resource_id::int + 1)";
    assert_eq!(scalar(&mut admin, wrong), 0);
    assert_intact(&mut admin, 14_991);
}
