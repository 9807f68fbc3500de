//! What queries and events may be made of: fields, event types.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Answer;
use crate::database::Transaction;

/// A field that queries know.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Field {
    /// Its name.
    pub field: String,
    /// The column of `auditlog.events`.
    pub column: Option<String>,
    /// Kind of its values.
    #[serde(rename = "type")]
    pub kind: String,
    /// Shorter names.
    pub short_names: Option<Vec<String>>,
    /// What it is.
    pub description: Option<String>,
    /// A condition.
    pub example: Option<String>,
}

/// The fields that queries know.
///
/// # Errors
/// What the database refuses.
pub async fn fields(transaction: &Transaction) -> Answer<Vec<Field>> {
    transaction
        .list(
            "SELECT f.field, f.\"column\", f.type, f.short_names, f.description, f.example FROM auditlog.fields() AS f",
            &[],
        )
        .await
}

/// A type of events.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventType {
    /// Its name.
    pub event_type: String,
    /// Its category.
    pub category: String,
    /// Severity of events that say none.
    pub default_severity: String,
    /// What it tells of.
    pub description: Option<String>,
    /// Does it come with the extension?
    pub built_in: bool,
}

/// The catalogue of event types.
///
/// # Errors
/// What the database refuses.
pub async fn event_types(transaction: &Transaction) -> Answer<Vec<EventType>> {
    transaction
        .list(
            "SELECT t.event_type, t.category, t.default_severity, t.description, t.built_in FROM auditlog.event_types AS t ORDER BY t.event_type COLLATE \"C\"",
            &[],
        )
        .await
}
