//! The REST API, a file for each subject: handlers, what they take, and what OpenAPI says of them.

pub mod alerts;
pub mod catalogue;
pub mod delivery;
pub mod entries;
pub mod events;
pub mod exports;
pub mod firings;
pub mod jobs;
pub mod principals;
pub mod proofs;
pub mod reports;
pub mod retention;
pub mod saved;
pub mod search;
pub mod session;
pub mod state;
pub mod stream;
pub mod tokens;
pub mod viewer_links;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::http::Problem;

/// All of it.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(session::routes())
        .merge(entries::routes())
        .merge(search::routes())
        .merge(exports::routes())
        .merge(stream::routes())
        .merge(events::routes())
        .merge(catalogue::routes())
        .merge(proofs::routes())
        .merge(state::routes())
        .merge(alerts::routes())
        .merge(firings::routes())
        .merge(reports::routes())
        .merge(retention::routes())
        .merge(delivery::routes())
        .merge(jobs::routes())
        .merge(saved::routes())
        .merge(principals::routes())
        .merge(tokens::routes())
        .merge(viewer_links::routes())
}

/// A list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// Its items.
    pub items: Vec<T>,
}

/// A list as an answer.
pub fn list<T>(items: Vec<T>) -> axum::Json<List<T>> {
    axum::Json(List { items })
}

/// The newest of something that has numbers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Newest {
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
    /// With numbers below this one.
    before: Option<i64>,
}

impl Newest {
    /// The limit, when it is one.
    ///
    /// # Errors
    /// When it is none.
    pub fn limit(&self) -> Result<i64, Problem> {
        limit(self.limit.unwrap_or(100))
    }
}

/// 1 to 1,000.
///
/// # Errors
/// Of others.
pub fn limit(limit: i64) -> Result<i64, Problem> {
    if (1..=1_000).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::bad_request("limit", "It may be 1 to 1000."))
    }
}

/// The number of what was made or asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Made {
    /// Its number.
    pub id: Option<i64>,
}

/// Why something is done.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In words; it is recorded.
    pub reason: Option<String>,
}
