//! The word index: it follows the log by itself, and never decides what a search finds.

use auditlog_testkit::log::{assert_words_agree, scalar, text, wait_indexed, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with as refused;
use auditlog_testkit::{Database, LONG, wait_until};

const EVENTS: i64 = 9000;

fn filled() -> (Database, Client) {
    let db = Database::new();
    let mut client = db.superuser();
    client
        .batch_execute(&format!(
            "SET search_path = public, auditlog;
             SELECT record_batch(jsonb_agg(jsonb_build_object('event_type', 'a.b', 'actor', jsonb_build_object('id', 'Person-' || i),
                 'metadata', jsonb_build_object('note', 'common text ' || CASE WHEN i % 1500 = 7 THEN 'Zanzibar Ünïcode' ELSE 'nothing' END,
                     'list', jsonb_build_array(i, jsonb_build_object('deep', 'leaf' || i % 3000))))))
             FROM generate_series(1, {EVENTS}) i"
        ))
        .expect("events");
    wait_sealed(&mut client);
    wait_indexed(&mut client);
    client.batch_execute("ANALYZE").expect("ANALYZE");
    (db, client)
}

fn plan(client: &mut Client, query: &str) -> String {
    let sql = format!("EXPLAIN (COSTS OFF) SELECT * FROM events e WHERE e @@@ '{query}'");
    let rows = client.query(&sql, &[]).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    rows.iter()
        .map(|row| row.get::<_, String>(0))
        .collect::<Vec<_>>()
        .join("\n")
}

fn count(client: &mut Client, query: &str) -> i64 {
    scalar(client, &format!("SELECT count(*) FROM events e WHERE e @@@ '{query}'"))
}

#[test]
fn rare_words_and_values_are_found_by_the_index() {
    let (_db, mut client) = filled();
    for (query, found) in [
        ("zanzibar", 6),
        ("ZANZIBAR", 6),
        ("\"zanzibar ünïcode\"", 6),
        ("ÜNÏCODE common", 6),
        ("metadata.note:*zanzibar*", 6),
        ("metadata.note:\"common text zanzibar ünïcode\"", 6),
        ("user:person-4711", 1),
        ("metadata.list.deep:leaf17", 3),
        ("zanzibar OR user:person-1", 7),
        ("zanzibar AND NOT user:person-7", 5),
        ("nowhere-to-be-found", 0),
    ] {
        assert_eq!(count(&mut client, query), found, "{query}");
        client.batch_execute("SET auditlog.word_index = off").expect("off");
        assert_eq!(count(&mut client, query), found, "{query} without the index");
        assert!(!plan(&mut client, query).contains("word_candidates"), "{query}");
        client.batch_execute("RESET auditlog.word_index").expect("on");
        let plan = plan(&mut client, query);
        let asked = !query.starts_with("metadata.note:*");
        assert_eq!(
            plan.contains("Index Cond: (log_index = ANY (auditlog_data.word_candidates("),
            asked,
            "{query}\n{plan}"
        );
    }
    // what nearly every event has is no use
    assert!(!plan(&mut client, "common").contains("word_candidates"));
    assert_eq!(count(&mut client, "common"), EVENTS);
}

#[test]
fn events_are_found_before_they_are_indexed() {
    let (db, mut client) = filled();
    let mut other = db.superuser();
    client.batch_execute("BEGIN").expect("BEGIN");
    client
        .batch_execute("SELECT record('{\"event_type\": \"a.b\", \"metadata\": {\"note\": \"zanzibar\"}}'::jsonb)")
        .expect("record()");
    assert_eq!(count(&mut client, "zanzibar"), 7, "its own, not committed");
    client.batch_execute("COMMIT").expect("COMMIT");
    for _ in 0..200 {
        let sql = "SELECT count(*) FROM auditlog.events e WHERE e @@@ 'zanzibar'";
        assert_eq!(
            scalar(&mut other, sql),
            7,
            "at every moment between inbox, log and index"
        );
    }
}

#[test]
fn it_is_made_anew_when_somebody_asks() {
    let (db, mut client) = filled();
    let run = "SELECT coalesce(min(run), 0) FROM auditlog_data.word_run";
    let before = scalar(&mut client, run);
    let mut analyst = db.connect_as(&db.login(&["auditlog_analyst"]));
    refused(&mut analyst, "42501", "SELECT auditlog.rebuild_word_index()");
    client
        .batch_execute("SELECT auditlog.rebuild_word_index()")
        .expect("rebuild_word_index()");
    wait_until("the index is made anew", LONG, || {
        assert_eq!(count(&mut client, "zanzibar"), 6, "and works meanwhile");
        scalar(&mut client, run) > before
    });
    wait_indexed(&mut client);
    assert_words_agree(&mut client, 20);
}

#[test]
fn nobody_else_writes_it_and_damage_is_reported() {
    let (db, mut client) = filled();
    for sql in [
        "DELETE FROM auditlog_data.word_run",
        "UPDATE auditlog_data.word_chunk SET data = ''",
        "INSERT INTO auditlog_data.word_run VALUES (100, 0, 1, 0, 0)",
        "TRUNCATE auditlog_data.word_chunk",
    ] {
        refused(&mut client, "42501", sql);
    }
    let mut analyst = db.connect_as(&db.login(&["auditlog_analyst"]));
    refused(
        &mut analyst,
        "42501",
        "SELECT auditlog_data.word_candidates('zanzibar')",
    );
    refused(&mut analyst, "42501", "SELECT * FROM auditlog_data.word_run");
    let sql = "SELECT count(*) FROM auditlog.events e WHERE auditlog.matches(e, 'zanzibar')";
    assert_eq!(scalar(&mut analyst, sql), 6, "and still an analyst searches with it");

    client
        .batch_execute("UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid = 'auditlog_data.word_chunk'::regclass")
        .expect("a superuser may change the catalogue");
    db.superuser()
        .batch_execute("UPDATE auditlog_data.word_chunk SET data = decode('ff00ff', 'hex')")
        .expect("a superuser without triggers");
    client
        .batch_execute("UPDATE pg_trigger SET tgenabled = 'A' WHERE tgrelid = 'auditlog_data.word_chunk'::regclass")
        .expect("a superuser may change the catalogue");
    let error = client
        .query("SELECT * FROM events e WHERE e @@@ 'zanzibar'", &[])
        .expect_err("damage");
    let error = error.as_db_error().expect("from the server");
    assert!(error.message().contains("word index is damaged"), "{error:?}");
    assert!(
        error.hint().is_some_and(|hint| hint.contains("rebuild_word_index")),
        "{error:?}"
    );
    client.batch_execute("SET auditlog.word_index = off").expect("off");
    assert_eq!(count(&mut client, "zanzibar"), 6);
    client
        .batch_execute("RESET auditlog.word_index; SELECT auditlog.rebuild_word_index()")
        .expect("rebuild");
    wait_until("the damage is gone", LONG, || {
        client
            .query("SELECT * FROM events e WHERE e @@@ 'zanzibar'", &[])
            .is_ok_and(|rows| rows.len() == 6)
    });
}

#[test]
fn conditions_keep_their_indexes_under_row_level_security() {
    let (db, mut client) = filled();
    // the guard refuses policies; that is not what is tested here
    client
        .batch_execute(
            "ALTER EVENT TRIGGER auditlog_guard_ddl DISABLE;
             DO $$ DECLARE t regclass; BEGIN
                 FOR t IN SELECT relid FROM pg_partition_tree('auditlog_data.log')
                     UNION ALL SELECT ('auditlog_data.inbox_' || i)::regclass FROM generate_series(0, 3) i LOOP
                     EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
                     EXECUTE format('CREATE POLICY part ON %s FOR SELECT USING (length(event_id) > 3)', t);
                 END LOOP;
             END $$;
             ALTER EVENT TRIGGER auditlog_guard_ddl ENABLE ALWAYS",
        )
        .expect("policies");
    let mut analyst = db.connect_as(&db.login(&["auditlog_analyst"]));
    analyst
        .batch_execute("SET search_path = public, auditlog")
        .expect("search_path");
    for (query, condition) in [
        (
            "zanzibar",
            "Index Cond: (log_index = ANY (auditlog_data.word_candidates(",
        ),
        (
            "user:person-4711",
            "Index Cond: (log_index = ANY (auditlog_data.word_candidates(",
        ),
        ("ip:10.0.0.0/30", "Index Cond: ((actor_ip IS NOT NULL)"),
        ("event_type:b*", "Index Cond: ((event_type ~>=~ 'b'::text)"),
        ("timestamp:>now+1h", "\"timestamp\" > (now() + '01:00:00'::interval)"),
    ] {
        let plan = plan(&mut analyst, query);
        assert!(plan.contains(condition), "{query}:\n{plan}");
    }
    assert_eq!(count(&mut analyst, "zanzibar"), 6);
}

#[test]
fn health_and_its_view_tell_how_far_it_is() {
    let (db, mut client) = filled();
    let row = client
        .query_one(
            "SELECT indexed_events, waiting_events, runs, bytes FROM auditlog.stat_word_index",
            &[],
        )
        .expect("stat_word_index");
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (EVENTS, 0));
    assert!((1..=20).contains(&row.get::<_, i64>(2)));
    assert!(row.get::<_, i64>(3) > 0);
    let status = text(
        &mut client,
        "SELECT status FROM auditlog.health() WHERE \"check\" = 'word index'",
    );
    assert_eq!(status, "ok");
    let mut monitor = db.connect_as(&db.login(&["pg_monitor"]));
    scalar(&mut monitor, "SELECT indexed_events FROM auditlog.stat_word_index");
}

