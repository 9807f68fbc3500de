//! Why a schedule is refused.

/// What pg_cron makes of the same text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// pg_cron refuses it too.
    Syntax,
    /// pg_cron reads on at this place, but not what is written there: it skips characters after a value,
    /// a sixth field, and the middle of a range that runs backwards.
    Misread,
}

/// Why a schedule is refused, ready for an SQL error (22023, as in pg_cron).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScheduleError {
    /// What pg_cron makes of it.
    pub kind: ErrorKind,
    /// Lower case, no full stop.
    pub message: String,
    /// 1-based character of the text.
    pub position: usize,
    /// A sentence that says what to do.
    pub hint: String,
}

impl ScheduleError {
    /// An error at a byte of the text.
    #[cold]
    pub(crate) fn at(
        text: &str,
        byte: usize,
        kind: ErrorKind,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> ScheduleError {
        let before = text.get(..byte).unwrap_or(text);
        ScheduleError {
            kind,
            message: message.into(),
            position: before.chars().count() + 1,
            hint: hint.into(),
        }
    }
}

/// A caller's text for a message: quoted, control characters escaped, cut after 40 characters.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    out.extend(text.chars().take(40).flat_map(char::escape_debug));
    out.push_str(if text.chars().nth(40).is_some() { "…\"" } else { "\"" });
    out
}
