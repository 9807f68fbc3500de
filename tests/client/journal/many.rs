//! Many readers at once, some of whom roll back, fail or are killed: each read has exactly one entry.

use super::{cluster, observer, settle};
use auditlog_testkit::crash::{Victim, kill9};
use auditlog_testkit::log::{scalar, text, verify};
use auditlog_testkit::{Cluster, Database, LONG, Options, wait_until};
use std::collections::HashSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: usize = 16;
const READS: usize = 63;

#[test]
fn each_of_a_thousand_reads_has_exactly_one_entry() {
    let database = Database::new_in(cluster());
    let mut client = database.superuser();
    client
        .batch_execute("INSERT INTO auditlog.events (event_type) SELECT 'a.b' FROM generate_series(1, 50)")
        .expect("events");
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let database = &database;
            scope.spawn(move || {
                let mut client = database.superuser();
                for read in 0..READS {
                    let name = format!("read {number}-{read}.");
                    let sql = format!("SELECT '{name}', e.event_id FROM auditlog.events AS e WHERE event_type = 'a.b'");
                    let begun = match read % 3 {
                        0 => client.batch_execute(&format!("BEGIN; {sql}; ROLLBACK")),
                        1 => client.batch_execute(&format!("BEGIN READ ONLY; {sql}; COMMIT")),
                        _ if read % 2 == 0 => {
                            client.batch_execute(&format!("SELECT 1 / (7 - row_number() OVER ()) FROM ({sql}) AS x"))
                        }
                        _ => client.query(sql.as_str(), &[]).map(|_| ()),
                    };
                    assert_eq!(begun.is_err(), read % 3 == 2 && read % 2 == 0, "{name}: {begun:?}");
                }
            });
        }
    });
    let mut looks = observer(cluster(), database.name());
    settle(&mut looks);
    // name, how often, and what became of it
    let kinds = text(
        &mut looks,
        "WITH told AS (SELECT substring(extra #>> '{metadata,query,text}' FROM 'read \\d+-\\d+\\.') AS name,
                concat_ws(' ', status, extra #>> '{metadata,transaction}', extra #>> '{metadata,rows}', extra #>> '{metadata,read_only}') AS what
            FROM auditlog.events WHERE event_type = 'auditlog.view')
         SELECT string_agg(what || ': ' || n, E'\\n' ORDER BY what) || ', ' || (SELECT count(DISTINCT name) FROM told)
         FROM (SELECT what, count(*) AS n FROM told WHERE name IS NOT NULL GROUP BY what) AS x",
    );
    let (committed, failed) = (
        (0..READS).filter(|r| r % 3 == 2 && r % 2 == 1).count(),
        (0..READS).filter(|r| r % 3 == 2 && r % 2 == 0).count(),
    );
    let third = (0..READS).filter(|r| r % 3 == 0).count();
    let read_only = (0..READS).filter(|r| r % 3 == 1).count();
    assert_eq!(
        kinds,
        format!(
            "failed rolled_back 6 false: {}\nsuccess committed 50 false: {}\nsuccess committed 50 true: {}\nsuccess rolled_back 50 false: {}, {}",
            failed * CLIENTS,
            committed * CLIENTS,
            read_only * CLIENTS,
            third * CLIENTS,
            READS * CLIENTS
        )
    );
    assert_eq!(
        scalar(
            &mut looks,
            "SELECT dropped + refused + unrecordable + reserved_bytes FROM auditlog.stat_access"
        ),
        0
    );
    assert_eq!(verify(&mut looks), []);
}

