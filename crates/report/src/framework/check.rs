//! What the tests of a check find in the evidence of a state.
//!
//! A test that cannot be answered from the evidence never passes: its verdict is «no evidence», with a finding that says what to switch
//! on. Where a test fails, the rows that it is about come first in the table.

mod alerts;
mod catalog;
mod chain;
mod health;
mod policy;
mod retention;
mod reviews;

use super::evidence::{self, Evidence, Row};
use super::{Check, Parameters, Period, State, Test};
use crate::model::{Finding, Metric, Outcome, Severity, Table};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Kind of the finding of a test that cannot be answered.
pub const NO_EVIDENCE: &str = "no_evidence";

/// Items that a finding names.
const NAMED: usize = 5;

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// [`Outcome::Clean`] only when each test could be answered, and passed.
    pub outcome: Outcome,
    /// The verdict of each test, in their order.
    pub tests: Vec<(Test, Outcome)>,
    /// What to look at, worst first; the kind is the test's name, or [`NO_EVIDENCE`].
    pub findings: Vec<Finding>,
    /// The evidence that was read, rows with findings first.
    pub tables: Vec<Table>,
    /// Figures of it.
    pub metrics: Vec<Metric>,
}

/// Evaluates a check. `fields` are the columns that the control names; a table that has none of them shows all of its columns.
pub fn evaluate(
    check: &Check,
    evidence: &Evidence,
    parameters: &Parameters,
    period: &Period,
    fields: &[String],
) -> Checked {
    let evidence = evidence.filtered(check);
    let mut judge = Judge {
        check,
        evidence: &evidence,
        parameters,
        period,
        fields,
        test: None,
        findings: Vec::new(),
        marks: BTreeMap::new(),
        tables: Vec::new(),
        metrics: Vec::new(),
    };
    let mut tests = Vec::new();
    for test in &check.tests {
        let before = judge.findings.len();
        judge.test = Some(test);
        match check.state {
            State::Chain => chain::test(&mut judge, test),
            State::Health => health::test(&mut judge, test),
            State::Alerts => alerts::test(&mut judge, test),
            State::Reviews => reviews::test(&mut judge, test),
            State::Retention => retention::test(&mut judge, test),
            State::Catalog => catalog::test(&mut judge, test),
            State::Policy => policy::test(&mut judge, test),
        }
        tests.push((test.clone(), verdict(&judge.findings[before..])));
    }
    match check.state {
        State::Chain => chain::show(&mut judge),
        State::Health => health::show(&mut judge),
        State::Alerts => alerts::show(&mut judge),
        State::Reviews => reviews::show(&mut judge),
        State::Retention => retention::show(&mut judge),
        State::Catalog => catalog::show(&mut judge),
        State::Policy => policy::show(&mut judge),
    }
    judge
        .findings
        .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    Checked {
        outcome: verdict(&judge.findings),
        tests,
        findings: judge.findings,
        tables: judge.tables,
        metrics: judge.metrics,
    }
}

/// Of a test, or of all: what was found counts for more than what is not known.
fn verdict(findings: &[Finding]) -> Outcome {
    if findings.iter().any(|finding| finding.kind != NO_EVIDENCE) {
        Outcome::Findings
    } else if findings.is_empty() {
        Outcome::Clean
    } else {
        Outcome::NoEvidence
    }
}

/// What a check is evaluated with, and what it has found so far.
struct Judge<'a> {
    check: &'a Check,
    evidence: &'a Evidence,
    parameters: &'a Parameters,
    period: &'a Period,
    fields: &'a [String],
    test: Option<&'a Test>,
    findings: Vec<Finding>,
    /// Rows with findings, by table.
    marks: BTreeMap<&'static str, BTreeSet<usize>>,
    tables: Vec<Table>,
    metrics: Vec<Metric>,
}

impl<'a> Judge<'a> {
    /// Something that was found by the current test.
    fn found(&mut self, severity: Severity, text: impl Into<String>, count: u64) {
        let kind = self.test.map_or(NO_EVIDENCE, |test| test.kind.name());
        self.findings.push(Finding {
            severity,
            kind: kind.to_owned(),
            text: text.into(),
            log_indexes: Vec::new(),
            count,
        });
    }

    /// The current test cannot be answered: what is missing, and what to do.
    fn unknown(&mut self, missing: &str, to_do: &str) {
        let name = self.test.map_or_else(String::new, |test| test.kind.name().to_owned());
        self.findings.push(Finding {
            severity: Severity::Warning,
            kind: NO_EVIDENCE.to_owned(),
            text: format!("{name}: {missing}; {to_do}"),
            log_indexes: Vec::new(),
            count: 0,
        });
    }

    /// The bound of the current test; 0 when it has none.
    fn limit(&self) -> u32 {
        self.test
            .and_then(|test| test.limit(self.parameters))
            .unwrap_or_default()
    }

    /// Finds the rows that are bad, marks them, and says which. `of` names the rows («of 12 alerts»), `name` one of them.
    fn each<R: Row>(
        &mut self,
        rows: &[R],
        severity: Severity,
        bad: impl Fn(&R) -> bool,
        text: impl Fn(usize, usize) -> String,
        name: impl Fn(&R) -> String,
    ) {
        let found: Vec<usize> = (0..rows.len()).filter(|at| bad(&rows[*at])).collect();
        if found.is_empty() {
            return;
        }
        self.mark::<R>(found.iter().copied());
        let named = some(found.iter().map(|at| name(&rows[*at])));
        self.found(
            severity,
            format!("{}: {named}", text(found.len(), rows.len())),
            found.len() as u64,
        );
    }

    /// These rows come first in their table.
    fn mark<R: Row>(&mut self, rows: impl IntoIterator<Item = usize>) {
        self.marks.entry(R::TABLE).or_default().extend(rows);
    }

    /// Adds the table of the rows, when there are some.
    fn table<R: Row>(&mut self, rows: &[R]) {
        if rows.is_empty() {
            return;
        }
        let none = BTreeSet::new();
        let marks = self.marks.get(R::TABLE).unwrap_or(&none);
        self.tables.push(evidence::table(rows, marks, self.fields));
    }

    fn metric(&mut self, name: &str, label: &str, value: impl Into<Value>) {
        self.metrics.push(Metric {
            name: name.to_owned(),
            label: label.to_owned(),
            value: value.into(),
            note: None,
        });
    }

    /// Is one of these tests asked?
    fn asks(&self, kinds: &[super::TestKind]) -> bool {
        self.check.tests.iter().any(|test| kinds.contains(&test.kind))
    }
}

/// The first of the names, and how many there are besides.
fn some(names: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = names.collect();
    let mut text = all[..all.len().min(NAMED)].join(", ");
    if all.len() > NAMED {
        text.push_str(&format!(" and {} more", all.len() - NAMED));
    }
    text
}

/// «once», «3 times»
fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// A share in percent with one decimal, cut down so that 100 means all.
fn percent(part: usize, whole: usize) -> f64 {
    match whole {
        0 => 0.0,
        whole => (part * 1000 / whole) as f64 / 10.0,
    }
}

#[cfg(test)]
mod tests;
