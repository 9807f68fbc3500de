//! The section of a report of one's own: figures, course, groups, each beside the period before where that is wanted.

use super::names::{self, column, label};
use super::section::{Asked, fill, question};
use super::{By, Making};
use crate::store::report_reads::{self, Population};
use auditlog_core::document::format_timestamp;
use auditlog_report::custom::{CustomReport, Measure, OrderKey};
use auditlog_report::model::{Chart, Column, Form, Metric, Outcome, Section, Series, Table};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Groups that are read where the order is not that of their sizes.
const ALL_GROUPS: i64 = 10_000;

/// Sections of a custom report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Figures,
    Events,
}

impl Part {
    pub(super) fn title(self) -> &'static str {
        match self {
            Part::Figures => "Figures",
            Part::Events => "Events",
        }
    }
}

/// In the order of the report.
pub(super) const PARTS: [Part; 2] = [Part::Figures, Part::Events];

/// A section.
pub(super) fn section(making: &Making, part: Part) -> Section {
    let By::Custom(custom) = &making.by else {
        unreachable!("parts of custom reports are those of a report on one")
    };
    let mut section = Section {
        id: part.title().to_lowercase(),
        control: None,
        title: part.title().to_owned(),
        asks: match part {
            Part::Figures if custom.description.is_empty() => "What was counted, and for whom".to_owned(),
            Part::Figures => custom.description.clone(),
            Part::Events => "The events that were counted, with a sample that can be checked again".to_owned(),
        },
        directness: None,
        notes: String::new(),
        query: Some(custom.filters.clone()),
        question: question(&custom.filters),
        result: Outcome::Information,
        findings: Vec::new(),
        metrics: Vec::new(),
        charts: Vec::new(),
        tables: Vec::new(),
        sample: None,
    };
    match part {
        Part::Figures => figures(making, custom, &mut section),
        Part::Events => {
            let fields: Vec<String> = ["timestamp", "actor.id", "event_type", "resource.id", "action.status"]
                .into_iter()
                .map(str::to_owned)
                .chain(custom.group_by.iter().map(|field| path(&field.name).to_owned()))
                .fold(Vec::new(), |mut all, field| {
                    if !all.contains(&field) {
                        all.push(field);
                    }
                    all
                });
            let asked = Asked {
                query: &custom.filters,
                groups: &[],
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

/// The field that a name of a definition means.
fn path(name: &str) -> &str {
    match name {
        "user" => "actor.id",
        "resource" => "resource.id",
        other => other,
    }
}

/// The name of a figure in what SQL gives.
fn counted(measure: Measure) -> &'static str {
    match measure {
        Measure::EventCount => "count",
        Measure::UniqueUsers => "distinct_actors",
        Measure::ResourcesAffected => "distinct_resources",
        Measure::First => "first",
        Measure::Last => "last",
        Measure::Rows => "rows",
    }
}

fn value(found: &Value, measure: Measure) -> Value {
    let value = &found[counted(measure)];
    match measure {
        Measure::First | Measure::Last => names::time(value),
        _ => value.clone(),
    }
}

fn figures(making: &Making, custom: &CustomReport, section: &mut Section) {
    let groups: Vec<String> = custom
        .group_by
        .iter()
        .map(|field| path(&field.name).to_owned())
        .collect();
    let wanted: Vec<String> = custom
        .metrics
        .iter()
        .map(|measure| counted(*measure).to_owned())
        .collect();
    let read = |of: &Population<'_>| report_reads::section(of, &groups, &wanted, "", ALL_GROUPS, 0);
    let of = making.population(&custom.filters);
    let found = read(&of);
    let before = custom.compare.then(|| {
        let (since, until) = previous(making, custom);
        (since, until, read(&Population { since, until, ..of }))
    });
    for measure in &custom.metrics {
        section.metrics.push(Metric {
            name: measure.name().to_owned(),
            label: measure.label().to_owned(),
            value: value(&found["metrics"], *measure),
            note: before.as_ref().map(|(since, until, before)| {
                let was = value(&before["metrics"], *measure);
                let was = was.as_str().map_or_else(|| was.to_string(), str::to_owned);
                format!(
                    "{was} from {} to {}",
                    format_timestamp(*since),
                    format_timestamp(*until)
                )
            }),
        });
    }
    section.charts.extend(course(making, custom, &of));
    if !groups.is_empty() {
        section.tables.push(table(
            custom,
            &groups,
            &found,
            before.as_ref().map(|(.., before)| before),
        ));
    }
}

/// The period before: that of the definition, or as long as the one that was asked for.
fn previous(making: &Making, custom: &CustomReport) -> (i64, i64) {
    let asked = &making.asked;
    let own = custom.resolve(asked.asked_at) == Some((asked.since, asked.until));
    let before = own.then(|| custom.previous(asked.asked_at)).flatten();
    before.unwrap_or((asked.since - (asked.until - asked.since), asked.since))
}

fn course(making: &Making, custom: &CustomReport, of: &Population<'_>) -> Option<Chart> {
    let interval = custom.interval?.name();
    let points = report_reads::histogram(of, interval, &custom.time_zone);
    (points.len() > 1).then(|| Chart {
        title: format!("Events per {interval}"),
        alt: format!("Bars: the number of events in each {interval} of the period; the table has the numbers."),
        form: Form::Bars,
        unit: "events".to_owned(),
        x: points.iter().map(|(at, _)| at.clone()).collect(),
        series: vec![Series {
            name: making.asked.name.clone(),
            values: points.iter().map(|(_, count)| *count as f64).collect(),
        }],
    })
}

fn table(custom: &CustomReport, by: &[String], found: &Value, before: Option<&Value>) -> Table {
    let mut columns: Vec<Column> = by.iter().map(|path| column(path)).collect();
    for measure in &custom.metrics {
        columns.push(Column {
            name: measure.name().to_owned(),
            label: measure.label().to_owned(),
        });
        if before.is_some() {
            columns.push(Column {
                name: format!("{}_before", measure.name()),
                label: format!("{} before", measure.label()),
            });
        }
    }
    let keys = |group: &Value| group["keys"].to_string();
    let earlier: HashMap<String, &Value> = (before.iter())
        .flat_map(|before| before["groups"].as_array().into_iter().flatten())
        .map(|group| (keys(group), group))
        .collect();
    let mut groups: Vec<&Value> = found["groups"].as_array().into_iter().flatten().collect();
    groups.sort_by(|a, b| {
        let key = |group: &Value| match custom.order_by.key {
            OrderKey::Metric(measure) => value(group, measure),
            OrderKey::Group(at) => group["keys"][at].clone(),
        };
        let order = compare(&key(a), &key(b));
        let order = if custom.order_by.descending {
            order.reverse()
        } else {
            order
        };
        order.then_with(|| keys(a).cmp(&keys(b)))
    });
    let rows = groups.iter().take(custom.top as usize).map(|group| {
        let mut row: Vec<Value> = group["keys"].as_array().cloned().unwrap_or_default();
        for measure in &custom.metrics {
            row.push(value(group, *measure));
            if before.is_some() {
                let was = earlier.get(&keys(group)).map(|was| value(was, *measure));
                row.push(was.unwrap_or_else(|| match measure {
                    Measure::First | Measure::Last => Value::Null,
                    _ => json!(0),
                }));
            }
        }
        row
    });
    let labels: Vec<String> = by.iter().map(|path| label(path).to_lowercase()).collect();
    Table {
        name: "groups".to_owned(),
        caption: format!("By {}", labels.join(" and ")),
        columns,
        rows: rows.collect(),
        exceptions: 0,
        total: found["group_count"].as_u64().unwrap_or(0),
    }
}

/// Numbers by their size, the rest by their text; what is missing comes first.
fn compare(a: &Value, b: &Value) -> std::cmp::Ordering {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.as_str().cmp(&b.as_str()),
    }
}
