//! Patterns with `*` and `?` over folded text.

use crate::ast::Part;
use crate::fold::fold_char;

/// A pattern that a whole text must match, case folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    items: Vec<Item>,
    /// The pieces, folded: what a later stage makes SQL of.
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Char(char),
    One,
    Many,
}

impl Pattern {
    /// The pattern of a literal's parts.
    pub fn new(parts: &[Part]) -> Pattern {
        let mut items = Vec::new();
        let mut folded = Vec::new();
        for part in parts {
            match part {
                Part::Text(text) => {
                    let text: String = text.chars().map(fold_char).collect();
                    items.extend(text.chars().map(Item::Char));
                    folded.push(Part::Text(text));
                }
                Part::One => {
                    items.push(Item::One);
                    folded.push(Part::One);
                }
                Part::Many if items.last() == Some(&Item::Many) => {}
                Part::Many => {
                    items.push(Item::Many);
                    folded.push(Part::Many);
                }
            }
        }
        Pattern { items, parts: folded }
    }

    /// Its pieces, folded.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The folded text before the first wildcard.
    pub fn prefix(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// Is it a prefix and one star, nothing else?
    pub fn is_prefix(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Text(_), Part::Many])
    }

    /// Does the whole text match? At most `pattern × text` steps, no recursion, and no allocation
    /// for ASCII.
    pub fn matches(&self, text: &str) -> bool {
        if text.is_ascii() {
            let text = text.as_bytes();
            self.run(text.len(), |at| char::from(text[at].to_ascii_lowercase()))
        } else {
            let text: Vec<char> = text.chars().map(fold_char).collect();
            self.run(text.len(), |at| text[at])
        }
    }

    /// Greedy with one place to come back to: an earlier star never needs another try, because the
    /// later one can take whatever it would have.
    fn run(&self, length: usize, text: impl Fn(usize) -> char) -> bool {
        let (mut at, mut item) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while at < length {
            match self.items.get(item) {
                Some(Item::Many) => {
                    item += 1;
                    if item == self.items.len() {
                        return true;
                    }
                    star = Some((item, at));
                }
                Some(Item::One) => {
                    at += 1;
                    item += 1;
                }
                Some(Item::Char(c)) if *c == text(at) => {
                    at += 1;
                    item += 1;
                }
                _ => {
                    let Some((behind, from)) = star else { return false };
                    star = Some((behind, from + 1));
                    (item, at) = (behind, from + 1);
                }
            }
        }
        self.items[item..].iter().all(|item| *item == Item::Many)
    }
}
