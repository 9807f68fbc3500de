//! `auditlog.to_json`: an event as the document that it came as.

use super::event_rows;
use crate::fmgr::Call;
use crate::store::columns::jsonb;
use crate::store::view;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_to_json, pg_finfo_auditlog_to_json, to_json);

fn to_json(call: &Call) -> Datum {
    let Some(datum) = call.arg(0) else { return call.null() };
    // SAFETY: declared as auditlog.events.
    let row = unsafe { view::read(datum) };
    match event_rows::read(&row) {
        Ok(event) => jsonb(&auditlog_core::document::to_document(&event)),
        Err(fault) => fault.raise(),
    }
}
