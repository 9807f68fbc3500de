//! Takes passwords and other secrets out of the text of SQL statements, before the text is kept in a log
//! that nobody can change later.
//!
//! It reads the text as PostgreSQL's lexer does (every form of string, nested comments) but needs no grammar,
//! so it works on text that does not parse, too. Where it is in doubt it takes out too much: what the log
//! lacks can be asked for elsewhere, what it has it keeps for years.

mod lex;
mod literal;
mod statement;
mod text;
pub mod token;
mod words;

/// What stands in place of a secret.
pub const REDACTED: &str = "<REDACTED>";

/// How the server reads a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strings {
    /// `standard_conforming_strings = on`: a backslash is a backslash.
    Standard,
    /// `standard_conforming_strings = off`: a backslash escapes in every string.
    Backslash,
}

/// The text of one or several SQL statements without its secrets.
#[must_use]
pub fn sql(statement: &str, strings: Strings) -> String {
    token::redact(&statement::redact(statement, strings, 0).text)
}

/// The value of a setting or an option without its secrets: connection strings, URLs, headers, command lines.
/// A value whose own name says that it is secret is hidden as a whole.
#[must_use]
pub fn value(name: &str, value: &str) -> String {
    if words::is_secret(name) && !value.is_empty() {
        return REDACTED.to_owned();
    }
    token::redact(&text::redact(value, text::Kind::Plain).text)
}

/// Does a text name something secret, so that values which belong to it may be secrets?
#[must_use]
pub fn mentions_secret(text: &str) -> bool {
    words::mentions_secret(text)
}
