//! The query as it was written: spans on every node, nothing resolved yet.
//!
//! Redundant spellings are gone: `_exists_:f` is `f:*`, `f!=v` is `NOT f:v`, `+x` is `x`,
//! `*:word` is `word`, parentheses are the tree.

use crate::span::Span;

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expr {
    /// Where it stands.
    pub span: Span,
    /// What it says.
    pub kind: ExprKind,
}

/// What a condition says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExprKind {
    /// Everything: the empty query, `*`, `*:*`.
    All,
    /// All of at least two conditions.
    And(Vec<Expr>),
    /// Any of at least two conditions.
    Or(Vec<Expr>),
    /// The opposite.
    Not(Box<Expr>),
    /// A word or phrase in any value of the document.
    Text(Scalar),
    /// A condition on the values at a path.
    Field(Path, Value),
    /// `_saved_:name`, a query saved under this name.
    Saved(Scalar),
}

/// A condition on the values at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Where it stands.
    pub span: Span,
    /// What it says.
    pub kind: ValueKind,
}

/// What a condition on the values at a path says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueKind {
    /// All of at least two conditions, each on any element.
    And(Vec<Value>),
    /// Any of at least two conditions.
    Or(Vec<Value>),
    /// The opposite: no element.
    Not(Box<Value>),
    /// `f:*`
    Exists,
    /// `f:v`, with wildcards when `v` has some.
    Equals(Scalar),
    /// `f:=v`
    Exact(Scalar),
    /// `f:~"re"`, `f:/re/`, `f:/re/i`
    Regex {
        /// The expression, escapes untouched.
        pattern: String,
        /// Was it written with `/…/i`?
        ignore_case: bool,
    },
    /// `f:>v`
    Compare(Order, Scalar),
    /// `f:[a TO b}`
    Range(Bound, Bound),
    /// `f IN (a, b)`
    List(Vec<Scalar>),
    /// `f:{…}`: one element of the array satisfies the condition, whose paths begin at the element.
    Nested(Box<Expr>),
    /// Another field's condition inside a group: `f:(a AND g:b)`.
    Other(Box<Expr>),
}

/// An order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Order::Less => "<",
            Order::LessOrEqual => "<=",
            Order::Greater => ">",
            Order::GreaterOrEqual => ">=",
        }
    }
}

/// One end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Does the end itself belong to the range?
    pub inclusive: bool,
    /// None for `*`.
    pub value: Option<Scalar>,
}

/// A field's name: `a.b."c.d"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Where it stands.
    pub span: Span,
    /// At least one.
    pub segments: Vec<Segment>,
}

/// One name of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The name, escapes resolved.
    pub name: String,
    /// A quoted first segment is always a key of the document, never a short name.
    pub quoted: bool,
}

/// A literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// Where it stands.
    pub span: Span,
    /// Texts and wildcards in turn; two texts never follow each other, none is empty.
    pub parts: Vec<Part>,
    /// Quoting switches wildcards and `null` off; it does not change types.
    pub quoted: bool,
}

/// A piece of a literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Literal text.
    Text(String),
    /// `*`: any characters, also none.
    Many,
    /// `?`: one character.
    One,
}

impl Scalar {
    /// A quoted literal.
    pub fn quoted(text: &str, span: Span) -> Scalar {
        let parts = if text.is_empty() {
            Vec::new()
        } else {
            vec![Part::Text(text.to_owned())]
        };
        Scalar {
            span,
            parts,
            quoted: true,
        }
    }

    /// Has it wildcards?
    pub fn is_pattern(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, Part::Text(_)))
    }

    /// The text with wildcards as they were written.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Many => out.push('*'),
                Part::One => out.push('?'),
            }
        }
        out
    }

    /// Is it the keyword `null`?
    pub fn is_null(&self) -> bool {
        !self.quoted && matches!(self.parts.as_slice(), [Part::Text(text)] if text == "null")
    }
}

impl Expr {
    /// A condition with a place.
    pub fn new(span: Span, kind: ExprKind) -> Expr {
        Expr { span, kind }
    }
}

impl Value {
    /// A condition with a place.
    pub fn new(span: Span, kind: ValueKind) -> Value {
        Value { span, kind }
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, segment) in self.segments.iter().enumerate() {
            if at > 0 {
                out.write_str(".")?;
            }
            out.write_str(&segment.name)?;
        }
        Ok(())
    }
}
