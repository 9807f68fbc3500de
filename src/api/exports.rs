//! Exports to files: `export`, `cancel_export`, `resume_export`. What they ask for the exporter does (`src/worker/exporter.rs`).

use super::export_rows::{content, options_text};
use super::file_rights;
use super::own_event::{self, OwnEvent};
use super::query::with_options;
use crate::error::Fault;
use crate::fmgr::{Call, Rows};
use crate::hooks::access;
use crate::shmem;
use crate::store::exports::{self, Asked};
use crate::store::inbox::shared_slot;
use crate::store::{POSTGRES_EPOCH, head};
use auditlog_core::document::format_timestamp;
use auditlog_core::json::Json;
use auditlog_export::Destination;
use auditlog_export::files::Names;
use auditlog_query::{check, parse};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::sync::atomic::Ordering::Acquire;

crate::sql_function!(auditlog_export, pg_finfo_auditlog_export, export);
crate::sql_function!(auditlog_cancel_export, pg_finfo_auditlog_cancel_export, cancel);
crate::sql_function!(auditlog_resume_export, pg_finfo_auditlog_resume_export, resume);
crate::sql_function!(auditlog_exporter_state, pg_finfo_auditlog_exporter_state, state);

/// The option that says after how many bytes a file ends, and its bounds.
pub const PART_BYTES: &str = "part_bytes";
const LEAST_PART: u64 = 64 * 1024;
/// The option that has those of the object storage.
const STORE: &str = "store";

/// `export(format, query, since, until, destination, options)`
fn export(call: &Call) -> Datum {
    let format = call.text(0).unwrap_or_default();
    let query = call.text(1).unwrap_or_default();
    let time = |i: usize| call.int(i).map(|at| at.saturating_add(POSTGRES_EPOCH));
    let (since, until) = (time(2), time(3));
    let options = call.jsonb(5).map_or_else(|| "{}".to_owned(), options_text);
    let given = call.text(4);
    let destination = destination(given.as_deref());
    let (of_format, ours) = split(&options);
    content(&format, &of_format);
    check_query(&query);
    check_destination(&destination, &ours);
    let who = crate::provenance::session_user();
    let new = Asked {
        id: 0,
        format: format.trim().to_lowercase(),
        query,
        since,
        until,
        destination: given.unwrap_or_default(),
        options,
        asked_by: who.clone(),
        // SAFETY: reads a state of this process.
        role: unsafe { pg_sys::GetUserId() },
        asked_at: 0,
        log_size: head::committed().map_or(0, |head| head.size),
        progress: String::new(),
    };
    let mut told = vec![("destination".to_owned(), own_event::text(&new.destination))];
    told.extend(described(&new));
    access::note(access::Kind::Export, "export", Json::Object(told));
    let id = exports::add(&new);
    shared_slot().exporter.start_soon();
    id.into()
}

/// What was asked for, for events.
pub fn described(asked: &Asked) -> Vec<(String, Json)> {
    let mut parts = vec![
        ("format".to_owned(), own_event::text(&asked.format)),
        ("query".to_owned(), own_event::text(&asked.query)),
    ];
    for (name, time) in [("since", asked.since), ("until", asked.until)] {
        if let Some(time) = time {
            parts.push((name.to_owned(), own_event::text(&format_timestamp(time))));
        }
    }
    parts
}

/// `cancel_export(id)`: false when it has ended already.
fn cancel(call: &Call) -> Datum {
    let id = call.int(0).unwrap_or_default();
    let open = matches!(state_of(id).as_str(), "waiting" | "running" | "failed");
    if open {
        exports::set_state(id, "cancelled");
        tell("cancel_export", id);
        shared_slot().exporter.start_soon();
    }
    open.into()
}

/// `resume_export(id)`
fn resume(call: &Call) -> Datum {
    let id = call.int(0).unwrap_or_default();
    match state_of(id).as_str() {
        "failed" => {
            exports::set_state(id, "waiting");
            tell("resume_export", id);
        }
        "waiting" | "running" => {}
        other => Fault::broken("this export cannot be resumed")
            .detail(format!("Export {id} is {other}."))
            .hint("Ask for another one with auditlog.export().")
            .raise(),
    }
    shared_slot().exporter.start_soon();
    call.null()
}

