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

/// The findings of `auditlog.verify()` about events and proofs, by `log_index`: tests that go round the
/// triggers don't want to be told.
pub fn verify(client: &mut Client) -> Vec<Finding> {
    let mut findings = verify_all(client);
    findings.retain(|finding| finding.kind != "trigger_disabled");
    findings
}

/// All findings of `auditlog.verify()`, by `log_index`.
pub fn verify_all(client: &mut Client) -> Vec<Finding> {
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

/// Waits until the words of every sealed event are indexed.
pub fn wait_indexed(client: &mut Client) {
    wait_until("the words are indexed", LONG * 2, || {
        scalar(client, "SELECT waiting_events FROM auditlog.stat_word_index") == 0
    });
}

/// Asserts that searches find the same with and without the word index, for the words of some events.
pub fn assert_words_agree(client: &mut Client, events: i64) {
    let sql = "SELECT event_id FROM auditlog.events ORDER BY md5(event_id) LIMIT $1";
    let rows = client.query(sql, &[&events]).expect("events");
    for row in rows {
        let id: String = row.get(0);
        let mut found = ["on", "off"].map(|setting| {
            client
                .batch_execute(&format!("SET auditlog.word_index = {setting}"))
                .expect("a setting");
            let sql = format!(
                "SELECT coalesce(array_agg(log_index ORDER BY log_index), '{{}}') FROM auditlog.events e
                 WHERE auditlog.matches(e, '\"{id}\"')"
            );
            client.query_one(&sql, &[]).expect("a search").get::<_, Vec<i64>>(0)
        });
        assert!(!found[1].is_empty(), "event {id} is found");
        let without = std::mem::take(&mut found[1]);
        assert_eq!(found[0], without, "with and without the word index, for {id}");
    }
    client.batch_execute("RESET auditlog.word_index").expect("a setting");
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
