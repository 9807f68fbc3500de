//! A window in which the log was not protected is itself in the log.

use auditlog_testkit::command::run;
use auditlog_testkit::log::{scalar, text, verify, verify_all, wait_sealed};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, wait_until};
use std::process::Command;

#[test]
fn switching_protection_off_and_on_is_told_of() {
    let cluster = Cluster::start(&Options::default().set("auditlog.checkpoint_interval", "1"));
    let mut client = cluster.create_database_with_extension("audited");
    client
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, timestamp) VALUES ('a.b', '2023-05-05'), ('a.b', now())",
        )
        .expect("record()");
    wait_sealed(&mut client);
    wait_until("the protection is known", LONG, || {
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog_data.publisher WHERE protection IS NOT NULL",
        ) == 1
    });
    let told = "SELECT count(*) FROM auditlog.events WHERE operation = 'protection_change'";
    // partitions and events are no changes
    client
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, timestamp) VALUES ('a.b', '2022-05-05'), ('a.b', now())",
        )
        .expect("record()");
    wait_sealed(&mut client);
    text(&mut client, "SELECT auditlog.checkpoint()");
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert_eq!(scalar(&mut client, told), 0);
    let last = "SELECT concat_ws(' ', event_type, extra #>> '{metadata,changed}', extra #>> '{metadata,missing}')
        FROM auditlog.events WHERE operation = 'protection_change' ORDER BY recorded_at DESC LIMIT 1";
    // missing
    client
        .batch_execute("ALTER EVENT TRIGGER auditlog_guard_drop DISABLE")
        .expect("a superuser may");
    wait_until("it is told of", LONG, || scalar(&mut client, told) == 1);
    assert_eq!(
        text(&mut client, last),
        "auditlog.tamper_attempt [\"event triggers\"] [\"event trigger auditlog_guard_drop is not ENABLE ALWAYS\"]"
    );
    client
        .batch_execute("ALTER EVENT TRIGGER auditlog_guard_drop ENABLE ALWAYS")
        .expect("a superuser may");
    wait_until("it is told of", LONG, || scalar(&mut client, told) == 2);
    assert_eq!(
        text(&mut client, last),
        "auditlog.policy_change [\"event triggers\"] []"
    );
    // off and on again between two looks
    let partition = "tgrelid = 'auditlog_data.log_standard_2023_05'::regclass AND tgname = 'auditlog_no_change'";
    // (three connections: each knows the triggers as they were when it began)
    for sql in [
        format!("UPDATE pg_trigger SET tgenabled = 'D' WHERE {partition}"),
        "DELETE FROM auditlog_data.log_standard_2023_05".to_owned(),
        format!("UPDATE pg_trigger SET tgenabled = 'A' WHERE {partition}"),
    ] {
        cluster.connect("audited").batch_execute(&sql).expect("a superuser may");
    }
    let told_of =
        format!("SELECT count(*) FROM ({last}) AS l WHERE concat_ws = 'auditlog.policy_change [\"triggers\"] []'");
    wait_until("it is told of", LONG, || {
        scalar(&mut client, told) >= 3 && scalar(&mut client, &told_of) == 1
    });
    wait_sealed(&mut client);
    let kinds: Vec<String> = verify(&mut client).into_iter().map(|f| f.kind).collect();
    assert_eq!(kinds, ["missing"]);
}

