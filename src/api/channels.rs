//! Channels: `create_channel`, `alter_channel`, `drop_channel`, and `redrive` of what they refused.

use super::config_argument;
use super::file_rights;
use super::own_event::{self, OwnEvent};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::catalog;
use crate::store::inbox::shared_slot;
use crate::store::notifications::{self, ChannelRow};
use auditlog_core::json::Json;
use auditlog_notify::{Channel, KINDS};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{Datum, Oid};

crate::sql_function!(auditlog_create_channel, pg_finfo_auditlog_create_channel, create);
crate::sql_function!(auditlog_alter_channel, pg_finfo_auditlog_alter_channel, alter);
crate::sql_function!(auditlog_drop_channel, pg_finfo_auditlog_drop_channel, drop_channel);
crate::sql_function!(auditlog_redrive, pg_finfo_auditlog_redrive, redrive);

/// Longest name, in bytes.
const LONGEST_NAME: usize = 100;

/// `create_channel(name, kind, config, min_severity)`
fn create(call: &Call) -> Datum {
    let (Some(name), Some(kind), Some(config)) =
        (call.text(0), call.text(1), config_argument::text(call, 2, "channel"))
    else {
        Fault::new(
            Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "name, kind and config of a channel must not be null",
        )
        .detail("A channel is how somebody is told.")
        .hint(format!("Kinds are {}.", KINDS.join(", ")))
        .raise()
    };
    if name.trim().is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "this is no name for a channel")
            .detail(format!("The name is «{}».", name.escape_debug()))
            .hint(format!("Use 1 to {LONGEST_NAME} bytes without control characters."))
            .raise();
    }
    let new = ChannelRow {
        kind,
        config,
        min_severity: severity(call, 3).unwrap_or_else(|| "debug".to_owned()),
        enabled: true,
        name,
    };
    check(&new);
    let who = crate::provenance::session_user();
    if !notifications::add_channel(&new, &who) {
        Fault::new(
            Code::ERRCODE_DUPLICATE_OBJECT,
            "there is a channel of this name already",
        )
        .detail(format!("The name is «{}».", new.name))
        .hint("Change it with auditlog.alter_channel(), or take another name.")
        .raise();
    }
    tell("create_channel", &new.name, &who, None);
    shared_slot().deliverer.start_soon();
    call.null()
}

/// `alter_channel(name, config, min_severity, enabled)`
fn alter(call: &Call) -> Datum {
    let mut new = existing(call.text(0));
    let before = notifications::described_channel(&new.name);
    if let Some(config) = config_argument::text(call, 1, "channel") {
        new.config = config;
        check(&new);
    }
    if let Some(severity) = severity(call, 2) {
        new.min_severity = severity;
    }
    if let Some(enabled) = call.arg(3) {
        new.enabled = enabled.value() != 0;
    }
    let who = crate::provenance::session_user();
    notifications::replace_channel(&new, &who);
    tell("alter_channel", &new.name, &who, before);
    shared_slot().deliverer.start_soon();
    call.null()
}

/// `drop_channel(name)`
fn drop_channel(call: &Call) -> Datum {
    let old = existing(call.text(0));
    let before = notifications::described_channel(&old.name);
    notifications::remove_channel(&old.name);
    tell("drop_channel", &old.name, &crate::provenance::session_user(), before);
    call.null()
}

/// `redrive(id)`
fn redrive(call: &Call) -> Datum {
    let id = call.int(0).unwrap_or_default();
    if !notifications::redrive(id) {
        Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, "there is no dead letter with this id")
            .detail(format!("The id is {id}."))
            .hint("auditlog.dead_letters lists them; the channel of one must still be there.")
            .raise();
    }
    own_event::record(&OwnEvent {
        event_type: "auditlog.sink_change",
        severity: "info",
        actor: ("database_role", &crate::provenance::session_user()),
        operation: "redrive",
        metadata: &[("notification_id", own_event::number(id))],
    });
    shared_slot().deliverer.start_soon();
    call.null()
}

/// Checks a configuration, and what it asks of the server.
fn check(new: &ChannelRow) {
    let config: serde_json::Value = serde_json::from_str(&new.config).unwrap_or_default();
    Channel::parse(&new.kind, &config).unwrap_or_else(|error| {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "this is no channel")
            .detail(format!("{}.", error.message))
            .hint(
                error
                    .hint
                    .unwrap_or_else(|| "docs/alerts.md lists the options of each kind.".to_owned()),
            )
            .raise()
    });
    let names = config.as_object().into_iter().flat_map(|options| options.keys());
    file_rights::require("channel", &new.kind, names.map(String::as_str));
}

fn existing(name: Option<String>) -> ChannelRow {
    let name = name.unwrap_or_default();
    notifications::lock_channel(&name).unwrap_or_else(|| {
        Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, "there is no channel of this name")
            .detail(format!("The name is «{}».", name.escape_debug()))
            .hint("auditlog.channels lists them.")
            .raise()
    })
}

/// A severity's label.
fn severity(call: &Call, i: usize) -> Option<String> {
    let datum = call.arg(i)?;
    catalog::severity_label(Oid::from_u32(datum.value() as u32)).map(str::to_owned)
}

fn tell(operation: &str, name: &str, who: &str, before: Option<Json>) {
    let change = OwnEvent {
        event_type: "auditlog.sink_change",
        severity: "warning",
        actor: ("database_role", who),
        operation,
        metadata: &[("channel", own_event::text(name))],
    };
    let after = notifications::described_channel(name);
    own_event::record_change(&change, Some(("channel", name)), before, after);
}
