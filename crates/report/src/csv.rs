//! A report as one CSV file.
//!
//! **One header, one row for each value.** A report has dozens of tables, each with columns of its own. A block for each table
//! with its own header reads well on paper, and in nothing else: pandas and Excel take the first line for the header of all, and a
//! row of one table sorts among those of another. Columns `c1 … cN` lose what they mean. So the file is in long form, the one
//! form in which every table has the same columns:
//!
//! ```text
//! section,control,part,table,row,exception,column,type,value
//! "CC6.1","CC6.1","table","rows",1,"true","actor.id","text","ann"
//! "CC6.1","CC6.1","metric","metrics",1,"","count","number",1042
//! ```
//!
//! A filter on `part` and `table` (Excel: filter, pivot; SQL: `WHERE`) gives any table back:
//! `df[(df.part == "table") & (df.table == "rows")].pivot(index=["section", "row"], columns="column", values="value")`; and
//! what one table in one section can't show is one filter as well: all exceptions of all controls (`exception == "true"`), every
//! figure (`part == "metric"`), every finding.
//!
//! | `part` | `table` | a `row` is |
//! | --- | --- | --- |
//! | `report`, `scope`, `integrity` | the same | 1 |
//! | `anchor` | `anchors` | a place outside that has checkpoints |
//! | `section` | `section` | 1: title, what is asked, query, result |
//! | `finding` | `findings` | a finding, worst first |
//! | `metric` | `metrics` | 1: a column for each figure, by its name |
//! | `chart` | the chart's number and title | a value: `series`, `x`, `value` |
//! | `table` | the table's name | a row of it; `exception` is `true` or `false` |
//! | `sample` | `sample` | a sampled event |
//!
//! The section of what belongs to no section is `report`. `type` is that of JSON (`null`, `boolean`, `number`, `text`, `json`), so
//! that NULL and the empty text differ; lists and objects are JSON text. Records and proofs of samples are left out: they are
//! bytes for `auditlog verify`, longer than a cell of Excel takes (32,767 characters), and in `report.json`.
//!
//! RFC 4180 with lines that end in CR LF, UTF-8; everything but numbers is quoted, whatever a spreadsheet takes for the end of a
//! cell. Texts that a spreadsheet would take for a formula have an apostrophe in front ([`auditlog_format::is_formula`]).

use std::borrow::Cow;
use std::io;

use csv::{QuoteStyle, Terminator, WriterBuilder};
use serde::Serialize;
use serde_json::Value;

use crate::model::{Chart, Column, Finding, Metric, Report, Sample, Section, Table};

/// The section of what belongs to none; no section has this id.
pub const WHOLE: &str = "report";

/// The header.
pub const HEADER: [&str; 9] = [
    "section",
    "control",
    "part",
    "table",
    "row",
    "exception",
    "column",
    "type",
    "value",
];

/// The bytes of `report.csv`; the same report gives the same bytes.
///
/// # Panics
/// Never: nothing fails when memory is written to.
pub fn to_bytes(report: &Report) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(report, &mut bytes).expect("memory takes what is written");
    bytes
}

/// Writes `report.csv`, a row at a time.
///
/// # Errors
/// Of `out`.
pub fn write(report: &Report, out: impl io::Write) -> io::Result<()> {
    let csv = WriterBuilder::new()
        .quote_style(QuoteStyle::NonNumeric)
        .terminator(Terminator::CRLF)
        .from_writer(out);
    let mut writer = Writer {
        csv,
        section: Cow::Borrowed(WHOLE),
        control: Cow::Borrowed(""),
    };
    writer.csv.write_record(HEADER)?;
    writer.report(report)?;
    for section in &report.sections {
        writer.section = safe(&section.id);
        writer.control = safe(section.control.as_deref().unwrap_or_default());
        writer.section(section)?;
    }
    writer.csv.flush()
}

/// Where a value is.
#[derive(Clone, Copy)]
struct At<'a> {
    part: &'a str,
    table: &'a str,
    /// From 1.
    row: usize,
    /// Empty where nothing can be one.
    exception: &'a str,
}

impl<'a> At<'a> {
    fn new(part: &'a str, table: &'a str, row: usize) -> Self {
        Self {
            part,
            table,
            row,
            exception: "",
        }
    }

    fn only(part: &'a str) -> Self {
        Self::new(part, part, 1)
    }
}

struct Writer<'r, W: io::Write> {
    csv: csv::Writer<W>,
    section: Cow<'r, str>,
    control: Cow<'r, str>,
}

impl<'r, W: io::Write> Writer<'r, W> {
    fn report(&mut self, report: &Report) -> io::Result<()> {
        let at = At::only("report");
        self.value(at, "format", &report.format)?;
        self.value(at, "kind", report.kind)?;
        self.value(at, "title", &report.title)?;
        self.members(at, "definition.", &report.definition)?;
        self.value(at, "organisation", &report.organisation)?;
        self.value(at, "report_id", report.report_id)?;
        self.value(at, "since", &report.since)?;
        self.value(at, "until", &report.until)?;
        self.value(at, "made_by", &report.made_by)?;
        self.value(at, "made_at", &report.made_at)?;
        self.value(at, "filters", &report.filters)?;
        self.members(At::only("scope"), "", &report.scope)?;
        let at = At::only("integrity");
        let Value::Object(mut integrity) = json(&report.integrity) else {
            return Ok(());
        };
        integrity.shift_remove("anchors");
        for (name, value) in &integrity {
            self.cell(at, name, value)?;
        }
        for (row, anchor) in (1..).zip(&report.integrity.anchors) {
            self.members(At::new("anchor", "anchors", row), "", anchor)?;
        }
        self.metrics(&report.summary)?;
        self.charts(&report.charts)
    }

