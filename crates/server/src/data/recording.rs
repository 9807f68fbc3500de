//! Recording events.

use tokio_postgres::types::Type;

use super::Answer;
use crate::database::Transaction;

/// Records one event; its id, or the id that the same key had first.
///
/// # Errors
/// What the database refuses.
pub async fn one(transaction: &Transaction, document: &str, key: Option<&str>) -> Answer<Option<String>> {
    transaction
        .scalar(
            "SELECT auditlog.record($1::text::jsonb, $2::text)",
            &[(&document, Type::TEXT), (&key, Type::TEXT)],
        )
        .await
}

/// Records an array of events, all or none; how many were new.
///
/// # Errors
/// What the database refuses.
pub async fn batch(transaction: &Transaction, documents: &str) -> Answer<i64> {
    let recorded: Option<i64> = transaction
        .scalar(
            "SELECT auditlog.record_batch($1::text::jsonb)",
            &[(&documents, Type::TEXT)],
        )
        .await?;
    Ok(recorded.unwrap_or(0))
}

/// Records an event a line, all or none; how many were new.
///
/// # Errors
/// What the database refuses.
pub async fn lines(transaction: &Transaction, lines: &str) -> Answer<i64> {
    let recorded: Option<i64> = transaction
        .scalar("SELECT auditlog.record_ndjson($1)", &[(&lines, Type::TEXT)])
        .await?;
    Ok(recorded.unwrap_or(0))
}
