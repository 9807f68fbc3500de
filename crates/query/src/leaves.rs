//! The leaves of a condition, in an order that stays: what a translation numbers them by.

use crate::node::{Atom, Node, Target, Words};

/// A condition without other conditions of the same document in it.
#[derive(Debug, Clone, Copy)]
pub enum Leaf<'a> {
    /// [`Node::Atom`]
    Atom(&'a Atom),
    /// [`Node::Text`]
    Text(&'a Words),
    /// [`Node::Nested`]; what is inside speaks of the element and has no numbers of its own.
    Nested(&'a [Target], &'a Node),
}

impl<'a> Leaf<'a> {
    /// Where its values are looked for; free text is looked for everywhere.
    pub fn targets(self) -> &'a [Target] {
        match self {
            Leaf::Atom(atom) => &atom.targets,
            Leaf::Text(_) => &[],
            Leaf::Nested(targets, _) => targets,
        }
    }
}

/// The leaf with this number, without collecting the others: it is looked up for every row.
pub fn leaf(node: &Node, number: usize) -> Option<Leaf<'_>> {
    let mut left = number;
    find(node, &mut left)
}

fn find<'a>(node: &'a Node, left: &mut usize) -> Option<Leaf<'a>> {
    let found = match node {
        Node::All | Node::None => return None,
        Node::And(items) | Node::Or(items) => return items.iter().find_map(|item| find(item, left)),
        Node::Not(inner) => return find(inner, left),
        Node::Atom(atom) => Leaf::Atom(atom),
        Node::Text(words) => Leaf::Text(words),
        Node::Nested(targets, inner) => Leaf::Nested(targets, inner),
    };
    if *left == 0 {
        return Some(found);
    }
    *left -= 1;
    None
}

/// The leaves, depth first and from left to right. A leaf's number is its place in here; it depends on
/// the query's text, the saved queries and the options of the check only.
pub fn leaves(node: &Node) -> Vec<Leaf<'_>> {
    let mut found = Vec::new();
    collect(node, &mut found);
    found
}

fn collect<'a>(node: &'a Node, found: &mut Vec<Leaf<'a>>) {
    match node {
        Node::All | Node::None => {}
        Node::And(items) | Node::Or(items) => items.iter().for_each(|item| collect(item, found)),
        Node::Not(inner) => collect(inner, found),
        Node::Atom(atom) => found.push(Leaf::Atom(atom)),
        Node::Text(words) => found.push(Leaf::Text(words)),
        Node::Nested(targets, inner) => found.push(Leaf::Nested(targets, inner)),
    }
}
