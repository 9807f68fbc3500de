//! What a report says. All files of a report are made of this: the JSON is it, CSV and PDF are views of it, so that the same
//! report always gives the same bytes. `schema/report.schema.json` publishes it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The format's name and version, first in every report.
pub const FORMAT: &str = "pg_auditlog report v1";

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`FORMAT`].
    pub format: String,
    /// Of which kind.
    pub kind: Kind,
    /// The title on the cover.
    pub title: String,
    /// What it was made by.
    pub definition: Definition,
    /// Whose log it is, as the administrator has set it; none when nothing is set.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub organisation: Option<String>,
    /// Its number in `auditlog.reports`.
    pub report_id: i64,
    /// Events from this time on (RFC 3339, UTC) …
    pub since: String,
    /// … until before this time.
    pub until: String,
    /// The login role that asked for it.
    pub made_by: String,
    /// When it was asked for (RFC 3339, UTC).
    pub made_at: String,
    /// What events were left out by whoever asked: the object `filters` of `generate_report`.
    pub filters: Value,
    /// What it covers, and what it does not.
    pub scope: Scope,
    /// Is the log complete and unchanged?
    pub integrity: Integrity,
    /// Figures of the whole.
    pub summary: Vec<Metric>,
    /// Charts of the whole.
    pub charts: Vec<Chart>,
    /// Its parts, in their order: the controls first, then changes to auditing, then who has seen the log.
    pub sections: Vec<Section>,
}

/// Kinds of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Of a framework.
    Compliance,
    /// Of a definition of the user's.
    Custom,
    /// Of an investigation.
    Incident,
}

/// What a report was made by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Short name, as SQL takes it: `soc2`.
    pub id: String,
    /// Full name: `SOC 2 Type II`.
    pub name: String,
    /// Version of the framework: `TSC 2017 (points of focus 2022)`.
    pub version: String,
    /// SHA-256 of the definition's text, hexadecimal.
    pub sha256: String,
}

/// What it covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The database.
    pub database: String,
    /// Version of PostgreSQL and of the extension.
    pub software: String,
    /// What is covered, a sentence each.
    pub covers: Vec<String>,
    /// What is not covered or not proven, a sentence each.
    pub limits: Vec<String>,
}

/// Is the log complete and unchanged? The block that an auditor tests first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integrity {
    /// The log's name (origin of its checkpoints).
    pub origin: String,
    /// Events of the log when the report was asked for; later ones are not part of it.
    pub log_size: u64,
    /// `log_index` of the first and the last event of the period.
    pub first_log_index: Option<u64>,
    /// See `first_log_index`.
    pub last_log_index: Option<u64>,
    /// Events of the period, before filters.
    pub events: u64,
    /// Places of the log between the first and the last that hold no row and that no certificate explains.
    pub gaps: u64,
    /// Places whose rows retention has removed under a certificate, or moved into the archive.
    pub certified: u64,
    /// Hash of the chain at the log's end (hexadecimal).
    pub head_hash: String,
    /// A signed checkpoint (C2SP signed note) that covers `log_size`, against which samples are proven.
    pub checkpoint: Option<String>,
    /// Where checkpoints are kept outside: name, state, and the newest size there.
    pub anchors: Vec<Anchor>,
    /// The last verification before the report: when, of how many events, and its result in words.
    pub verified_at: Option<String>,
    /// See `verified_at`.
    pub verified_events: Option<u64>,
    /// See `verified_at`; «clean» when nothing was found.
    pub verified_result: String,
    /// Offset of the clock that was measured last, in milliseconds.
    pub clock_offset_ms: Option<f64>,
}

/// A place outside that has checkpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// Its name.
    pub name: String,
    /// `sink` or `witness`.
    pub kind: String,
    /// Its state in words.
    pub state: String,
    /// Events that its newest checkpoint covers.
    pub size: Option<u64>,
}

/// A figure with its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// For programs: `distinct_actors`.
    pub name: String,
    /// For people: «Actors».
    pub label: String,
    /// A number or a text.
    pub value: Value,
    /// What the figure means when its label does not say it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}