/// A dump brings rights after the rows and what protects them: nobody has changed anything.
#[test]
fn a_dump_that_takes_long_to_load_is_no_change() {
    let source = Cluster::start(&Options::default());
    let mut client = source.create_database_with_extension("audited");
    client
        .batch_execute(
            "SELECT auditlog.record('a.b'); CREATE ROLE reader; CREATE TABLE t (); GRANT SELECT ON t TO reader;
             GRANT EXECUTE ON FUNCTION auditlog.fields() TO reader",
        )
        .expect("an event and a right");
    wait_sealed(&mut client);
    text(&mut client, "SELECT auditlog.checkpoint()");
    let file = source.dir().join("slow.sql");
    run(source.client_program("pg_dump", "audited").arg("-f").arg(&file));
    let dump = std::fs::read_to_string(&file).expect("the dump");
    // nothing but what somebody else than the extension has granted
    let rights = |line: &&str| line.starts_with("GRANT") || line.starts_with("REVOKE");
    let granted: Vec<&str> = dump.lines().filter(rights).collect();
    assert_eq!(
        granted,
        [
            "GRANT ALL ON FUNCTION auditlog.fields() TO reader;",
            "GRANT SELECT ON TABLE public.t TO reader;"
        ]
    );
    let slow = dump.replacen("GRANT ALL", "SELECT pg_sleep(4);\nGRANT ALL", 1);
    std::fs::write(&file, slow).expect("the slow dump");

    let target = Cluster::start(&Options::default().set("auditlog.checkpoint_interval", "1"));
    let mut admin = target.connect("postgres");
    for sql in ["CREATE ROLE reader", "CREATE DATABASE restored"] {
        admin.batch_execute(sql).expect(sql);
    }
    target.psql_file("restored", &[], &file).expect("it loads");
    let mut copy = target.connect("restored");
    wait_sealed(&mut copy);
    let told = "SELECT count(*) FROM auditlog.events WHERE operation = 'protection_change'";
    let known = "SELECT count(*) FROM auditlog_data.publisher WHERE protection IS NOT NULL";
    wait_until("the protection is known", LONG, || {
        // while it is asked, somebody is at work
        std::thread::sleep(std::time::Duration::from_secs(4));
        scalar(&mut copy, known) == 1
    });
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert_eq!(scalar(&mut copy, told), 0);
    // from now on it is watched
    copy.batch_execute("ALTER EVENT TRIGGER auditlog_guard_drop DISABLE")
        .expect("a superuser may");
    wait_until("it is told of", LONG, || scalar(&mut copy, told) == 1);
}

#[test]
fn the_log_is_verified_in_the_background() {
    let cluster = Cluster::start(
        &Options::default()
            .set("auditlog.checkpoint_interval", "1")
            .set("auditlog.verify_interval", "2"),
    );
    let mut client = cluster.create_database_with_extension("audited");
    client
        .batch_execute(
            "SELECT auditlog.record_batch(jsonb_agg(jsonb_build_object('event_type', 'a.b', 'metadata', jsonb_build_object('n', i))))
             FROM generate_series(1, 12000) AS i",
        )
        .expect("record_batch()");
    wait_sealed(&mut client);
    let health = "SELECT status || ' ' || detail FROM auditlog.health() WHERE \"check\" = 'verification'";
    wait_until("all is verified", LONG, || {
        text(&mut client, health).starts_with("ok 12000 of 12000 events were verified")
    });
    let partition = "tgrelid::regclass::text LIKE 'auditlog_data.log_standard%'";
    for sql in [
        format!("UPDATE pg_trigger SET tgenabled = 'D' WHERE {partition}"),
        "UPDATE auditlog_data.log SET operation = 'forged' WHERE log_index = 7001; DELETE FROM auditlog_data.log WHERE log_index = 9000;
         INSERT INTO auditlog_data.log SELECT (jsonb_populate_record(l, '{\"log_index\": 50000}')).* FROM auditlog_data.log AS l WHERE log_index = 5".to_owned(),
        format!("UPDATE pg_trigger SET tgenabled = 'A' WHERE {partition}"),
    ] {
        cluster.connect("audited").batch_execute(&sql).expect("a superuser may");
    }
    wait_until("it is found in the next pass", LONG, || {
        text(&mut client, health).starts_with("error 3 findings in the background, the first: extra: event 50000")
    });
    let told = "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.verify_failed' AND extra #>> '{metadata,first}' LIKE '%9000%'";
    wait_until("an event tells of it", LONG, || scalar(&mut client, told) > 0);
    refused_with(
        &mut client,
        "42501",
        "SELECT auditlog.record('{\"event_type\": \"auditlog.verify_failed\"}'::jsonb)",
    );
}

