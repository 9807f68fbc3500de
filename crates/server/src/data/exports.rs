//! Exports: rows to the caller, and files that the database's server writes.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::RowStream;
use tokio_postgres::types::Type;
use utoipa::ToSchema;

use super::Answer;
use super::search::Selection;
use crate::database::Transaction;

/// One query for a query and structured filters.
///
/// # Errors
/// When one of them is none.
pub async fn whole_query(transaction: &Transaction, what: &Selection) -> Answer<String> {
    // By itself first: what is put into brackets must be a query without them.
    super::event::check_query(transaction, &what.query).await?;
    let Some(filters) = &what.filters else {
        return Ok(what.query.clone());
    };
    let filters: Option<String> = transaction
        .scalar(
            "SELECT auditlog.filter_query($1::text::jsonb)",
            &[(filters, Type::TEXT)],
        )
        .await?;
    Ok(match filters {
        Some(filters) if what.query.trim().is_empty() => filters,
        Some(filters) => format!("({}) AND ({filters})", what.query),
        None => what.query.clone(),
    })
}

/// Events as lines of a format, one by one.
///
/// # Errors
/// What the database refuses before the first line.
pub async fn lines(
    transaction: &Transaction,
    format: &str,
    what: &Selection,
    options: Option<&str>,
) -> Answer<RowStream> {
    let query = whole_query(transaction, what).await?;
    transaction
        .stream(
            "SELECT * FROM auditlog.export_rows($1, $2, $3::text::timestamptz, $4::text::timestamptz, $5::text::jsonb)",
            &[
                (&format, Type::TEXT),
                (&query, Type::TEXT),
                (&what.since, Type::TEXT),
                (&what.until, Type::TEXT),
                (&options, Type::TEXT),
            ],
        )
        .await
}

/// Has the database's server write a file; the export's number.
///
/// # Errors
/// What the database refuses.
pub async fn begin(
    transaction: &Transaction,
    format: &str,
    what: &Selection,
    destination: &str,
    options: Option<&str>,
) -> Answer<Option<i64>> {
    let query = whole_query(transaction, what).await?;
    transaction
        .scalar(
            "SELECT auditlog.export($1, $2, $3::text::timestamptz, $4::text::timestamptz, $5, $6::text::jsonb)",
            &[
                (&format, Type::TEXT),
                (&query, Type::TEXT),
                (&what.since, Type::TEXT),
                (&what.until, Type::TEXT),
                (&destination, Type::TEXT),
                (&options, Type::TEXT),
            ],
        )
        .await
}

/// An export to a file.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Export {
    /// Its number.
    pub id: i64,
    /// waiting, running, done, failed or cancelled.
    pub state: String,
    /// Of its lines.
    pub format: String,
    /// Which events.
    pub query: String,
    /// From when.
    pub since: Option<String>,
    /// Until before when.
    pub until: Option<String>,
    /// Where to.
    pub destination: String,
    /// Of the format.
    #[schema(value_type = Object)]
    pub options: Value,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: String,
    /// When it began.
    pub begun_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Events so far.
    pub events: i64,
    /// Bytes so far.
    pub bytes: i64,
    /// How far it has read the log.
    pub position: i64,
    /// How far the log went when it was asked for.
    pub log_size: i64,
    /// Files.
    pub files: Option<Vec<String>>,
    /// Their hashes.
    pub sha256: Option<Vec<String>>,
    /// Hash of the manifest.
    pub manifest_sha256: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

const EXPORT: &str = "SELECT x.id, x.state, x.format, x.query, x.since, x.until, x.destination, x.options, x.asked_by, x.asked_at, x.begun_at, \
    x.ended_at, x.events, x.bytes, x.\"position\", x.log_size, x.files, x.sha256, x.manifest_sha256, x.error FROM auditlog.exports AS x";

/// The newest exports.
///
/// # Errors
/// What the database refuses.
pub async fn list(transaction: &Transaction, limit: i64, before: Option<i64>) -> Answer<Vec<Export>> {
    let sql = format!("{EXPORT} WHERE $2::int8 IS NULL OR x.id < $2 ORDER BY x.id DESC LIMIT $1");
    transaction
        .list(&sql, &[(&limit, Type::INT8), (&before, Type::INT8)])
        .await
}

/// One.
///
/// # Errors
/// What the database refuses.
pub async fn one(transaction: &Transaction, id: i64) -> Answer<Option<Export>> {
    transaction
        .optional(&format!("{EXPORT} WHERE x.id = $1"), &[(&id, Type::INT8)])
        .await
}

/// Ends one; false when it has ended already.
///
/// # Errors
/// What the database refuses.
pub async fn cancel(transaction: &Transaction, id: i64) -> Answer<bool> {
    let ended: Option<bool> = transaction
        .scalar("SELECT auditlog.cancel_export($1)", &[(&id, Type::INT8)])
        .await?;
    Ok(ended.unwrap_or(false))
}
