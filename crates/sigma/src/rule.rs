//! A text with rules → alerts.

use crate::condition::Condition;
use crate::correlation;
use crate::detection;
use crate::error::SigmaError;
use crate::field_map::FieldMap;
use crate::query::{Writer, text};
use crate::{Imported, meta};
use auditlog_policy::alert::definition::{Definition, Rule as When, Threshold};
use auditlog_policy::yaml::{self, Node, Place};
use auditlog_query::ast::Expr;

/// A rule that finds single events.
pub(crate) struct Rule<'a> {
    /// The document.
    pub node: &'a Node,
    /// What it finds.
    pub expr: Expr,
    /// Where its fields lie.
    pub map: FieldMap,
    notes: Vec<String>,
}

pub(crate) fn import(source: &str, own: Option<&serde_json::Value>) -> Result<Vec<Imported>, SigmaError> {
    let documents = yaml::read_all(source).map_err(|error| {
        SigmaError::wrong(
            error.place,
            error.message,
            "Write one Sigma rule, or several separated by ---.",
        )
    })?;
    if documents.is_empty() {
        let place = Place {
            line: 1,
            column: 1,
            bytes: (0, 0),
        };
        return Err(SigmaError::wrong(
            place,
            "there is no rule",
            "Write a Sigma rule in YAML.",
        ));
    }
    let mut rules = Vec::new();
    let mut correlations = Vec::new();
    for node in &documents {
        match kind(node)? {
            Kind::Detection => rules.push(Rule::read(node, own)?),
            Kind::Correlation => correlations.push(node),
        }
    }
    let mut imported = Vec::new();
    let mut counted: Vec<usize> = Vec::new();
    for node in &correlations {
        let (alert, rules_used, generate) = correlation::import(node, &rules, &correlations)?;
        imported.push(alert);
        counted.extend(rules_used.iter().filter(|_| !generate));
    }
    for (number, rule) in rules.into_iter().enumerate() {
        if !counted.contains(&number) {
            imported.push(rule.alert()?);
        }
    }
    Ok(imported)
}

enum Kind {
    Detection,
    Correlation,
}

fn kind(node: &Node) -> Result<Kind, SigmaError> {
    if let Some(action) = node.get("action") {
        let hint = "Write the common part into each rule.";
        return Err(SigmaError::unsupported(
            action.place,
            "the attribute action (of Sigma 1)",
            hint,
        ));
    }
    if let Some(filter) = node.get("filter") {
        let hint = "Write the filter into the rule, as a selection behind «and not».";
        return Err(SigmaError::unsupported(filter.place, "a filter document", hint));
    }
    match (node.get("detection"), node.get("correlation")) {
        (Some(_), None) => Ok(Kind::Detection),
        (None, Some(_)) => Ok(Kind::Correlation),
        (Some(_), Some(both)) => {
            let hint = "Put the correlation into a document of its own.";
            Err(SigmaError::wrong(
                both.place,
                "a rule has both a detection and a correlation",
                hint,
            ))
        }
        (None, None) => {
            let hint = "A Sigma rule has the keys title, logsource and detection.";
            Err(SigmaError::wrong(node.place, "there is no detection", hint))
        }
    }
}

impl<'a> Rule<'a> {
    fn read(node: &'a Node, own: Option<&serde_json::Value>) -> Result<Rule<'a>, SigmaError> {
        let detection = node.get("detection").unwrap_or(node);
        let Some(condition_node) = detection.get("condition") else {
            let hint = "Write how selections are joined, such as condition: selection.";
            return Err(SigmaError::wrong(
                detection.place,
                "the detection has no condition",
                hint,
            ));
        };
        let condition = Condition::read(condition_node)?;
        let selections = detection::selections(detection)?;
        let map = FieldMap::new(node.get("logsource"), own)?;
        let writer = Writer {
            selections: &selections,
            map: &map,
            place: condition_node.place,
        };
        let expr = writer.condition(&condition)?;
        let mut notes = Vec::new();
        if !map.is_known() {
            notes.push(
                "No field map is known for this log source: fields are looked for at the top of the event.".to_owned(),
            );
        }
        if map.keywords.is_empty() && selections.iter().any(|(_, item)| has_keyword(item)) {
            notes.push("Keywords are found as whole words, in any value of the event.".to_owned());
        }
        if detection.get("timeframe").is_some() {
            notes.push("The timeframe is left out: without an aggregation it says nothing.".to_owned());
        }
        Ok(Rule { node, expr, map, notes })
    }

    /// An alert that every event fires.
    fn alert(self) -> Result<Imported, SigmaError> {
        let condition = self.query()?;
        finish(self.node, condition, Threshold::default(), self.notes)
    }

    /// What it finds, as a query.
    pub fn query(&self) -> Result<String, SigmaError> {
        text(&self.expr, self.node.place)
    }

    /// Do correlations call it so?
    pub fn is_called(&self, name: &str) -> bool {
        is_called(self.node, name)
    }
}

/// Is this the id or the name of the document?
pub(crate) fn is_called(node: &Node, name: &str) -> bool {
    ["id", "name"]
        .into_iter()
        .any(|key| node.get(key).and_then(Node::scalar) == Some(name))
}

fn has_keyword(item: &detection::Item) -> bool {
    match item {
        detection::Item::All(items) | detection::Item::Any(items) => items.iter().any(has_keyword),
        detection::Item::Keyword { .. } => true,
        detection::Item::Field { .. } => false,
    }
}

/// The alert, as its own reader sees it.
pub(crate) fn finish(
    node: &Node,
    condition: String,
    threshold: Threshold,
    notes: Vec<String>,
) -> Result<Imported, SigmaError> {
    let Some(name) = meta::name(node) else {
        return Err(SigmaError::wrong(
            node.place,
            "the rule has no title",
            "Give it a title.",
        ));
    };
    let definition = Definition {
        name,
        description: meta::description(node),
        enabled: true,
        condition,
        rule: When::Threshold(threshold),
        suppress: None,
        resolve_after: None,
        schedule: None,
        labels: meta::labels(node),
        notification: meta::notification(node),
    };
    let read = Definition::parse(&definition.to_json().to_string())
        .map_err(|error| SigmaError::unsupported(node.place, format!("the alert ({})", error.message), error.hint))?;
    Ok(Imported {
        definition: read,
        notes,
    })
}
