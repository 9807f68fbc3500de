//! Sinks: `create_sink`, `alter_sink`, `drop_sink`, `pause_sink`, `resume_sink`, `replay_sink`, `redrive_sink`; what the streamer
//! says of itself.

use super::config_argument;
use super::holds;
use super::own_event::{self, OwnEvent};
use super::sink_config;
use crate::error::Fault;
use crate::fmgr::{Call, Rows};
use crate::shmem;
use crate::store::columns::text;
use crate::store::inbox::shared_slot;
use crate::store::sinks::{self, SinkRow};
use crate::store::{POSTGRES_EPOCH, checkpoints, head, stream};
use auditlog_core::json::Json;
use auditlog_stream::KINDS;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;
use std::sync::atomic::Ordering::Acquire;

crate::sql_function!(auditlog_create_sink, pg_finfo_auditlog_create_sink, create);
crate::sql_function!(auditlog_alter_sink, pg_finfo_auditlog_alter_sink, alter);
crate::sql_function!(auditlog_drop_sink, pg_finfo_auditlog_drop_sink, drop_sink);
crate::sql_function!(auditlog_pause_sink, pg_finfo_auditlog_pause_sink, pause);
crate::sql_function!(auditlog_resume_sink, pg_finfo_auditlog_resume_sink, resume);
crate::sql_function!(auditlog_replay_sink, pg_finfo_auditlog_replay_sink, replay);
crate::sql_function!(auditlog_redrive_sink, pg_finfo_auditlog_redrive_sink, redrive);
crate::sql_function!(auditlog_streamer_state, pg_finfo_auditlog_streamer_state, state);
crate::sql_function!(auditlog_sealed_at, pg_finfo_auditlog_sealed_at, sealed_at);

/// Longest name, in bytes.
const LONGEST_NAME: usize = 100;

/// `create_sink(name, kind, config, query, format, from_index)`
fn create(call: &Call) -> Datum {
    let (Some(name), Some(kind), Some(config)) = (call.text(0), call.text(1), config_argument::text(call, 2, "sink"))
    else {
        Fault::new(
            Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "name, kind and config of a sink must not be null",
        )
        .detail("A sink is where events are streamed to.")
        .hint(format!("Kinds are {}.", KINDS.join(", ")))
        .raise()
    };
    if name.trim().is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "this is no name for a sink")
            .detail(format!("The name is «{}».", name.escape_debug()))
            .hint(format!("Use 1 to {LONGEST_NAME} bytes without control characters."))
            .raise();
    }
    let size = head::committed().map_or(0, |head| head.size);
    let mut new = SinkRow {
        id: 0,
        kind,
        config,
        query: query(call, 3).unwrap_or_default(),
        format: String::new(),
        enabled: true,
        revision: 1,
        start_index: call.int(5).map_or(size, |index| index_of_log(index, size)),
        start_number: 1,
        name,
    };
    let best_effort = check(&mut new, call.text(4).as_deref());
    let who = crate::provenance::session_user();
    if !sinks::add(&new, best_effort, &who) {
        Fault::new(Code::ERRCODE_DUPLICATE_OBJECT, "there is a sink of this name already")
            .detail(format!("The name is «{}».", new.name))
            .hint("Change it with auditlog.alter_sink(), or take another name.")
            .raise();
    }
    tell("create_sink", &new.name, &who, None);
    shared_slot().streamer.start_soon();
    call.null()
}

/// `alter_sink(name, config, query, format)`
fn alter(call: &Call) -> Datum {
    let mut new = existing(call);
    let before = sinks::described(&new.name);
    let mut format = call.text(3);
    if let Some(config) = config_argument::text(call, 1, "sink") {
        new.config = config;
    }
    if let Some(query) = query(call, 2) {
        new.query = query;
    }
    format.get_or_insert(new.format.clone());
    let best_effort = check(&mut new, format.as_deref());
    let who = crate::provenance::session_user();
    sinks::replace(&new, best_effort, &who);
    tell("alter_sink", &new.name, &who, before);
    shared_slot().streamer.start_soon();
    call.null()
}

/// `drop_sink(name)`
fn drop_sink(call: &Call) -> Datum {
    let old = existing(call);
    let before = sinks::described(&old.name);
    sinks::remove(old.id);
    tell("drop_sink", &old.name, &crate::provenance::session_user(), before);
    // It forgets what belonged to the sink.
    shared_slot().streamer.start_soon();
    call.null()
}

/// `pause_sink(name, reason)`
fn pause(call: &Call) -> Datum {
    change(call, "pause_sink", |sink, who| {
        sinks::enable(sink.id, false, call.text(1).as_deref(), who);
    })
}

/// `resume_sink(name)`
fn resume(call: &Call) -> Datum {
    change(call, "resume_sink", |sink, who| sinks::enable(sink.id, true, None, who))
}

