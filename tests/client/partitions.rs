//! The sealer makes partitions on demand while others read: no reader may lose an event because it
//! planned its query before the event's partition was there.

use auditlog_testkit::log::{assert_intact, count_events, scalar, wait_sealed};
use auditlog_testkit::{Database, LONG, SetAtEnd, wait_until};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

const COUNT: &str = "SELECT count(*) FROM auditlog.events";

#[test]
fn a_cached_plan_in_an_open_transaction_loses_nothing() {
    let db = Database::new();
    let mut writer = db.writer();
    let mut reader = db.superuser();
    let mut watcher = db.superuser();
    writer
        .batch_execute("INSERT INTO auditlog.events (event_type) VALUES ('a.b')")
        .expect("INSERT");
    wait_sealed(&mut watcher);
    let count = reader.prepare(COUNT).expect("PREPARE");
    let mut t = reader.transaction().expect("BEGIN");
    for expected in 1..=4 {
        let seen: i64 = t.query_one(&count, &[]).expect("events").get(0);
        assert_eq!(seen, expected);
        writer
            .batch_execute(&format!(
                "INSERT INTO auditlog.events (event_type, timestamp) VALUES ('a.b', '2021-0{expected}-01 12:00')"
            ))
            .expect("INSERT");
        // sealed, or waiting until this transaction has ended: both are right
        thread::sleep(Duration::from_millis(1500));
    }
    t.commit().expect("COMMIT");
    assert_intact(&mut watcher, 5);
}

#[test]
fn the_count_never_falls_while_partitions_are_made() {
    let db = Database::new();
    let (acknowledged, done) = (AtomicI64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let end = SetAtEnd(&done);
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = db.superuser();
                    let mut reads = 0;
                    while !done.load(Ordering::SeqCst) {
                        let before = acknowledged.load(Ordering::SeqCst);
                        let seen = count_events(&mut client);
                        assert!(
                            seen >= before,
                            "{before} events were acknowledged, {seen} are there (read {reads})"
                        );
                        reads += 1;
                    }
                    reads
                })
            })
            .collect();
        let mut writer = db.writer();
        for month in 0..48 {
            // many in one statement, each month new
            let sql = format!(
                "INSERT INTO auditlog.events (event_type, timestamp)
                 SELECT 'a.b', '2020-02-01'::timestamptz + '{month} months'::interval FROM generate_series(1, 20)"
            );
            writer.batch_execute(&sql).expect("INSERT");
            acknowledged.fetch_add(20, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(30));
        }
        let mut watcher = db.superuser();
        wait_until("all is sealed", LONG, || {
            scalar(&mut watcher, "SELECT inbox_rows FROM auditlog.stat_seal") == 0
        });
        drop(end);
        for reader in readers {
            assert!(reader.join().expect("a reader failed") > 0);
        }
    });
    assert_intact(&mut db.superuser(), 960);
}
