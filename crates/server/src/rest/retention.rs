//! How long events are kept.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{List, Made, Newest, list};
use crate::App;
use crate::data::retention::{self, Class, Hold, Move, Round};
use crate::database::Access;
use crate::http::inputs::Place;
use crate::http::{Body, Params, Problem};
use crate::identity::Caller;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(policy))
        .routes(routes!(plan))
        .routes(routes!(rounds, run))
        .routes(routes!(holds, hold))
        .routes(routes!(release))
}

/// The policy in force
#[utoipa::path(get, path = "/api/v1/retention", tag = "retention", responses((status = 200, description = "A list", body = List<Class>)))]
async fn policy(State(app): State<App>, caller: Caller) -> Result<Json<List<Class>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = retention::policy(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct At {
    /// As of when; now unless given.
    at: Option<String>,
}

/// What a round would move or remove, and what holds keep
#[utoipa::path(get, path = "/api/v1/retention/plan", tag = "retention", params(At), responses((status = 200, description = "Moves", body = List<Move>)))]
async fn plan(State(app): State<App>, caller: Caller, Params(params): Params<At>) -> Result<Json<List<Move>>, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    let found = retention::plan(&transaction, params.at.as_deref()).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// Rounds of retention, the newest first
#[utoipa::path(get, path = "/api/v1/retention/runs", tag = "retention", params(Newest), responses((status = 200, description = "Rounds", body = List<Round>)))]
async fn rounds(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<Newest>,
) -> Result<Json<List<Round>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = retention::rounds(&transaction, params.limit()?).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// Ask for a round as of now
#[utoipa::path(post, path = "/api/v1/retention/runs", tag = "retention", responses((status = 202, description = "Asked for", body = Made)))]
async fn run(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    let id = retention::run(&transaction).await?;
    transaction.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(Made { id })).into_response())
}

/// Legal holds, also those that were released
#[utoipa::path(get, path = "/api/v1/holds", tag = "retention", responses((status = 200, description = "A list", body = List<Hold>)))]
async fn holds(State(app): State<App>, caller: Caller) -> Result<Json<List<Hold>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = retention::holds(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// A hold that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewHold {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Which events it keeps.
    query: String,
    /// Until when; until it is released unless given.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Why.
    #[schema(min_length = 1)]
    reason: String,
}

/// How many events a hold keeps.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Held {
    /// Now.
    events: i64,
}

/// Keep events whatever the policy says
#[utoipa::path(post, path = "/api/v1/holds", tag = "retention", request_body = NewHold, responses((status = 201, description = "Held", body = Held)))]
async fn hold(State(app): State<App>, caller: Caller, Body(body): Body<NewHold>) -> Result<Response, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    let events = retention::hold(
        &transaction,
        &body.name,
        &body.query,
        body.until.as_deref(),
        &body.reason,
    )
    .await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(Held { events })).into_response())
}

/// Why a hold is to end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Release {
    /// In words; it is recorded.
    #[schema(min_length = 1)]
    reason: String,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Released {
    /// False when a second person must agree.
    released: bool,
}

/// Release a hold, or ask for that where two people must agree
#[utoipa::path(post, path = "/api/v1/holds/{name}/release", tag = "retention", params(("name" = String, Path)), request_body = Release,
    responses((status = 200, description = "Released or asked for", body = Released)))]
async fn release(
    State(app): State<App>,
    caller: Caller,
    Place(name): Place<String>,
    Body(body): Body<Release>,
) -> Result<Json<Released>, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    let released = retention::release(&transaction, &name, &body.reason).await?;
    transaction.commit().await?;
    Ok(Json(Released { released }))
}
