//! From the checked query to predicates.

use super::columns::{Leaf, atom_on_field};
use super::{On, Predicate};
use crate::fields::{GROUPS, Kind};
use crate::node::{Atom, Checked, Node, Target};

/// Texts of indexed columns are stored whole up to this many bytes; of longer ones the column has
/// the beginning, cut at a character, and `extra` has the whole.
pub const KEPT_BYTES: usize = auditlog_core::document::MAX_INDEXED_BYTES - 3;

/// A column that every event has, and that is cheap to reach: the first one of the tables.
const ALWAYS: &str = "timestamp";

/// The query as a condition on a row of `auditlog.events`.
pub fn predicate(query: &Checked) -> Predicate {
    let mut leaf = 0;
    let whole = node(&query.node, &mut leaf);
    // The missing side of an outer join is no event, and satisfies nothing.
    if whole.holds_for_nothing() && whole != Predicate::True {
        return Predicate::all([Predicate::Present(ALWAYS), whole]);
    }
    if whole == Predicate::True {
        return Predicate::Present(ALWAYS);
    }
    whole
}

/// Counts the leaves in the order of [`mod@crate::leaves`].
fn node(condition: &Node, leaf: &mut usize) -> Predicate {
    match condition {
        Node::All => Predicate::True,
        Node::None => Predicate::False,
        Node::And(items) => all(items, leaf, Predicate::all),
        Node::Or(items) => all(items, leaf, Predicate::any),
        Node::Not(inner) => node(inner, leaf).negated(),
        Node::Atom(atom) => atom_predicate(atom, next(leaf)),
        Node::Text(_) => Predicate::Leaf(next(leaf), On::Row),
        Node::Nested(targets, _) => {
            let number = next(leaf);
            Predicate::any((0..targets.len()).map(|target| nested(&targets[target], number, target)))
        }
    }
}

fn next(leaf: &mut usize) -> usize {
    *leaf += 1;
    *leaf - 1
}

fn all(items: &[Node], leaf: &mut usize, join: impl Fn(Vec<Predicate>) -> Predicate) -> Predicate {
    // none may be skipped: each takes its numbers
    let items: Vec<Predicate> = items.iter().map(|item| node(item, leaf)).collect();
    join(items)
}

fn atom_predicate(atom: &Atom, number: usize) -> Predicate {
    Predicate::any(
        atom.targets
            .iter()
            .enumerate()
            .filter(|(_, t)| !t.literal)
            .map(|(i, target)| match target.field {
                Some(field) if target.below().is_empty() => {
                    let leaf = Leaf {
                        number,
                        target: i,
                        depth: target.path.len(),
                    };
                    atom_on_field(&atom.test, field, &leaf)
                }
                _ => in_json(target, number, i),
            }),
    )
}

/// A path that is no column: inside of a JSON column, or in `extra`.
fn in_json(target: &Target, number: usize, i: usize) -> Predicate {
    if let Some(field) = target.field {
        let skip = target.path.len() - target.below().len();
        let column = field.column;
        return Predicate::Leaf(
            number,
            On::Json {
                column,
                target: i,
                skip,
            },
        );
    }
    // a group as a whole is made of columns
    if target.path.len() == 1 && GROUPS.contains(&target.path[0].as_str()) {
        return Predicate::Leaf(number, On::Row);
    }
    Predicate::Leaf(
        number,
        On::Json {
            column: "extra",
            target: i,
            skip: 0,
        },
    )
}

fn nested(target: &Target, number: usize, i: usize) -> Predicate {
    match target.field {
        Some(field) if field.kind != Kind::Json => Predicate::Leaf(number, On::Row),
        _ if target.literal => Predicate::False,
        _ => in_json(target, number, i),
    }
}
