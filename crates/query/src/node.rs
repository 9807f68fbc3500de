//! The checked query: names resolved, literals typed, expressions compiled.
//!
//! Every [`Atom`] is true or false for a document, never unknown: what is missing, null or of
//! another type makes it false, and [`Node::Not`] makes that true. A translation into SQL must keep
//! this (`(atom) IS NOT TRUE`).

use crate::dates::{TimeRange, Zone};
use crate::error::Notice;
use crate::fields::{Field, Kind};
use crate::pattern::Pattern;
use crate::span::Span;
use auditlog_core::event::{Inet, Severity};
use regex::Regex;
use std::net::IpAddr;

/// A checked query.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The condition.
    pub node: Node,
    /// For roundings of «now».
    pub zone: Zone,
    /// What was probably not meant.
    pub notices: Vec<Notice>,
}

/// A condition on a document.
#[derive(Debug, Clone)]
pub enum Node {
    /// Always true.
    All,
    /// Never true.
    None,
    /// All of them.
    And(Vec<Node>),
    /// Any of them.
    Or(Vec<Node>),
    /// The opposite.
    Not(Box<Node>),
    /// A test of the values at some paths.
    Atom(Atom),
    /// Words in any value of the document, keys excepted.
    Text(Words),
    /// One element at one of the targets satisfies the condition; the paths of the atoms inside
    /// begin at the element and are all [`Target`]s without a field.
    Nested(Vec<Target>, Box<Node>),
}

/// Any scalar reached by any target passes the test.
#[derive(Debug, Clone)]
pub struct Atom {
    /// At least one.
    pub targets: Vec<Target>,
    /// The test.
    pub test: Test,
    /// Where it stands in the query.
    pub span: Span,
}

/// Where values are looked for. Arrays on the way, and at the end, are walked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The field of the table that the path is, or lies below of.
    pub field: Option<&'static Field>,
    /// The whole path in the document, the field's part included.
    pub path: Vec<String>,
    /// A key that is spelled like a short name: looked for in documents that are no events only, so
    /// that a recorded row, where such a key lies outside of the columns, means what its document means.
    pub literal: bool,
}

impl Target {
    /// The part of the path below the field: not empty only below JSON.
    pub fn below(&self) -> &[String] {
        let known = self.field.map_or(0, |field| field.path.split('.').count());
        &self.path[known..]
    }

    /// Is it stored as text? Then an event's numbers and booleans count there by their text.
    pub fn is_text(&self) -> bool {
        self.field.is_some_and(|field| field.kind == Kind::Text) && self.below().is_empty()
    }
}

/// What a scalar must be.
#[derive(Debug, Clone)]
pub enum Test {
    /// Not null, and not an empty object or array.
    Exists,
    /// An explicit JSON null.
    Null,
    /// This value, case folded.
    Equals(Equals),
    /// This text byte for byte; a number's text is its shortest form.
    Exact(String),
    /// This pattern.
    Pattern(Pattern),
    /// The whole value, case sensitive.
    Regex(Regex),
    /// An address inside of the network, or a network that is part of it.
    Network(Inet),
    /// Between two literals of one type.
    Range(Range),
    /// A moment inside.
    Time(TimeRange),
    /// Any of these.
    Any(Vec<Test>),
}

/// Equality. A text is equal when it folds to [`Equals::folded`]; a JSON number only by
/// [`Equals::is_number`]; the other readings add to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equals {
    /// As it was written.
    pub text: String,
    /// Case folded.
    pub folded: String,
    /// The text is a number: JSON numbers are compared with it by value.
    pub is_number: bool,
    /// The text is an address: other spellings of it are equal.
    pub address: Option<IpAddr>,
    /// The text is a date: moments inside of it are equal.
    pub time: Option<TimeRange>,
}

/// A range; no end means open, and one of the ends is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The lower end.
    pub low: Option<End>,
    /// The upper end, of the same type.
    pub high: Option<End>,
}

/// An end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Does the literal itself belong to the range?
    pub inclusive: bool,
    /// The literal.
    pub literal: Literal,
}

/// A literal with an order; its type decides which values are compared with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// JSON numbers and numeric strings, exactly; the text of the number.
    Number(String),
    /// Single addresses of the same family.
    Address(IpAddr),
    /// Labels of severities.
    Severity(Severity),
    /// Strings, case folded, by code points.
    Text(String),
}

/// Words that follow each other inside of one scalar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// At least one.
    pub words: Vec<Word>,
    /// Where they stand in the query.
    pub span: Span,
}

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// This word, case folded.
    Is(String),
    /// A word that matches.
    Matches(Pattern),
}

impl Node {
    /// A text that two conditions share exactly when they are written alike, wherever they stand. The zone,
    /// which a rounded date depends on, is not part of it.
    pub fn key(&self) -> String {
        format!("{:?}", self.without_spans())
    }

    fn without_spans(&self) -> Node {
        let all = |items: &[Node]| items.iter().map(Node::without_spans).collect();
        match self {
            Node::All => Node::All,
            Node::None => Node::None,
            Node::And(items) => Node::And(all(items)),
            Node::Or(items) => Node::Or(all(items)),
            Node::Not(inner) => Node::Not(Box::new(inner.without_spans())),
            Node::Atom(atom) => Node::Atom(Atom {
                span: Span::default(),
                ..atom.clone()
            }),
            Node::Text(words) => Node::Text(Words {
                span: Span::default(),
                ..words.clone()
            }),
            Node::Nested(targets, inner) => Node::Nested(targets.clone(), Box::new(inner.without_spans())),
        }
    }
}

impl Checked {
    /// Both queries at once; the zone of the first.
    pub fn and(self, other: Checked) -> Checked {
        let node = match (self.node, other.node) {
            (Node::All, node) | (node, Node::All) => node,
            (a, b) => Node::And(vec![a, b]),
        };
        let notices = self.notices.into_iter().chain(other.notices).collect();
        Checked {
            node,
            zone: self.zone,
            notices,
        }
    }
}
