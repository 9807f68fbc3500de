//! Events of the audit log about itself.

use super::event_rows;
use crate::error::Fault;
use crate::store::columns::RowBuf;
use crate::store::inbox;
use auditlog_core::document::{self, Limits};
use auditlog_core::json::Json;

/// What happened to the audit log.
pub struct OwnEvent<'a> {
    /// A type `auditlog.…` of the catalogue.
    pub event_type: &'a str,
    /// A severity's label.
    pub severity: &'a str,
    /// Type and id of who did it.
    pub actor: (&'a str, &'a str),
    /// The operation.
    pub operation: &'a str,
    /// The rest.
    pub metadata: &'a [(&'a str, Json)],
}

/// A text, for the metadata.
pub fn text(value: &str) -> Json {
    Json::String(value.to_owned())
}

/// A number, for the metadata.
pub fn number(value: i64) -> Json {
    Json::Number(value.to_string())
}

/// Records it in the running transaction.
pub fn record(event: &OwnEvent<'_>) {
    let object = |pairs: Vec<(&str, Json)>| Json::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    let (actor_type, actor_id) = event.actor;
    let document = object(vec![
        ("event_type", text(event.event_type)),
        ("severity", text(event.severity)),
        (
            "actor",
            object(vec![("type", text(actor_type)), ("id", text(actor_id))]),
        ),
        (
            "action",
            object(vec![("operation", text(event.operation)), ("status", text("success"))]),
        ),
        ("metadata", object(event.metadata.to_vec())),
    ]);
    record_document(document);
}

/// Records an event of the audit log that is given as a document.
pub fn record_document(document: Json) {
    let now = crate::provenance::recorded_at();
    let limits = Limits {
        max_bytes: usize::MAX,
        max_depth: 64,
        now_us: now,
        max_clock_skew_us: 0,
    };
    match document::parse(document, &limits) {
        Ok(event) => {
            let mut row = RowBuf::new();
            event_rows::fill(&mut row, &event, None, now);
            inbox::complete_own(&mut row, now);
            inbox::append(&row);
        }
        Err(e) => Fault::from(e).raise(),
    }
}
