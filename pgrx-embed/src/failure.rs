//! What goes wrong, told as PostgreSQL does: a message, details, a hint.

use std::fmt;

/// The result of everything that can fail here.
pub type Result<T> = std::result::Result<T, Failure>;

/// An error or a failed check.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    message: String,
    details: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    /// `message` is lower case and has no full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            details: Vec::new(),
            hint: None,
        }
    }

    /// Adds what was found; may have several lines.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// Says what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        for detail in &self.details {
            write!(f, "\n  {}", detail.replace('\n', "\n  "))?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_message_details_and_hint() {
        let failure = Failure::new("it differs").detail("line 1:\n- a\n+ b").hint("Look.");
        assert_eq!(
            failure.to_string(),
            "error: it differs\n  line 1:\n  - a\n  + b\nhint: Look."
        );
        assert_eq!(Failure::new("no").to_string(), "error: no");
    }
}
