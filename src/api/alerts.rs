//! Alerts as people define them: `create_alert`, `alter_alert`, `drop_alert`, `enable_alert`, `disable_alert`, `mute`,
//! `acknowledge`.

use super::definition_error;
use super::own_event::{self, OwnEvent};
use super::query::with_options;
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::alerts::{self, AlertRow, Written};
use crate::store::inbox::shared_slot;
use crate::store::{POSTGRES_EPOCH, firings, jsonb};
use auditlog_core::json::Json;
use auditlog_policy::alert::definition::Definition;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_create_alert, pg_finfo_auditlog_create_alert, create);
crate::sql_function!(auditlog_alter_alert, pg_finfo_auditlog_alter_alert, alter);
crate::sql_function!(auditlog_drop_alert, pg_finfo_auditlog_drop_alert, drop_alert);
crate::sql_function!(auditlog_enable_alert, pg_finfo_auditlog_enable_alert, enable);
crate::sql_function!(auditlog_disable_alert, pg_finfo_auditlog_disable_alert, disable);
crate::sql_function!(auditlog_mute_alert, pg_finfo_auditlog_mute_alert, mute);
crate::sql_function!(auditlog_acknowledge, pg_finfo_auditlog_acknowledge, acknowledge);

/// Longest definition, in bytes.
const LONGEST: usize = 64 * 1024;

/// `create_alert(definition)`
fn create(call: &Call) -> Datum {
    let text = given(call.text(0));
    let definition = read(&text);
    add(&definition, &text)
        .unwrap_or_else(|| taken(&definition.name))
        .into()
}

/// Adds an alert; `None` when there is one of this name.
pub(super) fn add(definition: &Definition, text: &str) -> Option<i64> {
    let (canonical, who) = (canonical(definition), crate::provenance::session_user());
    let id = alerts::add(&written(definition, text, &canonical), &who)?;
    tell("create_alert", &definition.name, &who, None, alerts::described(id));
    shared_slot().evaluator.start_soon();
    Some(id)
}

/// `alter_alert(name, definition)`
fn alter(call: &Call) -> Datum {
    let before = existing(call.text(0));
    let text = given(call.text(1));
    let definition = read(&text);
    if alerts::is_taken(&definition.name, before.id) {
        taken(&definition.name);
    }
    replace(&before, &definition, &text);
    call.null()
}

/// Puts another definition in the place of an alert's.
pub(super) fn replace(before: &AlertRow, definition: &Definition, text: &str) {
    let (canonical, who) = (canonical(definition), crate::provenance::session_user());
    let was = alerts::described(before.id);
    alerts::replace(before.id, &written(definition, text, &canonical), &who);
    tell("alter_alert", &before.name, &who, was, alerts::described(before.id));
    shared_slot().evaluator.start_soon();
}

/// `drop_alert(name)`
fn drop_alert(call: &Call) -> Datum {
    let before = existing(call.text(0));
    let was = alerts::described(before.id);
    alerts::remove(before.id);
    tell(
        "drop_alert",
        &before.name,
        &crate::provenance::session_user(),
        was,
        None,
    );
    call.null()
}

fn enable(call: &Call) -> Datum {
    switch(call, true)
}

fn disable(call: &Call) -> Datum {
    switch(call, false)
}

fn switch(call: &Call, enabled: bool) -> Datum {
    let before = existing(call.text(0));
    if before.enabled != enabled {
        let (was, who) = (alerts::described(before.id), crate::provenance::session_user());
        alerts::enable(before.id, enabled, &who);
        let operation = if enabled { "enable_alert" } else { "disable_alert" };
        tell(operation, &before.name, &who, was, alerts::described(before.id));
        shared_slot().evaluator.start_soon();
    }
    call.null()
}

/// `mute(name, until, reason)`
fn mute(call: &Call) -> Datum {
    let before = existing(call.text(0));
    let until = call.int(1).map(|us| us.saturating_add(POSTGRES_EPOCH));
    let reason = call.text(2).filter(|reason| !reason.trim().is_empty());
    if until.is_some() && reason.is_none() {
        Fault::new(Code::ERRCODE_NULL_VALUE_NOT_ALLOWED, "muting an alert needs a reason")
            .detail("Who reads the log later asks why nobody was told.")
            .hint("Give it as the third argument.")
            .raise();
    }
    let (was, who) = (alerts::described(before.id), crate::provenance::session_user());
    alerts::mute(before.id, until, reason.as_deref(), &who);
    tell("mute", &before.name, &who, was, alerts::described(before.id));
    call.null()
}

