//! [`Expr`] as JSON, for `auditlog.parse_query`.

use crate::ast::{Bound, Expr, ExprKind, Path, Scalar, Value as Condition, ValueKind};
use crate::span::Span;
use serde_json::{Map, Value, json};

/// Are places part of the result? Without them, equal queries have equal JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spans {
    /// `"span": [start, end]` in bytes on every node.
    Shown,
    /// None.
    Hidden,
}

/// The tree as nested objects, each with its `type`.
pub fn to_json(expr: &Expr, spans: Spans) -> Value {
    let body = match &expr.kind {
        ExprKind::All => json!({"type": "all"}),
        ExprKind::And(items) => json!({"type": "and", "items": exprs(items, spans)}),
        ExprKind::Or(items) => json!({"type": "or", "items": exprs(items, spans)}),
        ExprKind::Not(inner) => json!({"type": "not", "item": to_json(inner, spans)}),
        ExprKind::Text(literal) => json!({"type": "text", "value": scalar(literal, spans)}),
        ExprKind::Saved(name) => json!({"type": "saved", "name": scalar(name, spans)}),
        ExprKind::Field(name, condition) => {
            json!({"type": "field", "path": path(name, spans), "condition": value(condition, spans)})
        }
    };
    placed(body, expr.span, spans)
}

fn exprs(items: &[Expr], spans: Spans) -> Vec<Value> {
    items.iter().map(|item| to_json(item, spans)).collect()
}

fn value(condition: &Condition, spans: Spans) -> Value {
    let values = |items: &[Condition]| items.iter().map(|item| value(item, spans)).collect::<Vec<_>>();
    let body = match &condition.kind {
        ValueKind::And(items) => json!({"type": "and", "items": values(items)}),
        ValueKind::Or(items) => json!({"type": "or", "items": values(items)}),
        ValueKind::Not(inner) => json!({"type": "not", "item": value(inner, spans)}),
        ValueKind::Exists => json!({"type": "exists"}),
        ValueKind::Equals(literal) => json!({"type": "equals", "value": scalar(literal, spans)}),
        ValueKind::Exact(literal) => json!({"type": "exact", "value": scalar(literal, spans)}),
        ValueKind::Regex { pattern, ignore_case } => {
            json!({"type": "regex", "pattern": pattern, "ignore_case": ignore_case})
        }
        ValueKind::Compare(order, literal) => {
            json!({"type": "compare", "operator": order.symbol(), "value": scalar(literal, spans)})
        }
        ValueKind::Range(low, high) => json!({"type": "range", "low": bound(low, spans), "high": bound(high, spans)}),
        ValueKind::List(items) => {
            json!({"type": "list", "items": items.iter().map(|item| scalar(item, spans)).collect::<Vec<_>>()})
        }
        ValueKind::Nested(inner) => json!({"type": "nested", "item": to_json(inner, spans)}),
        ValueKind::Other(inner) => json!({"type": "other", "item": to_json(inner, spans)}),
    };
    placed(body, condition.span, spans)
}

fn bound(bound: &Bound, spans: Spans) -> Value {
    json!({"inclusive": bound.inclusive, "value": bound.value.as_ref().map(|literal| scalar(literal, spans))})
}

fn path(path: &Path, spans: Spans) -> Value {
    let segments = path
        .segments
        .iter()
        .map(|segment| json!({"name": segment.name, "quoted": segment.quoted}))
        .collect::<Vec<_>>();
    placed(json!({"segments": segments}), path.span, spans)
}

fn scalar(literal: &Scalar, spans: Spans) -> Value {
    use crate::ast::Part;
    let parts = literal.parts.iter().map(|part| match part {
        Part::Text(text) => json!(text),
        Part::Many => json!({"wildcard": "*"}),
        Part::One => json!({"wildcard": "?"}),
    });
    let body = json!({"parts": parts.collect::<Vec<_>>(), "quoted": literal.quoted});
    placed(body, literal.span, spans)
}

fn placed(body: Value, span: Span, spans: Spans) -> Value {
    let Value::Object(mut object) = body else { return body };
    if spans == Spans::Shown {
        object.insert("span".to_owned(), json!([span.start, span.end]));
    }
    Value::Object(Map::from_iter(object))
}
