//! Which words and whole values an event must contain to satisfy a query: what the word index is asked
//! for. The index does not know their order nor the fields they stand in, so the answer holds for
//! more events than the query, never for fewer.

use crate::ast::Part;
use crate::decimal::Decimal;
use crate::fold::fold;
use crate::node::{Atom, Checked, Node, Target, Test, Word, Words};
use crate::pattern::Pattern;
use crate::tokens::{is_value, tokens};

/// A condition on the set of an event's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// This word, case folded.
    Word(String),
    /// This text as a whole value, case folded: one that [`is_value`].
    Value(String),
    /// All of them.
    All(Vec<Wanted>),
    /// Any of them.
    Any(Vec<Wanted>),
}

/// What the words of an event must be; none when the query says nothing about them.
pub fn wanted(query: &Checked) -> Option<Wanted> {
    match &query.node {
        node_ if is_served(node_) => None,
        node_ => node(node_),
    }
}

/// Has the condition an index of its own, so that its words need not be looked up?
fn is_served(condition: &Node) -> bool {
    let Node::Atom(atom) = condition else { return false };
    atom.targets
        .iter()
        .all(|target| target.field.is_some_and(|field| field.path == "event_type"))
}

impl Wanted {
    /// All words and values in it.
    pub fn words<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        match self {
            Wanted::Word(word) | Wanted::Value(word) => each(word),
            Wanted::All(items) | Wanted::Any(items) => items.iter().for_each(|item| item.words(each)),
        }
    }
}

fn node(condition: &Node) -> Option<Wanted> {
    match condition {
        Node::All | Node::Not(_) => None,
        // the condition itself finds nothing
        Node::None => None,
        Node::And(items) if items.iter().any(is_served) => {
            all(items.iter().filter(|item| !is_served(item)).filter_map(node))
                .or_else(|| all(items.iter().filter_map(node)))
        }
        Node::And(items) => all(items.iter().filter_map(node)),
        Node::Or(items) => any(items.iter().map(node)),
        Node::Atom(atom) => test(&atom.test, atom),
        Node::Text(words) => text(words),
        // what an element has, the event has
        Node::Nested(_, inner) => node(inner),
    }
}

fn all(items: impl Iterator<Item = Wanted>) -> Option<Wanted> {
    let mut items: Vec<Wanted> = items.collect();
    match items.len() {
        0 => None,
        1 => items.pop(),
        _ => Some(Wanted::All(items)),
    }
}

fn any(items: impl Iterator<Item = Option<Wanted>>) -> Option<Wanted> {
    let mut items: Vec<Wanted> = items.collect::<Option<_>>()?;
    match items.len() {
        0 => None,
        1 => items.pop(),
        _ => Some(Wanted::Any(items)),
    }
}

fn text(words: &Words) -> Option<Wanted> {
    all(words.words.iter().filter_map(|word| match word {
        Word::Is(word) => Some(Wanted::Word(word.clone())),
        Word::Matches(_) => None,
    }))
}

fn test(test_: &Test, atom: &Atom) -> Option<Wanted> {
    // the index knows what the caller sent, not what the database added
    if atom
        .targets
        .iter()
        .any(|target| target.field.is_some_and(|field| !field.in_document))
    {
        return None;
    }
    match test_ {
        Test::Equals(equals) if equals.address.is_none() && equals.time.is_none() => literal(&equals.folded, atom),
        Test::Exact(text) => literal(&fold(text), atom),
        Test::Pattern(pattern) => whole_words(pattern),
        Test::Any(tests) => any(tests.iter().map(|one| test(one, atom))),
        _ => None,
    }
}

/// The words of a literal. A number is equal to other spellings of it, which have other words.
fn literal(folded: &str, atom: &Atom) -> Option<Wanted> {
    if Decimal::parse(folded).is_some() && !atom.targets.iter().all(Target::is_text) {
        return None;
    }
    in_text(folded)
}

/// What an event has whose values include this case folded text.
pub fn in_text(folded: &str) -> Option<Wanted> {
    // «user_42» occurs less often than «user» and «42»
    if is_value(folded) {
        return Some(Wanted::Value(folded.to_owned()));
    }
    all(tokens(folded).map(|word| Wanted::Word(word.to_owned())))
}

/// The words of a pattern that no wildcard touches.
fn whole_words(pattern: &Pattern) -> Option<Wanted> {
    let parts = pattern.parts();
    let mut words = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let Part::Text(text) = part else { continue };
        let (mut from, mut to) = (0, text.len());
        if i > 0 {
            from = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
        }
        if i + 1 < parts.len() {
            let last = text.char_indices().rev().find(|(_, c)| !c.is_alphanumeric());
            to = last.map_or(0, |(at, _)| at);
        }
        if from < to {
            words.extend(tokens(&text[from..to]).map(|word| Wanted::Word(word.to_owned())));
        }
    }
    all(words.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CheckOptions, Limits, check, parse};

    fn of(query: &str) -> Vec<String> {
        let query = parse(query, &Limits::default()).expect(query);
        let checked = check(&query, &CheckOptions::default()).expect("checks");
        let mut words = Vec::new();
        if let Some(wanted) = wanted(&checked) {
            wanted.words(&mut |word| words.push(word.to_owned()));
        }
        words
    }

    #[test]
    fn literals_and_words_are_wanted() {
        assert_eq!(of("user:Alice@Company.com"), ["alice@company.com"]);
        assert_eq!(of("custom:x AND login"), ["x", "login"]);
        assert_eq!(of("\"Log In\" OR custom:y"), ["log", "in", "y"]);
        assert_eq!(of("custom:foo-bar*baz.qux?"), ["foo"]);
        assert_eq!(of("custom:*-mid-*"), ["mid"]);
        assert_eq!(of("action.status:42"), ["42"]);
        assert_eq!(of("custom:--"), ["--"]);
    }

    /// Otherwise a literal would have other words than the values that are equal to it.
    #[test]
    fn folding_makes_no_letter_of_what_is_none() {
        for c in '\0'..=char::MAX {
            let folded = crate::fold::fold_char(c);
            assert_eq!(c.is_alphanumeric(), folded.is_alphanumeric(), "{c:?} and {folded:?}");
        }
    }

    #[test]
    fn what_says_nothing_of_words_wants_nothing() {
        for query in [
            "",
            "NOT login",
            "login OR NOT x",
            "custom:42",
            "custom:~\"abc\"",
            "custom:*",
            "ip:10.0.0.1",
            "custom:2026-01-01",
            "db_session_user:app",
            "category:cost",
            "custom:abc*",
            "severity:>=error",
            "custom:null",
        ] {
            assert_eq!(of(query), Vec::<String>::new(), "{query}");
        }
    }
}
