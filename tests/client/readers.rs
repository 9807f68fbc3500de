//! Readers see every event from its commit on, once, at every isolation level, while the sealer
//! moves it; and a transaction sees its own events at once.

use auditlog_testkit::log::{assert_intact, count_events, scalar};
use auditlog_testkit::postgres::{Client, IsolationLevel, Transaction};
use auditlog_testkit::{Database, SetAtEnd};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What the writers did so far: at least `acknowledged` events are committed, at most `begun`.
#[derive(Default)]
struct Progress {
    begun: AtomicI64,
    acknowledged: AtomicI64,
    done: AtomicBool,
}

/// Writes for some seconds, in transactions of different sizes.
fn write(mut client: Client, progress: &Progress, until: Instant) {
    let sizes = [1, 1, 1, 7, 1, 200, 1, 30];
    for size in sizes.iter().cycle() {
        if Instant::now() > until {
            break;
        }
        progress.begun.fetch_add(*size, Ordering::SeqCst);
        client
            .execute("INSERT INTO auditlog.events (event_type, actor_id) SELECT 'a.b', 'u' || i FROM generate_series(1, $1::bigint) i", &[size])
            .expect("INSERT");
        progress.acknowledged.fetch_add(*size, Ordering::SeqCst);
    }
}

/// Counts events twice in one statement: all, and different ones.
fn count(t: &mut Transaction<'_>) -> (i64, i64) {
    let row = t
        .query_one("SELECT count(*), count(DISTINCT event_id) FROM auditlog.events", &[])
        .expect("events");
    (row.get(0), row.get(1))
}

/// One reader at one level. Above READ COMMITTED its snapshot lives for many statements.
fn read(mut client: Client, level: IsolationLevel, progress: &Progress) -> u32 {
    let mut transactions = 0;
    while !progress.done.load(Ordering::SeqCst) {
        let committed = progress.acknowledged.load(Ordering::SeqCst);
        let mut t = client
            .build_transaction()
            .isolation_level(level)
            .read_only(transactions % 2 == 0)
            .start()
            .expect("BEGIN");
        let (first, different) = count(&mut t);
        let begun = progress.begun.load(Ordering::SeqCst);
        assert_eq!(first, different, "{level:?}: an event twice");
        assert!(
            first >= committed,
            "{level:?}: {committed} were acknowledged, {first} are there"
        );
        assert!(first <= begun, "{level:?}: {begun} were begun, {first} are there");
        for pause in [1, 20, 150] {
            thread::sleep(Duration::from_millis(pause));
            let (again, different) = count(&mut t);
            assert_eq!(again, different, "{level:?}: an event twice");
            if matches!(level, IsolationLevel::ReadCommitted) {
                assert!(again >= first, "{level:?}: {first} events became {again}");
            } else {
                assert_eq!(again, first, "{level:?}: the snapshot changed");
            }
        }
        t.commit().unwrap_or_else(|e| panic!("COMMIT at {level:?}: {e:?}"));
        transactions += 1;
    }
    transactions
}

/// A cursor keeps its statement's snapshot while the rows it has not fetched yet are moved.
fn read_by_cursor(mut client: Client, progress: &Progress) -> u32 {
    let mut cursors = 0;
    while !progress.done.load(Ordering::SeqCst) {
        let mut t = client.transaction().expect("BEGIN");
        let expected = {
            t.batch_execute("DECLARE c CURSOR FOR SELECT event_id FROM auditlog.events")
                .expect("DECLARE");
            let first = t.query("FETCH 10 FROM c", &[]).expect("FETCH").len();
            thread::sleep(Duration::from_millis(100));
            let rest = t.query("FETCH ALL FROM c", &[]).expect("FETCH");
            first + rest.len()
        };
        let begun = progress.begun.load(Ordering::SeqCst);
        assert!(
            i64::try_from(expected).expect("fits") <= begun,
            "{begun} were begun, the cursor gave {expected}"
        );
        t.commit().expect("COMMIT");
        cursors += 1;
    }
    cursors
}

