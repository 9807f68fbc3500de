//! Searching: lists, counts, facets, histograms, suggestions.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;
use utoipa::ToSchema;

use super::Answer;
use super::event::{COLUMNS, Event};
use crate::database::Transaction;

/// Which events.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// In the query language; empty for all.
    pub query: String,
    /// The first moment that belongs to it.
    pub since: Option<String>,
    /// The first moment that does not.
    pub until: Option<String>,
    /// Structured filters, as JSON.
    pub filters: Option<String>,
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The latest first.
    #[default]
    Newest,
    /// The earliest first.
    Oldest,
}

impl Order {
    /// As the database calls it.
    pub fn name(self) -> &'static str {
        match self {
            Order::Newest => "newest",
            Order::Oldest => "oldest",
        }
    }
}

/// A page of events, behind a place or from the beginning.
///
/// # Errors
/// What the database refuses, such as a query that is none.
pub async fn page(
    transaction: &Transaction,
    what: &Selection,
    order: Order,
    limit: i32,
    after: Option<&str>,
) -> Answer<Vec<Event>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM auditlog.search($1, $2::text::timestamptz, $3::text::timestamptz, $4::text::jsonb, $5, $6, $7) AS e"
    );
    let name = order.name();
    transaction
        .list(
            &sql,
            &[
                (&what.query, Type::TEXT),
                (&what.since, Type::TEXT),
                (&what.until, Type::TEXT),
                (&what.filters, Type::TEXT),
                (&limit, Type::INT4),
                (&after, Type::TEXT),
                (&name, Type::TEXT),
            ],
        )
        .await
}

/// The place behind the first `offset` events; none when there are not so many.
///
/// # Errors
/// What the database refuses.
pub async fn skip(transaction: &Transaction, what: &Selection, order: Order, offset: i32) -> Answer<Option<String>> {
    let name = order.name();
    transaction
        .scalar(
            "SELECT auditlog.cursor(e) FROM auditlog.search($1, $2::text::timestamptz, $3::text::timestamptz, $4::text::jsonb, $5, NULL, $6) AS e \
             OFFSET $5 - 1",
            &[
                (&what.query, Type::TEXT),
                (&what.since, Type::TEXT),
                (&what.until, Type::TEXT),
                (&what.filters, Type::TEXT),
                (&offset, Type::INT4),
                (&name, Type::TEXT),
            ],
        )
        .await
}

/// How many events there are, counted or estimated.
///
/// # Errors
/// What the database refuses.
pub async fn count(transaction: &Transaction, what: &Selection, exact: bool) -> Answer<i64> {
    let sql = "SELECT auditlog.count($1, $2::text::timestamptz, $3::text::timestamptz, $4::text::jsonb, $5)";
    let count: Option<i64> = transaction
        .scalar(
            sql,
            &[
                (&what.query, Type::TEXT),
                (&what.since, Type::TEXT),
                (&what.until, Type::TEXT),
                (&what.filters, Type::TEXT),
                (&exact, Type::BOOL),
            ],
        )
        .await?;
    Ok(count.unwrap_or(0))
}

/// A value of a field, and in how many events it is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Facet {
    /// The value.
    pub value: String,
    /// Events that have it.
    pub count: i64,
}

/// The most frequent values of a field.
///
/// # Errors
/// What the database refuses.
pub async fn facets(transaction: &Transaction, what: &Selection, field: &str, limit: i32) -> Answer<Vec<Facet>> {
    transaction
        .list(
            "SELECT f.value, f.count FROM auditlog.facets($1, $2, $3::text::timestamptz, $4::text::timestamptz, $5::text::jsonb, $6) AS f",
            &[
                (&what.query, Type::TEXT),
                (&field, Type::TEXT),
                (&what.since, Type::TEXT),
                (&what.until, Type::TEXT),
                (&what.filters, Type::TEXT),
                (&limit, Type::INT4),
            ],
        )
        .await
}

/// A span of time, and how many events it has.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Bucket {
    /// Its first moment.
    pub bucket: String,
    /// Events.
    pub count: i64,
}

/// How many events each span of time has.
///
/// # Errors
/// What the database refuses.
pub async fn histogram(
    transaction: &Transaction,
    what: &Selection,
    width: &str,
    zone: Option<&str>,
) -> Answer<Vec<Bucket>> {
    transaction
        .list(
            "SELECT h.bucket, h.count FROM auditlog.histogram($1, $2::text::interval, $3::text::timestamptz, $4::text::timestamptz, $5::text::jsonb, $6) AS h",
            &[
                (&what.query, Type::TEXT),
                (&width, Type::TEXT),
                (&what.since, Type::TEXT),
                (&what.until, Type::TEXT),
                (&what.filters, Type::TEXT),
                (&zone, Type::TEXT),
            ],
        )
        .await
}

/// What may stand at a place of a query.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Suggestion {
    /// The text.
    pub suggestion: String,
    /// Field, value, operator …
    pub kind: String,
    /// What it means.
    pub description: Option<String>,
    /// The first character that it replaces, counted from 1.
    pub replace_from: i32,
    /// The first one behind them.
    pub replace_to: i32,
}

/// What may stand at a character of a query.
///
/// # Errors
/// What the database refuses.
pub async fn suggest(
    transaction: &Transaction,
    query: &str,
    cursor: Option<i32>,
    limit: i32,
) -> Answer<Vec<Suggestion>> {
    transaction
        .list(
            "SELECT s.suggestion, s.kind, s.description, s.replace_from, s.replace_to FROM auditlog.suggest($1, $2, $3) AS s",
            &[(&query, Type::TEXT), (&cursor, Type::INT4), (&limit, Type::INT4)],
        )
        .await
}
