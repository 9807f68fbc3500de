//! Policies, plans and holds as people call them.

use super::{SEED, record_days, run, set};
use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Database, LONG, wait_until};

#[test]
fn a_policy_is_shown_told_of_and_checked() {
    let db = Database::new();
    let mut client = db.superuser();
    assert_eq!(set(&mut client, SEED), [] as [String; 0]);
    let classes = text(
        &mut client,
        "SELECT string_agg(concat_ws(' ', retention_class, hot, warm, cold), ', ') FROM auditlog.retention() WHERE retention_class <> 'evidence'",
    );
    assert_eq!(
        classes,
        "authentication 90 days 365 days 7 years, resource_delete 180 days 730 days 10 years, resource_view 30 days 90 days 0 years, \
         standard 90 days 1 year 7 years"
    );
    // The same as JSON, with a classification that asks for more, and a pattern that never wins.
    let told = set(
        &mut client,
        r#"{"retention_policies": [
            {"name": "cards", "event_types": ["payment.*"], "hot_days": 30, "warm_days": 60, "cold_years": 0, "classification": ["pci_dss"]},
            {"event_types": ["payment.refund"], "hot_days": 30}]}"#,
    );
    assert!(
        told.iter().any(|line| line.starts_with("conflict: cards: ")),
        "{told:?}"
    );
    assert!(told.iter().any(|line| line.starts_with("warning: ")), "{told:?}");
    assert_eq!(
        text(
            &mut client,
            "SELECT status FROM auditlog.health() WHERE \"check\" = 'retention'"
        ),
        "warning"
    );
    wait_sealed(&mut client);
    let change = text(
        &mut client,
        "SELECT concat(before IS NOT NULL, ' ', after IS NOT NULL, ' ', resource_id) FROM auditlog.events \
         WHERE event_type = 'auditlog.retention_change' ORDER BY log_index DESC LIMIT 1",
    );
    assert_eq!(change, "t t 2");
    let wrong = "SELECT auditlog.set_retention('retention_policies: [{event_types: [a.*], hot_dais: 3}]')";
    let error = refused_with(&mut client, "22023", wrong);
    assert!(error.hint().is_some_and(|hint| hint.contains("hot_days")), "{error:?}");
}

#[test]
fn holds_are_released_by_two_people_where_that_is_asked_for() {
    let db = Database::new();
    let mut client = db.superuser();
    record_days(&mut client, 40);
    assert_eq!(
        scalar(
            &mut client,
            "SELECT auditlog.hold('case', 'actor.id:u3', NULL, 'litigation')"
        ),
        16
    );
    refused_with(
        &mut client,
        "42710",
        "SELECT auditlog.hold('case', 'actor.id:u4', NULL, 'x')",
    );
    refused_with(
        &mut client,
        "22023",
        "SELECT auditlog.hold('saved', '_saved_:mine', NULL, 'x')",
    );
    refused_with(
        &mut client,
        "22004",
        "SELECT auditlog.hold('why', 'actor.id:u4', NULL, NULL)",
    );
    refused_with(
        &mut client,
        "22023",
        "SELECT auditlog.run_retention(now() + interval '1 day')",
    );
    client
        .batch_execute("SET auditlog.hold_four_eyes = on; CREATE ROLE retention_second SUPERUSER")
        .expect("a second person");
    assert_eq!(
        text(&mut client, "SELECT auditlog.release_hold('case', 'over')::text"),
        "false"
    );
    refused_with(&mut client, "42501", "SELECT auditlog.release_hold('case', 'over')");
    client
        .batch_execute("SET SESSION AUTHORIZATION retention_second; SET auditlog.hold_four_eyes = on")
        .expect("the second person");
    assert_eq!(
        text(&mut client, "SELECT auditlog.release_hold('case', 'over')::text"),
        "true"
    );
    client
        .batch_execute("RESET SESSION AUTHORIZATION; DROP ROLE retention_second")
        .expect("back");
    assert_eq!(
        text(
            &mut client,
            "SELECT concat_ws(' ', state, wanted_by, released_by) FROM auditlog.holds"
        ),
        "released postgres retention_second"
    );
}

/// While a partition is being rewritten, nobody who records waits, and readers with an old snapshot find all of it.
#[test]
fn nothing_is_lost_to_readers_of_before() {
    let db = Database::new();
    let mut client = db.superuser();
    record_days(&mut client, 60);
    set(&mut client, SEED);
    let mut reader = db.superuser();
    reader
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .expect("a snapshot");
    run(&mut client, "2021-07-01");
    assert!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.retention_moves WHERE state = 'done'"
        ) > 3
    );
    // Views are removed; all others are there for the old snapshot, too.
    assert_eq!(
        scalar(
            &mut reader,
            "SELECT count(*) FROM auditlog.events WHERE extra ? 'n' AND event_type <> 'resource.view'"
        ),
        180
    );
    assert_eq!(
        scalar(&mut client, "SELECT count(*) FROM auditlog.events WHERE extra ? 'n'"),
        180
    );
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.events @@@ 'resource.id:r3'"
                .replace("auditlog.events @@@", "auditlog.events AS e WHERE e @@@")
                .as_str()
        ),
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.events WHERE resource_id = 'r3'"
        )
    );
}

