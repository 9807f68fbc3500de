//! Correlations: rules that count what others find.

use crate::Imported;
use crate::error::SigmaError;
use crate::query::or;
use crate::rule::{Rule, finish};
use auditlog_policy::alert::definition::{MAX_COUNT, Threshold};
use auditlog_policy::alert::field::Field;
use auditlog_policy::duration::Duration;
use auditlog_policy::yaml::{Node, Value};
use auditlog_query::ast::{ExprKind, Path, Value as Condition, ValueKind};
use auditlog_query::span::Span;

/// The alert, which rules it counts, and whether these are alerts of their own, too.
pub(crate) fn import(node: &Node, rules: &[Rule<'_>]) -> Result<(Imported, Vec<usize>, bool), SigmaError> {
    let correlation = node.get("correlation").unwrap_or(node);
    let kind = need(correlation, "type", "Write event_count or value_count.")?;
    match kind.scalar().unwrap_or_default() {
        "event_count" | "value_count" => {}
        name => {
            let hint = "Only event_count and value_count can be; make an alert for each of the rules.";
            return Err(SigmaError::unsupported(
                kind.place,
                format!("the correlation {name}"),
                hint,
            ));
        }
    }
    let by_value = kind.scalar() == Some("value_count");
    let used = used(correlation, rules)?;
    let condition = need(correlation, "condition", "Write how many, such as condition: {gte: 5}.")?;
    let window = window(correlation)?;
    let distinct = match (by_value, condition.get("field")) {
        (false, _) => None,
        (true, Some(name)) => Some(field(name, correlation, rules, &used)?),
        (true, None) => {
            let hint = "Name the field whose values are counted: condition: {field: user, gte: 5}.";
            return Err(SigmaError::wrong(condition.place, "the condition names no field", hint));
        }
    };
    let group_by = match correlation.get("group-by").map(|node| (&node.value, node)) {
        None | Some((Value::Null, _)) => Vec::new(),
        Some((Value::List(names), _)) => names
            .iter()
            .map(|name| field(name, correlation, rules, &used))
            .collect::<Result<_, _>>()?,
        Some((_, name)) => vec![field(name, correlation, rules, &used)?],
    };
    let threshold = Threshold {
        count: count(condition)?,
        window: Some(window),
        group_by,
        distinct,
        all_of: Vec::new(),
    };
    let expr = or(used.iter().map(|number| rules[*number].expr.clone()).collect());
    let generate = correlation.get("generate").or(node.get("generate"));
    let generate = matches!(generate.map(|node| &node.value), Some(Value::Bool(true)));
    Ok((finish(node, &expr, threshold, Vec::new())?, used, generate))
}

fn need<'a>(node: &'a Node, key: &str, hint: &str) -> Result<&'a Node, SigmaError> {
    node.get(key)
        .ok_or_else(|| SigmaError::wrong(node.place, format!("the correlation has no {key}"), hint))
}

/// The rules that are counted, by their numbers.
fn used(correlation: &Node, rules: &[Rule<'_>]) -> Result<Vec<usize>, SigmaError> {
    let hint = "Name a rule of the same text by its id or name.";
    let node = need(correlation, "rules", hint)?;
    let names: Vec<&Node> = match &node.value {
        Value::List(names) => names.iter().collect(),
        _ => vec![node],
    };
    let find = |name: &&Node| {
        let text = name.scalar().unwrap_or_default();
        rules
            .iter()
            .position(|rule| rule.is_called(text))
            .ok_or_else(|| SigmaError::wrong(name.place, format!("there is no rule {text:?} to count"), hint))
    };
    let found = names.iter().map(find).collect::<Result<Vec<usize>, _>>()?;
    if found.is_empty() {
        return Err(SigmaError::wrong(node.place, "the correlation counts no rule", hint));
    }
    Ok(found)
}

/// From which number on it is true.
fn count(condition: &Node) -> Result<u32, SigmaError> {
    let hint = format!("Write gte or gt with a whole number up to {MAX_COUNT}.");
    let mut least = None;
    for entry in condition.entries().unwrap_or_default() {
        let number = || entry.node.scalar().and_then(|text| text.parse::<u32>().ok());
        match entry.key.as_str() {
            "field" => {}
            "gte" => least = number(),
            "gt" => least = number().and_then(|number| number.checked_add(1)),
            key @ ("lt" | "lte" | "eq" | "neq") => {
                let what = format!("a count with {key}");
                return Err(SigmaError::unsupported(
                    entry.place,
                    what,
                    "An alert fires when there are enough events: write gte or gt.",
                ));
            }
            key => {
                return Err(SigmaError::wrong(
                    entry.place,
                    format!("the condition has no key {key:?}"),
                    hint,
                ));
            }
        }
    }
    least
        .filter(|count| (1..=MAX_COUNT).contains(count))
        .ok_or_else(|| SigmaError::wrong(condition.place, "the condition has no such number", hint))
}

fn window(correlation: &Node) -> Result<Duration, SigmaError> {
    let hint = "Write a number with s, m, h or d, such as timespan: 90m.";
    let node = need(correlation, "timespan", hint)?;
    let text = node.scalar().unwrap_or_default();
    text.parse()
        .map_err(|error| SigmaError::wrong(node.place, format!("the timespan {text:?} {error}"), hint))
}

/// A field to group or count by. It must lie at one path in the events of all rules that are counted.
fn field(node: &Node, correlation: &Node, rules: &[Rule<'_>], used: &[usize]) -> Result<Field, SigmaError> {
    let Some(name) = node.scalar() else {
        return Err(SigmaError::unsupported(
            node.place,
            format!("{} as a field", node.kind()),
            "Name one field.",
        ));
    };
    let aliases = correlation.get("aliases").and_then(|aliases| aliases.get(name));
    let mut paths: Vec<Path> = Vec::new();
    for number in used {
        let rule = &rules[*number];
        let own = aliases.and_then(Node::entries).unwrap_or_default();
        let own = own
            .iter()
            .find(|entry| rule.is_called(&entry.key))
            .and_then(|entry| entry.node.scalar());
        if aliases.is_some() && own.is_none() {
            let message = format!("the alias {name:?} names no field for one of the rules");
            return Err(SigmaError::wrong(node.place, message, "Name a field for each rule."));
        }
        let path = rule.map.path(own.unwrap_or(name));
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let [path] = paths.as_slice() else {
        let all: Vec<String> = paths.iter().map(ToString::to_string).collect();
        let what = format!("{name:?} at several places ({})", all.join(", "));
        let hint = "Groups go by one field: map the fields of both rules to the same path.";
        return Err(SigmaError::unsupported(node.place, what, hint));
    };
    let exists = ExprKind::Field(path.clone(), Condition::new(Span::default(), ValueKind::Exists));
    let text = auditlog_query::ast::Expr::new(Span::default(), exists).to_string();
    let written = text.strip_suffix(":*").unwrap_or(&text);
    Field::parse(written).map_err(|fault| SigmaError::wrong(node.place, fault.message, fault.hint))
}
