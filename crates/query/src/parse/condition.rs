//! `or`, `and`, `unary` and `primary` of the grammar.

use super::{Parsed, Parser};
use crate::ast::{Expr, ExprKind, Part, Path, Value, ValueKind};
use crate::error::{Notice, QueryError};
use crate::lex::{Keyword, is_space};
use crate::span::Span;

const QUOTE_IT: &str = "Quote the text to search for it.";

impl Parser<'_> {
    pub(super) fn or(&mut self) -> Parsed<Expr> {
        let items = self.alternatives(Self::unary, |items| join(items, ExprKind::And))?;
        Ok(join(items, ExprKind::Or))
    }

    /// `or` of the grammar with `and` inside, or `vor` with `vand`: what stands between OR, each of it
    /// the conditions that stand side by side, joined.
    pub(super) fn alternatives<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Parsed<T>,
        join: impl Fn(Vec<T>) -> T,
    ) -> Parsed<Vec<T>> {
        let start = self.cursor.at;
        let mut alternatives = Vec::new();
        // were conditions joined here, outside parentheses?
        let mut joined = false;
        loop {
            let items = self.side_by_side(&mut one)?;
            joined |= items.len() > 1;
            alternatives.push(join(items));
            let Some((Keyword::Or, length)) = self.cursor.keyword() else {
                break;
            };
            self.take_or(length);
        }
        if alternatives.len() > 1 && joined {
            self.note_mixed(self.cursor.since(start));
        }
        Ok(alternatives)
    }

    fn side_by_side<T>(&mut self, one: &mut impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![one(self)?];
        loop {
            self.cursor.skip_space();
            if self.at_end() {
                return Ok(items);
            }
            match self.cursor.keyword() {
                Some((Keyword::Or, _)) => return Ok(items),
                Some((Keyword::And, length)) => {
                    self.cursor.at += length;
                    self.cursor.skip_space();
                }
                _ => {}
            }
            items.push(one(self)?);
        }
    }

    fn take_or(&mut self, length: usize) {
        let start = self.cursor.at;
        self.cursor.at += length;
        if self.cursor.text[start..].starts_with("or") {
            let hint = "Quote it to search for the word.";
            self.notices.push(Notice::new(
                self.cursor.since(start),
                "\"or\" is read as an operator",
                hint,
            ));
        }
        self.cursor.skip_space();
    }

    fn note_mixed(&mut self, span: Span) {
        let message = "AND and OR are mixed without parentheses";
        let hint = "AND binds tighter than OR; parentheses show what is meant.";
        if !self.notices.iter().any(|notice| notice.message == message) {
            self.notices.push(Notice::new(span, message, hint));
        }
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let start = self.cursor.at;
        match self.sign()? {
            None => self.primary(),
            Some(negative) => {
                let inner = self.deeper(Self::unary)?;
                let span = self.cursor.since(start);
                Ok(if negative {
                    Expr::new(span, ExprKind::Not(Box::new(inner)))
                } else {
                    inner
                })
            }
        }
    }

    /// Steps over `NOT`, `!`, `-` (true) or `+` (false).
    pub(super) fn sign(&mut self) -> Parsed<Option<bool>> {
        if let Some((Keyword::Not, length)) = self.cursor.keyword() {
            self.cursor.at += length;
            self.cursor.skip_space();
            return Ok(Some(true));
        }
        match self.cursor.peek() {
            Some('!') => {
                self.cursor.at += 1;
                self.cursor.skip_space();
                Ok(Some(true))
            }
            Some(sign @ ('-' | '+')) => {
                let span = self.cursor.here();
                self.cursor.at += 1;
                match self.cursor.peek() {
                    Some('-' | '+') => {
                        let message = format!("two signs in a row at {sign}");
                        Err(self.error(span, message, "Write one sign, or quote the text, like \"--force\"."))
                    }
                    Some(c) if !is_space(c) && c != ')' => Ok(Some(sign == '-')),
                    _ => {
                        let hint = "Write the sign directly before what it negates, or quote it.";
                        Err(self.error(span, format!("{sign} stands alone"), hint))
                    }
                }
            }
            _ => Ok(None),
        }
    }

    fn primary(&mut self) -> Parsed<Expr> {
        if self.at_end() {
            return Err(self.missing());
        }
        if let Some((_, length)) = self.cursor.keyword() {
            let span = Span::new(self.cursor.at, self.cursor.at + length);
            let message = format!("{} has nothing before it", &self.cursor.text[span.start..span.end]);
            return Err(self.error(span, message, format!("Write a condition there. {QUOTE_IT}")));
        }
        let start = self.cursor.at;
        match self.cursor.peek() {
            Some('(') => return self.parentheses(),
            Some('*') => {
                if let Some(expr) = self.all_text()? {
                    return Ok(expr);
                }
            }
            Some('<' | '>') => return Err(self.fieldless("comparison", "field:>value")),
            Some('[' | '{') => return Err(self.fieldless("range", "field:[a TO b]")),
            Some('|') => return Err(self.pipe()),
            Some(':' | '=') => return Err(self.fieldless("value", "field:value")),
            Some('/') if self.slashes()?.is_some() => {
                self.cursor.at = start;
                return Err(self.fieldless("regular expression", "field:/expression/"));
            }
            _ => {}
        }
        if let Some(expr) = self.special()? {
            return Ok(expr);
        }
        match self.field()? {
            Some(expr) => Ok(expr),
            None => self.free_text(),
        }
    }

    fn parentheses(&mut self) -> Parsed<Expr> {
        let start = self.cursor.at;
        self.cursor.at += 1;
        self.cursor.skip_space();
        if self.cursor.peek() == Some(')') {
            let span = Span::new(start, self.cursor.at + 1);
            return Err(self.error(span, "empty parentheses", "Write a condition inside."));
        }
        let nested = std::mem::take(&mut self.nested);
        let inner = self.deeper(Self::or)?;
        self.nested = nested;
        self.close(start, ')')?;
        self.cursor.refuse_ranking()?;
        Ok(Expr {
            span: self.cursor.since(start),
            ..inner
        })
    }

    pub(super) fn close(&mut self, start: usize, with: char) -> Parsed<()> {
        if self.cursor.peek() == Some(with) {
            self.cursor.at += 1;
            return Ok(());
        }
        let span = Span::new(start, start + 1);
        let open = &self.cursor.text[start..start + 1];
        let message = if self.cursor.peek().is_none() {
            format!("{open} is not closed")
        } else {
            format!("{open} is closed by another bracket")
        };
        Err(self.error(span, message, format!("Close it with {with}, or quote the text.")))
    }

    /// `*`, `*:*` and `*:word`; nothing when the star begins a pattern.
    fn all_text(&mut self) -> Parsed<Option<Expr>> {
        let start = self.cursor.at;
        self.cursor.at += 1;
        self.cursor.skip_space_behind_name();
        if !self.cursor.eat(":") {
            self.cursor.at = start;
            return Ok(None);
        }
        self.cursor.skip_space();
        if self.at_end() || matches!(self.cursor.peek(), Some('(' | '[' | '{' | '<' | '>')) {
            let hint = "Write a word or a quoted text after «*:».";
            return Err(self.error(self.cursor.here(), "*: takes one word", hint));
        }
        let scalar = self.cursor.scalar(self.stops())?;
        self.count_term(scalar.span)?;
        let span = self.cursor.since(start);
        Ok(Some(Expr::new(span, text_or_all(scalar))))
    }

    /// `_exists_:f`, `_missing_:f`, `_saved_:name`.
    fn special(&mut self) -> Parsed<Option<Expr>> {
        let start = self.cursor.at;
        for word in ["_exists_", "_missing_", "_saved_"] {
            if !self.cursor.eat(word) {
                continue;
            }
            self.cursor.skip_space_behind_name();
            if !self.cursor.eat(":") {
                self.cursor.at = start;
                return Ok(None);
            }
            self.cursor.skip_space();
            let kind = if word == "_saved_" {
                if self.at_end() || self.cursor.peek() == Some('(') {
                    return Err(self.error(
                        self.cursor.here(),
                        "_saved_: takes a name",
                        "Write the name of a query.",
                    ));
                }
                let name = self.cursor.scalar(self.stops())?;
                if name.is_pattern() {
                    let hint = "Write the whole name, in quotes when it has a star.";
                    return Err(self.error(name.span, "wildcards in the name of a saved query", hint));
                }
                ExprKind::Saved(name)
            } else {
                let Some(path) = self.cursor.path()? else {
                    let hint = format!("Write a field's name: «{word}:field».");
                    return Err(self.error(self.cursor.here(), format!("{word}: takes a field"), hint));
                };
                self.refuse_wildcard_name()?;
                let exists = ExprKind::Field(path.clone(), Value::new(path.span, ValueKind::Exists));
                if word == "_exists_" {
                    exists
                } else {
                    ExprKind::Not(Box::new(Expr::new(path.span, exists)))
                }
            };
            let span = self.cursor.since(start);
            self.count_term(span)?;
            return Ok(Some(Expr::new(span, kind)));
        }
        Ok(None)
    }

    fn refuse_wildcard_name(&self) -> Parsed<()> {
        match self.cursor.peek() {
            Some('*' | '?') => Err(self.wildcard_name(self.cursor.here())),
            _ => Ok(()),
        }
    }

    fn wildcard_name(&self, span: Span) -> Box<QueryError> {
        let hint = "Name the field, or search all of them with «*:value»; quote a name that has the character.";
        self.error(span, "wildcards in field names are not supported", hint)
    }

    fn free_text(&mut self) -> Parsed<Expr> {
        let mut stops = self.stops();
        stops.colon = true;
        let scalar = self.cursor.scalar(stops)?;
        if self.cursor.peek() == Some(':') {
            if scalar.is_pattern() {
                return Err(self.wildcard_name(scalar.span));
            }
            let hint = "A field's name has letters, digits and _ @ $ - / only; quote the name or the text.";
            return Err(self.error(scalar.span, "not a field name before the colon", hint));
        }
        self.count_term(scalar.span)?;
        Ok(Expr::new(scalar.span, text_or_all(scalar)))
    }

    /// `path op value`; nothing and no step when no operator follows a path.
    pub(super) fn field(&mut self) -> Parsed<Option<Expr>> {
        let start = self.cursor.at;
        let Some(path) = self.cursor.path()? else {
            return Ok(None);
        };
        let value = self.operation(&path)?;
        Ok(match value {
            None => {
                self.cursor.at = start;
                None
            }
            Some((negative, value)) => {
                let span = self.cursor.since(start);
                let field = Expr::new(span, ExprKind::Field(path, value));
                Some(if negative {
                    Expr::new(span, ExprKind::Not(Box::new(field)))
                } else {
                    field
                })
            }
        })
    }

    fn operation(&mut self, path: &Path) -> Parsed<Option<(bool, Value)>> {
        self.cursor.skip_space_behind_name();
        for (operator, negative) in [(":!=", true), ("!=", true), (":=", false), (":~", false)] {
            let at = self.cursor.at;
            if self.cursor.eat(operator) {
                self.cursor.skip_space();
                return match operator {
                    "!=" | ":!=" => self.value(path).map(|value| Some((negative, value))),
                    ":=" => self.exact(path).map(|value| Some((negative, value))),
                    _ => self.tilde(at).map(|value| Some((negative, value))),
                };
            }
        }
        if self.cursor.eat("==") || self.cursor.eat(":") || self.cursor.eat("=") {
            let after = self.cursor.at;
            let assigned = self.cursor.text[..after].ends_with('=');
            if assigned && matches!(self.cursor.peek(), Some('<' | '>')) {
                let message = format!("unknown operator ={}", &self.cursor.rest()[..1]);
                let hint = "Write >= or <=.";
                return Err(self.error(Span::new(after - 1, after + 1), message, hint));
            }
            self.cursor.skip_space();
            if self.at_list_after_in() {
                return self.in_list().map(|value| Some((false, value)));
            }
            return self.comparison_or_value(path).map(|value| Some((false, value)));
        }
        if matches!(self.cursor.peek(), Some('<' | '>')) {
            return self.comparison_or_value(path).map(|value| Some((false, value)));
        }
        if self.at_list_after_in() {
            return self.in_list().map(|value| Some((false, value)));
        }
        Ok(None)
    }

    #[cold]
    fn missing(&self) -> Box<QueryError> {
        let hint = "Write a condition here.";
        match self.cursor.peek() {
            None => self.error(self.cursor.here(), "query ends where a condition is expected", hint),
            Some(c) => self.error(self.cursor.here(), format!("{c} where a condition is expected"), hint),
        }
    }

    #[cold]
    fn fieldless(&self, what: &str, example: &str) -> Box<QueryError> {
        let hint = format!("Write the field first, like «{example}». {QUOTE_IT}");
        self.error(self.cursor.here(), format!("{what} without a field"), hint)
    }

    #[cold]
    pub(super) fn pipe(&self) -> Box<QueryError> {
        let hint = "A query only filters: aggregate its result with SQL. A quoted | is text.";
        self.error(self.cursor.here(), "pipes are not supported", hint)
    }
}

fn text_or_all(scalar: crate::ast::Scalar) -> ExprKind {
    if !scalar.quoted && scalar.parts == [Part::Many] {
        ExprKind::All
    } else {
        ExprKind::Text(scalar)
    }
}

fn join(mut items: Vec<Expr>, kind: fn(Vec<Expr>) -> ExprKind) -> Expr {
    if items.len() == 1 {
        return items.remove(0);
    }
    let span = items[0].span.to(items[items.len() - 1].span);
    Expr::new(span, kind(items))
}
