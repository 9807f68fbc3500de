//! What a query may say but hardly means (§1.2.11).

use super::Checker;
use crate::ast::{Path, Scalar, Value, ValueKind};
use crate::error::Notice;
use crate::fields::Kind;
use crate::fold::fold;
use crate::node::{Checked, Node, Target, Test};
use crate::span::Span;

impl Checker<'_> {
    /// `status:(failed denied)`: one value cannot be both. `user:(a, b)`: the comma belongs to the value.
    pub(super) fn note_contradiction(&mut self, path: &Path, targets: &[Target], items: &[Value]) {
        let comma = |item: &&Value| constant(item).is_some_and(|scalar| scalar.text().ends_with(','));
        if let Some(item) = items.iter().find(comma) {
            let message = "a comma between parentheses belongs to the value before it";
            let hint = format!("Write «{path}:(a OR b)», «{path} IN (a, b)» or «{path}:[a, b]».");
            self.notices.push(Notice::new(item.span, message, hint));
            return;
        }
        let single = |target: &Target| {
            target
                .field
                .is_some_and(|field| !matches!(field.kind, Kind::TextList | Kind::Json))
        };
        // two targets may hold one value each
        if targets.iter().filter(|target| target.field.is_some()).count() != 1 || !targets.iter().any(single) {
            return;
        }
        let constants: Vec<&Scalar> = items.iter().filter_map(constant).collect();
        let differ = constants
            .windows(2)
            .any(|pair| fold(&pair[0].text()) != fold(&pair[1].text()));
        if differ {
            let span = items[0].span.to(items[items.len() - 1].span);
            let message = format!("{path} has one value and cannot be all of these");
            let hint = format!("Values side by side are joined by AND: write «{path}:(a OR b)».");
            self.notices.push(Notice::new(span, message, hint));
        }
    }
}

fn constant(value: &Value) -> Option<&Scalar> {
    match &value.kind {
        ValueKind::Equals(scalar) if !scalar.is_pattern() => Some(scalar),
        _ => None,
    }
}

/// A notice when nothing bounds the time from below: such a search reads the whole log.
pub fn time_bound(checked: &Checked) -> Option<Notice> {
    let hint = "Add one like «timestamp:>now-7d».";
    (!bounded(&checked.node)).then(|| Notice::new(Span::default(), "query has no lower bound of time", hint))
}

fn bounded(node: &Node) -> bool {
    match node {
        Node::None => true,
        Node::And(items) => items.iter().any(bounded),
        Node::Or(items) => items.iter().all(bounded),
        Node::Atom(atom) => {
            let on_time = atom
                .targets
                .first()
                .and_then(|target| target.field)
                .is_some_and(|field| field.path == "timestamp");
            on_time && matches!(&atom.test, Test::Time(range) if range.low.is_some())
        }
        _ => false,
    }
}
