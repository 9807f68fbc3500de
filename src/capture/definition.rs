//! Definitions of objects that belong to the whole cluster (event triggers hear of the others), and attempts that
//! failed.

use super::document::Draft;
use super::{nodes, tags};
use crate::api::own_event::text;
use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag as T;

/// A database or tablespace that a statement makes, changes or drops. Such statements do more than the transaction
/// could undo, so their events are recorded before.
///
/// # Safety
/// A live statement.
pub unsafe fn shared(node: *mut pg_sys::Node) -> Option<Draft> {
    // SAFETY: as the caller promises; the tag says what the node is.
    unsafe {
        let (kind, name, event_type, operation) = match nodes::tag(node) {
            T::T_CreatedbStmt => {
                let name = (*node.cast::<pg_sys::CreatedbStmt>()).dbname;
                ("database", name, "ddl.create", "create database")
            }
            T::T_DropdbStmt => {
                let name = (*node.cast::<pg_sys::DropdbStmt>()).dbname;
                ("database", name, "ddl.drop", "drop database")
            }
            T::T_AlterDatabaseStmt => {
                let name = (*node.cast::<pg_sys::AlterDatabaseStmt>()).dbname;
                ("database", name, "ddl.alter", "alter database")
            }
            T::T_CreateTableSpaceStmt => {
                let name = (*node.cast::<pg_sys::CreateTableSpaceStmt>()).tablespacename;
                ("tablespace", name, "ddl.create", "create tablespace")
            }
            T::T_DropTableSpaceStmt => {
                let name = (*node.cast::<pg_sys::DropTableSpaceStmt>()).tablespacename;
                ("tablespace", name, "ddl.drop", "drop tablespace")
            }
            _ => return None,
        };
        let name = nodes::text(name).unwrap_or_default();
        Some(Draft::new(event_type, "ddl", operation).on(kind, name))
    }
}

/// RENAME of a database or tablespace.
pub fn renamed(kind: &'static str, from: &str, to: &str) -> Draft {
    let name = |name: &str| Some(super::document::object([("name", Some(text(name)))]));
    let mut draft = Draft::new("ddl.alter", "ddl", format!("alter {kind}")).on(kind, from);
    (draft.before, draft.after) = (name(from), name(to));
    draft
}

/// OWNER TO of a database or tablespace.
pub fn new_owner(kind: &'static str, name: &str, owner: &str) -> Draft {
    Draft::new("owner.change", "role", format!("alter {kind}"))
        .on(kind, name)
        .with("new_owner", text(owner))
}

/// A definition that failed; `None` when the command defines nothing.
pub fn failed(tag: &str) -> Option<Draft> {
    let event_type = tags::event_type(tag)?;
    let mut draft = Draft::new(event_type, "ddl", tag.to_ascii_lowercase());
    // Which object it would have been is in the statement only.
    draft.metadata.push(("object_type", text(&tags::object_type(tag))));
    Some(draft)
}
