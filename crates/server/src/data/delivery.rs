//! Whom the log tells: sinks, channels, notifications.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::types::Type;
use utoipa::ToSchema;

use super::Answer;
use crate::database::Transaction;

/// A sink of the log's events. Secrets are named in its configuration, never there.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Sink {
    /// Its name.
    pub name: String,
    /// splunk_hec, azure_event_hub, …
    pub kind: String,
    /// Its options.
    #[schema(value_type = Object)]
    pub config: Value,
    /// Which events.
    pub query: String,
    /// In which format.
    pub format: String,
    /// active, paused, retrying or error.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// The last event that it is done with.
    pub position: Option<i64>,
    /// When something arrived last.
    pub delivered_at: Option<String>,
    /// Events that wait.
    pub lag_events: Option<i64>,
    /// For how long the first of them has.
    pub lag_seconds: Option<f64>,
    /// The receiver's last error.
    pub last_error: Option<String>,
    /// When.
    pub last_error_at: Option<String>,
    /// When it is tried again.
    pub next_attempt: Option<String>,
}

/// All sinks.
///
/// # Errors
/// What the database refuses.
pub async fn sinks(transaction: &Transaction) -> Answer<Vec<Sink>> {
    transaction
        .list(
            "SELECT s.name, s.kind, s.config, s.query, s.format, s.state, s.reason, s.position, s.delivered_at, s.lag_events, s.lag_seconds, \
             s.last_error, s.last_error_at, s.next_attempt FROM auditlog.sinks AS s ORDER BY s.name COLLATE \"C\"",
            &[],
        )
        .await
}

/// Has a sink get nothing until it is resumed.
///
/// # Errors
/// What the database refuses.
pub async fn pause_sink(transaction: &Transaction, name: &str, reason: Option<&str>) -> Answer<()> {
    transaction
        .call(
            "SELECT auditlog.pause_sink($1, $2)",
            &[(&name, Type::TEXT), (&reason, Type::TEXT)],
        )
        .await
}

/// Has a sink go on.
///
/// # Errors
/// What the database refuses.
pub async fn resume_sink(transaction: &Transaction, name: &str) -> Answer<()> {
    transaction
        .call("SELECT auditlog.resume_sink($1)", &[(&name, Type::TEXT)])
        .await
}

/// Sends a marked test event.
///
/// # Errors
/// What the database refuses.
pub async fn test_sink(transaction: &Transaction, name: &str) -> Answer<Vec<super::alerts::Step>> {
    transaction
        .list(
            "SELECT t.step, t.result FROM auditlog.test_sink($1) AS t",
            &[(&name, Type::TEXT)],
        )
        .await
}

/// A channel of notifications.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// email, slack, teams, …
    pub kind: String,
    /// Its options.
    #[schema(value_type = Object)]
    pub config: Value,
    /// It is told of nothing less.
    pub min_severity: String,
    /// ok, retrying, paused or disabled.
    pub state: String,
    /// When it was changed last.
    pub changed_at: String,
    /// By whom.
    pub changed_by: String,
}

/// All channels.
///
/// # Errors
/// What the database refuses.
pub async fn channels(transaction: &Transaction) -> Answer<Vec<Channel>> {
    transaction
        .list(
            "SELECT c.name, c.kind, c.config, c.min_severity, c.state, c.changed_at, c.changed_by FROM auditlog.channels AS c ORDER BY c.name COLLATE \"C\"",
            &[],
        )
        .await
}

/// What a channel was told, or is to be told.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    /// Its number.
    pub id: i64,
    /// The firing that it tells of.
    pub firing_id: Option<i64>,
    /// Who is told.
    pub channel: String,
    /// fired, resolved, digest, report or test.
    pub kind: String,
    /// waiting, delivered, dead or digested.
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was made.
    pub made_at: String,
    /// When it was done with.
    pub ended_at: Option<String>,
    /// When it is tried again.
    pub next_attempt: Option<String>,
    /// What became of it.
    pub detail: Option<String>,
}

/// The newest notifications.
///
/// # Errors
/// What the database refuses.
pub async fn notifications(transaction: &Transaction, limit: i64, before: Option<i64>) -> Answer<Vec<Notification>> {
    transaction
        .list(
            "SELECT n.id, n.firing_id, n.channel, n.kind, n.state, n.attempts, n.made_at, n.ended_at, n.next_attempt, n.detail \
             FROM auditlog.notifications AS n WHERE $2::int8 IS NULL OR n.id < $2 ORDER BY n.id DESC LIMIT $1",
            &[(&limit, Type::INT8), (&before, Type::INT8)],
        )
        .await
}
