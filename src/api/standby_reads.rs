//! `auditlog.record_standby_reads`: on the primary, records what somebody has read on a standby. Called by the
//! standby's worker (`src/worker/forwarder.rs`), which sends an entry again when it has not heard what became of it.

use super::own_event;
use crate::error::Fault;
use crate::fmgr::Call;
use crate::queue::Entry;
use crate::store::bulk::Bulk;
use crate::store::columns::{RowBuf, jsonb_from_text, text_list, write_json};
use crate::store::idempotency::{self, Claim};
use crate::store::row_memory::RowMemory;
use crate::store::{jsonb, row};
use auditlog_core::json::Json;
use auditlog_queue::WIRE_FORMAT;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use sha2::{Digest, Sha256};

crate::sql_function!(
    auditlog_record_standby_reads,
    pg_finfo_auditlog_record_standby_reads,
    record
);

/// What the access journal tells of; nothing else may come from a standby.
const TYPES: [&str; 6] = [
    "auditlog.view",
    "auditlog.search",
    "auditlog.export",
    "auditlog.verify_ok",
    "auditlog.verify_failed",
    "auditlog.access_denied",
];

/// `record_standby_reads(format, entries)`: for each entry why it is no event, or an empty text when it is recorded.
fn record(call: &Call) -> Datum {
    super::record::require_writable();
    let (Some(format), Some(Some(entries))) = (call.text(0), call.byteas(1)) else {
        Fault::new(
            Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "format and entries must not be null",
        )
        .detail("A standby sends them.")
        .hint("This function is for standbys; record events with auditlog.record().")
        .raise()
    };
    if format != WIRE_FORMAT {
        Fault::new(
            Code::ERRCODE_FEATURE_NOT_SUPPORTED,
            "the standby has another version of pg_auditlog",
        )
        .detail(format!(
            "It sends entries of format «{format}»; this server reads «{WIRE_FORMAT}»."
        ))
        .hint("Install the same version of the library on both servers; what waits on the standby is kept.")
        .raise();
    }
    let by = crate::provenance::session_user();
    // SAFETY: the statement's memory.
    let mut bulk = unsafe { Bulk::begin(pg_sys::CurrentMemoryContext) };
    let memory = RowMemory::new();
    let mut reasons: Vec<Option<String>> = Vec::with_capacity(entries.len());
    for bytes in entries {
        memory.clear();
        reasons.push(match given(bytes, &by) {
            Err(why) => Some(why.to_owned()),
            Ok((entry, event_id)) => {
                let mut row = RowBuf::new();
                match own_event::row_for(&entry, &mut row) {
                    Err(fault) => Some(fault.to_string()),
                    Ok(()) => {
                        // Sent again after an answer that was lost.
                        let key = format!("standby:{event_id}");
                        if let Claim::New = idempotency::claim("", &key, &event_id, &Sha256::digest(bytes)) {
                            bulk.push(&row);
                        }
                        None
                    }
                }
            }
        });
    }
    drop(memory);
    bulk.end();
    text_list(reasons.iter().map(|reason| reason.as_deref().unwrap_or_default()))
}

/// The entry, which says who brought it, and its event's id.
fn given(bytes: &[u8], by: &str) -> Result<(Entry, String), &'static str> {
    let mut entry = Entry::decode(bytes).ok_or("it cannot be decoded")?;
    let value: serde_json::Value = serde_json::from_str(&entry.document).map_err(|_| "it has no JSON document")?;
    let member = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
    let event_type = member("event_type").ok_or("it has no type")?;
    if !TYPES.contains(&event_type) {
        return Err("it does not tell of a read");
    }
    let event_id = member("event_id").ok_or("it has no event_id")?.to_owned();
    // SAFETY: a jsonb datum that was just made.
    let data: &[u8] = unsafe { row::bytes(jsonb_from_text(entry.document.clone())) };
    let mut document = jsonb::tree(data).map_err(|_| "its document cannot be read")?;
    if let Json::Object(members) = &mut document
        && let Some((_, Json::Object(metadata))) = members.iter_mut().find(|(key, _)| key == "metadata")
    {
        metadata.retain(|(key, _)| key != "forwarded_by");
        metadata.push(("forwarded_by".to_owned(), Json::String(by.to_owned())));
    } else {
        return Err("it has no metadata");
    }
    entry.document.clear();
    write_json(&document, &mut entry.document);
    Ok((entry, event_id))
}
