//! What an error of the database means to a client: SQLSTATE → problem.

use http::StatusCode;
use tokio_postgres::error::{DbError, SqlState};

use super::problem::{FieldError, Problem};

/// The problem of an error of the database or of the connection to it.
pub fn problem(error: &tokio_postgres::Error) -> Problem {
    match error.as_db_error() {
        Some(error) => of(error),
        None if error.is_closed()
            || std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>()) =>
        {
            Problem::unavailable("The connection to the database was lost.")
        }
        None => {
            tracing::error!(error = %crate::logs::visible(&error.to_string()), "an answer of the database was not understood");
            Problem::internal()
        }
    }
}

fn of(error: &DbError) -> Problem {
    let code = error.code();
    let mut problem = kind(code, error);
    problem.sqlstate = Some(code.code().to_owned());
    if problem.status >= 500 && problem.status != 503 && problem.status != 504 {
        tracing::error!(
            sqlstate = code.code(),
            message = %crate::logs::visible(error.message()),
            "the database failed"
        );
    }
    problem
}

/// A message and its DETAIL as sentences.
fn told(error: &DbError) -> String {
    let mut message = error.message().to_owned();
    if let Some(first) = message.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    match error.detail() {
        Some(detail) if !detail.starts_with(AT) => format!("{message}: {detail}"),
        _ => format!("{message}."),
    }
}

fn kind(code: &SqlState, error: &DbError) -> Problem {
    let with = |status: StatusCode, kind: &str, title: &str| {
        let problem = Problem::new(status, kind, title).detail(told(error));
        let problem = match error.hint() {
            Some(hint) => problem.hint(hint),
            None => problem,
        };
        match place(error) {
            Some(place) => problem.at(place),
            None => problem,
        }
    };
    let unavailable = |detail: &str| Problem::unavailable(detail);
    match code.code() {
        "42501" => Problem::forbidden(told(error)),
        "42601" => with(StatusCode::BAD_REQUEST, "query-syntax", "The query cannot be read"),
        "42704" | "P0002" => with(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such thing, or it may not be seen",
        ),
        "42710" => with(StatusCode::CONFLICT, "conflict", "There is one already"),
        "55000" => with(
            StatusCode::CONFLICT,
            "conflict",
            "That does not fit the state of things",
        ),
        "40001" | "40P01" => unavailable("The database asks to try again."),
        "25006" => unavailable("The database takes no changes at the moment."),
        "55P03" => unavailable("Something else holds a lock."),
        "57014" => Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", "That took too long")
            .detail("The database was stopped after the longest time that a request may take.")
            .hint("Ask for less: a shorter time, a narrower query."),
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => {
            unavailable("The database is being restarted, or has ended the connection.")
        }
        "54000" => with(
            StatusCode::UNPROCESSABLE_ENTITY,
            "limit",
            "That is more than is allowed",
        ),
        "0A000" => with(StatusCode::UNPROCESSABLE_ENTITY, "unsupported", "That is not supported"),
        "42883" | "42P01" | "3F000" | "42703" => {
            tracing::error!(sqlstate = code.code(), message = %error.message(), "the extension is missing, or not of this version");
            unavailable("The database has not the extension of this version.")
        }
        other => match other.get(..2) {
            Some("28") => {
                Problem::unauthenticated(format!("{}.", error.message())).hint(error.hint().unwrap_or_default())
            }
            Some("22") => with(StatusCode::BAD_REQUEST, "bad-value", "A value cannot be used"),
            Some("23") => with(StatusCode::CONFLICT, "conflict", "That does not fit what is there"),
            Some("53" | "08") => unavailable("The database has no room for this now."),
            _ => Problem::internal(),
        },
    }
}

/// How DETAIL begins when the extension names a place in a query (src/api/query.rs).
const AT: &str = "At character ";

/// The character of the query that is wrong, out of «At character 5 of the query:» and the lines behind it.
fn place(error: &DbError) -> Option<FieldError> {
    let (number, rest) = error.detail()?.strip_prefix(AT)?.split_once(' ')?;
    Some(FieldError {
        parameter: Some("query".to_owned()),
        position: Some(number.parse().ok()?),
        detail: format!("{}.", error.message()),
        excerpt: rest.split_once('\n').map(|(_, lines)| lines.to_owned()),
    })
}
