//! Reports of one's own: `create_report`, `drop_report`, `run_report`.

use super::own_event::{self, OwnEvent};
use super::{definition_error, jobs, reports};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::columns::text;
use crate::store::{POSTGRES_EPOCH, jsonb, notifications, report_definitions, sinks, spi};
use auditlog_core::json::Json;
use auditlog_report::custom::CustomReport;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;
use sha2::{Digest, Sha256};

crate::sql_function!(auditlog_create_report, pg_finfo_auditlog_create_report, create);
crate::sql_function!(auditlog_drop_report, pg_finfo_auditlog_drop_report, drop_report);
crate::sql_function!(auditlog_run_report, pg_finfo_auditlog_run_report, run);

/// `create_report(definition)`
fn create(call: &Call) -> Datum {
    let Some(definition) = call.text(0).filter(|definition| !definition.trim().is_empty()) else {
        Fault::new(Code::ERRCODE_NULL_VALUE_NOT_ALLOWED, "the definition of the report is missing")
            .detail("It is NULL or empty.")
            .hint("For example 'name: logins\nperiod: last week\nfilters: event_type:authentication.*\ngroup_by: [user]\nmetrics: [event_count]'.")
            .raise()
    };
    let custom = CustomReport::parse(&definition).unwrap_or_else(|error| definition_error::raise(&error));
    if let Some(unknown) = custom
        .channels
        .iter()
        .find(|name| notifications::lock_channel(name).is_none())
    {
        Fault::new(
            Code::ERRCODE_UNDEFINED_OBJECT,
            "the report names a channel that is not there",
        )
        .detail(format!("It is «{}».", unknown.escape_debug()))
        .hint("auditlog.channels lists them; auditlog.create_channel() adds one.")
        .raise();
    }
    custom.sinks.iter().for_each(|name| check_sink(name));
    let who = crate::provenance::session_user();
    let before = report_definitions::lock(&custom.name);
    if let Some(job) = before.as_ref().and_then(|before| before.job) {
        jobs::unschedule_ours(job);
    }
    let canonical = custom.to_json();
    let job = custom.schedule.as_ref().map(|schedule| {
        let command = format!("SELECT auditlog.run_report({})", spi::literal(&custom.name));
        jobs::schedule_ours(&format!("report {}", custom.name), &schedule.to_string(), &command)
    });
    let sha256 = auditlog_core::erase::hex(&Sha256::digest(canonical.to_string()));
    let ours = jsonb::from_text(canonical.to_string());
    report_definitions::set(&custom.name, &definition, &ours, &sha256, &who, job);
    tell(
        "create_report",
        &custom.name,
        &who,
        before.map(|before| before.text),
        Some(definition),
    );
    text(custom.name.as_bytes())
}

/// Raises an error unless there is a sink of this name, and it takes files.
fn check_sink(name: &str) {
    let Some(sink) = sinks::lock(name) else {
        Fault::new(
            Code::ERRCODE_UNDEFINED_OBJECT,
            "the report names a sink that is not there",
        )
        .detail(format!("It is «{}».", name.escape_debug()))
        .hint("auditlog.sinks lists them; auditlog.create_sink() adds one.")
        .raise()
    };
    if !auditlog_stream::TAKE_FILES.contains(&sink.kind.as_str()) {
        Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            "the sink takes events, not files",
        )
        .detail(format!("«{}» is of the kind {}.", name.escape_debug(), sink.kind))
        .hint("Name a sink of the kind object_store. The others get the event auditlog.report, with the hashes of the files.")
        .raise();
    }
}

/// `drop_report(name)`
fn drop_report(call: &Call) -> Datum {
    let name = call.text(0).unwrap_or_default();
    let Some(before) = report_definitions::lock(&name) else {
        unknown(&name)
    };
    if let Some(job) = before.job {
        jobs::unschedule_ours(job);
    }
    report_definitions::remove(&name);
    tell(
        "drop_report",
        &name,
        &crate::provenance::session_user(),
        Some(before.text),
        None,
    );
    call.null()
}

/// `run_report(name, since, until)`
fn run(call: &Call) -> Datum {
    let name = call.text(0).unwrap_or_default();
    let Some(definition) = report_definitions::text(&name) else {
        unknown(&name)
    };
    let custom = CustomReport::parse(&definition).unwrap_or_else(|error| definition_error::raise(&error));
    let time = |i: usize| call.int(i).map(|at| at.saturating_add(POSTGRES_EPOCH));
    let period = match (time(1), time(2)) {
        (Some(since), Some(until)) => Some((since, until)),
        (None, None) => custom.resolve(crate::shmem::unix_micros()),
        _ => Fault::new(
            Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "another period needs both of its ends",
        )
        .detail("One of since and until is NULL.")
        .hint("Give both, or none: then the report is about the period of its definition.")
        .raise(),
    };
    let (since, until) = period.unwrap_or_default();
    let period = reports::check_period(since, until);
    let formats = custom.formats.iter().map(|format| format.name().to_owned()).collect();
    let asked = reports::new("custom", name, definition, period, "{}".to_owned(), formats);
    reports::ask(&asked, "run_report").into()
}

fn unknown(name: &str) -> ! {
    Fault::new(
        Code::ERRCODE_UNDEFINED_OBJECT,
        "there is no definition of a report of this name",
    )
    .detail(format!("The name is «{}».", name.escape_debug()))
    .hint("auditlog.report_definitions lists them; auditlog.create_report() adds one.")
    .raise()
}

fn tell(operation: &str, name: &str, who: &str, before: Option<String>, after: Option<String>) {
    let side = |definition: Option<String>| {
        definition.map(|definition| Json::Object(vec![("definition".to_owned(), own_event::text(&definition))]))
    };
    own_event::record_change(
        &OwnEvent {
            event_type: "auditlog.report_change",
            severity: "info",
            actor: ("database_role", who),
            operation,
            metadata: &[],
        },
        Some(("report", name)),
        side(before),
        side(after),
    );
}