/// `replay_sink(name, from_index)`
fn replay(call: &Call) -> Datum {
    let Some(index) = call.int(1) else {
        Fault::new(Code::ERRCODE_NULL_VALUE_NOT_ALLOWED, "from_index must not be null")
            .detail("It is the log_index of the first event that is sent again.")
            .hint("0 begins with the first event of the log; auditlog.sinks has the position of each sink.")
            .raise()
    };
    let index = index_of_log(index, head::committed().map_or(0, |head| head.size));
    change(call, "replay_sink", |sink, who| sinks::start_at(sink.id, index, who))
}

fn change(call: &Call, operation: &str, work: impl FnOnce(&SinkRow, &str)) -> Datum {
    let sink = existing(call);
    let before = sinks::described(&sink.name);
    let who = crate::provenance::session_user();
    work(&sink, &who);
    tell(operation, &sink.name, &who, before);
    shared_slot().streamer.start_soon();
    call.null()
}

/// `redrive_sink(name, log_index)`
fn redrive(call: &Call) -> Datum {
    let sink = existing(call);
    let wanted = call.int(1);
    let letters = sinks::redrive(sink.id, wanted);
    if let (Some(index), 0) = (wanted, letters) {
        Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, "there is no dead letter of this event")
            .detail(format!("The sink is «{}», log_index {index}.", sink.name))
            .hint("auditlog.sink_dead_letters lists them.")
            .raise();
    }
    own_event::record(&OwnEvent {
        event_type: "auditlog.sink_change",
        severity: "info",
        actor: ("database_role", &crate::provenance::session_user()),
        operation: "redrive_sink",
        metadata: &[
            ("sink", own_event::text(&sink.name)),
            ("letters", own_event::number(letters)),
        ],
    });
    shared_slot().streamer.start_soon();
    letters.into()
}

/// `streamer_state()`
fn state(call: &Call) -> Datum {
    let mut rows = Rows::new(call);
    if let Some(slot) = shmem::my_slot() {
        let pid = slot.streamer.pid.load(Acquire);
        let at = slot.streamer_errors.at.load(Acquire);
        rows.push(&[
            (pid > 0).then(|| pid.into()),
            Some((slot.streamer_errors.count.load(Acquire) as i64).into()),
            (at != 0).then(|| (at - POSTGRES_EPOCH).into()),
            slot.streamer_errors.text().map(|error| text(error.as_bytes())),
        ]);
    }
    call.null()
}

/// `sealed_at(log_index)`
fn sealed_at(call: &Call) -> Datum {
    match call.int(0).and_then(stream::sealed_at) {
        Some(at) => at.into(),
        None => call.null(),
    }
}

/// Checks a configuration, and what it asks of the server; puts the format in. Says whether delivery is without any acknowledgement.
fn check(new: &mut SinkRow, format: Option<&str>) -> bool {
    let parsed = sink_config::parse(&new.kind, &new.config, format, &origin()).unwrap_or_else(|problem| {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "this is no sink")
            .detail(format!("{}.", problem.message))
            .hint(problem.hint)
            .raise()
    });
    sink_config::require_rights(&new.kind, &new.config);
    parsed.options.format().label().clone_into(&mut new.format);
    parsed.stream.is_best_effort()
}

/// The log's origin; while the publisher has not named it yet, the one that it will take.
pub(super) fn origin() -> String {
    checkpoints::incarnation().map_or_else(|| checkpoints::default_origin(1), |now| now.origin)
}

/// The sink that the first argument names, locked until the end of the transaction.
fn existing(call: &Call) -> SinkRow {
    let name = call.text(0).unwrap_or_default();
    sinks::lock(&name).unwrap_or_else(|| unknown(&name))
}

/// There is no such sink.
pub(super) fn unknown(name: &str) -> ! {
    Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, "there is no sink of this name")
        .detail(format!("The name is «{}».", name.escape_debug()))
        .hint("auditlog.sinks lists them.")
        .raise()
}

fn index_of_log(index: i64, size: i64) -> i64 {
    if !(0..=size).contains(&index) {
        Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            "from_index is no place of the log",
        )
        .detail(format!("It is {index}; the log has {size} events."))
        .hint(format!("Take a log_index from 0 to {size}, which is the next event."))
        .raise();
    }
    index
}

/// A query that means the same as long as the sink is there.
fn query(call: &Call, i: usize) -> Option<String> {
    let query = call.text(i)?;
    let query = query.trim();
    Some(if query.is_empty() {
        String::new()
    } else {
        holds::fixed(query, "sink")
    })
}

fn tell(operation: &str, name: &str, who: &str, before: Option<Json>) {
    let change = OwnEvent {
        event_type: "auditlog.sink_change",
        severity: "warning",
        actor: ("database_role", who),
        operation,
        metadata: &[("sink", own_event::text(name))],
    };
    let after = sinks::described(name);
    own_event::record_change(&change, Some(("sink", name)), before, after);
}
