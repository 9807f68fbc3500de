//! Evaluates a checked query over a document, without building anything for it.
//!
//! The evaluator sees documents through [`Document`] and [`Value`], so that it runs directly over
//! PostgreSQL's binary `jsonb`, over the columns of a row, and over [`auditlog_core::json::Json`].

mod json;
mod test;
mod value;

pub use json::{JsonDocument, JsonValue};
pub use value::{Document, Value, View, walk};

use crate::dates::Zone;
use crate::fold;
use crate::node::{Checked, Node, Target, Word, Words};
use crate::tokens::tokens;
use auditlog_core::document::{format_inet, format_timestamp};
use test::{passes, scalar};

/// Does the document satisfy the query, when it is now `now_us` microseconds after the epoch?
pub fn matches<'a, D: Document<'a>>(query: &Checked, document: D, now_us: i64) -> bool {
    let clock = Clock {
        now_us,
        zone: &query.zone,
    };
    node(&query.node, document, &clock)
}

/// What date arithmetic needs.
struct Clock<'a> {
    now_us: i64,
    zone: &'a Zone,
}

fn node<'a, D: Document<'a>>(condition: &Node, document: D, clock: &Clock<'_>) -> bool {
    match condition {
        Node::All => true,
        Node::None => false,
        Node::And(items) => items.iter().all(|item| node(item, document, clock)),
        Node::Or(items) => items.iter().any(|item| node(item, document, clock)),
        Node::Not(inner) => !node(inner, document, clock),
        Node::Atom(atom) => {
            let mut test = |value: D::Value| passes(&atom.test, value, clock);
            atom.targets.iter().any(|target| document.any(target, &mut test))
        }
        Node::Text(words) => document.any_value(&mut |value| text(words, value)),
        Node::Nested(targets, inner) => {
            let mut test = |value: D::Value| element(inner, value, clock);
            targets.iter().any(|target| document.any(target, &mut test))
        }
    }
}

/// Does the value, or one element of the array, satisfy the condition?
fn element<'a, V: Value<'a>>(condition: &Node, value: V, clock: &Clock<'_>) -> bool {
    match value.view() {
        View::Array => value.any_element(&mut |item| element(condition, item, clock)),
        View::Null => false,
        _ => node(condition, Element(value), clock),
    }
}

/// An element as the document of the condition inside `f:{…}`.
#[derive(Clone, Copy)]
struct Element<V>(V);

impl<'a, V: Value<'a>> Document<'a> for Element<V> {
    type Value = V;

    fn any<F: FnMut(V) -> bool>(self, target: &Target, test: &mut F) -> bool {
        walk(self.0, &target.path, test)
    }

    fn any_value<F: FnMut(V) -> bool>(self, test: &mut F) -> bool {
        test(self.0)
    }
}

/// Do the words follow each other in one scalar at or below the value?
fn text<'a, V: Value<'a>>(words: &Words, value: V) -> bool {
    match value.view() {
        View::Null => false,
        View::Array => value.any_element(&mut |item| text(words, item)),
        View::Object => value.any_member(&mut |member| text(words, member)),
        View::Bool(b) => adjacent(&words.words, scalar(b)),
        View::Number(number) => adjacent(&words.words, &number),
        View::Text(string) => adjacent(&words.words, &string),
        View::Time(us) => adjacent(&words.words, &format_timestamp(us)),
        View::Address(inet) => adjacent(&words.words, &format_inet(&inet)),
    }
}

fn adjacent(words: &[Word], text: &str) -> bool {
    let mut rest = tokens(text);
    loop {
        let mut here = rest.clone();
        if words
            .iter()
            .all(|word| here.next().is_some_and(|token| is_word(word, token)))
        {
            return true;
        }
        if rest.next().is_none() {
            return false;
        }
    }
}

fn is_word(word: &Word, token: &str) -> bool {
    match word {
        Word::Is(folded) => fold::equals(token, folded),
        Word::Matches(pattern) => pattern.matches(token),
    }
}