/// A part of a report: a control, or a part that every report has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Unique in the report, of letters, digits, `.`, `-`: `CC6.1`.
    pub id: String,
    /// Official number of the control; none for parts that every report has.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub control: Option<String>,
    /// The title.
    pub title: String,
    /// What is asked for, in our own words.
    pub asks: String,
    /// `direct` or `supporting`: does the log prove it, or a part of it?
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub directness: Option<String>,
    /// Notes for the reader.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub notes: String,
    /// The query, in the query language; none for checks of a state.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub query: Option<String>,
    /// The same question as a JSON object of parsed conditions, or the checks: for machines.
    #[serde(skip_serializing_if = "Value::is_null", default)]
    pub question: Value,
    /// The verdict.
    pub result: Outcome,
    /// What a reviewer should look at, worst first.
    pub findings: Vec<Finding>,
    /// Counts.
    pub metrics: Vec<Metric>,
    /// Charts.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub charts: Vec<Chart>,
    /// Tables: groups, then rows with exceptions first.
    pub tables: Vec<Table>,
    /// The sample.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sample: Option<Sample>,
}

/// Verdict of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The evidence is there, and nothing in it needs a look.
    Clean,
    /// There are findings.
    Findings,
    /// There is no evidence for the period: nothing happened, or nothing was recorded.
    NoEvidence,
    /// A part that only informs.
    Information,
}

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// For programs: `self_grant`.
    pub kind: String,
    /// A sentence, without a full stop.
    pub text: String,
    /// Events that it is about, some at most.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub log_indexes: Vec<u64>,
    /// How many events or items it is about.
    pub count: u64,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Should be explained.
    Warning,
    /// Must be explained.
    Critical,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Unique in the section: `groups`, `rows`.
    pub name: String,
    /// Caption.
    pub caption: String,
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows, each as long as `columns`; a value is null, a boolean, a number, a text, or JSON to be shown as text.
    pub rows: Vec<Vec<Value>>,
    /// How many of the first rows are exceptions.
    pub exceptions: u64,
    /// How many rows there are in all; `rows` may have fewer.
    pub total: u64,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// For programs: the event's path or the name.
    pub name: String,
    /// For people.
    pub label: String,
}

/// Events drawn by chance, so that an auditor can trace each and draw the same again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The seed: events are drawn in the order of SHA-256(seed ‖ `:` ‖ log_index in decimal), lowest first.
    pub seed: String,
    /// How many events it was drawn from.
    pub of: u64,
    /// Names of the columns of `items[].values`.
    pub columns: Vec<Column>,
    /// The events, in the order of the log.
    pub items: Vec<Sampled>,
}

/// An event of a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampled {
    /// Its place.
    pub log_index: u64,
    /// The leaf of the tree: hash of the event (hexadecimal).
    pub entry_hash: String,
    /// What is shown of it.
    pub values: Vec<Value>,
    /// The event as a bundle has it (base64, docs/format.md), from which `entry_hash` is computed.
    pub record: String,
    /// The inclusion proof (RFC 6962 audit path, hexadecimal hashes) to the tree of [`Integrity::checkpoint`].
    pub proof: Vec<String>,
}

/// A chart; its numbers are in it, and are printed beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// Title.
    pub title: String,
    /// What it shows, for whom cannot see it.
    pub alt: String,
    /// What is drawn.
    pub form: Form,
    /// What the values count: «events».
    pub unit: String,
    /// Labels of the x axis, or of the bars, or of a heat map's columns.
    pub x: Vec<String>,
    /// Series; bars have one, a heat map one for each of its rows.
    pub series: Vec<Series>,
}

/// Forms of charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Horizontal or vertical bars.
    Bars,
    /// Lines over time.
    Lines,
    /// A heat map: weekday × hour.
    Heat,
}

/// A series of values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// As many as the chart's `x`.
    pub values: Vec<f64>,
}
