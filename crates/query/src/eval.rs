//! Evaluates a checked query over a document, without building anything for it.
//!
//! The evaluator sees documents through [`Document`] and [`Value`], so that it runs directly over
//! PostgreSQL's binary `jsonb`, over the columns of a row, and over [`auditlog_core::json::Json`].

mod json;
mod test;
mod texts;
mod value;

pub use json::{JsonDocument, JsonValue};
pub use texts::each_text;
pub use value::{Document, Value, View, walk};

use crate::dates::Zone;
use crate::fold;
use crate::leaves::Leaf;
use crate::node::{Atom, Checked, Node, Target, Test, Word, Words};
use crate::tokens::tokens;
use auditlog_core::document::{format_inet, format_timestamp};
use test::{Reading, passes, scalar};

/// Does the document satisfy the query, when it is now `now_us` microseconds after the epoch?
pub fn matches<'a, D: Document<'a>>(query: &Checked, document: D, now_us: i64) -> bool {
    node(&query.node, document, Context::of(query, now_us))
}

/// Does the document satisfy a leaf of the query? As in [`matches()`], a document that is an event has
/// no keys of short names, and its texts are texts.
pub fn matches_leaf<'a, D: Document<'a>>(query: &Checked, leaf: Leaf<'_>, document: D, now_us: i64) -> bool {
    let context = Context::of(query, now_us);
    match leaf {
        Leaf::Atom(found) => atom(found, document, context),
        Leaf::Text(words) => document.any_value(&mut |value| text(words, value)),
        Leaf::Nested(targets, inner) => nested(targets, inner, document, context),
    }
}

/// Does one value, or an element of it, pass the test? For the value of a column, which has its type:
/// that of a text column is a [`View::Text`], also where the event had a number.
pub fn matches_value<'a, V: Value<'a>>(test: &Test, value: V, now_us: i64, zone: &Zone) -> bool {
    let reading = Reading {
        context: Context { now_us, zone },
        as_text: &|| false,
    };
    passes(test, value, reading)
}

/// What the tests need besides the value.
#[derive(Clone, Copy)]
struct Context<'a> {
    now_us: i64,
    zone: &'a Zone,
}

impl<'a> Context<'a> {
    fn of(query: &'a Checked, now_us: i64) -> Context<'a> {
        Context {
            now_us,
            zone: &query.zone,
        }
    }
}

fn node<'a, D: Document<'a>>(condition: &Node, document: D, context: Context<'_>) -> bool {
    match condition {
        Node::All => true,
        Node::None => false,
        Node::And(items) => items.iter().all(|item| node(item, document, context)),
        Node::Or(items) => items.iter().any(|item| node(item, document, context)),
        Node::Not(inner) => !node(inner, document, context),
        Node::Atom(found) => atom(found, document, context),
        Node::Text(words) => document.any_value(&mut |value| text(words, value)),
        Node::Nested(targets, inner) => nested(targets, inner, document, context),
    }
}

fn atom<'a, D: Document<'a>>(atom: &Atom, document: D, context: Context<'_>) -> bool {
    live(&atom.targets, document).any(|target| {
        let reading = Reading {
            context,
            as_text: &|| target.is_text() && document.is_event(),
        };
        document.any(target, &mut |value| passes(&atom.test, value, reading))
    })
}

fn nested<'a, D: Document<'a>>(targets: &[Target], inner: &Node, document: D, context: Context<'_>) -> bool {
    let mut test = |value: D::Value| element(inner, value, context);
    live(targets, document).any(|target| document.any(target, &mut test))
}

/// The targets that mean something in this document.
fn live<'a, 't, D: Document<'a>>(targets: &'t [Target], document: D) -> impl Iterator<Item = &'t Target> {
    targets
        .iter()
        .filter(move |target| !(target.literal && document.is_event()))
}

/// Does the value, or one element of the array, satisfy the condition?
fn element<'a, V: Value<'a>>(condition: &Node, value: V, context: Context<'_>) -> bool {
    match value.view() {
        View::Array => value.any_element(&mut |item| element(condition, item, context)),
        View::Null => false,
        _ => node(condition, Element(value), context),
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

    fn is_event(self) -> bool {
        false
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
