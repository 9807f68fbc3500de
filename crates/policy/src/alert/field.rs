//! A field that events are grouped by, counted by or compared by.

use crate::alert::definition::Fault;
use auditlog_core::document::{format_inet, format_timestamp, parse_inet};
use auditlog_query::ast::{ExprKind, ValueKind};
use auditlog_query::dates::parse_value;
use auditlog_query::decimal::shortest;
use auditlog_query::eval::{Document, Value, View};
use auditlog_query::fields::Kind;
use auditlog_query::node::{Node, Target};
use auditlog_query::{CheckOptions, Limits, check, parse};
use std::fmt::Write;

/// A field by its name in the query language; a name that means several fields is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    name: String,
    target: Target,
}

impl Field {
    /// The field of this name: `actor.email`, a short name such as `ip`, or a path in the document.
    pub fn parse(name: &str) -> Result<Field, Fault> {
        let name = name.trim();
        let hint = "Write a field's name as in a query, such as actor.email.";
        let wrong = || Fault::new(format!("{name:?} is not a field's name"), hint);
        let query = parse(&format!("{name}:*"), &Limits::default()).map_err(|_| wrong())?;
        let alone = match &query.expr.kind {
            ExprKind::Field(path, value) => value.kind == ValueKind::Exists && path.span.end + 2 == query.source.len(),
            _ => false,
        };
        if name.is_empty() || !alone {
            return Err(wrong());
        }
        // an alert is about events, in which a short name is no key
        let options = CheckOptions {
            strict: true,
            literal_keys: false,
            ..CheckOptions::default()
        };
        let checked = check(&query, &options).map_err(|error| Fault::new(error.message, error.hint))?;
        let Node::Atom(atom) = checked.node else {
            return Err(wrong());
        };
        let [target] = atom.targets.as_slice() else {
            let all: Vec<String> = atom.targets.iter().map(|target| target.path.join(".")).collect();
            let message = format!("{name:?} means several fields");
            return Err(Fault::new(message, format!("Write one of them: {}.", all.join(", "))));
        };
        Ok(Field {
            name: name.to_owned(),
            target: target.clone(),
        })
    }

    /// As it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its values are.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Do both names mean the same field?
    pub fn same(&self, other: &Field) -> bool {
        self.target.path == other.target.path
    }

    /// The value as a text; none when it is missing, null or empty. A list is its JSON text, and so are the
    /// values of a path that leads through a list. An object is the list of its values in braces.
    pub fn value<'a, D: Document<'a>>(&self, document: D) -> Option<String> {
        let mut found: Vec<String> = Vec::new();
        let mut single = None;
        document.any(&self.target, &mut |value| {
            match self.scalar(value.view()) {
                Some(text) => {
                    let mut json = String::new();
                    push_json(value.view(), &text, &mut json);
                    found.push(json);
                    single = Some(text);
                }
                None => {
                    let mut json = String::new();
                    if let View::Array | View::Object = value.view() {
                        self.json(value, &mut json);
                    }
                    if json.len() > 2 {
                        single = Some(json.clone());
                        found.push(json);
                    }
                }
            }
            false
        });
        match found.len() {
            0 => None,
            1 => single.filter(|text| !text.is_empty()),
            _ => Some(format!("[{}]", found.join(","))),
        }
    }

    /// A scalar's text, in one spelling for rows and documents.
    fn scalar(&self, view: View<'_>) -> Option<String> {
        let kind = self
            .target
            .field
            .filter(|_| self.target.below().is_empty())
            .map(|field| field.kind);
        Some(match view {
            View::Null | View::Array | View::Object => return None,
            View::Bool(value) => value.to_string(),
            View::Number(number) if kind == Some(Kind::Text) => number.into_owned(),
            View::Number(number) => shortest(&number).to_owned(),
            View::Time(us) => format_timestamp(us),
            View::Address(inet) => format_inet(&inet),
            View::Text(text) => match kind {
                Some(Kind::Ip) => parse_inet(&text).map(|inet| format_inet(&inet)),
                Some(Kind::Time) => parse_value(&text).map(format_timestamp),
                _ => None,
            }
            .unwrap_or_else(|| text.into_owned()),
        })
    }

