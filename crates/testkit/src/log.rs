//! Questions about the audit log that many tests ask.

use crate::wait::{LONG, wait_until};
use postgres::Client;
use std::time::Duration;

/// One row of `auditlog.verify()`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Finding {
    pub log_index: Option<i64>,
    pub kind: String,
    pub event_id: Option<String>,
    pub detail: String,
}

/// All findings of `auditlog.verify()`, by `log_index`.
pub fn verify(client: &mut Client) -> Vec<Finding> {
    let rows = client
        .query(
            "SELECT log_index, kind, event_id, detail FROM auditlog.verify() ORDER BY 1, 2, 3",
            &[],
        )
        .expect("verify() runs");
    rows.iter()
        .map(|row| Finding {
            log_index: row.get(0),
            kind: row.get(1),
            event_id: row.get(2),
            detail: row.get::<_, Option<String>>(3).unwrap_or_default(),
        })
        .collect()
}

/// Number of events that this connection sees.
pub fn count_events(client: &mut Client) -> i64 {
    scalar(client, "SELECT count(*) FROM auditlog.events")
}

/// The one number that `sql` selects.
pub fn scalar(client: &mut Client, sql: &str) -> i64 {
    client
        .query_one(sql, &[])
        .unwrap_or_else(|e| panic!("{sql}: {e:?}"))
        .get(0)
}

/// The one text that `sql` selects.
pub fn text(client: &mut Client, sql: &str) -> String {
    client
        .query_one(sql, &[])
        .unwrap_or_else(|e| panic!("{sql}: {e:?}"))
        .get(0)
}

/// Waits until the sealer has moved every committed event into the log.
pub fn wait_sealed(client: &mut Client) {
    wait_sealed_for(client, LONG);
}

/// [`wait_sealed`] for logs that take longer.
pub fn wait_sealed_for(client: &mut Client, timeout: Duration) {
    wait_until("every event is sealed", timeout, || {
        scalar(client, "SELECT count(*) FROM auditlog.events WHERE log_index IS NULL") == 0
    });
}

/// [`assert_whole`], and each event has an id of its own.
pub fn assert_intact(client: &mut Client, events: i64) {
    assert_whole(client, events);
    assert_eq!(
        scalar(client, "SELECT count(DISTINCT event_id) FROM auditlog.events"),
        events,
        "different event_id"
    );
}

/// Waits for the sealer and asserts that the log is whole: `events` rows, indexes 0, 1, 2 … without
/// a gap, `verify()` without a finding.
pub fn assert_whole(client: &mut Client, events: i64) {
    wait_sealed(client);
    let row = client
        .query_one(
            "SELECT count(*), count(DISTINCT log_index), coalesce(min(log_index), 0), coalesce(max(log_index) + 1, 0)
             FROM auditlog.events",
            &[],
        )
        .expect("events can be read");
    let found: [i64; 4] = std::array::from_fn(|i| row.get(i));
    assert_eq!(
        found,
        [events, events, 0, events],
        "events, different log_index, first log_index, last log_index + 1"
    );
    assert_eq!(verify(client), [], "findings of verify()");
}
