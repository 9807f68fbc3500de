//! Saved queries: a change reaches every session, and dumps carry them.

use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Database, shared};

const COUNT: &str = "SELECT count(*) FROM auditlog.events e WHERE auditlog.matches(e, '_saved_:watched')";

#[test]
fn a_change_reaches_prepared_plans_of_other_sessions() {
    let db = Database::new();
    let (mut admin, mut session) = (db.superuser(), db.superuser());
    admin
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, status) SELECT 'a.b', CASE WHEN i <= 3 THEN 'failed' ELSE 'success' END
             FROM generate_series(1, 10) i;
             SELECT auditlog.save_query('inner', 'event_type:a.b AND status:failed'), auditlog.save_query('watched', '_saved_:inner')",
        )
        .expect("events");
    wait_sealed(&mut admin);
    session
        .batch_execute("SET plan_cache_mode = force_generic_plan")
        .expect("SET");
    let plan = session.prepare(COUNT).expect("PREPARE");
    let row = session
        .prepare("SELECT count(*) FROM auditlog.events e WHERE auditlog.matches(e, $1)")
        .expect("PREPARE");
    let mut found = |expected: i64| {
        let by_plan: i64 = session.query_one(&plan, &[]).expect("EXECUTE").get(0);
        let by_row: i64 = session.query_one(&row, &[&"_saved_:watched"]).expect("EXECUTE").get(0);
        let document: bool = session
            .query_one(
                "SELECT auditlog.matches('{\"event_type\": \"a.b\", \"action\": {\"status\": \"failed\"}}', '_saved_:watched')",
                &[],
            )
            .expect("matches()")
            .get(0);
        assert_eq!((by_plan, by_row, document), (expected, expected, expected == 3));
    };
    found(3);
    found(3);
    admin
        .batch_execute("SELECT auditlog.save_query('inner', 'event_type:a.b AND status:success')")
        .expect("save_query()");
    found(7);
    admin
        .batch_execute("BEGIN; SELECT auditlog.save_query('inner', 'event_type:a.b AND status:failed')")
        .expect("save_query()");
    found(7);
    admin.batch_execute("ROLLBACK").expect("ROLLBACK");
    found(7);
    assert_eq!(scalar(&mut admin, COUNT), 7);
    // changed by hand, by who may
    admin
        .batch_execute(
            "UPDATE auditlog.saved_queries SET query = 'event_type:a.b AND status:failed' WHERE name = 'inner'",
        )
        .expect("UPDATE");
    found(3);
}

#[test]
fn works_in_parallel_workers() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, status) SELECT 'a.b', CASE WHEN i <= 300 THEN 'failed' ELSE 'success' END
             FROM generate_series(1, 1000) i;
             SELECT auditlog.save_query('watched', 'status:failed')",
        )
        .expect("events");
    wait_sealed(&mut admin);
    let mut session = db.superuser();
    session
        .batch_execute(
            "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
             SET max_parallel_workers_per_gather = 2;
             SELECT set_config(CASE WHEN current_setting('server_version_num')::int >= 160000
               THEN 'debug_parallel_query' ELSE 'force_parallel_mode' END, 'on', false); SET plan_cache_mode = force_generic_plan",
        )
        .expect("SET");
    let row = session
        .prepare("SELECT count(*) FROM auditlog.events e WHERE auditlog.matches(e, $1)")
        .expect("PREPARE");
    for leader in ["on", "off"] {
        session
            .batch_execute(&format!("SET parallel_leader_participation = {leader}"))
            .expect("SET");
        let found: i64 = session.query_one(&row, &[&"_saved_:watched"]).expect("EXECUTE").get(0);
        assert_eq!(found, 300);
    }
}

#[test]
fn no_circle_comes_to_be() {
    let db = Database::new();
    let mut one = db.superuser();
    one.batch_execute("SELECT auditlog.save_query('a', 'x'), auditlog.save_query('b', 'y')")
        .expect("save_query()");
    one.batch_execute("BEGIN; SELECT auditlog.save_query('a', '_saved_:b')")
        .expect("save_query()");
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut two = db.superuser();
            refused_with(&mut two, "22P02", "SELECT auditlog.save_query('b', '_saved_:a')")
        });
        let mut watch = db.superuser();
        auditlog_testkit::wait_until("the other waits", auditlog_testkit::LONG, || {
            scalar(
                &mut watch,
                "SELECT count(*) FROM pg_locks WHERE relation = 'auditlog.saved_queries'::regclass AND NOT granted",
            ) == 1
        });
        one.batch_execute("COMMIT").expect("COMMIT");
        let error = other.join().expect("a thread");
        assert!(error.message().contains("contains itself"), "{error:?}");
    });
}

#[test]
fn a_dump_carries_them() {
    let (db, copy) = (Database::new(), Database::new());
    let mut admin = db.superuser();
    admin
        .batch_execute("SELECT auditlog.save_query('kept', 'status:failed', 'it''s kept')")
        .expect("save_query()");
    let file = shared().dir().join("saved_queries.sql");
    let mut dump = shared().client_program("pg_dump", db.name());
    dump.args(["--data-only", "--table=auditlog.saved_queries", "-f"])
        .arg(&file);
    assert!(dump.status().expect("pg_dump").success());
    shared().psql_file(copy.name(), &[], &file).expect("the dump loads");
    let mut other = copy.superuser();
    assert_eq!(
        text(
            &mut other,
            "SELECT concat_ws('|', name, query, description) FROM auditlog.saved_queries"
        ),
        "kept|status:failed|it's kept"
    );
    let kept = "SELECT auditlog.matches('{\"action\": {\"status\": \"failed\"}}', '_saved_:kept')::text";
    assert_eq!(text(&mut other, kept), "true");
}
