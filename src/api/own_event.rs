//! Events of the audit log about itself.

use super::event_rows;
use crate::capture::person;
use crate::error::Fault;
use crate::store::columns::{self, INBOX, RowBuf};
use crate::store::{event_types, inbox, jsonb, row};
use auditlog_core::document::{self, Limits};
use auditlog_core::json::Json;
use auditlog_queue::Entry;
use pgrx::PgSqlErrorCode as Code;

/// A queued event happened before it is recorded; only a clock that was set back can say otherwise.
const CLOCK_SKEW_US: i64 = 86_400_000_000;

/// What happened to the audit log.
pub struct OwnEvent<'a> {
    /// A type `auditlog.…` of the catalogue.
    pub event_type: &'a str,
    /// A severity's label.
    pub severity: &'a str,
    /// Type and id of who did it; a `database_role` may turn out to be a person.
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
    append(document(event));
}

/// Records a change of the configuration: type and id of what was changed, where it has them, and what was there
/// before and after; `None` is nothing.
pub fn record_change(event: &OwnEvent<'_>, resource: Option<(&str, &str)>, before: Option<Json>, after: Option<Json>) {
    let mut json = document(event);
    if let Json::Object(members) = &mut json {
        if let Some((kind, id)) = resource {
            let resource = [("type", text(kind)), ("id", text(id))].map(|(key, value)| (key.to_owned(), value));
            members.push(("resource".to_owned(), Json::Object(resource.into())));
        }
        let sides = [("before", before), ("after", after)].into_iter();
        let changes = sides.filter_map(|(key, side)| Some((key.to_owned(), side?)));
        members.push(("changes".to_owned(), Json::Object(changes.collect())));
    }
    append(json);
}

/// Records an event of the audit log that is given as a document.
pub fn record_document(document: Json) {
    append(document);
}

fn append(json: Json) {
    let mut row = RowBuf::new();
    fill(json, &mut row);
    inbox::append(&row);
}

/// The row of an event that is not recorded.
pub fn unrecorded(event: &OwnEvent<'_>) -> RowBuf<INBOX> {
    let mut row = RowBuf::new();
    fill(document(event), &mut row);
    row
}

fn fill(json: Json, row: &mut RowBuf<INBOX>) {
    let now = crate::provenance::recorded_at();
    match document::parse(json, &limits(now)) {
        Ok(mut event) => {
            person::replace_role(&mut event);
            event_rows::fill(row, &event, None, now);
            inbox::complete_own(row, now);
        }
        Err(e) => Fault::from(e).raise(),
    }
}

fn limits(now: i64) -> Limits {
    Limits {
        max_bytes: usize::MAX,
        max_depth: 64,
        now_us: now,
        max_clock_skew_us: CLOCK_SKEW_US,
    }
}

/// Completes the row of what a session left in the queue, with that session's provenance.
pub fn row_for(entry: &Entry, row: &mut RowBuf<INBOX>) -> Result<(), Fault> {
    let now = crate::provenance::recorded_at();
    // SAFETY: a jsonb datum that was just made.
    let data: &[u8] = unsafe { row::bytes(columns::jsonb_from_text(entry.document.clone())) };
    let json =
        jsonb::tree(data).map_err(|_| Fault::new(Code::ERRCODE_DATA_CORRUPTED, "the queued event cannot be read"))?;
    let mut event = document::parse(json, &limits(now))?;
    person::complete(&mut event, &String::from_utf8_lossy(&entry.provenance.session_user));
    let known = event.event_type.as_deref().and_then(event_types::get);
    event_rows::fill(row, &event, known.as_deref(), now);
    inbox::complete_for(row, now, &entry.provenance);
    Ok(())
}

fn document(event: &OwnEvent<'_>) -> Json {
    let object = |pairs: Vec<(&str, Json)>| Json::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    let (actor_type, actor_id) = event.actor;
    object(vec![
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
    ])
}
