//! Whom the log tells: sinks, channels, notifications.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{List, Newest, Reason, list};
use crate::App;
use crate::data::alerts::Step;
use crate::data::delivery::{self, Channel, Notification, Sink};
use crate::database::Access;
use crate::http::inputs::Place;
use crate::http::{Body, Params, Problem};
use crate::identity::Caller;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sinks))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(test))
        .routes(routes!(channels))
        .routes(routes!(notifications))
}

/// Sinks of the log, how far each is, and what is wrong with it
#[utoipa::path(get, path = "/api/v1/sinks", tag = "administration", responses((status = 200, description = "A list", body = List<Sink>)))]
async fn sinks(State(app): State<App>, caller: Caller) -> Result<Json<List<Sink>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = delivery::sinks(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// Have a sink get nothing until it is resumed
#[utoipa::path(post, path = "/api/v1/sinks/{name}/pause", tag = "administration", params(("name" = String, Path)), request_body = Reason, responses((status = 204, description = "Done")))]
async fn pause(
    State(app): State<App>,
    caller: Caller,
    Place(name): Place<String>,
    Body(body): Body<Reason>,
) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    delivery::pause_sink(&transaction, &name, body.reason.as_deref()).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have a sink go on
#[utoipa::path(post, path = "/api/v1/sinks/{name}/resume", tag = "administration", params(("name" = String, Path)), responses((status = 204, description = "Done")))]
async fn resume(State(app): State<App>, caller: Caller, Place(name): Place<String>) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    delivery::resume_sink(&transaction, &name).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send a sink a marked test event
#[utoipa::path(post, path = "/api/v1/sinks/{name}/test", tag = "administration", params(("name" = String, Path)),
    responses((status = 200, description = "What came of it", body = List<Step>)))]
async fn test(State(app): State<App>, caller: Caller, Place(name): Place<String>) -> Result<Json<List<Step>>, Problem> {
    let transaction = caller.begin(&app, Access::LongWrite).await?;
    let steps = delivery::test_sink(&transaction, &name).await?;
    transaction.commit().await?;
    Ok(list(steps))
}

/// Channels of notifications
#[utoipa::path(get, path = "/api/v1/channels", tag = "administration", responses((status = 200, description = "A list", body = List<Channel>)))]
async fn channels(State(app): State<App>, caller: Caller) -> Result<Json<List<Channel>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = delivery::channels(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// What channels were told, the newest first
#[utoipa::path(get, path = "/api/v1/notifications", tag = "administration", params(Newest), responses((status = 200, description = "A list", body = List<Notification>)))]
async fn notifications(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<Newest>,
) -> Result<Json<List<Notification>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = delivery::notifications(&transaction, params.limit()?, params.before).await?;
    transaction.commit().await?;
    Ok(list(found))
}
