//! Reports and the frameworks that they are made of.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::types::Type;
use utoipa::ToSchema;

use super::Answer;
use crate::database::Transaction;

/// What a report is written as.
#[derive(ToSchema)]
#[schema(as = ReportFormat)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "what OpenAPI says of texts that the database judges")]
enum Form {
    Pdf,
    Json,
    Csv,
}

/// A report that was asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// Its number.
    pub id: i64,
    /// compliance, custom or incident.
    pub kind: String,
    /// Framework, definition or title.
    pub name: String,
    /// waiting, running, done, failed or cancelled.
    pub state: String,
    /// The first moment of its period.
    pub since: String,
    /// The first moment behind it.
    pub until: String,
    /// What it is confined to.
    #[schema(value_type = Object)]
    pub filters: Value,
    /// Forms that were asked for.
    pub formats: Vec<String>,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: String,
    /// When it began.
    pub begun_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Sections that are done.
    pub sections_done: i32,
    /// Sections in all.
    pub sections: i32,
    /// What is being made.
    pub working_on: Option<String>,
    /// What must be looked at.
    pub findings: Option<i32>,
    /// Forms with their sizes and hashes.
    #[schema(value_type = Object)]
    pub files: Option<Value>,
    /// Hash of the manifest.
    pub manifest_sha256: Option<String>,
    /// The event that seals it.
    pub event_id: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

const REPORT: &str = "SELECT r.id, r.kind, r.name, r.state, r.since, r.until, r.filters, r.formats, r.asked_by, r.asked_at, r.begun_at, r.ended_at, \
    r.sections_done, r.sections, r.working_on, r.findings, r.files, r.manifest_sha256, r.event_id, r.error FROM auditlog.reports AS r";

/// The newest reports.
///
/// # Errors
/// What the database refuses.
pub async fn list(transaction: &Transaction, limit: i64, before: Option<i64>) -> Answer<Vec<Report>> {
    let sql = format!("{REPORT} WHERE $2::int8 IS NULL OR r.id < $2 ORDER BY r.id DESC LIMIT $1");
    transaction
        .list(&sql, &[(&limit, Type::INT8), (&before, Type::INT8)])
        .await
}

/// One.
///
/// # Errors
/// What the database refuses.
pub async fn one(transaction: &Transaction, id: i64) -> Answer<Option<Report>> {
    transaction
        .optional(&format!("{REPORT} WHERE r.id = $1"), &[(&id, Type::INT8)])
        .await
}

/// What a report is to be about.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// A framework: soc2, iso27001, hipaa, pci_dss, gdpr, fedramp, or one that was added.
    pub framework: Option<String>,
    /// Instead: the name of a custom report.
    pub name: Option<String>,
    /// Instead, with `query`: the title of a report on an incident.
    pub title: Option<String>,
    /// The events of an incident.
    pub query: Option<String>,
    /// The first moment of the period.
    #[schema(format = DateTime)]
    pub start_time: Option<String>,
    /// The first moment behind it.
    #[schema(format = DateTime)]
    pub end_time: Option<String>,
    /// What the report is confined to.
    #[schema(value_type = Option<Object>)]
    pub filters: Option<Value>,
    /// All of them unless given.
    #[schema(value_type = Option<Vec<Form>>)]
    pub formats: Option<Vec<String>>,
}

/// Has a report on a framework made; its number.
///
/// # Errors
/// What the database refuses.
pub async fn of_framework(transaction: &Transaction, framework: &str, wanted: &Wanted) -> Answer<Option<i64>> {
    let filters = wanted.filters.as_ref().map(Value::to_string);
    transaction
        .scalar(
            "SELECT auditlog.generate_report($1, $2::text::timestamptz, $3::text::timestamptz, $4::text::jsonb, coalesce($5, '{pdf,json,csv}'))",
            &[
                (&framework, Type::TEXT),
                (&wanted.start_time, Type::TEXT),
                (&wanted.end_time, Type::TEXT),
                (&filters, Type::TEXT),
                (&wanted.formats, Type::TEXT_ARRAY),
            ],
        )
        .await
}

