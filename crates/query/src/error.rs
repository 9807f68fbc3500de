//! Why a query is refused, and what is worth a notice.

use crate::span::Span;

/// What is wrong, so that the edge can choose a SQLSTATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not a query (42601).
    Syntax,
    /// A date, network, regular expression or name is not one (22P02).
    BadValue,
    /// The query is longer or deeper than [`crate::Limits`] allow (54000).
    Limit,
}

/// Why a query is refused, ready for an SQL error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// What is wrong.
    pub kind: ErrorKind,
    /// 1-based character of the text.
    pub position: usize,
    /// The bytes it is about.
    pub span: Span,
    /// Lower case, no full stop.
    pub message: String,
    /// The line of the query with a caret below the position.
    pub detail: String,
    /// A sentence that says what to do.
    pub hint: String,
}

/// Something a query may do, but probably was not meant to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The bytes it is about.
    pub span: Span,
    /// Lower case, no full stop.
    pub message: String,
    /// A sentence that says what to do.
    pub hint: String,
}

impl Notice {
    pub(crate) fn new(span: Span, message: impl Into<String>, hint: impl Into<String>) -> Notice {
        Notice {
            span,
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// Characters of the query shown left and right of the caret.
const CONTEXT: usize = 40;

impl QueryError {
    #[cold]
    pub(crate) fn new(
        text: &str,
        span: Span,
        kind: ErrorKind,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Box<QueryError> {
        let before = text.get(..span.start).unwrap_or(text);
        Box::new(QueryError {
            kind,
            position: before.chars().count() + 1,
            span,
            message: message.into(),
            detail: caret(before, text.get(span.start..).unwrap_or("")),
            hint: hint.into(),
        })
    }

    #[cold]
    pub(crate) fn syntax(
        text: &str,
        span: Span,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Box<QueryError> {
        QueryError::new(text, span, ErrorKind::Syntax, message, hint)
    }

    #[cold]
    pub(crate) fn value(
        text: &str,
        span: Span,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Box<QueryError> {
        QueryError::new(text, span, ErrorKind::BadValue, message, hint)
    }
}

fn caret(before: &str, after: &str) -> String {
    let line: Vec<char> = before.rsplit('\n').next().unwrap_or("").chars().collect();
    let cut = line.len().saturating_sub(CONTEXT);
    let mut out = String::from(if cut > 0 { "…" } else { "" });
    out.extend(line[cut..].iter().map(|c| visible(*c)));
    let width = out.chars().count();
    let rest = after.split('\n').next().unwrap_or("");
    out.extend(rest.chars().take(CONTEXT).map(visible));
    if rest.chars().nth(CONTEXT).is_some() {
        out.push('…');
    }
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', width));
    out.push('^');
    out
}

/// One column for each character, so that the caret stands where it should.
fn visible(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// A caller's text for a message: quoted, control characters escaped, cut after 60 characters.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    out.extend(text.chars().take(60).flat_map(char::escape_debug));
    out.push_str(if text.chars().nth(60).is_some() { "…\"" } else { "\"" });
    out
}
