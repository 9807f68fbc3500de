//! Saved queries.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{List, list};
use crate::App;
use crate::data::saved::{self, SavedQuery};
use crate::database::Access;
use crate::http::inputs::Place;
use crate::http::{Body, Problem};
use crate::identity::Caller;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(all)).routes(routes!(save, delete))
}

/// A query that is to be saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Query {
    /// In the query language.
    query: String,
    /// What it is for.
    description: Option<String>,
}

/// Saved queries
#[utoipa::path(get, path = "/api/v1/saved-queries", tag = "audit log", responses((status = 200, description = "A list", body = List<SavedQuery>)))]
async fn all(State(app): State<App>, caller: Caller) -> Result<Json<List<SavedQuery>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = saved::list(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// Save a query, in place of the caller's own of this name
#[utoipa::path(put, path = "/api/v1/saved-queries/{name}", tag = "audit log", params(("name" = String, Path, pattern = "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")), request_body = Query, responses((status = 204, description = "Done")))]
async fn save(
    State(app): State<App>,
    caller: Caller,
    Place(name): Place<String>,
    Body(body): Body<Query>,
) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    saved::save(&transaction, &name, &body.query, body.description.as_deref()).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete a saved query
#[utoipa::path(delete, path = "/api/v1/saved-queries/{name}", tag = "audit log", params(("name" = String, Path, pattern = "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")), responses((status = 204, description = "Done")))]
async fn delete(State(app): State<App>, caller: Caller, Place(name): Place<String>) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    saved::delete(&transaction, &name).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
