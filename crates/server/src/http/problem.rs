//! Problem details (RFC 9457): what every refusal looks like.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a request was not done. Small, as it is an error nearly everywhere; it is its [`Details`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Problem(Box<Details>);

impl std::ops::Deref for Problem {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl std::ops::DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

/// What a problem says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct Details {
    /// What kind of problem it is: `urn:auditlog:problem:` and a name that does not change.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The status code.
    pub status: u16,
    /// What is wrong here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// This occurrence: `urn:uuid:` and the request's id, which the server's log has too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Where in the request it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The database's code, when it was the database that refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// Seconds to wait, for the header.
    #[serde(skip)]
    pub retry_after: Option<u64>,
    /// Challenges of a 401, for the header.
    #[serde(skip)]
    pub challenge: bool,
}

/// A place in the request, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The parameter or member of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The character of a query, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// What is wrong.
    pub detail: String,
    /// The line of the query and a caret below the character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

impl FieldError {
    /// About a parameter or member.
    pub fn of(parameter: &str, detail: impl Into<String>) -> FieldError {
        FieldError {
            parameter: Some(parameter.to_owned()),
            position: None,
            detail: detail.into(),
            excerpt: None,
        }
    }
}

impl Problem {
    /// A problem of a kind.
    pub fn new(status: StatusCode, kind: &str, title: &str) -> Problem {
        Problem(Box::new(Details {
            kind: format!("urn:auditlog:problem:{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: None,
            hint: None,
            instance: None,
            errors: Vec::new(),
            sqlstate: None,
            retry_after: None,
            challenge: false,
        }))
    }

    /// Says what is wrong here.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Problem {
        self.detail = Some(detail.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    /// Names a place in the request.
    #[must_use]
    pub fn at(mut self, error: FieldError) -> Problem {
        self.errors.push(error);
        self
    }

    /// When to come again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Problem {
        self.retry_after = Some(seconds);
        self
    }

    /// A parameter or body that cannot be read.
    pub fn bad_request(parameter: &str, detail: impl Into<String>) -> Problem {
        let detail = detail.into();
        Problem::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read")
            .detail(detail.clone())
            .at(FieldError::of(parameter, detail))
    }

    /// What is asked for does not fit how things are now.
    pub fn conflict(detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::CONFLICT,
            "conflict",
            "That does not fit the state of things",
        )
        .detail(detail)
    }

    /// Nothing there, or nothing that the caller may see.
    pub fn not_found(what: &str) -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such thing, or it may not be seen",
        )
        .detail(format!("{what} was not found."))
    }

    /// Who is it?
    pub fn unauthenticated(detail: impl Into<String>) -> Problem {
        let mut problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "The caller is not known");
        problem.challenge = true;
        problem.detail(detail)
    }

    /// Known, but not allowed.
    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "The caller has not the right").detail(detail)
    }

    /// Not now.
    pub fn unavailable(detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The audit log cannot answer now",
        )
        .detail(detail)
        .retry_after(2)
    }

    /// Something that should not happen; the log has more.
    pub fn internal() -> Problem {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The server could not do this",
        )
    }

    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status_code(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // The request's id is put in by whoever knows it (http/exchange.rs).
        response.extensions_mut().insert(self);
        response
    }
}
