//! A section of a control: its population, what must be looked at, groups, rows, a sample; or what its checks found.

use super::names::{self, column, metric};
use super::{Making, check, exceptions};
use crate::store::report_reads::{self, Population};
use crate::store::tiles::Stored;
use auditlog_core::erase::hex;
use auditlog_query::Limits;
use auditlog_report::framework::check::NO_EVIDENCE;
use auditlog_report::framework::{Control, Parameters};
use auditlog_report::model::{Chart, Form, Metric, Outcome, Sample, Sampled, Section, Series, Table};
use auditlog_tlog::proof;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Groups that a section shows at most.
const MOST_GROUPS: i64 = 50;
/// Events of a sample.
const SAMPLE: i64 = 25;
/// Fields of events that are no larger than people read.
const LONGEST_VALUE: usize = 2_000;

/// The section of a control.
pub(super) fn of_control(making: &Making, control: &Control, parameters: &Parameters) -> Section {
    let mut section = Section {
        id: id(&control.control),
        control: Some(control.control.clone()),
        title: control.title.clone(),
        asks: control.asks.clone(),
        directness: Some(control.directness.label().to_owned()),
        notes: control.notes.clone(),
        query: None,
        question: control.question(parameters),
        result: Outcome::NoEvidence,
        findings: Vec::new(),
        metrics: Vec::new(),
        charts: Vec::new(),
        tables: Vec::new(),
        sample: None,
    };
    let mut has_evidence = false;
    if let Some(query) = &control.query {
        let query = parameters.expand(query);
        let metrics: Vec<String> = control
            .metrics
            .iter()
            .map(|measure| measure.name().to_owned())
            .collect();
        let found = exceptions::of_control(making, control, &query, parameters);
        let asked = Asked {
            query: &query,
            groups: &control.group_by,
            metrics: &metrics,
            fields: &control.fields,
            exceptions: &found.places,
            in_all: found.in_all,
        };
        has_evidence = fill(making, &asked, &mut section) > 0;
        section.findings = found.findings;
        section.query = Some(query);
    }
    if !control.checks.is_empty() {
        has_evidence |= check::fill(making, control, parameters, &mut section);
    }
    if !control.derived.is_empty() {
        let names: Vec<String> = control
            .derived
            .iter()
            .map(|name| names::label(name).to_lowercase())
            .collect();
        if !section.notes.is_empty() {
            section.notes.push(' ');
        }
        section.notes += &format!("Not in the log, to be added from elsewhere: {}.", names.join(", "));
    }
    section
        .findings
        .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    // That something cannot be answered is no fault, and never passes.
    let unanswered = section
        .findings
        .iter()
        .filter(|finding| finding.kind == NO_EVIDENCE)
        .count();
    section.result = match (section.findings.len() > unanswered, has_evidence && unanswered == 0) {
        (true, _) => Outcome::Findings,
        (false, true) => Outcome::Clean,
        (false, false) => Outcome::NoEvidence,
    };
    section
}

/// Letters, digits, `.` and `-` of a number.
pub(super) fn id(control: &str) -> String {
    let mut id = String::new();
    for letter in control.chars() {
        match letter {
            letter if letter.is_ascii_alphanumeric() || letter == '.' => id.push(letter),
            _ if id.ends_with('-') => {}
            _ => id.push('-'),
        }
    }
    id.trim_matches('-').to_owned()
}

/// The query for machines.
pub(super) fn question(query: &str) -> Value {
    let parsed = auditlog_query::parse(query, &Limits::default());
    parsed.map_or(Value::Null, |parsed| {
        auditlog_query::json::to_json(&parsed.expr, auditlog_query::json::Spans::Hidden)
    })
}

/// What a section shows of a population.
pub(super) struct Asked<'a> {
    pub query: &'a str,
    pub groups: &'a [String],
    pub metrics: &'a [String],
    pub fields: &'a [String],
    /// Places that must be looked at.
    pub exceptions: &'a [i64],
    /// How many of them there are in all.
    pub in_all: u64,
}

/// Fills in metrics, course, groups, rows and sample; returns how many events there are.
pub(super) fn fill(making: &Making, asked: &Asked<'_>, section: &mut Section) -> u64 {
    let of = making.population(asked.query);
    let found = report_reads::section(&of, asked.groups, asked.metrics, &making.seed(), MOST_GROUPS, SAMPLE);
    let counts = &found["metrics"];
    let count = counts["count"].as_u64().unwrap_or(0);
    section.metrics.extend(metrics(asked.metrics, counts));
    if count == 0 {
        return 0;
    }
    section.charts.extend(course(making, &found));
    if !asked.groups.is_empty() {
        section.tables.push(groups(asked.groups, &found));
    }
    section.tables.push(rows(making, asked, &of, count));
    section.sample = Some(sample(making, asked.fields, &found, count));
    count
}

fn metrics(wanted: &[String], counts: &Value) -> Vec<Metric> {
    let wanted = ["count", "distinct_actors", "distinct_resources"]
        .into_iter()
        .map(str::to_owned)
        .chain(
            (wanted.iter())
                .filter(|name| !matches!(name.as_str(), "count" | "distinct_actors" | "distinct_resources"))
                .cloned(),
        );
    let mut found: Vec<Metric> = wanted.map(|name| metric(&name, counts[&name].clone())).collect();
    for name in ["first", "last"] {
        if !counts[name].is_null() {
            found.push(metric(name, names::time(&counts[name])));
        }
    }
    found
}

