//! Row capture: what `auditlog.track` records of a table's rows, for whom, and what ends it.

mod guard;
mod masks;
mod replay;
mod rows;
mod statements;
mod structure;
mod types;

use auditlog_testkit::postgres::Client;
use serde_json::Value;

/// A captured event, the parts that tests look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Captured {
    pub event_type: String,
    pub resource_type: String,
    pub id: Option<String>,
    pub before: Value,
    pub after: Value,
    pub metadata: Value,
}

impl Captured {
    /// Type, id, before and after on one line.
    pub fn line(&self) -> String {
        let id = self.id.as_deref().unwrap_or("-");
        format!("{} {id} {} → {}", self.event_type, self.before, self.after)
    }
}

/// The events of row capture, in the order in which they were recorded.
pub fn captured(client: &mut Client) -> Vec<Captured> {
    let json = |text: Option<String>| text.map_or(Value::Null, |t| serde_json::from_str(&t).expect("JSON"));
    client
        .query(
            "SELECT event_type, coalesce(resource_type, ''), resource_id, before::text, after::text, (extra -> 'metadata')::text
             FROM auditlog.events WHERE operation IN ('insert', 'update', 'delete', 'truncate') ORDER BY recorded_at",
            &[],
        )
        .expect("events")
        .iter()
        .map(|row| Captured {
            event_type: row.get(0),
            resource_type: row.get(1),
            id: row.get(2),
            before: json(row.get(3)),
            after: json(row.get(4)),
            metadata: json(row.get(5)),
        })
        .collect()
}

/// The same as lines.
pub fn lines(client: &mut Client) -> Vec<String> {
    captured(client).iter().map(Captured::line).collect()
}

/// What the log says of the tracking of tables: operation, table, severity, before, after.
pub fn told(client: &mut Client) -> Vec<String> {
    client
        .query(
            "SELECT concat_ws(' ', operation, resource_id, severity, before, '→', after) FROM auditlog.events
             WHERE event_type = 'auditlog.policy_change' AND resource_type = 'table' ORDER BY recorded_at",
            &[],
        )
        .expect("events")
        .iter()
        .map(|row| row.get(0))
        .collect()
}
