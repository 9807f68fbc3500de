//! Figures and charts of a whole report, and what it covers.

use super::names::metric;
use super::section::unit;
use super::{By, Making};
use auditlog_core::document::format_timestamp;
use auditlog_report::model::{Chart, Form, Metric, Outcome, Scope, Series};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Series that a chart shows: further ones are added up.
const SERIES: usize = 6;
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// Figures and charts.
pub(super) fn of(making: &Making) -> (Vec<Metric>, Vec<Chart>) {
    let found = making.counts();
    let found = found.as_ref();
    let labelled = |name: &str, label: &str| Metric {
        label: label.to_owned(),
        ..metric(name, found["metrics"][name].clone())
    };
    let findings: usize = making.sections.iter().map(|section| section.findings.len()).sum();
    let of_result = |result: Outcome| {
        making
            .sections
            .iter()
            .filter(|section| section.result == result)
            .count()
    };
    let mut metrics = vec![
        labelled("events", "Events in scope"),
        labelled("actors", "Actors"),
        labelled("resources", "Resources"),
        labelled("event_types", "Types of events"),
        labelled("refusals", "Refusals"),
        labelled("failures", "Failures"),
        labelled("warnings", "Warnings and worse"),
    ];
    for (name, label, value) in [
        ("findings", "Findings", findings),
        (
            "sections_with_findings",
            "Sections with findings",
            of_result(Outcome::Findings),
        ),
        ("sections_clean", "Sections without findings", of_result(Outcome::Clean)),
        (
            "sections_without_evidence",
            "Sections without evidence",
            of_result(Outcome::NoEvidence),
        ),
    ] {
        metrics.push(Metric {
            label: label.to_owned(),
            ..metric(name, json!(value))
        });
    }
    let charts = [
        bars("Most frequent events", "event_types", found),
        bars("Most active actors", "actors", found),
        lines(making, found),
        hours(found),
    ];
    (metrics, charts.into_iter().flatten().collect())
}

fn bars(title: &str, name: &str, found: &Value) -> Option<Chart> {
    let items = found[name].as_array().filter(|items| !items.is_empty())?;
    Some(Chart {
        title: title.to_owned(),
        alt: format!("Bars: {}, and the number of events of each.", title.to_lowercase()),
        form: Form::Bars,
        unit: "events".to_owned(),
        x: items
            .iter()
            .map(|item| item[0].as_str().unwrap_or_default().to_owned())
            .collect(),
        series: vec![Series {
            name: "Events".to_owned(),
            values: items.iter().map(|item| item[1].as_f64().unwrap_or(0.0)).collect(),
        }],
    })
}

fn lines(making: &Making, found: &Value) -> Option<Chart> {
    let width = found["width"].as_i64()?;
    let x = making.buckets(width);
    if x.len() < 2 {
        return None;
    }
    let mut by_category: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for point in found["series"].as_array()? {
        let values = by_category
            .entry(point[0].as_str()?)
            .or_insert_with(|| vec![0.0; x.len()]);
        if let Some(value) = values.get_mut(point[1].as_u64()? as usize) {
            *value = point[2].as_f64()?;
        }
    }
    let mut series: Vec<Series> = by_category
        .into_iter()
        .map(|(name, values)| Series {
            name: name.to_owned(),
            values,
        })
        .collect();
    let sum = |series: &Series| series.values.iter().sum::<f64>();
    series.sort_by(|a, b| sum(b).total_cmp(&sum(a)).then_with(|| a.name.cmp(&b.name)));
    if series.len() > SERIES {
        let rest = series.split_off(SERIES - 1);
        let values = (0..x.len())
            .map(|at| rest.iter().map(|one| one.values[at]).sum())
            .collect();
        series.push(Series {
            name: "others".to_owned(),
            values,
        });
    }
    let unit = unit(width);
    (!series.is_empty()).then(|| Chart {
        title: format!("Events per {unit}, by category"),
        alt: format!("Lines: for each category of events their number in each {unit} of the period."),
        form: Form::Lines,
        unit: "events".to_owned(),
        x,
        series,
    })
}

