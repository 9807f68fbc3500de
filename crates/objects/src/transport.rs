//! HTTP for `object_store`: each request is one exchange of `auditlog-sink`, on the thread that asks.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use auditlog_sink::DeliveryError;
use auditlog_sink::client::{Call, End, Request, SCHEMES, TlsOptions, Url, exchange, refused};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderName, Method, Response, StatusCode};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpService,
};

/// Whether an address that a host has been found to have may be connected to.
pub type Allow = Arc<dyn Fn(SocketAddr, &str) -> bool + Send + Sync>;

/// The most bytes of an answer that are kept: an object in one piece, or a page of a list.
pub(crate) const MAX_ANSWER_BYTES: usize = 256 << 20;

/// The headers that the exchange writes itself.
const OURS: [HeaderName; 4] = [
    http::header::HOST,
    http::header::CONTENT_LENGTH,
    http::header::CONNECTION,
    http::header::USER_AGENT,
];

/// The headers of answers that `object_store` reads.
const READ: [&str; 10] = [
    "content-length",
    "content-range",
    "content-type",
    "etag",
    "last-modified",
    "location",
    "x-amz-version-id",
    "x-goog-generation",
    "x-ms-error-code",
    "x-ms-version-id",
];

/// What one call may take, and what its last exchange came to.
struct State {
    until: Instant,
    failure: Option<DeliveryError>,
}

/// The transport of one store.
#[derive(Clone)]
pub(crate) struct Transport {
    tls: TlsOptions,
    connect: Duration,
    allow: Allow,
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("connect", &self.connect)
            .finish_non_exhaustive()
    }
}

impl Transport {
    pub(crate) fn new(tls: TlsOptions, connect: Duration, allow: Allow) -> Self {
        let state = State {
            until: Instant::now(),
            failure: None,
        };
        Self {
            tls,
            connect,
            allow,
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // a state is whole between any two statements
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a call.
    pub(crate) fn begin(&self, deadline: Duration) {
        let mut state = self.state();
        state.until = Instant::now() + deadline.min(Duration::from_secs(24 * 3600));
        state.failure = None;
    }

    /// What the last exchange of the call came to, if that was no success.
    pub(crate) fn failure(&self) -> Option<DeliveryError> {
        self.state().failure.take()
    }

    fn exchange(&self, request: HttpRequest, body: &[u8]) -> Result<HttpResponse, DeliveryError> {
        let method = method(request.method())?;
        let url =
            Url::parse(&request.uri().to_string(), SCHEMES).map_err(|error| DeliveryError::permanent(error.message))?;
        if url.scheme == "http" && !url.is_loopback() {
            return Err(DeliveryError::permanent(format!(
                "{} is asked in the clear, which only this machine may be",
                url.host
            )));
        }
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .filter(|(name, _)| !OURS.contains(name))
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let left = self.state().until.saturating_duration_since(Instant::now());
        let allow = |address: SocketAddr| (self.allow)(address, &url.host);
        let asked = Request {
            method,
            url: &url,
            headers: &headers,
            body,
            tls: (url.scheme == "https").then_some(&self.tls),
            connect: self.connect,
            keep: MAX_ANSWER_BYTES,
        };
        let answer = exchange(&Call::new(left, &allow), &asked)?;
        let who = url.authority();
        let successful = (200..300).contains(&answer.status);
        self.state().failure = (!successful).then(|| refused(&who, &answer, &[]));
        // the answer to HEAD has the length of a body that doesn't come
        if successful && method != "HEAD" {
            match answer.end {
                End::Whole => {}
                End::Cut => return Err(DeliveryError::retry(format!("the answer of {who} broke off"))),
                End::TooLong => {
                    let message = format!("the answer of {who} has more than {MAX_ANSWER_BYTES} bytes");
                    return Err(DeliveryError::permanent(message));
                }
            }
        }
        response(answer, &who)
    }
}

fn method(method: &Method) -> Result<&'static str, DeliveryError> {
    ["GET", "PUT", "POST", "DELETE", "HEAD"]
        .into_iter()
        .find(|known| *known == method.as_str())
        .ok_or_else(|| DeliveryError::permanent(format!("the method {method} is not sent")))
}

fn response(answer: auditlog_sink::client::Answer, who: &str) -> Result<HttpResponse, DeliveryError> {
    let strange = |error: http::Error| DeliveryError::permanent(format!("the answer of {who} is not HTTP: {error}"));
    let status = StatusCode::from_u16(answer.status).map_err(|error| strange(error.into()))?;
    let mut response = Response::builder().status(status);
    for name in READ {
        if let Some(value) = answer.header(name) {
            response = response.header(name, value);
        }
    }
    if answer.header("content-length").is_none() {
        // sent in chunks; an answer that broke off has been refused
        response = response.header("content-length", answer.body.len());
    }
    response.body(Bytes::from(answer.body).into()).map_err(strange)
}

#[async_trait]
impl HttpService for Transport {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let body = std::mem::replace(request.body_mut(), HttpRequestBody::empty());
        let body = whole(body).await?;
        self.exchange(request, &body).map_err(|error| {
            self.state().failure = Some(error.clone());
            // not tried again here: that is the caller's
            HttpError::new(HttpErrorKind::Unknown, error)
        })
    }
}

/// The bytes of a body, without a copy where they are in one piece.
async fn whole(body: HttpRequestBody) -> Result<Bytes, HttpError> {
    if let Some(bytes) = body.as_bytes() {
        return Ok(bytes.clone());
    }
    let mut parts = http_body_util::BodyDataStream::new(body);
    let mut first: Option<Bytes> = None;
    let mut rest: Vec<u8> = Vec::new();
    while let Some(part) = parts.next().await {
        let part = part?;
        match &first {
            None => first = Some(part),
            Some(begun) => {
                if rest.is_empty() {
                    rest.extend_from_slice(begun);
                }
                rest.extend_from_slice(&part);
            }
        }
    }
    if rest.is_empty() {
        Ok(first.unwrap_or_default())
    } else {
        Ok(rest.into())
    }
}

impl HttpConnector for Transport {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}