#[test]
fn a_client_that_is_killed_takes_no_entry_with_it() {
    let database = Database::new_in(cluster());
    let mut looks = observer(cluster(), database.name());
    for i in 0..10 {
        // idle in its transaction, or in the middle of a statement
        let sleep = if i % 2 == 0 { "" } else { ", pg_sleep(60)" };
        let sql = format!(
            "SET client_connection_check_interval = 100; BEGIN; SELECT 'killed {i}.'{sleep} FROM auditlog.events;\n"
        );
        looks
            .batch_execute("INSERT INTO auditlog.events (event_type) VALUES ('a.b')")
            .expect("an event");
        let mut psql = cluster().client_program("psql", database.name());
        let mut child = psql
            .args(["-XqAt"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("psql starts");
        child
            .stdin
            .as_mut()
            .expect("a pipe")
            .write_all(sql.as_bytes())
            .expect("psql reads");
        wait_until("it reads", LONG, || {
            scalar(&mut looks, "SELECT reserved_bytes FROM auditlog.stat_access") > 0
        });
        kill9(child.id());
        child.wait().expect("it is dead");
        wait_until("it is told of", LONG, || {
            scalar(
                &mut looks,
                &format!(
                    "SELECT count(*) FROM auditlog.events WHERE extra #>> '{{metadata,query,text}}' LIKE '%killed {i}.%'"
                ),
            ) == 1
        });
        settle(&mut looks);
    }
    assert_eq!(scalar(&mut looks, "SELECT reserved_bytes FROM auditlog.stat_access"), 0);
}

#[test]
fn a_crash_of_the_server_loses_what_is_queued_and_nothing_else() {
    let cluster = Cluster::start(&Options::default().set("auditlog.access_log", "on"));
    let mut client = cluster.create_database_with_extension("audited");
    let mut looks = observer(&cluster, "audited");
    for i in 0..20 {
        client
            .batch_execute(&format!("SELECT 'before {i}.' FROM auditlog.events"))
            .expect("a read");
    }
    settle(&mut looks);
    let recorder = scalar(&mut looks, "SELECT recorder_pid::bigint FROM auditlog.stat_access") as u32;
    signal("STOP", recorder);
    client
        .batch_execute("SELECT 'queued' FROM auditlog.events")
        .expect("a read");
    assert!(scalar(&mut looks, "SELECT queued_bytes FROM auditlog.stat_access") > 0);
    // A process that is killed takes all of the server's processes with it.
    kill9(recorder);
    wait_until("the server has noticed", LONG, || {
        looks.batch_execute("SELECT 1").is_err()
    });
    wait_until("the server is there again", LONG, || {
        cluster
            .config("postgres", "audited")
            .connect(auditlog_testkit::postgres::NoTls)
            .is_ok_and(|mut client| client.batch_execute("SELECT 1").is_ok())
    });
    let mut looks = observer(&cluster, "audited");
    assert_eq!(scalar(&mut looks, "SELECT queued_bytes FROM auditlog.stat_access"), 0);
    let told = "SELECT count(*) FROM auditlog.events WHERE extra #>> '{metadata,query,text}' LIKE '%before %.%'";
    assert_eq!(scalar(&mut looks, told), 20);
    cluster
        .connect("audited")
        .batch_execute("SELECT 'after' FROM auditlog.events")
        .expect("a read");
    wait_until("the recorder works again", LONG, || {
        scalar(
            &mut looks,
            "SELECT count(*) FROM auditlog.events WHERE extra #>> '{metadata,query,text}' LIKE '%''after''%'",
        ) == 1
    });
}

/// What a crash of the server can lose, measured: 16 clients read until the postmaster and all its children are killed at
/// once. A read whose answer a client has, and that no entry tells of, must have ended shortly before.
#[test]
fn what_a_crash_loses_ended_just_before() {
    const SHORTLY: Duration = Duration::from_secs(5);
    let cluster = Cluster::start(&Options::default().set("auditlog.access_log", "on"));
    let mut client = cluster.create_database_with_extension("audited");
    client.batch_execute("SELECT auditlog.record('a.b')").expect("an event");
    let (begin, reading) = (Instant::now(), AtomicBool::new(true));
    let (answered, killed_at) = thread::scope(|scope| {
        let readers: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (mut client, reading) = (cluster.connect("audited"), &reading);
                scope.spawn(move || {
                    let mut answered = Vec::new();
                    while reading.load(Ordering::Relaxed) {
                        let name = format!("read {number}-{}.", answered.len());
                        let sql = format!("SELECT '{name}' FROM auditlog.events WHERE event_type = 'a.b'");
                        if client.batch_execute(&sql).is_err() {
                            break;
                        }
                        answered.push((name, begin.elapsed()));
                    }
                    answered
                })
            })
            .collect();
        thread::sleep(Duration::from_secs(3));
        let killed_at = begin.elapsed();
        cluster.kill9(Victim::Everybody);
        reading.store(false, Ordering::Relaxed);
        let answered: Vec<_> = readers
            .into_iter()
            .flat_map(|reader| reader.join().expect("a reader"))
            .collect();
        (answered, killed_at)
    });
    cluster.go();
    let mut looks = observer(&cluster, "audited");
    let told = "SELECT DISTINCT substring(extra #>> '{metadata,query,text}' FROM 'read \\d+-\\d+\\.')
        FROM auditlog.events WHERE event_type = 'auditlog.view'";
    let told: HashSet<String> = looks
        .query(told, &[])
        .expect("the journal")
        .iter()
        .filter_map(|row| row.get(0))
        .collect();
    let lost: Vec<_> = answered.iter().filter(|(name, _)| !told.contains(name)).collect();
    let oldest = lost.iter().map(|(_, at)| killed_at.saturating_sub(*at)).max();
    println!(
        "{} reads were answered, {} of them are not told of; the first of these ended {:?} before the crash",
        answered.len(),
        lost.len(),
        oldest.unwrap_or_default()
    );
    assert!(answered.len() > CLIENTS, "nobody could read");
    assert!(oldest.is_none_or(|oldest| oldest < SHORTLY), "{lost:?}");
    assert_eq!(verify(&mut looks), []);
}

/// Sends a signal to a process.
pub fn signal(name: &str, pid: u32) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status();
    assert!(status.is_ok_and(|status| status.success()), "kill -{name} {pid}");
}
