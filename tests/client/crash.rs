//! The server is killed with signal 9 while many clients record: nothing acknowledged is lost,
//! nothing is there twice, the sealer goes on by itself.
//!
//! Short by default; `AUDITLOG_SOAK=1` runs 64 clients, a million events, 20 rounds.

use crate::offline::{Folder, bundle, dsn, said};
use crate::program::Program;
use auditlog_testkit::crash::kill9;
use auditlog_testkit::log::{
    assert_words_agree, count_events, scalar, text, verify, verify_all, wait_indexed, wait_sealed_for,
};
use auditlog_testkit::postgres::{Client, NoTls};
use auditlog_testkit::{Cluster, LONG, Options, Random, SetAtEnd, Victim, wait_until};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

struct Plan {
    clients: u64,
    events: u64,
    rounds: u64,
}

impl Plan {
    fn get() -> Plan {
        if std::env::var("AUDITLOG_SOAK").is_ok_and(|v| v == "1") {
            Plan {
                clients: 64,
                events: 1_000_000,
                rounds: 20,
            }
        } else {
            Plan {
                clients: 16,
                events: 3_000,
                rounds: 2,
            }
        }
    }
}

#[derive(Default)]
struct Shared {
    acknowledged: AtomicU64,
    /// Events that this round's clients may still record.
    quota: AtomicU64,
    stop: AtomicBool,
    ids: Mutex<Vec<String>>,
}

