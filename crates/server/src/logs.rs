//! Structured logs: one JSON object a line on standard error.
//!
//! Texts of clients (paths, names) pass through JSON's escapes, and [`visible`] escapes what JSON leaves alone but
//! terminals and log viewers do not: C1 controls, line separators, marks that turn the direction of writing. Passwords,
//! tokens and queries are never given to a log.

use std::fmt::Write as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The filter of messages cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("log: {0}")]
pub struct LogError(String);

/// Begins to log for the whole process.
///
/// # Errors
/// When the filter is none, or the process logs already.
pub fn install(filter: &str) -> Result<(), LogError> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter).map_err(|error| LogError(error.to_string()))?;
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .map_err(|error| LogError(error.to_string()))
}

/// A text of somebody else's, fit for a log: characters that a viewer acts on are escaped.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let acts = c.is_control()
            || matches!(
                c,
                '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{feff}'
            )
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if acts {
            // Writing to a string does not fail.
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn what_acts_is_escaped() {
        assert_eq!(
            visible("a\nb\u{9b}c\u{202e}d\u{2028}"),
            "a\\u{a}b\\u{9b}c\\u{202e}d\\u{2028}"
        );
        assert_eq!(visible("Größe /x?y=1"), "Größe /x?y=1");
    }
}
