//! What requests bring along, with refusals as problem details.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::Problem;

/// Parameters of the query string.
#[derive(Debug, Clone)]
pub struct Params<T>(pub T);

/// Parameters of the path.
#[derive(Debug, Clone)]
pub struct Place<T>(pub T);

/// The body, as JSON.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Params<T>, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Params(value)),
            Err(rejection) => Err(of_query(&rejection)),
        }
    }
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
        match Json::<T>::from_request(request, state).await {
            Ok(Json(value)) => Ok(Body(value)),
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
