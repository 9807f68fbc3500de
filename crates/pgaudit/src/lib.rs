//! Reads what the extension pgaudit writes into the server log, and makes events of it.
//!
//! A line comes as `AUDIT: …` alone, with a `log_line_prefix` before it, or as a whole record of csvlog or
//! jsonlog. Only the last two say for certain who did it; see `docs/capture.md`.

mod csv;
mod entry;
mod event;
mod line;

pub use entry::{Entry, Text};
pub use line::{Line, Origin};

/// Why a line cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A quote is not closed.
    #[error("a quoted field has no end")]
    OpenQuote,
    /// Something stands between a closing quote and the next comma.
    #[error("a quoted field goes on after its closing quote")]
    AfterQuote,
    /// The entry has fewer or more fields than pgaudit writes.
    #[error("the entry has {0} fields; pgaudit writes 9, or 10 with pgaudit.log_rows")]
    Fields(usize),
    /// A field that must be a number is none.
    #[error("field {0} is no number")]
    Number(&'static str),
    /// Neither `SESSION` nor `OBJECT`.
    #[error("the entry begins neither with SESSION nor with OBJECT")]
    Kind,
    /// A record of jsonlog that is none.
    #[error("the line begins like a record of jsonlog and is no JSON object")]
    Json,
}

/// Reads one line of a server log. `None`: it is not pgaudit's.
///
/// # Errors
/// [`ParseError`] for a line of pgaudit's that is damaged.
pub fn parse(line: &str) -> Result<Option<Line>, ParseError> {
    line::parse(line)
}
