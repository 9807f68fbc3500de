//! Many writers at once, at every isolation level, with savepoints, a prepared transaction and a
//! transaction that stays open: none waits for another, and what is committed is sealed once.

use auditlog_testkit::log::{assert_intact, count_events, scalar, text, wait_sealed};
use auditlog_testkit::postgres::{Client, IsolationLevel};
use auditlog_testkit::{Database, LONG, Random, SetAtEnd, wait_until};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const WRITERS: u64 = 12;
const LEVELS: [IsolationLevel; 3] = [
    IsolationLevel::ReadCommitted,
    IsolationLevel::RepeatableRead,
    IsolationLevel::Serializable,
];

/// One writer's transactions; returns the ids of the events that it committed. Any error, a
/// serialization failure too, is the test's failure.
fn write(mut client: Client, writer: u64, transactions: u64, mut random: Random) -> Vec<String> {
    let mut committed = Vec::new();
    for number in 0..transactions {
        let level = LEVELS[random.below(3) as usize];
        let mut ids = Vec::new();
        let mut t = client
            .build_transaction()
            .isolation_level(level)
            .start()
            .expect("BEGIN");
        for step in 0..=random.below(4) {
            let id = format!("w{writer}-{number}-{step}");
            let mut s = t.savepoint("s").expect("SAVEPOINT");
            s.execute(
                "SELECT auditlog.record(jsonb_build_object('event_id', $1::text, 'event_type', 'load.step'))",
                &[&id],
            )
            .unwrap_or_else(|e| panic!("{level:?}: {e:?}"));
            if random.chance(30) {
                s.rollback().expect("ROLLBACK TO");
            } else {
                s.commit().expect("RELEASE");
                ids.push(id);
            }
            if random.chance(10) {
                thread::sleep(Duration::from_millis(random.below(20)));
            }
        }
        if random.chance(15) {
            t.rollback().expect("ROLLBACK");
        } else {
            t.commit().unwrap_or_else(|e| panic!("COMMIT at {level:?}: {e:?}"));
            committed.extend(ids);
        }
    }
    committed
}

/// Looks for sessions that wait for a lock until `stop`. Locks for the extension of a file are no
/// transaction's: they last for one page.
fn watch_locks(mut client: Client, database: &str, stop: &AtomicBool) -> BTreeSet<String> {
    let waiting = client
        .prepare(
            "SELECT concat_ws(' ', a.backend_type, 'waits for', l.locktype, l.mode, l.relation::regclass::text, 'in:', a.query)
             FROM pg_locks l JOIN pg_stat_activity a USING (pid)
             WHERE NOT l.granted AND l.locktype <> 'extend' AND a.datname = $1 AND a.backend_type = 'client backend'",
        )
        .expect("monitor");
    let mut seen = BTreeSet::new();
    while !stop.load(Ordering::Relaxed) {
        seen.extend(
            client
                .query(&waiting, &[&database])
                .expect("pg_locks")
                .iter()
                .map(|row| row.get::<_, String>(0)),
        );
        thread::sleep(Duration::from_millis(2));
    }
    seen
}

#[test]
fn no_writer_waits_and_everything_committed_is_sealed_once() {
    let db = Database::new();
    let mut random = Random::from_clock();
    let mut admin = db.superuser();

    // one prepared transaction and one that stays open, both with events, while the others work
    let mut preparing = db.writer();
    preparing
        .batch_execute(
            "BEGIN; INSERT INTO auditlog.events (event_id, event_type) VALUES ('prepared', 'load.prepared');
             PREPARE TRANSACTION 'held'",
        )
        .expect("PREPARE TRANSACTION");
    let mut open = db.writer();
    open.batch_execute("BEGIN; INSERT INTO auditlog.events (event_id, event_type) VALUES ('long open', 'load.open')")
        .expect("BEGIN");

    let soak = std::env::var("AUDITLOG_SOAK").is_ok_and(|v| v == "1");
    let transactions = if soak { 7000 } else { 60 }; // more than a minute, or some seconds
    let stop = AtomicBool::new(false);
    let (committed, waits) = thread::scope(|scope| {
        let end = SetAtEnd(&stop);
        let monitor = scope.spawn(|| watch_locks(db.superuser(), db.name(), &stop));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let client = db.writer();
                let random = Random::new(random.draw());
                scope.spawn(move || write(client, writer, transactions, random))
            })
            .collect();
        let committed: Vec<String> = writers
            .into_iter()
            .flat_map(|w| w.join().expect("a writer failed"))
            .collect();
        // the sealer does not wait for the two that are still open
        wait_sealed(&mut admin);
        assert_eq!(
            scalar(&mut admin, "SELECT count(*) FROM auditlog.events"),
            i64::try_from(committed.len()).expect("fits")
        );
        drop(end);
        (committed, monitor.join().expect("the monitor failed"))
    });
    assert!(waits.is_empty(), "{waits:#?}");

    open.batch_execute("COMMIT").expect("COMMIT");
    admin.batch_execute("COMMIT PREPARED 'held'").expect("COMMIT PREPARED");
    let mut expected: BTreeSet<String> = committed.into_iter().collect();
    expected.extend(["prepared".to_owned(), "long open".to_owned()]);
    assert_intact(&mut admin, i64::try_from(expected.len()).expect("fits"));
    let found: BTreeSet<String> = admin
        .query("SELECT event_id FROM auditlog.events", &[])
        .expect("events")
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_prepared_transaction_that_is_rolled_back_leaves_nothing() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute("BEGIN; SELECT auditlog.record(event_type => 'a.b'); PREPARE TRANSACTION 'to be undone'")
        .expect("PREPARE TRANSACTION");
    admin
        .batch_execute("SELECT auditlog.record(event_type => 'c.d')")
        .expect("record()");
    wait_sealed(&mut admin);
    admin
        .batch_execute("ROLLBACK PREPARED 'to be undone'")
        .expect("ROLLBACK PREPARED");
    assert_intact(&mut admin, 1);
}

