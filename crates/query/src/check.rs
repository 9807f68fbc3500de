//! [`Query`] → [`Checked`]: resolves names, gives literals their types, compiles expressions,
//! expands saved queries, and says what was probably not meant.

mod field;
mod lint;
mod literal;
mod names;

pub use lint::time_bound;

use crate::ast::{Expr, ExprKind, Part, Scalar};
use crate::dates::Zone;
use crate::error::{ErrorKind, Notice, QueryError, quoted};
use crate::fold::fold;
use crate::limits::Limits;
use crate::node::{Checked, Node, Word, Words};
use crate::parse::{Query, parse};
use crate::pattern::Pattern;
use crate::span::Span;
use crate::tokens::tokens;

/// Finds the text of a saved query.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How a query is checked.
#[derive(Clone, Copy)]
pub struct CheckOptions<'a> {
    /// Upper bounds.
    pub limits: Limits,
    /// Zone of roundings and of dates without an offset.
    pub zone: Zone,
    /// Are unknown fields errors instead of notices?
    pub strict: bool,
    /// Does a short name also mean a key of this name at the top of a document that is no event?
    /// «A full path always wins» (§1.2.9), and any JSON document may be searched; in an event a short
    /// name is the field that it stands for, and nothing else.
    pub literal_keys: bool,
    /// Saved queries, for `_saved_:name`.
    pub saved: Option<Lookup<'a>>,
}

impl Default for CheckOptions<'_> {
    fn default() -> Self {
        CheckOptions {
            limits: Limits::default(),
            zone: Zone::Utc,
            strict: false,
            literal_keys: true,
            saved: None,
        }
    }
}

/// Saved queries inside each other; deeper is more likely a mistake than a need.
const SAVED_DEPTH: usize = 10;

/// Checks a query.
pub fn check(query: &Query, options: &CheckOptions<'_>) -> Result<Checked, QueryError> {
    let mut spent = Spent {
        terms: query.terms,
        regexes: 0,
        depth: 0,
    };
    let mut checker = Checker {
        text: &query.source,
        options,
        spent: &mut spent,
        notices: query.notices.clone(),
        saved: &mut Vec::new(),
        inside: false,
    };
    let node = checker.expr(&query.expr).map_err(|error| *error)?;
    Ok(Checked {
        node,
        zone: options.zone,
        notices: checker.notices,
    })
}

/// What counts against the limits, saved queries included.
struct Spent {
    terms: usize,
    regexes: usize,
    /// Conditions that the current one is inside of.
    depth: usize,
}

struct Checker<'a> {
    text: &'a str,
    options: &'a CheckOptions<'a>,
    spent: &'a mut Spent,
    notices: Vec<Notice>,
    /// Names of the saved queries we are inside of.
    saved: &'a mut Vec<String>,
    /// Inside `f:{…}`, where paths begin at the element and short names mean nothing.
    inside: bool,
}

