//! An idempotency key makes a retry return the first event's id and record nothing twice.

use auditlog_testkit::Database;
use auditlog_testkit::log::{assert_intact, count_events, scalar, wait_sealed};
use auditlog_testkit::postgres::{Client, Error};
use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

fn try_record(client: &mut Client, key: &str) -> Result<String, Error> {
    let sql = r#"SELECT auditlog.record('{"event_type": "a.b"}'::jsonb, idempotency_key => $1)"#;
    Ok(client.query_one(sql, &[&key])?.get(0))
}

fn record(client: &mut Client, key: &str) -> String {
    try_record(client, key).expect("record()")
}

#[test]
fn a_retry_returns_the_first_id_before_and_after_sealing() {
    let db = Database::new();
    let mut writer = db.writer();
    let mut admin = db.superuser();
    let first = record(&mut writer, "k");
    assert_eq!(record(&mut writer, "k"), first);
    wait_sealed(&mut admin);
    assert_eq!(record(&mut db.writer(), "k"), first, "another role, another connection");
    let mut t = writer.transaction().expect("BEGIN");
    let ids: Vec<String> = (0..2)
        .map(|_| {
            t.query_one(
                "SELECT auditlog.record(event_type => 'a.b', idempotency_key => 'in one transaction')",
                &[],
            )
            .expect("record()")
            .get(0)
        })
        .collect();
    t.commit().expect("COMMIT");
    assert_eq!(ids[0], ids[1]);
    assert_ne!(record(&mut writer, "other"), first);
    assert_intact(&mut admin, 3);
}

#[test]
fn the_key_works_in_every_form() {
    let db = Database::new();
    let mut writer = db.writer();
    writer
        .batch_execute(
            r#"SELECT auditlog.record('{"event_type": "a.b", "idempotency_key": "k1"}'::jsonb);
               SELECT auditlog.record('{"event_type": "a.b"}'::jsonb, 'k1');
               SELECT auditlog.record(event_type => 'a.b', idempotency_key => 'k1');
               SELECT auditlog.record_batch('[{"event_type": "a.b", "idempotency_key": "k1"}, {"event_type": "a.b", "idempotency_key": "k2"},
                                              {"event_type": "a.b", "idempotency_key": "k2"}]');
               INSERT INTO auditlog.events (event_type, idempotency_key) VALUES ('a.b', 'k2'), ('a.b', 'k3'), ('a.b', 'k3'), ('a.b', NULL), ('a.b', NULL)"#,
        )
        .expect("all are accepted");
    let mut admin = db.superuser();
    assert_eq!(
        scalar(
            &mut admin,
            "SELECT count(DISTINCT idempotency_key) FROM auditlog.events"
        ),
        3
    );
    assert_intact(&mut admin, 5);
}

#[test]
fn tenants_have_keys_of_their_own() {
    let db = Database::new();
    let mut writer = db.writer();
    let mut ids = BTreeSet::new();
    for tenant in ["'acme'", "'globex'", "''", "NULL"] {
        for _ in 0..2 {
            let sql =
                format!("SELECT auditlog.record(event_type => 'a.b', tenant => {tenant}, idempotency_key => 'same')");
            ids.insert(writer.query_one(&sql, &[]).expect("record()").get::<_, String>(0));
        }
    }
    // whether no tenant and the empty tenant are one is not fixed; the others are different
    assert!(ids.len() >= 3, "{ids:?}");
    assert_intact(&mut db.superuser(), i64::try_from(ids.len()).expect("few"));
}

#[test]
fn concurrent_clients_with_one_key_get_one_event() {
    let db = Database::new();
    let mut admin = db.superuser();
    let rounds = 12;
    for clients in [2, 4, 8] {
        let barrier = Barrier::new(clients);
        let answers: Vec<Vec<String>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..clients)
                .map(|_| {
                    let mut client = db.writer();
                    let barrier = &barrier;
                    scope.spawn(move || {
                        (0..rounds)
                            .map(|round| {
                                barrier.wait();
                                let key = format!("{clients} clients, round {round}");
                                // no panic here: the others would wait for ever
                                try_record(&mut client, &key).unwrap_or_else(|e| format!("{e:?}"))
                            })
                            .collect()
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().expect("no panic")).collect()
        });
        for answer in &answers {
            assert_eq!(answer, &answers[0], "{clients} clients");
        }
    }
    assert_intact(&mut admin, 3 * rounds);
}

#[test]
fn above_read_committed_a_loser_may_have_to_retry_and_then_gets_the_first_id() {
    let db = Database::new();
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        let mut first = db.writer();
        let mut second = db.writer();
        let key = format!("under {level}");
        let mut loser = second
            .build_transaction()
            .isolation_level(isolation(level))
            .start()
            .expect("BEGIN");
        loser.batch_execute("SELECT 1").expect("a snapshot"); // older than the winner's commit
        let id = record(&mut first, &key);
        let answer = loser.query_one(r#"SELECT auditlog.record('{"event_type": "a.b"}'::jsonb, $1)"#, &[&key]);
        match answer {
            Ok(row) => {
                assert_eq!(row.get::<_, String>(0), id, "{level}");
                loser.commit().expect("COMMIT");
            }
            Err(error) => {
                assert_eq!(error.code().map(|c| c.code()), Some("40001"), "{level}: {error:?}");
                drop(loser);
            }
        }
        assert_eq!(record(&mut second, &key), id, "{level}");
    }
    assert_intact(&mut db.superuser(), 2);
}

fn isolation(level: &str) -> auditlog_testkit::postgres::IsolationLevel {
    use auditlog_testkit::postgres::IsolationLevel::{RepeatableRead, Serializable};
    if level == "SERIALIZABLE" {
        Serializable
    } else {
        RepeatableRead
    }
}

#[test]
fn a_key_whose_transaction_was_rolled_back_is_free_again() {
    let db = Database::new();
    let mut writer = db.writer();
    let mut t = writer.transaction().expect("BEGIN");
    t.batch_execute("SELECT auditlog.record(event_type => 'lost.one', idempotency_key => 'k')")
        .expect("record()");
    t.rollback().expect("ROLLBACK");
    let mut t = writer.transaction().expect("BEGIN");
    let mut s = t.savepoint("s").expect("SAVEPOINT");
    s.batch_execute("SELECT auditlog.record(event_type => 'lost.two', idempotency_key => 'k')")
        .expect("record()");
    s.rollback().expect("ROLLBACK TO");
    t.batch_execute("SELECT auditlog.record(event_type => 'kept.one', idempotency_key => 'k')")
        .expect("record()");
    t.commit().expect("COMMIT");
    let mut admin = db.superuser();
    assert_eq!(
        scalar(
            &mut admin,
            "SELECT count(*) FROM auditlog.events WHERE event_type = 'kept.one'"
        ),
        1
    );
    assert_eq!(count_events(&mut admin), 1);
    assert_intact(&mut admin, 1);
}
