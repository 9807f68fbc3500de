//! Around each request: its id, the client's address, headers that all answers have, one line in the log, figures.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::{Problem, inputs};
use crate::App;
use crate::config::Settings;
use crate::logs::visible;

/// The header of a request's id, given or taken.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The address of the other end, as the listener saw it.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// What is known of a request from outside of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Its id.
    pub id: String,
    /// Who sent it.
    pub client: IpAddr,
}

/// The layer.
pub async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let peer = request
        .extensions()
        .get::<Peer>()
        .map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip());
    let exchange = Exchange {
        id: id_of(request.headers()),
        client: client_of(peer, request.headers(), &app.settings.trusted_proxies),
    };
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none".to_owned(), |path| path.as_str().to_owned());
    request.extensions_mut().insert(exchange.clone());
    let is_browser = request.headers().contains_key("sec-fetch-mode");
    let mut response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!(request_id = %exchange.id, route, "a handler panicked");
            Problem::internal().into_response()
        }
    };
    name_problem(&mut response, &exchange, is_browser);
    headers(&mut response, &exchange, app.settings.tls.is_some());
    let seconds = begun.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    app.metrics.exchange(&method, &route, status, seconds);
    tracing::info!(
        request_id = %exchange.id,
        client = %exchange.client,
        method = %method,
        route,
        status,
        milliseconds = (seconds * 1e6).round() / 1e3,
        "request"
    );
    response
}

/// The client's own id when it is one that no log is hurt by, or a new one.
fn id_of(headers: &HeaderMap) -> String {
    let given = headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    match given {
        Some(id)
            if !id.is_empty()
                && id.len() <= 64
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) =>
        {
            visible(id)
        }
        _ => uuid::Uuid::new_v4().to_string(),
    }
}

/// The last address that no trusted proxy has: what is before it anybody may have written.
fn client_of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusted.contains(&peer) {
        return peer;
    }
    let lines = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok());
    let addresses: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut client = peer;
    for text in addresses.iter().rev() {
        let Ok(address) = text.parse::<IpAddr>() else {
            break;
        };
        client = address.to_canonical();
        if !trusted.contains(&client) {
            break;
        }
    }
    client
}

/// Our address as the client has it: for addresses to copy, never to go on to.
pub fn origin(settings: &Settings, headers: &HeaderMap) -> String {
    let is_told = headers
        .get("x-forwarded-proto")
        .is_some_and(|proto| proto.as_bytes() == b"https");
    let is_https = settings.tls.is_some() || (is_told && !settings.trusted_proxies.is_empty());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.filter(|host| is_host(host)).unwrap_or("localhost");
    format!("{}://{host}", if is_https { "https" } else { "http" })
}

/// Is this a host and a port, and nothing that a shell or a browser would take for more?
pub fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

/// Puts the request's id into the problem; makes one where a refusal came from a library.
fn name_problem(response: &mut Response, exchange: &Exchange, is_browser: bool) {
    let status = response.status();
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        // A page says by itself what is wrong.
        None if is_page(response) => return,
        None if status.is_client_error() || status.is_server_error() => inputs::of_status(status),
        None => return,
    };
    let allow = response.headers().get(header::ALLOW).cloned();
    let challenge = problem.challenge;
    let mut problem = problem;
    problem.instance = Some(format!("urn:auditlog:request:{}", exchange.id));
    *response = problem.into_response();
    response.extensions_mut().clear();
    if let Some(allow) = allow {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    if challenge {
        // A browser would ask for a password by itself, and repeat it for ever.
        let ways = match is_browser {
            true => "Bearer realm=\"auditlog\"",
            false => "Bearer realm=\"auditlog\", Basic realm=\"auditlog\", charset=\"UTF-8\"",
        };
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(ways));
    }
}

fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

fn headers(response: &mut Response, exchange: &Exchange, is_tls: bool) {
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    );
    put(header::REFERRER_POLICY, "no-referrer");
    put(header::CACHE_CONTROL, "no-store");
    put(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if is_tls {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if let Ok(id) = HeaderValue::from_str(&exchange.id) {
        headers.insert(REQUEST_ID, id);
    }
}

/// There is no such path.
pub async fn nowhere() -> StatusCode {
    StatusCode::NOT_FOUND
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: [u8; 4], forwarded: &str, trusted: &[[u8; 4]]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_str(forwarded).expect("a header"));
        let trusted: Vec<IpAddr> = trusted.iter().map(|address| IpAddr::from(*address)).collect();
        client_of(IpAddr::from(peer), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxy = [10, 0, 0, 1];
        assert_eq!(client([192, 0, 2, 1], "198.51.100.1", &[]), "192.0.2.1");
        assert_eq!(client(proxy, "198.51.100.1", &[proxy]), "198.51.100.1");
        assert_eq!(
            client(proxy, "1.1.1.1, 198.51.100.1, 10.0.0.1", &[proxy]),
            "198.51.100.1"
        );
        assert_eq!(client(proxy, "evil", &[proxy]), "10.0.0.1");
    }

    #[test]
    fn ids_of_clients_are_plain() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("abc-1"));
        assert_eq!(id_of(&headers), "abc-1");
        headers.insert(REQUEST_ID, HeaderValue::from_static("a b\"c"));
        assert_eq!(id_of(&headers).len(), 36);
    }
}
