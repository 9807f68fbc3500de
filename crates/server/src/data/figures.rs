//! Figures of pages: what is counted around a search, and for the overview. Each is one statement, so that a look at a page
//! is one event of the access journal and not twenty.

use serde::Deserialize;
use tokio_postgres::types::Type;

use super::Answer;
use super::search::{Bucket, Facet, Selection};
use crate::database::Transaction;

/// What is around the events that a search has found.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Around {
    /// How many there are.
    pub total: i64,
    /// Over time.
    pub histogram: Vec<Bucket>,
    /// The most frequent values of each field that was asked for, in the same order.
    pub facets: Vec<Vec<Facet>>,
}

/// Counts, buckets and the most frequent values of fields.
///
/// # Errors
/// What the database refuses.
pub async fn around(
    transaction: &Transaction,
    what: &Selection,
    width: &str,
    fields: &[&str],
    values: i32,
) -> Answer<Around> {
    let sql = "SELECT auditlog.count($1, $2::text::timestamptz, $3::text::timestamptz) AS total, \
        coalesce((SELECT json_agg(h ORDER BY h.bucket) FROM auditlog.histogram($1, $4::text::interval, $2::text::timestamptz, \
            $3::text::timestamptz, NULL, 'UTC') AS h), '[]') AS histogram, \
        coalesce((SELECT json_agg((SELECT coalesce(json_agg(f), '[]') FROM auditlog.facets($1, a.field, $2::text::timestamptz, \
            $3::text::timestamptz, NULL, $6) AS f) ORDER BY a.number) FROM unnest($5::text[]) WITH ORDINALITY AS a (field, number)), '[]') AS facets";
    let found = transaction
        .optional(
            sql,
            &[
                (&what.query, Type::TEXT),
                (&what.since, Type::TEXT),
                (&what.until, Type::TEXT),
                (&width, Type::TEXT),
                (&fields, Type::TEXT_ARRAY),
                (&values, Type::INT4),
            ],
        )
        .await?;
    Ok(found.unwrap_or_default())
}

/// How many events a query finds now, how many in the time before, and how many over time.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Trend {
    /// Of the time.
    pub total: i64,
    /// Of the time before.
    pub previous: i64,
    /// Over time.
    pub histogram: Vec<Bucket>,
}

/// Two times of the same length that follow on each other.
#[derive(Debug, Clone)]
pub struct Times {
    /// Where the first begins.
    pub before: String,
    /// Where the second begins.
    pub since: String,
    /// Where it ends.
    pub until: String,
}

/// The same for several queries.
///
/// # Errors
/// What the database refuses.
pub async fn trends(transaction: &Transaction, queries: &[&str], times: &Times, width: &str) -> Answer<Vec<Trend>> {
    let sql = "SELECT auditlog.count(q.query, $3::text::timestamptz, $4::text::timestamptz) AS total, \
        auditlog.count(q.query, $2::text::timestamptz, $3::text::timestamptz) AS previous, \
        coalesce((SELECT json_agg(h ORDER BY h.bucket) FROM auditlog.histogram(q.query, $5::text::interval, $3::text::timestamptz, \
            $4::text::timestamptz, NULL, 'UTC') AS h), '[]') AS histogram \
        FROM unnest($1::text[]) WITH ORDINALITY AS q (query, number) ORDER BY q.number";
    transaction
        .list(
            sql,
            &[
                (&queries, Type::TEXT_ARRAY),
                (&times.before, Type::TEXT),
                (&times.since, Type::TEXT),
                (&times.until, Type::TEXT),
                (&width, Type::TEXT),
            ],
        )
        .await
}

/// What is around one event.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Neighbours {
    /// The id of the event before, of those that the caller sees.
    pub previous: Option<String>,
    /// The id of the one behind.
    pub next: Option<String>,
    /// What happened, in a sentence.
    pub sentence: Option<String>,
    /// What the catalogue says of its type.
    pub description: Option<String>,
}

/// What is around one event, by its id and its place in a search.
///
/// # Errors
/// What the database refuses.
pub async fn neighbours(transaction: &Transaction, event_id: &str, cursor: &str) -> Answer<Neighbours> {
    let sql = "SELECT (SELECT s.event_id FROM auditlog.search('', NULL, NULL, NULL, 1, $2, 'newest') AS s) AS previous, \
        (SELECT s.event_id FROM auditlog.search('', NULL, NULL, NULL, 1, $2, 'oldest') AS s) AS next, \
        auditlog.sentence(coalesce(e.actor_email, e.actor_id), e.event_type, e.operation, e.status, e.resource_type, e.resource_id, \
            CASE WHEN e.before IS NOT NULL OR e.after IS NOT NULL THEN auditlog.diff(e.before, e.after) END, e.extra -> 'metadata') AS sentence, \
        (SELECT t.description FROM auditlog.event_types AS t WHERE t.event_type = e.event_type) AS description \
        FROM auditlog.events AS e WHERE e.event_id = $1 LIMIT 1";
    let found = transaction
        .optional(sql, &[(&event_id, Type::TEXT), (&cursor, Type::TEXT)])
        .await?;
    Ok(found.unwrap_or_default())
}