/// Without statistics of what queries compare, a page of common words was made by fetching and sorting all
/// of them; the deeper the log, the longer.
#[test]
fn pages_of_common_words_are_read_from_the_newest_on() {
    let db = Database::new();
    let mut client = db.superuser();
    client
        .batch_execute(
            "SET search_path = public, auditlog;
             SELECT record_batch(jsonb_agg(jsonb_build_object('event_type', 'a.b',
                 'timestamp', to_char(now() AT TIME ZONE 'UTC' - i * interval '1 second', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                 'severity', CASE WHEN i % 10 = 0 THEN 'critical' ELSE 'info' END,
                 'action', jsonb_build_object('status', CASE WHEN i % 7 < 2 THEN 'Failed' ELSE 'success' END,
                     'operation', (ARRAY['start', 'stop'])[1 + i % 2]))))
             FROM generate_series(1, 30000) i",
        )
        .expect("events");
    wait_sealed(&mut client);
    wait_indexed(&mut client);
    client.batch_execute("ANALYZE").expect("ANALYZE");
    for query in [
        "status:failed",
        "status:failed severity:critical",
        "status IN (failed, denied) severity:critical",
        "operation:STOP status:success",
    ] {
        let expected = scalar(&mut client, &format!("SELECT auditlog.estimate('{query}')"));
        let found = count(&mut client, query);
        assert!(
            (found / 2..=found * 2).contains(&expected),
            "{query}: {expected} expected, {found} found"
        );
    }
    let rows = client
        .query(
            "EXPLAIN (COSTS OFF) SELECT * FROM events e WHERE e @@@ 'status:failed severity:critical' \
             ORDER BY \"timestamp\" DESC LIMIT 50",
            &[],
        )
        .expect("EXPLAIN");
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("_timestamp on log_standard_"), "{plan}");
    assert!(!plan.contains("word_candidates("), "{plan}");
}
