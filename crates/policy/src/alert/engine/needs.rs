//! Which alerts an event can concern at all: an index on values that their conditions require.
//!
//! Most conditions name an event type, or another value that must be there for them to be true. Such an alert
//! need not be looked at when the event has another value. What is required is judged carefully: an alert that
//! is left out could not have matched.

use auditlog_core::document::{format_inet, format_timestamp};
use auditlog_query::eval::{Document, Value, View};
use auditlog_query::fields::Kind;
use auditlog_query::fold::fold;
use auditlog_query::node::{Node, Target, Test};
use std::borrow::Cow;
use std::collections::HashMap;

/// One of these texts must be a value at the target, in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    target: Target,
    /// Whole values, folded.
    exact: Vec<String>,
    /// Beginnings of values, folded and not empty.
    prefixes: Vec<String>,
}

/// Fields that have few values: to require one of them leaves little out.
const COMMON: [&str; 5] = [
    "action.status",
    "severity",
    "actor.type",
    "action.method",
    "resource.cloud_provider",
];

impl Need {
    /// What the condition requires; none when it may be true for any event.
    pub fn of(node: &Node) -> Option<Need> {
        match node {
            Node::Atom(atom) => {
                // what is looked for in documents that are no events only has no part in events
                let mut targets = atom.targets.iter().filter(|target| !target.literal);
                let target = targets.next()?;
                if targets.next().is_some() {
                    return None;
                }
                let mut need = Need {
                    target: target.clone(),
                    exact: Vec::new(),
                    prefixes: Vec::new(),
                };
                need.require(&atom.test).then_some(need)
            }
            Node::And(items) => items.iter().filter_map(Need::of).min_by_key(Need::breadth),
            Node::Or(items) => {
                let mut needs = items.iter().filter(|item| !matches!(item, Node::None)).map(Need::of);
                let mut all = needs.next()??;
                for need in needs {
                    let need = need.filter(|need| need.target == all.target)?;
                    all.exact.extend(need.exact);
                    all.prefixes.extend(need.prefixes);
                }
                Some(all)
            }
            Node::All | Node::None | Node::Not(_) | Node::Text(_) | Node::Nested(..) => None,
        }
    }

    /// Adds what the test requires; false when values of other texts pass it.
    fn require(&mut self, test: &Test) -> bool {
        let kind = self
            .target
            .field
            .filter(|_| self.target.below().is_empty())
            .map(|field| field.kind);
        if !matches!(
            kind,
            None | Some(Kind::Text | Kind::TextList | Kind::Severity | Kind::Json)
        ) {
            return false;
        }
        match test {
            // other spellings of a number, an address or a time are equal to it
            Test::Equals(equals) => {
                self.exact.push(equals.folded.clone());
                equals.address.is_none() && equals.time.is_none() && (!equals.is_number || self.target.is_text())
            }
            Test::Exact(text) => {
                self.exact.push(fold(text).into_owned());
                self.target.is_text() || !text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            }
            Test::Pattern(pattern) => {
                self.prefixes.push(pattern.prefix().to_owned());
                !pattern.prefix().is_empty() && self.target.is_text()
            }
            Test::Any(tests) => tests.iter().all(|test| self.require(test)),
            _ => false,
        }
    }

    /// The smaller, the fewer events have what is required.
    fn breadth(&self) -> usize {
        let path = self
            .target
            .field
            .filter(|_| self.target.below().is_empty())
            .map_or("", |field| field.path);
        let common = if COMMON.contains(&path) { 1000 } else { 0 };
        2 * self.exact.len() + 16 * self.prefixes.len() + common + usize::from(path != "event_type")
    }
}

/// Which alerts, by their numbers, an event can concern.
#[derive(Debug, Default)]
pub(super) struct Index {
    paths: Vec<Path>,
    /// Those that may match any event.
    any: Vec<u32>,
    all: Vec<u32>,
}

#[derive(Debug)]
struct Path {
    target: Target,
    exact: HashMap<String, Vec<u32>>,
    /// By length in bytes.
    prefixes: Vec<(usize, HashMap<String, Vec<u32>>)>,
}

impl Index {
    /// The index of alerts, numbered from 0, with what each requires.
    pub fn build<'n>(needs: impl Iterator<Item = Option<&'n Need>>) -> Index {
        let mut index = Index::default();
        for (number, need) in (0..).zip(needs) {
            index.all.push(number);
            match need {
                None => index.any.push(number),
                Some(need) => index.path(&need.target).add(need, number),
            }
        }
        index
    }

    fn path(&mut self, target: &Target) -> &mut Path {
        let at = self
            .paths
            .iter()
            .position(|path| path.target == *target)
            .unwrap_or_else(|| {
                self.paths.push(Path {
                    target: target.clone(),
                    exact: HashMap::new(),
                    prefixes: Vec::new(),
                });
                self.paths.len() - 1
            });
        &mut self.paths[at]
    }

    /// Puts the numbers of the alerts into `found`, in order and each once.
    pub fn find<'a, D: Document<'a>>(&self, document: D, found: &mut Vec<u32>) {
        found.clear();
        if !document.is_event() {
            found.extend(&self.all);
            return;
        }
        found.extend(&self.any);
        for path in &self.paths {
            document.any(&path.target, &mut |value| {
                path.look(value, found);
                false
            });
        }
        found.sort_unstable();
        found.dedup();
    }
}

impl Path {
    fn add(&mut self, need: &Need, number: u32) {
        for text in &need.exact {
            self.exact.entry(text.clone()).or_default().push(number);
        }
        for prefix in &need.prefixes {
            let at = self
                .prefixes
                .iter()
                .position(|(length, _)| *length == prefix.len())
                .unwrap_or_else(|| {
                    self.prefixes.push((prefix.len(), HashMap::new()));
                    self.prefixes.len() - 1
                });
            self.prefixes[at].1.entry(prefix.clone()).or_default().push(number);
        }
    }

    fn look<'a, V: Value<'a>>(&self, value: V, found: &mut Vec<u32>) {
        let text: Cow<'_, str> = match value.view() {
            View::Array => {
                value.any_element(&mut |item| {
                    self.look(item, found);
                    false
                });
                return;
            }
            View::Null | View::Object => return,
            View::Text(text) => text,
            // as an event's text; where the field is none, a number is required by nobody
            View::Number(number) => number,
            View::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
            View::Time(us) => Cow::Owned(format_timestamp(us)),
            View::Address(inet) => Cow::Owned(format_inet(&inet)),
        };
        let text = fold(&text);
        if let Some(numbers) = self.exact.get(text.as_ref()) {
            found.extend(numbers);
        }
        for (length, prefixes) in &self.prefixes {
            if let Some(numbers) = text.get(..*length).and_then(|prefix| prefixes.get(prefix)) {
                found.extend(numbers);
            }
        }
    }
}

#[cfg(test)]
mod tests;
