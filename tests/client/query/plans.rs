//! What the planner makes of queries.

use auditlog_testkit::Database;
use auditlog_testkit::log::{scalar, wait_sealed};
use auditlog_testkit::postgres::{self, Client};

fn plan(client: &mut Client, sql: &str) -> String {
    let rows = client
        .query(&format!("EXPLAIN (COSTS OFF) {sql}"), &[])
        .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    rows.iter()
        .map(|row| row.get::<_, String>(0))
        .collect::<Vec<_>>()
        .join("\n")
}

fn filled() -> (Database, Client) {
    let db = Database::new();
    let mut client = db.superuser();
    client
        .batch_execute(
            "SET search_path = public, auditlog; SET auditlog.max_clock_skew = '3650d';
             SELECT record_batch(jsonb_agg(jsonb_build_object('event_type', 'kind.n' || i % 50, 'timestamp',
                 to_char(now() - i * interval '1 minute', 'YYYY-MM-DD\"T\"HH24:MI:SSOF:00'), 'actor', jsonb_build_object(
                 'id', 'User_' || i, 'ip_address', '10.0.' || i % 200 || '.7'), 'action', jsonb_build_object('status',
                 CASE WHEN i % 3 = 0 THEN 'failed' END))))
             FROM generate_series(1, 3000) i",
        )
        .expect("events");
    wait_sealed(&mut client);
    client.batch_execute("ANALYZE").expect("ANALYZE");
    (db, client)
}

#[test]
fn conditions_are_ordinary_ones_and_use_indexes() {
    let (_db, mut client) = filled();
    for (query, expected) in [
        ("event_type:kind.n7", "Index Cond: (event_type = 'kind.n7'::text)"),
        ("event_type:KIND.N7", "Index Cond: (event_type = 'kind.n7'::text)"),
        (
            "event_type:kind.n7*",
            "(event_type ~>=~ 'kind.n7'::text) AND (event_type ~<~ 'kind.n8'::text)",
        ),
        (
            "ip:10.0.7.0/24",
            "Index Cond: ((actor_ip IS NOT NULL) AND (actor_ip >= '10.0.7.0/24'::inet) AND (actor_ip <= '10.0.7.255'::inet))",
        ),
        (
            "timestamp:>now-10m",
            "Index Cond: (\"timestamp\" > (now() + '-00:10:00'::interval))",
        ),
        (
            "timestamp:>now/d severity:critical",
            "\"timestamp\" >= moment('now/d+1d'::text, 'UTC'::text)",
        ),
        ("event_id:=\"x\"", "Index Cond: (event_id = 'x'::text)"),
        ("log_index:7", "(log_index = '7'::bigint)"),
    ] {
        let plan = plan(&mut client, &format!("SELECT * FROM events e WHERE e @@@ '{query}'"));
        assert!(plan.contains(expected), "{query}:\n{plan}");
        assert!(!plan.contains("@@@") && !plan.contains("matches("), "{query}:\n{plan}");
    }
}

#[test]
fn partitions_outside_of_the_time_are_not_read() {
    let (_db, mut client) = filled();
    let plan = plan(
        &mut client,
        "SELECT * FROM events e WHERE e @@@ 'timestamp:<2025-01-01'",
    );
    assert!(!plan.contains("log_standard_20"), "{plan}");
    let plan = self::plan(
        &mut client,
        "SELECT * FROM events e WHERE e @@@ 'timestamp:[now-5m TO now]'",
    );
    assert!(plan.contains("Subplans Removed"), "{plan}");
}

