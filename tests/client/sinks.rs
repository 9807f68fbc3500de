//! Sinks: events are streamed in order, at least once, and to the ones who are to get them.

mod configuration;
mod crashes;
mod kinds;
mod trouble;

use auditlog_testkit::http::{Request, Server};
use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Cluster, LONG, Options, wait_until};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Receivers of tests are on this machine, which must be allowed.
fn cluster() -> Cluster {
    Cluster::start(
        &Options::default()
            .set("auditlog.allowed_hosts", "127.0.0.1, localhost")
            .set("auditlog.sink_batch_interval", "50ms"),
    )
}

fn create(client: &mut Client, name: &str, kind: &str, config: &Value, query: &str) {
    client
        .execute(
            "SELECT auditlog.create_sink($1, $2, $3::text::jsonb, $4)",
            &[&name, &kind, &config.to_string(), &query],
        )
        .unwrap_or_else(|e| panic!("create_sink({config}): {e:?}"));
}

fn record(client: &mut Client, event_type: &str, times: i64) {
    client
        .execute(
            "SELECT count(auditlog.record($1, metadata => jsonb_build_object('n', n))) FROM generate_series(1, $2::bigint) AS n",
            &[&event_type, &times],
        )
        .expect("record()");
}

/// Events that the sink has not passed yet.
fn lag(client: &mut Client, name: &str) -> i64 {
    wait_sealed(client);
    scalar(
        client,
        &format!("SELECT lag_events FROM auditlog.sinks WHERE name = '{name}'"),
    )
}

fn wait_passed(client: &mut Client, name: &str) {
    wait_until("the sink has passed everything", LONG, || lag(client, name) == 0);
}

fn state(client: &mut Client, name: &str) -> String {
    text(
        client,
        &format!("SELECT state FROM auditlog.sinks WHERE name = '{name}'"),
    )
}

/// Ids of the log's events that match, in its order.
fn expected(client: &mut Client, condition: &str) -> Vec<String> {
    let sql =
        format!("SELECT event_id FROM auditlog.events WHERE log_index IS NOT NULL AND {condition} ORDER BY log_index");
    let rows = client.query(&sql, &[]).expect("events");
    rows.iter().map(|row| row.get(0)).collect()
}

/// The documents in a body of lines.
fn lines(body: &[u8]) -> Vec<Value> {
    body.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("a line of JSON"))
        .collect()
}

fn id(event: &Value) -> String {
    event["event_id"].as_str().expect("an id").to_owned()
}

/// A receiver that keeps what it has accepted.
struct Receiver {
    server: Server,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    /// `answer` gives a status; what comes with 2xx is kept, and with 0, where the answer gets lost.
    fn start(answer: impl Fn(&Request) -> u16 + Send + Sync + 'static) -> Receiver {
        let events = Arc::new(Mutex::new(Vec::new()));
        let kept = events.clone();
        let server = Server::start(move |request| {
            let status = answer(request);
            if status == 0 || (200..300).contains(&status) {
                kept.lock().expect("no panic").extend(lines(&request.body));
            }
            (status, "text/plain", Vec::new())
        });
        Receiver { server, events }
    }

    fn config(&self) -> Value {
        serde_json::json!({"url": self.server.url()})
    }

    fn ids(&self) -> Vec<String> {
        self.events.lock().expect("no panic").iter().map(id).collect()
    }
}

/// A file in the secrets' directory; returns how a config names it.
fn secret(cluster: &Cluster, name: &str, value: &str) -> String {
    use auditlog_testkit::command::{as_server, run};
    let directory = cluster.data().join("auditlog_secrets");
    let write = format!(
        "umask 077; mkdir -p {0}; printf '%s' '{value}' > {0}/{name}",
        directory.display()
    );
    run(as_server("sh").args(["-c", &write]));
    format!("secret:{name}")
}

/// A directory that the server may write to.
fn directory(cluster: &Cluster, name: &str) -> PathBuf {
    use auditlog_testkit::command::{as_server, run};
    let path = cluster.dir().join(name);
    run(as_server("mkdir").args(["-m", "755"]).arg(&path));
    path
}

#[test]
fn a_file_and_a_receiver_get_every_event_from_now_on_in_order() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, "before", 5);
    wait_sealed(&mut client);
    let receiver = Receiver::start(|_| 200);
    let path = directory(&cluster, "streamed").join("events.jsonl");
    create(&mut client, "file", "file", &serde_json::json!({"path": path}), "");
    create(&mut client, "http", "http", &receiver.config(), "event_type:wanted");
    record(&mut client, "wanted", 500);
    record(&mut client, "unwanted", 500);
    record(&mut client, "wanted", 3);
    wait_passed(&mut client, "http");
    wait_passed(&mut client, "file");
    assert_eq!(receiver.ids(), expected(&mut client, "event_type = 'wanted'"));
    let written = std::fs::read(&path).expect("the file");
    let ids: Vec<String> = lines(&written).iter().map(id).collect();
    let all = expected(&mut client, "event_type <> 'before'");
    assert!(
        ids.len() >= 1_003 && all.ends_with(&ids),
        "{} of {}",
        ids.len(),
        all.len()
    );
    let first = &lines(&written)[0]["auditlog"];
    client
        .batch_execute("SELECT auditlog.checkpoint()")
        .expect("checkpoint()");
    assert_eq!(
        first["origin"],
        text(&mut client, "SELECT origin FROM auditlog.incarnations").as_str()
    );
    // From an earlier place, and again.
    client
        .batch_execute(
            "SELECT auditlog.replay_sink('http', 0); SELECT auditlog.alter_sink('http', query => 'event_type:before')",
        )
        .expect("replay_sink()");
    wait_until("what was before arrives", LONG, || {
        receiver
            .ids()
            .ends_with(&expected(&mut client, "event_type = 'before'"))
    });
    let stat = "SELECT delivered || ' ' || dead || ' ' || rejected FROM auditlog.stat_sinks WHERE name = 'http'";
    wait_passed(&mut client, "http");
    assert_eq!(text(&mut client, stat), "508 0 0");
    let told = "SELECT string_agg(operation, ' ' ORDER BY log_index) FROM auditlog.events WHERE event_type = 'auditlog.sink_change'";
    wait_sealed(&mut client);
    assert_eq!(
        text(&mut client, told),
        "create_sink create_sink replay_sink alter_sink"
    );
}
