//! `auditlog.import_pgaudit`: a line of a server log, written by the extension pgaudit, as an event.

use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::columns::text;
use crate::store::spi::{self, Arg};
use auditlog_core::document;
use auditlog_core::json::Json;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_import_pgaudit, pg_finfo_auditlog_import_pgaudit, import);

fn import(call: &Call) -> Datum {
    super::record::require_writable();
    let Some(line) = call.text(0) else { return call.null() };
    let line = match auditlog_pgaudit::parse(&line) {
        Ok(Some(line)) => line,
        // A log has other lines, too.
        Ok(None) => return call.null(),
        Err(e) => Fault::new(
            Code::ERRCODE_INVALID_TEXT_REPRESENTATION,
            "the line of pgaudit cannot be read",
        )
        .detail(format!("{e}."))
        .hint("Give whole lines; a statement of several lines belongs to one call.")
        .raise(),
    };
    let mut event = line.document();
    if let (Json::Object(pairs), Some(time)) = (&mut event, &line.origin.time) {
        let time = document::format_timestamp(read_time(time));
        pairs.push(("timestamp".to_owned(), Json::String(time)));
    }
    match super::record::record(event.into(), line.key()) {
        Ok(event_id) => text(event_id.as_bytes()),
        Err(fault) => fault.raise(),
    }
}

/// The server's own reading of a time, which knows zones by their short names. Microseconds since the Unix epoch.
fn read_time(time: &str) -> i64 {
    let rows = spi::read("SELECT $1::pg_catalog.timestamptz", &[Arg::text(Some(time))]);
    let us = rows
        .first()
        .and_then(|row| row.first())
        .and_then(spi::Cell::int)
        .unwrap_or_default();
    us + crate::store::POSTGRES_EPOCH
}
