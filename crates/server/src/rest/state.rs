//! How the log stands, and whether it is what it was.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{List, list};
use crate::App;
use crate::data::state::{self, Check, Finding, Metric, Status};
use crate::database::Access;
use crate::http::{Body, Problem};
use crate::identity::Caller;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(verification, verify))
        .routes(routes!(metrics))
}

/// How the log stands.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Verification {
    /// How far it is sealed, signed and anchored.
    status: Vec<Status>,
    /// What was looked at, and what was found.
    checks: Vec<Check>,
}

/// How far the log is sealed, signed, anchored and verified, and what is wrong
#[utoipa::path(get, path = "/api/v1/verification", tag = "integrity", responses((status = 200, description = "How the log stands", body = Verification)))]
async fn verification(State(app): State<App>, caller: Caller) -> Result<Json<Verification>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let status = state::status(&transaction).await?;
    let checks = state::health(&transaction).await?;
    transaction.commit().await?;
    Ok(Json(Verification { status, checks }))
}

/// Which part of the log.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Part {
    /// The first event; the log's first unless given.
    #[schema(minimum = 0)]
    from: Option<i64>,
    /// The last one; the log's last unless given.
    #[schema(minimum = 0)]
    to: Option<i64>,
}

/// Read and hash events again; no finding means that they are what was sealed
#[utoipa::path(post, path = "/api/v1/verification", tag = "integrity", request_body = Part, responses((status = 200, description = "Findings", body = List<Finding>)))]
async fn verify(
    State(app): State<App>,
    caller: Caller,
    Body(part): Body<Part>,
) -> Result<Json<List<Finding>>, Problem> {
    app.rates.exports.take(&caller.key)?;
    let transaction = caller.begin(&app, Access::LongRead).await?;
    let findings = state::verify(&transaction, part.from.unwrap_or(0), part.to).await?;
    transaction.commit().await?;
    Ok(list(findings))
}

/// Completeness, lag, verification, retention, reviews and alerts, with what is expected of them
#[utoipa::path(get, path = "/api/v1/compliance-metrics", tag = "integrity", responses((status = 200, description = "A list", body = List<Metric>)))]
async fn metrics(State(app): State<App>, caller: Caller) -> Result<Json<List<Metric>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = state::metrics(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}