impl Checker<'_> {
    fn expr(&mut self, expr: &Expr) -> Result<Node, Box<QueryError>> {
        self.spent.depth += 1;
        let node = self.kind(&expr.kind);
        self.spent.depth -= 1;
        node
    }

    fn kind(&mut self, kind: &ExprKind) -> Result<Node, Box<QueryError>> {
        Ok(match kind {
            ExprKind::All => Node::All,
            ExprKind::And(items) => Node::And(self.all(items)?),
            ExprKind::Or(items) => Node::Or(self.all(items)?),
            ExprKind::Not(inner) => negate(self.expr(inner)?),
            ExprKind::Text(scalar) => self.words(scalar),
            ExprKind::Field(path, value) => self.field(path, value)?,
            ExprKind::Saved(name) => self.saved_query(name)?,
        })
    }

    fn all(&mut self, items: &[Expr]) -> Result<Vec<Node>, Box<QueryError>> {
        items.iter().map(|item| self.expr(item)).collect()
    }

    /// A word or phrase in any value.
    fn words(&mut self, scalar: &Scalar) -> Node {
        let mut words: Vec<Vec<Part>> = Vec::new();
        // does the next piece continue the last word?
        let mut open = false;
        for part in &scalar.parts {
            let Part::Text(text) = part else {
                match words.last_mut() {
                    Some(word) if open => word.push(part.clone()),
                    _ => words.push(vec![part.clone()]),
                }
                open = true;
                continue;
            };
            let mut first = open && text.starts_with(char::is_alphanumeric);
            for token in tokens(text) {
                match words.last_mut() {
                    Some(word) if first => word.push(Part::Text(token.to_owned())),
                    _ => words.push(vec![Part::Text(token.to_owned())]),
                }
                first = false;
            }
            open = text.ends_with(char::is_alphanumeric);
        }
        if words.is_empty() {
            let message = format!("{} has no letter or digit and is ignored", quoted(&scalar.text()));
            let hint = "Words are letters and digits; name a field to search for other characters.";
            self.notices.push(Notice::new(scalar.span, message, hint));
            return Node::All;
        }
        let words = words.into_iter().map(|parts| match parts.as_slice() {
            [Part::Text(word)] => Word::Is(fold(word).into_owned()),
            parts => Word::Matches(Pattern::new(parts)),
        });
        Node::Text(Words {
            words: words.collect(),
            span: scalar.span,
        })
    }

    fn saved_query(&mut self, name: &Scalar) -> Result<Node, Box<QueryError>> {
        let span = name.span;
        let name = name.text();
        let Some(text) = self.options.saved.and_then(|lookup| lookup(&name)) else {
            let hint = "Save it first, or correct the name; names are case sensitive.";
            return Err(self.bad_value(span, format!("no saved query {}", quoted(&name)), hint));
        };
        if self.saved.contains(&name) {
            let message = format!("saved query {} contains itself", quoted(&name));
            return Err(self.bad_value(span, message, "Remove the reference from one of the saved queries."));
        }
        if self.saved.len() >= SAVED_DEPTH {
            let message = format!("saved queries are nested deeper than {SAVED_DEPTH} levels");
            return Err(self.limit(span, message, "Write the inner queries out."));
        }
        let inner = self.expand(&name, &text).map_err(|error| {
            let message = format!("saved query {}: {}", quoted(&name), error.message);
            let hint = format!("{} (character {} of the saved query)", error.hint, error.position);
            QueryError::new(self.text, span, error.kind, message, hint)
        })?;
        Ok(inner)
    }

    fn expand(&mut self, name: &str, text: &str) -> Result<Node, Box<QueryError>> {
        let limits = Limits {
            terms: self.options.limits.terms.saturating_sub(self.spent.terms),
            // all of it lies on one stack
            nesting: self.options.limits.nesting.saturating_sub(self.spent.depth),
            ..self.options.limits
        };
        let query = parse(text, &limits)?;
        self.spent.terms += query.terms;
        self.saved.push(name.to_owned());
        let mut checker = Checker {
            text,
            options: self.options,
            spent: &mut *self.spent,
            notices: Vec::new(),
            saved: &mut *self.saved,
            inside: self.inside,
        };
        let node = checker.expr(&query.expr);
        self.saved.pop();
        node
    }

    #[cold]
    fn bad_value(&self, span: Span, message: impl Into<String>, hint: impl Into<String>) -> Box<QueryError> {
        QueryError::value(self.text, span, message, hint)
    }

    #[cold]
    fn limit(&self, span: Span, message: String, hint: &str) -> Box<QueryError> {
        QueryError::new(self.text, span, ErrorKind::Limit, message, hint)
    }
}

fn negate(node: Node) -> Node {
    match node {
        Node::All => Node::None,
        Node::None => Node::All,
        node => Node::Not(Box::new(node)),
    }
}
