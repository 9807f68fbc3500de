//! Exports: events in a format, streamed or written to a file by the database's server.

use axum::Json;
use axum::body::Body as Stream;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_postgres::{Row, RowStream};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{List, Newest, list};
use crate::App;
use crate::data::exports::{self, Export};
use crate::data::search::Selection;
use crate::database::{Access, DatabaseError, Transaction};
use crate::http::idempotency;
use crate::http::inputs::Place;
use crate::http::{Body, Params, Problem};
use crate::identity::Caller;

/// Bytes that are sent together.
const CHUNK: usize = 32 << 10;
/// The trailer that says how many lines a complete export has.
const EVENTS: HeaderName = HeaderName::from_static("x-auditlog-events");

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(export))
        .routes(routes!(all))
        .routes(routes!(one, cancel))
}

/// How events are written.
#[derive(ToSchema)]
#[schema(as = ExportFormat)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "what OpenAPI says of texts that the database judges")]
enum Format {
    Json,
    Ndjson,
    Csv,
    CsvRaw,
    Syslog,
    Cef,
    Leef,
    Ecs,
    Ocsf,
    #[serde(rename = "cloudevents")]
    CloudEvents,
    Parquet,
}

/// What is to be exported.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportBody {
    /// json is an array; parquet needs a destination.
    #[schema(value_type = Option<Format>, example = "json")]
    pub(crate) format: Option<String>,
    /// A query in the query language.
    pub(crate) query: Option<String>,
    /// The first moment of the time that is exported.
    #[schema(format = DateTime)]
    pub(crate) start_time: Option<String>,
    /// The first moment behind it.
    #[schema(format = DateTime)]
    pub(crate) end_time: Option<String>,
    /// Structured filters.
    #[schema(value_type = Option<Object>)]
    pub(crate) filters: Option<Map<String, Value>>,
    /// Of the format.
    #[schema(value_type = Option<Object>)]
    pub(crate) options: Option<Map<String, Value>>,
    /// Have the database's server write it there, with a manifest that proves it: a path or an object's address.
    pub(crate) destination: Option<String>,
}

/// An export to a file that was asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Asked {
    /// Its number.
    id: i64,
    /// Where to see how it goes.
    location: String,
}

