//! What stands behind a field: `value`, `vor`, `vand`, `vnot` of the grammar.

use super::{Parsed, Parser};
use crate::ast::{Expr, ExprKind, Order, Part, Path, Scalar, Value, ValueKind};
use crate::error::{Notice, QueryError};
use crate::lex::{Keyword, is_space};
use crate::span::Span;

impl Parser<'_> {
    pub(super) fn comparison_or_value(&mut self, path: &Path) -> Parsed<Value> {
        match self.order() {
            Some(order) => self.comparison(order, path),
            None => self.value(path),
        }
    }

    fn order(&mut self) -> Option<Order> {
        [Order::GreaterOrEqual, Order::LessOrEqual, Order::Greater, Order::Less]
            .into_iter()
            .find(|order| self.cursor.eat(order.symbol()))
    }

    fn comparison(&mut self, order: Order, path: &Path) -> Parsed<Value> {
        let start = self.cursor.at - order.symbol().len();
        self.cursor.skip_space();
        if self.at_end() {
            return Err(self.no_value(path));
        }
        if matches!(self.cursor.peek(), Some('(' | '[' | '{')) {
            let hint = format!("Write one value behind {}.", order.symbol());
            return Err(self.error(self.cursor.here(), "a comparison takes one value", hint));
        }
        let scalar = self.plain_scalar(path)?;
        if scalar.is_pattern() {
            let hint = "Write a value without * and ?, or quote it.";
            return Err(self.error(scalar.span, "wildcards have no order", hint));
        }
        Ok(Value::new(self.cursor.since(start), ValueKind::Compare(order, scalar)))
    }

    /// A literal where a keyword, a pipe or nothing would be a mistake.
    fn plain_scalar(&mut self, path: &Path) -> Parsed<Scalar> {
        if self.at_end() {
            return Err(self.no_value(path));
        }
        if let Some((keyword, length)) = self.cursor.keyword() {
            let span = Span::new(self.cursor.at, self.cursor.at + length);
            let word = &self.cursor.text[span.start..span.end];
            let hint = match keyword {
                Keyword::Not => format!("Write «NOT {path}:value»; quote the word when it is the value."),
                _ => "Write a value before it; quote the word when it is the value.".to_owned(),
            };
            return Err(self.error(span, format!("{word} where a value is expected"), hint));
        }
        if self.cursor.peek() == Some('|') {
            return Err(self.pipe());
        }
        let scalar = self.cursor.scalar(self.stops())?;
        self.count_term(scalar.span)?;
        Ok(scalar)
    }

    #[cold]
    fn no_value(&self, path: &Path) -> Box<QueryError> {
        let hint = format!("Write a value, «{path}:*» for any value, or «{path}:\"\"» for the empty text.");
        self.error(self.cursor.here(), "a value is missing", hint)
    }

    pub(super) fn exact(&mut self, path: &Path) -> Parsed<Value> {
        let mut scalar = self.plain_scalar(path)?;
        if matches!(self.cursor.peek(), Some('(')) {
            return Err(self.error(
                self.cursor.here(),
                ":= takes one value",
                "Write «field:=value» for each value.",
            ));
        }
        // := is byte-exact: a star is a star
        let text = scalar.text();
        scalar.parts = if text.is_empty() {
            Vec::new()
        } else {
            vec![Part::Text(text)]
        };
        Ok(Value::new(scalar.span, ValueKind::Exact(scalar)))
    }

    pub(super) fn value(&mut self, path: &Path) -> Parsed<Value> {
        match self.cursor.peek() {
            Some('(') => self.group(path),
            Some('[') => self.bracket(),
            Some('{') => self.brace(),
            Some('/') => match self.slashes()? {
                Some(value) => Ok(value),
                None => self.equals(path),
            },
            _ => self.equals(path),
        }
    }

    fn equals(&mut self, path: &Path) -> Parsed<Value> {
        let negated = self.cursor.peek() == Some('!');
        let scalar = self.plain_scalar(path)?;
        if negated {
            let message = "! behind a field is part of the value";
            let hint = format!("Write «NOT {path}:value» or «{path}!=value».");
            self.notices.push(Notice::new(scalar.span, message, hint));
        }
        let kind = if !scalar.quoted && scalar.parts == [Part::Many] {
            ValueKind::Exists
        } else {
            ValueKind::Equals(scalar.clone())
        };
        Ok(Value::new(scalar.span, kind))
    }

    fn group(&mut self, path: &Path) -> Parsed<Value> {
        let start = self.cursor.at;
        self.cursor.at += 1;
        self.cursor.skip_space();
        if self.cursor.peek() == Some(')') {
            let span = Span::new(start, self.cursor.at + 1);
            let hint = format!("Write values inside, like «{path}:(a OR b)».");
            return Err(self.error(span, "empty parentheses", hint));
        }
        let nested = std::mem::take(&mut self.nested);
        let inner = self.deeper(|parser| parser.value_or(path))?;
        self.nested = nested;
        self.close(start, ')')?;
        self.cursor.refuse_ranking()?;
        Ok(Value {
            span: self.cursor.since(start),
            ..inner
        })
    }

    fn value_or(&mut self, path: &Path) -> Parsed<Value> {
        let items = self.alternatives(|parser| parser.value_not(path), |items| join(items, ValueKind::And))?;
        Ok(join(items, ValueKind::Or))
    }

    fn value_not(&mut self, path: &Path) -> Parsed<Value> {
        let start = self.cursor.at;
        if let Some(negative) = self.sign()? {
            let inner = self.deeper(|parser| parser.value_not(path))?;
            let span = self.cursor.since(start);
            return Ok(if negative {
                Value::new(span, ValueKind::Not(Box::new(inner)))
            } else {
                inner
            });
        }
        if self.at_end() || self.cursor.keyword().is_some() {
            // plain_scalar knows how to say it
            return self.equals(path);
        }
        if let Some(order) = self.order() {
            return self.comparison(order, path);
        }
        if !self.looks_like_value()
            && let Some(other) = self.field()?
        {
            let span = other.span;
            let value = |expr: Expr| Value::new(span, ValueKind::Other(Box::new(expr)));
            return Ok(match other.kind {
                // f!=v: the same as NOT f:v, here too
                ExprKind::Not(inner) => Value::new(span, ValueKind::Not(Box::new(value(*inner)))),
                _ => value(other),
            });
        }
        self.value(path)
    }

    /// Inside a group `10:30`, `2001:db8::1` and `arn:aws:…` are values: no field is named like that.
    fn looks_like_value(&self) -> bool {
        let word = self.cursor.rest();
        let word = &word[..word
            .find(|c| is_space(c) || matches!(c, '(' | ')' | '"'))
            .unwrap_or(word.len())];
        let Some((before, after)) = word.split_once(':') else {
            return false;
        };
        let address = word.split_once('/').map_or(word, |(address, _)| address);
        let clock = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.' | '-' | '+' | 'T' | 'Z');
        (matches!(before, "arn" | "urn") && !after.is_empty())
            || address.parse::<std::net::Ipv6Addr>().is_ok()
            || (before.starts_with(|c: char| c.is_ascii_digit())
                && after.starts_with(|c: char| c.is_ascii_digit())
                && word.chars().all(clock))
    }
}

fn join(mut items: Vec<Value>, kind: fn(Vec<Value>) -> ValueKind) -> Value {
    if items.len() == 1 {
        return items.remove(0);
    }
    let span = items[0].span.to(items[items.len() - 1].span);
    Value::new(span, kind(items))
}
