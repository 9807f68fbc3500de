//! Recording events.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::data::recording;
use crate::database::Access;
use crate::http::{Problem, idempotency, inputs};
use crate::identity::Caller;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(record))
}

/// What is to be recorded.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "what OpenAPI says of a body that the database reads")]
enum NewEvents {
    /// An event.
    One(NewEvent),
    /// Several: all or none.
    Several(Vec<NewEvent>),
}

/// An event; docs/events.md has all its members.
#[derive(ToSchema)]
#[expect(dead_code, reason = "what OpenAPI says of a body that the database reads")]
struct NewEvent {
    /// What happened: lower-case names with dots between them.
    #[schema(
        example = "order.change",
        max_length = 200,
        pattern = r"^[a-z0-9_][a-z0-9_-]*(\.[a-z0-9_][a-z0-9_-]*)*$"
    )]
    event_type: String,
}

/// What was recorded.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Recorded {
    /// The id of a single event; with a key that was used before, that of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    /// How many of several events were new.
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<i64>,
}

/// Record an event, an array of events, or one a line (NDJSON): all or none
#[utoipa::path(post, path = "/api/v1/events", tag = "audit log",
    params(("Idempotency-Key" = Option<String>, Header, description = "Events that were recorded with this key are not recorded again for 24 hours")),
    request_body(content((NewEvents = "application/json"), (String = "application/x-ndjson"))),
    responses((status = 201, description = "Recorded", body = Recorded)))]
async fn record(State(app): State<App>, caller: Caller, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let key = idempotency::key_of(&headers)?;
    let text = std::str::from_utf8(&body).map_err(|_| Problem::bad_request("body", "It is not UTF-8."))?;
    let what = What::of(&headers, text, key)?;
    let transaction = caller.begin(&app, Access::Write).await?;
    let (event_id, recorded) = match &what {
        What::One(document, key) => (recording::one(&transaction, document, key.as_deref()).await?, None),
        What::Array(documents) => (None, Some(recording::batch(&transaction, documents).await?)),
        What::Lines(lines) => (None, Some(recording::lines(&transaction, lines).await?)),
    };
    transaction.commit().await?;
    let location = event_id.as_ref().map(|id| {
        let id = percent_encoding::utf8_percent_encode(id, crate::http::RESERVED);
        format!("/api/v1/audit-logs/{id}")
    });
    let mut response = (StatusCode::CREATED, Json(Recorded { event_id, recorded })).into_response();
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// What a body has.
#[derive(Debug, PartialEq, Eq)]
enum What {
    One(String, Option<String>),
    Array(String),
    Lines(String),
}

impl What {
    fn of(headers: &HeaderMap, text: &str, key: Option<String>) -> Result<What, Problem> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).map_or("", str::trim);
        let unreadable = |error: serde_json::Error| Problem::bad_request("body", format!("It is no JSON: {error}."));
        if ["application/x-ndjson", "application/ndjson", "application/jsonl"].contains(&kind) {
            let Some(key) = key else {
                return Ok(What::Lines(text.to_owned()));
            };
            let mut lines = String::with_capacity(text.len());
            for (number, line) in text.lines().filter(|line| !line.trim().is_empty()).enumerate() {
                let document = serde_json::from_str(line).map_err(|error| {
                    Problem::bad_request("body", format!("Line {} is no JSON: {error}.", number + 1))
                })?;
                lines.push_str(&keyed(document, &key, number).to_string());
                lines.push('\n');
            }
            return Ok(What::Lines(lines));
        }
        if kind != "application/json" {
            return Err(inputs::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .detail("Events are sent as application/json or application/x-ndjson."));
        }
        match (serde_json::from_str(text).map_err(unreadable)?, key) {
            (Value::Array(_), None) => Ok(What::Array(text.to_owned())),
            (Value::Array(documents), Some(key)) => {
                let documents = documents.into_iter().enumerate();
                let documents = documents
                    .map(|(number, document)| keyed(document, &key, number))
                    .collect();
                Ok(What::Array(Value::Array(documents).to_string()))
            }
            (_, key) => Ok(What::One(text.to_owned(), key)),
        }
    }
}

/// An event of several gets a key of its own out of the request's, unless it has one.
fn keyed(mut document: Value, key: &str, number: usize) -> Value {
    if let Value::Object(members) = &mut document {
        members
            .entry("idempotency_key")
            .or_insert_with(|| Value::String(format!("{key}/{number}")));
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(kind: &'static str, text: &str, key: Option<&str>) -> Option<What> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        What::of(&headers, text, key.map(str::to_owned)).ok()
    }

    #[test]
    fn keys_of_several_events_differ() {
        let lines = what(
            "application/x-ndjson",
            "{\"a\":1}\n\n{\"b\":2,\"idempotency_key\":\"own\"}",
            Some("k"),
        );
        let expected = "{\"a\":1,\"idempotency_key\":\"k/0\"}\n{\"b\":2,\"idempotency_key\":\"own\"}\n";
        assert_eq!(lines, Some(What::Lines(expected.to_owned())));
        let one = what("application/json; charset=utf-8", "{\"n\":1.10}", Some("k"));
        assert_eq!(one, Some(What::One("{\"n\":1.10}".to_owned(), Some("k".to_owned()))));
        assert_eq!(what("text/plain", "{}", None), None);
        assert_eq!(what("application/json", "{", None), None);
    }
}
