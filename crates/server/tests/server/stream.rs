//! The live stream: each event once, in order, whatever is restarted; nothing of others'; an end when the right ends.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Open;
use crate::sse::Parser;
use crate::world::{World, cluster};
use auditlog_testkit::{Options, Stop};

/// An event of a stream: id, name, data.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    id: Option<i64>,
    name: String,
    data: Value,
}

fn next(stream: &mut Open) -> Option<Told> {
    let mut parser = Parser::default();
    loop {
        if let Some(told) = parser.take(&stream.line()?) {
            return Some(Told {
                id: told.id,
                name: told.name,
                data: serde_json::from_str(&told.data).expect("JSON"),
            });
        }
    }
}

fn open(world: &World, name: &str, parameters: &str, last: Option<i64>) -> Open {
    let mut request = world.by(name, "GET", &format!("/api/v1/audit-logs/stream?{parameters}"));
    if let Some(last) = last {
        request = request.header("Last-Event-ID", &last.to_string());
    }
    let stream = request.open();
    assert_eq!(stream.status, 200);
    assert!(
        stream
            .header("content-type")
            .expect("a type")
            .starts_with("text/event-stream")
    );
    stream
}

#[test]
fn what_is_sealed_is_told_at_once() {
    let world = World::new();
    world.record(&[("a.b", "user_17")]);
    let mut stream = open(&world, "ann", "query=event_type:a.b", None);
    let begun = Instant::now();
    world.record(&[
        ("a.b", "user_17"),
        ("a.b", "user_99"),
        ("c.d", "user_17"),
        ("a.b", "user_17"),
    ]);
    let (one, two) = (next(&mut stream).expect("one"), next(&mut stream).expect("two"));
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(
        (&one.data["metadata"]["n"], &two.data["metadata"]["n"]),
        (&json!(0), &json!(3)),
        "from now on, one's own, of the query"
    );
    assert_eq!(one.name, "audit");
    assert_eq!(one.id, one.data["auditlog"]["log_index"].as_i64());
    let mut again = open(&world, "ann", "query=event_type:a.b", one.id);
    assert_eq!(next(&mut again).expect("two"), two, "it goes on behind the last id");
    world
        .by("ann", "GET", "/api/v1/audit-logs/stream")
        .header("Last-Event-ID", "x")
        .send()
        .expect(400);
    world.get("ann", "/api/v1/audit-logs/stream?after=-2").expect(400);
}

