//! Changing whom the log tells: sinks and channels.

use serde::Deserialize;
use tokio_postgres::types::Type;

use super::Answer;
use crate::database::Transaction;

/// What a sink or channel has done so far.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Done {
    /// Its name.
    pub name: String,
    /// What has arrived.
    pub delivered: Option<i64>,
    /// What waits; of channels.
    pub waiting: Option<i64>,
    /// What was refused for good.
    pub dead: Option<i64>,
    /// When something arrived last.
    pub last_success_at: Option<String>,
    /// The last error.
    pub last_error: Option<String>,
}

/// What sinks have done.
///
/// # Errors
/// What the database refuses.
pub async fn sinks_done(transaction: &Transaction) -> Answer<Vec<Done>> {
    transaction
        .list(
            "SELECT s.name, s.delivered, NULL::bigint AS waiting, s.dead, s.delivered_at AS last_success_at, NULL::text AS last_error \
             FROM auditlog.stat_sinks AS s",
            &[],
        )
        .await
}

/// What channels have done.
///
/// # Errors
/// What the database refuses.
pub async fn channels_done(transaction: &Transaction) -> Answer<Vec<Done>> {
    transaction
        .list(
            "SELECT c.name, c.delivered, c.waiting, c.dead, c.last_success_at, c.last_error FROM auditlog.stat_channels AS c",
            &[],
        )
        .await
}

/// A sink or channel that is to be added.
#[derive(Debug, Clone, Default)]
pub struct New {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its options, as JSON.
    pub config: String,
}

/// Adds a sink.
///
/// # Errors
/// What the database refuses.
pub async fn create_sink(transaction: &Transaction, new: &New, query: &str, format: Option<&str>) -> Answer<()> {
    transaction
        .call(
            "SELECT auditlog.create_sink($1, $2, $3::text::jsonb, $4, $5)",
            &[
                (&new.name, Type::TEXT),
                (&new.kind, Type::TEXT),
                (&new.config, Type::TEXT),
                (&query, Type::TEXT),
                (&format, Type::TEXT),
            ],
        )
        .await
}

/// Removes a sink.
///
/// # Errors
/// What the database refuses.
pub async fn drop_sink(transaction: &Transaction, name: &str) -> Answer<()> {
    transaction
        .call("SELECT auditlog.drop_sink($1)", &[(&name, Type::TEXT)])
        .await
}

/// Has all that a sink's receiver refused sent again.
///
/// # Errors
/// What the database refuses.
pub async fn redrive_sink(transaction: &Transaction, name: &str) -> Answer<()> {
    transaction
        .call("SELECT auditlog.redrive_sink($1)", &[(&name, Type::TEXT)])
        .await
}

/// Adds a channel.
///
/// # Errors
/// What the database refuses.
pub async fn create_channel(transaction: &Transaction, new: &New, min_severity: &str) -> Answer<()> {
    transaction
        .call(
            "SELECT auditlog.create_channel($1, $2, $3::text::jsonb, $4::text::auditlog.severity)",
            &[
                (&new.name, Type::TEXT),
                (&new.kind, Type::TEXT),
                (&new.config, Type::TEXT),
                (&min_severity, Type::TEXT),
            ],
        )
        .await
}

/// Has a channel be told, or not.
///
/// # Errors
/// What the database refuses.
pub async fn switch_channel(transaction: &Transaction, name: &str, on: bool) -> Answer<()> {
    transaction
        .call(
            "SELECT auditlog.alter_channel($1, enabled => $2)",
            &[(&name, Type::TEXT), (&on, Type::BOOL)],
        )
        .await
}

/// Removes a channel.
///
/// # Errors
/// What the database refuses.
pub async fn drop_channel(transaction: &Transaction, name: &str) -> Answer<()> {
    transaction
        .call("SELECT auditlog.drop_channel($1)", &[(&name, Type::TEXT)])
        .await
}

/// Has a notification that was refused for good delivered after all.
///
/// # Errors
/// What the database refuses.
pub async fn redrive(transaction: &Transaction, id: i64) -> Answer<()> {
    transaction
        .call("SELECT auditlog.redrive($1)", &[(&id, Type::INT8)])
        .await
}

/// A notification that a channel refused for good.
#[derive(Debug, Clone, Deserialize)]
pub struct DeadLetter {
    /// Its number.
    pub id: i64,
    /// The channel.
    pub channel: String,
    /// fired, resolved, digest, report or test.
    pub kind: String,
    /// When it was given up.
    pub ended_at: Option<String>,
    /// Why.
    pub detail: Option<String>,
}

/// The newest of them.
///
/// # Errors
/// What the database refuses.
pub async fn dead_letters(transaction: &Transaction, limit: i64) -> Answer<Vec<DeadLetter>> {
    transaction
        .list(
            "SELECT d.id, d.channel, d.kind, d.ended_at, d.detail FROM auditlog.dead_letters AS d ORDER BY d.id DESC LIMIT $1",
            &[(&limit, Type::INT8)],
        )
        .await
}