/// Its own types, whichever way they come.
#[test]
fn what_the_log_says_of_itself_nobody_else_says() {
    let db = auditlog_testkit::Database::new();
    let mut client = db.superuser();
    for own in [
        "erasure",
        "incarnation",
        "key_rotate",
        "policy_change",
        "restore",
        "retention",
        "sink_change",
        "tamper_attempt",
        "verify_failed",
    ] {
        for sql in [
            format!("SELECT auditlog.record('{{\"event_type\": \"auditlog.{own}\"}}'::jsonb)"),
            format!("INSERT INTO auditlog.events (event_type) VALUES ('a.b'), ('auditlog.{own}')"),
        ] {
            let error = refused_with(&mut client, "42501", &sql);
            assert!(error.detail().is_some_and(|detail| detail.contains(own)), "{error:?}");
        }
        let known =
            format!("SELECT count(*) FROM auditlog.event_types WHERE built_in AND event_type = 'auditlog.{own}'");
        assert_eq!(scalar(&mut client, &known), 1, "{own}");
    }
    assert_eq!(scalar(&mut client, "SELECT count(*) FROM auditlog.events"), 0);
}

/// What nobody seals is a finding, and so is what protects the log no more.
#[test]
fn what_is_missing_besides_events_is_found() {
    let db = auditlog_testkit::Database::new();
    let mut client = db.superuser();
    client
        .batch_execute("INSERT INTO auditlog.events (event_type) VALUES ('a.b')")
        .expect("INSERT");
    wait_sealed(&mut client);
    let kinds = |client: &mut auditlog_testkit::postgres::Client| -> Vec<String> {
        verify_all(client).into_iter().map(|f| f.kind).collect()
    };
    assert_eq!(kinds(&mut client), Vec::<String>::new());
    client
        .batch_execute(
            "UPDATE pg_trigger SET tgenabled = 'D' WHERE tgname = 'auditlog_no_truncate' AND tgrelid = 'auditlog_data.head'::regclass",
        )
        .expect("a superuser may");
    assert_eq!(kinds(&mut client), ["trigger_disabled"]);
    client
        .batch_execute(
            "UPDATE pg_trigger SET tgenabled = 'A' WHERE tgname = 'auditlog_no_truncate' AND tgrelid = 'auditlog_data.head'::regclass",
        )
        .expect("a superuser may");
    // the sealer is stopped while it naps; the event says it has been there for long
    let sealer = scalar(
        &mut client,
        "SELECT pid::bigint FROM pg_stat_activity WHERE datname = current_database() AND backend_type LIKE 'pg_auditlog sealer%'",
    );
    let stopped = Stopped::new(sealer);
    client
        .batch_execute(
            "INSERT INTO auditlog.events (event_type) VALUES ('a.b');
             UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid::regclass::text LIKE 'auditlog_data.inbox%'",
        )
        .expect("INSERT");
    let mut other = db.superuser();
    for i in 0..4 {
        other
            .batch_execute(&format!(
                "UPDATE auditlog_data.inbox_{i} SET recorded_at = recorded_at - interval '1 hour'"
            ))
            .expect("a superuser may");
    }
    let found = kinds(&mut other);
    assert!(found.contains(&"unsealed_too_long".to_owned()), "{found:?}");
    drop(stopped);
}

/// A process that is stopped until this goes.
struct Stopped(String);

impl Stopped {
    fn new(pid: i64) -> Stopped {
        run(Command::new("kill").args(["-STOP", &pid.to_string()]));
        Stopped(pid.to_string())
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // Gone already is no error.
        let _ = Command::new("kill").args(["-CONT", &self.0]).status();
    }
}
