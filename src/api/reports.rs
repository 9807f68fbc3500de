//! Reports: `generate_report`, `report_json`, `incident_report`, `cancel_report`, `retry_report`, `report_file`. What they
//! ask for the reporter does (`src/worker/reporter.rs`).

use super::frameworks;
use super::own_event::{self, OwnEvent};
use crate::error::Fault;
use crate::fmgr::{Call, Rows};
use crate::guc;
use crate::hooks::access;
use crate::reporting::{Filters, Making, Proof, ScopeError};
use crate::shmem;
use crate::store::catalog::as_owner;
use crate::store::columns::{jsonb_from_text, text};
use crate::store::inbox::shared_slot;
use crate::store::reports::{self, Asked};
use crate::store::{POSTGRES_EPOCH, checkpoints, head, report_deliveries, report_reads};
use auditlog_core::document::format_timestamp;
use auditlog_core::json::Json;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::sync::atomic::Ordering::Acquire;

crate::sql_function!(auditlog_generate_report, pg_finfo_auditlog_generate_report, generate);
crate::sql_function!(auditlog_report_json, pg_finfo_auditlog_report_json, at_once);
crate::sql_function!(auditlog_incident_report, pg_finfo_auditlog_incident_report, incident);
crate::sql_function!(auditlog_cancel_report, pg_finfo_auditlog_cancel_report, cancel);
crate::sql_function!(auditlog_retry_report, pg_finfo_auditlog_retry_report, retry);
crate::sql_function!(auditlog_report_file, pg_finfo_auditlog_report_file, file);
crate::sql_function!(auditlog_reporter_state, pg_finfo_auditlog_reporter_state, state);

/// Formats of files.
const FORMATS: [&str; 3] = ["pdf", "json", "csv"];
/// Longest title of an incident.
const LONGEST_TITLE: usize = 300;

/// `generate_report(framework, since, until, filters, formats)`
fn generate(call: &Call) -> Datum {
    let asked = of_framework(call, formats(call, 4));
    ask(&asked, "generate_report").into()
}

/// `report_json(framework, since, until, filters)`: in the caller's own process.
fn at_once(call: &Call) -> Datum {
    let asked = Asked {
        asked_at: shmem::unix_micros(),
        ..of_framework(call, vec!["json".to_owned()])
    };
    let events = as_owner(|| report_reads::events(asked.since, asked.until, asked.log_size));
    let most = guc::REPORT_DIRECT_EVENTS.get();
    if events > most as u64 {
        Fault::new(
            Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            "the period has too many events for a report at once",
        )
        .detail(format!("It has {events}; auditlog.report_direct_events is {most}."))
        .hint("Have a worker make it with auditlog.generate_report(), or choose a shorter period.")
        .raise();
    }
    access::note(access::Kind::View, "report_json", Json::Object(described(&asked)));
    let mut making = Making::begin(asked.clone()).unwrap_or_else(|error| refuse_definition(&error));
    making.prove_with(newest_checkpoint(asked.log_size));
    // Whoever may call this sees all events; the parts are in a schema that is closed.
    let report = as_owner(|| {
        while making.next().is_some() {
            pgrx::check_for_interrupts!();
            making.step();
        }
        making.finish()
    });
    jsonb_from_text(serde_json::to_string(&report).unwrap_or_default())
}

/// `incident_report(query, since, until, title, formats)`
fn incident(call: &Call) -> Datum {
    let query = super::holds::fixed(&call.text(0).unwrap_or_default(), "incident");
    let (since, until) = period(call, 1);
    let title = call.text(3).filter(|title| !title.trim().is_empty());
    let title = title
        .filter(|title| title.chars().count() <= LONGEST_TITLE)
        .unwrap_or_else(|| {
            Fault::new(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "a report on an incident needs a title",
            )
            .detail(format!("It may have 1 to {LONGEST_TITLE} characters."))
            .hint("For example 'Logins from unknown addresses, 3 March'.")
            .raise()
        });
    let asked = new(
        "incident",
        title,
        query,
        (since, until),
        "{}".to_owned(),
        formats(call, 4),
    );
    ask(&asked, "incident_report").into()
}

