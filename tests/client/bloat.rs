//! The inbox stays small: what is sealed is given back to the file system, under load, and after a
//! snapshot that stood in the way is gone.

use auditlog_testkit::log::{assert_intact, count_events, scalar, text, wait_sealed};
use auditlog_testkit::postgres::{Client, IsolationLevel};
use auditlog_testkit::{Database, LONG, wait_until};
use std::time::Duration;

const BATCH: &str = "INSERT INTO auditlog.events (event_type, actor_user_agent) SELECT 'a.b', repeat('x', 300) FROM generate_series(1, 1000)";

/// Workers tell their statistics once a second.
const TOLD: Duration = Duration::from_secs(2);

/// Bytes of all inbox tables.
fn inbox_size(client: &mut Client) -> i64 {
    scalar(
        client,
        "SELECT sum(pg_total_relation_size('auditlog_data.inbox_' || i))::bigint FROM generate_series(0, 3) i",
    )
}

fn log_size(client: &mut Client) -> i64 {
    scalar(
        client,
        "SELECT sum(pg_relation_size(relid))::bigint FROM pg_partition_tree('auditlog_data.log') WHERE isleaf",
    )
}

/// One small event now and then, as in life: the sealer tidies up when it is woken, and when it is not.
fn trickle(client: &mut Client) {
    client
        .batch_execute("SELECT auditlog.record(event_type => 'a.b')")
        .expect("record()");
}

#[test]
fn the_inbox_is_given_back_after_load() {
    let db = Database::new();
    let mut admin = db.superuser();
    let mut largest = 0;
    for _ in 0..60 {
        admin.batch_execute(BATCH).expect("INSERT");
        largest = largest.max(inbox_size(&mut admin));
    }
    wait_sealed(&mut admin);
    let log = log_size(&mut admin);
    println!(
        "log {log} bytes, largest inbox {largest}, after draining {}",
        inbox_size(&mut admin)
    );
    wait_until("the inbox is below a tenth of the log", LONG, || {
        inbox_size(&mut admin) < log / 10
    });
    assert_intact(&mut admin, 60_000);
}

#[test]
fn a_long_snapshot_delays_that_and_no_more() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin.batch_execute(BATCH).expect("INSERT");
    let mut old = db.superuser();
    let mut t = old
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .start()
        .expect("BEGIN");
    let seen: i64 = t
        .query_one("SELECT count(*) FROM auditlog.events", &[])
        .expect("events")
        .get(0);
    assert_eq!(seen, 1000);
    for _ in 0..40 {
        admin.batch_execute(BATCH).expect("INSERT");
    }
    wait_sealed(&mut admin);
    let seen: i64 = t
        .query_one("SELECT count(*) FROM auditlog.events", &[])
        .expect("events")
        .get(0);
    assert_eq!(seen, 1000, "the old snapshot");
    t.commit().expect("COMMIT");
    // under load: the table that is written and one that is being drained
    let rotate = scalar(
        &mut admin,
        "SELECT pg_size_bytes(current_setting('auditlog.inbox_rotate_size'))",
    );
    let held = inbox_size(&mut admin);
    wait_until("the inbox is small again while events come in", LONG, || {
        trickle(&mut admin);
        inbox_size(&mut admin) <= 2 * rotate
    });
    let log = log_size(&mut admin);
    println!(
        "log {log} bytes, inbox while the snapshot was held {held}, then {}",
        inbox_size(&mut admin)
    );
    wait_until("the inbox is below a tenth of the log", LONG, || {
        inbox_size(&mut admin) < log / 10
    });
    let events = count_events(&mut admin);
    assert!(events > 41_000);
    assert_intact(&mut admin, events);
}

#[test]
fn an_open_writer_keeps_its_events() {
    let db = Database::new();
    let mut admin = db.superuser();
    // its rows lie in an inbox that the sealer would like to truncate
    let mut open = db.superuser();
    open.batch_execute("BEGIN; INSERT INTO auditlog.events (event_id, event_type) SELECT 'open-' || i, 'a.b' FROM generate_series(1, 10) i").expect("INSERT");
    let mut undone = db.superuser();
    undone
        .batch_execute("BEGIN; INSERT INTO auditlog.events (event_type) SELECT 'a.b' FROM generate_series(1, 10) i")
        .expect("INSERT");
    for _ in 0..40 {
        admin.batch_execute(BATCH).expect("INSERT");
    }
    wait_sealed(&mut admin);
    undone.batch_execute("ROLLBACK").expect("ROLLBACK");
    open.batch_execute("COMMIT").expect("COMMIT");
    assert_intact(&mut admin, 40_010);
    assert_eq!(
        scalar(
            &mut admin,
            "SELECT count(*) FROM auditlog.events WHERE event_id LIKE 'open-%'"
        ),
        10
    );
}

#[test]
fn an_old_snapshot_leaves_the_head_where_it_is_found_at_once() {
    let db = Database::new();
    let mut admin = db.superuser();
    trickle(&mut admin);
    wait_sealed(&mut admin);
    let mut old = db.superuser();
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM auditlog.events")
        .expect("a snapshot");
    // each is a batch of its own, so that the head is in many versions, none of which can be cleared away
    let seal = |client: &mut Client, events: usize| {
        for _ in 0..events {
            let id = text(client, "SELECT auditlog.record(event_type => 'a.b')");
            scalar(client, &format!("SELECT auditlog.await_sealed('{id}')"));
        }
    };
    seal(&mut admin, 300);
    // by the key a look-up reads an entry of the index for each page that versions are in; by place it reads none
    let read = |client: &mut Client| {
        scalar(
            client,
            "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'head_pkey'",
        )
    };
    std::thread::sleep(TOLD);
    let before = read(&mut admin);
    seal(&mut admin, 100);
    std::thread::sleep(TOLD);
    let after = read(&mut admin);
    println!("entries of the head's index read for 100 batches: {}", after - before);
    assert!(after - before < 100, "{before} → {after}");
    old.batch_execute("COMMIT").expect("COMMIT");
}
