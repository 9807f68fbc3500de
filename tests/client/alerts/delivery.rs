//! What fires is told of: through channels, until it has arrived.

use super::{create, settle};
use auditlog_testkit::http::Server;
use auditlog_testkit::log::{scalar, text};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, wait_until};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn cluster() -> Cluster {
    Cluster::start(&Options::default().set("auditlog.allowed_hosts", "127.0.0.1, localhost"))
}

fn webhook(client: &mut Client, name: &str, url: &str) {
    client
        .execute(
            "SELECT auditlog.create_channel($1, 'webhook', jsonb_build_object('url', $2::text))",
            &[&name, &url],
        )
        .expect("create_channel()");
}

fn alert(client: &mut Client, channels: &str) {
    create(
        client,
        &format!("name: each\ncondition: event_type:x\nnotification: {{channels: [{channels}], severity: critical}}\n"),
    );
}

fn fire(client: &mut Client, times: usize) {
    for _ in 0..times {
        client.batch_execute("SELECT auditlog.record('x')").expect("record()");
    }
    settle(client);
}

fn delivered(client: &mut Client, channel: &str) -> i64 {
    scalar(
        client,
        &format!("SELECT count(*) FROM auditlog.notifications WHERE channel = '{channel}' AND state = 'delivered'"),
    )
}

#[test]
fn a_firing_arrives_once_and_says_what_it_is() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let receiver = Server::start(|_| (200, "text/plain", Vec::new()));
    webhook(&mut client, "hook", &receiver.url());
    alert(&mut client, "hook, nowhere");
    fire(&mut client, 3);
    wait_until("all have arrived", LONG, || delivered(&mut client, "hook") == 3);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    let body = String::from_utf8_lossy(&requests[0].body).into_owned();
    for part in ["\"each\"", "critical", "specversion"] {
        assert!(body.contains(part), "{part}: {body}");
    }
    let ids: std::collections::HashSet<_> = requests
        .iter()
        .filter_map(|request| request.header("webhook-id"))
        .collect();
    assert_eq!(ids.len(), 3);
    let told = "SELECT string_agg(DISTINCT deliveries::text, ' ') FROM auditlog.alert_firings";
    assert_eq!(text(&mut client, told), "{\"hook fired\": \"delivered\"}");
    client
        .batch_execute("SELECT auditlog.test_alert('each', notify => true)")
        .expect("test_alert()");
    wait_until("the test has arrived", LONG, || delivered(&mut client, "hook") == 4);
}

