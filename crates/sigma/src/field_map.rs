//! Fields of Sigma → paths of ours.

use crate::error::SigmaError;
use auditlog_policy::yaml::{Node, Place};
use auditlog_query::ast::{ExprKind, Path, Segment, ValueKind};
use auditlog_query::span::Span;
use auditlog_query::{Limits, fields, parse};
use serde_json::Value;

/// What AWS CloudTrail's fields are in events made by `examples/cloudtrail/mapping.sql`.
const CLOUDTRAIL: &[(&str, &str)] = &[
    ("eventName", "metadata.event_name"),
    ("eventSource", "metadata.event_source"),
    ("errorCode", "metadata.error_code"),
    ("errorMessage", "metadata.error_message"),
    ("requestID", "metadata.request_id"),
    ("userAgent", "actor.user_agent"),
    ("awsRegion", "resource.region"),
    ("*", "metadata.cloudtrail"),
];

/// What fields of Kubernetes' audit events are in events made by `examples/kubernetes/mapping.sql`. Some rules
/// use names of other collectors, which leave the parents out.
const KUBERNETES: &[(&str, &str)] = &[
    ("verb", "metadata.verb"),
    ("requestURI", "metadata.request_uri"),
    ("responseStatus.code", "metadata.status_code"),
    ("userAgent", "actor.user_agent"),
    ("apiGroup", "metadata.kubernetes.objectRef.apiGroup"),
    ("hostPath", "metadata.kubernetes.requestObject.spec.volumes.hostPath"),
    (
        "capabilities",
        "metadata.kubernetes.requestObject.spec.containers.securityContext.capabilities",
    ),
    ("*", "metadata.kubernetes"),
];

/// Key of a map: the path that all other fields begin with.
const OTHERS: &str = "*";

/// Key of a map: the field that keywords are looked for in.
const KEYWORDS: &str = "keywords";

/// Where fields lie.
#[derive(Debug, Clone, Default)]
pub(crate) struct FieldMap {
    /// By the name in Sigma; own ones first.
    paths: Vec<(String, Path)>,
    /// Where keywords are looked for; empty: anywhere.
    pub keywords: Vec<Path>,
    /// Is there any map for the log source?
    known: bool,
}

impl FieldMap {
    /// The map for rules of a log source.
    pub fn new(logsource: Option<&Node>, own: Option<&Value>) -> Result<FieldMap, SigmaError> {
        let mut map = FieldMap::default();
        if let Some(own) = own {
            map.known = true;
            map.add_own(own)?;
        }
        let said = |key: &str| {
            logsource
                .and_then(|node| node.get(key))
                .and_then(Node::scalar)
                .unwrap_or_default()
        };
        let builtin = match (said("product"), said("service")) {
            ("aws", "cloudtrail") => CLOUDTRAIL,
            ("kubernetes", _) => KUBERNETES,
            _ => &[],
        };
        map.known |= !builtin.is_empty();
        for (name, path) in builtin {
            map.paths.push(((*name).to_owned(), read_path(path)?));
        }
        Ok(map)
    }

    fn add_own(&mut self, own: &Value) -> Result<(), SigmaError> {
        let hint = r#"Write an object such as {"eventName": "metadata.event_name", "*": "metadata.record"}."#;
        let Value::Object(own) = own else {
            return Err(SigmaError::wrong(START, "the field map is not a JSON object", hint));
        };
        for (name, paths) in own {
            let texts: Option<Vec<&str>> = match paths {
                Value::String(path) => Some(vec![path]),
                Value::Array(paths) if name == KEYWORDS => paths.iter().map(Value::as_str).collect(),
                _ => None,
            };
            let Some(texts) = texts else {
                let message = format!("the field map has no path for {name:?}");
                return Err(SigmaError::wrong(START, message, hint));
            };
            for text in texts {
                let path = read_path(text)?;
                if name == KEYWORDS {
                    self.keywords.push(path);
                } else {
                    self.paths.push((name.clone(), path));
                }
            }
        }
        Ok(())
    }

    /// Is it known where fields of this log source lie?
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// The path of a field.
    pub fn path(&self, field: &str) -> Path {
        let find = |name: &str| self.paths.iter().find(|(known, _)| known == name).map(|(_, path)| path);
        let mut above = field;
        loop {
            if let Some(path) = find(above) {
                return below(path, field[above.len()..].trim_start_matches('.'));
            }
            match above.rsplit_once('.') {
                Some((parent, _)) => above = parent,
                None => break,
            }
        }
        if let Some(path) = find(OTHERS) {
            return below(path, field);
        }
        // a key of the event as it is spelled, where it is a name of ours, too
        let mut segments = segments(field);
        if let Some(first) = segments.first_mut() {
            first.quoted = fields::by_path(&first.name).is_some() || !fields::targets(&first.name).is_empty();
        }
        Path {
            span: Span::default(),
            segments,
        }
    }
}

