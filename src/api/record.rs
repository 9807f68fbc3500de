//! `auditlog.record` and its forms: an event comes in as a document, a batch of documents, or columns
//! of `auditlog.events`, and leaves as one row of the inbox in the caller's transaction.

use super::{as_given, event_rows};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::guc::{self, Validation};
use crate::store::bulk::Bulk;
use crate::store::columns::{INBOX, RowBuf, at, text};
use crate::store::idempotency::{self, Claim};
use crate::store::row_memory::RowMemory;
use crate::store::{event_types, inbox, jsonb};
use auditlog_core::document::{self, Limits};
use auditlog_core::encode::{Hiding, canonical_json};
use auditlog_core::event::Event;
use auditlog_core::json::Json;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use sha2::{Digest, Sha256};
use std::rc::Rc;
use std::sync::atomic::Ordering;

crate::sql_function!(
    auditlog_record_document,
    pg_finfo_auditlog_record_document,
    record_document
);
crate::sql_function!(auditlog_record_event, pg_finfo_auditlog_record_event, record_event);
crate::sql_function!(auditlog_record_text, pg_finfo_auditlog_record_text, record_text);
crate::sql_function!(auditlog_record_batch, pg_finfo_auditlog_record_batch, record_batch);
crate::sql_function!(auditlog_record_ndjson, pg_finfo_auditlog_record_ndjson, record_ndjson);

/// Deeper than `auditlog.max_json_depth` can be set.
const UNREASONABLE_DEPTH: usize = 1000;

fn missing(what: &str) -> ! {
    Fault::new(Code::ERRCODE_NULL_VALUE_NOT_ALLOWED, format!("{what} must not be null"))
        .detail("There is nothing to record.")
        .hint("Give events as JSON objects with at least event_type.")
        .raise()
}

/// Refuses to record where nothing can be written, before anything else is looked at.
pub fn require_writable() {
    // SAFETY: raise PostgreSQL's own errors (25006) in a read-only transaction and on a standby.
    unsafe {
        pg_sys::PreventCommandIfReadOnly(c"auditlog.record()".as_ptr());
        pg_sys::PreventCommandIfParallelMode(c"auditlog.record()".as_ptr());
        pg_sys::PreventCommandDuringRecovery(c"auditlog.record()".as_ptr());
    }
}

fn limits(now: i64) -> Limits {
    Limits {
        max_bytes: guc::MAX_EVENT_SIZE.get() as usize * 1024,
        max_depth: guc::MAX_JSON_DEPTH.get() as usize,
        now_us: now,
        max_clock_skew_us: i64::from(guc::MAX_CLOCK_SKEW.get()) * 1_000_000,
    }
}

fn check_size(bytes: usize) -> Result<(), Fault> {
    let limit = guc::MAX_EVENT_SIZE.get() as usize * 1024;
    if bytes <= limit {
        return Ok(());
    }
    Err(Fault::new(Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED, "event is too large")
        .detail(format!(
            "$: The event takes {bytes} bytes; auditlog.max_event_size is {limit}."
        ))
        .hint("Keep large payloads elsewhere and record a reference, or raise auditlog.max_event_size."))
}

fn record_document(call: &Call) -> Datum {
    require_writable();
    let Some(data) = call.jsonb(0) else { missing("event") };
    finish(document_from(data).and_then(|json| record(json, call.text(1))))
}

/// An event as it was sent.
pub struct Document {
    json: Json,
    /// Is it known to be flat enough? Then it need not be walked through once more.
    flat: bool,
}

impl From<Json> for Document {
    fn from(json: Json) -> Document {
        Document { json, flat: false }
    }
}

fn document_from(data: &[u8]) -> Result<Document, Fault> {
    part_from(data, "$")
}

/// A document, or the part of one that lies at the path.
fn part_from(data: &[u8], path: &str) -> Result<Document, Fault> {
    check_size(data.len())?;
    let limit = guc::MAX_JSON_DEPTH.get() as usize;
    let flat = !jsonb::is_deeper(data, limit);
    // What is nested beyond reason is not even taken apart; the document check names the path of the rest.
    if !flat && jsonb::is_deeper(data, UNREASONABLE_DEPTH) {
        return Err(event_rows::too_deep(path, limit));
    }
    match jsonb::tree(data) {
        Ok(json) => Ok(Document { json, flat }),
        Err(_) => Err(unreadable()),
    }
}

