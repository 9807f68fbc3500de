//! Exceptions of a control.

use super::values::{self, bound, choice, fields, query, span};
use super::{MAX_ITEMS, Read, Reader, needed};
use crate::framework::{Exception, Trigger, Unit};
use crate::model::Severity;
use auditlog_policy::alert::definition::Fault;
use auditlog_policy::alert::definition::keys::{Keys, field, text, wrong};
use auditlog_policy::yaml::{Node, Value};
use auditlog_query::{check, parse};

const KEYS: [&str; 10] = [
    "kind", "severity", "query", "text", "per", "at_least", "within", "same", "after", "unless",
];

pub(super) const SEVERITIES: [(&str, Severity); 3] = [
    ("note", Severity::Note),
    ("warning", Severity::Warning),
    ("critical", Severity::Critical),
];

impl Reader<'_> {
    pub(super) fn exceptions(&self, node: &Node, population: &str) -> Read<Vec<Exception>> {
        let hint = "Begin each exception with a dash, such as - kind: self_grant.";
        let Value::List(items) = &node.value else {
            return Err(wrong(node, "exceptions", "a list of exceptions", hint));
        };
        if items.len() > MAX_ITEMS {
            let message = format!("there are {} exceptions", items.len());
            return Err(Fault::new(message, format!("At most {MAX_ITEMS} are taken.")).at(node.place));
        }
        let mut found: Vec<Exception> = Vec::with_capacity(items.len());
        for item in items {
            let exception = self.exception(item, population)?;
            if found.iter().any(|other| other.kind == exception.kind) {
                let message = format!("there are two exceptions {:?}", exception.kind);
                let hint = "Give each a kind of its own, so that findings can be told apart.";
                return Err(Fault::new(message, hint).at(item.get("kind").unwrap_or(item).place));
            }
            found.push(exception);
        }
        found.sort_by_key(|exception| std::cmp::Reverse(exception.severity));
        Ok(found)
    }

    fn exception(&self, node: &Node, population: &str) -> Read<Exception> {
        let keys = Keys::new(node, "an exception", &KEYS)?;
        let kind_node = keys.need("kind", "Give it a name for programs, such as kind: self_grant.")?;
        let query_hint = "Say which events of the control it is about, such as query: \"NOT metadata.change_ref:*\".";
        let query_node = keys.need("query", query_hint)?;
        let found = Exception {
            kind: values::identifier(kind_node, "the kind")?,
            severity: choice(
                keys.need("severity", "Say severity: note, warning or critical.")?,
                "severity",
                &SEVERITIES,
            )?,
            query: query(self, query_node, "the query")?,
            text: needed(
                &keys,
                "text",
                "the text",
                "Say what such an event is, such as text: right granted by its receiver.",
            )?,
            trigger: self.trigger(&keys)?,
        };
        // both together must keep the limits of one query
        let whole = found.within(&self.parameters.expand(population), &self.parameters);
        let checked = parse(&whole, &self.options.limits).and_then(|query| check(&query, self.options));
        checked.map_err(|error| {
            let message = format!("the query together with the control's: {}", error.message);
            Fault::new(message, error.hint).at(query_node.place)
        })?;
        Ok(found)
    }

    fn trigger(&self, keys: &Keys<'_>) -> Read<Trigger> {
        let has = |key: &str| keys.get(key).is_some();
        let forms: Vec<&str> = ["at_least", "same", "after", "unless"]
            .into_iter()
            .filter(|key| has(key))
            .collect();
        let (form, allowed): (&str, &[&str]) = match forms.as_slice() {
            [] => ("", &[]),
            ["same"] => ("same", &[]),
            ["after"] => ("after", &["within"]),
            [form] => (form, &["per", "within"]),
            [first, second, ..] => {
                let message = format!("an exception has both {first} and {second}");
                return Err(Fault::new(message, "Make two exceptions of it.").at(keys.place));
            }
        };
        for key in ["per", "within"] {
            if let Some(node) = keys.get(key)
                && !allowed.contains(&key)
            {
                let message = format!("{key} has no meaning here");
                let hint = "per and within belong to at_least (many in a short time) or unless (no answer in time), within also to after (too late).";
                return Err(Fault::new(message, hint).at(node.place));
            }
        }
        let within = || {
            let hint = "Say in which time, such as within: 1h.";
            span(self, keys.need("within", hint)?, "within")
        };
        let per = || {
            let hint = "Say which events belong together, such as per: [actor.id].";
            fields(keys.need("per", hint)?, "per", None, 4)
        };
        let value = |key: &str| keys.need(key, "");
        Ok(match form {
            "at_least" => Trigger::Burst {
                per: per()?,
                at_least: bound(self, value(form)?, form, 2, &[Unit::Events])?,
                within: within()?,
            },
            "same" => {
                let node = value(form)?;
                let found = fields(node, form, None, 2)?;
                let pair = <[String; 2]>::try_from(found).map_err(|_| {
                    let hint = "Name two fields, such as same: [metadata.grantor, metadata.grantee].";
                    Fault::new("same needs two fields", hint).at(node.place)
                })?;
                Trigger::Same(pair)
            }
            "after" => {
                let node = value(form)?;
                field(node, form)?;
                Trigger::Late {
                    after: text(node, form, false)?,
                    within: within()?,
                }
            }
            "unless" => Trigger::Unanswered {
                by: query(self, value(form)?, "unless")?,
                per: per()?,
                within: within()?,
            },
            _ => Trigger::Each,
        })
    }
}