fn state_of(id: i64) -> String {
    let who = crate::provenance::session_user();
    exports::lock(id, &who, exports::is_administrator()).unwrap_or_else(|| {
        Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, "there is no export with this number")
            .detail(format!("The number is {id}."))
            .hint("auditlog.exports lists them; those of others only administrators cancel and resume.")
            .raise()
    })
}

fn tell(operation: &str, id: i64) {
    own_event::record(&OwnEvent {
        event_type: "auditlog.export",
        severity: "info",
        actor: ("database_role", &crate::provenance::session_user()),
        operation,
        metadata: &[("export_id", own_event::number(id))],
    });
}

/// Where to.
fn destination(given: Option<&str>) -> Destination {
    let Some(given) = given else {
        Fault::new(
            Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "an export to the server needs a destination",
        )
        .detail("destination is NULL.")
        .hint("Give the path of a file on the server; auditlog.export_rows() returns the events to you instead.")
        .raise()
    };
    Destination::parse(given).unwrap_or_else(|| {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "this is no destination of an export")
            .detail(format!("It is «{}».", given.escape_debug()))
            .hint("Give the absolute path of a file on the server, or the URL of an object: s3://bucket/name, az://…, gs://….")
            .raise()
    })
}

/// Raises an error unless the caller may have the server write there, and nothing is there.
fn check_destination(destination: &Destination, options: &Ours) {
    match destination {
        Destination::Object { store, .. } => {
            let names = options.store.as_object().into_iter().flat_map(|members| members.keys());
            file_rights::require("export", "object", names.map(String::as_str));
            if let Err(error) = auditlog_objects::Store::open(store, &options.store) {
                Fault::new(
                    Code::ERRCODE_INVALID_PARAMETER_VALUE,
                    "this is no destination of an export",
                )
                .detail(format!("{}.", error.message))
                .hint(format!(
                    "Give the options of the object storage as the option {STORE}; docs/export.md lists them."
                ))
                .raise();
            }
        }
        Destination::File(path) => {
            file_rights::require("export", "file", std::iter::empty());
            let free = Names::new(path, 0).is_some_and(|names| {
                let first = names.part(options.part_bytes.map(|_| 0));
                [first, names.manifest()].iter().all(|name| !names.at(name).exists())
            });
            if !free {
                Fault::new(Code::ERRCODE_DUPLICATE_FILE, "there is a file of this name already")
                    .detail(format!("The destination is «{}».", path.display()))
                    .hint("An export overwrites nothing: give another name.")
                    .raise();
            }
        }
    }
}

/// The options that are ours, not the format's.
pub struct Ours {
    /// Bytes after which a file ends.
    pub part_bytes: Option<u64>,
    /// Those of the object storage.
    pub store: serde_json::Value,
}

/// The options of the format, and ours; raises an error when these are none.
pub fn split(options: &str) -> (serde_json::Value, Ours) {
    let mut options: serde_json::Value = serde_json::from_str(options).unwrap_or_default();
    let mut take = |name: &str| options.as_object_mut().and_then(|members| members.shift_remove(name));
    let part = take(PART_BYTES).map(|given| {
        given.as_u64().filter(|bytes| *bytes >= LEAST_PART).unwrap_or_else(|| {
            Fault::new(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("the option {PART_BYTES} is no size of files"),
            )
            .detail(format!("It is {given}."))
            .hint(format!("Give a number of bytes, {LEAST_PART} or more."))
            .raise()
        })
    });
    let store = take(STORE).unwrap_or_default();
    (
        options,
        Ours {
            part_bytes: part,
            store,
        },
    )
}

fn check_query(query: &str) {
    let wrong = with_options(|options| {
        parse(query, &options.limits)
            .and_then(|parsed| check(&parsed, options))
            .err()
    });
    if let Some(error) = wrong {
        Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("the query of the export is wrong: {error}"),
        )
        .hint(error.hint)
        .raise();
    }
}

/// `exporter_state()`
fn state(call: &Call) -> Datum {
    let mut rows = Rows::new(call);
    if let Some(slot) = shmem::my_slot() {
        let pid = slot.exporter.pid.load(Acquire);
        let at = slot.exporter_errors.at.load(Acquire);
        rows.push(&[
            (pid > 0).then(|| pid.into()),
            Some((slot.exporter_errors.count.load(Acquire) as i64).into()),
            (at != 0).then(|| (at - POSTGRES_EPOCH).into()),
            slot.exporter_errors
                .text()
                .map(|text| crate::store::columns::text(text.as_bytes())),
        ]);
    }
    call.null()
}
