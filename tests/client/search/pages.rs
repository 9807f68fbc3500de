//! Pages: none overlaps or skips, whatever happens meanwhile; and a late page costs what the first does.

use auditlog_testkit::Database;
use auditlog_testkit::log::{scalar, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

const EVENTS: usize = 3000;

/// All events that the pages of a search show, in order.
fn page_through(client: &mut Client, order: &str, size: i32) -> Vec<String> {
    let mut after: Option<String> = None;
    let mut found = Vec::new();
    loop {
        let rows = client
            .query(
                "SELECT e.event_id, auditlog.cursor(e) FROM auditlog.search('event_type:paged.*', order_by => $1, \"limit\" => $2, after => $3) e",
                &[&order, &size, &after],
            )
            .expect("a page");
        found.extend(rows.iter().map(|row| row.get::<_, String>(0)));
        if rows.len() < size as usize {
            return found;
        }
        after = rows.last().map(|row| row.get(1));
    }
}

#[test]
fn pages_neither_overlap_nor_skip_while_others_write() {
    let db = Database::new();
    let mut admin = db.superuser();
    // ten timestamps only, so that nearly all neighbours on all pages are equal in it; some events
    // even share their id
    admin
        .batch_execute(&format!(
            "INSERT INTO auditlog.events (event_id, event_type, timestamp)
             SELECT 'before-' || i / 2, 'paged.before', '2026-03-10 12:00+00'::timestamptz + i % 10 * interval '1 s'
             FROM generate_series(1, {EVENTS}) i"
        ))
        .expect("INSERT");
    let before: BTreeSet<String> = (0..=EVENTS / 2).map(|i| format!("before-{i}")).collect();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = db.writer();
            let mut round = 0;
            // bounded: all of it stands in the same few seconds, which every page has to sort
            while !stop.load(Ordering::Relaxed) && round < 200 {
                round += 1;
                writer
                    .batch_execute(&format!(
                        "INSERT INTO auditlog.events (event_id, event_type, timestamp)
                         SELECT 'during-{round}-' || i, 'paged.during', '2026-03-10 12:00+00'::timestamptz + i % 12 * interval '1 s'
                         FROM generate_series(1, 24) i"
                    ))
                    .expect("INSERT");
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        });
        // at first some of them are in the inbox still, and move while the pages are read
        for (order, size) in [("newest", 137), ("oldest", 301), ("newest", 10_000), ("oldest", 500)] {
            let mut session = db.superuser();
            let found = page_through(&mut session, order, size);
            let old: Vec<&String> = found.iter().filter(|id| id.starts_with("before")).collect();
            assert_eq!(old.len(), EVENTS, "{order} {size}");
            assert_eq!(old.iter().map(|id| (*id).clone()).collect::<BTreeSet<_>>(), before);
            let new: Vec<&String> = found.iter().filter(|id| id.starts_with("during")).collect();
            assert_eq!(
                new.len(),
                new.iter().collect::<BTreeSet<_>>().len(),
                "twice: {order} {size}"
            );
        }
        stop.store(true, Ordering::Relaxed);
    });
    wait_sealed(&mut admin);
    let newest = page_through(&mut admin, "newest", 1000);
    let mut oldest = page_through(&mut admin, "oldest", 777);
    oldest.reverse();
    assert_eq!(newest, oldest);
}

#[test]
fn a_late_page_costs_what_the_first_one_does() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "SET client_min_messages = error;
             INSERT INTO auditlog.events (event_id, event_type, timestamp)
             SELECT 'e' || i, 'paged.many', '2026-01-01 00:00+00'::timestamptz + i * interval '10 min' FROM generate_series(1, 20000) i",
        )
        .expect("INSERT");
    wait_sealed(&mut admin);
    admin
        .batch_execute("VACUUM ANALYZE auditlog_data.log")
        .expect("ANALYZE");
    let mut blocks = |after: &str| {
        let page = format!(
            "SELECT count(*) FROM auditlog.search(\"limit\" => 100, after => (SELECT auditlog.cursor(e) FROM auditlog.events e WHERE event_id = '{after}'))"
        );
        assert_eq!(scalar(&mut admin, &page), 100);
        let plan = admin
            .query(&format!("EXPLAIN (ANALYZE, BUFFERS, TIMING off) {page}"), &[])
            .expect("EXPLAIN");
        let line = |row: &auditlog_testkit::postgres::Row| row.get::<_, String>(0);
        let hits = plan.iter().map(line).find_map(|line| {
            let blocks = line.split_once("shared hit=")?.1;
            blocks.split(' ').next()?.parse::<i64>().ok()
        });
        hits.expect("a number of blocks")
    };
    blocks("e19990");
    let (first, last) = (blocks("e19990"), blocks("e150"));
    assert!(last < first * 3 / 2, "first page {first} blocks, last page {last}");
}

