//! Figures of a report that must fit each other: a number that was changed in one place only is found here.

use std::collections::HashSet;

use auditlog_core::document::parse_timestamp;
use auditlog_core::encode::parse_hex;
use serde_json::Value;

use super::Verified;
use crate::csv::WHOLE;
use crate::model::{Chart, Form, Integrity, Metric, Outcome, Report, Section, Severity, Table};

/// The metric that counts the events of a section.
const COUNT: &str = "count";
/// The metric that counts the exceptions of a section.
const EXCEPTIONS: &str = "exceptions";
/// The table that lists the events of a section.
const ROWS: &str = "rows";
/// The table that counts the events of a section by group.
const GROUPS: &str = "groups";

/// Checks a report against itself.
pub(super) fn check(report: &Report, verified: &mut Verified) {
    let mut checker = Checker { verified };
    checker.head(report);
    checker.integrity(&report.integrity);
    checker.metrics("the summary", &report.summary);
    checker.charts("the summary", &report.charts);
    if let Some(events) = figure(&report.summary, "events") {
        checker.expect(events <= report.integrity.events, || {
            format!(
                "the summary counts {events} events, the period has {}",
                report.integrity.events
            )
        });
    }
    let mut ids = HashSet::new();
    for section in &report.sections {
        let id = &section.id;
        let named = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
        checker.expect(named && id != WHOLE && ids.insert(id), || {
            format!("the section «{}» has no id of its own", id.escape_debug())
        });
        checker.section(report, section);
    }
}

/// The whole number of a metric.
fn figure(metrics: &[Metric], name: &str) -> Option<u64> {
    metrics.iter().find(|metric| metric.name == name)?.value.as_u64()
}

struct Checker<'a> {
    verified: &'a mut Verified,
}

