//! Jobs and their runs.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{List, list};
use crate::App;
use crate::data::jobs::{self, Job, Run};
use crate::database::Access;
use crate::http::{Params, Problem};
use crate::identity::Caller;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(all)).routes(routes!(runs))
}

/// Jobs that the caller may see
#[utoipa::path(get, path = "/api/v1/jobs", tag = "administration", responses((status = 200, description = "A list", body = List<Job>)))]
async fn all(State(app): State<App>, caller: Caller) -> Result<Json<List<Job>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = jobs::list(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RunParams {
    /// Of this job.
    job: Option<i64>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
}

/// Runs of jobs, the newest first
#[utoipa::path(get, path = "/api/v1/job-runs", tag = "administration", params(RunParams), responses((status = 200, description = "Runs", body = List<Run>)))]
async fn runs(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<RunParams>,
) -> Result<Json<List<Run>>, Problem> {
    let limit = super::limit(params.limit.unwrap_or(100))?;
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = jobs::runs(&transaction, params.job, limit).await?;
    transaction.commit().await?;
    Ok(list(found))
}