#[test]
fn who_may_search() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin.batch_execute("SELECT auditlog.record('a.b')").expect("record()");
    let calls = [
        "SELECT * FROM auditlog.search()",
        "SELECT auditlog.count()",
        "SELECT auditlog.count(exact => false)",
        "SELECT * FROM auditlog.facets('', 'status')",
        "SELECT * FROM auditlog.histogram('', '1 day')",
    ];
    for group in ["auditlog_analyst", "auditlog_compliance", "auditlog_administrator"] {
        let mut reader = db.connect_as(&db.login(&[group]));
        for call in calls {
            reader
                .batch_execute(call)
                .unwrap_or_else(|e| panic!("{group}: {call}: {e:?}"));
        }
        reader
            .batch_execute("SELECT * FROM auditlog.suggest('status:')")
            .expect("suggest()");
        reader
            .batch_execute(&format!(
                "SELECT auditlog.save_query('{group}', 'a'), auditlog.delete_query('{group}')"
            ))
            .expect("save_query()");
    }
    for group in ["auditlog_manager", "auditlog_user"] {
        let mut reader = db.connect_as(&db.login(&[group]));
        for call in calls {
            reader
                .batch_execute(call)
                .unwrap_or_else(|e| panic!("{group}: {call}: {e:?}"));
        }
        refused_with(&mut reader, "42501", "SELECT auditlog.save_query('x', 'a')");
    }
    for group in ["auditlog_writer", "pg_monitor"] {
        let mut other = db.connect_as(&db.login(&[group]));
        for call in calls {
            refused_with(&mut other, "42501", call);
        }
        refused_with(&mut other, "42501", "SELECT auditlog.save_query('x', 'a')");
    }
    // the caller's rights, whoever owns the functions: row-level security included
    admin
        .batch_execute("CREATE ROLE nosy LOGIN; GRANT USAGE ON SCHEMA auditlog TO nosy; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA auditlog TO nosy")
        .expect("GRANT");
    let mut nosy = db.connect_as("nosy");
    for call in calls {
        refused_with(&mut nosy, "42501", call);
    }
    drop(nosy);
    admin
        .batch_execute("DROP OWNED BY nosy; DROP ROLE nosy")
        .expect("DROP ROLE");
}

/// A further policy on the log holds for whoever calls, through every function and whatever the query is.
#[test]
fn row_level_security_keeps_applying() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "SET client_min_messages = error;
             INSERT INTO auditlog.events (event_type, timestamp, tenant, status, extra)
             SELECT 'a.b', '2026-03-10Z'::timestamptz + i * interval '1 s', CASE WHEN i % 4 = 0 THEN 'own' ELSE 'other' END,
               'status-' || i, jsonb_build_object('note', 'note-' || i) FROM generate_series(1, 40) i",
        )
        .expect("INSERT");
    wait_sealed(&mut admin);
    admin
        .batch_execute(
            "ALTER EVENT TRIGGER auditlog_guard_ddl DISABLE;
             CREATE POLICY own ON auditlog_data.log AS RESTRICTIVE FOR SELECT USING (tenant = 'own');
             ALTER EVENT TRIGGER auditlog_guard_ddl ENABLE ALWAYS",
        )
        .expect("a policy");
    let mut reader = db.connect_as(&db.login(&["auditlog_analyst"]));
    for query in [
        "",
        "NOT tenant:own OR tenant:own",
        "status:*",
        "note:note-*",
        "NOT status:~\"x+\"",
    ] {
        for (way, expected) in [
            ("SELECT count(*) FROM auditlog.search($1)", 10),
            ("SELECT auditlog.count($1)", 10),
            (
                "SELECT count(*) FROM auditlog.facets($1, 'status', \"limit\" => 100)",
                10,
            ),
            ("SELECT count(*) FROM auditlog.facets($1, 'note', \"limit\" => 100)", 10),
            ("SELECT sum(count)::bigint FROM auditlog.histogram($1, '1 day')", 10),
            (
                "SELECT count(*) FROM auditlog.suggest('note:', NULL, 100) WHERE $1::text IS NOT NULL",
                10,
            ),
            (
                "SELECT count(*) FROM auditlog.suggest('status:', NULL, 100) WHERE $1::text IS NOT NULL",
                10,
            ),
        ] {
            let found: i64 = reader
                .query_one(way, &[&query])
                .unwrap_or_else(|e| panic!("{way} {query}: {e:?}"))
                .get(0);
            assert_eq!(found, expected, "{way} {query}");
        }
    }
}
