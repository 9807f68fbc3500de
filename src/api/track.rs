//! `auditlog.track` and `auditlog.untrack`: which tables' rows are captured.

use super::own_event;
use crate::compat;
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::row::{array_items, bytes};
use crate::store::tracked::{self, Tracked, as_json};
use crate::store::trigger_ddl::{self, Condition, qualified_name};
use crate::store::{catalog, inbox};
use auditlog_core::capture::{self, Existing, Rule, RuleError, Treatment};
use auditlog_core::json::Json;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::{Datum, Oid};

crate::sql_function!(auditlog_track, pg_finfo_auditlog_track, track);
crate::sql_function!(auditlog_untrack, pg_finfo_auditlog_untrack, untrack);

fn target(call: &Call) -> Oid {
    // SAFETY: raises PostgreSQL's own errors where nothing can be written.
    unsafe { pg_sys::PreventCommandIfReadOnly(c"auditlog.track()".as_ptr()) }
    inbox::shared_slot();
    match call.arg(0) {
        Some(datum) => Oid::from_u32(datum.value() as u32),
        None => Fault::new(Code::ERRCODE_NULL_VALUE_NOT_ALLOWED, "target must not be null")
            .hint("Name a table.")
            .raise(),
    }
}

fn track(call: &Call) -> Datum {
    let table = target(call);
    let ignore = names(call.arg(1));
    let mask = tracked::mask_object(call.jsonb(2));
    let (only_if, prefix) = (call.text(3), call.text(4));
    require_trackable(table);
    if let Some(prefix) = &prefix
        && !capture::is_event_prefix(prefix)
    {
        Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            "event_prefix is no beginning of event types",
        )
        .detail(format!("It is «{prefix}»."))
        .hint("Use lower case letters, digits, - and _, in parts separated by dots, and not auditlog.")
        .raise();
    }
    let condition = only_if.as_deref().map(Condition::new);
    // As CREATE TRIGGER does: writers wait, readers don't.
    // SAFETY: a relation that was there a moment ago; its name is looked up again.
    unsafe { pg_sys::LockRelationOid(table, pg_sys::ShareRowExclusiveLock as i32) }
    require_trackable(table);
    let columns = tracked::columns_of(table);
    let rules = capture::rules(&ignore, &mask, &columns).unwrap_or_else(|e| refuse_rules(e, &columns).raise());
    require_named_rows(table, &rules);
    if rules.iter().any(|rule| rule.treatment == Treatment::Hash) {
        crate::mask_key::require();
    }
    let before = tracked::get(table);
    // New triggers are added by whoever may add triggers; those that are there are their owner's to change.
    if before.is_some() || !tracked::triggers(table).is_empty() {
        require_owner(table, &qualified_name(table));
    }
    let intact = || tracked::state(table).as_deref() == Some("enabled");
    if !before
        .as_ref()
        .is_some_and(|before| before.only_if == only_if && intact())
    {
        trigger_ddl::drop(table);
        trigger_ddl::create(table, condition.as_ref());
    }
    tracked::put(table, &rules, only_if.as_deref(), prefix.as_deref());
    let after = as_json(&rules, only_if.as_deref(), prefix.as_deref());
    // What was recorded until now may not be any more.
    let severity = if before.is_some() { "warning" } else { "notice" };
    record(
        "track",
        severity,
        &qualified_name(table),
        before.as_ref().map(options),
        Some(after),
    );
    call.null()
}

fn untrack(call: &Call) -> Datum {
    let table = target(call);
    let name = qualified_name(table);
    // SAFETY: a catalogue look-up.
    let exists = unsafe { !pg_sys::get_rel_name(table).is_null() };
    if exists {
        require_owner(table, &name);
    }
    if exists {
        // SAFETY: as in `track`; triggers are dropped.
        unsafe { pg_sys::LockRelationOid(table, pg_sys::AccessExclusiveLock as i32) }
    }
    let Some(before) = tracked::get(table) else {
        Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, format!("table {name} is not tracked"))
            .hint("auditlog.tracked_tables lists the tables that are.")
            .raise()
    };
    if exists {
        trigger_ddl::drop(table);
    }
    tracked::remove(table);
    record("untrack", "warning", &name, Some(options(&before)), None);
    call.null()
}

fn require_owner(table: Oid, name: &str) {
    if !compat::owns_relation(table) {
        Fault::refused(format!("must be owner of table {name}"))
            .detail("Who changes or ends the recording of a table changes its triggers.")
            .hint("SET ROLE to its owner.")
            .raise();
    }
}

/// What the log says of how a table was tracked.
fn options(table: &Tracked) -> Json {
    as_json(&table.rules, table.only_if.as_deref(), table.event_prefix.as_deref())
}

