//! What queries and events may be made of.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{List, list};
use crate::App;
use crate::data::catalogue::{self, EventType, Field};
use crate::database::Access;
use crate::http::Problem;
use crate::identity::Caller;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(fields))
        .routes(routes!(event_types))
}

/// The fields that queries know
#[utoipa::path(get, path = "/api/v1/fields", tag = "catalogue", responses((status = 200, description = "A list", body = List<Field>)))]
async fn fields(State(app): State<App>, caller: Caller) -> Result<Json<List<Field>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = catalogue::fields(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// The catalogue of event types
#[utoipa::path(get, path = "/api/v1/event-types", tag = "catalogue", responses((status = 200, description = "A list", body = List<EventType>)))]
async fn event_types(State(app): State<App>, caller: Caller) -> Result<Json<List<EventType>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = catalogue::event_types(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}
