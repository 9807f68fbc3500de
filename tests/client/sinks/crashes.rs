//! Whatever crashes here or there: the receiver has what the log has, in its order.

use super::{Receiver, create, wait_passed};
use auditlog_testkit::crash::{Victim, kill9};
use auditlog_testkit::log::{scalar, verify, wait_sealed_for};
use auditlog_testkit::postgres::{Client, NoTls};
use auditlog_testkit::random::Random;
use auditlog_testkit::{Cluster, LONG, wait_until};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn rounds() -> u64 {
    if std::env::var_os("AUDITLOG_SOAK").is_some() {
        20
    } else {
        3
    }
}

/// Events of a round.
const EVENTS: usize = 700;

/// Positions and hashes in the order of the log.
fn log(client: &mut Client) -> Vec<(i64, String)> {
    let sql = "SELECT log_index, encode(entry_hash, 'hex') FROM auditlog.events WHERE log_index IS NOT NULL ORDER BY log_index";
    let rows = client.query(sql, &[]).expect("events");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// The first arrival of each position is in the order of the log without a gap, and what came again had the same hash.
fn assert_is_log(received: &[Value], log: &[(i64, String)]) {
    let mut known: HashMap<i64, &str> = HashMap::new();
    let mut order = Vec::new();
    for event in received {
        let index = event["auditlog"]["log_index"].as_i64().expect("log_index");
        let hash = event["auditlog"]["entry_hash"].as_str().expect("entry_hash");
        match known.insert(index, hash) {
            Some(before) => assert_eq!(before, hash, "two events at {index}"),
            None => order.push((index, hash.to_owned())),
        }
    }
    assert_eq!(
        order.len(),
        log.len(),
        "the receiver has another number of events than the log"
    );
    assert_eq!(order, log);
}

fn writer(cluster: &Cluster, round: u64) -> std::thread::JoinHandle<()> {
    let config = cluster.config("postgres", "audited");
    std::thread::spawn(move || {
        let Ok(mut client) = config.connect(NoTls) else { return };
        for i in 0..EVENTS {
            let sql = "SELECT auditlog.record('x', metadata => jsonb_build_object('round', $1::text, 'i', $2::text))";
            if client.execute(sql, &[&round.to_string(), &i.to_string()]).is_err() {
                return;
            }
        }
    })
}

#[test]
fn a_receiver_has_the_log_whatever_crashes() {
    let mut random = Random::from_clock();
    let cluster = super::cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let calls = AtomicUsize::new(0);
    // Every third answer is trouble, some of it after the events were taken.
    let receiver = Receiver::start(move |request| match calls.fetch_add(1, Ordering::SeqCst) % 12 {
        2 => 429,
        5 => 503,
        8 => 0,
        11 if request.body.len() > 2_000 => 413,
        _ => 200,
    });
    let mut config = receiver.config();
    config["batch_events"] = json!(15 * rounds());
    client
        .execute(
            "SELECT auditlog.create_sink('http', 'http', $1::text::jsonb, from_index => 0)",
            &[&config.to_string()],
        )
        .expect("create_sink()");
    drop(client);
    for round in 0..rounds() {
        let writer = writer(&cluster, round);
        std::thread::sleep(Duration::from_millis(300 + random.below(900)));
        if round % 2 == 0 {
            cluster.kill9(if random.chance(50) {
                Victim::Postmaster
            } else {
                Victim::Everybody
            });
            writer.join().expect("the writer ends");
            cluster.go();
        } else {
            let mut client = again(&cluster);
            wait_until("the streamer runs", LONG, || streamer(&mut client) > 0);
            kill9(u32::try_from(streamer(&mut client)).expect("a pid"));
            // PostgreSQL restarts after a process was killed, and ends all sessions.
            writer.join().expect("the writer ends");
            std::thread::sleep(Duration::from_millis(500));
        }
    }
    let mut client = again(&cluster);
    client
        .batch_execute("SELECT count(auditlog.record('last')) FROM generate_series(1, 300)")
        .expect("record()");
    wait_sealed_for(&mut client, LONG);
    // What waits for its next try does not make the test wait for it.
    client
        .batch_execute("SELECT auditlog.resume_sink('http')")
        .expect("resume_sink()");
    // Each answer that is trouble costs a wait.
    wait_until("everything has arrived", Duration::from_secs(300), || {
        scalar(&mut client, "SELECT count(*) FROM auditlog.sinks WHERE lag_events = 0") == 1
    });
    wait_passed(&mut client, "http");
    client
        .batch_execute("SELECT auditlog.pause_sink('http')")
        .expect("pause_sink()");
    let position = scalar(&mut client, "SELECT position FROM auditlog.sinks");
    let received = receiver.events.lock().expect("no panic").clone();
    let log: Vec<_> = log(&mut client)
        .into_iter()
        .filter(|(index, _)| *index <= position)
        .collect();
    println!(
        "{} events of the log, {} arrived, {} requests",
        log.len(),
        received.len(),
        receiver.server.requests().len()
    );
    assert_is_log(&received, &log);
    assert!(verify(&mut client).is_empty());
}

/// A connection, once the server takes one.
fn again(cluster: &Cluster) -> Client {
    let mut found = None;
    wait_until("the server is there again", LONG, || {
        found = cluster.config("postgres", "audited").connect(NoTls).ok();
        found.is_some()
    });
    found.expect("a connection")
}

fn streamer(client: &mut Client) -> i64 {
    scalar(
        client,
        "SELECT COALESCE(max(pid), 0)::bigint FROM auditlog.stat_workers WHERE worker = 'streamer'",
    )
}

#[test]
fn a_restart_goes_on_where_the_sink_was() {
    let cluster = super::cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let receiver = Receiver::start(|_| 200);
    create(&mut client, "http", "http", &receiver.config(), "event_type:x");
    super::record(&mut client, "x", 50);
    wait_passed(&mut client, "http");
    cluster.restart();
    let mut client = cluster.connect("audited");
    super::record(&mut client, "x", 50);
    wait_passed(&mut client, "http");
    assert_eq!(receiver.ids(), super::expected(&mut client, "event_type = 'x'"));
}
