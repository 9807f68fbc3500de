//! `auditlog.capture`: what the database records by itself. One test for each item of DISA's STIG for PostgreSQL that
//! an audit log can answer (the table is in docs/capture.md), success and failure.

mod ddl;
mod import;
mod logins;
mod people;
mod permissions;
mod roles;
mod settings;

use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Cluster, Database, LONG, Options, wait_until};
use serde_json::Value;
use std::sync::OnceLock;

/// A cluster that captures everything.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = Cluster::start(
            &Options::default()
                .set("auditlog.capture", "login, ddl, role, config, permission")
                .set("auditlog.capture_database", "fallback"),
        );
        cluster.create_database_with_extension("fallback");
        // Passwords for some, no way in for others, trust for the rest.
        let path = cluster.data().join("pg_hba.conf");
        let rules = "local all with_password scram-sha-256\nlocal all unwanted reject\n";
        let old = std::fs::read_to_string(&path).expect("pg_hba.conf");
        std::fs::write(&path, format!("{rules}{old}")).expect("pg_hba.conf");
        cluster.restart();
        cluster
    })
}

fn database() -> Database {
    Database::new_in(cluster())
}

/// The documents of the events that fulfil a condition, in order, at once.
fn events_now(client: &mut Client, condition: &str) -> Vec<Value> {
    let sql = format!("SELECT auditlog.to_json(e)::text FROM auditlog.events e WHERE {condition} ORDER BY recorded_at");
    let rows = client.query(&sql, &[]).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    rows.iter()
        .map(|row| serde_json::from_str(&row.get::<_, String>(0)).expect("JSON"))
        .collect()
}

/// The same once there are as many as this.
fn events(client: &mut Client, count: usize, condition: &str) -> Vec<Value> {
    let mut found = Vec::new();
    wait_until(&format!("{count} events with {condition}"), LONG, || {
        found = events_now(client, condition);
        found.len() >= count
    });
    assert_eq!(found.len(), count, "{condition}: {found:#?}");
    found
}

/// The one event that fulfils a condition.
fn event(client: &mut Client, condition: &str) -> Value {
    events(client, 1, condition).remove(0)
}

/// A value within a document, by dots.
fn at<'a>(event: &'a Value, path: &str) -> &'a Value {
    event
        .pointer(&format!("/{}", path.replace('.', "/")))
        .unwrap_or(&Value::Null)
}

/// Asserts values at paths; null stands for nothing.
fn assert_at(event: &Value, expected: &[(&str, Value)]) {
    for (path, value) in expected {
        assert_eq!(at(event, path), value, "{path} of {event:#}");
    }
}

fn run(client: &mut Client, sql: &str) {
    client.batch_execute(sql).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
}