/// A receiver that is down, hangs, or refuses: retries with the same key, dead letters, and no delay for others.
#[test]
fn trouble_with_one_channel_is_no_trouble_for_another() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let good = Server::start(|_| (200, "text/plain", Vec::new()));
    let tries = Arc::new(AtomicUsize::new(0));
    let flaky = {
        let tries = Arc::clone(&tries);
        Server::start(move |_| {
            let status = if tries.fetch_add(1, Ordering::SeqCst) < 2 {
                503
            } else {
                202
            };
            (status, "text/plain", Vec::new())
        })
    };
    let refuses = Server::start(|_| (400, "text/plain", b"no".to_vec()));
    let hangs = Server::start(|_| {
        std::thread::sleep(Duration::from_secs(60));
        (200, "text/plain", Vec::new())
    });
    let gone = Server::start(|_| (410, "text/plain", Vec::new()));
    for (name, server) in [
        ("good", &good),
        ("flaky", &flaky),
        ("refuses", &refuses),
        ("hangs", &hangs),
        ("gone", &gone),
    ] {
        webhook(&mut client, name, &server.url());
    }
    alert(&mut client, "good, flaky, refuses, hangs, gone");
    let begin = Instant::now();
    fire(&mut client, 1);
    wait_until("the good one has it", LONG, || delivered(&mut client, "good") == 1);
    assert!(
        begin.elapsed() < Duration::from_secs(15),
        "another channel has delayed it"
    );
    wait_until("the flaky one has it at last", LONG, || {
        delivered(&mut client, "flaky") == 1
    });
    let keys: std::collections::HashSet<_> = flaky
        .requests()
        .iter()
        .filter_map(|request| request.header("webhook-id"))
        .collect();
    assert_eq!((flaky.requests().len(), keys.len()), (3, 1));
    wait_until("what is refused is a dead letter", LONG, || {
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.dead_letters WHERE channel = 'refuses'",
        ) == 1
    });
    let event = "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.delivery_failed'";
    assert_eq!(scalar(&mut client, event), 1);
    wait_until("the one that is gone waits for somebody", LONG, || {
        text(&mut client, "SELECT state FROM auditlog.channels WHERE name = 'gone'") == "paused"
    });
    let health = "SELECT status || ' ' || detail FROM auditlog.health() WHERE \"check\" = 'delivery'";
    assert!(text(&mut client, health).starts_with("error Channels that wait for somebody: gone: "));
    // mended, it goes on at once
    client
        .execute(
            "SELECT auditlog.alter_channel('gone', jsonb_build_object('url', $1::text))",
            &[&good.url()],
        )
        .expect("alter_channel()");
    wait_until("it has arrived there", LONG, || delivered(&mut client, "gone") == 1);
    client
        .batch_execute("SELECT auditlog.redrive(id) FROM auditlog.dead_letters")
        .expect("redrive()");
    wait_until("it is refused again", LONG, || refuses.requests().len() == 2);
    // a hanging peer does not keep the server from stopping
    let begin = Instant::now();
    cluster.stop(auditlog_testkit::Stop::Fast);
    println!("with a peer that hangs the server has stopped in {:?}", begin.elapsed());
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "it took {:?}",
        begin.elapsed()
    );
}

#[test]
fn channels_are_checked_when_they_are_made() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    for (arguments, code) in [
        ("NULL, 'webhook', '{}'", "22004"),
        ("'', 'webhook', '{\"url\": \"https://example.com/\"}'", "22023"),
        ("'a', 'pigeon', '{}'", "22023"),
        ("'a', 'webhook', '[]'", "22023"),
        ("'a', 'webhook', '{}'", "22023"),
        (
            "'a', 'webhook', '{\"url\": \"https://example.com/\", \"colour\": \"red\"}'",
            "22023",
        ),
        (
            "'a', 'slack', '{\"url\": \"https://hooks.slack.com/services/T/B/sekret\"}'",
            "22023",
        ),
        (
            "'a', 'pagerduty', '{\"routing_key\": \"0123456789abcdef0123456789abcdef\"}'",
            "22023",
        ),
    ] {
        let error = refused_with(
            &mut client,
            code,
            &format!("SELECT auditlog.create_channel({arguments})"),
        );
        assert!(!format!("{error:?}").contains("sekret"), "{error:?}");
    }
    refused_with(
        &mut client,
        "22023",
        "ALTER SYSTEM SET auditlog.allowed_hosts = 'http://x'",
    );
    refused_with(&mut client, "42704", "SELECT auditlog.drop_channel('nobody')");
    refused_with(&mut client, "42704", "SELECT auditlog.redrive(4711)");
    cluster.create_login("admin", &["auditlog_administrator"]);
    let mut admin = cluster.connect_as("admin", "audited");
    refused_with(
        &mut admin,
        "42501",
        "SELECT auditlog.create_channel('f', 'file', '{\"path\": \"/tmp/x\"}')",
    );
    admin
        .batch_execute("SELECT auditlog.create_channel('w', 'webhook', '{\"url\": \"https://example.com/\"}', 'error')")
        .expect("an administrator may");
    let told = "SELECT operation || ' ' || (after->>'min_severity') FROM auditlog.events WHERE event_type = 'auditlog.sink_change'";
    assert_eq!(text(&mut admin, told), "create_channel error");
}