fn hours(found: &Value) -> Option<Chart> {
    let points = found["hours"].as_array().filter(|points| !points.is_empty())?;
    let mut series: Vec<Series> = DAYS
        .iter()
        .map(|day| Series {
            name: (*day).to_owned(),
            values: vec![0.0; 24],
        })
        .collect();
    for point in points {
        let (day, hour) = (point[0].as_u64()? as usize, point[1].as_u64()? as usize);
        *series.get_mut(day.checked_sub(1)?)?.values.get_mut(hour)? = point[2].as_f64()?;
    }
    Some(Chart {
        title: "Events by weekday and hour (UTC)".to_owned(),
        alt: "A heat map: a row for each weekday, a column for each hour, darker where there were more events."
            .to_owned(),
        form: Form::Heat,
        unit: "events".to_owned(),
        x: (0..24).map(|hour| hour.to_string()).collect(),
        series,
    })
}

impl Making {
    /// Labels of pieces of the period of so many seconds.
    pub(super) fn buckets(&self, width: i64) -> Vec<String> {
        let width = width * 1_000_000;
        let (since, until) = (self.asked.since, self.asked.until);
        let count = ((until - since + width - 1) / width).clamp(0, 600);
        let label = |at: i64| {
            let text = format_timestamp(since + at * width);
            let end = if width < 86_400_000_000 { 16 } else { 10 };
            text.get(..end).unwrap_or(&text).replace('T', " ")
        };
        (0..count).map(label).collect()
    }
}

/// What the report covers, and what it does not.
pub(super) fn scope(making: &Making) -> Scope {
    let mut covers = vec![format!(
        "Events of this database's audit log whose time lies in the period, of the first {} that the log had sealed when the report was asked for.",
        making.asked.log_size
    )];
    let scope = making.population("").scope;
    if !scope.is_empty() {
        covers.push(format!("Confined to events that this query finds: {scope}"));
    }
    if let By::Framework(framework) = &making.by {
        if making.filters.controls.is_empty() && making.filters.applies_to.is_none() {
            covers.push(format!(
                "All {} controls of the framework that the extension has.",
                framework.controls.len()
            ));
        } else {
            covers.push(format!(
                "{} of the framework's {} controls.",
                framework
                    .controls
                    .iter()
                    .filter(|control| making.filters.wants(control))
                    .count(),
                framework.controls.len()
            ));
        }
    }
    let mut limits = vec![
        "An audit log proves what it was told: what applications did not record, and what lies outside of this database, is not covered.".to_owned(),
        "«direct» says that the log itself answers a control, «supporting» that it answers a part: input from staff, tickets or other systems is needed.".to_owned(),
        format!(
            "A section shows {} rows at most, those that must be looked at first; counts are of all of them, and the query finds the rest.",
            making.max_rows()
        ),
    ];
    if making.proof.is_none() {
        limits
            .push("No signed checkpoint covered the log when the report was made: samples are not proven.".to_owned());
    }
    if let By::Framework(framework) = &making.by {
        for note in [&framework.authority, &framework.notes] {
            if !note.is_empty() {
                limits.push(note.clone());
            }
        }
        let changed: Vec<String> = making
            .filters
            .parameters
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        if !changed.is_empty() {
            limits.push(format!(
                "Parameters other than the framework's: {}.",
                changed.join(", ")
            ));
        }
    }
    Scope {
        database: crate::provenance::database(),
        software: software(),
        covers,
        limits,
    }
}

fn software() -> String {
    // SAFETY: a text of the server that was compiled in.
    let server = unsafe { std::ffi::CStr::from_ptr(pgrx::pg_sys::PG_VERSION.as_ptr().cast()) };
    format!(
        "PostgreSQL {}, pg_auditlog {}",
        server.to_string_lossy(),
        env!("CARGO_PKG_VERSION")
    )
}