/// Records that something about the tracking of a table changed.
pub fn record(operation: &str, severity: &str, table: &str, before: Option<Json>, after: Option<Json>) {
    let text = |value: &str| Json::String(value.to_owned());
    let object = |pairs: Vec<(&str, Json)>| Json::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    let mut changes = Vec::new();
    changes.extend(before.map(|v| ("before", v)));
    changes.extend(after.map(|v| ("after", v)));
    own_event::record_document(object(vec![
        ("event_type", text("auditlog.policy_change")),
        ("severity", text(severity)),
        (
            "actor",
            object(vec![
                ("type", text("database_role")),
                ("id", text(&crate::provenance::session_user())),
            ]),
        ),
        ("resource", object(vec![("type", text("table")), ("id", text(table))])),
        (
            "action",
            object(vec![("operation", text(operation)), ("status", text("success"))]),
        ),
        ("changes", object(changes)),
    ]));
}

fn names(array: Option<Datum>) -> Vec<String> {
    // SAFETY: declared as text[].
    let items = array.map(|datum| array_items(unsafe { bytes(datum) }));
    match items {
        None => Vec::new(),
        Some(Some(items)) => items
            .into_iter()
            .map(|i| String::from_utf8_lossy(i).into_owned())
            .collect(),
        Some(None) => Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            "ignore_columns must be a plain list",
        )
        .hint("Give a one-dimensional text[] without NULLs.")
        .raise(),
    }
}

fn refuse_rules(error: RuleError, columns: &[Existing]) -> Fault {
    let list: Vec<&str> = columns.iter().map(|(_, name)| name.as_str()).collect();
    match error {
        RuleError::NoColumn(_) => Fault::new(Code::ERRCODE_UNDEFINED_COLUMN, error.to_string())
            .detail(format!("The table has the columns {}.", list.join(", "))),
        RuleError::NoMask(..) => Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "unknown mask")
            .detail(format!("C{}.", &error.to_string()[1..]))
            .hint("Masks are drop, hash and redact."),
        RuleError::Twice(_) => Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, error.to_string())
            .hint("Ignored columns are not recorded at all; choose one."),
        RuleError::Stored => Fault::broken(error.to_string()),
    }
}

/// The key is the resource's id: rows must stay apart.
fn require_named_rows(table: Oid, rules: &[Rule]) {
    let key = tracked::key(table);
    let hidden = rules
        .iter()
        .find(|rule| key.contains(&rule.number) && matches!(rule.treatment, Treatment::Drop | Treatment::Redact));
    if let Some(rule) = hidden {
        Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("column {} belongs to the primary key", rule.name),
        )
        .detail(format!(
            "Masked by {}, rows could not be told apart.",
            rule.treatment.name()
        ))
        .hint("Use the mask hash.")
        .raise();
    }
}

/// Refuses what has no rows of its own, or none that may be captured; and who may not make triggers.
fn require_trackable(table: Oid) {
    // SAFETY: opened and closed here; names are looked up in the catalogue.
    let (kind, persistence, partition, system, schema) = unsafe {
        let open = pg_sys::try_relation_open(table, pg_sys::AccessShareLock as i32);
        if open.is_null() {
            Fault::new(
                Code::ERRCODE_UNDEFINED_TABLE,
                format!("there is no relation {}", table.to_u32()),
            )
            .raise();
        }
        let class = (*open).rd_rel;
        let found = (
            (*class).relkind as u8,
            (*class).relpersistence as u8,
            (*class).relispartition,
            pg_sys::IsCatalogRelation(open) || pg_sys::IsToastRelation(open),
            (*class).relnamespace,
        );
        pg_sys::relation_close(open, pg_sys::NoLock as i32);
        found
    };
    let name = qualified_name(table);
    let wrong = |what: &str, hint: &str| -> ! {
        Fault::new(Code::ERRCODE_WRONG_OBJECT_TYPE, format!("{name} {what}"))
            .hint(hint)
            .raise()
    };
    if system {
        wrong(
            "is a system catalog",
            "What changes there is captured as database events.",
        );
    }
    if catalog::is_ours(schema) {
        wrong(
            "belongs to the audit log",
            "The audit log records its own changes by itself; track tables of the application.",
        );
    }
    match kind {
        pg_sys::RELKIND_RELATION | pg_sys::RELKIND_PARTITIONED_TABLE => {}
        pg_sys::RELKIND_VIEW => wrong(
            "is a view",
            "Track the tables below it: writes through the view are captured there.",
        ),
        pg_sys::RELKIND_MATVIEW => wrong("is a materialized view", "Track the tables that it is made from."),
        pg_sys::RELKIND_FOREIGN_TABLE => wrong("is a foreign table", "Track the table on the server where it is."),
        _ => wrong("is not a table", "Name a table."),
    }
    if persistence == pg_sys::RELPERSISTENCE_TEMP {
        wrong(
            "is a temporary table",
            "Its rows are seen by one session only and gone with it.",
        );
    }
    if partition {
        wrong(
            "is a partition",
            "Track the partitioned table: its partitions, later ones too, are captured with it.",
        );
    }
    if !compat::may_add_triggers(table) {
        Fault::refused(format!("permission denied for table {name}"))
            .detail("auditlog.track() needs the right TRIGGER on it, which its owner has.")
            .hint(format!("SET ROLE to its owner, or GRANT TRIGGER ON {name}."))
            .raise();
    }
}