/// `cancel_report(id)`: false when it has ended already.
fn cancel(call: &Call) -> Datum {
    let id = call.int(0).unwrap_or_default();
    let open = matches!(state_of(id).as_str(), "waiting" | "running" | "failed");
    if open {
        reports::set_state(id, "cancelled");
        tell("cancel_report", id);
        shared_slot().reporter.start_soon();
    }
    open.into()
}

/// `retry_report(id)`
fn retry(call: &Call) -> Datum {
    let id = call.int(0).unwrap_or_default();
    match state_of(id).as_str() {
        "failed" | "cancelled" => {
            reports::set_state(id, "waiting");
            tell("retry_report", id);
        }
        "waiting" | "running" => {}
        "done" if report_deliveries::again(id) > 0 => tell("retry_report", id),
        other => Fault::broken("this report cannot be made once more")
            .detail(format!("Report {id} is {other}."))
            .hint("Ask for another one with auditlog.generate_report().")
            .raise(),
    }
    shared_slot().reporter.start_soon();
    call.null()
}

/// `report_file(id, format)`
fn file(call: &Call) -> Datum {
    let id = call.int(0).unwrap_or_default();
    let format = call.text(1).unwrap_or_default().to_lowercase();
    let arguments = Json::Object(vec![
        ("id".to_owned(), own_event::number(id)),
        ("format".to_owned(), own_event::text(&format)),
    ]);
    access::note(access::Kind::Export, "report_file", arguments);
    match reports::file(id, &format) {
        Some(content) => text(&content),
        None => no_file(id, &format),
    }
}

fn no_file(id: i64, format: &str) -> ! {
    let Some(asked) = reports::find(id) else { unknown(id) };
    let is_known = FORMATS.contains(&format) || format == "manifest";
    let fault = Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, "the report has no such file");
    if is_known && asked.formats.iter().any(|one| one == format) || format == "manifest" {
        fault
            .detail(format!("Report {id} is not done."))
            .hint("auditlog.reports says how far it is, and why it failed.")
            .raise()
    }
    fault
        .detail(format!("Report {id} was asked for as {}.", asked.formats.join(", ")))
        .hint("Its manifest is there as well: auditlog.report_file(id, 'manifest').")
        .raise()
}

/// The newest checkpoint, when it covers so many events.
pub(super) fn newest_checkpoint(size: i64) -> Option<Proof> {
    let found = checkpoints::to_prove_with(&checkpoints::incarnation()?.origin, size)?;
    Some(Proof {
        size: found.size as u64,
        note: found.note,
    })
}

/// What was asked for with `(framework, since, until, filters)`.
fn of_framework(call: &Call, formats: Vec<String>) -> Asked {
    let id = call.text(0).unwrap_or_default();
    let period = period(call, 1);
    let filters = call
        .jsonb(3)
        .map_or_else(|| "{}".to_owned(), super::export_rows::options_text);
    let Some(definition) = frameworks::text_of(&id) else {
        frameworks::unknown(&id)
    };
    let asked = new("compliance", id, definition, period, filters, formats);
    check_filters(&asked.filters);
    // What is wrong with parameters and controls is told now, not by a worker later.
    let making = Making::begin(asked.clone()).unwrap_or_else(|error| refuse_definition(&error));
    if making.parts() == 0 {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "the filters leave no control")
            .detail(format!("The filters are {}.", asked.filters))
            .hint("auditlog.controls lists the controls of each framework and what they apply to.")
            .raise();
    }
    asked
}

pub(super) fn check_filters(filters: &str) {
    if let Err(ScopeError { message, hint }) = Filters::read(filters) {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, message)
            .hint(hint)
            .raise();
    }
}

fn refuse_definition(error: &str) -> ! {
    Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, error.to_owned())
        .hint("auditlog.controls and auditlog.frameworks list controls and parameters.")
        .raise()
}

/// The period at these arguments.
fn period(call: &Call, at: usize) -> (i64, i64) {
    let time = |i: usize| call.int(i).filter(|at| !matches!(*at, i64::MIN | i64::MAX));
    let (Some(since), Some(until)) = (time(at), time(at + 1)) else {
        Fault::new(
            Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "a report needs a period with a beginning and an end",
        )
        .detail("since or until is NULL or infinite.")
        .hint("For example '2026-01-01' and '2026-04-01': the first quarter.")
        .raise()
    };
    check_period(
        since.saturating_add(POSTGRES_EPOCH),
        until.saturating_add(POSTGRES_EPOCH),
    )
}

