//! Secrets in text that is not SQL: connection strings, URLs, JSON, headers, command lines.

use crate::REDACTED;
use crate::words::{is_name_char, is_secret};

/// What a text is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything.
    Plain,
    /// The source of a program: what follows `password =` without quotes is a name of its own.
    Program,
}

/// A text without its secrets.
pub struct Redaction {
    /// The text.
    pub text: String,
    /// Was there a name whose value comes from elsewhere, as in `'PASSWORD ' || …` or `'PASSWORD %L'`?
    pub names_what_follows: bool,
}

/// Takes the secrets out of a text.
pub fn redact(text: &str, kind: Kind) -> Redaction {
    let text = urls(text);
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut names_what_follows) = (text.as_str(), false);
    while let Some(start) = rest.find(is_name_char) {
        let (before, tail) = rest.split_at(start);
        let length = tail.find(|c| !is_name_char(c)).unwrap_or(tail.len());
        let (name, tail) = tail.split_at(length);
        out.push_str(before);
        out.push_str(name);
        rest = tail;
        let name_only = name.trim_start_matches('-');
        if !is_secret(name_only) {
            continue;
        }
        let (gap, assigned) = separator(tail);
        let value = &tail[gap..];
        names_what_follows |= comes_later(value) && kind == Kind::Plain || comes_later(tail.trim_start());
        let by_space = gap > 0
            && (name.len() > name_only.len() || ["bearer", "basic"].iter().any(|w| name.eq_ignore_ascii_case(w)));
        if assigned || by_space {
            let length = value_length(value, name_only);
            let quoted = value.starts_with(['\'', '"', '\\']);
            if length > 0 && (quoted || kind == Kind::Plain) {
                out.push_str(&tail[..gap]);
                out.push_str(REDACTED);
                rest = &value[length..];
            }
        }
    }
    out.push_str(rest);
    Redaction {
        text: out,
        names_what_follows,
    }
}

/// The length of what stands between a name and its value, and whether it assigns: `=`, `:`, `=>`, `:=`, and
/// the quote that ends a quoted name before them.
fn separator(tail: &str) -> (usize, bool) {
    let is_gap = |c: char| c.is_whitespace() || c == '\0';
    let unquoted = tail.trim_start_matches(['"', '\'', '\\']);
    let spaced = unquoted.trim_start_matches(is_gap);
    let sign = spaced.trim_start_matches(['=', ':', '>']);
    if sign.len() < spaced.len() {
        (tail.len() - sign.trim_start_matches(is_gap).len(), true)
    } else {
        (tail.len() - tail.trim_start_matches(is_gap).len(), false)
    }
}

/// Does a value come from another string, or from an argument?
fn comes_later(value: &str) -> bool {
    let value = value.trim_start_matches(['\'', '"', ' ']);
    value.is_empty()
        || value.starts_with('?')
        || (value.starts_with('%') && !value.starts_with("%%"))
        || (value.starts_with('$') && value[1..].starts_with(|c: char| c.is_ascii_digit()))
}

fn value_length(value: &str, name: &str) -> usize {
    let plain = value.trim_start_matches('\\');
    let escaped = value.len() - plain.len();
    if let Some(quote) = plain.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        let mut from = escaped + 1;
        // A quote that is doubled or escaped does not end it; one that was escaped itself is ended by its like.
        while let Some(at) = value[from..].find(quote) {
            let end = from + at;
            let backslashes = value[..end].len() - value[..end].trim_end_matches('\\').len();
            from = end + 1;
            let doubled = value[from..].starts_with(quote);
            if doubled && from > escaped + 2 {
                from += 1;
            } else if backslashes <= escaped && (escaped > 0 || backslashes == 0) {
                return from;
            }
        }
        return value.len();
    }
    // A header's value has several words.
    if name.eq_ignore_ascii_case("authorization") {
        return value.find(['\n', '\r', '\'', '"', ',', '}']).unwrap_or(value.len());
    }
    let mut escape = false;
    value
        .find(|c: char| {
            let ends = !escape && (c.is_whitespace() || matches!(c, '&' | '"' | '\''));
            escape = c == '\\' && !escape;
            ends
        })
        .unwrap_or(value.len())
}

/// Passwords in `scheme://user:password@host`.
fn urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, tail) = rest.split_at(at + 3);
        out.push_str(before);
        rest = tail;
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'');
        let mut authority = &tail[..tail.find(ends).unwrap_or(tail.len())];
        // A password with a slash in it is not valid there, and people write it all the same.
        if !authority.contains('@') {
            let word = &tail[..tail.find(char::is_whitespace).unwrap_or(tail.len())];
            authority = word.rfind('@').map_or(authority, |at| &word[..=at]);
        }
        if let Some(host) = authority.rfind('@')
            && let Some(colon) = authority[..host].find(':')
            && colon + 1 < host
        {
            out.push_str(&authority[..=colon]);
            out.push_str(REDACTED);
            rest = &tail[host..];
        }
    }
    out.push_str(rest);
    out
}
