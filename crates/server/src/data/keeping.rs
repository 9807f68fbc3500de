//! The policy of retention as it was written, its conflicts, and what it has done.

use serde::Deserialize;
use tokio_postgres::types::Type;

use super::Answer;
use crate::database::Transaction;

/// The policy in force as somebody has written it.
#[derive(Debug, Clone, Deserialize)]
pub struct Written {
    /// Its number.
    pub version: i64,
    /// YAML or JSON.
    pub written: Option<String>,
}

/// The policy in force, when one was set.
///
/// # Errors
/// What the database refuses.
pub async fn written(transaction: &Transaction) -> Answer<Option<Written>> {
    transaction
        .optional(
            "SELECT p.version, p.written FROM auditlog.retention_policies AS p ORDER BY p.version DESC LIMIT 1",
            &[],
        )
        .await
}

/// Something that a policy and a requirement disagree about, or that was probably not meant.
#[derive(Debug, Clone, Deserialize)]
pub struct Remark {
    /// The class.
    pub retention_class: Option<String>,
    /// In words.
    pub message: String,
    /// Law or standard; or what to do.
    pub basis: Option<String>,
}

/// Where the policy in force keeps less or more than it should.
///
/// # Errors
/// What the database refuses.
pub async fn conflicts(transaction: &Transaction) -> Answer<Vec<Remark>> {
    transaction
        .list(
            "SELECT c.retention_class, c.message, c.basis FROM auditlog.retention_conflicts() AS c LIMIT 200",
            &[],
        )
        .await
}

/// Puts a policy in force; what is odd about it.
///
/// # Errors
/// What the database refuses.
pub async fn set(transaction: &Transaction, definition: &str) -> Answer<Vec<Remark>> {
    transaction
        .list(
            "SELECT s.retention_class, s.message, s.hint AS basis FROM auditlog.set_retention($1) AS s",
            &[(&definition, Type::TEXT)],
        )
        .await
}

/// What was moved or removed.
#[derive(Debug, Clone, Deserialize)]
pub struct Moved {
    /// The partition.
    pub relation: Option<String>,
    /// to_warm, archive, remove …
    pub kind: String,
    /// running, done, failed …
    pub state: String,
    /// Events.
    pub events: Option<i64>,
    /// Events that stayed.
    pub kept: Option<i64>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Events that certify it.
    pub certificates: Option<Vec<String>>,
}

/// The newest moves.
///
/// # Errors
/// What the database refuses.
pub async fn moves(transaction: &Transaction, limit: i64) -> Answer<Vec<Moved>> {
    transaction
        .list(
            "SELECT m.relation, m.kind, m.state, m.events, m.kept, m.ended_at, m.certificates FROM auditlog.retention_moves AS m \
             ORDER BY m.id DESC LIMIT $1",
            &[(&limit, Type::INT8)],
        )
        .await
}

/// How much a class has, as statistics estimate it.
#[derive(Debug, Clone, Deserialize)]
pub struct Size {
    /// The class.
    pub retention_class: String,
    /// Events.
    pub events: Option<i64>,
    /// Bytes.
    pub bytes: Option<i64>,
}

/// How much each class has.
///
/// # Errors
/// What the database refuses.
pub async fn sizes(transaction: &Transaction) -> Answer<Vec<Size>> {
    transaction
        .list(
            "SELECT t.retention_class, sum(t.estimated_events)::bigint AS events, sum(t.bytes)::bigint AS bytes FROM auditlog.tiers AS t GROUP BY 1",
            &[],
        )
        .await
}
