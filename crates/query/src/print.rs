//! [`Expr`] → canonical text. Parsing the text gives the same tree, spans aside. AND inside of OR gets
//! parentheses that the source may not have had, so the text may be nested up to twice as deep.

use crate::ast::{Bound, Expr, ExprKind, Part, Path, Scalar, Segment, Value, ValueKind};
use crate::lex::is_space;
use std::fmt::{Display, Formatter, Result};

/// What surrounds a condition, and so decides about parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Around {
    Nothing,
    Or,
    And,
    Not,
}

impl Display for Expr {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        expr(self, Around::Nothing, out)
    }
}

fn expr(this: &Expr, around: Around, out: &mut Formatter<'_>) -> Result {
    match &this.kind {
        ExprKind::All => out.write_str("*"),
        ExprKind::Text(literal) => scalar(literal, Place::Free, out),
        ExprKind::Saved(name) => {
            out.write_str("_saved_:")?;
            scalar(name, Place::Value, out)
        }
        ExprKind::Field(name, condition) => field(name, condition, out),
        ExprKind::Not(inner) => {
            out.write_str("NOT ")?;
            expr(inner, Around::Not, out)
        }
        ExprKind::And(items) => joined(items, " AND ", Around::And, around, expr, out),
        ExprKind::Or(items) => joined(items, " OR ", Around::Or, around, expr, out),
    }
}

/// Items of AND and OR; the mixture of both gets parentheses, also where precedence needs none.
fn joined<T>(
    items: &[T],
    word: &str,
    inside: Around,
    around: Around,
    item: fn(&T, Around, &mut Formatter<'_>) -> Result,
    out: &mut Formatter<'_>,
) -> Result {
    let bracket = around != Around::Nothing;
    if bracket {
        out.write_str("(")?;
    }
    for (at, one) in items.iter().enumerate() {
        if at > 0 {
            out.write_str(word)?;
        }
        item(one, inside, out)?;
    }
    if bracket {
        out.write_str(")")?;
    }
    Ok(())
}

fn field(name: &Path, condition: &Value, out: &mut Formatter<'_>) -> Result {
    path(name, out)?;
    match &condition.kind {
        ValueKind::List(items) => {
            out.write_str(" IN (")?;
            list(items, out)?;
            out.write_str(")")
        }
        ValueKind::Exact(literal) => {
            out.write_str(":=")?;
            scalar(literal, Place::Value, out)
        }
        ValueKind::Regex {
            pattern,
            ignore_case: false,
        } if !pattern.contains('\\') => {
            out.write_str(":~")?;
            write!(out, "\"{}\"", pattern.replace('"', "\\\""))
        }
        ValueKind::And(_) | ValueKind::Or(_) | ValueKind::Not(_) | ValueKind::Other(_) => {
            out.write_str(":(")?;
            value(condition, Around::Nothing, out)?;
            out.write_str(")")
        }
        _ => {
            out.write_str(":")?;
            behind_colon(condition, out)
        }
    }
}

fn behind_colon(condition: &Value, out: &mut Formatter<'_>) -> Result {
    match &condition.kind {
        ValueKind::Equals(literal) => scalar(literal, Place::Value, out),
        _ => value(condition, Around::Nothing, out),
    }
}

/// A condition behind `field:` or inside of its group.
fn value(this: &Value, around: Around, out: &mut Formatter<'_>) -> Result {
    match &this.kind {
        ValueKind::And(items) => joined(items, " AND ", Around::And, around, value, out),
        ValueKind::Or(items) => joined(items, " OR ", Around::Or, around, value, out),
        ValueKind::Not(inner) => {
            out.write_str("NOT ")?;
            value(inner, Around::Not, out)
        }
        ValueKind::Exists => out.write_str("*"),
        // in a group; directly behind the field it was written above
        ValueKind::Equals(literal) | ValueKind::Exact(literal) => scalar(literal, Place::Free, out),
        ValueKind::Regex { pattern, ignore_case } => {
            write!(out, "/{}/", slashed(pattern))?;
            out.write_str(if *ignore_case { "i" } else { "" })
        }
        ValueKind::Compare(order, literal) => {
            out.write_str(order.symbol())?;
            scalar(literal, Place::Compared, out)
        }
        ValueKind::Range(low, high) => {
            out.write_str(if low.inclusive { "[" } else { "{" })?;
            bound(low, out)?;
            out.write_str(" TO ")?;
            bound(high, out)?;
            out.write_str(if high.inclusive { "]" } else { "}" })
        }
        ValueKind::List(items) => {
            out.write_str("[")?;
            list(items, out)?;
            out.write_str("]")
        }
        ValueKind::Nested(inner) => {
            out.write_str("{")?;
            expr(inner, Around::Nothing, out)?;
            out.write_str("}")
        }
        ValueKind::Other(inner) => match &inner.kind {
            // in a group 2001:db8::1 would be an address, 2001: db8::1 is a field's condition
            ExprKind::Field(name, condition) if matches!(condition.kind, ValueKind::Equals(_)) => {
                path(name, out)?;
                out.write_str(": ")?;
                behind_colon(condition, out)
            }
            _ => expr(inner, Around::Not, out),
        },
    }
}

/// `\/` is the only escape of `/…/`; every other backslash belongs to the expression.
fn slashed(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '/' => out.push_str("\\/"),
            '\\' => {
                out.push('\\');
                out.extend(chars.next());
            }
            c => out.push(c),
        }
    }
    out
}