/// The period, or an error when it has no length.
pub(super) fn check_period(since: i64, until: i64) -> (i64, i64) {
    if since >= until {
        Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            "the period of the report ends before it begins",
        )
        .detail(format!(
            "It is {} to {}.",
            format_timestamp(since),
            format_timestamp(until)
        ))
        .hint("since belongs to the period, until is the first moment after it.")
        .raise();
    }
    (since, until)
}

fn formats(call: &Call, at: usize) -> Vec<String> {
    let given = call.texts(at).flatten().unwrap_or_default();
    let mut found: Vec<String> = given.iter().map(|format| format.trim().to_lowercase()).collect();
    found.sort();
    found.dedup();
    if found.is_empty() || found.iter().any(|format| !FORMATS.contains(&format.as_str())) {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "these are no formats of reports")
            .detail(format!(
                "They are {}.",
                if found.is_empty() {
                    "none".to_owned()
                } else {
                    found.join(", ")
                }
            ))
            .hint(format!("The formats are {}.", FORMATS.join(", ")))
            .raise();
    }
    found
}

/// A report that is not asked for yet.
pub(super) fn new(
    kind: &str,
    name: String,
    definition: String,
    period: (i64, i64),
    filters: String,
    formats: Vec<String>,
) -> Asked {
    Asked {
        id: 0,
        kind: kind.to_owned(),
        name,
        definition,
        since: period.0,
        until: period.1,
        filters,
        formats,
        asked_by: crate::provenance::session_user(),
        // SAFETY: reads a state of this process.
        role: unsafe { pg_sys::GetUserId() },
        asked_at: 0,
        log_size: head::committed().map_or(0, |head| head.size),
        max_rows: i64::from(guc::REPORT_MAX_ROWS.get()),
        organisation: Some(guc::text(&guc::ORGANISATION)).filter(|name| !name.is_empty()),
        attempts: 0,
    }
}

/// Asks for it; returns its number.
pub(super) fn ask(asked: &Asked, operation: &str) -> i64 {
    let id = reports::add(asked);
    let mut metadata = vec![("report_id".to_owned(), own_event::number(id))];
    metadata.extend(described(asked));
    let metadata: Vec<(&str, Json)> = metadata
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    own_event::record(&OwnEvent {
        event_type: "auditlog.report",
        severity: "info",
        actor: ("database_role", &asked.asked_by),
        operation,
        metadata: &metadata,
    });
    shared_slot().reporter.start_soon();
    id
}

fn described(asked: &Asked) -> Vec<(String, Json)> {
    let mut parts = vec![
        ("kind".to_owned(), own_event::text(&asked.kind)),
        ("name".to_owned(), own_event::text(&asked.name)),
        ("since".to_owned(), own_event::text(&format_timestamp(asked.since))),
        ("until".to_owned(), own_event::text(&format_timestamp(asked.until))),
        (
            "filters".to_owned(),
            crate::store::jsonb::from_text(asked.filters.clone()),
        ),
    ];
    if asked.kind == "incident" {
        parts.push(("query".to_owned(), own_event::text(&asked.definition)));
    }
    parts
}

pub(super) fn state_of(id: i64) -> String {
    reports::lock(id).unwrap_or_else(|| unknown(id))
}

fn unknown(id: i64) -> ! {
    Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, "there is no report with this number")
        .detail(format!("The number is {id}."))
        .hint("auditlog.reports lists them.")
        .raise()
}

fn tell(operation: &str, id: i64) {
    own_event::record(&OwnEvent {
        event_type: "auditlog.report",
        severity: "info",
        actor: ("database_role", &crate::provenance::session_user()),
        operation,
        metadata: &[("report_id", own_event::number(id))],
    });
}

/// `reporter_state()`
fn state(call: &Call) -> Datum {
    let mut rows = Rows::new(call);
    if let Some(slot) = shmem::my_slot() {
        let pid = slot.reporter.pid.load(Acquire);
        let at = slot.reporter_errors.at.load(Acquire);
        rows.push(&[
            (pid > 0).then(|| pid.into()),
            Some((slot.reporter_errors.count.load(Acquire) as i64).into()),
            (at != 0).then(|| (at - POSTGRES_EPOCH).into()),
            slot.reporter_errors.text().map(|error| text(error.as_bytes())),
        ]);
    }
    call.null()
}
