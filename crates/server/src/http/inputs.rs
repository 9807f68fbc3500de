//! What requests bring along, with refusals as problem details.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::request::Parts;
use http::{StatusCode, Uri};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Problem;

/// Parameters of the query string.
#[derive(Debug, Clone)]
pub struct Params<T>(pub T);

/// Parameters of the path.
#[derive(Debug, Clone)]
pub struct Place<T>(pub T);

/// The body, as a JSON object.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

/// The body, as any JSON.
#[derive(Debug, Clone)]
pub struct AnyBody(pub Value);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Params<T>, Problem> {
        let uri = without_empty(&parts.uri).unwrap_or_else(|| parts.uri.clone());
        match Query::<T>::try_from_uri(&uri) {
            Ok(Query(value)) => Ok(Params(value)),
            Err(rejection) => Err(of_query(&rejection)),
        }
    }
}

/// Forms send what nobody has filled in: a parameter without a value is one that was not given.
fn without_empty(uri: &Uri) -> Option<Uri> {
    let has_value = |pair: &&str| pair.split_once('=').is_some_and(|(_, value)| !value.is_empty());
    let pairs: Vec<&str> = uri.query()?.split('&').filter(has_value).collect();
    format!("/?{}", pairs.join("&")).parse().ok()
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Place<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Place<T>, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Place(value)),
            Err(rejection) => Err(of_path(&rejection)),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        let AnyBody(value) = AnyBody::from_request(request, state).await?;
        // serde would take an array for the members in their order.
        if !value.is_object() {
            return Err(Problem::bad_request("body", "It is no JSON object."));
        }
        serde_json::from_value(value)
            .map(Body)
            .map_err(|error| Problem::bad_request("body", format!("It cannot be used: {error}.")))
    }
}

impl<S: Send + Sync> FromRequest<S> for AnyBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<AnyBody, Problem> {
        match Json::<Value>::from_request(request, state).await {
            Ok(Json(value)) => Ok(AnyBody(value)),
            Err(rejection) => Err(of_json(&rejection)),
        }
    }
}

fn of_query(rejection: &QueryRejection) -> Problem {
    Problem::bad_request("query string", rejection.body_text())
}

fn of_path(rejection: &PathRejection) -> Problem {
    Problem::bad_request("path", rejection.body_text())
}

fn of_json(rejection: &JsonRejection) -> Problem {
    let status = rejection.status();
    match status {
        StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::PAYLOAD_TOO_LARGE => of_status(status),
        _ => Problem::bad_request("body", rejection.body_text()),
    }
}

/// The problem of a status code that says it all.
pub fn of_status(status: StatusCode) -> Problem {
    let (kind, title) = match status {
        StatusCode::NOT_FOUND => ("not-found", "There is no such thing, or it may not be seen"),
        StatusCode::METHOD_NOT_ALLOWED => ("method-not-allowed", "There is no such method here"),
        StatusCode::NOT_ACCEPTABLE => ("not-acceptable", "There is no form of this that the client takes"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "The body is longer than is allowed"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported-media-type", "The body is of a kind that is not taken"),
        status if status.is_client_error() => ("bad-request", "The request cannot be read"),
        _ => return Problem::internal(),
    };
    Problem::new(status, kind, title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_without_a_value_was_not_given() {
        let uri = |text: &str| text.parse::<Uri>().expect("an address");
        let query = |text: &str| without_empty(&uri(text)).and_then(|uri| uri.query().map(str::to_owned));
        assert_eq!(query("/a?x=1&y=&z&w=a="), Some("x=1&w=a=".to_owned()));
        assert_eq!(query("/a"), None);
    }
}