fn unreadable() -> Fault {
    Fault::new(Code::ERRCODE_DATA_CORRUPTED, "the event's jsonb cannot be read")
}

/// `record(text, text)`: what PostgreSQL chooses when both arguments are literals without a type. A
/// document with its key, or an event type with its actor.
fn record_text(call: &Call) -> Datum {
    require_writable();
    let Some(first) = call.text(0) else { missing("event") };
    if is_document(&first) {
        return record_json_text(first, call.text(1));
    }
    let mut pairs = vec![("event_type".to_owned(), Json::String(first))];
    if let Some(actor) = call.text(1) {
        // SAFETY: a jsonb datum that was just made.
        let data: &[u8] = unsafe { crate::store::row::bytes(crate::store::columns::jsonb_from_text(actor)) };
        match part_from(data, "$.actor") {
            Ok(actor) => pairs.push(("actor".to_owned(), actor.json)),
            Err(fault) => fault.raise(),
        }
    }
    finish(record(Json::Object(pairs).into(), None))
}

/// No event type begins like a JSON document.
fn is_document(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

fn record_json_text(text: String, key: Option<String>) -> Datum {
    // SAFETY: a jsonb datum that was just made.
    let data: &[u8] = unsafe { crate::store::row::bytes(crate::store::columns::jsonb_from_text(text)) };
    finish(document_from(data).and_then(|json| record(json, key)))
}

fn finish(result: Result<String, Fault>) -> Datum {
    match result {
        Ok(event_id) => text(event_id.as_bytes()),
        Err(fault) => fault.raise(),
    }
}

fn record_event(call: &Call) -> Datum {
    require_writable();
    if let Some(first) = call.text(0)
        && is_document(&first)
        && (1..9).all(|i| call.arg(i).is_none())
    {
        return record_json_text(first, call.text(9));
    }
    let mut pairs = Vec::with_capacity(9);
    match call.text(0) {
        Some(event_type) => pairs.push(("event_type".to_owned(), Json::String(event_type))),
        None => missing("event_type"),
    }
    let mut size = 0;
    for (i, name) in [
        (1, "actor"),
        (2, "resource"),
        (3, "action"),
        (4, "changes"),
        (5, "metadata"),
    ] {
        if let Some(data) = call.jsonb(i) {
            size += data.len();
            match part_from(data, &format!("$.{name}")) {
                Ok(part) => pairs.push((name.to_owned(), part.json)),
                Err(fault) => fault.raise(),
            }
        }
    }
    for (i, name) in [(6, "severity"), (8, "tenant")] {
        if let Some(value) = call.text(i) {
            size += value.len();
            pairs.push((name.to_owned(), Json::String(value)));
        }
    }
    if let Some(time) = call.int(7) {
        pairs.push(("timestamp".to_owned(), Json::String(format_time(time))));
    }
    finish(check_size(size).and_then(|()| record(Json::Object(pairs).into(), call.text(9))))
}

fn format_time(time: i64) -> String {
    if time == i64::MAX || time == i64::MIN {
        Fault::new(Code::ERRCODE_DATETIME_FIELD_OVERFLOW, "timestamp must be finite")
            .detail("$.timestamp is infinity or -infinity.")
            .hint("Give the time at which it happened.")
            .raise();
    }
    document::format_timestamp(time + crate::store::POSTGRES_EPOCH)
}

fn record_batch(call: &Call) -> Datum {
    require_writable();
    let Some(data) = call.jsonb(0) else { missing("events") };
    let Some(items) = jsonb::root(data).ok().and_then(jsonb::Item::items) else {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "events must be a JSON array")
            .detail("$ is no array.")
            .hint("Give an array of events; for a single one call auditlog.record().")
            .raise()
    };
    let mut batch = Batch::begin();
    for (i, item) in items.enumerate() {
        batch.record(&format!("$[{i}]"), || match item {
            Ok(jsonb::Item::Container(data)) => document_from(data),
            other => other
                .and_then(|item| item.tree())
                .map_or_else(|_| Err(unreadable()), |json| Ok(json.into())),
        });
    }
    batch.end()
}