#[test]
fn a_prepared_transaction_survives_a_restart_and_is_sealed_when_it_commits() {
    let cluster = auditlog_testkit::Cluster::start(&auditlog_testkit::Options::default());
    let mut admin = cluster.create_database_with_extension("audited");
    admin
        .batch_execute(
            "BEGIN; SELECT auditlog.record(event_type => 'held.one'); SELECT auditlog.record(event_type => 'held.two', idempotency_key => 'k');
             PREPARE TRANSACTION 'over the restart'",
        )
        .expect("PREPARE TRANSACTION");
    admin
        .batch_execute("SELECT auditlog.record(event_type => 'free.one')")
        .expect("record()");
    cluster.restart();
    let mut admin = cluster.connect("audited");
    admin
        .batch_execute("SELECT auditlog.record(event_type => 'free.two')")
        .expect("record()");
    assert_intact(&mut admin, 2);
    admin
        .batch_execute("COMMIT PREPARED 'over the restart'")
        .expect("COMMIT PREPARED");
    assert_intact(&mut admin, 4);
}

#[test]
fn the_order_of_one_sessions_events_is_kept() {
    let db = Database::new();
    let mut writer = db.writer();
    for i in 0..20 {
        let mut t = writer.transaction().expect("BEGIN");
        for j in 0..10 {
            t.execute(
                "INSERT INTO auditlog.events (event_id, event_type) VALUES ($1, 'a.b')",
                &[&format!("{i:02}-{j}")],
            )
            .expect("INSERT");
        }
        t.commit().expect("COMMIT");
    }
    let mut admin = db.superuser();
    assert_intact(&mut admin, 200);
    let order = text(
        &mut admin,
        "SELECT string_agg(event_id, ' ' ORDER BY log_index) FROM auditlog.events",
    );
    let expected: Vec<String> = (0..20)
        .flat_map(|i| (0..10).map(move |j| format!("{i:02}-{j}")))
        .collect();
    assert_eq!(order, expected.join(" "));
}

#[test]
fn await_sealed_returns_the_index_or_says_that_time_is_up() {
    let db = Database::new();
    let mut admin = db.superuser();
    for expected in 0..5 {
        let id = text(&mut admin, "SELECT auditlog.record(event_type => 'a.b')");
        let index: i64 = admin
            .query_one("SELECT auditlog.await_sealed($1)", &[&id])
            .expect("await_sealed()")
            .get(0);
        assert_eq!(index, expected);
    }
    let mut held = db.superuser();
    held.batch_execute("BEGIN; INSERT INTO auditlog.events (event_id, event_type) VALUES ('not committed', 'a.b')")
        .expect("INSERT");
    let error =
        auditlog_testkit::refused::refused(&mut admin, "SELECT auditlog.await_sealed('not committed', '200ms')");
    assert!(error.code().code().starts_with("57"), "{error:?}");
    held.batch_execute("COMMIT").expect("COMMIT");
    assert_eq!(
        scalar(
            &mut admin,
            "SELECT auditlog.await_sealed('not committed', timeout => '30s')"
        ),
        5
    );
    // in the transaction that recorded the event it can't be sealed yet; the call must not hang
    let mut t = admin.transaction().expect("BEGIN");
    t.batch_execute("INSERT INTO auditlog.events (event_id, event_type) VALUES ('mine', 'a.b')")
        .expect("INSERT");
    assert!(t.query("SELECT auditlog.await_sealed('mine', '100ms')", &[]).is_err());
    drop(t);
    // REPEATABLE READ: the snapshot may be older than the seal, the answer comes all the same
    let mut t = admin
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .start()
        .expect("BEGIN");
    t.batch_execute("SELECT 1").expect("a snapshot");
    let mut other = db.superuser();
    other
        .batch_execute("INSERT INTO auditlog.events (event_id, event_type) VALUES ('later', 'a.b')")
        .expect("INSERT");
    let index: i64 = t
        .query_one("SELECT auditlog.await_sealed('later', '30s')", &[])
        .expect("await_sealed()")
        .get(0);
    assert_eq!(index, 6);
}

#[test]
fn a_busy_sealer_is_nobodys_lock_either() {
    let db = Database::new();
    let mut admin = db.superuser();
    // DDL of the application in the same database, and maintenance by the administrator
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let end = SetAtEnd(&stop);
        scope.spawn(|| {
            let mut client = db.superuser();
            while !stop.load(Ordering::Relaxed) {
                for sql in [
                    "CREATE TABLE app (i int); CREATE INDEX ON app (i); DROP TABLE app",
                    "VACUUM auditlog_data.inbox_0",
                    "ANALYZE auditlog_data.log",
                ] {
                    client.batch_execute(sql).expect("DDL");
                }
            }
        });
        let waits = scope.spawn(|| watch_locks(db.superuser(), db.name(), &stop));
        let mut writer = db.writer();
        for _ in 0..300 {
            writer
                .batch_execute("INSERT INTO auditlog.events (event_type) SELECT 'a.b' FROM generate_series(1, 20)")
                .expect("INSERT");
        }
        drop(end);
        let waits: Vec<String> = waits
            .join()
            .expect("the monitor failed")
            .into_iter()
            .filter(|w| w.contains("INSERT INTO"))
            .collect();
        assert!(waits.is_empty(), "{waits:#?}");
    });
    wait_until("the sealer is through", LONG, || count_events(&mut admin) == 6000);
    assert_intact(&mut admin, 6000);
}
