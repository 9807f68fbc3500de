//! How long events are kept: policy, plan, rounds, legal holds.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;
use utoipa::ToSchema;

use super::Answer;
use crate::database::Transaction;

/// A class of the policy in force.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Class {
    /// Its name.
    pub retention_class: String,
    /// Types of its events.
    pub event_types: Option<Vec<String>>,
    /// How long they are at hand.
    pub hot: Option<String>,
    /// How long they are searchable.
    pub warm: Option<String>,
    /// How long they are kept.
    pub cold: Option<String>,
    /// Laws and standards that ask for it.
    pub classification: Option<Vec<String>>,
    /// What it is.
    pub description: Option<String>,
    /// In words.
    pub explanation: Option<String>,
}

/// The policy in force, in the order in which classes are tried.
///
/// # Errors
/// What the database refuses.
pub async fn policy(transaction: &Transaction) -> Answer<Vec<Class>> {
    transaction
        .list(
            "SELECT r.retention_class, r.event_types, r.hot, r.warm, r.cold, r.classification, r.description, r.explanation FROM auditlog.retention() AS r",
            &[],
        )
        .await
}

/// Something that a round would do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Move {
    /// The partition.
    pub relation: Option<String>,
    /// Its class.
    pub retention_class: Option<String>,
    /// Where it is.
    pub tier: Option<String>,
    /// What would become of it.
    #[serde(rename = "move")]
    pub kind: Option<String>,
    /// Another class that it would go to.
    pub to_class: Option<String>,
    /// When it is due.
    pub due_at: Option<String>,
    /// Events.
    pub events: Option<i64>,
    /// Bytes.
    pub bytes: Option<i64>,
    /// Events that a hold keeps.
    pub held: Option<i64>,
    /// In words.
    pub detail: Option<String>,
}

/// What a round would do at a time, or now.
///
/// # Errors
/// What the database refuses.
pub async fn plan(transaction: &Transaction, at: Option<&str>) -> Answer<Vec<Move>> {
    transaction
        .list(
            "SELECT p.relation, p.retention_class, p.tier, p.move, p.to_class, p.due_at, p.events, p.bytes, p.held, p.detail \
             FROM auditlog.plan_retention($1::text::timestamptz) AS p",
            &[(&at, Type::TEXT)],
        )
        .await
}

/// A round.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Round {
    /// Its number.
    pub id: i64,
    /// As of when.
    pub at: Option<String>,
    /// Who asked.
    pub asked_by: Option<String>,
    /// When.
    pub asked_at: Option<String>,
    /// When it began.
    pub begun_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// waiting, running, done or failed.
    pub state: String,
    /// What it moved.
    pub moves: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// The newest rounds.
///
/// # Errors
/// What the database refuses.
pub async fn rounds(transaction: &Transaction, limit: i64) -> Answer<Vec<Round>> {
    transaction
        .list(
            "SELECT r.id, r.at, r.asked_by, r.asked_at, r.begun_at, r.ended_at, r.state, r.moves, r.error FROM auditlog.retention_runs AS r \
             ORDER BY r.id DESC LIMIT $1",
            &[(&limit, Type::INT8)],
        )
        .await
}

/// Asks for a round; its number.
///
/// # Errors
/// What the database refuses.
pub async fn run(transaction: &Transaction) -> Answer<Option<i64>> {
    transaction.scalar("SELECT auditlog.run_retention()", &[]).await
}

/// A legal hold.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Hold {
    /// Its name.
    pub name: String,
    /// Which events it keeps.
    pub query: String,
    /// Until when; None for until it is released.
    pub until: Option<String>,
    /// Why.
    pub reason: String,
    /// When it was made.
    pub made_at: String,
    /// By whom.
    pub made_by: String,
    /// active, release asked for, released or expired.
    pub state: String,
    /// Who asked for its release.
    pub wanted_by: Option<String>,
    /// When it was released.
    pub released_at: Option<String>,
    /// By whom.
    pub released_by: Option<String>,
    /// Why.
    pub release_reason: Option<String>,
}

/// All holds, also those that were released.
///
/// # Errors
/// What the database refuses.
pub async fn holds(transaction: &Transaction) -> Answer<Vec<Hold>> {
    transaction
        .list(
            "SELECT h.name, h.query, h.until, h.reason, h.made_at, h.made_by, h.state, h.wanted_by, h.released_at, h.released_by, h.release_reason \
             FROM auditlog.holds AS h ORDER BY h.made_at DESC, h.name COLLATE \"C\"",
            &[],
        )
        .await
}

/// Makes one; how many events it keeps now.
///
/// # Errors
/// What the database refuses.
pub async fn hold(
    transaction: &Transaction,
    name: &str,
    query: &str,
    until: Option<&str>,
    reason: &str,
) -> Answer<i64> {
    let events: Option<i64> = transaction
        .scalar(
            "SELECT auditlog.hold($1, $2, $3::text::timestamptz, $4)",
            &[
                (&name, Type::TEXT),
                (&query, Type::TEXT),
                (&until, Type::TEXT),
                (&reason, Type::TEXT),
            ],
        )
        .await?;
    Ok(events.unwrap_or(0))
}

/// Releases one, or asks for its release where two people must agree; is it released?
///
/// # Errors
/// What the database refuses.
pub async fn release(transaction: &Transaction, name: &str, reason: &str) -> Answer<bool> {
    let released: Option<bool> = transaction
        .scalar(
            "SELECT auditlog.release_hold($1, $2)",
            &[(&name, Type::TEXT), (&reason, Type::TEXT)],
        )
        .await?;
    Ok(released.unwrap_or(false))
}
