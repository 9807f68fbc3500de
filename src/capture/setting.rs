//! Settings: of the server, of a database, of a role, of this session.

use super::document::{Draft, LookUp};
use super::nodes;
use crate::api::own_event::text;
use crate::store::roles;
use auditlog_core::json::Json;
use pgrx::pg_sys;
use std::ffi::CString;

/// Settings of ours by which nobody escapes anything, and the context, which says no more than an event does.
const HARMLESS: [&str; 4] = [
    "auditlog.context",
    "auditlog.query_strict",
    "auditlog.query_timezone",
    "auditlog.word_index",
];

/// The value that SET gives; `None` for DEFAULT and RESET.
///
/// # Safety
/// A live statement. It is evaluated as PostgreSQL will do it, with the same errors.
pub unsafe fn value(statement: *mut pg_sys::VariableSetStmt) -> Option<String> {
    use pg_sys::VariableSetKind as V;
    // SAFETY: as the caller promises.
    unsafe {
        match (*statement).kind {
            V::VAR_SET_VALUE | V::VAR_SET_CURRENT => nodes::text(pg_sys::ExtractSetVariableArgs(statement)),
            _ => None,
        }
    }
}

/// The setting's value now.
fn current(name: &str) -> Option<String> {
    let name = CString::new(name).ok()?;
    // SAFETY: a NUL-terminated name; unknown ones are allowed.
    unsafe { nodes::text(pg_sys::GetConfigOption(name.as_ptr(), true, false)) }
}

/// A setting and its value without secrets.
fn state(name: &str, value: Option<String>) -> Option<Json> {
    let value = value?;
    Some(Json::Object(vec![(
        name.to_owned(),
        text(&auditlog_redact::value(name, &value)),
    )]))
}

/// The values in a list of `name=value`, as an object.
pub fn states(list: &[String]) -> Json {
    let pairs = list.iter().filter_map(|entry| entry.split_once('='));
    Json::Object(
        pairs
            .map(|(name, value)| (name.to_owned(), text(&auditlog_redact::value(name, value))))
            .collect(),
    )
}

unsafe fn name_of(statement: *const pg_sys::VariableSetStmt) -> String {
    // SAFETY: a live statement; RESET ALL has no name.
    unsafe { nodes::text((*statement).name) }.unwrap_or_else(|| "ALL".to_owned())
}

unsafe fn verb(statement: *const pg_sys::VariableSetStmt) -> &'static str {
    use pg_sys::VariableSetKind as V;
    // SAFETY: a live statement.
    match unsafe { (*statement).kind } {
        V::VAR_RESET => "reset",
        V::VAR_RESET_ALL => "reset all",
        V::VAR_SET_DEFAULT => "set to default",
        _ => "set",
    }
}

/// ALTER SYSTEM. It writes a file, so its event is recorded before.
///
/// # Safety
/// A live statement.
pub unsafe fn alter_system(statement: *const pg_sys::AlterSystemStmt) -> Draft {
    // SAFETY: as the caller promises.
    unsafe {
        let set = (*statement).setstmt;
        let name = name_of(set);
        let mut draft = Draft::new("config.alter_system", "config", verb(set)).on("setting", name.as_str());
        draft.before = state(&name, current(&name));
        draft.after = state(&name, value(set));
        draft
    }
}

/// ALTER DATABASE … SET.
///
/// # Safety
/// A live statement.
pub unsafe fn alter_database(statement: *const pg_sys::AlterDatabaseSetStmt) -> Draft {
    // SAFETY: as the caller promises.
    unsafe {
        let database = nodes::text((*statement).dbname).unwrap_or_default();
        let set = (*statement).setstmt;
        let draft = Draft::new("config.alter_database", "config", verb(set)).on("database", database.as_str());
        compare(draft, name_of(set), String::new(), database)
    }
}

/// ALTER ROLE … SET.
///
/// # Safety
/// A live statement.
pub unsafe fn alter_role(statement: *const pg_sys::AlterRoleSetStmt) -> Draft {
    // SAFETY: as the caller promises.
    unsafe {
        let s = &*statement;
        let role = if s.role.is_null() {
            String::new()
        } else {
            nodes::role(s.role)
        };
        let database = nodes::text(s.database).unwrap_or_default();
        let shown = if role.is_empty() { "ALL" } else { &role };
        let mut draft = Draft::new("config.alter_role", "config", verb(s.setstmt)).on("role", shown);
        if !database.is_empty() {
            draft = draft.with("database", text(&database));
        }
        compare(draft, name_of(s.setstmt), role, database)
    }
}

fn compare(draft: Draft, setting: String, role: String, database: String) -> Draft {
    let mut draft = draft.with("setting", text(&setting));
    if setting.starts_with("auditlog.") {
        draft = draft.severity("warning");
    }
    draft.before = Some(states(&roles::settings(&role, &database)));
    draft.look_up = LookUp::Settings { role, database };
    draft
}

/// SET of a setting of ours that is not for everybody to set.
///
/// # Safety
/// A live statement.
pub unsafe fn of_session(statement: *mut pg_sys::VariableSetStmt) -> Option<Draft> {
    // SAFETY: as the caller promises.
    unsafe {
        let name = nodes::text((*statement).name)?.to_ascii_lowercase();
        if !name.starts_with("auditlog.") || HARMLESS.contains(&name.as_str()) {
            return None;
        }
        let mut draft = Draft::new("auditlog.setting_change", "config", verb(statement)).on("setting", name.as_str());
        draft.before = state(&name, current(&name));
        draft.after = state(&name, value(statement));
        Some(draft.with(
            "scope",
            text(if (*statement).is_local {
                "transaction"
            } else {
                "session"
            }),
        ))
    }
}

/// What differs between two states; both empty when nothing does.
pub fn difference(before: Option<Json>, after: Option<Json>) -> (Option<Json>, Option<Json>) {
    let (Some(Json::Object(before)), Some(Json::Object(after))) = (&before, &after) else {
        return (before, after);
    };
    let only = |these: &[(String, Json)], those: &[(String, Json)]| {
        let differing = these.iter().filter(|pair| !those.contains(pair)).cloned();
        Json::Object(differing.collect())
    };
    (Some(only(before, after)), Some(only(after, before)))
}

/// Settings that a server has read anew: an event each, of those that changed.
pub fn changes(before: &[(String, String)], after: &[(String, String)]) -> Vec<Draft> {
    let find = |list: &[(String, String)], name: &str| {
        list.iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    };
    let mut drafts = Vec::new();
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for (name, value) in after {
        let known = find(before, name);
        if known.as_ref() == Some(value) {
            continue;
        }
        let shown = |value: &str| text(&auditlog_redact::value(name, value));
        if name.starts_with("auditlog.") {
            let mut draft = Draft::new("auditlog.setting_change", "config", "reload").on("setting", name.as_str());
            draft.before = state(name, known.clone());
            draft.after = state(name, Some(value.clone()));
            drafts.push(draft.with("scope", text("server")));
        }
        old.extend(known.map(|known| (name.clone(), shown(&known))));
        new.push((name.clone(), shown(value)));
    }
    if !new.is_empty() {
        let mut draft = Draft::new("config.reload", "config", "reload").on("server", "settings");
        draft.before = Some(Json::Object(old));
        draft.after = Some(Json::Object(new));
        drafts.push(draft);
    }
    drafts
}