fn record_ndjson(call: &Call) -> Datum {
    require_writable();
    let Some(lines) = call.text(0) else { missing("lines") };
    let mut batch = Batch::begin();
    for (i, line) in lines.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        batch.record(&format!("line {}", i + 1), || {
            check_size(line.len())?;
            // SAFETY: a jsonb datum that was just made.
            document_from(unsafe { crate::store::row::bytes(parse_line(line, i + 1)) })
        });
    }
    batch.end()
}

/// Many events of one call.
struct Batch {
    bulk: Bulk,
    memory: RowMemory,
    recorded: i64,
}

impl Batch {
    fn begin() -> Batch {
        // SAFETY: the call's memory.
        let bulk = unsafe { Bulk::begin(pg_sys::CurrentMemoryContext) };
        Batch {
            bulk,
            memory: RowMemory::new(),
            recorded: 0,
        }
    }

    /// Records one event; `place` says in an error which one it was.
    fn record(&mut self, place: &str, document: impl FnOnce() -> Result<Document, Fault>) {
        self.memory.clear();
        match document().and_then(|document| record_one(document, None, |row| self.bulk.push(row))) {
            Ok(outcome) => self.recorded += i64::from(outcome.new),
            Err(fault) => fault.at(place).raise(),
        }
        pgrx::check_for_interrupts!();
    }

    fn end(self) -> Datum {
        drop(self.memory);
        self.bulk.end();
        self.recorded.into()
    }
}

/// Parses one line; PostgreSQL's own message gets the line's number.
fn parse_line(line: &str, number: usize) -> Datum {
    if let Err(e) = serde_json::from_str::<serde::de::IgnoredAny>(line) {
        Fault::new(Code::ERRCODE_INVALID_TEXT_REPRESENTATION, "a line is no JSON document")
            .detail(format!("Line {number}, column {}: {e}.", e.column()))
            .hint("Give one complete JSON object a line.")
            .raise();
    }
    crate::store::columns::jsonb_from_text(line.to_owned())
}

struct Outcome {
    event_id: String,
    new: bool,
}

/// Records one document and returns its event_id; with a key that was used before, that of the first event.
pub fn record(document: Document, key: Option<String>) -> Result<String, Fault> {
    record_one(document, key, inbox::append).map(|o| o.event_id)
}

/// Records one document; `append` writes the completed row.
fn record_one(document: Document, key: Option<String>, append: impl FnOnce(&RowBuf<INBOX>)) -> Result<Outcome, Fault> {
    let now = crate::provenance::recorded_at();
    let Document { mut json, mut flat } = document;
    // What the caller sent, before the context changes it: tells a retry from a mistake.
    let sent = (key.is_some() || json.get("idempotency_key").is_some()).then(|| digest(&json));
    if let Some(context) = super::context::current() {
        context.merge(&mut json);
        flat = false;
    }
    let known = json.get("event_type").and_then(Json::as_str).and_then(event_types::get);
    validate(&json, known.as_deref())?;
    let limits = limits(now);
    let mut event = if flat {
        document::parse_flat(json, &limits)
    } else {
        document::parse(json, &limits)
    }?;
    if let Some(key) = key {
        event.idempotency_key = Some(key);
    }
    let mut row = RowBuf::new();
    let event_id = event_rows::fill(&mut row, &event, known.as_deref(), now);
    check_size(event_rows::payload_bytes(&row))?;
    if let Some(first) = claim(&event, &event_id, sent)? {
        return Ok(Outcome {
            event_id: first,
            new: false,
        });
    }
    inbox::complete(&mut row, now);
    append(&row);
    Ok(Outcome { event_id, new: true })
}

/// A hash of a document's canonical form.
fn digest(document: &Json) -> [u8; 32] {
    let mut bytes = Vec::new();
    let mut document = document.clone();
    // The key is what is looked up, and an id may be made anew for a retry.
    document.take("idempotency_key");
    document.take("event_id");
    // With nothing hidden, encoding cannot fail.
    let _ = canonical_json(&document, "", &Hiding::default(), &mut bytes);
    Sha256::digest(&bytes).into()
}

