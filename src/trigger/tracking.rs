//! After DDL: keeps the list of tracked tables true to the catalogue, and records what ended the capture of
//! rows. A table's owner may disable or drop its triggers, or drop the table; the log says so.

use super::ddl_guard::command_tag;
use crate::api::track::record;
use crate::store::tracked;
use crate::store::trigger_ddl::{self, qualified_name};
use auditlog_core::json::Json;
use pgrx::pg_sys;

/// Commands after which there may be something to do.
fn concerns(tag: &str) -> bool {
    matches!(
        tag,
        "CREATE TABLE" | "CREATE TRIGGER" | "ALTER TRIGGER" | "DROP TRIGGER" | "DROP OWNED" | "DROP FUNCTION"
    ) || tag.starts_with("ALTER TABLE")
}

/// At the end of a command.
pub fn after_ddl(trigger: &pg_sys::EventTriggerData) {
    let tag = command_tag(trigger);
    if !concerns(&tag) || !tracked::any() {
        return;
    }
    // Renamed columns and restored tables. Where a mask is not clear, writes are refused: nothing to do here.
    for table in tracked::all().into_iter().flatten() {
        tracked::refresh(&table);
    }
    if loading_dump() {
        return;
    }
    for partition in tracked::without_truncate() {
        trigger_ddl::complete_partition(partition);
    }
    if tag.starts_with("ALTER TABLE") {
        for relation in tracked::detached() {
            trigger_ddl::drop(relation);
            record("detach_partition", "warning", &qualified_name(relation), None, None);
        }
    }
    for (relation, before, after) in tracked::changed_states() {
        tracked::set_state(relation, &after);
        let severity = if after == "enabled" { "notice" } else { "warning" };
        record(
            "capture_state",
            severity,
            &qualified_name(relation),
            Some(state(&before)),
            Some(state(&after)),
        );
    }
}

/// A dump makes triggers one by one, as they were. Its scripts, and hardly anybody else, begin with
/// row_security = off; only superusers load one.
fn loading_dump() -> bool {
    // SAFETY: settings of this process and a look-up inside a transaction; the outer user, as we may act as another.
    unsafe { !pg_sys::row_security && pg_sys::superuser_arg(pg_sys::GetOuterUserId()) }
}

/// Before the end of a command that dropped something.
pub fn after_drop() {
    if !tracked::any() {
        return;
    }
    for (was_tracked, relation, name) in tracked::dropped() {
        if was_tracked {
            tracked::remove(relation);
            record("drop_table", "warning", &name, None, None);
        } else {
            record("drop_partition", "warning", &name, None, None);
        }
    }
}

fn state(state: &str) -> Json {
    Json::Object(vec![("state".to_owned(), Json::String(state.to_owned()))])
}
