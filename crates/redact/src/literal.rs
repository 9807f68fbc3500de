//! The value of a string constant, and how to write a changed one.

use crate::lex::{Form, Kind, Token, continuation};

/// The value of a string constant, or the name in a quoted name. What cannot be read stays as it is written.
pub fn decode(token: &Token<'_>) -> String {
    let (mut text, form) = match token.kind {
        Kind::Literal(form) => (token.text, form),
        _ => (token.text, Form::Plain),
    };
    if form == Form::Dollar {
        let tag = tag(text);
        let content = &text[tag.len()..];
        return content
            .strip_suffix(tag)
            .filter(|_| !token.open)
            .unwrap_or(content)
            .to_owned();
    }
    let (quote, quoted_name) = match token.kind {
        Kind::QuotedName => ('"', true),
        _ => ('\'', false),
    };
    let unicode = form == Form::Unicode || (quoted_name && !text.starts_with('"'));
    text = text.find(quote).map_or("", |at| &text[at + 1..]);
    let mut out = String::with_capacity(text.len());
    while let Some(c) = text.chars().next() {
        let rest = &text[c.len_utf8()..];
        if c == quote {
            if let Some(rest) = rest.strip_prefix(quote) {
                out.push(quote);
                text = rest;
            } else if let Some(gap) = continuation(rest.as_bytes()).filter(|_| !quoted_name) {
                text = &rest[gap..];
            } else {
                break;
            }
        } else if c == '\\' && (unicode || form == Form::Escape) {
            let (value, length) = if unicode { unicode_escape(rest) } else { escape(rest) };
            out.push(value);
            text = &rest[length..];
        } else {
            out.push(c);
            text = rest;
        }
    }
    out
}

fn tag(text: &str) -> &str {
    let end = text[1..].find('$').map_or(text.len(), |at| at + 2);
    &text[..end]
}

fn number(digits: &str, length: usize, radix: u32) -> Option<(char, usize)> {
    let digits = digits.get(..length).filter(|d| d.chars().all(|c| c.is_digit(radix)))?;
    Some((char::from_u32(u32::from_str_radix(digits, radix).ok()?)?, length))
}

/// What follows a backslash in `U&'…'`: the character and the length of the escape.
fn unicode_escape(rest: &str) -> (char, usize) {
    rest.strip_prefix('+')
        .and_then(|digits| number(digits, 6, 16))
        .map(|(c, length)| (c, length + 1))
        .or_else(|| number(rest, 4, 16))
        .unwrap_or_else(|| match rest.chars().next() {
            Some('\\') => ('\\', 1),
            _ => ('\\', 0),
        })
}

/// The same in `E'…'`.
fn escape(rest: &str) -> (char, usize) {
    let Some(c) = rest.chars().next() else { return ('\\', 0) };
    let numbered = |from: usize, longest: usize, radix: u32| {
        (1..=longest)
            .rev()
            .find_map(|length| number(rest.get(from..)?, length, radix))
            .map(|(c, length)| (c, from + length))
    };
    let simple = match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        other => other,
    };
    match c {
        '0'..='7' => numbered(0, 3, 8),
        'x' => numbered(1, 2, 16),
        'u' => numbered(1, 4, 16),
        'U' => numbered(1, 8, 16),
        _ => None,
    }
    .unwrap_or((simple, c.len_utf8()))
}

/// A string constant with another value, in a form like that of `token`.
pub fn encode(token: &Token<'_>, value: &str) -> String {
    let form = match token.kind {
        Kind::Literal(form) => form,
        _ => Form::Plain,
    };
    if form == Form::Dollar {
        let tag = tag(token.text);
        if !value.contains(tag) {
            return format!("{tag}{value}{tag}");
        }
    }
    let value = value.replace('\'', "''");
    if form == Form::Escape && value.contains('\\') {
        format!("E'{}'", value.replace('\\', "\\\\"))
    } else {
        format!("'{value}'")
    }
}