impl Checker<'_> {
    fn expect(&mut self, fits: bool, detail: impl FnOnce() -> String) {
        if !fits {
            self.verified.find("count", detail());
        }
    }

    fn head(&mut self, report: &Report) {
        let times = [&report.since, &report.until, &report.made_at].map(|text| parse_timestamp(text));
        let [since, until, made_at] = times;
        self.expect(since.is_some() && until.is_some() && made_at.is_some(), || {
            "since, until and made_at are not all moments".to_owned()
        });
        self.expect(since <= until, || "the period ends before it begins".to_owned());
        let hashes = [&report.definition.sha256, &report.integrity.head_hash];
        self.expect(hashes.into_iter().all(|text| parse_hex(text).is_some()), || {
            "the definition's SHA-256 or the head's hash is none".to_owned()
        });
    }

    fn integrity(&mut self, of: &Integrity) {
        self.expect(of.events <= of.log_size && of.certified <= of.log_size, || {
            "the period has more events than the log".to_owned()
        });
        self.expect(of.verified_events.is_none_or(|events| events <= of.log_size), || {
            "more events were verified than the log has".to_owned()
        });
        match (of.first_log_index, of.last_log_index) {
            (None, None) => self.expect(of.events == 0 && of.gaps == 0, || {
                format!(
                    "there are {} events and {} gaps, but no first and last event",
                    of.events, of.gaps
                )
            }),
            (Some(first), Some(last)) if first <= last && last < of.log_size => {
                let span = last - first + 1;
                let places = of.events.checked_add(of.gaps);
                self.expect(of.events > 0 && places.is_some_and(|places| places <= span), || {
                    format!(
                        "{} events and {} gaps do not fit into the {span} places from log_index {first} to {last}",
                        of.events, of.gaps
                    )
                });
            }
            _ => self.expect(false, || {
                "the first and the last event are not in their order within the log".to_owned()
            }),
        }
    }

    fn metrics(&mut self, at: &str, metrics: &[Metric]) {
        let mut names = HashSet::new();
        let twice = metrics.iter().find(|metric| !names.insert(&metric.name));
        self.expect(twice.is_none(), || format!("{at} has a figure twice"));
    }

    fn charts(&mut self, at: &str, charts: &[Chart]) {
        for chart in charts {
            let whole = chart.series.iter().all(|series| series.values.len() == chart.x.len());
            let bars = chart.form != Form::Bars || chart.series.len() == 1;
            self.expect(whole && bars, || {
                format!(
                    "{at}: the chart «{}» has not a value for each of its labels",
                    chart.title.escape_debug()
                )
            });
        }
    }

    fn section(&mut self, report: &Report, section: &Section) {
        let id = &section.id;
        self.metrics(id, &section.metrics);
        self.charts(id, &section.charts);
        for finding in &section.findings {
            let places = &finding.log_indexes;
            self.expect(
                places.len() as u64 <= finding.count && places.iter().all(|place| *place < report.integrity.log_size),
                || {
                    format!(
                        "{id}: the finding {} names more events than there are",
                        finding.kind.escape_debug()
                    )
                },
            );
        }
        let worst_first = section.findings.is_sorted_by(|a, b| a.severity >= b.severity);
        self.expect(worst_first, || format!("{id}: its findings are not in their order"));
        let grave = section.findings.iter().any(|finding| finding.severity > Severity::Note);
        let fits = match section.result {
            Outcome::Clean => !grave,
            Outcome::Findings => !section.findings.is_empty(),
            Outcome::NoEvidence | Outcome::Information => true,
        };
        self.expect(fits, || format!("{id}: its result is not that of its findings"));
        let mut names = HashSet::new();
        for table in &section.tables {
            let own = names.insert(&table.name);
            self.expect(own, || {
                format!("{id}: the table {} is there twice", table.name.escape_debug())
            });
            self.table(id, table);
        }
        self.counts(section);
    }

    fn table(&mut self, id: &str, table: &Table) {
        let at = || format!("{id}, table {}", table.name.escape_debug());
        let rows = table.rows.len() as u64;
        let mut names = HashSet::new();
        let own = table.columns.iter().all(|column| names.insert(&column.name));
        self.expect(own, || format!("{}: a column is there twice", at()));
        let whole = table.rows.iter().all(|row| row.len() == table.columns.len());
        self.expect(whole, || format!("{}: a row has not a value for each column", at()));
        self.expect(table.exceptions <= rows && rows <= table.total, || {
            let (exceptions, total) = (table.exceptions, table.total);
            format!(
                "{}: {exceptions} exceptions, {rows} rows and {total} rows in all do not fit",
                at()
            )
        });
    }

    /// The figure `count` against the tables and the sample.
    fn counts(&mut self, section: &Section) {
        let id = &section.id;
        let table = |name: &str| section.tables.iter().find(|table| table.name == name);
        let rows = table(ROWS);
        if let Some(count) = figure(&section.metrics, COUNT) {
            let listed = rows.map_or(count, |rows| rows.total);
            self.expect(listed == count, || {
                format!("{id}: it counts {count} events, its table has {listed}")
            });
            let grouped = table(GROUPS).and_then(sum).unwrap_or(count);
            self.expect(grouped == count, || {
                format!("{id}: it counts {count} events, its groups {grouped}")
            });
            let sampled = section.sample.as_ref().map_or(count, |sample| sample.of);
            self.expect(sampled == count, || {
                format!("{id}: it counts {count} events, its sample is of {sampled}")
            });
        }
        if let (Some(exceptions), Some(rows)) = (figure(&section.metrics, EXCEPTIONS), rows) {
            let shown = rows.exceptions;
            // rows that are all exceptions may be the first of more
            let fits = exceptions == shown || exceptions > shown && shown == rows.rows.len() as u64;
            self.expect(fits && exceptions <= rows.total, || {
                format!("{id}: it counts {exceptions} exceptions, its table shows {shown}")
            });
        }
    }
}

/// The events in all groups, when all groups are there and each says how many.
fn sum(groups: &Table) -> Option<u64> {
    let column = groups.columns.iter().position(|column| column.name == COUNT)?;
    if groups.rows.len() as u64 != groups.total {
        return None;
    }
    groups
        .rows
        .iter()
        .map(|row| row.get(column).and_then(Value::as_u64))
        .try_fold(0u64, |sum, count| sum.checked_add(count?))
}
