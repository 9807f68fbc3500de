//! Text → [`Expr`]: recursive descent along the grammar, one function for each production.

mod condition;
mod literal;
mod value;

use crate::ast::{Expr, ExprKind};
use crate::error::{ErrorKind, Notice, QueryError};
use crate::lex::{Cursor, Stops};
use crate::limits::Limits;
use crate::span::Span;

/// A parsed query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The text it was parsed from; spans point into it. Empty for structured filters.
    pub source: String,
    /// The condition.
    pub expr: Expr,
    /// Conditions of the text, as counted against [`Limits::terms`].
    pub terms: usize,
    /// What was probably not meant.
    pub notices: Vec<Notice>,
}

/// Parses a query; the empty text is the query that everything satisfies.
pub fn parse(text: &str, limits: &Limits) -> Result<Query, QueryError> {
    let mut parser = Parser {
        cursor: Cursor { text, at: 0 },
        limits,
        depth: 0,
        terms: 0,
        nested: 0,
        notices: Vec::new(),
    };
    let expr = parser.query().map_err(|error| *error)?;
    Ok(Query {
        source: text.to_owned(),
        expr,
        terms: parser.terms,
        notices: parser.notices,
    })
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    limits: &'a Limits,
    depth: usize,
    terms: usize,
    /// Open `{` of nested conditions: only there does `}` end a word.
    nested: usize,
    notices: Vec<Notice>,
}

/// Boxed, because the recursion holds one in every frame.
type Parsed<T> = Result<T, Box<QueryError>>;

impl Parser<'_> {
    fn query(&mut self) -> Parsed<Expr> {
        let text = self.cursor.text;
        let whole = Span::new(0, text.len());
        if text.len() > self.limits.text_bytes {
            let message = format!("query is longer than {} bytes", self.limits.text_bytes);
            return Err(self.limit(whole, message, "Shorten the query, or raise the limit."));
        }
        if let Some(at) = text.find('\0') {
            let hint = "An event never holds U+0000: remove the character.";
            return Err(self.error(Span::new(at, at + 1), "query holds a NUL character", hint));
        }
        self.cursor.skip_space();
        if self.cursor.peek().is_none() {
            return Ok(Expr::new(whole, ExprKind::All));
        }
        let expr = self.or()?;
        match self.cursor.peek() {
            None => Ok(expr),
            Some(_) => {
                let hint = "Remove it, open one before it, or quote the text.";
                Err(self.error(self.cursor.here(), "unexpected closing parenthesis", hint))
            }
        }
    }

    /// Runs `inner` one level deeper, so that no input overflows the stack.
    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= self.limits.nesting {
            let message = format!("query is nested deeper than {} levels", self.limits.nesting);
            return Err(self.limit(self.cursor.here(), message, "Write the condition flatter."));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn count_term(&mut self, span: Span) -> Parsed<()> {
        self.terms += 1;
        if self.terms > self.limits.terms {
            let message = format!("query has more than {} conditions", self.limits.terms);
            return Err(self.limit(span, message, "Use a list, «field IN (a, b)», or fewer conditions."));
        }
        Ok(())
    }

    /// Where a word ends outside lists and ranges.
    fn stops(&self) -> Stops {
        Stops {
            brace: self.nested > 0,
            ..Stops::default()
        }
    }

    /// Does a condition end here: at the end, or at a closing parenthesis or brace?
    fn at_end(&self) -> bool {
        match self.cursor.peek() {
            None | Some(')') => true,
            Some('}') => self.nested > 0,
            _ => false,
        }
    }

    #[cold]
    fn error(&self, span: Span, message: impl Into<String>, hint: impl Into<String>) -> Box<QueryError> {
        QueryError::syntax(self.cursor.text, span, message, hint)
    }

    #[cold]
    fn limit(&self, span: Span, message: impl Into<String>, hint: &str) -> Box<QueryError> {
        QueryError::new(self.cursor.text, span, ErrorKind::Limit, message, hint)
    }
}
