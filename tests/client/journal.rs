//! Every read of the audit log is an event of it, whatever becomes of the reader's transaction.

mod forms;
mod full;
mod many;
mod standby;

use auditlog_testkit::log::scalar;
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Cluster, LONG, Options, wait_until};
use std::sync::OnceLock;

/// A cluster whose sessions keep the journal; the other tests' does not.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(&Options::default().set("auditlog.access_log", "on")))
}

/// One entry: type, operation, status, transaction, rows.
type Told = (String, String, String, String, Option<i64>);

/// Does not keep a journal of its own looks.
fn observer(cluster: &Cluster, database: &str) -> Client {
    let mut client = cluster.connect(database);
    client
        .batch_execute("SET auditlog.access_log = off")
        .expect("a superuser may");
    client
}

/// Waits until nothing is queued any more.
fn settle(client: &mut Client) {
    wait_until("the queue is empty", LONG, || {
        scalar(client, "SELECT queued_bytes FROM auditlog.stat_access") == 0
    });
}

/// The entries whose statement has this mark in its text.
fn told(client: &mut Client, mark: &str) -> Vec<Told> {
    settle(client);
    client
        .query(
            "SELECT event_type, operation, status, extra #>> '{metadata,transaction}', (extra #>> '{metadata,rows}')::bigint
             FROM auditlog.events WHERE event_type LIKE 'auditlog.%' AND extra #>> '{metadata,query,text}' LIKE '%' || $1 || '%'
             ORDER BY \"timestamp\", recorded_at",
            &[&mark],
        )
        .expect("the journal is read")
        .iter()
        .map(|row| {
            (
                row.get(0),
                row.get(1),
                row.get(2),
                row.get::<_, Option<String>>(3).unwrap_or_default(),
                row.get(4),
            )
        })
        .collect()
}

fn entry(event_type: &str, operation: &str, status: &str, transaction: &str, rows: Option<i64>) -> Told {
    (
        format!("auditlog.{event_type}"),
        operation.to_owned(),
        status.to_owned(),
        transaction.to_owned(),
        rows,
    )
}
