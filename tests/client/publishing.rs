//! Checkpoints leave the database: in order, until they have arrived; and what is outside shows a log that
//! was rolled back or forked.

mod receivers;
mod restores;
mod signer;
pub mod witness;

use crate::proof::{checked, public_key, record};
use auditlog_testkit::http::Server;
use auditlog_testkit::log::{scalar, text, verify};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, Database, LONG, Options, wait_until};
use auditlog_tlog::Checkpoint;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn cluster() -> Cluster {
    Cluster::start(
        &Options::default()
            .set("auditlog.checkpoint_interval", "1")
            .set("max_wal_senders", "4"),
    )
}

fn state(client: &mut Client, name: &str) -> String {
    text(
        client,
        &format!(
            "SELECT concat_ws(' ', state, delivered_size, last_error) FROM auditlog.checkpoint_sinks WHERE name = '{name}'"
        ),
    )
}

fn status(client: &mut Client, subject: &str) -> String {
    text(
        client,
        &format!("SELECT statement FROM auditlog.status() WHERE subject = '{subject}'"),
    )
}

/// The checkpoints in a file, checked with the key that each origin has.
fn in_file(file: &Path) -> Vec<Checkpoint> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.split("\n\n\u{2014} ")
        .map(|part| part.rsplit("\n\n").next().unwrap_or(part))
        .filter_map(|part| Checkpoint::parse(&format!("{}\n", part.trim_start_matches(|c| c != 'p').trim_end())).ok())
        .collect()
}

#[test]
fn a_file_gets_every_checkpoint_in_order() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let file = cluster.dir().join("checkpoints.txt");
    record(&mut client, 5);
    let key = public_key(&mut client);
    assert_eq!(status(&mut client, "sinks"), "sinks for checkpoints: 0");
    client
        .execute(
            "SELECT auditlog.add_checkpoint_sink('file', 'file', $1)",
            &[&file.display().to_string()],
        )
        .expect("add_checkpoint_sink()");
    let mut sizes = Vec::new();
    for _ in 0..5 {
        record(&mut client, 3);
        sizes.push(checked(&text(&mut client, "SELECT auditlog.checkpoint()"), &key).size);
    }
    let last = *sizes.last().expect("some");
    wait_until("all have arrived", LONG, || {
        state(&mut client, "file") == format!("ok {last}")
    });
    let found: Vec<u64> = in_file(&file).iter().map(|c| c.size).collect();
    assert!(
        found.is_sorted() && sizes.iter().all(|size| found.contains(size)),
        "{found:?} {sizes:?}"
    );
    // after a restart nothing is written twice
    cluster.restart();
    let mut client = cluster.connect("audited");
    record(&mut client, 1);
    let next = checked(&text(&mut client, "SELECT auditlog.checkpoint()"), &key).size;
    wait_until("it goes on", LONG, || {
        state(&mut client, "file") == format!("ok {next}")
    });
    let again: Vec<u64> = in_file(&file).iter().map(|c| c.size).collect();
    assert_eq!(again, [found, vec![next]].concat());
    assert_eq!(verify(&mut client), []);
}

#[test]
fn a_receiver_that_is_down_misses_nothing() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 5);
    let key = public_key(&mut client);
    let down = Arc::new(AtomicUsize::new(3));
    let left = down.clone();
    let server = Server::start(move |_| {
        let refuse = left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_sub(1))
            .is_ok();
        if refuse {
            (503, "text/plain", b"come back later".to_vec())
        } else {
            (204, "text/plain", Vec::new())
        }
    });
    client
        .execute(
            "SELECT auditlog.add_checkpoint_sink('web', 'http', $1)",
            &[&format!("{}/in", server.url())],
        )
        .expect("add_checkpoint_sink()");
    // another one that is never there must not hold this one up
    client
        .batch_execute("SELECT auditlog.add_checkpoint_sink('gone', 'http', 'http://127.0.0.1:9/')")
        .expect("add_checkpoint_sink()");
    let mut sizes = Vec::new();
    for _ in 0..4 {
        record(&mut client, 2);
        sizes.push(checked(&text(&mut client, "SELECT auditlog.checkpoint()"), &key).size);
    }
    let last = *sizes.last().expect("some");
    wait_until("all have arrived", LONG, || {
        state(&mut client, "web") == format!("ok {last}")
    });
    let requests = server.requests();
    let arrived: Vec<u64> = requests[3..]
        .iter()
        .map(|request| checked(std::str::from_utf8(&request.body).expect("text"), &key).size)
        .collect();
    assert!(
        arrived.is_sorted() && sizes.iter().all(|size| arrived.contains(size)),
        "{arrived:?} {sizes:?}"
    );
    assert!(
        requests
            .iter()
            .all(|request| request.method == "POST" && request.path == "/in")
    );
    assert!(state(&mut client, "gone").starts_with("retrying 0 could not connect"));
    assert!(status(&mut client, "sinks").starts_with("failing: gone: "));
    client
        .batch_execute("SELECT auditlog.drop_checkpoint_sink('gone')")
        .expect("drop");
    assert_eq!(status(&mut client, "sinks"), "sinks for checkpoints: 1");
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.sink_change'"
        ),
        3
    );
    let sides =
        "SELECT operation || ' ' || (before->>'kind') || ' ' || coalesce(after->>'kind', '-') FROM auditlog.events
        WHERE event_type = 'auditlog.sink_change' AND resource_id = 'gone' AND before IS NOT NULL";
    assert_eq!(text(&mut client, sides), "drop_checkpoint_sink http -");
    let added = "SELECT after->>'address' FROM auditlog.events
        WHERE event_type = 'auditlog.sink_change' AND resource_id = 'gone' AND operation = 'add_checkpoint_sink'";
    assert!(text(&mut client, added).starts_with("http://127.0.0.1:"));
}

