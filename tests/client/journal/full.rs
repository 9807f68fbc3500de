//! The queue is full: what happens is what the policy says, and it is never silent.

use super::many::signal;
use super::{observer, settle};
use auditlog_testkit::log::{scalar, text};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, wait_until};
use std::thread;

const QUEUE: &str = "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.view' AND extra #>> '{metadata,query,text}' LIKE '%filler%'";

struct Stopped {
    recorder: u32,
}

impl Drop for Stopped {
    fn drop(&mut self) {
        signal("CONT", self.recorder);
    }
}

/// Stops the recorder, and reads until an entry finds no room; returns how many did.
fn fill(client: &mut Client, looks: &mut Client) -> (Stopped, i64) {
    let recorder = scalar(looks, "SELECT recorder_pid::bigint FROM auditlog.stat_access") as u32;
    signal("STOP", recorder);
    let stopped = Stopped { recorder };
    client
        .batch_execute("SET auditlog.access_policy = refuse")
        .expect("a superuser may");
    let mut reads = 0;
    let sql = format!(
        "SELECT 1 FROM auditlog.events LIMIT 1 /* filler {} */",
        "x".repeat(3000)
    );
    loop {
        match client.batch_execute(&sql) {
            Ok(()) => reads += 1,
            Err(error) => {
                assert_eq!(
                    error.code().expect("an error of the server").code(),
                    "53000",
                    "{error:?}"
                );
                return (stopped, reads);
            }
        }
        assert!(reads < 1000, "the queue is never full");
    }
}

#[test]
fn a_full_queue_refuses_counts_or_blocks() {
    let cluster = Cluster::start(
        &Options::default()
            .set("auditlog.access_log", "on")
            .set("auditlog.access_queue_size", "64kB"),
    );
    let mut client = cluster.create_database_with_extension("audited");
    let mut looks = observer(&cluster, "audited");
    wait_until("there is a recorder", LONG, || {
        scalar(&mut looks, "SELECT count(recorder_pid) FROM auditlog.stat_access") == 1
    });
    let health = "SELECT status || ': ' || detail FROM auditlog.health() WHERE \"check\" = 'access journal'";

    // refuse
    let (stopped, reads) = fill(&mut client, &mut looks);
    assert!(reads > 3, "{reads} reads");
    assert_eq!(scalar(&mut looks, "SELECT refused FROM auditlog.stat_access"), 1);
    // writing needs no room
    client.batch_execute("SELECT auditlog.record('a.b')").expect("record()");
    drop(stopped);
    settle(&mut looks);
    assert_eq!(scalar(&mut looks, QUEUE), reads);

    // block, and go on
    let (stopped, more) = fill(&mut client, &mut looks);
    client
        .batch_execute("SET auditlog.access_policy = block; SET auditlog.access_timeout = '50s'")
        .expect("a superuser may");
    let sql = "SELECT 'patient' FROM auditlog.events LIMIT 1 /* filler";
    thread::scope(|scope| {
        let blocked = scope.spawn(|| {
            let sql = format!("{sql} {} */", "x".repeat(3000));
            client.batch_execute(&sql)
        });
        wait_until("it waits", LONG, || {
            scalar(&mut looks, "SELECT waits FROM auditlog.stat_access") == 1
        });
        drop(stopped);
        blocked.join().expect("no panic").expect("it goes on");
    });
    settle(&mut looks);
    assert_eq!(scalar(&mut looks, QUEUE), reads + more + 1);

    // block, until it takes too long, or is cancelled
    let (stopped, more2) = fill(&mut client, &mut looks);
    client
        .batch_execute("SET auditlog.access_policy = block; SET auditlog.access_timeout = '200ms'")
        .expect("a superuser may");
    let long = format!("SELECT 1 FROM auditlog.events /* filler {} */", "x".repeat(3000));
    let error = refused_with(&mut client, "53000", &long);
    assert_eq!(error.message(), "access to the audit log cannot be recorded");
    client
        .batch_execute("SET auditlog.access_timeout = '50s'; SET statement_timeout = '200ms'")
        .expect("settings");
    refused_with(&mut client, "57014", &long);
    client.batch_execute("RESET statement_timeout").expect("a setting");
    assert_eq!(scalar(&mut looks, "SELECT dropped FROM auditlog.stat_access"), 0);
    drop(stopped);
    settle(&mut looks);
    assert_eq!(scalar(&mut looks, QUEUE), reads + more + more2 + 1);
    let calm = text(&mut client, health);
    assert!(calm.starts_with("ok: "), "{calm}");

    // count
    let (stopped, _) = fill(&mut client, &mut looks);
    client
        .batch_execute("SET auditlog.access_policy = count")
        .expect("a superuser may");
    // (one may find room after all: it takes less than might have been needed)
    while scalar(&mut looks, "SELECT dropped FROM auditlog.stat_access") < 3 {
        client.batch_execute(&long).expect("it is let through");
    }
    assert!(text(&mut looks, health).starts_with("error: 3 reads went unrecorded"));
    drop(stopped);
    settle(&mut looks);
    wait_until("the log says so", LONG, || {
        scalar(
            &mut looks,
            "SELECT coalesce(sum((extra #>> '{metadata,entries}')::bigint), 0)::bigint FROM auditlog.events WHERE event_type = 'auditlog.write_failed'",
        ) == 3
    });
    assert_eq!(scalar(&mut looks, "SELECT reserved_bytes FROM auditlog.stat_access"), 0);
    assert_eq!(auditlog_testkit::log::verify(&mut looks), []);
}

