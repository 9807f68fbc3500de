//! Alerts.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{List, Made, list};
use crate::App;
use crate::data::alerts::{self, Alert, BuiltIn, Step};
use crate::database::Access;
use crate::http::inputs::{AnyBody, Place};
use crate::http::{Body, Params, Problem};
use crate::identity::Caller;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(all, create))
        .routes(routes!(one, alter, drop))
        .routes(routes!(enable))
        .routes(routes!(disable))
        .routes(routes!(mute))
        .routes(routes!(test))
        .routes(routes!(explain))
        .routes(routes!(built_in, install))
}

/// Alerts, how far they are, and when they fired last
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", responses((status = 200, description = "A list", body = List<Alert>)))]
async fn all(State(app): State<App>, caller: Caller) -> Result<Json<List<Alert>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = alerts::list(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// An alert
#[utoipa::path(get, path = "/api/v1/alerts/{name}", tag = "alerts", params(("name" = String, Path)), responses((status = 200, description = "It", body = Alert)))]
async fn one(State(app): State<App>, caller: Caller, Place(name): Place<String>) -> Result<Json<Alert>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = alerts::one(&transaction, &name).await?;
    transaction.commit().await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("An alert of this name"))
}

/// An alert.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "what OpenAPI says of a body that the database reads")]
enum Definition {
    /// In YAML.
    Yaml(String),
    /// The same as an object; docs/alerts.md has all its members.
    Object(DefinitionObject),
}

/// An alert as an object.
#[derive(ToSchema)]
#[schema(as = AlertDefinition)]
#[expect(dead_code, reason = "what OpenAPI says of a body that the database reads")]
struct DefinitionObject {
    /// What it is called.
    #[schema(min_length = 1)]
    name: String,
    /// Events that it is about, as a query.
    condition: String,
}

/// A definition is YAML in a JSON string, or the same as a JSON object.
fn definition(body: &Value) -> Result<String, Problem> {
    match body {
        Value::String(yaml) => Ok(yaml.clone()),
        Value::Object(members) => {
            // As YAML, a name 1.10 would be the text 1.10; in JSON it is a number, and nobody has said which text.
            let odd = ["name", "condition"]
                .into_iter()
                .find(|key| members.get(*key).is_some_and(|value| !value.is_string()));
            match odd {
                Some(key) => Err(Problem::bad_request(key, "It is no text.")),
                None => Ok(body.to_string()),
            }
        }
        _ => Err(Problem::bad_request(
            "body",
            "It is neither YAML in a string nor an object.",
        )),
    }
}

/// Add an alert; it is about events that are sealed from now on
#[utoipa::path(post, path = "/api/v1/alerts", tag = "alerts", request_body = Definition, responses((status = 201, description = "Added", body = Made)))]
async fn create(State(app): State<App>, caller: Caller, AnyBody(body): AnyBody) -> Result<Response, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    let id = alerts::create(&transaction, &definition(&body)?).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(Made { id })).into_response())
}

/// Put another definition in the place of an alert's
#[utoipa::path(put, path = "/api/v1/alerts/{name}", tag = "alerts", params(("name" = String, Path)), request_body = Definition, responses((status = 204, description = "Changed")))]
async fn alter(
    State(app): State<App>,
    caller: Caller,
    Place(name): Place<String>,
    AnyBody(body): AnyBody,
) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    alerts::alter(&transaction, &name, &definition(&body)?).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove an alert; what it has found stays
#[utoipa::path(delete, path = "/api/v1/alerts/{name}", tag = "alerts", params(("name" = String, Path)), responses((status = 204, description = "Done")))]
async fn drop(State(app): State<App>, caller: Caller, Place(name): Place<String>) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    alerts::drop(&transaction, &name).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have an alert evaluated, from now on
#[utoipa::path(post, path = "/api/v1/alerts/{name}/enable", tag = "alerts", params(("name" = String, Path)), responses((status = 204, description = "Done")))]
async fn enable(State(app): State<App>, caller: Caller, Place(name): Place<String>) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    alerts::switch(&transaction, &name, true).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have an alert not evaluated any more
#[utoipa::path(post, path = "/api/v1/alerts/{name}/disable", tag = "alerts", params(("name" = String, Path)), responses((status = 204, description = "Done")))]
async fn disable(State(app): State<App>, caller: Caller, Place(name): Place<String>) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    alerts::switch(&transaction, &name, false).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Until when nobody is told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Mute {
    /// Until when; null has people told again.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Why; it is recorded.
    reason: Option<String>,
}