/// Has a custom report made; its number.
///
/// # Errors
/// What the database refuses.
pub async fn of_definition(transaction: &Transaction, name: &str, wanted: &Wanted) -> Answer<Option<i64>> {
    transaction
        .scalar(
            "SELECT auditlog.run_report($1, $2::text::timestamptz, $3::text::timestamptz)",
            &[
                (&name, Type::TEXT),
                (&wanted.start_time, Type::TEXT),
                (&wanted.end_time, Type::TEXT),
            ],
        )
        .await
}

/// Has a report on an incident made; its number.
///
/// # Errors
/// What the database refuses.
pub async fn of_incident(transaction: &Transaction, title: &str, wanted: &Wanted) -> Answer<Option<i64>> {
    transaction
        .scalar(
            "SELECT auditlog.incident_report($1, $2::text::timestamptz, $3::text::timestamptz, $4, coalesce($5, '{pdf,json,csv}'))",
            &[
                (&wanted.query, Type::TEXT),
                (&wanted.start_time, Type::TEXT),
                (&wanted.end_time, Type::TEXT),
                (&title, Type::TEXT),
                (&wanted.formats, Type::TEXT_ARRAY),
            ],
        )
        .await
}

/// Ends one that is not done; false when it has ended already.
///
/// # Errors
/// What the database refuses.
pub async fn cancel(transaction: &Transaction, id: i64) -> Answer<bool> {
    let ended: Option<bool> = transaction
        .scalar("SELECT auditlog.cancel_report($1)", &[(&id, Type::INT8)])
        .await?;
    Ok(ended.unwrap_or(false))
}

/// Has a failed one made once more.
///
/// # Errors
/// What the database refuses.
pub async fn retry(transaction: &Transaction, id: i64) -> Answer<()> {
    transaction
        .call("SELECT auditlog.retry_report($1)", &[(&id, Type::INT8)])
        .await
}

/// A file of a report; an event tells that it was taken.
///
/// # Errors
/// What the database refuses.
pub async fn file(transaction: &Transaction, id: i64, format: &str) -> Answer<Option<Vec<u8>>> {
    transaction
        .scalar(
            "SELECT auditlog.report_file($1, $2)",
            &[(&id, Type::INT8), (&format, Type::TEXT)],
        )
        .await
}

/// What shows that the log has sealed a report.
///
/// # Errors
/// What the database refuses.
pub async fn proof(transaction: &Transaction, id: i64) -> Answer<Option<String>> {
    transaction
        .scalar("SELECT auditlog.report_proof($1)", &[(&id, Type::INT8)])
        .await
}

/// A framework.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Framework {
    /// What reports are asked for by.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// How many controls it has.
    pub controls: i64,
    /// Figures that may be changed.
    #[schema(value_type = Vec<Object>)]
    pub parameters: Value,
    /// Does it come with the extension?
    pub built_in: bool,
}

/// All frameworks.
///
/// # Errors
/// What the database refuses.
pub async fn frameworks(transaction: &Transaction) -> Answer<Vec<Framework>> {
    transaction
        .list(
            "SELECT f.id, f.name, f.version, f.controls, f.parameters, f.built_in FROM auditlog.frameworks AS f ORDER BY f.id COLLATE \"C\"",
            &[],
        )
        .await
}

/// A report of one's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: Option<String>,
    /// When it is made by itself.
    pub schedule: Option<String>,
    /// The last report that was made of it.
    pub last_report: Option<i64>,
}

/// Reports of one's own.
///
/// # Errors
/// What the database refuses.
pub async fn definitions(transaction: &Transaction) -> Answer<Vec<Definition>> {
    transaction
        .list(
            "SELECT d.name, d.title, d.schedule, d.last_report FROM auditlog.report_definitions AS d ORDER BY d.name COLLATE \"C\" LIMIT 500",
            &[],
        )
        .await
}
