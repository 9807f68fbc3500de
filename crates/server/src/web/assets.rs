//! Static files of the pages.

use auditlog_pages::assets;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};

use crate::http::{Problem, conditional};

/// A file of `/assets/`. Under the address with the hash of this build it never changes.
pub async fn file(headers: HeaderMap, Path(path): Path<String>) -> Result<Response, Problem> {
    let (asset, is_current) = assets::find(&path).ok_or_else(|| Problem::not_found("The file"))?;
    let cache = if is_current { assets::CACHE_FOR_EVER } else { "no-cache" };
    Ok(sent(&headers, asset, cache))
}

/// What browsers ask for by themselves.
pub async fn favicon(headers: HeaderMap) -> Result<Response, Problem> {
    let all = assets::all();
    let icon = all.iter().find(|asset| asset.path == "favicon.svg");
    Ok(sent(
        &headers,
        icon.ok_or_else(|| Problem::not_found("The file"))?,
        "public, max-age=86400",
    ))
}

fn sent(headers: &HeaderMap, asset: &'static assets::Asset, cache: &'static str) -> Response {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type))];
    let tag = asset.etag.trim_matches('"');
    let mut response = conditional::tagged(headers, tag, cache, (kind, asset.body).into_response());
    // An SVG that is looked at by itself is a document.
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    response
}