#[test]
fn every_reader_counts_each_event_once_while_it_is_moved() {
    let db = Database::new();
    let progress = Progress::default();
    let until = Instant::now() + Duration::from_secs(8);
    thread::scope(|scope| {
        let end = SetAtEnd(&progress.done);
        let readers: Vec<_> = [
            IsolationLevel::ReadCommitted,
            IsolationLevel::RepeatableRead,
            IsolationLevel::Serializable,
        ]
        .into_iter()
        .map(|level| {
            let client = db.superuser();
            let progress = &progress;
            scope.spawn(move || read(client, level, progress))
        })
        .collect();
        let cursor = scope.spawn(|| read_by_cursor(db.superuser(), &progress));
        let writers: Vec<_> = (0..4)
            .map(|_| {
                let client = db.writer();
                let progress = &progress;
                scope.spawn(move || write(client, progress, until))
            })
            .collect();
        let failed = writers.into_iter().any(|w| w.join().is_err());
        drop(end);
        assert!(!failed, "a writer failed");
        for reader in readers {
            assert!(
                reader.join().expect("a reader failed") > 0,
                "no transaction of a reader came through"
            );
        }
        assert!(cursor.join().expect("the cursor failed") > 0);
    });
    assert_intact(&mut db.superuser(), progress.acknowledged.load(Ordering::SeqCst));
}

#[test]
fn a_transaction_sees_its_own_events_at_once_and_others_after_commit() {
    let db = Database::new();
    let mut other = db.superuser();
    for level in [
        IsolationLevel::ReadCommitted,
        IsolationLevel::RepeatableRead,
        IsolationLevel::Serializable,
    ] {
        let mut client = db.superuser();
        let before = count_events(&mut other);
        let mut t = client
            .build_transaction()
            .isolation_level(level)
            .start()
            .expect("BEGIN");
        t.batch_execute(
            "SELECT auditlog.record(event_type => 'a.b'); INSERT INTO auditlog.events (event_type) VALUES ('c.d')",
        )
        .expect("record()");
        let row = t
            .query_one("SELECT count(*), count(*) FILTER (WHERE log_index IS NULL), count(entry_hash), count(hash) FROM auditlog.events", &[])
            .expect("events");
        assert_eq!(
            [row.get::<_, i64>(0), row.get(1), row.get(2), row.get(3)],
            [before + 2, 2, before + 2, before],
            "{level:?}"
        );
        assert_eq!(count_events(&mut other), before, "{level:?}: not committed yet");
        t.commit().expect("COMMIT");
        assert_eq!(count_events(&mut other), before + 2, "{level:?}");
        auditlog_testkit::log::wait_sealed(&mut other);
    }
    assert_intact(&mut other, 6);
}

#[test]
fn an_old_snapshot_keeps_its_events_however_much_is_sealed_meanwhile() {
    let db = Database::new();
    let mut writer = db.writer();
    let batch = "INSERT INTO auditlog.events (event_type, actor_user_agent) SELECT 'a.b', repeat('x', 200) FROM generate_series(1, 1000)";
    // the snapshot sees 3000 events, some of them in the inbox still
    for _ in 0..3 {
        writer.batch_execute(batch).expect("INSERT");
    }
    let mut old = db.superuser();
    let mut t = old
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .start()
        .expect("BEGIN");
    assert_eq!(count(&mut t), (3000, 3000));
    for _ in 0..40 {
        writer.batch_execute(batch).expect("INSERT");
        assert_eq!(count(&mut t), (3000, 3000));
    }
    let mut admin = db.superuser();
    auditlog_testkit::log::wait_sealed(&mut admin);
    thread::sleep(Duration::from_secs(2)); // time for a rotation that should not happen
    assert_eq!(count(&mut t), (3000, 3000));
    t.commit().expect("COMMIT");
    assert_intact(&mut admin, 43_000);
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM auditlog_data.log"), 43_000);
}