/// The first event_id when the event's idempotency key was used before.
fn claim(event: &Event, event_id: &str, sent: Option<[u8; 32]>) -> Result<Option<String>, Fault> {
    let Some(key) = event.idempotency_key.as_deref() else {
        return Ok(None);
    };
    let digest = sent.unwrap_or_default();
    if key.is_empty() || key.len() > 255 {
        return Err(Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            "idempotency key must have 1 to 255 bytes",
        )
        .detail(format!("$.idempotency_key has {} bytes.", key.len()))
        .hint("Use a random key such as a UUID, made once for each event and repeated on retries."));
    }
    // No tenant is not the tenant with the empty name.
    let tenant = event.tenant.as_ref().map_or_else(String::new, |t| format!("={t}"));
    match idempotency::claim(&tenant, key, event_id, &digest) {
        Claim::New => Ok(None),
        Claim::Repeat { event_id, same } => {
            let slot = inbox::shared_slot();
            slot.repeats.fetch_add(1, Ordering::Relaxed);
            if !same {
                slot.differing_repeats.fetch_add(1, Ordering::Relaxed);
                Fault::new(Code::ERRCODE_WARNING, "idempotency key was used for a different event")
                    .detail(format!("Nothing was recorded; the key belongs to event {event_id}."))
                    .hint("Make a new key for each event; repeat it only when the same event is sent again.")
                    .report(pgrx::PgLogLevel::WARNING);
            }
            Ok(Some(event_id))
        }
    }
}

/// Checks the JSON Schema of the event's type, as `auditlog.validation` says.
fn validate(json: &Json, known: Option<&event_types::EventType>) -> Result<(), Fault> {
    let mode = guc::VALIDATION.get();
    if mode == Validation::Off {
        return Ok(());
    }
    let Some(known) = known else {
        let name = json.get("event_type").and_then(Json::as_str);
        return match (mode, name) {
            (Validation::Reject, Some(name)) => Err(Fault::new(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "event type is not in the catalogue",
            )
            .detail(format!(
                "$.event_type is «{name}», which auditlog.event_types does not have."
            ))
            .hint("Add it to auditlog.event_types, or correct the name.")),
            _ => Ok(()),
        };
    };
    let problems = match &known.schema {
        None => return Ok(()),
        Some(Err(why)) => vec![format!("The catalogue's schema is broken: {why}.")],
        Some(Ok(schema)) => schema
            .validate(json)
            .into_iter()
            .map(|p| format!("{}: {}.", p.path, p.message))
            .collect(),
    };
    if problems.is_empty() {
        return Ok(());
    }
    let fault = Fault::new(
        Code::ERRCODE_INVALID_PARAMETER_VALUE,
        "event does not fit the JSON Schema of its type",
    )
    .detail(problems.join(" "))
    .hint("Correct the event or the type's json_schema in auditlog.event_types.");
    if mode == Validation::Reject {
        return Err(fault);
    }
    inbox::shared_slot().schema_warnings.fetch_add(1, Ordering::Relaxed);
    fault.report(pgrx::PgLogLevel::WARNING);
    Ok(())
}

/// Prepares a row whose columns the caller gave (INSERT, COPY): the same checks as for a document.
/// Returns false when its idempotency key was used before, so that nothing is to be inserted.
pub fn prepare_row(row: &mut RowBuf<INBOX>) -> bool {
    require_writable();
    let now = crate::provenance::recorded_at();
    match prepare(row, now) {
        Ok(new) => new,
        Err(fault) => fault.raise(),
    }
}

fn prepare(row: &mut RowBuf<INBOX>, now: i64) -> Result<bool, Fault> {
    let context = super::context::current();
    let limits = limits(now);
    // Without context and key nothing depends on the event as a whole: it is judged as it lies.
    if context.is_none() && row.nulls[at!("idempotency_key")] && as_given::complete(row, &limits, now)? {
        return finish_row(row, now);
    }
    let mut event = event_rows::read(row)?;
    let sent = (!row.nulls[at!("idempotency_key")]).then(|| digest(&document::to_document(&event)));
    if let Some(context) = &context {
        context.merge_event(&mut event);
    }
    document::check_columns(&event, &limits)?;
    let known: Option<Rc<_>> = event.event_type.as_deref().and_then(event_types::get);
    validate(&document::to_document(&event), known.as_deref())?;
    let event_id = event_rows::fill_missing(row, &event, known.as_deref(), now);
    if claim(&event, &event_id, sent)?.is_some() {
        return Ok(false);
    }
    finish_row(row, now)
}

fn finish_row(row: &mut RowBuf<INBOX>, now: i64) -> Result<bool, Fault> {
    check_size(event_rows::payload_bytes(row))?;
    inbox::complete(row, now);
    debug_assert!(!row.nulls[at!("event_id")]);
    Ok(true)
}
