//! How long events stay, as people say it: `set_retention`, `retention`, `retention_requirements`, `retention_conflicts`,
//! `plan_retention`, `run_retention`.

use super::definition_error;
use super::own_event::{self, OwnEvent};
use crate::error::Fault;
use crate::fmgr::{Call, Rows};
use crate::shmem;
use crate::store::columns::{text, text_list};
use crate::store::inbox::shared_slot;
use crate::store::{POSTGRES_EPOCH, jsonb, retention, retention_plan};
use auditlog_policy::retention::age::Age;
use auditlog_policy::retention::conflict::{Conflict, Grain, conflicts};
use auditlog_policy::retention::policy::RetentionPolicy;
use auditlog_policy::retention::requirement::built_in;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;
use std::sync::atomic::Ordering::Acquire;

crate::sql_function!(auditlog_set_retention, pg_finfo_auditlog_set_retention, set);
crate::sql_function!(auditlog_retention, pg_finfo_auditlog_retention, show);
crate::sql_function!(
    auditlog_retention_requirements,
    pg_finfo_auditlog_retention_requirements,
    requirements
);
crate::sql_function!(
    auditlog_retention_conflicts,
    pg_finfo_auditlog_retention_conflicts,
    show_conflicts
);
crate::sql_function!(auditlog_plan_retention, pg_finfo_auditlog_plan_retention, plan);
crate::sql_function!(auditlog_run_retention, pg_finfo_auditlog_run_retention, run);
crate::sql_function!(auditlog_keeper_state, pg_finfo_auditlog_keeper_state, state);

/// Longest definition, in bytes.
const LONGEST: usize = 256 * 1024;

/// `set_retention(definition)`
fn set(call: &Call) -> Datum {
    let definition = match call.text(0) {
        Some(definition) if definition.len() <= LONGEST => definition,
        Some(definition) => Fault::new(Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED, "the retention policy is too long")
            .detail(format!("It has {} bytes; {LONGEST} are allowed.", definition.len()))
            .hint("Name groups of event types by their beginning, such as authentication.*.")
            .raise(),
        None => Fault::new(Code::ERRCODE_NULL_VALUE_NOT_ALLOWED, "the retention policy is missing")
            .detail("The definition is NULL.")
            .hint(
                "Give it as YAML or JSON: retention_policies, each with event_types, hot_days, warm_days, cold_years.",
            )
            .raise(),
    };
    let (policy, warnings) =
        RetentionPolicy::parse(&definition).unwrap_or_else(|error| definition_error::raise(&error));
    let who = crate::provenance::session_user();
    let canonical = jsonb::from_text(policy.to_json().to_string());
    let (version, before) = retention::set(&definition, &canonical, &policy.fingerprint(), &who);
    let change = OwnEvent {
        event_type: "auditlog.retention_change",
        severity: "warning",
        actor: ("database_role", &who),
        operation: "set_retention",
        metadata: &[
            ("version", own_event::number(version)),
            ("fingerprint", own_event::text(&policy.fingerprint())),
        ],
    };
    own_event::record_change(
        &change,
        Some(("retention_policy", &version.to_string())),
        before,
        Some(canonical),
    );
    let mut rows = Rows::new(call);
    for conflict in found(&policy) {
        rows.push(&[
            some("conflict"),
            some(&conflict.class),
            some(&conflict.message),
            some(&conflict.hint),
        ]);
    }
    for warning in warnings {
        let place = format!("line {}, column {}: {}", warning.line, warning.column, warning.message);
        rows.push(&[some("warning"), None, some(&place), some(&warning.hint)]);
    }
    call.null()
}

/// Conflicts of a policy, with partitions of months.
fn found(policy: &RetentionPolicy) -> Vec<Conflict> {
    conflicts(policy, &built_in(), Grain::default())
}

fn some(value: &str) -> Option<Datum> {
    Some(text(value.as_bytes()))
}