#[test]
fn the_query_may_come_from_anywhere() {
    let (_db, mut client) = filled();
    let direct = scalar(
        &mut client,
        "SELECT count(*) FROM events WHERE event_type = 'kind.n7' AND status = 'failed'",
    );
    assert!(direct > 0);
    client
        .batch_execute(
            "CREATE VIEW failures AS SELECT e, e.event_id FROM auditlog.events e WHERE e @@@ 'status:failed';
             CREATE FUNCTION wanted() RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'event_type:kind.n7 status:failed' $$;
             CREATE TABLE queries (name text, query text); INSERT INTO queries VALUES ('q', 'event_type:kind.n7 status:failed');
             PREPARE one (text) AS SELECT count(*) FROM events e WHERE e @@@ $1",
        )
        .expect("objects");
    for sql in [
        "SELECT count(*) FROM events e WHERE e @@@ 'event_type:kind.n7 AND status:failed'",
        "SELECT count(*) FROM events e WHERE matches(e, 'event_type:kind.n7 status:failed')",
        "SELECT count(*) FROM failures f WHERE f.e @@@ 'event_type:kind.n7'",
        "SELECT count(*) FROM events e WHERE e @@@ wanted()",
        "SELECT count(*) FROM events e WHERE e @@@ (SELECT query FROM queries WHERE name = 'q')",
        "SELECT count(*) FROM events e JOIN queries q ON e @@@ q.query",
        "SELECT count(*) FROM queries q LEFT JOIN events e ON e @@@ 'event_type:kind.n7 status:failed'",
        "SELECT count(*) FROM (SELECT * FROM events OFFSET 0) e WHERE e @@@ 'event_type:kind.n7 status:failed'",
        "WITH e AS MATERIALIZED (SELECT * FROM events) SELECT count(*) FROM e WHERE e @@@ 'event_type:kind.n7 status:failed'",
        "SELECT count(*) FILTER (WHERE e @@@ 'event_type:kind.n7 status:failed') FROM events e",
        "SELECT count(*) FROM events e WHERE e.log_index IN (SELECT i.log_index FROM events i WHERE i @@@ 'event_type:kind.n7 status:failed')",
    ] {
        assert_eq!(scalar(&mut client, sql), direct, "{sql}");
    }
    for mode in ["force_custom_plan", "force_generic_plan", "auto"] {
        client
            .batch_execute(&format!("SET plan_cache_mode = {mode}"))
            .expect("mode");
        for _ in 0..7 {
            let rows = client
                .simple_query("EXECUTE one('event_type:kind.n7 status:failed')")
                .expect("EXECUTE");
            let count = rows.iter().find_map(|m| match m {
                postgres::SimpleQueryMessage::Row(row) => row.get(0).and_then(|n| n.parse::<i64>().ok()),
                _ => None,
            });
            assert_eq!(count, Some(direct), "{mode}");
        }
    }
}

#[test]
fn the_missing_side_of_an_outer_join_satisfies_nothing() {
    let (_db, mut client) = filled();
    client
        .batch_execute("CREATE TABLE ids (id text); INSERT INTO ids VALUES ('none'), ('none too')")
        .expect("table");
    for query in [
        "NOT status:failed",
        "",
        "_missing_:actor.id",
        "NOT nonsense",
        "status:failed",
    ] {
        for argument in [format!("'{query}'"), format!("(SELECT '{query}'::text)")] {
            let sql =
                format!("SELECT count(*) FROM ids LEFT JOIN events e ON e.event_id = ids.id WHERE e @@@ {argument}");
            assert_eq!(scalar(&mut client, &sql), 0, "{sql}");
        }
    }
}

#[test]
fn now_is_not_frozen_in_a_kept_plan() {
    let db = Database::new();
    let mut client = db.superuser();
    client
        .batch_execute(
            "SET search_path = public, auditlog; SET auditlog.max_clock_skew = '3650d';
             SELECT record(jsonb_build_object('event_type', 'a.b', 'timestamp', to_char(clock_timestamp() + interval '4 s',
                 'YYYY-MM-DD\"T\"HH24:MI:SS.USOF:00')));
             PREPARE due AS SELECT count(*) FROM events e WHERE e @@@ 'timestamp:<now+0s'; SET plan_cache_mode = force_generic_plan",
        )
        .expect("event");
    let mut due = || {
        let rows = client.simple_query("EXECUTE due").expect("EXECUTE");
        rows.iter()
            .any(|m| matches!(m, postgres::SimpleQueryMessage::Row(row) if row.get(0) == Some("1")))
    };
    assert!(!due(), "the event lies in the future");
    std::thread::sleep(std::time::Duration::from_millis(4200));
    assert!(due(), "and then it does not");
}

#[test]
fn a_changed_zone_reaches_kept_plans() {
    let db = Database::new();
    let mut client = db.superuser();
    client
        .batch_execute(
            "SET search_path = public, auditlog;
             SELECT record('{\"event_type\": \"a.b\", \"timestamp\": \"2026-03-10T23:30:00Z\"}'::jsonb);
             PREPARE day AS SELECT count(*) FROM events e WHERE e @@@ 'timestamp:2026-03-11'; SET plan_cache_mode = force_generic_plan",
        )
        .expect("event");
    let mut found = |zone: &str| {
        client
            .batch_execute(&format!("SET auditlog.query_timezone = '{zone}'"))
            .expect("zone");
        let rows = client.simple_query("EXECUTE day").expect("EXECUTE");
        rows.iter()
            .any(|m| matches!(m, postgres::SimpleQueryMessage::Row(row) if row.get(0) == Some("1")))
    };
    assert!(!found("UTC"));
    assert!(found("Europe/Berlin"));
    assert!(!found("America/New_York"));
    let error = client
        .batch_execute("SET auditlog.query_timezone = 'Nowhere/Never'")
        .expect_err("no such zone");
    assert_eq!(error.code().map(|c| c.code()), Some("22023"));
}
