//! The catalogue `auditlog.event_types`, kept in memory until somebody changes the table.

use super::catalog::{as_owner, event_types_when_stale, objects};
use super::spi;
use crate::error::Fault;
use auditlog_core::event::Severity;
use auditlog_core::json::Json;
use auditlog_core::schema::Schema;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// What the catalogue says of a type.
pub struct EventType {
    /// The type's category.
    pub category: String,
    /// Severity of events that don't say one.
    pub default_severity: Severity,
    /// The JSON Schema, compiled; `Err` says why it can't be.
    pub schema: Option<Result<Schema, String>>,
}

thread_local! {
    static TYPES: RefCell<HashMap<String, Rc<EventType>>> = RefCell::new(HashMap::new());
}

/// The catalogue's entry for a type.
pub fn get(event_type: &str) -> Option<Rc<EventType>> {
    objects(); // registers the invalidation before the first load
    event_types_when_stale(|| {
        let loaded = as_owner(load);
        TYPES.with_borrow_mut(|types| *types = loaded);
    });
    TYPES.with_borrow(|types| types.get(event_type).cloned())
}

/// Category of a type: the catalogue's, or the first part of its name.
pub fn category<'a>(event_type: &'a str, known: Option<&'a EventType>) -> &'a str {
    known.map_or_else(|| event_type.split('.').next().unwrap_or(event_type), |t| &t.category)
}

fn load() -> HashMap<String, Rc<EventType>> {
    // The newest: what an old snapshot shows must not be kept for the transactions after this one.
    spi::read_latest(
        "SELECT event_type, category, default_severity::text, json_schema FROM auditlog.event_types",
        &[],
    )
    .iter()
    .filter_map(|row| {
        let schema = row[3].bytes().map(|b| {
            let json: Json = super::jsonb::tree(b).map_err(|_| "the stored schema cannot be read".to_owned())?;
            Schema::compile(&json).map_err(|e| e.to_string())
        });
        let entry = EventType {
            category: row[1].text()?,
            default_severity: Severity::from_label(&row[2].text()?)?,
            schema,
        };
        Some((row[0].text()?, Rc::new(entry)))
    })
    .collect()
}

/// Refuses a JSON Schema that cannot be compiled, before it is stored.
pub fn check_schema(schema: &Json) {
    if let Err(e) = Schema::compile(schema) {
        Fault::new(
            pgrx::PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "json_schema is no valid JSON Schema",
        )
        .detail(format!("{e}"))
        .hint("Give a JSON Schema of draft 2020-12, 2019-09, 7, 6 or 4.")
        .raise();
    }
}
