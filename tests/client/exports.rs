//! Exports: events as lines of a format, and as files that prove themselves.

mod crashes;
mod files;
mod objects;
mod rows;

use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Cluster, LONG, command, wait_until};
use std::path::PathBuf;

/// Events with what formats have to escape.
pub fn record(client: &mut Client, events: i64) {
    client
        .execute(
            "INSERT INTO auditlog.events (event_type, actor_id, actor_email, actor_user_agent, extra, timestamp)
             SELECT 'export.test', 'u' || i, 'a' || i || '@example.org', E'=cmd|\\' /C calc\\'!A0\\nsecond \"line\" \\\\ | end',
                 jsonb_build_object('n', i, 'text', E'Ünïcode, \"quoted\" \\\\ and ]x=y|z'), now() - i * interval '1 second'
             FROM generate_series(1, $1::bigint) AS i",
            &[&events],
        )
        .expect("INSERT");
    wait_sealed(client);
}

/// A folder that the server may write to.
pub fn folder(cluster: &Cluster, name: &str) -> PathBuf {
    let folder = cluster.data().join(name);
    command::run(command::as_server("mkdir").arg(&folder));
    folder
}

pub fn ask(client: &mut Client, format: &str, query: &str, to: &std::path::Path, options: &str) -> i64 {
    let to = to.display().to_string();
    client
        .query_one(
            "SELECT auditlog.export($1, $2, NULL, NULL, $3, $4::text::jsonb)",
            &[&format, &query, &to, &options],
        )
        .unwrap_or_else(|e| panic!("{to}: {e:?}"))
        .get(0)
}

pub fn state(client: &mut Client, id: i64) -> String {
    text(client, &format!("SELECT state FROM auditlog.exports WHERE id = {id}"))
}

pub fn wait_ended(client: &mut Client, id: i64) -> String {
    wait_until("the export has ended", LONG, || {
        !matches!(state(client, id).as_str(), "waiting" | "running")
    });
    state(client, id)
}

pub fn done(client: &mut Client, id: i64) {
    let state = wait_ended(client, id);
    let error = text(
        client,
        &format!("SELECT coalesce(error, '') FROM auditlog.exports WHERE id = {id}"),
    );
    assert_eq!((state.as_str(), error.as_str()), ("done", ""));
}

pub fn sha256(client: &mut Client, id: i64) -> String {
    text(
        client,
        &format!("SELECT sha256::text FROM auditlog.exports WHERE id = {id}"),
    )
}

pub fn sealed(client: &mut Client) -> i64 {
    scalar(
        client,
        "SELECT count(*) FROM auditlog.events WHERE log_index IS NOT NULL",
    )
}