/// `retention()`
fn show(call: &Call) -> Datum {
    let mut rows = Rows::new(call);
    let policy = retention::in_force();
    let age = |age: Age| some(&age.words());
    for (class, line) in policy.policy.classes().iter().zip(policy.policy.explain()) {
        let types: Vec<String> = class.event_types.iter().map(ToString::to_string).collect();
        let labels: Vec<&str> = class.classification.iter().map(String::as_str).collect();
        rows.push(&[
            some(&class.name),
            Some(text_list(types.iter().map(String::as_str))),
            age(class.tiers.hot),
            age(class.tiers.warm),
            age(class.tiers.cold),
            Some(text_list(labels.into_iter())),
            class.description.as_deref().and_then(some),
            some(&line),
        ]);
    }
    call.null()
}

/// `retention_requirements()`
fn requirements(call: &Call) -> Datum {
    let mut rows = Rows::new(call);
    let days = |days: Option<u32>| days.and_then(|days| some(&format!("{days} days")));
    for one in built_in() {
        rows.push(&[
            some(&one.id),
            some(&one.title),
            some(one.nature.label()),
            days(one.minimum_days),
            days(one.at_hand_days),
            days(one.maximum_days),
            some(&one.basis),
        ]);
    }
    call.null()
}

/// `retention_conflicts()`
fn show_conflicts(call: &Call) -> Datum {
    let mut rows = Rows::new(call);
    for conflict in found(&retention::in_force().policy) {
        rows.push(&[
            some(&conflict.class),
            some(conflict.kind.label()),
            some(&conflict.message),
            some(&conflict.basis.join("; ")),
        ]);
    }
    call.null()
}

/// `plan_retention(at)`
fn plan(call: &Call) -> Datum {
    let at = call
        .int(0)
        .map_or_else(shmem::unix_micros, |us| us.saturating_add(POSTGRES_EPOCH));
    let mut rows = Rows::new(call);
    for found in retention_plan::due(at).moves {
        rows.push(&[
            some(&found.partition.relation),
            some(&found.partition.class),
            some(&found.partition.tier),
            some(found.kind.label()),
            some(&found.to_class),
            found.due_at.map(|us| Datum::from(us - POSTGRES_EPOCH)),
            Some(found.events.into()),
            Some(found.bytes.into()),
            Some(found.held.into()),
            found.blocked.as_deref().and_then(some),
        ]);
    }
    for object in retention_plan::expired(at) {
        rows.push(&[
            some(&object.name),
            some(&object.class),
            some("cold"),
            some("expire"),
            some(&object.class),
            None,
            Some(object.events.into()),
            Some(object.bytes.into()),
            Some(0_i64.into()),
            None,
        ]);
    }
    call.null()
}

/// `run_retention(at)`
fn run(call: &Call) -> Datum {
    let at = call.int(0).map(|us| us.saturating_add(POSTGRES_EPOCH));
    if at.is_some_and(|at| at > shmem::unix_micros()) {
        Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            "retention cannot be run as of the future",
        )
        .detail("Events would go before their time.")
        .hint("auditlog.plan_retention() shows what will be due at any time.")
        .raise();
    }
    let id = retention::ask(at, &crate::provenance::session_user());
    shared_slot().keeper.start_soon();
    id.into()
}

/// `keeper_state()`
fn state(call: &Call) -> Datum {
    let mut rows = Rows::new(call);
    if let Some(slot) = shmem::my_slot() {
        let pid = slot.keeper.pid.load(Acquire);
        let at = slot.keeper_errors.at.load(Acquire);
        rows.push(&[
            (pid > 0).then(|| pid.into()),
            Some((slot.keeper_errors.count.load(Acquire) as i64).into()),
            (at != 0).then(|| (at - POSTGRES_EPOCH).into()),
            slot.keeper_errors.text().as_deref().and_then(some),
        ]);
    }
    call.null()
}
