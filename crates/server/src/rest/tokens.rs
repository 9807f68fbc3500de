//! Tokens of programs.

use axum::Json;
use axum::extract::State;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{List, list};
use crate::App;
use crate::data::tokens::{self, NewToken, Token};
use crate::database::Access;
use crate::http::inputs::Place;
use crate::http::{Body, Problem};
use crate::identity::Caller;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(all, create))
        .routes(routes!(revoke))
}

/// A token that was made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct MadeToken {
    /// The token itself, shown this once.
    token: String,
}

/// The caller's tokens; all for administrators
#[utoipa::path(get, path = "/api/v1/tokens", tag = "session", responses((status = 200, description = "A list", body = List<Token>)))]
async fn all(State(app): State<App>, caller: Caller) -> Result<Json<List<Token>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = tokens::list(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// Make a token that speaks for the caller
#[utoipa::path(post, path = "/api/v1/tokens", tag = "session", request_body = NewToken, responses((status = 201, description = "Made", body = MadeToken)))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body<NewToken>,
) -> Result<(StatusCode, [(header::HeaderName, HeaderValue); 1], Json<MadeToken>), Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    let token = tokens::create(&transaction, &body).await?;
    transaction.commit().await?;
    let token = token.ok_or_else(Problem::internal)?;
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, no_store, Json(MadeToken { token })))
}

/// Take a token back, at once
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "session", params(("id" = i64, Path)), responses((status = 204, description = "It is good for nothing")))]
async fn revoke(State(app): State<App>, caller: Caller, Place(id): Place<i64>) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    tokens::revoke(&transaction, id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
