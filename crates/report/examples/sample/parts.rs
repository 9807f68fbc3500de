//! Parts of a report in short.

use auditlog_report::model::{Chart, Column, Finding, Form, Metric, Outcome, Section, Series, Severity};
use serde_json::Value;

/// A hash that is made up.
pub fn hash(of: u64) -> String {
    (0..4)
        .map(|part| format!("{:016x}", of.wrapping_add(part).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect()
}

/// A figure.
pub fn metric(name: &str, label: &str, value: impl Into<Value>, note: Option<&str>) -> Metric {
    Metric {
        name: name.into(),
        label: label.into(),
        value: value.into(),
        note: note.map(String::from),
    }
}

/// Columns with their labels.
pub fn columns(of: &[(&str, &str)]) -> Vec<Column> {
    of.iter()
        .map(|(name, label)| Column {
            name: (*name).into(),
            label: (*label).into(),
        })
        .collect()
}

/// A chart.
pub fn chart(title: &str, form: Form, unit: &str, x: Vec<String>, series: Vec<(&str, Vec<f64>)>) -> Chart {
    Chart {
        title: title.into(),
        alt: format!(
            "{title}: {} values of {} series; the numbers are in the table below.",
            x.len(),
            series.len()
        ),
        form,
        unit: unit.into(),
        x,
        series: series
            .into_iter()
            .map(|(name, values)| Series {
                name: name.into(),
                values,
            })
            .collect(),
    }
}

/// Days of a working week.
pub fn wave(count: usize, base: f64, swing: f64) -> Vec<f64> {
    (0..count)
        .map(|day| {
            (base + swing * ((day * 7919 % 31) as f64 / 31.0) - if day % 7 > 4 { base * 0.7 } else { 0.0 }).round()
        })
        .collect()
}

/// A section with nothing in it.
pub fn base(id: &str, control: Option<&str>, title: &str, asks: &str, result: Outcome) -> Section {
    Section {
        id: id.into(),
        control: control.map(String::from),
        title: title.into(),
        asks: asks.into(),
        directness: control.map(|_| "direct".into()),
        notes: String::new(),
        query: None,
        question: Value::Null,
        result,
        findings: vec![],
        metrics: vec![],
        charts: vec![],
        tables: vec![],
        sample: None,
    }
}

/// A finding.
pub fn finding(severity: Severity, kind: &str, text: &str, log_indexes: &[u64], count: u64) -> Finding {
    Finding {
        severity,
        kind: kind.into(),
        text: text.into(),
        log_indexes: log_indexes.to_vec(),
        count,
    }
}