/// Export events: streamed in the answer, or with a destination by a job of the database's server
#[utoipa::path(post, path = "/api/v1/audit-logs/export", tag = "audit log", request_body = ExportBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "An export to a file that was asked for with this key is not made again")),
    responses(
        (status = 200, description = "The events; the trailer x-auditlog-events comes when none is missing", content(
            (Vec<Object> = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"), (String = "text/plain"))),
        (status = 202, description = "Asked for", body = Asked)))]
async fn export(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<ExportBody>,
) -> Result<Response, Problem> {
    app.rates.exports.take(&caller.key)?;
    if let Some(destination) = &body.destination {
        return to_file(&app, &caller, &headers, &body, destination).await;
    }
    streamed(&app, &caller, &body, accepted(&headers)).await
}

/// The events, streamed in the answer.
///
/// # Errors
/// What is refused before the first of them.
pub(crate) async fn streamed(
    app: &App,
    caller: &Caller,
    body: &ExportBody,
    otherwise: &str,
) -> Result<Response, Problem> {
    let kind = Kind::of(body.format.as_deref().unwrap_or(otherwise)).ok_or_else(|| {
        Problem::bad_request("format", "It is none that can be streamed.")
            .hint("Use json, ndjson, csv, csv-raw, syslog, cef, leef, ecs, ocsf or cloudevents.")
    })?;
    let transaction = caller.begin(app, Access::LongRead).await?;
    let rows = exports::lines(&transaction, kind.format, &what(body), options(body).as_deref()).await?;
    // A refusal comes before the first row, and must be the answer's status.
    let mut rows = Box::pin(rows.fuse());
    let first = match rows.next().await {
        Some(Err(error)) => {
            transaction.streamed();
            return Err(DatabaseError::from(error).into());
        }
        other => other.transpose().map_err(DatabaseError::from)?,
    };
    let body = Stream::new(StreamBody::new(frames(transaction, first, rows, kind.is_array)));
    let mut response = body.into_response();
    let name = format!("attachment; filename=\"audit-log.{}\"", kind.extension);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind.media));
    headers.insert(header::TRAILER, HeaderValue::from_static("x-auditlog-events"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

fn what(body: &ExportBody) -> Selection {
    Selection {
        query: body.query.clone().unwrap_or_default(),
        since: body.start_time.clone(),
        until: body.end_time.clone(),
        filters: body.filters.clone().map(|filters| Value::Object(filters).to_string()),
    }
}

fn options(body: &ExportBody) -> Option<String> {
    body.options.clone().map(|options| Value::Object(options).to_string())
}

/// The format that a client accepts, when it has named none.
fn accepted(headers: &HeaderMap) -> &'static str {
    use crate::http::ndjson::Form;
    match Form::of(headers) {
        Ok(Form::Csv) => "csv",
        Ok(Form::Lines) => "ndjson",
        _ => "json",
    }
}

/// How a format is sent.
struct Kind {
    /// As the database calls it.
    format: &'static str,
    media: &'static str,
    extension: &'static str,
    /// Are lines elements of one JSON array?
    is_array: bool,
}

impl Kind {
    fn of(name: &str) -> Option<Kind> {
        let kind = |format, media, extension| Kind {
            format,
            media,
            extension,
            is_array: name == "json",
        };
        const LINES: &str = "application/x-ndjson";
        const TEXT: &str = "text/plain; charset=utf-8";
        const CSV: &str = "text/csv; charset=utf-8; header=present";
        Some(match name {
            "json" => kind("json", "application/json", "json"),
            "ndjson" => kind("json", LINES, "ndjson"),
            "csv" => kind("csv", CSV, "csv"),
            "csv-raw" => kind("csv-raw", CSV, "csv"),
            "syslog" => kind("syslog", TEXT, "log"),
            "cef" => kind("cef", TEXT, "cef"),
            "leef" => kind("leef", TEXT, "leef"),
            "ecs" => kind("ecs", LINES, "ndjson"),
            "ocsf" => kind("ocsf", LINES, "ndjson"),
            "cloudevents" => kind("cloudevents", LINES, "ndjson"),
            _ => return None,
        })
    }
}

type Rows = std::pin::Pin<Box<futures_util::stream::Fuse<RowStream>>>;

struct Progress {
    transaction: Option<Transaction>,
    first: Option<Row>,
    rows: Rows,
    is_array: bool,
    has_begun: bool,
    events: u64,
}

/// The answer's body. An error in the middle breaks the connection off: a client must not take a part for the whole.
fn frames(
    transaction: Transaction,
    first: Option<Row>,
    rows: Rows,
    is_array: bool,
) -> impl futures_util::Stream<Item = Result<Frame<Bytes>, DatabaseError>> {
    let progress = Progress {
        transaction: Some(transaction),
        first,
        rows,
        is_array,
        has_begun: false,
        events: 0,
    };
    let chunks = futures_util::stream::try_unfold(progress, |mut progress| async move {
        let Some(transaction) = &progress.transaction else {
            return Ok(None);
        };
        let mut chunk = Vec::with_capacity(CHUNK + 4096);
        while chunk.len() < CHUNK {
            let row = match progress.first.take() {
                Some(row) => Some(row),
                None => progress.rows.next().await.transpose()?,
            };
            let Some(row) = row else {
                transaction.streamed();
                if let Some(transaction) = progress.transaction.take() {
                    transaction.commit().await?;
                }
                if progress.is_array {
                    chunk.extend_from_slice(if progress.has_begun { b"\n]\n" } else { b"[]\n" });
                }
                return Ok(Some((Part::Last(chunk.into(), progress.events), progress)));
            };
            if progress.is_array {
                chunk.extend_from_slice(if progress.has_begun { b",\n" } else { b"[\n" });
            }
            let line: &str = row.try_get(0)?;
            chunk.extend_from_slice(line.as_bytes());
            if !progress.is_array && !line.ends_with('\n') {
                chunk.push(b'\n');
            }
            progress.has_begun = true;
            progress.events += 1;
        }
        Ok::<_, DatabaseError>(Some((Part::Middle(chunk.into()), progress)))
    });
    chunks.flat_map(|part| {
        let frames = match part {
            Ok(Part::Middle(chunk)) => vec![Ok(Frame::data(chunk))],
            Ok(Part::Last(chunk, events)) => {
                let mut trailers = HeaderMap::new();
                trailers.insert(EVENTS, HeaderValue::from(events));
                vec![Ok(Frame::data(chunk)), Ok(Frame::trailers(trailers))]
            }
            Err(error) => {
                tracing::warn!(error = %crate::logs::visible(&error.to_string()), "an export broke off");
                vec![Err(error)]
            }
        };
        futures_util::stream::iter(frames)
    })
}

enum Part {
    Middle(Bytes),
    Last(Bytes, u64),
}

async fn to_file(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    body: &ExportBody,
    destination: &str,
) -> Result<Response, Problem> {
    let request = serde_json::to_vec(body).unwrap_or_default();
    let key =
        idempotency::key_of(headers)?.map(|key| app.fingerprints.keyed(&[b"export", &caller.key, key.as_bytes()]));
    let format = body
        .format
        .as_deref()
        .map_or("json", |format| if format == "ndjson" { "json" } else { format });
    let begun = async {
        let transaction = caller.begin(app, Access::Write).await?;
        let id = exports::begin(&transaction, format, &what(body), destination, options(body).as_deref()).await?;
        transaction.commit().await?;
        id.ok_or_else(Problem::internal)
    };
    let request = app.fingerprints.keyed(&[&request]);
    Ok(asked(app.answers.once(key, request, begun).await?))
}

fn asked(id: i64) -> Response {
    let location = format!("/api/v1/exports/{id}");
    let body = Json(Asked {
        id,
        location: location.clone(),
    });
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], body).into_response()
}

/// Exports to files, the newest first
#[utoipa::path(get, path = "/api/v1/exports", tag = "exports", params(Newest),
    responses((status = 200, description = "Exports", body = List<Export>)))]
async fn all(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<Newest>,
) -> Result<Json<List<Export>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = exports::list(&transaction, params.limit()?, params.before).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// An export to a file
#[utoipa::path(get, path = "/api/v1/exports/{id}", tag = "exports", params(("id" = i64, Path)),
    responses((status = 200, description = "The export", body = Export)))]
async fn one(State(app): State<App>, caller: Caller, Place(id): Place<i64>) -> Result<Json<Export>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = exports::one(&transaction, id).await?;
    transaction.commit().await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("An export of this number"))
}

/// Cancel an export to a file
#[utoipa::path(delete, path = "/api/v1/exports/{id}", tag = "exports", params(("id" = i64, Path)),
    responses((status = 204, description = "Cancelled"), (status = 409, description = "It has ended already", body = crate::http::Details, content_type = "application/problem+json")))]
async fn cancel(State(app): State<App>, caller: Caller, Place(id): Place<i64>) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    let ended = exports::cancel(&transaction, id).await?;
    transaction.commit().await?;
    if ended {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::conflict("The export has ended already."))
    }
}
