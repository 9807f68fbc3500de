//! Saved queries.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;
use utoipa::ToSchema;

use super::Answer;
use crate::database::Transaction;

/// A query under a name, for `_saved_:name`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SavedQuery {
    /// Its name.
    pub name: String,
    /// In the query language.
    pub query: String,
    /// What it is for.
    pub description: Option<String>,
    /// Who saved it first.
    pub created_by: String,
    /// When.
    pub created_at: String,
    /// Who changed it last.
    pub updated_by: String,
    /// When.
    pub updated_at: String,
}

/// All saved queries.
///
/// # Errors
/// What the database refuses.
pub async fn list(transaction: &Transaction) -> Answer<Vec<SavedQuery>> {
    transaction
        .list(
            "SELECT s.name, s.query, s.description, s.created_by, s.created_at, s.updated_by, s.updated_at \
             FROM auditlog.saved_queries AS s ORDER BY s.name COLLATE \"C\"",
            &[],
        )
        .await
}

/// Saves a query, in place of the caller's own of this name.
///
/// # Errors
/// What the database refuses.
pub async fn save(transaction: &Transaction, name: &str, query: &str, description: Option<&str>) -> Answer<()> {
    transaction
        .call(
            "SELECT auditlog.save_query($1, $2, $3)",
            &[(&name, Type::TEXT), (&query, Type::TEXT), (&description, Type::TEXT)],
        )
        .await
}

/// Deletes one.
///
/// # Errors
/// What the database refuses.
pub async fn delete(transaction: &Transaction, name: &str) -> Answer<()> {
    transaction
        .call("SELECT auditlog.delete_query($1)", &[(&name, Type::TEXT)])
        .await
}
