//! Alerts and what they have found.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::types::Type;
use utoipa::ToSchema;

use super::Answer;
use crate::database::Transaction;

/// An alert.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// active, starting, muted, failing or disabled.
    pub state: String,
    /// Of its firings.
    pub severity: String,
    /// What it looks for, as JSON.
    #[schema(value_type = Object)]
    pub definition: Value,
    /// The last event that was evaluated.
    pub last_evaluated: Option<i64>,
    /// The first event that it is about.
    pub since: Option<i64>,
    /// How often it has fired.
    pub fired: Option<i64>,
    /// When last.
    pub last_fired_at: Option<String>,
    /// Why it is not evaluated.
    pub error: Option<String>,
    /// Until when nobody is told.
    pub muted_until: Option<String>,
    /// Why.
    pub mute_reason: Option<String>,
    /// When it was changed last.
    pub changed_at: String,
    /// By whom.
    pub changed_by: String,
}

const ALERT: &str = "SELECT a.id, a.name, a.state, a.severity, a.definition, a.last_evaluated, a.since, a.fired, a.last_fired_at, a.error, \
    a.muted_until, a.mute_reason, a.changed_at, a.changed_by FROM auditlog.alerts AS a";

/// All alerts.
///
/// # Errors
/// What the database refuses.
pub async fn list(transaction: &Transaction) -> Answer<Vec<Alert>> {
    transaction
        .list(&format!("{ALERT} ORDER BY a.name COLLATE \"C\""), &[])
        .await
}

/// One.
///
/// # Errors
/// What the database refuses.
pub async fn one(transaction: &Transaction, name: &str) -> Answer<Option<Alert>> {
    transaction
        .optional(&format!("{ALERT} WHERE a.name = $1"), &[(&name, Type::TEXT)])
        .await
}

/// One, by its number.
///
/// # Errors
/// What the database refuses.
pub async fn by_id(transaction: &Transaction, id: i64) -> Answer<Option<Alert>> {
    transaction
        .optional(&format!("{ALERT} WHERE a.id = $1"), &[(&id, Type::INT8)])
        .await
}

/// Adds one, as YAML or JSON; its number.
///
/// # Errors
/// What the database refuses.
pub async fn create(transaction: &Transaction, definition: &str) -> Answer<Option<i64>> {
    transaction
        .scalar("SELECT auditlog.create_alert($1)", &[(&definition, Type::TEXT)])
        .await
}

/// Puts another definition in the place of one.
///
/// # Errors
/// What the database refuses.
pub async fn alter(transaction: &Transaction, name: &str, definition: &str) -> Answer<()> {
    transaction
        .call(
            "SELECT auditlog.alter_alert($1, $2)",
            &[(&name, Type::TEXT), (&definition, Type::TEXT)],
        )
        .await
}

/// Removes one.
///
/// # Errors
/// What the database refuses.
pub async fn drop(transaction: &Transaction, name: &str) -> Answer<()> {
    transaction
        .call("SELECT auditlog.drop_alert($1)", &[(&name, Type::TEXT)])
        .await
}

/// Has one evaluated, or not any more.
///
/// # Errors
/// What the database refuses.
pub async fn switch(transaction: &Transaction, name: &str, on: bool) -> Answer<()> {
    let sql = if on {
        "SELECT auditlog.enable_alert($1)"
    } else {
        "SELECT auditlog.disable_alert($1)"
    };
    transaction.call(sql, &[(&name, Type::TEXT)]).await
}

/// Has nobody told until a time; None ends that.
///
/// # Errors
/// What the database refuses.
pub async fn mute(transaction: &Transaction, name: &str, until: Option<&str>, reason: Option<&str>) -> Answer<()> {
    transaction
        .call(
            "SELECT auditlog.mute($1, $2::text::timestamptz, $3)",
            &[(&name, Type::TEXT), (&until, Type::TEXT), (&reason, Type::TEXT)],
        )
        .await
}

/// A step of a trial, and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// What was tried.
    pub step: String,
    /// What came of it.
    pub result: Option<String>,
}

/// Runs an alert on samples, or on the newest events that match.
///
/// # Errors
/// What the database refuses.
pub async fn test(transaction: &Transaction, name: &str, sample: Option<&str>, notify: bool) -> Answer<Vec<Step>> {
    transaction
        .list(
            "SELECT t.step, t.result FROM auditlog.test_alert($1, $2::text::jsonb, $3) AS t",
            &[(&name, Type::TEXT), (&sample, Type::TEXT), (&notify, Type::BOOL)],
        )
        .await
}