fn bound(this: &Bound, out: &mut Formatter<'_>) -> Result {
    match &this.value {
        None => out.write_str("*"),
        Some(literal) => scalar(literal, Place::Item, out),
    }
}

fn list(items: &[Scalar], out: &mut Formatter<'_>) -> Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.write_str(", ")?;
        }
        scalar(item, Place::Item, out)?;
    }
    Ok(())
}

/// Where a literal stands, which decides what needs a backslash.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Free text, and values in a group: signs and operators have a meaning.
    Free,
    /// Directly behind `field:`.
    Value,
    /// Behind a comparison.
    Compared,
    /// In a list or range.
    Item,
}

impl Place {
    /// Characters that mean something at the beginning of a literal.
    fn first(self) -> &'static str {
        match self {
            Place::Free => "-+!'/<>|&#=:",
            Place::Value => "!'/<>|&#=~",
            Place::Compared => "'|&#=",
            Place::Item => "'#",
        }
    }

    /// Characters that mean something everywhere.
    fn special(self, c: char) -> bool {
        match c {
            '(' | ')' | '"' | '*' | '?' | '[' | ']' | '{' | '}' | '~' | '^' => true,
            ':' | '=' | '<' | '>' | '!' => self == Place::Free,
            ',' => self == Place::Item,
            c => is_space(c),
        }
    }

    fn keywords(self) -> &'static [&'static str] {
        match self {
            Place::Item => &["to"],
            _ => &["and", "or", "not"],
        }
    }
}

fn scalar(this: &Scalar, place: Place, out: &mut Formatter<'_>) -> Result {
    if this.quoted {
        let (text, star) = match this.parts.as_slice() {
            [] => ("", ""),
            [Part::Text(text)] => (text.as_str(), ""),
            [Part::Text(text), ..] => (text.as_str(), "*"),
            _ => ("", "*"),
        };
        out.write_str("\"")?;
        escaped(text, |c| c == '"', out)?;
        return write!(out, "\"{star}");
    }
    for (at, part) in this.parts.iter().enumerate() {
        match part {
            Part::Many => out.write_str("*")?,
            Part::One => out.write_str("?")?,
            Part::Text(text) if at > 0 => escaped(text, |c| place.special(c), out)?,
            Part::Text(text) => {
                let alone = this.parts.len() == 1;
                let rest = first(text, |c| place.first().contains(c), alone, place.keywords(), out)?;
                escaped(rest, |c| place.special(c), out)?;
            }
        }
    }
    Ok(())
}

/// Words with a meaning in front of a colon.
const SPECIAL: [&str; 3] = ["_exists_", "_missing_", "_saved_"];

/// Writes the first character when it needs an escape; returns what remains.
fn first<'a>(
    text: &'a str,
    special: impl Fn(char) -> bool,
    alone: bool,
    keywords: &[&str],
    out: &mut Formatter<'_>,
) -> std::result::Result<&'a str, std::fmt::Error> {
    let Some(c) = text.chars().next() else { return Ok(text) };
    let rest = &text[c.len_utf8()..];
    if alone && keywords.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        // a backslash before a letter would stay
        write!(out, "\\u{:04x}", u32::from(c))?;
        return Ok(rest);
    }
    if special(c) || (alone && SPECIAL.contains(&text)) {
        write!(out, "\\{c}")?;
        return Ok(rest);
    }
    Ok(text)
}

/// Text with backslashes before what is special; a backslash stays single where it means itself.
fn escaped(text: &str, special: impl Fn(char) -> bool, out: &mut Formatter<'_>) -> Result {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' {
            let kept = chars.peek().is_some_and(|next| next.is_alphanumeric() && *next != 'u');
            out.write_str(if kept { "\\" } else { "\\\\" })?;
        } else if special(c) {
            write!(out, "\\{c}")?;
        } else {
            write!(out, "{c}")?;
        }
    }
    Ok(())
}

fn path(this: &Path, out: &mut Formatter<'_>) -> Result {
    for (at, segment) in this.segments.iter().enumerate() {
        if at > 0 {
            out.write_str(".")?;
        }
        name(segment, this.segments.len() == 1, out)?;
    }
    Ok(())
}

fn name(this: &Segment, alone: bool, out: &mut Formatter<'_>) -> Result {
    if this.quoted {
        out.write_str("\"")?;
        escaped(&this.name, |c| c == '"', out)?;
        return out.write_str("\"");
    }
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '@' | '$' | '-' | '/' | '\\');
    let keywords = ["and", "or", "not"];
    let rest = first(&this.name, |c| matches!(c, '-' | '/'), alone, &keywords, out)?;
    escaped(rest, |c| !plain(c), out)
}
