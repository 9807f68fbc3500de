//! What has changed: before and after, path by path.

use maud::{Markup, html};
use serde_json::Value;

use super::icon::{Icon, icon};
use crate::text;

/// More changes than this are counted, not listed.
const MOST: usize = 200;

/// A leaf that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where, dotted.
    pub path: String,
    /// What was there.
    pub before: Option<Value>,
    /// What is there now.
    pub after: Option<Value>,
}

/// The leaves in which two values differ, in the order of their keys.
pub fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<Change> {
    let mut out = Vec::new();
    walk(String::new(), before, after, &mut out);
    out
}

fn walk(path: String, before: Option<&Value>, after: Option<&Value>, out: &mut Vec<Change>) {
    if before == after {
        return;
    }
    let join = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    let empty = serde_json::Map::new();
    match (before, after) {
        (Some(Value::Object(_)) | None, Some(Value::Object(_)) | None) | (Some(Value::Object(_)), None)
            if before
                .or(after)
                .is_some_and(|v| v.as_object().is_some_and(|o| !o.is_empty())) =>
        {
            let object = |value: Option<&Value>| {
                value
                    .and_then(Value::as_object)
                    .cloned()
                    .unwrap_or_else(|| empty.clone())
            };
            let (before, after) = (object(before), object(after));
            let mut keys: Vec<_> = before.keys().chain(after.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                walk(join(key), before.get(key), after.get(key), out);
            }
        }
        _ => out.push(Change {
            path,
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One change in a line, for tables: `state: running → stopped`.
pub fn line(before: Option<&Value>, after: Option<&Value>) -> Markup {
    let all = changes(before, after);
    let side = |value: &Option<Value>| html! { @match value { Some(value) => (text::short_value(&shown(value), 40)), None => span.none { "none" } } };
    html! {
        @for change in all.iter().take(2) {
            span.change-line { code { (text::short_value(&change.path, 40)) } " " del { (side(&change.before)) } " → " ins { (side(&change.after)) } }
        }
        @if all.len() > 2 { span.none { "+ " (all.len() - 2) " more" } }
    }
}

/// The table of changes.
pub fn diff(before: Option<&Value>, after: Option<&Value>) -> Markup {
    let all = changes(before, after);
    let cell = |value: &Option<Value>| html! { @match value { Some(value) => div.mono { (text::long_value(&shown(value))) }, None => span.none { "none" } } };
    html! {
        @if all.is_empty() { p.hint { "Before and after are the same." } }
        @else {
            (super::table::table_of("diff", "Changes", &["", "Field", "Before", "After"], html! {
                @for change in all.iter().take(MOST) {
                    @let (class, symbol, word) = match (&change.before, &change.after) {
                        (None, _) => ("added", Icon::Plus, "added"),
                        (_, None) => ("removed", Icon::Minus, "removed"),
                        _ => ("changed", Icon::Diff, "changed"),
                    };
                    tr class=(class) {
                        td.kind { (icon(symbol)) span.unseen { (word) } }
                        th scope="row" { code { @if change.path.is_empty() { "(all)" } @else { (text::short_value(&change.path, 120)) } } }
                        td.before { (cell(&change.before)) }
                        td.after { (cell(&change.after)) }
                    }
                }
            }))
            @if all.len() > MOST { p.hint { "And " (all.len() - MOST) " more: the raw JSON has all of them." } }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn leaves_that_differ() {
        let (before, after) = (
            json!({"a": 1, "b": {"c": 1, "d": 2}, "e": [1]}),
            json!({"b": {"c": 1, "d": 3, "f": null}, "e": [2]}),
        );
        let paths: Vec<_> = changes(Some(&before), Some(&after))
            .into_iter()
            .map(|c| c.path)
            .collect();
        assert_eq!(paths, ["a", "b.d", "b.f", "e"]);
        assert_eq!(changes(None, Some(&json!({"a": 1})))[0].path, "a");
        assert_eq!(changes(Some(&json!({})), Some(&json!({}))), []);
        assert_eq!(changes(None, Some(&json!({})))[0].path, "");
        assert_eq!(changes(Some(&json!({"a": {}})), Some(&json!({"a": 1})))[0].path, "a");
    }
}