    fn section(&mut self, section: &Section) -> io::Result<()> {
        let at = At::only("section");
        self.value(at, "title", &section.title)?;
        self.value(at, "asks", &section.asks)?;
        self.value(at, "directness", &section.directness)?;
        self.value(at, "notes", &section.notes)?;
        self.value(at, "query", &section.query)?;
        self.value(at, "question", &section.question)?;
        self.value(at, "result", section.result)?;
        for (row, finding) in (1..).zip(&section.findings) {
            self.finding(At::new("finding", "findings", row), finding)?;
        }
        self.metrics(&section.metrics)?;
        self.charts(&section.charts)?;
        for table in &section.tables {
            self.table(table)?;
        }
        section.sample.as_ref().map_or(Ok(()), |sample| self.sample(sample))
    }

    fn finding(&mut self, at: At<'_>, finding: &Finding) -> io::Result<()> {
        self.value(at, "severity", finding.severity)?;
        self.value(at, "kind", &finding.kind)?;
        self.value(at, "text", &finding.text)?;
        self.value(at, "count", finding.count)?;
        self.value(at, "log_indexes", &finding.log_indexes)
    }

    fn metrics(&mut self, metrics: &[Metric]) -> io::Result<()> {
        let at = At::new("metric", "metrics", 1);
        metrics
            .iter()
            .try_for_each(|metric| self.cell(at, &metric.name, &metric.value))
    }

    fn charts(&mut self, charts: &[Chart]) -> io::Result<()> {
        for (number, chart) in (1..).zip(charts) {
            let name = format!("{number}: {}", chart.title);
            let mut row = 0;
            for series in &chart.series {
                for (x, value) in chart.x.iter().zip(&series.values) {
                    row += 1;
                    let at = At::new("chart", &name, row);
                    self.value(at, "series", &series.name)?;
                    self.value(at, "x", x)?;
                    self.value(at, "value", value)?;
                }
            }
        }
        Ok(())
    }

    fn table(&mut self, table: &Table) -> io::Result<()> {
        for (row, values) in (1..).zip(&table.rows) {
            let is_exception = row as u64 <= table.exceptions;
            let at = At {
                exception: if is_exception { "true" } else { "false" },
                ..At::new("table", &table.name, row)
            };
            self.row(at, &table.columns, values)?;
        }
        Ok(())
    }

    fn sample(&mut self, sample: &Sample) -> io::Result<()> {
        for (row, item) in (1..).zip(&sample.items) {
            let at = At::new("sample", "sample", row);
            self.value(at, "seed", &sample.seed)?;
            self.value(at, "of", sample.of)?;
            self.value(at, "place", item.log_index)?;
            self.value(at, "leaf", &item.entry_hash)?;
            self.row(at, &sample.columns, &item.values)?;
        }
        Ok(())
    }

    fn row(&mut self, at: At<'_>, columns: &[Column], values: &[Value]) -> io::Result<()> {
        let cells = columns.iter().zip(values);
        cells
            .into_iter()
            .try_for_each(|(column, value)| self.cell(at, &column.name, value))
    }

    /// Each member of an object.
    fn members(&mut self, at: At<'_>, prefix: &str, object: impl Serialize) -> io::Result<()> {
        let Value::Object(members) = json(object) else {
            return Ok(());
        };
        members
            .iter()
            .try_for_each(|(name, value)| self.cell(at, &format!("{prefix}{name}"), value))
    }

    fn value(&mut self, at: At<'_>, column: &str, value: impl Serialize) -> io::Result<()> {
        self.cell(at, column, &json(value))
    }

    fn cell(&mut self, at: At<'_>, column: &str, value: &Value) -> io::Result<()> {
        let (kind, text) = match value {
            Value::Null => ("null", Cow::Borrowed("")),
            Value::Bool(true) => ("boolean", Cow::Borrowed("true")),
            Value::Bool(false) => ("boolean", Cow::Borrowed("false")),
            Value::Number(number) => ("number", Cow::Owned(number.to_string())),
            Value::String(text) => ("text", safe(text)),
            Value::Array(_) | Value::Object(_) => ("json", Cow::Owned(value.to_string())),
        };
        let row = at.row.to_string();
        let (table, column) = (safe(at.table), safe(column));
        self.csv.write_record([
            &*self.section,
            &*self.control,
            at.part,
            &*table,
            &row,
            at.exception,
            &*column,
            kind,
            &*text,
        ])?;
        Ok(())
    }
}

/// # Panics
/// Never: parts of a report are JSON.
fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).expect("a part of a report is JSON")
}

/// A text that no spreadsheet takes for a formula.
fn safe(text: &str) -> Cow<'_, str> {
    if auditlog_format::is_formula(text.as_bytes()) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}
