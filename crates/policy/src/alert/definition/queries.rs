//! The queries of an alert: its condition, and those of `all_of`.

use super::{Definition, Rule};
use auditlog_query::ast::{Expr, ExprKind};
use auditlog_query::node::{Checked, Node};
use auditlog_query::span::Span;
use auditlog_query::{CheckOptions, Limits, QueryError, check, parse};

/// The queries of an alert, ready to be evaluated.
#[derive(Debug, Clone)]
pub struct Queries {
    /// The condition alone.
    pub condition: Checked,
    /// Those of `all_of`, in their order.
    pub all_of: Vec<Checked>,
}

impl Queries {
    pub(super) fn check(definition: &Definition, options: &CheckOptions<'_>) -> Result<Queries, QueryError> {
        let one = |text: &String| check(&parse(text, &options.limits)?, options);
        Ok(Queries {
            condition: one(&definition.condition)?,
            all_of: definition.all_of().iter().map(one).collect::<Result<_, _>>()?,
        })
    }

    /// What an event satisfies that counts: the condition, and any of the queries where there are some.
    pub fn whole(&self) -> Checked {
        match self.all_of.as_slice() {
            [] => self.condition.clone(),
            all => self.and(Node::Or(all.iter().map(|query| query.node.clone()).collect())),
        }
    }

    /// What an event satisfies that counts for this one of the queries.
    pub fn narrowed(&self, query: &Checked) -> Checked {
        self.and(query.node.clone())
    }

    fn and(&self, node: Node) -> Checked {
        let node = match &self.condition.node {
            Node::All => node,
            condition => Node::And(vec![condition.clone(), node]),
        };
        let all = self.all_of.iter().flat_map(|query| query.notices.clone());
        Checked {
            node,
            zone: self.condition.zone,
            notices: self.condition.notices.iter().cloned().chain(all).collect(),
        }
    }
}

/// The text of [`Queries::whole`].
pub(super) fn text(condition: &str, all_of: &[String], limits: &Limits) -> Result<String, QueryError> {
    if all_of.is_empty() {
        return Ok(condition.to_owned());
    }
    let tree = |text: &str| Ok::<_, QueryError>(parse(text, limits)?.expr);
    let join = |kind| Expr::new(Span::default(), kind);
    let any = all_of.iter().map(|text| tree(text)).collect::<Result<_, _>>()?;
    let any = join(ExprKind::Or(any));
    let condition = tree(condition)?;
    let whole = match condition.kind {
        ExprKind::All => any,
        _ => join(ExprKind::And(vec![condition, any])),
    };
    Ok(whole.to_string())
}

impl Definition {
    /// The condition, and what `all_of` asks for, ready to be evaluated: what an event satisfies that counts. Its notices
    /// say what was probably not meant.
    ///
    /// # Errors
    /// One of the queries is wrong under these options.
    pub fn check(&self, options: &CheckOptions<'_>) -> Result<Checked, QueryError> {
        Ok(self.queries(options)?.whole())
    }

    /// The same in its parts.
    ///
    /// # Errors
    /// One of the queries is wrong under these options.
    pub fn queries(&self, options: &CheckOptions<'_>) -> Result<Queries, QueryError> {
        Queries::check(self, options)
    }

    /// The text of what [`Definition::check`] gives: with `all_of` one query of all.
    pub fn query(&self) -> String {
        text(&self.condition, self.all_of(), &Limits::default()).unwrap_or_else(|_| self.condition.clone())
    }

    /// The queries of which each must be matched; none for other alerts.
    pub fn all_of(&self) -> &[String] {
        match &self.rule {
            Rule::Threshold(threshold) => &threshold.all_of,
            Rule::Unusual(_) => &[],
        }
    }
}
