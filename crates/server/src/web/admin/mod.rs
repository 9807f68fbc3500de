//! `/admin` and below it.

mod channels;
mod holds;
mod jobs;
mod overview;
mod principals;
mod retention;
mod sinks;
mod tokens;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};

use super::search::told;
use super::see_other;
use super::visit::{Open, Visit};
use crate::App;
use crate::database::DatabaseError;
use crate::http::Problem;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/admin", get(overview::page))
        .route("/admin/retention", get(retention::page).post(retention::set))
        .route("/admin/retention/run", post(retention::run))
        .route("/admin/holds", get(holds::page).post(holds::hold))
        .route("/admin/holds/release", post(holds::release))
        .route("/admin/sinks", get(sinks::page).post(sinks::create))
        .route("/admin/sinks/{name}/{action}", post(sinks::act))
        .route("/admin/channels", get(channels::page).post(channels::create))
        .route("/admin/channels/redrive", post(channels::redrive))
        .route("/admin/channels/{name}/{action}", post(channels::act))
        .route("/admin/jobs", get(jobs::page))
        .route("/admin/jobs/{id}/{action}", post(jobs::act))
        .route("/admin/principals", get(principals::page).post(principals::add))
        .route("/admin/principals/drop", post(principals::drop))
        .route("/admin/tokens", get(tokens::page).post(tokens::create))
        .route("/admin/tokens/{id}/revoke", post(tokens::revoke))
}

/// Ends what a button has begun, and goes back to the page with a message.
async fn back<T>(
    visit: &Visit,
    open: Open,
    done: Result<T, DatabaseError>,
    good: &str,
    to: &str,
) -> Result<Response, Problem> {
    told(visit, open, done, good).await?;
    see_other(to)
}

/// Text that is to be JSON, when it is.
fn json(text: &str) -> Result<String, Problem> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => Ok(value.to_string()),
        Err(error) => Err(Problem::bad_request(
            "config",
            format!("The configuration is no JSON: {error}."),
        )),
    }
}
