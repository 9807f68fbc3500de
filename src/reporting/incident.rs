//! The sections of a report on an incident: who and what was affected, in which sequence, what was changed, which alerts fired.

use super::names::{column, label, metric, time};
use super::section::{Asked, fill, question};
use super::{By, Making};
use crate::store::report_reads;
use auditlog_report::model::{Finding, Metric, Outcome, Section, Severity, Table};
use serde_json::{Value, json};

/// Sections of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Overview,
    Sequence,
    Changes,
    Events,
}

/// In the order of the report.
pub(super) const PARTS: [Part; 4] = [Part::Overview, Part::Sequence, Part::Changes, Part::Events];

const SEQUENCE: [&str; 9] = [
    "log_index",
    "timestamp",
    "session",
    "gap_before",
    "actor_id",
    "actor_ip",
    "event_type",
    "resource_id",
    "what",
];
const CHANGES: [&str; 9] = [
    "log_index",
    "timestamp",
    "approval",
    "actor_id",
    "event_type",
    "resource_id",
    "diff",
    "change_ref",
    "approved_by",
];

impl Part {
    pub(super) fn title(self) -> &'static str {
        match self {
            Part::Overview => "Who and what was affected",
            Part::Sequence => "Sequence",
            Part::Changes => "Changes",
            Part::Events => "Events",
        }
    }

    fn asks(self) -> &'static str {
        match self {
            Part::Overview => {
                "Actors, resources and addresses of the incident, when it was first and last seen, and which alerts fired"
            }
            Part::Sequence => {
                "What happened, oldest first; events that belong to one session have one number, and gaps are shown"
            }
            Part::Changes => {
                "What was changed, from what to what, and whether it was approved; unapproved changes first"
            }
            Part::Events => "All events of the incident, counted and grouped, with a sample that can be checked again",
        }
    }
}

/// A section.
pub(super) fn section(making: &Making, part: Part) -> Section {
    let By::Incident(query) = &making.by else {
        unreachable!("parts of incidents are those of a report on one")
    };
    let mut section = Section {
        id: super::section::id(&part.title().to_lowercase()),
        control: None,
        title: part.title().to_owned(),
        asks: part.asks().to_owned(),
        directness: None,
        notes: String::new(),
        query: Some(query.clone()),
        question: question(query),
        result: Outcome::Information,
        findings: Vec::new(),
        metrics: Vec::new(),
        charts: Vec::new(),
        tables: Vec::new(),
        sample: None,
    };
    let of = making.population(query);
    match part {
        Part::Overview => overview(&report_reads::incident(&of), &mut section),
        Part::Sequence => {
            let rows = report_reads::timeline(&of, making.max_rows());
            section.tables.push(table("sequence", "Sequence", &SEQUENCE, &rows));
        }
        Part::Changes => {
            let rows = report_reads::changes(&of, making.max_rows());
            let mut found = table("changes", "Changes", &CHANGES, &rows);
            let open = |row: &&Value| matches!(row["approval"].as_str(), Some("unapproved" | "self_approved"));
            let unapproved: Vec<&Value> = rows.as_array().into_iter().flatten().filter(open).collect();
            found.exceptions = unapproved.len() as u64;
            if !unapproved.is_empty() {
                section.findings.push(Finding {
                    severity: Severity::Warning,
                    kind: "unapproved_change".to_owned(),
                    text: format!("changes without an approval: {}", unapproved.len()),
                    log_indexes: unapproved
                        .iter()
                        .filter_map(|row| row["log_index"].as_u64())
                        .take(20)
                        .collect(),
                    count: unapproved.len() as u64,
                });
                section.result = Outcome::Findings;
            }
            section.tables.push(found);
        }
        Part::Events => {
            let (groups, fields) = (
                ["actor.id", "event_type"].map(str::to_owned),
                [
                    "timestamp",
                    "actor.id",
                    "actor.ip_address",
                    "event_type",
                    "resource.id",
                    "action.status",
                ]
                .map(str::to_owned),
            );
            let asked = Asked {
                query: "",
                groups: &groups,
                metrics: &[],
                fields: &fields,
                exceptions: &[],
                in_all: 0,
            };
            fill(making, &asked, &mut section);
        }
    }
    section
}

/// Numbers and texts of the summary are figures, its lists tables.
fn overview(found: &Value, section: &mut Section) {
    // What was asked is in the report already.
    let asked = ["query", "since", "until"];
    let told = found
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !asked.contains(&name.as_str()));
    for (name, value) in told {
        match value {
            Value::Array(items) if items.first().is_some_and(Value::is_object) => {
                // Lists of events inside of a row are the sequence's.
                let is_flat = |value: &Value| !value.get(0).is_some_and(Value::is_object);
                let members = items[0].as_object().into_iter().flatten();
                let columns: Vec<&str> = members
                    .filter(|(_, value)| is_flat(value))
                    .map(|(key, _)| key.as_str())
                    .collect();
                section.tables.push(table(name, &label(name), &columns, value));
            }
            Value::Object(counts) => {
                let rows = counts
                    .iter()
                    .map(|(key, value)| vec![json!(key), value.clone()])
                    .collect::<Vec<_>>();
                section.tables.push(Table {
                    name: name.clone(),
                    caption: label(name),
                    columns: vec![column("name"), column("value")],
                    total: rows.len() as u64,
                    rows,
                    exceptions: 0,
                });
            }
            Value::Array(_) | Value::Null => {}
            scalar => section.metrics.push(figure(name, scalar)),
        }
    }
}

fn figure(name: &str, value: &Value) -> Metric {
    metric(name, cell(value))
}

/// Rows of a function of SQL as a table.
pub(super) fn table(name: &str, caption: &str, columns: &[&str], rows: &Value) -> Table {
    let rows: Vec<Vec<Value>> = (rows.as_array().into_iter().flatten())
        .map(|row| columns.iter().map(|column| cell(&row[*column])).collect())
        .collect();
    Table {
        name: name.to_owned(),
        caption: caption.to_owned(),
        columns: columns.iter().map(|name| column(name)).collect(),
        total: rows.len() as u64,
        rows,
        exceptions: 0,
    }
}

/// Times as reports have them.
fn cell(value: &Value) -> Value {
    let is_time = value
        .as_str()
        .is_some_and(|text| text.len() >= 19 && text.as_bytes().get(10) == Some(&b'T'));
    match is_time.then(|| time(value)) {
        Some(time) if !time.is_null() => time,
        _ => value.clone(),
    }
}
