//! Logging in and out, and who one is.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use crate::App;
use crate::data::state::{self, WhoAmI};
use crate::database::Access;
use crate::http::exchange::Exchange;
use crate::http::{Body, Problem};
use crate::identity::caller::{COOKIE, session_id};
use crate::identity::{Caller, Identity, Needs, Person, forgery};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(log_in, current, log_out))
        .routes(routes!(whoami))
}

/// A login role of the database and its password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The login role.
    user: String,
    /// Its password.
    #[schema(value_type = String, format = Password)]
    password: Zeroizing<String>,
}

/// A session that has begun.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionState {
    /// The login role, or what single sign-on calls the person.
    user: String,
    /// To be sent as X-CSRF-Token with everything that changes something.
    csrf_token: String,
    /// The session ends after so many seconds without a request.
    idle_seconds: u64,
    /// The session ends after so many seconds whatever happens.
    absolute_seconds: u64,
}

/// Log in with a login role of the database; the answer sets a cookie
#[utoipa::path(post, path = "/api/v1/session", tag = "session", request_body = Credentials, security(()),
    responses((status = 201, description = "Logged in", body = SessionState)))]
async fn log_in(
    State(app): State<App>,
    axum::Extension(exchange): axum::Extension<Exchange>,
    headers: HeaderMap,
    Body(credentials): Body<Credentials>,
) -> Result<Response, Problem> {
    forgery::check_origin(&Method::POST, &headers)?;
    if !app.settings.login {
        return Err(Problem::forbidden("Nobody logs in by a password here."));
    }
    let person = Person {
        name: credentials.user,
        password: credentials.password,
    };
    let key = app.fingerprints.of(&person);
    let caller = Caller {
        identity: Identity::Person(person.clone()),
        client: exchange.client,
        key,
        needs: Needs::Nothing,
    };
    // The database decides.
    caller.begin(&app, Access::Read).await?.commit().await?;
    let (id, session) = app
        .sessions
        .begin(&person, key)
        .map_err(|error| Problem::unavailable(format!("There cannot be another session: {error}.")))?;
    let (idle, absolute) = app.sessions.limits();
    let state = SessionState {
        user: session.name.clone(),
        csrf_token: session.csrf.clone(),
        idle_seconds: idle.as_secs(),
        absolute_seconds: absolute.as_secs(),
    };
    let cookie = format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict", *id.text());
    let mut cookie = HeaderValue::from_str(&cookie).map_err(|_| Problem::internal())?;
    cookie.set_sensitive(true);
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie)], Json(state)).into_response())
}

/// The session and its CSRF token
#[utoipa::path(get, path = "/api/v1/session", tag = "session",
    responses((status = 200, description = "The session", body = SessionState)))]
async fn current(State(app): State<App>, caller: Caller) -> Result<Json<SessionState>, Problem> {
    let Identity::Session(session, _) = &caller.identity else {
        return Err(Problem::not_found("A session"));
    };
    let (idle, absolute) = app.sessions.limits();
    Ok(Json(SessionState {
        user: session.name.clone(),
        csrf_token: session.csrf.clone(),
        idle_seconds: idle.as_secs(),
        absolute_seconds: absolute.as_secs(),
    }))
}

/// Log out
#[utoipa::path(delete, path = "/api/v1/session", tag = "session",
    responses((status = 204, description = "Logged out")))]
async fn log_out(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    // Who shows a password or a token each time is in no session, and nobody has looked at what was shown.
    if !matches!(&caller.identity, Identity::Session(..)) {
        return Err(Problem::not_found("A session"));
    }
    if let Some(pool) = session_id(&headers).and_then(|id| app.sessions.end(&id)) {
        app.people.forget(&pool);
    }
    let cookie = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Who the caller is to the log, and what it sees
#[utoipa::path(get, path = "/api/v1/whoami", tag = "session",
    responses((status = 200, description = "The caller", body = WhoAmI)))]
async fn whoami(State(app): State<App>, caller: Caller) -> Result<Json<WhoAmI>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let who = state::whoami(&transaction).await?;
    transaction.commit().await?;
    who.map(Json).ok_or_else(|| Problem::not_found("The caller"))
}
