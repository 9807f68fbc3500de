//! Ranges, lists, nested conditions and regular expressions.

use super::{Parsed, Parser};
use crate::ast::{Bound, Part, Scalar, Value, ValueKind};
use crate::error::QueryError;
use crate::lex::{Stops, is_space};
use crate::span::Span;

impl Parser<'_> {
    /// `[a TO b]`, `[a TO b}` or the list `[a, b]`.
    pub(super) fn bracket(&mut self) -> Parsed<Value> {
        let start = self.cursor.at;
        self.cursor.at += 1;
        self.cursor.skip_space();
        if self.cursor.eat("]") {
            return self.list_value(start, Vec::new());
        }
        let stops = Stops {
            comma: true,
            bracket: true,
            brace: true,
            ..Stops::default()
        };
        let first = self.item(stops, start)?;
        self.cursor.skip_space();
        if self.cursor.word_is("TO") {
            return self.range(start, true, first);
        }
        let mut items = vec![first];
        while self.cursor.eat(",") {
            self.cursor.skip_space();
            items.push(self.item(stops, start)?);
            self.cursor.skip_space();
        }
        if self.cursor.eat("]") {
            return self.list_value(start, items);
        }
        Err(self.no_range(start))
    }

    fn no_range(&self, start: usize) -> Box<QueryError> {
        let hint = "A range is [a TO b], exclusive ends are { and }; a list is [a, b].";
        let (span, message) = match self.cursor.peek() {
            None => (Span::new(start, start + 1), "range or list is not closed"),
            Some(_) => (self.cursor.here(), "neither a range nor a list"),
        };
        self.error(span, message, hint)
    }

    /// `{a TO b}`, `{a TO b]` or the condition `{…}` on one element.
    pub(super) fn brace(&mut self) -> Parsed<Value> {
        match self.exclusive_range()? {
            Some(range) => Ok(range),
            None => self.nested_condition(),
        }
    }

    /// A range that begins with `{`; nothing and no step when it is none.
    fn exclusive_range(&mut self) -> Parsed<Option<Value>> {
        let start = self.cursor.at;
        let terms = self.terms;
        let stops = Stops {
            bracket: true,
            brace: true,
            ..Stops::default()
        };
        self.cursor.at += 1;
        self.cursor.skip_space();
        // a condition may hold what no bound does, such as a list: not an error yet
        if !self.at_closing()
            && let Ok(first) = self.item(stops, start)
        {
            self.cursor.skip_space();
            if self.cursor.word_is("TO") {
                return self.range(start, false, first).map(Some);
            }
        }
        self.terms = terms;
        self.cursor.at = start;
        Ok(None)
    }

    fn nested_condition(&mut self) -> Parsed<Value> {
        let start = self.cursor.at;
        self.cursor.at += 1;
        self.cursor.skip_space();
        let nested = self.nested;
        self.nested = nested + 1;
        let inner = self.deeper(Self::or)?;
        self.nested = nested;
        self.close(start, '}')?;
        let span = self.cursor.since(start);
        self.count_term(span)?;
        Ok(Value::new(span, ValueKind::Nested(Box::new(inner))))
    }

    fn at_closing(&self) -> bool {
        matches!(self.cursor.peek(), None | Some(']' | '}' | ')'))
    }

    fn range(&mut self, start: usize, low_inclusive: bool, low: Scalar) -> Parsed<Value> {
        self.cursor.at += 2;
        self.cursor.skip_space();
        if self.at_closing() {
            return Err(self.no_range(start));
        }
        let stops = Stops {
            bracket: true,
            brace: true,
            ..Stops::default()
        };
        let high = self.item(stops, start)?;
        self.cursor.skip_space();
        let high_inclusive = match self.cursor.peek() {
            Some(']') => true,
            Some('}') => false,
            _ => return Err(self.no_range(start)),
        };
        self.cursor.at += 1;
        let low = self.bound(low, low_inclusive)?;
        let high = self.bound(high, high_inclusive)?;
        Ok(Value::new(self.cursor.since(start), ValueKind::Range(low, high)))
    }

    fn bound(&self, scalar: Scalar, inclusive: bool) -> Parsed<Bound> {
        if !scalar.quoted && scalar.parts == [Part::Many] {
            return Ok(Bound { inclusive, value: None });
        }
        if scalar.is_pattern() {
            let hint = "Write a value without * and ?, or * alone for an open end.";
            return Err(self.error(scalar.span, "wildcards have no order", hint));
        }
        Ok(Bound {
            inclusive,
            value: Some(scalar),
        })
    }

    /// One value of a list or range.
    fn item(&mut self, stops: Stops, start: usize) -> Parsed<Scalar> {
        if matches!(self.cursor.peek(), None | Some(']' | '}' | '(' | ')' | ',')) {
            return Err(self.no_range(start));
        }
        let scalar = self.cursor.scalar(stops)?;
        self.count_term(scalar.span)?;
        Ok(scalar)
    }

    /// Does `IN (` or `IN [` stand here?
    pub(super) fn at_list_after_in(&self) -> bool {
        self.cursor.word_is("IN")
            && self.cursor.rest()[2..]
                .trim_start_matches(is_space)
                .starts_with(['(', '['])
    }

    /// `IN (a, b)`, `IN [a b]`: commas are optional here.
    pub(super) fn in_list(&mut self) -> Parsed<Value> {
        self.cursor.at += 2;
        self.cursor.skip_space();
        let start = self.cursor.at;
        let close = if self.cursor.peek() == Some('(') { ")" } else { "]" };
        self.cursor.at += 1;
        self.cursor.skip_space();
        let stops = Stops {
            comma: true,
            bracket: close == "]",
            ..Stops::default()
        };
        let mut items = Vec::new();
        while !self.cursor.eat(close) {
            if !items.is_empty() && self.cursor.eat(",") {
                self.cursor.skip_space();
            }
            if matches!(self.cursor.peek(), None | Some(']' | '}' | '(' | ')' | ',')) {
                let hint = format!("A list is values and commas, closed by {close}.");
                return Err(self.error(self.cursor.here(), "not a value of the list", hint));
            }
            let scalar = self.cursor.scalar(stops)?;
            self.count_term(scalar.span)?;
            items.push(scalar);
            self.check_length(items.len(), start)?;
            self.cursor.skip_space();
        }
        self.list_value(start, items)
    }

    fn check_length(&self, length: usize, start: usize) -> Parsed<()> {
        if length > self.limits.list_items {
            let message = format!("list has more than {} values", self.limits.list_items);
            return Err(self.limit(Span::new(start, start + 1), message, "Split the list with OR."));
        }
        Ok(())
    }

    fn list_value(&mut self, start: usize, items: Vec<Scalar>) -> Parsed<Value> {
        self.check_length(items.len(), start)?;
        let span = self.cursor.since(start);
        self.count_term(span)?;
        Ok(Value::new(span, ValueKind::List(items)))
    }

    /// `/re/` or `/re/i`, only when it is unmistakable; nothing and no step otherwise: a path.
    pub(super) fn slashes(&mut self) -> Parsed<Option<Value>> {
        let start = self.cursor.at;
        let mut pattern = String::new();
        let mut chars = self.cursor.rest()[1..].char_indices();
        let end = loop {
            match chars.next() {
                None => return Ok(None),
                Some((at, '/')) => break start + 1 + at,
                Some((_, '\\')) => match chars.next() {
                    None => return Ok(None),
                    Some((_, '/')) => pattern.push('/'),
                    Some((_, c)) => pattern.extend(['\\', c]),
                },
                Some((_, c)) => pattern.push(c),
            }
        };
        let after = &self.cursor.text[end + 1..];
        let ignore_case = after.starts_with('i');
        let after = after.strip_prefix('i').unwrap_or(after);
        let ends = after
            .chars()
            .next()
            .is_none_or(|c| is_space(c) || matches!(c, ')' | ']' | '}'));
        if !ends || pattern.is_empty() {
            return Ok(None);
        }
        self.cursor.at = end + 1 + usize::from(ignore_case);
        let span = self.cursor.since(start);
        self.regex(span, pattern, ignore_case).map(Some)
    }

    /// `:~"re"`; a word without quotes is taken as it stands, escapes included.
    pub(super) fn tilde(&mut self, operator: usize) -> Parsed<Value> {
        let start = self.cursor.at;
        let pattern = match self.cursor.peek() {
            Some('"' | '\'') => self.cursor.quoted_raw()?,
            _ => {
                let rest = self.cursor.rest();
                let stop = |c| is_space(c) || matches!(c, '(' | ')' | '"' | '}');
                let word = &rest[..rest.find(stop).unwrap_or(rest.len())];
                self.cursor.at += word.len();
                word.to_owned()
            }
        };
        if pattern.is_empty() && start == self.cursor.at || self.cursor.peek() == Some('(') {
            let hint = "Quote the regular expression: «field:~\"a|b\"».";
            return Err(self.error(Span::new(operator, operator + 2), ":~ takes a regular expression", hint));
        }
        self.regex(self.cursor.since(start), pattern, false)
    }

    fn regex(&mut self, span: Span, pattern: String, ignore_case: bool) -> Parsed<Value> {
        self.count_term(span)?;
        let Some(pattern) = without_escaped_slashes(&pattern) else {
            let hint = "Write \\\\ for a backslash.";
            return Err(self.error(span, "regular expression ends in a backslash", hint));
        };
        if pattern.chars().count() > self.limits.regex_chars {
            let message = format!(
                "regular expression is longer than {} characters",
                self.limits.regex_chars
            );
            return Err(self.limit(span, message, "Shorten it, or write a list of values."));
        }
        Ok(Value::new(span, ValueKind::Regex { pattern, ignore_case }))
    }
}

/// One spelling for `/` and `\/`, which mean the same; none when a backslash escapes nothing.
fn without_escaped_slashes(pattern: &str) -> Option<String> {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                '/' => out.push('/'),
                next => out.extend(['\\', next]),
            },
            c => out.push(c),
        }
    }
    Some(out)
}