/// Two months of events, a policy that is to move them, and a reader that holds the log.
fn with_a_reader() -> (Database, Client, Client) {
    let db = Database::new();
    let (mut client, mut reader) = (db.superuser(), db.superuser());
    record_days(&mut client, 60);
    set(&mut client, SEED);
    reader
        .batch_execute("BEGIN; SELECT count(*) FROM auditlog_data.log")
        .expect("a lock");
    (db, client, reader)
}

/// A keeper that is cancelled while it waits for a reader's lock tells of it, and does the work in the next round.
#[test]
fn a_cancelled_round_leaves_the_keeper_whole() {
    let (_db, mut client, mut reader) = with_a_reader();
    let id = scalar(&mut client, "SELECT auditlog.run_retention('2021-07-01')");
    // It waits in short attempts: one is hit sooner or later.
    let wait = "SELECT count(pg_cancel_backend(pid)) FROM pg_locks WHERE relation = 'auditlog_data.log'::regclass AND NOT granted";
    let ended = format!("SELECT count(*) FROM auditlog.retention_runs WHERE id = {id} AND ended_at IS NOT NULL");
    wait_until("the keeper is cancelled while it waits", LONG, || {
        scalar(&mut client, wait);
        scalar(&mut client, &ended) == 1
    });
    reader.batch_execute("COMMIT").expect("COMMIT");
    let row = client
        .query_one("SELECT error FROM auditlog.retention_runs WHERE id = $1", &[&id])
        .expect("the round");
    let error: String = row.get::<_, Option<String>>(0).expect("it was cancelled");
    assert!(error.contains("canceling statement due to user request"), "{error}");
    assert!(!error.contains("aborted"), "{error}");
    run(&mut client, "2021-07-01");
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.events WHERE extra ? 'n' AND event_type <> 'resource.view'"
        ),
        180
    );
}

/// A reader holds the log, the keeper waits for it with a class that it has made, and events come for a month that has no
/// partition yet: others are sealed meanwhile.
#[test]
fn sealing_goes_on_while_the_keeper_waits() {
    let (_db, mut client, mut reader) = with_a_reader();
    client
        .batch_execute("SELECT auditlog.run_retention('2021-07-01')")
        .expect("run_retention()");
    wait_until("the keeper waits for the reader", LONG, || {
        scalar(
            &mut client,
            "SELECT count(*) FROM pg_locks WHERE relation = 'auditlog_data.log'::regclass AND NOT granted",
        ) > 0
    });
    client
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, \"timestamp\", extra) VALUES ('resource.modify', '2020-05-05', '{\"n\": -1}')",
        )
        .expect("an event of a new month");
    let id = text(
        &mut client,
        "INSERT INTO auditlog.events (event_type, \"timestamp\") VALUES ('resource.modify', '2021-02-02') RETURNING event_id",
    );
    assert!(scalar(&mut client, &format!("SELECT auditlog.await_sealed('{id}')")) > 0);
    reader.batch_execute("COMMIT").expect("COMMIT");
    wait_sealed(&mut client);
}

/// Policies, classes, tiers, holds and certificates come along in a dump, and the copy verifies.
#[test]
fn a_dump_brings_retention_along() {
    let db = Database::new();
    let mut client = db.superuser();
    record_days(&mut client, 60);
    set(&mut client, SEED);
    scalar(
        &mut client,
        "SELECT auditlog.hold('case', 'resource.id:r2', NULL, 'a test')",
    );
    run(&mut client, "2021-07-01");
    let about = "SELECT concat_ws(' / ', (SELECT string_agg(concat_ws(' ', relation, tier), ', ' ORDER BY relation) FROM auditlog.tiers
            WHERE relation LIKE '%2021%'),
        (SELECT count(*) FROM auditlog.certificates()), (SELECT string_agg(state, ' ') FROM auditlog.holds),
        (SELECT max(version) FROM auditlog.retention_policies),
        (SELECT count(*) FROM auditlog.events WHERE extra ? 'n'))";
    let here = text(&mut client, about);
    assert!(
        here.contains("warm") && here.contains("log_resource_view_2021_01"),
        "{here}"
    );
    wait_sealed(&mut client);
    let cluster = auditlog_testkit::shared();
    let target = format!("{}_copy", db.name());
    cluster
        .connect("postgres")
        .batch_execute(&format!("CREATE DATABASE {target}"))
        .expect("CREATE DATABASE");
    cluster.dump_into(db.name(), cluster, &target);
    let mut copy = cluster.connect(&target);
    auditlog_testkit::wait_until("the copy goes on", auditlog_testkit::LONG, || {
        scalar(
            &mut copy,
            "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.restore'",
        ) == 1
    });
    assert_eq!(text(&mut copy, about), here);
    assert_eq!(auditlog_testkit::log::verify(&mut copy), []);
    assert_eq!(
        scalar(&mut copy, "SELECT count(*) FROM auditlog_data.guard_faults()"),
        0
    );
    drop(copy);
    cluster
        .connect("postgres")
        .batch_execute(&format!("DROP DATABASE {target} WITH (FORCE)"))
        .expect("DROP DATABASE");
}
