//! Reports.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{List, Made, Newest, list};
use crate::App;
use crate::data::reports::{self, Framework, Report, Wanted};
use crate::database::Access;
use crate::http::idempotency;
use crate::http::inputs::Place;
use crate::http::{Params, Problem};
use crate::identity::Caller;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(frameworks))
        .routes(routes!(all, make))
        .routes(routes!(one, cancel))
        .routes(routes!(retry))
        .routes(routes!(file))
        .routes(routes!(proof))
}

/// Frameworks that reports are made of
#[utoipa::path(get, path = "/api/v1/frameworks", tag = "reports", responses((status = 200, description = "A list", body = List<Framework>)))]
async fn frameworks(State(app): State<App>, caller: Caller) -> Result<Json<List<Framework>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = reports::frameworks(&transaction).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// Reports, the newest first
#[utoipa::path(get, path = "/api/v1/reports", tag = "reports", params(Newest), responses((status = 200, description = "A list", body = List<Report>)))]
async fn all(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<Newest>,
) -> Result<Json<List<Report>>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = reports::list(&transaction, params.limit()?, params.before).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// A report: how far it is, and what was found
#[utoipa::path(get, path = "/api/v1/reports/{id}", tag = "reports", params(("id" = i64, Path)), responses((status = 200, description = "It", body = Report)))]
async fn one(State(app): State<App>, caller: Caller, Place(id): Place<i64>) -> Result<Json<Report>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = reports::one(&transaction, id).await?;
    transaction.commit().await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("A report of this number"))
}

/// Have a report made: on a framework, of a custom definition, or on an incident
#[utoipa::path(post, path = "/api/v1/reports", tag = "reports", request_body = Wanted,
    params(("Idempotency-Key" = Option<String>, Header, description = "A report that was asked for with this key is not made again")),
    responses((status = 202, description = "Asked for", body = Made)))]
async fn make(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: bytes::Bytes,
) -> Result<Response, Problem> {
    let unreadable = |error: serde_json::Error| Problem::bad_request("body", format!("It cannot be used: {error}."));
    let document: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&body).map_err(unreadable)?;
    let wanted: Wanted = serde_json::from_value(document.into()).map_err(unreadable)?;
    let key =
        idempotency::key_of(&headers)?.map(|key| app.fingerprints.keyed(&[b"report", &caller.key, key.as_bytes()]));
    let request = app.fingerprints.keyed(&[&body]);
    Ok(asked(
        app.answers.once(key, request, ask(&app, &caller, &wanted)).await?,
    ))
}

async fn ask(app: &App, caller: &Caller, wanted: &Wanted) -> Result<i64, Problem> {
    let transaction = caller.begin(app, Access::Write).await?;
    let id = match (&wanted.framework, &wanted.name, &wanted.title) {
        (Some(framework), None, None) => reports::of_framework(&transaction, framework, wanted).await?,
        (None, Some(name), None) => reports::of_definition(&transaction, name, wanted).await?,
        (None, None, Some(title)) => reports::of_incident(&transaction, title, wanted).await?,
        _ => {
            return Err(
                Problem::bad_request("framework", "One of framework, name and title says what is to be made.").hint(
                    "framework: a report on a framework; name: a custom one; title, with query: one on an incident.",
                ),
            );
        }
    };
    transaction.commit().await?;
    id.ok_or_else(Problem::internal)
}

fn asked(id: i64) -> Response {
    let location = format!("/api/v1/reports/{id}");
    (
        StatusCode::ACCEPTED,
        [(header::LOCATION, location)],
        Json(Made { id: Some(id) }),
    )
        .into_response()
}

/// Cancel a report that is not done
#[utoipa::path(delete, path = "/api/v1/reports/{id}", tag = "reports", params(("id" = i64, Path)), responses((status = 204, description = "Cancelled")))]
async fn cancel(State(app): State<App>, caller: Caller, Place(id): Place<i64>) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    let ended = reports::cancel(&transaction, id).await?;
    transaction.commit().await?;
    if ended {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::conflict("The report has ended already."))
    }
}

/// Have a report that failed or was cancelled made once more
#[utoipa::path(post, path = "/api/v1/reports/{id}/retry", tag = "reports", params(("id" = i64, Path)), responses((status = 204, description = "Done")))]
async fn retry(State(app): State<App>, caller: Caller, Place(id): Place<i64>) -> Result<StatusCode, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    reports::retry(&transaction, id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A file of a report: pdf, json, csv or manifest; the log tells that it was taken
#[utoipa::path(get, path = "/api/v1/reports/{id}/files/{format}", tag = "reports", params(("id" = i64, Path), ("format" = String, Path)),
    responses((status = 200, description = "The file", content(
        (Vec<u8> = "application/pdf"), (Object = "application/json"), (String = "text/csv")))))]
async fn file(
    State(app): State<App>,
    caller: Caller,
    Place((id, format)): Place<(i64, String)>,
) -> Result<Response, Problem> {
    file_sent(&app, &caller, id, &format).await
}

/// A file of a report, as an attachment.
///
/// # Errors
/// When there is none, or the caller may not have it.
pub(crate) async fn file_sent(app: &App, caller: &Caller, id: i64, format: &str) -> Result<Response, Problem> {
    let (media, extension) = match format {
        "pdf" => ("application/pdf", "pdf"),
        "json" => ("application/json", "json"),
        "csv" => ("text/csv; charset=utf-8; header=present", "csv"),
        "manifest" => ("application/json", "manifest.json"),
        _ => return Err(Problem::not_found("A file of this form")),
    };
    let transaction = caller.begin(app, Access::Write).await?;
    let content = reports::file(&transaction, id, format).await?;
    transaction.commit().await?;
    let content = content.ok_or_else(|| Problem::not_found("The file"))?;
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"report-{id}.{extension}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// What shows that the log has sealed a report
#[utoipa::path(get, path = "/api/v1/reports/{id}/proof", tag = "reports", params(("id" = i64, Path)),
    responses((status = 200, description = "A proof for `auditlog verify --proof`", body = Object)))]
async fn proof(State(app): State<App>, caller: Caller, Place(id): Place<i64>) -> Result<Response, Problem> {
    proof_sent(&app, &caller, id).await
}

/// A report's proof.
///
/// # Errors
/// When there is none, or the caller may not have it.
pub(crate) async fn proof_sent(app: &App, caller: &Caller, id: i64) -> Result<Response, Problem> {
    let transaction = caller.begin(app, Access::Write).await?;
    let proof = reports::proof(&transaction, id).await?;
    transaction.commit().await?;
    let proof = proof.ok_or_else(|| Problem::not_found("A proof"))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], proof).into_response())
}