/// Events over time, when there is more than one bar.
pub(super) fn course(making: &Making, found: &Value) -> Option<Chart> {
    let width = found["width"].as_i64()?;
    let bars = found["series"].as_array()?;
    let buckets = making.buckets(width);
    let mut values = vec![0.0; buckets.len()];
    for bar in bars {
        let (at, n) = (bar[0].as_u64()? as usize, bar[1].as_f64()?);
        if let Some(value) = values.get_mut(at) {
            *value = n;
        }
    }
    (buckets.len() > 1).then(|| {
        let unit = unit(width);
        Chart {
            title: format!("Events per {unit}"),
            alt: format!("Bars: the number of events in each {unit} of the period; the table has the numbers."),
            form: Form::Bars,
            unit: "events".to_owned(),
            x: buckets,
            series: vec![Series {
                name: "Events".to_owned(),
                values,
            }],
        }
    })
}

/// What buckets of so many seconds are called.
pub(super) fn unit(width: i64) -> &'static str {
    match width {
        3_600 => "hour",
        86_400 => "day",
        _ => "week",
    }
}

fn groups(by: &[String], found: &Value) -> Table {
    let mut columns: Vec<_> = by.iter().map(|path| column(path)).collect();
    columns.extend(["count", "distinct_actors", "distinct_resources", "first", "last"].map(column));
    let rows = found["groups"].as_array().into_iter().flatten().map(|group| {
        let keys = group["keys"].as_array().cloned().unwrap_or_default();
        let counts = ["count", "distinct_actors", "distinct_resources"].map(|name| group[name].clone());
        let times = ["first", "last"].map(|name| names::time(&group[name]));
        keys.into_iter().chain(counts).chain(times).collect()
    });
    let labels: Vec<String> = by.iter().map(|path| names::label(path).to_lowercase()).collect();
    Table {
        name: "groups".to_owned(),
        caption: format!("By {}", labels.join(" and ")),
        columns,
        rows: rows.collect(),
        exceptions: 0,
        total: found["group_count"].as_u64().unwrap_or(0),
    }
}

fn rows(making: &Making, asked: &Asked<'_>, of: &Population<'_>, count: u64) -> Table {
    let fields = with_place(asked.fields);
    let most = making.max_rows();
    let found = report_reads::rows(of, asked.exceptions, most);
    let exceptions = found.iter().filter(|row| row.is_exception).count() as u64;
    let caption = match (asked.in_all, exceptions) {
        (0, _) => "Events".to_owned(),
        (all, shown) if all == shown => format!("Events, the {all} that must be looked at first"),
        (all, shown) => format!("Events, {shown} of the {all} that must be looked at first"),
    };
    Table {
        name: "rows".to_owned(),
        caption,
        columns: fields.iter().map(|path| column(path)).collect(),
        rows: (found.iter())
            .map(|row| {
                values(&fields, row.log_index, &row.document)
                    .into_iter()
                    .map(shortened)
                    .collect()
            })
            .collect(),
        exceptions,
        total: count,
    }
}

/// The place comes first.
fn with_place(fields: &[String]) -> Vec<String> {
    let rest = fields.iter().filter(|field| *field != "log_index").cloned();
    std::iter::once("log_index".to_owned()).chain(rest).collect()
}

fn values(fields: &[String], place: u64, document: &Value) -> Vec<Value> {
    let value = |path: &String| match path.as_str() {
        "log_index" => json!(place),
        path => names::at(document, path),
    };
    fields.iter().map(value).collect()
}

/// What is longer than anybody reads is cut: the export has it whole. Not in samples, which are compared with their events.
fn shortened(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONGEST_VALUE => {
            let mut end = LONGEST_VALUE;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            Value::String(format!("{}…", &text[..end]))
        }
        Value::Object(_) | Value::Array(_) if value.to_string().len() > LONGEST_VALUE => {
            shortened(Value::String(value.to_string()))
        }
        other => other,
    }
}

fn sample(making: &Making, fields: &[String], found: &Value, of: u64) -> Sample {
    let places: Vec<i64> = (found["sample"].as_array().into_iter().flatten())
        .filter_map(Value::as_i64)
        .collect();
    let items = report_reads::sample(&places).into_iter().map(|drawn| Sampled {
        log_index: drawn.log_index,
        entry_hash: hex(&drawn.entry_hash),
        values: values(fields, drawn.log_index, &drawn.document),
        record: STANDARD.encode(without_salt(drawn.record)),
        proof: inclusion(making, drawn.log_index),
    });
    Sample {
        seed: making.seed(),
        of,
        columns: fields.iter().map(|path| column(path)).collect(),
        items: items.collect(),
    }
}

/// Personal values make way for their commitments, as after an erasure, so that nothing is handed out that an erasure could not
/// reach: with the salt an erased value could be guessed. The entry's hash is the same.
fn without_salt(record: Vec<u8>) -> Vec<u8> {
    let parsed = auditlog_bundle::Record::parse(&record);
    let redacted = parsed
        .ok()
        .and_then(|parsed| auditlog_bundle::redact::redact(&parsed).ok().flatten());
    redacted.map_or(record, |(bytes, _)| bytes)
}

/// The audit path to the report's checkpoint; none without one.
fn inclusion(making: &Making, place: u64) -> Vec<String> {
    let Some(checkpoint) = &making.proof else {
        return Vec::new();
    };
    let path = proof::inclusion(place, checkpoint.size, &Stored);
    path.map(|path| path.iter().map(|hash| hex(hash)).collect())
        .unwrap_or_default()
}
