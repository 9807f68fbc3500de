//! Requests that another site has the browser make (CSRF). Browsers say where a request comes from; a session also needs
//! a token that other sites cannot read.

use http::{HeaderMap, Method, header};

use crate::http::Problem;

/// The header that has a session's token.
pub const TOKEN_HEADER: &str = "x-csrf-token";

/// May the method change something?
pub fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses what another site had the browser send, whatever proves the identity: browsers repeat Basic by themselves.
///
/// # Errors
/// When the request changes something and comes from another site.
pub fn check_origin(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if !changes(method) {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_foreign = match text("sec-fetch-site") {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => text(header::ORIGIN.as_str()).is_some_and(|origin| {
            let host = text(header::HOST.as_str()).unwrap_or_default();
            origin.split_once("://").is_none_or(|(_, origin)| origin != host)
        }),
    };
    if is_foreign {
        return Err(Problem::forbidden("The request comes from another site."));
    }
    Ok(())
}

/// Refuses what a session sends without its token.
///
/// # Errors
/// When the request changes something and has not the token.
pub fn check_token(method: &Method, headers: &HeaderMap, token: &str) -> Result<(), Problem> {
    if !changes(method) {
        return Ok(());
    }
    let given = headers.get(TOKEN_HEADER).map_or(&[][..], |value| value.as_bytes());
    if !is_token(given, token) {
        return Err(
            Problem::forbidden("The header X-CSRF-Token is missing, or is not that of this session.")
                .hint("GET /api/v1/session tells the token."),
        );
    }
    Ok(())
}

/// Is this the token? Hashes are compared: how long that takes tells nothing of it.
pub fn is_token(given: &[u8], token: &str) -> bool {
    let hash = |bytes: &[u8]| ring::digest::digest(&ring::digest::SHA256, bytes);
    hash(given).as_ref() == hash(token.as_bytes()).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    http::HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn other_sites_are_refused() {
        let post = |pairs: &[(&'static str, &'static str)]| check_origin(&Method::POST, &headers(pairs)).is_ok();
        assert!(post(&[]));
        assert!(post(&[("sec-fetch-site", "same-origin")]));
        assert!(!post(&[("sec-fetch-site", "cross-site")]));
        assert!(!post(&[("sec-fetch-site", "same-site")]));
        assert!(post(&[("origin", "https://a.example"), ("host", "a.example")]));
        assert!(!post(&[("origin", "https://b.example"), ("host", "a.example")]));
        assert!(!post(&[("origin", "null"), ("host", "a.example")]));
        assert!(check_origin(&Method::GET, &headers(&[("sec-fetch-site", "cross-site")])).is_ok());
    }

    #[test]
    fn a_session_needs_its_token() {
        let post = |pairs: &[(&'static str, &'static str)]| check_token(&Method::POST, &headers(pairs), "t").is_ok();
        assert!(!post(&[]));
        assert!(!post(&[("x-csrf-token", "u")]));
        assert!(post(&[("x-csrf-token", "t")]));
    }
}
