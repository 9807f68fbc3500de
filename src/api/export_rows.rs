//! `auditlog.export_rows`: events as lines of a format. What it is made of in SQL is in `sql/schema/49_exports.sql`: a header,
//! and a line for each event that the caller's own query gives.

use crate::error::Fault;
use crate::fmgr::Call;
use crate::guc;
use crate::hooks::access;
use crate::store::columns::text;
use crate::store::jsonb;
use crate::store::view_record::Recorder;
use crate::store::{POSTGRES_EPOCH, checkpoints};
use auditlog_core::document::format_timestamp;
use auditlog_core::json::Json;
use auditlog_export::{Content, PARQUET};
use auditlog_format::{Format, FormatError, Source, Writer};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::cell::RefCell;

crate::sql_function!(auditlog_export_header, pg_finfo_auditlog_export_header, header);
crate::sql_function!(auditlog_export_line, pg_finfo_auditlog_export_line, line);

/// Arguments of `export_line` before the columns of the log.
const FIRST_COLUMN: usize = 2;
/// Levels that options may have.
const DEPTH: usize = 8;
/// Bytes of a megabyte, as settings have it.
const MEGABYTE: i64 = 1 << 20;

/// What lines are written with, kept from row to row.
#[derive(Default)]
struct State {
    /// For which arguments, as they lie there.
    format: Vec<u8>,
    options: Vec<u8>,
    writer: Option<Writer>,
    recorder: Recorder,
    out: Vec<u8>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State::default());
}

/// `export_header(format, query, since, until, options)`: what comes before the first event, or NULL. Says in the access
/// journal what is exported, once a statement.
fn header(call: &Call) -> Datum {
    let format = call.text(0).unwrap_or_else(|| no_format());
    let mut arguments = vec![("format".to_owned(), Json::String(format.clone()))];
    if let Some(query) = call.text(1) {
        arguments.push(("query".to_owned(), Json::String(query)));
    }
    for (name, i) in [("since", 2), ("until", 3)] {
        if let Some(time) = call.int(i) {
            let shown = format_timestamp(time.saturating_add(POSTGRES_EPOCH));
            arguments.push((name.to_owned(), Json::String(shown)));
        }
    }
    let writer = writer(&format, &options_of(call.jsonb(4)));
    access::note(access::Kind::Export, "export_rows", Json::Object(arguments));
    let mut out = Vec::new();
    writer.header(&mut out);
    if out.is_empty() { call.null() } else { text(&out) }
}

/// `export_line(format, options, columns of the log …)`: one event.
fn line(call: &Call) -> Datum {
    let bytes = |i: usize| {
        let datum = call.arg(i);
        // SAFETY: text and jsonb arguments.
        datum.map_or(&[] as &[u8], |datum| unsafe { crate::store::row::bytes(datum) })
    };
    let (format, options) = (bytes(0), bytes(1));
    STATE.with_borrow_mut(|state| {
        if state.writer.is_none() || state.format != format || state.options != options {
            state.writer = None;
            let name = call.text(0).unwrap_or_else(|| no_format());
            state.writer = Some(writer(&name, &options_of(call.jsonb(1))));
            state.format = format.to_vec();
            state.options = options.to_vec();
        }
        let State {
            writer, recorder, out, ..
        } = state;
        let Some(writer) = writer else { return call.null() };
        out.clear();
        // SAFETY: declared as the log's columns in their order.
        let written = unsafe {
            recorder.with_columns(
                |column| call.arg(FIRST_COLUMN + column),
                |record, values| (record.log_index, writer.event_of(record, values, out)),
            )
        };
        match written {
            Ok(None) => return call.null(),
            Ok(Some((_, Ok(())))) => {}
            Ok(Some((log_index, Err(error)))) => unwritable(log_index, &error),
            Err(error) => broken(&error.to_string(), "Run auditlog.verify()."),
        }
        count(call, out.len() + writer.line_end().len());
        text(out)
    })
}

/// Adds to the size of this statement's export; raises an error beyond the limit.
fn count(call: &Call, bytes: usize) {
    // SAFETY: memory of the expression's own, which lives as long as the statement's execution.
    let total = unsafe {
        let info = (*call.raw()).flinfo;
        if (*info).fn_extra.is_null() {
            (*info).fn_extra = pg_sys::MemoryContextAllocZero((*info).fn_mcxt, size_of::<i64>());
        }
        let total: *mut i64 = (*info).fn_extra.cast();
        *total = (*total).saturating_add(bytes as i64);
        *total
    };
    if total > max_size() {
        too_large().raise();
    }
}

/// The most bytes of an export.
pub fn max_size() -> i64 {
    i64::from(guc::EXPORT_MAX_SIZE.get()) * MEGABYTE
}

/// The error of an export that is larger.
pub fn too_large() -> Fault {
    Fault::new(Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED, "the export is too large")
        .detail(format!(
            "It has more than {} MB (auditlog.export_max_size).",
            guc::EXPORT_MAX_SIZE.get()
        ))
        .hint("Reduce the time range, apply filters, export to another destination with auditlog.export(), or choose another format.")
}

/// The writer for a format and its options; raises an error when there is none.
fn writer(format: &str, options: &serde_json::Value) -> Writer {
    match content(format, options) {
        Content::Lines(writer) => *writer,
        Content::Parquet { .. } => Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "the format parquet has no lines")
            .detail("Its end says where everything is, so it cannot pass row by row.")
            .hint("Write it into a file with auditlog.export('parquet', …).")
            .raise(),
    }
}

/// What is exported in this format; raises an error when there is none.
pub fn content(format: &str, options: &serde_json::Value) -> Content {
    Content::parse(format, options, source()).unwrap_or_else(|error| {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, error.message)
            .hint(error.hint)
            .raise()
    })
}

/// Where the events come from.
pub fn source() -> Source {
    let origin = checkpoints::incarnation().map(|now| now.origin);
    Source {
        origin: origin.unwrap_or_else(|| checkpoints::default_origin(1)),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        hostname: access::host_name(),
        database: crate::provenance::database(),
    }
}

fn options_of(data: Option<&[u8]>) -> serde_json::Value {
    data.map_or(serde_json::Value::Null, |data| {
        serde_json::from_str(&options_text(data)).unwrap_or_default()
    })
}

/// Options, a `jsonb`, as JSON text.
pub fn options_text(data: &[u8]) -> String {
    if !jsonb::is_deeper(data, DEPTH)
        && let Ok(json) = jsonb::tree(data)
    {
        let mut text = String::new();
        crate::store::columns::write_json(&json, &mut text);
        return text;
    }
    Fault::new(
        Code::ERRCODE_INVALID_PARAMETER_VALUE,
        "the options of an export cannot be read",
    )
    .detail(format!("They may have {DEPTH} levels."))
    .hint("Write them as {\"option\": \"value\"}.")
    .raise()
}

fn no_format() -> ! {
    let formats = Format::ALL.map(Format::label).join(", ");
    Fault::new(Code::ERRCODE_NULL_VALUE_NOT_ALLOWED, "an export needs a format")
        .hint(format!(
            "The formats are {formats}; auditlog.export() writes {PARQUET} as well."
        ))
        .raise()
}

fn unwritable(log_index: u64, error: &FormatError) -> ! {
    broken(&format!("log_index {log_index}: {error}"), error.hint())
}

fn broken(why: &str, hint: &str) -> ! {
    Fault::broken("an event cannot be exported")
        .detail(format!("{why}."))
        .hint(hint.to_owned())
        .raise()
}
