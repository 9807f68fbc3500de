//! Pages for people with a browser: each is one transaction of the visitor's, a model of `auditlog-pages`, and its HTML.
//!
//! Nothing here decides who may see what; what a role may not do is left out of the pages, and refused by the database
//! when it is tried all the same. Forms are sent by POST with the session's token.

pub mod admin;
mod alert_form;
mod alerts;
mod assets;
pub mod chrome;
mod dashboard;
mod event;
pub mod faults;
mod firing;
mod forms;
mod integrity;
mod live;
mod login;
mod reports;
mod returning;
mod search;
mod sso;
mod viewer;
mod visit;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::App;
use crate::http::Problem;

/// All pages and their forms, and the files that they need.
pub fn router() -> Router<App> {
    Router::new()
        .route("/login", get(login::page).post(login::sign_in))
        .route("/login/sso", post(sso::begin))
        .route(crate::config::CALLBACK, get(sso::callback))
        .route("/logout", post(login::sign_out))
        .route("/preferences", post(login::preferences))
        .route("/", get(dashboard::page))
        .route("/search", get(search::page))
        .route("/search/export", post(search::export))
        .route("/search/link", post(viewer::make_link))
        .route("/viewer", get(viewer::page).post(viewer::list))
        .route("/saved-queries", post(search::save))
        .route("/saved-queries/delete", post(search::delete))
        .route("/events", get(event::by_query))
        .route("/events/{event_id}", get(event::page))
        .route("/live", get(live::page))
        .route("/integrity", get(integrity::page))
        .route("/help/query", get(integrity::help))
        .merge(alerts::routes())
        .merge(reports::routes())
        .merge(admin::routes())
        .route("/favicon.ico", get(assets::favicon))
        .route("/assets/{*path}", get(assets::file))
}

/// Markup as an answer, with what browsers must know of it.
fn html(status: StatusCode, markup: String) -> Response {
    let mut response = (status, markup).into_response();
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    put(header::CONTENT_TYPE, "text/html; charset=utf-8");
    put(
        header::CONTENT_SECURITY_POLICY,
        auditlog_pages::assets::CONTENT_SECURITY_POLICY,
    );
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::X_FRAME_OPTIONS, "DENY");
    // The pages' own meta element lets our own site know where a form comes from: without it browsers send `Origin: null`.
    put(header::REFERRER_POLICY, "no-referrer");
    put(header::CACHE_CONTROL, "no-store");
    put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), \
         payment=(), usb=()",
    );
    response
}

/// Go and look there.
fn see_other(path: &str) -> Result<Response, Problem> {
    let location = HeaderValue::from_str(path).map_err(|_| Problem::internal())?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

/// What is wrong, as one text: the detail and what to do about it.
fn words(problem: &Problem) -> String {
    let detail = problem.detail.as_deref().unwrap_or(&problem.title);
    match problem.hint.as_deref().filter(|hint| !hint.is_empty()) {
        Some(hint) => format!("{detail} {hint}"),
        None => detail.to_owned(),
    }
}

/// Is it about what was filled in, so that the form is shown again?
fn is_of_input(problem: &Problem) -> bool {
    matches!(problem.status, 400 | 409 | 422)
}

/// What is wrong with a query, when it is that.
fn query_problem(problem: &Problem) -> Option<auditlog_pages::components::query_box::Problem> {
    let place = problem.errors.iter().find(|error| error.position.is_some())?;
    Some(auditlog_pages::components::query_box::Problem {
        position: place.position.unwrap_or(1) as usize,
        length: 1,
        message: place.detail.clone(),
        hint: problem.hint.clone(),
    })
}

/// A number that is never below 0.
fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A moment as the database's JSON has it.
fn moment(text: &str) -> auditlog_pages::time::Moment {
    auditlog_pages::time::parse(text).unwrap_or_default()
}

/// The same where there may be none.
fn optional_moment(text: Option<&String>) -> Option<auditlog_pages::time::Moment> {
    text.and_then(|text| auditlog_pages::time::parse(text))
}