/// Records events one by one, each committed before the next. Even clients give an event up when
/// its answer is lost; odd ones try it again with the same idempotency key, as an application would.
fn client(cluster: &Cluster, number: u64, shared: &Shared) {
    let mut connection: Option<Client> = None;
    let mut mine = Vec::new();
    let mut sequence = 0u64;
    let mut retry: Option<String> = None;
    while !shared.stop.load(Ordering::SeqCst) {
        let Some(open) = connection.as_mut() else {
            match cluster.config("postgres", "audited").connect(NoTls) {
                Ok(new) => connection = Some(new),
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
            continue;
        };
        let event = match retry.take() {
            Some(event) => event,
            None if shared
                .quota
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |q| q.checked_sub(1))
                .is_ok() =>
            {
                sequence += 1;
                format!("{number}-{sequence}")
            }
            None => {
                thread::sleep(Duration::from_millis(5));
                continue;
            }
        };
        let key = (number % 2 == 1).then_some(&event);
        let sql =
            "SELECT auditlog.record(jsonb_build_object('event_type', 'load.crash', 'event_id', $1::text), $2::text)";
        match open.execute(sql, &[&event, &key]) {
            Ok(_) => {
                shared.acknowledged.fetch_add(1, Ordering::SeqCst);
                mine.push(event);
            }
            Err(_) => {
                // the connection is broken, or the server refuses while it recovers
                connection = None;
                retry = key.cloned();
                if retry.is_none() {
                    shared.quota.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    }
    shared.ids.lock().expect("no panic").extend(mine);
}

/// Nobody cries wolf: not verify(), not the background, not those who have a file of checkpoints or a bundle.
fn no_false_alarm(cluster: &Cluster, file: &Path) {
    let mut admin = cluster.connect("audited");
    assert_eq!(verify_all(&mut admin), []);
    let health = "SELECT coalesce(string_agg(\"check\" || ': ' || detail, '; '), '') FROM auditlog.health()
        WHERE status = 'error' OR \"check\" IN ('verification', 'protection', 'checkpoints') AND status <> 'ok'";
    wait_until("health() is well", LONG * 2, || text(&mut admin, health).is_empty());
    let alarms = "SELECT count(*) FROM auditlog.events
        WHERE event_type IN ('auditlog.tamper_attempt', 'auditlog.verify_failed', 'auditlog.policy_change', 'auditlog.incarnation')";
    assert_eq!(scalar(&mut admin, alarms), 0, "events that tell of an attack");
    let note = text(&mut admin, "SELECT auditlog.checkpoint()");
    let size: u64 = note.lines().nth(1).expect("a size").parse().expect("a number");
    let delivered =
        format!("SELECT count(*) FROM auditlog.checkpoint_sinks WHERE state = 'ok' AND delivered_size = {size}");
    wait_until("the file has it", LONG, || scalar(&mut admin, &delivered) == 1);
    // A crash may have torn nothing, nor repeated, nor left out.
    let kept = std::fs::read_to_string(file).expect("the file");
    let signed = scalar(&mut admin, "SELECT count(*) FROM auditlog.checkpoints");
    let sizes: Vec<u64> = kept
        .split("\n\n")
        .filter_map(|part| part.lines().rev().nth(1)?.parse().ok())
        .collect();
    assert!(sizes.is_sorted(), "{sizes:?}");
    let distinct = sizes.iter().collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!(distinct as i64, signed, "checkpoints in the file");
    let (program, folder) = (Program::ours(), Folder::new());
    let to = folder.path("bundle");
    let made = bundle(&program, &dsn(cluster.dir(), "audited"), &to, &[]);
    assert!(made.status.success(), "{}", said(&made));
    let key = text(&mut admin, "SELECT auditlog.public_key()");
    let old = folder.path("old");
    let first = "SELECT note FROM auditlog.checkpoints ORDER BY size LIMIT 1";
    std::fs::write(&old, text(&mut admin, first)).expect("write");
    let checked = program.output(&[
        "verify",
        &to.display().to_string(),
        "--key",
        &key,
        "--checkpoint",
        &old.display().to_string(),
    ]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    println!("{signed} checkpoints; {}", said(&checked));
}

/// Everything acknowledged is there once; the log has no gap; nothing was touched.
fn check(cluster: &Cluster, acknowledged: &[String]) {
    let mut admin = cluster.connect("audited");
    wait_sealed_for(&mut admin, LONG * 2);
    let row = admin
        .query_one(
            "WITH acknowledged AS (SELECT unnest($1::text[]) AS event_id),
                  found AS (SELECT a.event_id, count(e.event_id) AS times FROM acknowledged a LEFT JOIN auditlog.events e USING (event_id) GROUP BY 1)
             SELECT count(*) FILTER (WHERE times = 0), count(*) FILTER (WHERE times > 1) FROM found",
            &[&acknowledged],
        )
        .expect("events");
    assert_eq!(
        [row.get::<_, i64>(0), row.get(1)],
        [0, 0],
        "acknowledged events that are lost, or there twice"
    );
    let row = admin
        .query_one(
            "SELECT count(*), count(DISTINCT event_id), count(DISTINCT log_index), coalesce(min(log_index), 0), coalesce(max(log_index) + 1, 0)
             FROM auditlog.events",
            &[],
        )
        .expect("events");
    let events: i64 = row.get(0);
    assert_eq!(
        [row.get::<_, i64>(1), row.get(2), row.get(3), row.get(4)],
        [events, events, 0, events],
        "of {events} events"
    );
    assert_eq!(verify(&mut admin), []);
    wait_indexed(&mut admin);
    assert_words_agree(&mut admin, 20);
    println!("{events} events in the log, {} acknowledged", acknowledged.len());
}

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let plan = Plan::get();
    let mut random = Random::from_clock();
    // fsync costs nothing to keep here, and it makes the timing of commits what it is in life
    let cluster = Cluster::start(
        &Options::default()
            .set("fsync", "on")
            .set("max_connections", "150")
            .set("auditlog.checkpoint_interval", "1")
            .set("auditlog.verify_interval", "60"),
    );
    let file = cluster.dir().join("checkpoints");
    cluster
        .create_database_with_extension("audited")
        .execute(
            "SELECT auditlog.add_checkpoint_sink('file', 'file', $1)",
            &[&file.display().to_string()],
        )
        .expect("add_checkpoint_sink()");
    let shared = Shared::default();
    thread::scope(|scope| {
        let end = SetAtEnd(&shared.stop);
        for number in 0..plan.clients {
            let (cluster, shared) = (&cluster, &shared);
            scope.spawn(move || client(cluster, number, shared));
        }
        let per_round = plan.events / plan.rounds;
        for round in 1..=plan.rounds {
            let before = shared.acknowledged.load(Ordering::SeqCst);
            let moment = before + random.below(per_round);
            shared.quota.fetch_add(per_round, Ordering::SeqCst);
            wait_until("the clients record", LONG * 2, || {
                shared.acknowledged.load(Ordering::SeqCst) >= moment
            });
            thread::sleep(Duration::from_millis(random.below(30)));
            let victim = if random.chance(50) {
                Victim::Postmaster
            } else {
                Victim::Everybody
            };
            println!(
                "round {round}: kill -9 of {victim:?} after {} events",
                shared.acknowledged.load(Ordering::SeqCst)
            );
            cluster.kill9(victim);
            cluster.go();
            wait_until("the clients are back", LONG * 2, || {
                shared.quota.load(Ordering::SeqCst) == 0
            });
        }
        drop(end);
    });
    let ids = shared.ids.into_inner().expect("no panic");
    check(&cluster, &ids);
    no_false_alarm(&cluster, &file);
    // and it goes on
    let mut admin = cluster.connect("audited");
    let events = count_events(&mut admin);
    let id = text(&mut admin, "SELECT auditlog.record(event_type => 'a.b')");
    let index: i64 = admin
        .query_one("SELECT auditlog.await_sealed($1, '60s')", &[&id])
        .expect("await_sealed()")
        .get(0);
    assert_eq!(index, events);
}

#[test]
fn a_killed_worker_or_backend_costs_nothing_acknowledged() {
    let cluster = Cluster::start(&Options::default());
    let mut admin = cluster.create_database_with_extension("audited");
    let shared = Shared::default();
    thread::scope(|scope| {
        let end = SetAtEnd(&shared.stop);
        for number in 0..8 {
            let (cluster, shared) = (&cluster, &shared);
            scope.spawn(move || client(cluster, number, shared));
        }
        for victim in ["pg_auditlog sealer%", "pg_auditlog launcher%", "client backend"] {
            let before = shared.acknowledged.load(Ordering::SeqCst);
            shared.quota.fetch_add(400, Ordering::SeqCst);
            wait_until("the clients record", LONG, || {
                shared.acknowledged.load(Ordering::SeqCst) >= before + 100
            });
            let sql = format!(
                "SELECT pid::bigint FROM pg_stat_activity WHERE backend_type LIKE '{victim}' AND pid <> pg_backend_pid()
                 AND (datname = 'audited' OR backend_type LIKE '%launcher%') LIMIT 1"
            );
            let pid = scalar(&mut admin, &sql);
            kill9(u32::try_from(pid).expect("a pid"));
            // the postmaster notices, ends everybody and recovers
            wait_until("the server has noticed", LONG, || {
                admin.batch_execute("SELECT 1").is_err()
            });
            wait_until("the server is back", LONG, || {
                cluster.config("postgres", "audited").connect(NoTls).is_ok()
            });
            admin = cluster.connect("audited");
            wait_until("the clients are back", LONG, || {
                shared.quota.load(Ordering::SeqCst) == 0
            });
        }
        drop(end);
    });
    check(&cluster, &shared.ids.into_inner().expect("no panic"));
}
