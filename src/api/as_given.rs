//! Judges an event that came as columns where it lies, and completes it. Taking it apart first would
//! cost more than all the rest of recording it.

use super::event_rows;
use super::row_document::RowDocument;
use crate::error::Fault;
use crate::guc::{self, Validation};
use crate::store::columns::{INBOX, RowBuf, at};
use crate::store::event_types::{self, EventType};
use crate::store::row::{array_items, bytes, str};
use crate::store::{POSTGRES_EPOCH, jsonb};
use auditlog_core::document::{self, Limits, Scalars};

/// Sets what the row lacks and returns true, when it is certain that the event may be recorded as it
/// is; false when the whole event has to be looked at, which also finds the words for what is wrong.
///
/// # Errors
/// What the columns themselves violate.
pub fn complete(row: &mut RowBuf<INBOX>, limits: &Limits, now: i64) -> Result<bool, Fault> {
    // SAFETY: text columns; what they point to outlives the call, and nothing of it is moved.
    let text = |column: usize| (!row.nulls[column]).then(|| unsafe { str(row.values[column]) });
    let Some(Some(event_type)) = text(at!("event_type")) else {
        return Ok(false);
    };
    let mut given = Scalars {
        event_type: Some(event_type),
        ..Scalars::default()
    };
    for (column, field) in [
        (at!("event_id"), &mut given.event_id),
        (at!("actor_id"), &mut given.actor_id),
        (at!("actor_email"), &mut given.actor_email),
        (at!("resource_id"), &mut given.resource_id),
    ] {
        *field = match text(column) {
            Some(None) => return Ok(false),
            other => other.flatten(),
        };
    }
    if !row.nulls[at!("timestamp")] {
        let time = row.values[at!("timestamp")].value() as i64;
        if time == i64::MAX || time == i64::MIN {
            return Ok(false);
        }
        given.timestamp = Some(time + POSTGRES_EPOCH);
    }
    document::check_scalars(&given, limits)?;
    if !json_is_plain(row, limits.max_depth) {
        return Ok(false);
    }
    let known = event_types::get(event_type);
    if !fits_type(row, known.as_deref()) {
        return Ok(false);
    }
    event_rows::fill_defaults(row, event_type, known.as_deref(), now);
    Ok(true)
}

/// Is all JSON flat enough, `tags` a plain list, and does `extra` speak of no column?
fn json_is_plain(row: &RowBuf<INBOX>, max_depth: usize) -> bool {
    // SAFETY: varlena columns.
    let data = |column: usize| (!row.nulls[column]).then(|| unsafe { bytes(row.values[column]) });
    for column in [at!("resource_tags"), at!("before"), at!("after"), at!("extra")] {
        if data(column).is_some_and(|json| jsonb::is_deeper(json, max_depth)) {
            return false;
        }
    }
    if data(at!("tags")).is_some_and(|tags| array_items(tags).is_none()) {
        return false;
    }
    data(at!("extra")).is_none_or(|extra| {
        jsonb::root(extra)
            .ok()
            .and_then(jsonb::Item::pairs)
            .is_some_and(|mut pairs| {
                pairs.all(|pair| {
                    pair.is_ok_and(|(key, value)| {
                        std::str::from_utf8(key).is_ok_and(|key| !document::may_speak_of_a_column(key, value))
                    })
                })
            })
    })
}

/// Does the event surely fit what the catalogue says of its type?
fn fits_type(row: &RowBuf<INBOX>, known: Option<&EventType>) -> bool {
    match (guc::VALIDATION.get(), known) {
        (Validation::Off, _) => true,
        (mode, None) => mode != Validation::Reject,
        (_, Some(known)) => match &known.schema {
            None => true,
            Some(Ok(schema)) => schema.accepts(RowDocument::of(row)),
            Some(Err(_)) => false,
        },
    }
}
