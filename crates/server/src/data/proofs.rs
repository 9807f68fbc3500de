//! The transparency log: checkpoints, tiles, proofs.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;
use utoipa::ToSchema;

use super::Answer;
use crate::database::Transaction;

/// A signed checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Events that it is over.
    pub size: i64,
    /// Root of the tree over them, in hexadecimal digits.
    pub root: String,
    /// When it was signed.
    pub made_at: String,
    /// Witnesses that have signed too.
    pub cosignatures: i64,
    /// The signed note.
    pub note: String,
}

/// The newest checkpoints.
///
/// # Errors
/// What the database refuses.
pub async fn checkpoints(transaction: &Transaction, limit: i64, below: Option<i64>) -> Answer<Vec<Checkpoint>> {
    transaction
        .list(
            "SELECT c.origin, c.size, encode(c.root, 'hex') AS root, c.made_at, c.cosignatures, c.note FROM auditlog.checkpoints AS c \
             WHERE $2::int8 IS NULL OR c.size < $2 ORDER BY c.made_at DESC, c.size DESC LIMIT $1",
            &[(&limit, Type::INT8), (&below, Type::INT8)],
        )
        .await
}

/// The newest signed checkpoint, as a note; none while nothing was signed.
///
/// # Errors
/// What the database refuses.
pub async fn newest(transaction: &Transaction) -> Answer<Option<String>> {
    transaction
        .scalar(
            "SELECT c.note FROM auditlog.checkpoints AS c ORDER BY c.made_at DESC, c.size DESC LIMIT 1",
            &[],
        )
        .await
}

/// A checkpoint over all that is sealed now.
///
/// # Errors
/// What the database refuses.
pub async fn sign(transaction: &Transaction) -> Answer<Option<String>> {
    transaction.scalar("SELECT auditlog.checkpoint()", &[]).await
}

/// The key that checks them.
///
/// # Errors
/// What the database refuses.
pub async fn public_key(transaction: &Transaction) -> Answer<Option<String>> {
    transaction.scalar("SELECT auditlog.public_key()", &[]).await
}

/// Proof that an event is in the log of the newest checkpoint.
///
/// # Errors
/// What the database refuses.
pub async fn inclusion(transaction: &Transaction, event_id: &str) -> Answer<Option<String>> {
    transaction
        .scalar("SELECT auditlog.inclusion_proof($1)", &[(&event_id, Type::TEXT)])
        .await
}

/// Proof that a log begins with a smaller one.
///
/// # Errors
/// What the database refuses.
pub async fn consistency(transaction: &Transaction, old: i64, new: Option<i64>) -> Answer<Option<String>> {
    transaction
        .scalar(
            "SELECT auditlog.consistency_proof($1, $2)",
            &[(&old, Type::INT8), (&new, Type::INT8)],
        )
        .await
}

/// Hashes of a tile, 32 bytes each.
///
/// # Errors
/// What the database refuses.
pub async fn tile(transaction: &Transaction, level: i32, index: i64) -> Answer<Option<Vec<u8>>> {
    transaction
        .scalar(
            "SELECT t.hashes FROM auditlog.tiles($1, $2, $2) AS t",
            &[(&level, Type::INT4), (&index, Type::INT8)],
        )
        .await
}

/// A verification in the background that came to the log's end.
#[derive(Debug, Clone, Deserialize)]
pub struct Verification {
    /// When.
    pub ended_at: String,
    /// The first place.
    pub from_index: i64,
    /// The first place that it did not look at.
    pub to_index: i64,
    /// Places that do not fit.
    pub findings: i64,
    /// The first of them.
    pub first_finding: Option<String>,
}

/// The newest verifications.
///
/// # Errors
/// What the database refuses.
pub async fn verifications(transaction: &Transaction, limit: i64) -> Answer<Vec<Verification>> {
    transaction
        .list(
            "SELECT v.ended_at, v.from_index, v.to_index, v.findings, v.first_finding FROM auditlog.verification_runs AS v ORDER BY v.id DESC LIMIT $1",
            &[(&limit, Type::INT8)],
        )
        .await
}

/// Somebody who gets the checkpoints.
#[derive(Debug, Clone, Deserialize)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// file, http, witness …
    pub kind: String,
    /// ok, waiting or retrying.
    pub state: String,
    /// Events of the last checkpoint that arrived.
    pub delivered_size: Option<i64>,
    /// When.
    pub delivered_at: Option<String>,
    /// The last error.
    pub last_error: Option<String>,
}

/// Where checkpoints go.
///
/// # Errors
/// What the database refuses.
pub async fn receivers(transaction: &Transaction) -> Answer<Vec<Receiver>> {
    transaction
        .list(
            "SELECT s.name, s.kind, s.state, s.delivered_size, s.delivered_at, s.last_error FROM auditlog.checkpoint_sinks AS s \
             ORDER BY s.name COLLATE \"C\" LIMIT 200",
            &[],
        )
        .await
}

/// The public key that signs checkpoints now, as C2SP vkey.
///
/// # Errors
/// What the database refuses.
pub async fn newest_key(transaction: &Transaction) -> Answer<Option<String>> {
    transaction
        .scalar(
            "SELECT k.vkey FROM auditlog.signing_keys AS k WHERE k.retired_at IS NULL ORDER BY k.since DESC LIMIT 1",
            &[],
        )
        .await
}
