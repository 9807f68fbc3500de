//! API tokens of pg_auditlog, which have a form of their own so that they can be found in any text.

use crate::REDACTED;

/// How every token begins.
pub const PREFIX: &str = "pgal_";
/// What of a token is no secret, and names it for people: the prefix and 7 characters.
pub const SHOWN: usize = PREFIX.len() + 7;

/// The text with the secret part of every token taken out. Of shorter words nobody can tell what they are, so they go as well.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(PREFIX) {
        let word = &rest[at..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let end = word.find(|c| !is_part(c)).unwrap_or(word.len());
        out.push_str(&rest[..at]);
        if end > SHOWN {
            out.push_str(&word[..SHOWN]);
            out.push_str(REDACTED);
        } else {
            out.push_str(&word[..end]);
        }
        rest = &word[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn only_what_names_a_token_is_left() {
        let token = "pgal_AbCdEfG-h1_JkLmNoPqRsTuVwXyZ0123456789abcdef";
        for (text, left) in [
            (
                format!("SELECT auditlog.authenticate('{token}')"),
                "SELECT auditlog.authenticate('pgal_AbCdEfG<REDACTED>')",
            ),
            (token.to_owned(), "pgal_AbCdEfG<REDACTED>"),
            (
                format!("{token} {token}"),
                "pgal_AbCdEfG<REDACTED> pgal_AbCdEfG<REDACTED>",
            ),
            (
                "pgal_ and pgal_short, größer".to_owned(),
                "pgal_ and pgal_short, größer",
            ),
            (String::new(), ""),
        ] {
            assert_eq!(redact(&text), left);
        }
    }
}
