//! Around searches: facets, histograms, suggestions; and events as a table.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{List, list};
use crate::App;
use crate::data::event::Event;
use crate::data::search::{self, Bucket, Facet, Selection, Suggestion};
use crate::database::Access;
use crate::http::ndjson::cell;
use crate::http::{Params, Problem};
use crate::identity::Caller;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(facets))
        .routes(routes!(histogram))
        .routes(routes!(suggest))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FacetParams {
    /// A field or a path.
    #[param(example = "event_type")]
    field: String,
    /// A query.
    q: Option<String>,
    /// The first moment of the time that is searched.
    start_time: Option<String>,
    /// The first moment behind it.
    end_time: Option<String>,
    /// Structured filters as a JSON object.
    filters: Option<String>,
    /// At most so many values.
    #[param(minimum = 1, maximum = 1000, default = 10)]
    limit: Option<i64>,
}

/// The most frequent values of a field
#[utoipa::path(get, path = "/api/v1/facets", tag = "audit log", params(FacetParams),
    responses((status = 200, description = "Values and counts", body = List<Facet>)))]
async fn facets(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<FacetParams>,
) -> Result<Json<List<Facet>>, Problem> {
    let limit = super::limit(params.limit.unwrap_or(10))?;
    let what = Selection {
        query: params.q.unwrap_or_default(),
        since: params.start_time,
        until: params.end_time,
        filters: params.filters,
    };
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = search::facets(&transaction, &what, &params.field, limit as i32).await?;
    transaction.commit().await?;
    Ok(list(found))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HistogramParams {
    /// Width of a bucket.
    #[param(example = "1 hour")]
    bucket: String,
    /// A query.
    q: Option<String>,
    /// The first moment of the time that is searched.
    start_time: Option<String>,
    /// The first moment behind it.
    end_time: Option<String>,
    /// Structured filters as a JSON object.
    filters: Option<String>,
    /// Whose days they are.
    #[param(example = "Europe/Berlin")]
    time_zone: Option<String>,
}

/// How many events each span of time has
#[utoipa::path(get, path = "/api/v1/histogram", tag = "audit log", params(HistogramParams),
    responses((status = 200, description = "Buckets, empty ones too", body = List<Bucket>)))]
async fn histogram(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<HistogramParams>,
) -> Result<Json<List<Bucket>>, Problem> {
    let what = Selection {
        query: params.q.unwrap_or_default(),
        since: params.start_time,
        until: params.end_time,
        filters: params.filters,
    };
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = search::histogram(&transaction, &what, &params.bucket, params.time_zone.as_deref()).await?;
    transaction.commit().await?;
    Ok(list(found))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SuggestParams {
    /// The query as far as it is written.
    q: Option<String>,
    /// The character before which the caret stands, counted from 1; the end unless given.
    cursor: Option<i32>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 20)]
    limit: Option<i64>,
}

/// What may stand at a place of a query
#[utoipa::path(get, path = "/api/v1/suggest", tag = "audit log", params(SuggestParams),
    responses((status = 200, description = "Suggestions", body = List<Suggestion>)))]
async fn suggest(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<SuggestParams>,
) -> Result<Json<List<Suggestion>>, Problem> {
    let limit = super::limit(params.limit.unwrap_or(20))?;
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = search::suggest(
        &transaction,
        params.q.as_deref().unwrap_or_default(),
        params.cursor,
        limit as i32,
    )
    .await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// Columns of a table of events, and where their values are.
const COLUMNS: &[(&str, &str)] = &[
    ("log_index", "/auditlog/log_index"),
    ("timestamp", "/timestamp"),
    ("event_id", "/event_id"),
    ("event_type", "/event_type"),
    ("severity", "/severity"),
    ("actor.type", "/actor/type"),
    ("actor.id", "/actor/id"),
    ("actor.email", "/actor/email"),
    ("actor.ip_address", "/actor/ip_address"),
    ("resource.type", "/resource/type"),
    ("resource.id", "/resource/id"),
    ("action.operation", "/action/operation"),
    ("action.status", "/action/status"),
    ("tenant", "/tenant"),
];

/// Events as CSV (RFC 4180) that is safe to open in a spreadsheet.
pub(super) fn table(events: &[Event]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(COLUMNS.iter().map(|(name, _)| *name));
    for event in events {
        let document: Value = serde_json::from_str(event.document.get()).unwrap_or_default();
        let cells = COLUMNS.iter().map(|(_, place)| match document.pointer(place) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => cell(text).into_owned(),
            Some(other) => cell(&other.to_string()).into_owned(),
        });
        let _ = writer.write_record(cells);
    }
    writer.into_inner().unwrap_or_default()
}
