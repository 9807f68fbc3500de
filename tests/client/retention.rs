//! Retention: events move between tiers and go when their time is up, certified, held by legal holds, and proven to be allowed to.

mod archive;
mod compressed;
mod policy;
mod tamper;
mod time_travel;

use auditlog_testkit::log::{scalar, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{LONG, wait_until};

/// The policies of the product's description, as they stand there.
pub const SEED: &str = "retention_policies:
  - event_types: [authentication.*]
    hot_days: 90
    warm_days: 365
    cold_years: 7

  - event_types: [resource.delete, policy.modify]
    hot_days: 180
    warm_days: 730
    cold_years: 10

  - event_types: [resource.view]
    hot_days: 30
    warm_days: 90
    cold_years: 0
";

pub fn set(client: &mut Client, definition: &str) -> Vec<String> {
    let sql = "SELECT concat_ws(': ', kind, retention_class, message) FROM auditlog.set_retention($1)";
    let rows = client.query(sql, &[&definition]).expect("set_retention()");
    rows.iter().map(|row| row.get(0)).collect()
}

/// Runs retention as of a time and waits until it is over; panics with what it says when it failed.
pub fn run(client: &mut Client, at: &str) -> i64 {
    let sql = format!("SELECT auditlog.run_retention('{at}')");
    let id = scalar(client, &sql);
    let state = format!("SELECT count(*) FROM auditlog.retention_runs WHERE id = {id} AND ended_at IS NOT NULL");
    wait_until("the round of retention is over", LONG, || scalar(client, &state) == 1);
    let row = client
        .query_one("SELECT moves, error FROM auditlog.retention_runs WHERE id = $1", &[&id])
        .expect("the round");
    assert_eq!(row.get::<_, Option<String>>(1), None, "the round as of {at}");
    row.get(0)
}

/// Events of four types, one a day for each, numbered from 0 in `extra.n`, from the first of January 2021 on.
pub fn record_days(client: &mut Client, days: i32) {
    client
        .batch_execute(&format!(
            "SET auditlog.validation = off;
             INSERT INTO auditlog.events (event_type, \"timestamp\", actor_id, actor_email, resource_type, resource_id, extra)
             SELECT (ARRAY['authentication.login', 'resource.delete', 'resource.view', 'resource.modify'])[1 + n % 4],
                 timestamptz '2021-01-01 00:00:01+00' + (n / 4) * interval '1 day', 'u' || n % 10, 'u' || n % 10 || '@example.org',
                 'vm', 'r' || n % 7, jsonb_build_object('n', n) FROM generate_series(0, {days} * 4 - 1) AS n;
             RESET auditlog.validation"
        ))
        .expect("INSERT");
    wait_sealed(client);
}