/// Have nobody told of what an alert finds until a time
#[utoipa::path(post, path = "/api/v1/alerts/{name}/mute", tag = "alerts", params(("name" = String, Path)), request_body = Mute, responses((status = 204, description = "Done")))]
async fn mute(
    State(app): State<App>,
    caller: Caller,
    Place(name): Place<String>,
    Body(body): Body<Mute>,
) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    alerts::mute(&transaction, &name, body.until.as_deref(), body.reason.as_deref()).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an alert is tried on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Trial {
    /// Events; the newest that match unless given.
    #[schema(value_type = Option<Vec<Object>>)]
    sample: Option<Vec<Map<String, Value>>>,
    /// Send its channels a notification that is marked as a test.
    notify: Option<bool>,
}

/// Try an alert
#[utoipa::path(post, path = "/api/v1/alerts/{name}/test", tag = "alerts", params(("name" = String, Path)), request_body = Trial,
    responses((status = 200, description = "What came of it", body = List<Step>)))]
async fn test(
    State(app): State<App>,
    caller: Caller,
    Place(name): Place<String>,
    Body(body): Body<Trial>,
) -> Result<Json<List<Step>>, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    let sample = body
        .sample
        .map(|events| Value::from_iter(events.into_iter().map(Value::Object)).to_string());
    let steps = alerts::test(&transaction, &name, sample.as_deref(), body.notify.unwrap_or(false)).await?;
    transaction.commit().await?;
    Ok(list(steps))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Days {
    /// Over the events of so many days.
    #[param(minimum = 0, maximum = 366, default = 7)]
    days: Option<i32>,
}

/// An alert in words.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Explanation {
    /// Sentences.
    lines: Vec<String>,
}

/// What an alert does, in words, and when it would have fired
#[utoipa::path(get, path = "/api/v1/alerts/{name}/explanation", tag = "alerts", params(("name" = String, Path), Days),
    responses((status = 200, description = "In words", body = Explanation)))]
async fn explain(
    State(app): State<App>,
    caller: Caller,
    Place(name): Place<String>,
    Params(params): Params<Days>,
) -> Result<Json<Explanation>, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    let lines = alerts::explain(&transaction, &name, params.days.unwrap_or(7)).await?;
    transaction.commit().await?;
    Ok(Json(Explanation { lines }))
}

/// Alerts that come with the extension
#[utoipa::path(get, path = "/api/v1/built-in-alerts", tag = "alerts", responses((status = 200, description = "A list", body = List<BuiltIn>)))]
async fn built_in(State(app): State<App>, caller: Caller) -> Result<Json<List<BuiltIn>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = alerts::built_in(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// Which built-in alerts.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Install {
    /// All unless given.
    keys: Option<Vec<String>>,
    /// Channels that they tell.
    channels: Option<Vec<String>>,
    /// Whom channels of e-mail tell.
    recipients: Option<Vec<String>>,
}

/// How many were added.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Installed {
    /// Those that were there already are not counted.
    added: i64,
}

/// Add built-in alerts
#[utoipa::path(post, path = "/api/v1/built-in-alerts", tag = "alerts", request_body = Install, responses((status = 200, description = "Added", body = Installed)))]
async fn install(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body<Install>,
) -> Result<Json<Installed>, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    let (channels, recipients) = (body.channels.unwrap_or_default(), body.recipients.unwrap_or_default());
    let added = alerts::install(&transaction, body.keys.as_deref(), &channels, &recipients).await?;
    transaction.commit().await?;
    Ok(Json(Installed { added }))
}
