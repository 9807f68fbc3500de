//! The live view.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::http::{Params, Problem};
use crate::identity::Caller;
use crate::stream::{self, Wish};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(live))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LiveParams {
    /// A query in the query language.
    query: Option<String>,
    /// Begin behind this log_index; -1 for the whole log, from now on unless given. `Last-Event-ID` goes before it.
    #[param(minimum = -1)]
    after: Option<i64>,
    /// Leave out what lies farther back than so many events, and say so by an event `skipped`.
    #[param(minimum = 1)]
    max_lag: Option<i64>,
}

/// Where a client was.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "what OpenAPI says of a header")]
struct LastEvent {
    /// The last log_index that the client has.
    #[param(rename = "Last-Event-ID", minimum = -1)]
    last_event_id: Option<i64>,
}

/// What comes over the stream.
#[derive(ToSchema)]
#[schema(as = StreamMessage)]
#[expect(dead_code, reason = "what OpenAPI says of texts that stream/ writes")]
struct Message {
    /// What it is: an event of the log, what was left out, or why the stream ends.
    event: MessageKind,
    /// The log_index from behind which to go on; a problem has none.
    id: Option<String>,
    /// JSON: the event; `after`, `resume_at` and `skipped`; or the problem.
    #[schema(content_media_type = "application/json")]
    data: String,
}

#[derive(ToSchema)]
#[schema(as = StreamMessageKind)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "what OpenAPI says of texts that stream/ writes")]
enum MessageKind {
    Audit,
    Skipped,
    Problem,
}

/// Events as they are sealed, as Server-Sent Events; the id of each is its log_index
#[utoipa::path(get, path = "/api/v1/audit-logs/stream", tag = "audit log",
    params(LiveParams, LastEvent),
    responses((status = 200, description = "Events named audit, skipped, problem", body = Message, content_type = "text/event-stream")))]
async fn live(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Params(params): Params<LiveParams>,
) -> Result<Response, Problem> {
    let last = headers
        .get("last-event-id")
        .map(|value| value.to_str().unwrap_or_default());
    let last = match last.filter(|id| !id.is_empty()) {
        Some(id) => {
            let place = id.parse().ok().filter(|place: &i64| *place >= -1);
            Some(place.ok_or_else(|| Problem::bad_request("Last-Event-ID", "It is no log_index."))?)
        }
        None => None,
    };
    // Judged also where the header goes before it: a client's mistake should show at its first request, not at some later one.
    if params.after.is_some_and(|after| after < -1) {
        return Err(Problem::bad_request("after", "It is -1 or a log_index."));
    }
    if params.max_lag.is_some_and(|lag| lag < 1) {
        return Err(Problem::bad_request("max_lag", "It is 1 or more."));
    }
    let wish = Wish {
        query: params.query.unwrap_or_default(),
        after: last.or(params.after),
        max_lag: params.max_lag,
    };
    stream::subscribe(app, caller, wish).await
}
