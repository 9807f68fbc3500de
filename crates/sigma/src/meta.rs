//! Title, author, level … of a rule → name, labels and severity of an alert.

use auditlog_core::event::Severity;
use auditlog_policy::alert::definition::{Level, MAX_NAME_CHARS, Notification};
use auditlog_policy::yaml::{Node, Value};

/// Attributes that become labels, under which name.
const LABELS: [(&str, &str); 12] = [
    ("author", "author"),
    ("id", "sigma_id"),
    ("level", "level"),
    ("status", "status"),
    ("tags", "tags"),
    ("references", "references"),
    ("date", "date"),
    ("modified", "modified"),
    ("license", "license"),
    ("falsepositives", "false_positives"),
    ("taxonomy", "taxonomy"),
    ("name", "sigma_name"),
];

/// The rule's title, without what a name can't have.
pub(crate) fn name(rule: &Node) -> Option<String> {
    let title = rule.get("title")?.scalar()?;
    let name: String = title.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// What the rule says of itself.
pub(crate) fn description(rule: &Node) -> Option<String> {
    let text = rule.get("description")?.scalar()?;
    Some(lines(text.trim())).filter(|text| !text.is_empty())
}

/// Author, id and the others, and the log source as `product/service`.
pub(crate) fn labels(rule: &Node) -> Vec<(String, String)> {
    let label = |(key, label): &(&str, &str)| Some(((*label).to_owned(), text(rule.get(key)?)?));
    let mut labels: Vec<(String, String)> = LABELS.iter().filter_map(label).collect();
    if let Some(source) = rule.get("logsource") {
        let parts = ["category", "product", "service"]
            .into_iter()
            .filter_map(|key| text(source.get(key)?));
        let parts: Vec<String> = parts.collect();
        if !parts.is_empty() {
            labels.push(("logsource".to_owned(), parts.join("/")));
        }
    }
    labels
}

/// A severity from the level; channels are for whoever imports the rule to choose.
pub(crate) fn notification(rule: &Node) -> Option<Notification> {
    let (written, severity) = match rule.get("level")?.scalar()?.to_lowercase().as_str() {
        "informational" => ("info", Severity::Info),
        "low" => ("low", Severity::Notice),
        "medium" => ("medium", Severity::Warning),
        "high" => ("high", Severity::Error),
        "critical" => ("critical", Severity::Critical),
        _ => return None,
    };
    Some(Notification {
        severity: Some(Level {
            written: written.to_owned(),
            severity,
        }),
        ..Notification::default()
    })
}

/// A scalar, or a list with commas.
fn text(node: &Node) -> Option<String> {
    let text = match &node.value {
        Value::List(items) => items.iter().filter_map(Node::scalar).collect::<Vec<_>>().join(", "),
        _ => node.scalar()?.to_owned(),
    };
    Some(lines(text.trim())).filter(|text| !text.is_empty())
}

fn lines(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}