#[test]
fn a_transaction_of_many_reads_does_not_keep_the_queue() {
    let cluster = Cluster::start(
        &Options::default()
            .set("auditlog.access_log", "on")
            .set("auditlog.access_queue_size", "64kB"),
    );
    let mut client = cluster.create_database_with_extension("audited");
    let mut looks = observer(&cluster, "audited");
    client
        .batch_execute("BEGIN; DECLARE c CURSOR FOR SELECT 'held' FROM auditlog.events")
        .expect("a cursor");
    for i in 0..500 {
        client
            .batch_execute(&format!("SELECT 'many {i}.' FROM auditlog.events"))
            .expect("a read");
    }
    wait_until("most are told of before the end", LONG, || {
        scalar(
            &mut looks,
            "SELECT count(*) FROM auditlog.events WHERE extra #>> '{metadata,query,text}' LIKE '%many %' AND extra #>> '{metadata,transaction}' = 'open'",
        ) >= 400
    });
    client.batch_execute("ROLLBACK").expect("ROLLBACK");
    settle(&mut looks);
    let told = "SELECT count(*) FROM auditlog.events WHERE extra #>> '{metadata,query,text}' LIKE '%many %'
        OR extra #>> '{metadata,query,text}' LIKE '%''held''%'";
    assert_eq!(scalar(&mut looks, told), 501);
}

#[test]
fn on_a_standby_reads_are_refused_or_counted() {
    let primary = Cluster::start(&Options::default().set("auditlog.access_log", "on"));
    let mut client = primary.create_database_with_extension("audited");
    client.batch_execute("SELECT auditlog.record('a.b')").expect("record()");
    let standby = Cluster::from_base_backup(&primary, true);
    let mut reader = standby.connect("audited");
    let error = refused_with(&mut reader, "25006", "SELECT * FROM auditlog.events");
    assert_eq!(
        error.message(),
        "access to the audit log cannot be recorded on a standby"
    );
    reader
        .batch_execute("SET auditlog.standby_access_policy = count; SELECT * FROM auditlog.events")
        .expect("it is let through");
    let counted = "SELECT refused || ' ' || dropped FROM auditlog.stat_access";
    assert_eq!(text(&mut reader, counted), "1 1");
    reader
        .batch_execute("SELECT * FROM auditlog.health()")
        .expect("health() reads no event for anybody");
}
