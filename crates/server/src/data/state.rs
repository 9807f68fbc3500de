//! How the log stands: status, health, metrics of compliance, verification; and who the caller is.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;
use utoipa::ToSchema;

use super::Answer;
use crate::database::Transaction;

/// Who the caller is to the log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WhoAmI {
    /// The role in effect.
    pub role: String,
    /// The actor of events that the caller is.
    pub actor_id: Option<String>,
    /// For people to read.
    pub email: Option<String>,
    /// Teams that the caller belongs to.
    pub teams: Option<Vec<String>>,
    /// The only tenant whose events are seen.
    pub tenant: Option<String>,
    /// Teams whose events the caller sees as a manager.
    pub manages: Option<Vec<String>>,
    /// all, team, own or nothing.
    pub sees: String,
    /// By which means that is known: role or token.
    pub identified_by: Option<String>,
    /// Groups of rights that the caller has: administrator, analyst, compliance, manager, user, writer.
    pub rights: Vec<String>,
}

/// Who the caller is, and what it may do.
///
/// # Errors
/// What the database refuses.
pub async fn whoami(transaction: &Transaction) -> Answer<Option<WhoAmI>> {
    transaction
        .optional(
            "SELECT w.role, w.actor_id, w.email, w.teams, w.tenant, w.manages, w.sees, w.identified_by, \
             ARRAY(SELECT substr(g.rolname, 10) FROM pg_roles AS g WHERE g.rolname = ANY (ARRAY['auditlog_administrator', 'auditlog_analyst', \
                 'auditlog_compliance', 'auditlog_manager', 'auditlog_user', 'auditlog_writer']::name[]) AND pg_has_role(g.oid, 'USAGE') \
                 ORDER BY g.rolname) AS rights \
             FROM auditlog.whoami() AS w",
            &[],
        )
        .await
}

/// A sentence about a part of the log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Log, checkpoint, anchor, sinks, publishing.
    pub subject: String,
    /// How it stands.
    pub statement: String,
}

/// How far the log is sealed, signed and anchored.
///
/// # Errors
/// What the database refuses.
pub async fn status(transaction: &Transaction) -> Answer<Vec<Status>> {
    transaction
        .list("SELECT s.subject, s.statement FROM auditlog.status() AS s", &[])
        .await
}

/// A check of health.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// What was looked at.
    pub check: String,
    /// ok, warning or error.
    pub status: String,
    /// What was found.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

/// All checks of health.
///
/// # Errors
/// What the database refuses.
pub async fn health(transaction: &Transaction) -> Answer<Vec<Check>> {
    transaction
        .list(
            "SELECT h.\"check\", h.status, h.detail, h.hint FROM auditlog.health() AS h",
            &[],
        )
        .await
}

/// A figure with what is expected of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Metric {
    /// Its name.
    pub metric: String,
    /// What it is about, where there are several.
    pub subject: Option<String>,
    /// The figure.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: Option<String>,
    /// ok, warning or error.
    pub status: Option<String>,
    /// In words.
    pub detail: Option<String>,
}

/// Completeness, lag, verification, retention, reviews and alerts.
///
/// # Errors
/// What the database refuses.
pub async fn metrics(transaction: &Transaction) -> Answer<Vec<Metric>> {
    transaction
        .list(
            "SELECT m.metric, m.subject, m.value, m.unit, m.status, m.detail FROM auditlog.compliance_metrics AS m",
            &[],
        )
        .await
}

/// Something that verification has found.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Where.
    pub log_index: Option<i64>,
    /// modified, missing, extra, reordered …
    pub kind: String,
    /// What was found.
    pub detail: Option<String>,
    /// The event.
    pub event_id: Option<String>,
}

/// Reads and hashes events again.
///
/// # Errors
/// What the database refuses.
pub async fn verify(transaction: &Transaction, from: i64, to: Option<i64>) -> Answer<Vec<Finding>> {
    transaction
        .list(
            "SELECT v.log_index, v.kind, v.detail, v.event_id FROM auditlog.verify($1, $2) AS v",
            &[(&from, Type::INT8), (&to, Type::INT8)],
        )
        .await
}

/// A background worker of the extension.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Worker {
    /// Its name.
    pub worker: String,
    /// Its process, when it runs.
    pub pid: Option<i32>,
    /// Errors since the server's start.
    pub errors: Option<i64>,
    /// When the last of them was.
    pub last_error_at: Option<String>,
    /// The last of them.
    pub last_error: Option<String>,
}

/// The background workers.
///
/// # Errors
/// What the database refuses.
pub async fn workers(transaction: &Transaction) -> Answer<Vec<Worker>> {
    transaction
        .list(
            "SELECT w.worker, w.pid, w.errors, w.last_error_at, w.last_error FROM auditlog.stat_workers AS w",
            &[],
        )
        .await
}