/// Errors of the map have no place in the rule.
const START: Place = Place {
    line: 1,
    column: 1,
    bytes: (0, 0),
};

fn segments(field: &str) -> Vec<Segment> {
    let names = field.split('.').filter(|name| !name.is_empty());
    let segment = |name: &str| Segment {
        name: name.to_owned(),
        quoted: false,
    };
    names.map(segment).collect()
}

fn below(path: &Path, rest: &str) -> Path {
    let mut path = path.clone();
    path.segments.extend(segments(rest));
    path
}

/// A path as it is written in a query.
fn read_path(text: &str) -> Result<Path, SigmaError> {
    let query = parse(&format!("{text}:*"), &Limits::default());
    match query.map(|query| query.expr.kind) {
        Ok(ExprKind::Field(path, value)) if value.kind == ValueKind::Exists && path.span.end == text.len() => {
            let plain = |segment: Segment| Segment {
                quoted: segment.quoted && !is_plain(&segment.name),
                ..segment
            };
            let first_quoted = path.segments.first().is_some_and(|segment| segment.quoted);
            let mut segments: Vec<Segment> = path.segments.into_iter().map(plain).collect();
            if let Some(first) = segments.first_mut() {
                first.quoted = first_quoted;
            }
            Ok(Path {
                span: Span::default(),
                segments,
            })
        }
        _ => {
            let message = format!("{text:?} in the field map is no path");
            Err(SigmaError::wrong(
                START,
                message,
                "Write a path as in a query, such as metadata.event_name.",
            ))
        }
    }
}

fn is_plain(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn source(product: &str, service: &str) -> Node {
        auditlog_policy::yaml::read(&format!("{{product: {product}, service: {service}}}")).expect("YAML")
    }

    fn shown(map: &FieldMap, field: &str) -> String {
        map.path(field).to_string()
    }

    #[test]
    fn built_in_maps_lead_into_the_events_of_the_examples() {
        let map = FieldMap::new(Some(&source("aws", "cloudtrail")), None).expect("a map");
        assert!(map.is_known());
        for (field, path) in [
            ("eventName", "metadata.event_name"),
            ("userIdentity.arn", "metadata.cloudtrail.userIdentity.arn"),
            (
                "requestParameters.attribute",
                "metadata.cloudtrail.requestParameters.attribute",
            ),
        ] {
            assert_eq!(shown(&map, field), path);
        }
        let map = FieldMap::new(Some(&source("kubernetes", "audit")), None).expect("a map");
        assert_eq!(shown(&map, "responseStatus.code"), "metadata.status_code");
        assert_eq!(
            shown(&map, "objectRef.resource"),
            "metadata.kubernetes.objectRef.resource"
        );
    }

    #[test]
    fn own_maps_go_first() {
        let own = json!({"eventName": "action.operation", "userIdentity": "metadata.who", "*": "metadata.\"the record\"", "keywords": ["metadata.message"]});
        let map = FieldMap::new(Some(&source("aws", "cloudtrail")), Some(&own)).expect("a map");
        assert_eq!(shown(&map, "eventName"), "action.operation");
        assert_eq!(shown(&map, "userIdentity.session.name"), "metadata.who.session.name");
        assert_eq!(shown(&map, "eventSource"), "metadata.event_source");
        assert_eq!(shown(&map, "other"), "metadata.the record.other");
        assert_eq!(map.keywords.len(), 1);
    }

    #[test]
    fn without_a_map_fields_are_keys_of_the_event() {
        let map = FieldMap::new(Some(&source("okta", "okta")), None).expect("a map");
        assert!(!map.is_known());
        let quoted = |field: &str| map.path(field).segments[0].quoted;
        assert!(quoted("status") && quoted("severity") && !quoted("eventtype") && !quoted("actor.alternateId"));
    }

    #[test]
    fn what_is_no_map_is_refused() {
        for (own, message) in [
            (json!([]), "not a JSON object"),
            (json!({"a": 1}), "no path for \"a\""),
            (json!({"a": ["b"]}), "no path for \"a\""),
            (json!({"a": "b OR c"}), "is no path"),
            (json!({"a": "b:c"}), "is no path"),
            (json!({"a": ""}), "is no path"),
        ] {
            let error = FieldMap::new(None, Some(&own)).expect_err("no map");
            assert!(error.message.contains(message), "{own}: {error}");
        }
    }
}