    fn json<'a, V: Value<'a>>(&self, value: V, out: &mut String) {
        let view = value.view();
        match view {
            View::Null => out.push_str("null"),
            View::Array | View::Object => {
                let (open, close) = if matches!(view, View::Array) {
                    ('[', ']')
                } else {
                    ('{', '}')
                };
                out.push(open);
                let start = out.len();
                let mut each = |item: V| {
                    if out.len() > start {
                        out.push(',');
                    }
                    self.json(item, out);
                    false
                };
                if open == '[' {
                    value.any_element(&mut each);
                } else {
                    value.any_member(&mut each);
                }
                out.push(close);
            }
            view => {
                if let Some(text) = self.scalar(view.clone()) {
                    push_json(view, &text, out);
                }
            }
        }
    }
}

/// A scalar in JSON: only numbers and truth values go without quotes.
fn push_json(view: View<'_>, text: &str, out: &mut String) {
    if matches!(view, View::Bool(_) | View::Number(_)) {
        out.push_str(text);
    } else {
        let _ = write!(out, "{}", serde_json::Value::from(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog_core::json::Json;
    use auditlog_query::eval::JsonDocument;

    fn text(value: &str) -> Json {
        Json::String(value.to_owned())
    }

    fn value(field: &str, below: &str, json: Json) -> Option<String> {
        let inner = Json::Object(vec![(below.to_owned(), json)]);
        let document = Json::Object(vec![
            ("event_type".to_owned(), text("a.b")),
            ("actor".to_owned(), inner.clone()),
            ("metadata".to_owned(), inner),
        ]);
        Field::parse(field).expect(field).value(JsonDocument::new(&document))
    }

    #[test]
    fn names_of_the_query_language_are_fields() {
        for name in [
            "actor.email",
            "ip",
            "metadata.\"a.b\".c",
            "event_type",
            "changes.after.size",
            "\"eventSource\"",
        ] {
            assert_eq!(Field::parse(name).expect(name).name(), name);
        }
        assert!(
            Field::parse("email")
                .expect("email")
                .same(&Field::parse("actor.email").expect("actor.email"))
        );
    }

    #[test]
    fn other_names_are_refused() {
        for (name, message, hint) in [
            ("user", "means several fields", "actor.email, actor.id"),
            ("tags", "means several fields", "metadata.tags, resource.tags"),
            ("actor.emial", "unknown field", "actor.email"),
            ("", "not a field's name", "actor.email"),
            ("a OR b", "not a field's name", "actor.email"),
            ("a:* OR b", "not a field's name", "actor.email"),
            ("a b", "not a field's name", "actor.email"),
            ("*", "not a field's name", "actor.email"),
            ("actor.email:*  ", "not a field's name", "actor.email"),
        ] {
            let error = Field::parse(name).expect_err(name);
            assert!(error.message.contains(message), "{name}: {error:?}");
            assert!(error.hint.contains(hint), "{name}: {error:?}");
        }
    }

    #[test]
    fn values_are_texts() {
        let number = |text: &str| Json::Number(text.to_owned());
        for (field, below, json, expected) in [
            ("actor.email", "email", text("a@b.c"), Some("a@b.c")),
            ("actor.email", "email", text(""), None),
            ("actor.email", "email", Json::Null, None),
            ("actor.id", "email", text("x"), None),
            ("actor.id", "id", number("1.50"), Some("1.50")),
            ("metadata.n", "n", number("1.50"), Some("1.5")),
            ("metadata.n", "n", Json::Bool(true), Some("true")),
            ("ip", "ip_address", text("2001:DB8:0::1"), Some("2001:db8::1")),
            (
                "metadata.n",
                "n",
                Json::Array(vec![text("a\"b"), number("1"), Json::Null]),
                Some(r#"["a\"b",1,null]"#),
            ),
            ("metadata.n", "n", Json::Array(Vec::new()), None),
            (
                "metadata.n",
                "n",
                Json::Object(vec![("k".to_owned(), text("v"))]),
                Some(r#"{"v"}"#),
            ),
        ] {
            assert_eq!(
                value(field, below, json.clone()).as_deref(),
                expected,
                "{field} {json:?}"
            );
        }
        let objects = ["x", "y"].map(|name| Json::Object(vec![("name".to_owned(), text(name))]));
        let list = Json::Array(objects.to_vec());
        assert_eq!(value("metadata.l.name", "l", list).as_deref(), Some(r#"["x","y"]"#));
    }
}
