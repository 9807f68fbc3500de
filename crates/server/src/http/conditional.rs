//! Things that never change have an ETag, so that a client need not take them twice.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// Answers 304 when the client has it already, or gives it with its tag.
pub fn tagged(request: &HeaderMap, tag: &str, cache: &'static str, answer: impl IntoResponse) -> Response {
    let quoted = format!("\"{tag}\"");
    let has = request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == quoted || one == "*");
    let mut response = if has {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        answer.into_response()
    };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&quoted) {
        headers.insert(header::ETAG, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}
