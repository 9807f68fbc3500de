//! The live tail: everything once and in order, under the reader's own rights.

use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::postgres::fallible_iterator::FallibleIterator;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, Database, LONG, Options, wait_until};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

fn tail(client: &mut Client, arguments: &str) -> Vec<(i64, String)> {
    let sql = format!("SELECT log_index, coalesce(operation, '') FROM auditlog.tail({arguments})");
    let rows = client
        .query(sql.as_str(), &[])
        .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn operations(found: &[(i64, String)]) -> Vec<&str> {
    found.iter().map(|(_, operation)| operation.as_str()).collect()
}

fn record(client: &mut Client, operation: &str) {
    client
        .execute(
            "SELECT auditlog.record('a.b', action => jsonb_build_object('operation', $1::text))",
            &[&operation],
        )
        .expect("record()");
}

#[test]
fn it_goes_on_behind_a_position() {
    let db = Database::new();
    let mut client = db.superuser();
    assert_eq!(tail(&mut client, ""), []);
    assert_eq!(
        text(&mut client, "SELECT coalesce(auditlog.tail_position()::text, 'none')"),
        "none"
    );
    for operation in ["one", "two", "three"] {
        record(&mut client, operation);
    }
    wait_sealed(&mut client);
    // without a position the end of the log, as `tail` shows the end of a file
    assert_eq!(operations(&tail(&mut client, "\"limit\" => 2")), ["two", "three"]);
    let all = tail(&mut client, "after => -1");
    assert_eq!(operations(&all), ["one", "two", "three"]);
    assert_eq!(
        operations(&tail(&mut client, &format!("after => {}", all[0].0))),
        ["two", "three"]
    );
    assert_eq!(operations(&tail(&mut client, "after => -1, \"limit\" => 1")), ["one"]);
    assert_eq!(
        operations(&tail(&mut client, "after => -1, query => 'operation:t*'")),
        ["two", "three"]
    );
    assert_eq!(scalar(&mut client, "SELECT auditlog.tail_position()"), all[2].0);
    assert_eq!(tail(&mut client, &format!("after => {}", all[2].0)), []);
    // what is not sealed has no place yet
    client
        .batch_execute("BEGIN; SELECT auditlog.record('a.b')")
        .expect("record()");
    assert_eq!(tail(&mut client, &format!("after => {}", all[2].0)), []);
    client.batch_execute("ROLLBACK").expect("ROLLBACK");
}

#[test]
fn bad_arguments_are_told_of() {
    let db = Database::new();
    let mut client = db.superuser();
    for (arguments, code) in [
        ("\"limit\" => 0", "22023"),
        ("\"limit\" => 10001", "22023"),
        ("\"limit\" => NULL", "22023"),
        ("wait => '-1s'", "22023"),
        ("wait => '2 hours'", "22023"),
        ("wait => NULL", "22023"),
        ("after => -2", "22023"),
        ("query => 'a:('", "42601"),
    ] {
        refused_with(&mut client, code, &format!("SELECT auditlog.tail({arguments})"));
    }
    assert_eq!(tail(&mut client, "9223372036854775807, wait => '100ms'"), []);
    client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .expect("BEGIN");
    assert_eq!(tail(&mut client, "after => -1"), []);
    refused_with(&mut client, "25001", "SELECT auditlog.tail(after => -1, wait => '1s')");
    client.batch_execute("ROLLBACK").expect("ROLLBACK");
}

#[test]
fn it_waits_for_the_next_event_that_matches() {
    let db = Database::new();
    let (mut client, mut writer) = (db.superuser(), db.superuser());
    record(&mut client, "before");
    wait_sealed(&mut client);
    let begin = Instant::now();
    assert_eq!(tail(&mut client, "auditlog.tail_position(), wait => '300ms'"), []);
    assert!(begin.elapsed() >= Duration::from_millis(300));
    let waits = thread::spawn(move || {
        let begin = Instant::now();
        let found = tail(
            &mut client,
            "auditlog.tail_position(), 'operation:wanted', wait => '1min'",
        );
        (found, begin.elapsed())
    });
    thread::sleep(Duration::from_millis(200));
    record(&mut writer, "other");
    thread::sleep(Duration::from_millis(300));
    record(&mut writer, "wanted");
    let (found, took) = waits.join().expect("the tail");
    assert_eq!(operations(&found), ["wanted"]);
    assert!(took < Duration::from_secs(30), "it has slept for {took:?}");
}

/// Many tails beside many writers, with clients that start again: each tail has every event once, in order.
#[test]
fn nothing_is_skipped_and_nothing_comes_twice() {
    const WRITERS: usize = 4;
    const EVENTS: usize = 150;
    let db = Database::new();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let mut client = db.superuser();
            scope.spawn(move || {
                for event in 0..EVENTS {
                    // some commit late, so that the order of sealing is not that of recording
                    let late = if event % 10 == 0 { "SELECT pg_sleep(0.02);" } else { "" };
                    let end = if event % 7 == 0 { "ROLLBACK" } else { "COMMIT" };
                    let sql = format!(
                        "BEGIN; SELECT auditlog.record('a.b', action => '{{\"operation\": \"{writer}-{event}\"}}'); {late} {end}"
                    );
                    client.batch_execute(&sql).expect("record()");
                }
            });
        }
        let wanted = WRITERS * (0..EVENTS).filter(|event| event % 7 != 0).count();
        for number in 0..6 {
            let db = &db;
            scope.spawn(move || {
                let (mut seen, mut after) = (Vec::new(), -1);
                let begin = Instant::now();
                while seen.len() < wanted && begin.elapsed() < LONG {
                    let mut client = db.superuser();
                    for _ in 0..20 {
                        let limit = [1, 10, 1000][number % 3];
                        let found = tail(&mut client, &format!("{after}, '', {limit}, '200ms'"));
                        after = found.last().map_or(after, |last| last.0);
                        seen.extend(found);
                    }
                }
                assert!(
                    seen.windows(2).all(|pair| pair[0].0 < pair[1].0),
                    "the order is that of the log"
                );
                let mut names: Vec<String> = seen.into_iter().map(|one| one.1).collect();
                names.sort();
                names.dedup();
                assert_eq!(names.len(), wanted);
            });
        }
    });
}

