//! The conditions of all alerts as one graph: what is written alike is one term, and evaluated once an event.

use auditlog_query::dates::Zone;
use auditlog_query::eval::{Document, matches};
use auditlog_query::node::{Checked, Node, Test};
use std::collections::HashMap;

/// A condition, or a part of one.
pub(super) type TermId = u32;

/// All terms.
#[derive(Debug, Default)]
pub(super) struct Terms {
    ids: HashMap<String, TermId>,
    terms: Vec<Term>,
    /// What is known of each term for the current event: twice the event's number, plus one when it is true.
    memo: Vec<u64>,
    event: u64,
}

#[derive(Debug)]
struct Term {
    what: What,
    /// What it costs to evaluate, roughly.
    cost: u64,
}

#[derive(Debug)]
enum What {
    Always(bool),
    And(Vec<TermId>),
    Or(Vec<TermId>),
    Not(TermId),
    /// Without other conditions in it. It is a query of its own, with the zone that it was written for.
    Leaf(Box<Checked>),
}

impl Terms {
    /// The term of a condition.
    pub fn add(&mut self, condition: &Checked) -> TermId {
        self.node(&condition.node, &condition.zone)
    }

    /// Terms of conditions that are gone stay until the graph is built anew; this many there are.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Forgets what is known: another event comes.
    pub fn next_event(&mut self) {
        self.event += 1;
    }

    /// Is the condition true for the current event's document? «now» is `now_us`.
    pub fn holds<'a, D: Document<'a>>(&mut self, id: TermId, document: D, now_us: i64) -> bool {
        let Terms { terms, memo, event, .. } = self;
        evaluate(terms, memo, *event, id, &|leaf| matches(leaf, document, now_us))
    }

    fn node(&mut self, node: &Node, zone: &Zone) -> TermId {
        match node {
            Node::All => self.intern("*".to_owned(), || (What::Always(true), 0)),
            Node::None => self.intern("-".to_owned(), || (What::Always(false), 0)),
            Node::And(items) => {
                let items = self.items(items, zone);
                self.intern(format!("&{:?}", sorted(&items)), || (What::And(items.0), items.1))
            }
            Node::Or(items) => {
                let items = self.items(items, zone);
                self.intern(format!("|{:?}", sorted(&items)), || (What::Or(items.0), items.1))
            }
            Node::Not(inner) => {
                let inner = self.node(inner, zone);
                let cost = self.terms[inner as usize].cost;
                self.intern(format!("!{inner}"), || (What::Not(inner), cost))
            }
            Node::Atom(_) | Node::Text(_) | Node::Nested(..) => {
                let leaf = || Checked {
                    node: node.clone(),
                    zone: *zone,
                    notices: Vec::new(),
                };
                let cost = cost(node);
                self.intern(format!("{zone:?} {}", node.key()), || {
                    (What::Leaf(Box::new(leaf())), cost)
                })
            }
        }
    }

    /// The items, cheap ones first, and what they cost together.
    fn items(&mut self, items: &[Node], zone: &Zone) -> (Vec<TermId>, u64) {
        let mut ids: Vec<TermId> = items.iter().map(|item| self.node(item, zone)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.sort_by_key(|id| self.terms[*id as usize].cost);
        let cost = ids
            .iter()
            .map(|id| self.terms[*id as usize].cost)
            .fold(0, u64::saturating_add);
        (ids, cost)
    }

    fn intern(&mut self, key: String, make: impl FnOnce() -> (What, u64)) -> TermId {
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        let id = self.terms.len() as TermId;
        let (what, cost) = make();
        self.terms.push(Term { what, cost });
        self.memo.push(0);
        self.ids.insert(key, id);
        id
    }
}

/// The order of items has no meaning.
fn sorted(items: &(Vec<TermId>, u64)) -> Vec<TermId> {
    let mut ids = items.0.clone();
    ids.sort_unstable();
    ids
}

fn evaluate(terms: &[Term], memo: &mut [u64], event: u64, id: TermId, leaf: &dyn Fn(&Checked) -> bool) -> bool {
    let known = memo[id as usize];
    if known >> 1 == event {
        return known & 1 == 1;
    }
    let mut holds = |id: TermId| evaluate(terms, memo, event, id, leaf);
    let value = match &terms[id as usize].what {
        What::Always(value) => *value,
        What::And(items) => items.iter().all(|item| holds(*item)),
        What::Or(items) => items.iter().any(|item| holds(*item)),
        What::Not(inner) => !holds(*inner),
        What::Leaf(query) => leaf(query),
    };
    memo[id as usize] = event << 1 | u64::from(value);
    value
}

/// Rough costs: a comparison, a pattern, an expression, a search through the whole document.
fn cost(node: &Node) -> u64 {
    match node {
        Node::Atom(atom) => atom.targets.len() as u64 * test(&atom.test),
        Node::Nested(_, inner) => 4 + 4 * cost(inner),
        Node::Text(_) => 64,
        Node::And(items) | Node::Or(items) => items.iter().map(cost).fold(0, u64::saturating_add),
        Node::Not(inner) => cost(inner),
        Node::All | Node::None => 0,
    }
}

fn test(test: &Test) -> u64 {
    match test {
        Test::Exists | Test::Null | Test::Equals(_) | Test::Exact(_) => 2,
        Test::Pattern(_) | Test::Range(_) | Test::Network(_) => 4,
        Test::Time(_) => 6,
        Test::Regex(_) => 12,
        Test::Any(tests) => 1 + tests.iter().map(self::test).fold(0, u64::saturating_add),
    }
}
