//! Correlations: rules that count what others find, or want something of each of them.

use crate::Imported;
use crate::condition::Condition;
use crate::error::SigmaError;
use crate::query::{or, text};
use crate::rule::{Rule, finish, is_called};
use auditlog_policy::alert::definition::{MAX_COUNT, Threshold};
use auditlog_policy::alert::field::Field;
use auditlog_policy::duration::Duration;
use auditlog_policy::yaml::{Node, Value};
use auditlog_query::ast::{Expr, ExprKind, Path, Value as Sought, ValueKind};
use auditlog_query::span::Span;

/// The alert, which rules it counts, and whether these are alerts of their own, too.
pub(crate) fn import(
    node: &Node,
    rules: &[Rule<'_>],
    correlations: &[&Node],
) -> Result<(Imported, Vec<usize>, bool), SigmaError> {
    let correlation = node.get("correlation").unwrap_or(node);
    let kind = need(correlation, "type", "Write event_count, value_count or temporal.")?;
    let name = kind.scalar().unwrap_or_default();
    if !["event_count", "value_count", "temporal"].contains(&name) {
        let hint = "Only event_count, value_count and temporal can be; make an alert for each of the rules.";
        return Err(SigmaError::unsupported(
            kind.place,
            format!("the correlation {name}"),
            hint,
        ));
    }
    let used = used(correlation, rules, correlations)?;
    let window = window(correlation)?;
    let group_by = match correlation.get("group-by").map(|node| (&node.value, node)) {
        None | Some((Value::Null, _)) => Vec::new(),
        Some((Value::List(names), _)) => names
            .iter()
            .map(|name| field(name, correlation, rules, &used))
            .collect::<Result<_, _>>()?,
        Some((_, name)) => vec![field(name, correlation, rules, &used)?],
    };
    let threshold = Threshold {
        window: Some(window),
        group_by,
        ..Threshold::default()
    };
    let (condition, threshold) = if name == "temporal" {
        let all_of = each(correlation, rules, &used)?;
        let count = all_of.len() as u32;
        (
            "*".to_owned(),
            Threshold {
                count,
                all_of,
                ..threshold
            },
        )
    } else {
        let condition = need(correlation, "condition", "Write how many, such as condition: {gte: 5}.")?;
        let distinct = match (name, condition.get("field")) {
            ("event_count", _) => None,
            (_, Some(name)) => Some(field(name, correlation, rules, &used)?),
            (_, None) => {
                let hint = "Name the field whose values are counted: condition: {field: user, gte: 5}.";
                return Err(SigmaError::wrong(condition.place, "the condition names no field", hint));
            }
        };
        let expr = or(used.iter().map(|number| rules[*number].expr.clone()).collect());
        let count = count(condition)?;
        (
            text(&expr, node.place)?,
            Threshold {
                count,
                distinct,
                ..threshold
            },
        )
    };
    let generate = correlation.get("generate").or(node.get("generate"));
    let generate = matches!(generate.map(|node| &node.value), Some(Value::Bool(true)));
    Ok((finish(node, condition, threshold, Vec::new())?, used, generate))
}

/// The queries of the rules, of which each must find something.
fn each(correlation: &Node, rules: &[Rule<'_>], used: &[usize]) -> Result<Vec<String>, SigmaError> {
    let mut queries: Vec<String> = Vec::new();
    for number in used {
        let query = rules[*number].query()?;
        if !queries.contains(&query) {
            queries.push(query);
        }
    }
    let place = |key| correlation.get(key).unwrap_or(correlation).place;
    if queries.len() < 2 {
        let hint = "Name two rules or more that find different events, or count the events of one with event_count.";
        return Err(SigmaError::wrong(
            place("rules"),
            "the correlation temporal has a single rule",
            hint,
        ));
    }
    let condition = correlation.get("condition").filter(|node| node.value != Value::Null);
    if condition.is_some_and(|condition| !matches!(wants_all(condition, rules, used), Ok(true))) {
        let hint = "An alert fires when all rules have found something: leave the condition out.";
        return Err(SigmaError::unsupported(
            place("condition"),
            "the correlation temporal with a condition that asks for something else than all of its rules",
            hint,
        ));
    }
    Ok(queries)
}

/// Does the condition, which is a number of rules or names some, ask for all of them?
fn wants_all(condition: &Node, rules: &[Rule<'_>], used: &[usize]) -> Result<bool, SigmaError> {
    if condition.entries().is_some() {
        return Ok(count(condition)? as usize == used.len());
    }
    let Condition::And(items) = Condition::read(condition)? else {
        return Ok(false);
    };
    let is = |item: &Condition, number: &usize| matches!(item, Condition::Name(name) if rules[*number].is_called(name));
    let each_named = used.iter().all(|number| items.iter().any(|item| is(item, number)));
    Ok(each_named && items.iter().all(|item| used.iter().any(|number| is(item, number))))
}

fn need<'a>(node: &'a Node, key: &str, hint: &str) -> Result<&'a Node, SigmaError> {
    node.get(key)
        .ok_or_else(|| SigmaError::wrong(node.place, format!("the correlation has no {key}"), hint))
}

/// The rules that are counted, by their numbers.
fn used(correlation: &Node, rules: &[Rule<'_>], correlations: &[&Node]) -> Result<Vec<usize>, SigmaError> {
    let hint = "Name a rule of the same text by its id or name.";
    let node = need(correlation, "rules", hint)?;
    let names: Vec<&Node> = match &node.value {
        Value::List(names) => names.iter().collect(),
        _ => vec![node],
    };
    let find = |name: &&Node| {
        let text = name.scalar().unwrap_or_default();
        if correlations.iter().any(|other| is_called(other, text)) {
            let what = format!("a correlation of the correlation {text:?}");
            return Err(SigmaError::unsupported(
                name.place,
                what,
                "Name the rules that it counts.",
            ));
        }
        rules
            .iter()
            .position(|rule| rule.is_called(text))
            .ok_or_else(|| SigmaError::wrong(name.place, format!("there is no rule {text:?} to count"), hint))
    };
    let mut found: Vec<usize> = Vec::new();
    for name in &names {
        let number = find(name)?;
        if !found.contains(&number) {
            found.push(number);
        }
    }
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
    let exists = ExprKind::Field(path.clone(), Sought::new(Span::default(), ValueKind::Exists));
    let text = Expr::new(Span::default(), exists).to_string();
    let written = text.strip_suffix(":*").unwrap_or(&text);
    Field::parse(written).map_err(|fault| SigmaError::wrong(node.place, fault.message, fault.hint))
}