#[test]
fn nothing_is_lost_or_told_twice_over_restarts() {
    let cluster: &'static auditlog_testkit::Cluster = Box::leak(Box::new(cluster(&Options::default())));
    let mut world = World::on(cluster, |given| {
        given.stream_heartbeat = Some("200ms".parse().expect("a time"))
    });
    const EVENTS: i64 = 300;
    let address = world.address;
    let (sender, receiver) = mpsc::channel();
    // A client as browsers are one: it comes again with the last id.
    let listener = std::thread::spawn(move || {
        let (mut last, mut seen) = (Some(-1), Vec::new());
        while (seen.len() as i64) < EVENTS {
            let mut request = crate::client::request(address, "GET", "/api/v1/audit-logs/stream?query=event_type:a.b")
                .basic("ann", "ann");
            if let Some(last) = last {
                request = request.header("Last-Event-ID", &last.to_string());
            }
            let Ok(mut stream) = std::panic::catch_unwind(|| request.open()) else {
                std::thread::sleep(Duration::from_millis(100));
                continue;
            };
            if stream.status != 200 {
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
            while (seen.len() as i64) < EVENTS
                && let Some(told) = next(&mut stream)
            {
                if told.name == "audit" {
                    last = told.id;
                    seen.push(told.data["metadata"]["n"].as_i64().expect("a number"));
                }
            }
        }
        sender.send(seen).expect("somebody waits");
    });
    for n in 0..EVENTS {
        if n == 100 {
            world.restart();
        }
        if n == 200 {
            cluster.restart();
        }
        if n == 250 {
            cluster.stop(Stop::Immediate);
            cluster.go();
        }
        let mut client = world.superuser();
        let document = json!({"event_type": "a.b", "actor": {"type": "user", "id": "user_17"}, "metadata": {"n": n}});
        client
            .query("SELECT auditlog.record($1::text::jsonb)", &[&document.to_string()])
            .expect("an event");
    }
    let seen = receiver
        .recv_timeout(Duration::from_secs(120))
        .expect("all events come");
    listener.join().expect("the listener ends");
    assert_eq!(seen, (0..EVENTS).collect::<Vec<_>>());
}

#[test]
fn a_stream_ends_with_its_session_or_its_right() {
    let world = World::with(|given| given.stream_heartbeat = Some("100ms".parse().expect("a time")));
    let login = world
        .anonymous("POST", "/api/v1/session")
        .json(&json!({"user": "ann", "password": "ann"}))
        .send()
        .expect(201);
    let cookie = login
        .header("set-cookie")
        .expect("a cookie")
        .split(';')
        .next()
        .expect("a pair")
        .to_owned();
    let csrf = login.json()["csrf_token"].as_str().expect("a token").to_owned();
    let mut stream = world
        .anonymous("GET", "/api/v1/audit-logs/stream")
        .header("Cookie", &cookie)
        .open();
    assert_eq!(stream.status, 200);
    let out = world
        .anonymous("DELETE", "/api/v1/session")
        .header("Cookie", &cookie)
        .header("X-CSRF-Token", &csrf);
    out.send().expect(204);
    let last = next(&mut stream).expect("a last word");
    assert_eq!((last.name.as_str(), &last.data["status"]), ("problem", &json!(401)));
    assert_eq!(next(&mut stream), None);

    let mut client = world.superuser();
    client
        .batch_execute("CREATE ROLE ivo LOGIN PASSWORD 'ivo' IN ROLE auditlog_analyst")
        .expect("a role");
    let mut stream = open(&world, "ivo", "query=event_type:a.b", None);
    client
        .batch_execute("REVOKE auditlog_analyst FROM ivo")
        .expect("REVOKE");
    world.record(&[("a.b", "user_17")]);
    let last = next(&mut stream).expect("a last word");
    assert_eq!(
        (last.name.as_str(), &last.data["status"]),
        ("problem", &json!(403)),
        "and no event"
    );
    client.batch_execute("DROP ROLE ivo").expect("DROP ROLE");
}

#[test]
fn who_lags_hears_what_was_left_out() {
    let world = World::new();
    world.record(&[("a.b", "user_17"); 50]);
    let mut stream = open(&world, "ana", "after=0&max_lag=10&query=event_type:a.b", None);
    let skipped = next(&mut stream).expect("a first word");
    assert_eq!(skipped.name, "skipped");
    let resume = skipped.data["resume_at"].as_i64().expect("a place");
    assert_eq!(skipped.id, Some(resume - 1));
    let first = next(&mut stream).expect("an event");
    assert_eq!(first.id, Some(resume));
}

#[test]
fn what_was_left_out_is_told_also_when_the_look_fails() {
    let world = World::with(|given| given.lock_timeout = Some("200ms".parse().expect("a time")));
    world.record(&[("a.b", "user_17"); 50]);
    let mut blocker = world.superuser();
    let mut lock = blocker.transaction().expect("a transaction");
    lock.batch_execute("LOCK TABLE auditlog_data.log IN ACCESS EXCLUSIVE MODE")
        .expect("LOCK");
    let mut stream = open(&world, "ana", "after=0&max_lag=10&query=event_type:a.b", None);
    while stream.line().expect("a line") != ": the database does not answer" {}
    lock.rollback().expect("ROLLBACK");
    let skipped = next(&mut stream).expect("a word");
    assert_eq!((skipped.name.as_str(), &skipped.data["after"]), ("skipped", &json!(0)));
    let first = next(&mut stream).expect("an event");
    assert_eq!(Some(first.id), skipped.data["resume_at"].as_i64().map(Some));
}

#[test]
fn streams_are_counted() {
    let world = World::with(|given| given.streams_per_identity = Some(2));
    let one = open(&world, "ann", "", None);
    let _two = open(&world, "ann", "", None);
    world.get("ann", "/api/v1/audit-logs/stream").expect(429);
    let _other = open(&world, "mia", "", None);
    drop(one);
    auditlog_testkit::wait_until("the place is free", auditlog_testkit::LONG, || {
        // The server sees that nobody reads when it writes.
        world.record(&[("a.b", "user_17")]);
        world.by("ann", "GET", "/api/v1/audit-logs/stream").open().status == 200
    });
}