#[test]
fn it_shows_what_its_reader_may_see() {
    let db = Database::new();
    let mut client = db.superuser();
    let ann = db.login(&["auditlog_user"]);
    let nobody = db.login(&[]);
    client
        .batch_execute(&format!("SELECT auditlog.add_principal('{ann}', actor_id => 'ann')"))
        .expect("add_principal()");
    for actor in ["ann", "bob", "ann"] {
        client
            .execute(
                "SELECT auditlog.record('a.b', actor => jsonb_build_object('type', 'user', 'id', $1::text))",
                &[&actor],
            )
            .expect("record()");
    }
    wait_sealed(&mut client);
    let mut reader = db.connect_as(&ann);
    let seen = "SELECT string_agg(actor_id, ' ') FROM auditlog.tail(-1, 'event_type:a.b')";
    assert_eq!(text(&mut reader, seen), "ann ann");
    refused_with(&mut db.connect_as(&nobody), "42501", "SELECT auditlog.tail()");
}

/// Reads are in the log; if tails showed the entries of tails, they would show each other for ever.
#[test]
fn tails_do_not_wake_each_other_for_ever() {
    let cluster = Cluster::start(&Options::default().set("auditlog.access_log", "on"));
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, "first");
    let mut looks = cluster.connect("audited");
    looks
        .batch_execute("SET auditlog.access_log = off")
        .expect("a superuser may");
    wait_sealed(&mut looks);
    let first = operations(&tail(&mut client, "-1, 'event_type:a.b'")).len();
    assert_eq!(first, 1);
    let entries = "SELECT count(*) FROM auditlog.log_entries";
    let entries = entries.replace(
        "auditlog.log_entries",
        "auditlog.events WHERE event_type = 'auditlog.search' AND operation = 'tail' AND log_index IS NOT NULL",
    );
    wait_until("the tail is told of", LONG, || scalar(&mut looks, &entries) == 1);
    // Nothing else has happened: a tail finds nothing, and leaves no entry that the next would find.
    for _ in 0..5 {
        assert_eq!(tail(&mut client, "auditlog.tail_position() - 1, wait => '100ms'"), []);
    }
    thread::sleep(Duration::from_millis(300));
    assert_eq!(scalar(&mut looks, &entries), 1);
    let told = "SELECT extra #>> '{metadata,calls,0,arguments,query}' FROM auditlog.events WHERE operation = 'tail'";
    assert_eq!(text(&mut looks, told), "event_type:a.b");
}

#[test]
fn each_batch_is_notified() {
    let db = Database::new();
    let mut client = db.superuser();
    client.batch_execute("LISTEN auditlog").expect("LISTEN");
    let mut writer = db.superuser();
    let (mut next, begin) = (None, Instant::now());
    for i in 0..20 {
        record(&mut writer, &i.to_string());
    }
    wait_sealed(&mut writer);
    let last = scalar(&mut writer, "SELECT auditlog.tail_position()");
    while next.is_none_or(|next| next <= last) && begin.elapsed() < LONG {
        let mut told = client.notifications();
        let mut told = told.timeout_iter(Duration::from_secs(5));
        let Some(one) = told.next().expect("a notification") else {
            break;
        };
        assert_eq!(one.channel(), "auditlog");
        let (first, until) = one.payload().split_once(' ').expect("two numbers");
        let (first, until): (i64, i64) = (first.parse().expect("a number"), until.parse().expect("a number"));
        assert!(next.is_none_or(|next| next == first), "{first} after {next:?}");
        assert!(first <= until);
        next = Some(until + 1);
    }
    assert_eq!(next, Some(last + 1));
}

/// The loop for psql that examples/tail shows.
#[test]
fn the_example_for_psql_follows_the_log() {
    let db = Database::new();
    let mut writer = db.superuser();
    record(&mut writer, "before");
    wait_sealed(&mut writer);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/tail/watch.sql");
    let mut psql = auditlog_testkit::shared().client_program("psql", db.name());
    let mut child = psql
        .args(["-X", "-v", "query=event_type:a.b", "-f", file])
        .stdout(Stdio::piped())
        .spawn()
        .expect("psql starts");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let reads = thread::spawn(move || {
        let mut shown = Vec::new();
        for line in lines.map_while(Result::ok).filter(|line| line.contains("a.b")) {
            shown.push(line);
            if shown.len() == 3 {
                break;
            }
        }
        shown
    });
    wait_until("it waits", LONG, || {
        scalar(
            &mut writer,
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%auditlog.tail(%' AND state = 'active' AND pid <> pg_backend_pid()",
        ) == 1
    });
    for i in 0..3 {
        record(&mut writer, &i.to_string());
        wait_sealed(&mut writer);
    }
    let shown = reads.join().expect("psql's output");
    let _ = child.kill();
    let _ = child.wait();
    assert_eq!(shown.len(), 3);
}