/// Secrets are in files, and never in tables, logs or errors.
#[test]
fn secrets_stay_in_their_files() {
    use std::os::unix::fs::PermissionsExt;
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let receiver = Server::start(|_| (401, "text/plain", b"who is sekret-token-4711?".to_vec()));
    let directory = cluster.data().join("auditlog_secrets");
    let file = directory.join("token");
    auditlog_testkit::command::run(
        auditlog_testkit::command::as_server("mkdir")
            .args(["-m", "700"])
            .arg(&directory),
    );
    let write = format!("umask 077; printf sekret-token-4711 > {}", file.display());
    auditlog_testkit::command::run(auditlog_testkit::command::as_server("sh").args(["-c", &write]));
    assert_eq!(
        std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777,
        0o600
    );
    client
        .execute(
            "SELECT auditlog.create_channel('hook', 'webhook', jsonb_build_object('url', $1::text, 'token', 'secret:token'))",
            &[&receiver.url()],
        )
        .expect("create_channel()");
    alert(&mut client, "hook");
    fire(&mut client, 1);
    wait_until("it is refused", LONG, || {
        text(&mut client, "SELECT state FROM auditlog.channels") == "paused"
    });
    assert_eq!(
        receiver.requests()[0].header("authorization").as_deref(),
        Some("Bearer sekret-token-4711")
    );
    let shown = text(
        &mut client,
        "SELECT concat((SELECT string_agg(n::text, '') FROM auditlog_data.notification AS n), (SELECT string_agg(s::text, '') FROM auditlog_data.channel_state AS s),
            (SELECT string_agg(e::text, '') FROM auditlog.events AS e), (SELECT string_agg(h::text, '') FROM auditlog.health() AS h))",
    );
    assert!(!shown.contains("sekret"), "{shown}");
    assert!(!cluster.log().contains("sekret"));
}

/// Firings by the hundred while the server is killed again and again: each arrives, with its own key.
#[test]
fn nothing_is_lost_by_crashes_in_the_middle_of_deliveries() {
    use auditlog_testkit::crash::Victim;
    let soak = std::env::var_os("AUDITLOG_SOAK").is_some();
    let (rounds, events) = if soak { (20, 500) } else { (3, 60) };
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let receiver = Server::start(|_| {
        std::thread::sleep(Duration::from_millis(5));
        (200, "text/plain", Vec::new())
    });
    client
        .execute(
            "SELECT auditlog.create_channel('hook', 'webhook', jsonb_build_object('url', $1::text, 'rate_per_minute', 100000))",
            &[&receiver.url()],
        )
        .expect("create_channel()");
    alert(&mut client, "hook");
    for round in 0..rounds {
        let mut client = cluster.connect("audited");
        client
            .batch_execute(&format!(
                "INSERT INTO auditlog.events (event_type) SELECT 'x' FROM generate_series(1, {events})"
            ))
            .expect("events");
        std::thread::sleep(Duration::from_millis(100 + 37 * (round % 20)));
        cluster.kill9(if round % 2 == 0 {
            Victim::Postmaster
        } else {
            Victim::Everybody
        });
        cluster.go();
    }
    let mut client = cluster.connect("audited");
    settle(&mut client);
    let wanted = i64::from(events) * rounds as i64;
    assert_eq!(
        scalar(&mut client, "SELECT count(*) FROM auditlog.alert_firings"),
        wanted
    );
    let patience = LONG * if soak { 10 } else { 1 };
    wait_until("all have arrived", patience, || {
        delivered(&mut client, "hook") == wanted
    });
    let mut arrived: HashMap<String, usize> = HashMap::new();
    for request in receiver.requests() {
        *arrived.entry(request.header("webhook-id").expect("a key")).or_default() += 1;
    }
    assert_eq!(arrived.len() as i64, wanted);
    let twice = arrived.values().filter(|times| **times > 1).count();
    println!(
        "{wanted} firings over {rounds} kills: {} arrived, {twice} of them more than once",
        arrived.len()
    );
}