#[test]
fn sinks_are_checked_when_they_are_added() {
    let db = Database::new();
    let mut client = db.superuser();
    for (arguments, code) in [
        ("NULL, 'file', '/x'", "22004"),
        ("'a', 'nonsense', '/x'", "22023"),
        ("'a', 'file', 'relative/path'", "22023"),
        ("'a b', 'file', '/x'", "22023"),
        ("'', 'file', '/x'", "22023"),
        ("'a', 'http', 'ftp://x/'", "22023"),
        ("'a', 'file', '/x', '{\"unknown\": 1}'", "22023"),
        ("'a', 'file', '/x', '[]'", "22023"),
        ("'a', 'file', '/x', '{\"key\": \"x\"}'", "22023"),
        ("'a', 'witness', 'http://127.0.0.1:9/'", "22023"),
        (
            "'a', 'witness', 'http://127.0.0.1:9/', '{\"key\": \"no key\"}'",
            "22023",
        ),
        ("'a', 's3', 's3://bucket/x', '{\"secret_key\": \"x\"}'", "22023"),
    ] {
        let error = refused_with(
            &mut client,
            code,
            &format!("SELECT auditlog.add_checkpoint_sink({arguments})"),
        );
        assert!(
            error.hint().is_some() && error.detail().is_some(),
            "{arguments}: {error:?}"
        );
    }
    client
        .batch_execute("SELECT auditlog.add_checkpoint_sink('a', 'file', '/nowhere/x')")
        .expect("add_checkpoint_sink()");
    refused_with(
        &mut client,
        "42710",
        "SELECT auditlog.add_checkpoint_sink('a', 'file', '/x')",
    );
    refused_with(&mut client, "42704", "SELECT auditlog.drop_checkpoint_sink('b')");
    refused_with(&mut client, "42704", "SELECT auditlog.drop_checkpoint_sink(NULL)");
    refused_with(
        &mut client,
        "22023",
        "SELECT auditlog.set_witness_policy('witness broken')",
    );
    for group in ["auditlog_analyst", "auditlog_compliance", "auditlog_writer"] {
        let mut other = db.connect_as(&db.login(&[group]));
        for sql in [
            "SELECT auditlog.add_checkpoint_sink('b', 'file', '/x')",
            "SELECT auditlog.drop_checkpoint_sink('a')",
            "SELECT auditlog.set_witness_policy(NULL)",
        ] {
            refused_with(&mut other, "42501", sql);
        }
    }
    auditlog_testkit::log::wait_sealed(&mut client);
    for sql in [
        "UPDATE auditlog_data.checkpoint_sink SET address = '/x'",
        "INSERT INTO auditlog_data.cosignature VALUES ('a', 1, 'b', 'c', now())",
    ] {
        refused_with(&mut client, "42501", sql);
    }
}

/// What 409 means is different from a witness's.
#[test]
fn a_receiver_that_refuses_does_not_stop_the_log() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 5);
    let key = public_key(&mut client);
    let server = Server::start(|_| (409, "text/plain", b"seen before".to_vec()));
    client
        .execute(
            "SELECT auditlog.add_checkpoint_sink('web', 'http', $1)",
            &[&server.url()],
        )
        .expect("add_checkpoint_sink()");
    // two logs in one file
    let file = cluster.dir().join("shared.txt");
    client
        .execute(
            "SELECT auditlog.add_checkpoint_sink('file', 'file', $1)",
            &[&file.display().to_string()],
        )
        .expect("add_checkpoint_sink()");
    text(&mut client, "SELECT auditlog.checkpoint()");
    wait_until("the file has it", LONG, || {
        state(&mut client, "file").starts_with("ok 7")
    });
    let foreign = std::fs::read_to_string(&file)
        .expect("the file")
        .replace("pg_auditlog/", "somebody/else/");
    std::fs::write(&file, foreign).expect("write");
    record(&mut client, 1);
    text(&mut client, "SELECT auditlog.checkpoint()");
    wait_until("both are refused", LONG, || {
        state(&mut client, "web").starts_with("retrying") && state(&mut client, "file").starts_with("retrying")
    });
    assert!(
        state(&mut client, "file").contains("a file of its own"),
        "{}",
        state(&mut client, "file")
    );
    assert_eq!(status(&mut client, "publishing"), "going on");
    record(&mut client, 1);
    checked(&text(&mut client, "SELECT auditlog.checkpoint()"), &key);
    // removed
    std::fs::remove_file(&file).expect("remove");
    client
        .batch_execute("SELECT auditlog.drop_checkpoint_sink('file')")
        .expect("drop");
    // somebody who may not use the server's files by SQL
    cluster.create_login("boss", &["auditlog_administrator"]);
    let mut boss = cluster.connect_as("boss", "audited");
    for sql in [
        "SELECT auditlog.add_checkpoint_sink('a', 'file', '/tmp/x')",
        "SELECT auditlog.add_checkpoint_sink('a', 'http', 'http://127.0.0.1:9/', '{\"token_file\": \"/etc/passwd\"}')",
    ] {
        refused_with(&mut boss, "42501", sql);
    }
    client
        .batch_execute("GRANT pg_write_server_files TO boss")
        .expect("GRANT");
    boss.execute(
        "SELECT auditlog.add_checkpoint_sink('a', 'file', $1)",
        &[&file.display().to_string()],
    )
    .expect("add_checkpoint_sink()");
}
