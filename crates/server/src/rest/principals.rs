//! Who is who to the log.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{List, list};
use crate::App;
use crate::data::principals::{self, NewPrincipal, Principal};
use crate::database::Access;
use crate::http::inputs::Place;
use crate::http::{Body, Params, Problem};
use crate::identity::Caller;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(all, add))
        .routes(routes!(alter, drop))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Tenant {
    /// The principal's tenant, where it has one.
    tenant: Option<String>,
}

/// Principals that the caller may see
#[utoipa::path(get, path = "/api/v1/principals", tag = "administration", responses((status = 200, description = "A list", body = List<Principal>)))]
async fn all(State(app): State<App>, caller: Caller) -> Result<Json<List<Principal>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = principals::list(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// Add a principal
#[utoipa::path(post, path = "/api/v1/principals", tag = "administration", request_body = NewPrincipal, responses((status = 204, description = "Added")))]
async fn add(State(app): State<App>, caller: Caller, Body(body): Body<NewPrincipal>) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    principals::add(&transaction, &body).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is to be another; null takes it away.
#[derive(ToSchema)]
#[schema(as = PrincipalChanges)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what OpenAPI says of a body in which null and nothing differ")]
struct Changes {
    /// The actor of events that it is.
    #[schema(required = false)]
    actor_id: String,
    /// The only tenant whose events it sees.
    tenant: Option<String>,
    /// Its login role.
    role_name: Option<String>,
    /// For people to read.
    email: Option<String>,
    /// Teams that it belongs to.
    teams: Option<Vec<String>>,
    /// Teams that it sees as a manager; its own unless given.
    manages: Option<Vec<String>>,
}

/// Change the members of a principal that are given
#[utoipa::path(patch, path = "/api/v1/principals/{actor_id}", tag = "administration", params(("actor_id" = String, Path), Tenant), request_body = Changes,
    responses((status = 204, description = "Changed")))]
async fn alter(
    State(app): State<App>,
    caller: Caller,
    Place(actor_id): Place<String>,
    Params(params): Params<Tenant>,
    Body(changes): Body<Map<String, Value>>,
) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    let changes = Value::Object(changes).to_string();
    principals::alter(&transaction, &actor_id, &changes, params.tenant.as_deref()).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a principal
#[utoipa::path(delete, path = "/api/v1/principals/{actor_id}", tag = "administration", params(("actor_id" = String, Path), Tenant),
    responses((status = 204, description = "Removed")))]
async fn drop(
    State(app): State<App>,
    caller: Caller,
    Place(actor_id): Place<String>,
    Params(params): Params<Tenant>,
) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    principals::drop(&transaction, &actor_id, params.tenant.as_deref()).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
