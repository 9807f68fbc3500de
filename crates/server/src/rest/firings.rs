//! What alerts have found.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{List, list};
use crate::App;
use crate::data::alerts::{self, Firing, WhichFirings};
use crate::database::Access;
use crate::http::inputs::Place;
use crate::http::{Body, Params, Problem};
use crate::identity::Caller;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(all))
        .routes(routes!(one))
        .routes(routes!(acknowledge))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Of this alert.
    alert: Option<String>,
    /// open or resolved.
    state: Option<String>,
    /// Has somebody seen to it?
    acknowledged: Option<bool>,
    /// With numbers below this one.
    before: Option<i64>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
}

/// Firings, the newest first
#[utoipa::path(get, path = "/api/v1/firings", tag = "alerts", params(Which), responses((status = 200, description = "Firings", body = List<Firing>)))]
async fn all(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<Which>,
) -> Result<Json<List<Firing>>, Problem> {
    let which = WhichFirings {
        alert: params.alert,
        state: params.state,
        acknowledged: params.acknowledged,
        before: params.before,
        limit: super::limit(params.limit.unwrap_or(100))?,
    };
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = alerts::firings(&transaction, &which).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// What was found.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Note {
    /// In words; it is recorded.
    note: Option<String>,
}

/// A firing
#[utoipa::path(get, path = "/api/v1/firings/{id}", tag = "alerts", params(("id" = i64, Path)), responses((status = 200, description = "It", body = Firing)))]
async fn one(State(app): State<App>, caller: Caller, Place(id): Place<i64>) -> Result<Json<Firing>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = alerts::firing(&transaction, id).await?;
    transaction.commit().await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("A firing of this number"))
}

/// Say that somebody has seen to a firing
#[utoipa::path(post, path = "/api/v1/firings/{id}/acknowledge", tag = "alerts", params(("id" = i64, Path)), request_body = Note, responses((status = 204, description = "Done")))]
async fn acknowledge(
    State(app): State<App>,
    caller: Caller,
    Place(id): Place<i64>,
    Body(body): Body<Note>,
) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    alerts::acknowledge(&transaction, id, body.note.as_deref()).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
