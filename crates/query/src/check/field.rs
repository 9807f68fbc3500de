//! Conditions on the values at a path.

use super::{Checker, negate};
use crate::ast::{Order, Path, Value, ValueKind};
use crate::error::QueryError;
use crate::node::{Atom, Node, Target, Test};
use crate::span::Span;
use regex::{Regex, RegexBuilder};

/// Memory of one compiled expression; `\w{100}` needs more than that.
const REGEX_BYTES: usize = 1 << 20;

impl Checker<'_> {
    pub(super) fn field(&mut self, path: &Path, value: &Value) -> Result<Node, Box<QueryError>> {
        let targets = self.resolve(path)?;
        self.value(path, &targets, value)
    }

    fn value(&mut self, path: &Path, targets: &[Target], value: &Value) -> Result<Node, Box<QueryError>> {
        let test = match &value.kind {
            ValueKind::And(items) => {
                self.note_contradiction(path, targets, items);
                return Ok(Node::And(self.values(path, targets, items)?));
            }
            ValueKind::Or(items) => return Ok(Node::Or(self.values(path, targets, items)?)),
            ValueKind::Not(inner) => return Ok(negate(self.value(path, targets, inner)?)),
            ValueKind::Other(expr) => return self.expr(expr),
            ValueKind::Nested(expr) => {
                let outside = std::mem::replace(&mut self.inside, true);
                let node = self.expr(expr);
                self.inside = outside;
                return Ok(Node::Nested(targets.to_vec(), Box::new(node?)));
            }
            ValueKind::Exists => Test::Exists,
            ValueKind::Equals(scalar) => self.equals(targets, scalar)?,
            ValueKind::Exact(scalar) => Test::Exact(scalar.text()),
            ValueKind::Regex { pattern, ignore_case } => Test::Regex(self.regex(value.span, pattern, *ignore_case)?),
            ValueKind::Compare(order, scalar) => {
                let (low, high) = match order {
                    Order::Less => (None, Some((scalar, false))),
                    Order::LessOrEqual => (None, Some((scalar, true))),
                    Order::Greater => (Some((scalar, false)), None),
                    Order::GreaterOrEqual => (Some((scalar, true)), None),
                };
                self.range(targets, low, high)?
            }
            ValueKind::Range(low, high) => {
                let low = low.value.as_ref().map(|scalar| (scalar, low.inclusive));
                let high = high.value.as_ref().map(|scalar| (scalar, high.inclusive));
                self.range(targets, low, high)?
            }
            ValueKind::List(items) => {
                if items.is_empty() {
                    return Ok(Node::None);
                }
                let tests: Result<Vec<Test>, Box<QueryError>> =
                    items.iter().map(|item| self.equals(targets, item)).collect();
                Test::Any(tests?)
            }
        };
        Ok(Node::Atom(Atom {
            targets: targets.to_vec(),
            test,
            span: path.span.to(value.span),
        }))
    }

    fn values(&mut self, path: &Path, targets: &[Target], items: &[Value]) -> Result<Vec<Node>, Box<QueryError>> {
        items.iter().map(|item| self.value(path, targets, item)).collect()
    }

    fn regex(&mut self, span: Span, pattern: &str, ignore_case: bool) -> Result<Regex, Box<QueryError>> {
        self.spent.regexes += 1;
        if self.spent.regexes > self.options.limits.regexes {
            let message = format!(
                "query has more than {} regular expressions",
                self.options.limits.regexes
            );
            return Err(self.limit(span, message, "Join them with | into one."));
        }
        // in the expression itself, so that equal texts are equal expressions
        let open = if ignore_case { "(?i:" } else { "(?:" };
        let build = |pattern: &str| {
            RegexBuilder::new(pattern)
                .size_limit(REGEX_BYTES)
                .dfa_size_limit(REGEX_BYTES)
                .build()
        };
        // alone first: «a)|(b» must not become valid inside of the anchors
        build(pattern)
            .and_then(|_| build(&format!(r"\A{open}{pattern})\z")))
            // with (?x) a comment at the end would swallow the parenthesis
            .or_else(|error| {
                build(pattern)
                    .and_then(|_| build(&format!("\\A{open}{pattern}\n)\\z")))
                    .map_err(|_| error)
            })
            .map_err(|error| {
                let what = error.to_string();
                let what = what.lines().last().unwrap_or("").trim_start_matches("error: ");
                let hint = format!("The syntax is that of Rust's regex crate, without look-around: {what}.");
                self.bad_value(span, "not a valid regular expression", hint)
            })
    }
}