/// What came of a firing.
const DISPOSITIONS: [&str; 5] = ["true_positive", "false_positive", "benign", "duplicate", "test"];

/// `acknowledge(firing_id, note, disposition)`
fn acknowledge(call: &Call) -> Datum {
    let id = call.int(0).unwrap_or_default();
    let (note, disposition, who) = (call.text(1), call.text(2), crate::provenance::session_user());
    if let Some(unknown) = disposition.as_deref().filter(|given| !DISPOSITIONS.contains(given)) {
        Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            "this is no disposition of a firing",
        )
        .detail(format!("It is «{}».", unknown.escape_debug()))
        .hint(format!("There are {}.", DISPOSITIONS.join(", ")))
        .raise();
    }
    if !firings::acknowledge(id, note.as_deref(), disposition.as_deref(), &who) {
        Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, "there is no firing with this id")
            .detail(format!("The id is {id}."))
            .hint("auditlog.alert_firings lists them.")
            .raise();
    }
    own_event::record(&OwnEvent {
        event_type: "auditlog.alert_change",
        severity: "info",
        actor: ("database_role", &who),
        operation: "acknowledge",
        metadata: &[
            ("firing_id", own_event::number(id)),
            ("note", note.as_deref().map_or(Json::Null, own_event::text)),
            (
                "disposition",
                disposition.as_deref().map_or(Json::Null, own_event::text),
            ),
        ],
    });
    call.null()
}

/// The alert of this name, locked.
pub(super) fn existing(name: Option<String>) -> AlertRow {
    let name = name.unwrap_or_default();
    alerts::lock(&name).unwrap_or_else(|| unknown(&name))
}

/// There is no such alert.
pub(super) fn unknown(name: &str) -> ! {
    Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, "there is no alert of this name")
        .detail(format!("The name is «{}».", name.escape_debug()))
        .hint("auditlog.alerts lists them; names are case sensitive.")
        .raise()
}

fn taken(name: &str) -> ! {
    Fault::new(Code::ERRCODE_DUPLICATE_OBJECT, "there is an alert of this name already")
        .detail(format!("The name is «{}».", name.escape_debug()))
        .hint("Change it with auditlog.alter_alert(), or take another name.")
        .raise()
}

fn given(definition: Option<String>) -> String {
    match definition {
        None => Fault::new(
            Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "the definition of an alert is missing",
        )
        .detail("The definition is NULL.")
        .hint("Give it as YAML or JSON: name, condition, threshold, notification.")
        .raise(),
        Some(text) if text.len() > LONGEST => Fault::new(
            Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            "the definition of an alert is too long",
        )
        .detail(format!("It has {} bytes; {LONGEST} are allowed.", text.len()))
        .hint("Put conditions that several alerts share into saved queries.")
        .raise(),
        Some(text) => text,
    }
}

/// The definition of that text; raises what is wrong with it.
pub(super) fn read(text: &str) -> Definition {
    match with_options(|options| Definition::parse_with(text, options)) {
        Ok(definition) => definition,
        Err(error) => definition_error::raise(&error),
    }
}

fn canonical(definition: &Definition) -> Json {
    jsonb::from_text(definition.to_json().to_string())
}

fn written<'a>(definition: &'a Definition, text: &'a str, canonical: &'a Json) -> Written<'a> {
    Written {
        name: &definition.name,
        definition: text,
        canonical,
        severity: definition.severity().label(),
        enabled: definition.enabled,
    }
}

fn tell(operation: &str, name: &str, who: &str, before: Option<Json>, after: Option<Json>) {
    let change = OwnEvent {
        event_type: "auditlog.alert_change",
        severity: "notice",
        actor: ("database_role", who),
        operation,
        metadata: &[("alert", own_event::text(name))],
    };
    own_event::record_change(&change, Some(("alert", name)), before, after);
}