/// What an alert does, in lines, and what it would have found in the last days.
///
/// # Errors
/// What the database refuses.
pub async fn explain(transaction: &Transaction, name: &str, days: i32) -> Answer<Vec<String>> {
    let rows = transaction
        .rows_of(
            "SELECT x.line FROM auditlog.explain_alert($1, $2) AS x ORDER BY x.number",
            &[(&name, Type::TEXT), (&days, Type::INT4)],
        )
        .await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// An alert that comes with the extension.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BuiltIn {
    /// What it is installed by.
    pub key: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its definition, as YAML.
    pub definition: String,
    /// Is there an alert of this name?
    pub installed: bool,
}

/// Alerts that come with the extension.
///
/// # Errors
/// What the database refuses.
pub async fn built_in(transaction: &Transaction) -> Answer<Vec<BuiltIn>> {
    transaction
        .list(
            "SELECT b.key, b.name, b.description, b.definition, b.installed FROM auditlog.builtin_alerts() AS b",
            &[],
        )
        .await
}

/// Adds some of them, or all; how many were added.
///
/// # Errors
/// What the database refuses.
pub async fn install(
    transaction: &Transaction,
    keys: Option<&[String]>,
    channels: &[String],
    recipients: &[String],
) -> Answer<i64> {
    let added: Option<i64> = transaction
        .scalar(
            "SELECT auditlog.install_alerts($1, $2, $3)",
            &[
                (&keys, Type::TEXT_ARRAY),
                (&channels, Type::TEXT_ARRAY),
                (&recipients, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    Ok(added.unwrap_or(0))
}

/// Something that an alert has found.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Firing {
    /// Its number.
    pub id: i64,
    /// The alert's name.
    pub alert: String,
    /// As the alert says.
    pub severity: String,
    /// For whom or what it fired: fields and values.
    #[schema(value_type = Object)]
    pub group: Value,
    /// Events or values that completed it.
    pub count: i64,
    /// Events since.
    pub events: i64,
    /// The first of them.
    pub first_at: String,
    /// The last of them.
    pub last_at: String,
    /// When it fired.
    pub fired_at: String,
    /// open or resolved.
    pub state: String,
    /// When it was over.
    pub resolved_at: Option<String>,
    /// Was nobody told?
    pub muted: bool,
    /// Ids of events.
    pub samples: Vec<String>,
    /// Place of the first event.
    pub first_index: i64,
    /// Place of the last.
    pub last_index: i64,
    /// Why it fired.
    pub reason: String,
    /// When somebody saw to it.
    pub acknowledged_at: Option<String>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// What was found.
    pub note: Option<String>,
    /// Channels, and what became of what they were told.
    #[schema(value_type = Object)]
    pub deliveries: Value,
}

/// Which firings.
#[derive(Debug, Clone, Default)]
pub struct WhichFirings {
    /// Of this alert.
    pub alert: Option<String>,
    /// open or resolved.
    pub state: Option<String>,
    /// Seen to by somebody, or by nobody.
    pub acknowledged: Option<bool>,
    /// With smaller numbers.
    pub before: Option<i64>,
    /// The newest so many.
    pub limit: i64,
}

const FIRING: &str = "SELECT f.id, f.alert, f.severity, f.\"group\", f.count, f.events, f.first_at, f.last_at, f.fired_at, f.state, f.resolved_at, \
    f.muted, f.samples, f.first_index, f.last_index, f.reason, f.acknowledged_at, f.acknowledged_by, f.note, f.deliveries \
    FROM auditlog.alert_firings AS f";

/// Firings, the newest first.
///
/// # Errors
/// What the database refuses.
pub async fn firings(transaction: &Transaction, which: &WhichFirings) -> Answer<Vec<Firing>> {
    transaction
        .list(
            &format!(
                "{FIRING} WHERE ($1::text IS NULL OR f.alert = $1) AND ($2::text IS NULL OR f.state = $2) \
                 AND ($3::bool IS NULL OR (f.acknowledged_at IS NOT NULL) = $3) AND ($4::int8 IS NULL OR f.id < $4) ORDER BY f.id DESC LIMIT $5"
            ),
            &[
                (&which.alert, Type::TEXT),
                (&which.state, Type::TEXT),
                (&which.acknowledged, Type::BOOL),
                (&which.before, Type::INT8),
                (&which.limit, Type::INT8),
            ],
        )
        .await
}

/// One.
///
/// # Errors
/// What the database refuses.
pub async fn firing(transaction: &Transaction, id: i64) -> Answer<Option<Firing>> {
    transaction
        .optional(&format!("{FIRING} WHERE f.id = $1"), &[(&id, Type::INT8)])
        .await
}

/// Says that somebody has seen to a firing.
///
/// # Errors
/// What the database refuses.
pub async fn acknowledge(transaction: &Transaction, id: i64, note: Option<&str>) -> Answer<()> {
    transaction
        .call(
            "SELECT auditlog.acknowledge($1, $2)",
            &[(&id, Type::INT8), (&note, Type::TEXT)],
        )
        .await
}
