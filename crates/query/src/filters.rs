//! Structured filters: a JSON object such as `{"user": "a@b", "status": ["failed", "denied"]}`.
//!
//! Keys are names of fields, or labels of the search form («IP Address»): case, spaces and hyphens
//! do not matter. All keys must hold; of a list any value may. A text is a list too, separated by
//! commas; items of an array are not split. `*` and `?` are wildcards, everything else is literal.
//! `time_range`, `start_time` and `end_time` speak of `timestamp`. Labels of values are in [`labels`].
//!
//! The result is a query like any other: its text is printed from the tree, so that later errors
//! have something to point at.

pub mod labels;
mod time;

use crate::ast::{Expr, ExprKind, Part, Path, Scalar, Segment, Value, ValueKind};
use crate::error::{ErrorKind, quoted};
use crate::fields::{self, Kind};
use crate::limits::Limits;
use crate::parse::{Query, parse};
use crate::span::Span;
use auditlog_core::json::Json;

/// Why filters are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Where, like `$.status`.
    pub path: String,
    /// Lower case, no full stop.
    pub message: String,
    /// A sentence that says what to do.
    pub hint: String,
}

/// The query that filters mean; without keys, everything.
pub fn compile(filters: &Json, limits: &Limits) -> Result<Query, FilterError> {
    let Json::Object(pairs) = filters else {
        let message = format!("filters must be an object, not a value of type {}", filters.kind());
        let hint = "Write filters like {\"status\": \"failed\"}.";
        return Err(error("$".to_owned(), message, hint));
    };
    let mut conditions = Vec::new();
    for (key, value) in pairs {
        conditions.extend(condition(key, value)?);
    }
    let expr = match conditions.len() {
        0 => Expr::new(Span::default(), ExprKind::All),
        1 => conditions.remove(0),
        _ => Expr::new(Span::default(), ExprKind::And(conditions)),
    };
    parse(&expr.to_string(), limits).map_err(|error| FilterError {
        kind: error.kind,
        path: "$".to_owned(),
        message: error.message,
        hint: error.hint,
    })
}

fn error(path: String, message: impl Into<String>, hint: impl Into<String>) -> FilterError {
    FilterError {
        kind: ErrorKind::BadValue,
        path,
        message: message.into(),
        hint: hint.into(),
    }
}

fn place(key: &str) -> String {
    if key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.') {
        format!("$.{key}")
    } else {
        format!("$.{}", quoted(key))
    }
}

fn condition(key: &str, value: &Json) -> Result<Vec<Expr>, FilterError> {
    let place = place(key);
    let name: String = key
        .trim()
        .chars()
        .map(|c| if c == ' ' || c == '-' { '_' } else { c })
        .collect();
    if let Some(which) = time::key(&name) {
        return time::conditions(which, value, &place);
    }
    let segments: Vec<&str> = name.split('.').collect();
    let field = resolve(&segments).ok_or_else(|| {
        let hint = match fields::nearest(&name) {
            Some(near) => format!("Did you mean «{near}»?"),
            None => "Keys are time_range and the names that auditlog.fields() lists.".to_owned(),
        };
        error(place.clone(), format!("unknown filter {}", quoted(key)), hint)
    })?;
    let mut items = Vec::new();
    for item in texts(value, &place)? {
        items.extend(match field {
            Meaning::EventType => labels::event_type(&item).map_err(|hint| {
                let message = format!("unknown label {} of event types", quoted(&item));
                error(place.clone(), message, hint)
            })?,
            Meaning::Label => labels::slug(&item),
            Meaning::Plain => vec![item],
        });
    }
    // a short name or a column's name keeps the case that the table has
    let path = if segments.len() == 1 {
        name.to_lowercase()
    } else {
        name.clone()
    };
    let path = path_of(path.split('.'));
    let kind = match items.as_slice() {
        [one] if one == "*" => ValueKind::Exists,
        [one] => ValueKind::Equals(pattern(one)),
        _ => ValueKind::List(items.iter().map(|item| pattern(item)).collect()),
    };
    Ok(vec![field_expr(path, kind)])
}

/// How the values of a field are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    EventType,
    /// Texts that people see as labels: resource types.
    Label,
    Plain,
}

fn resolve(segments: &[&str]) -> Option<Meaning> {
    let whole = segments.join(".");
    let alias = fields::targets(segments[0]);
    let first = match alias.first() {
        Some(target) if segments.len() == 1 => fields::by_path(target),
        _ => fields::by_path(&whole),
    };
    if let Some(field) = first {
        return Some(match field.path {
            "event_type" => Meaning::EventType,
            "resource.type" => Meaning::Label,
            _ => Meaning::Plain,
        });
    }
    // below JSON, and below the groups whose unknown keys are kept
    let known_group = segments.len() > 1 && fields::GROUPS.contains(&segments[0]);
    let below_alias = segments.len() > 1
        && alias
            .iter()
            .filter_map(|target| fields::by_path(target))
            .any(|field| field.kind == Kind::Json);
    (known_group || below_alias).then_some(Meaning::Plain)
}

/// The values as texts: a text is split at commas, an array is not.
fn texts(value: &Json, place: &str) -> Result<Vec<String>, FilterError> {
    let items = match value {
        Json::String(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
        Json::Array(items) => items
            .iter()
            .map(|item| one_text(item, place))
            .collect::<Result<_, _>>()?,
        other => vec![one_text(other, place)?],
    };
    if items.iter().any(String::is_empty) {
        let hint = "Leave the filter out, or write «*» for any value.";
        return Err(error(place.to_owned(), "empty value in a filter", hint));
    }
    Ok(items)
}

fn one_text(value: &Json, place: &str) -> Result<String, FilterError> {
    match value {
        Json::String(text) => Ok(text.trim().to_owned()),
        Json::Number(number) => Ok(number.clone()),
        Json::Bool(b) => Ok(b.to_string()),
        other => {
            let message = format!(
                "a filter must be a text, a number or a list of them, not {}",
                other.kind()
            );
            Err(error(
                place.to_owned(),
                message,
                "For what is missing, write «NOT field:*» in the query.",
            ))
        }
    }
}

fn path_of<'a>(segments: impl Iterator<Item = &'a str>) -> Path {
    let segment = |name: &str| Segment {
        name: name.to_owned(),
        quoted: false,
    };
    Path {
        span: Span::default(),
        segments: segments.map(segment).collect(),
    }
}

fn field_expr(path: Path, kind: ValueKind) -> Expr {
    let value = Value::new(Span::default(), kind);
    Expr::new(Span::default(), ExprKind::Field(path, value))
}

/// A text with its wildcards; one without is quoted, so that «null» is a text.
fn pattern(text: &str) -> Scalar {
    let mut parts: Vec<Part> = Vec::new();
    for c in text.chars() {
        match (c, parts.last_mut()) {
            ('*', Some(Part::Many)) => {}
            ('*', _) => parts.push(Part::Many),
            ('?', _) => parts.push(Part::One),
            (c, Some(Part::Text(text))) => text.push(c),
            (c, _) => parts.push(Part::Text(c.to_string())),
        }
    }
    Scalar {
        span: Span::default(),
        quoted: !parts.iter().any(|part| !matches!(part, Part::Text(_))),
        parts,
    }
}
