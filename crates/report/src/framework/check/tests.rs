//! Each test passes on good evidence, finds a planted fault, and never passes without evidence.

mod faults;
mod good;

use super::{Checked, NO_EVIDENCE, evaluate};
use crate::framework::builtin::builtin;
use crate::framework::evidence::{Evidence, FieldPresence};
use crate::framework::period::DAY_US;
use crate::framework::{Check, Filter, Moment, Parameters, Period, RequiredField, Test, TestKind};
use crate::model::Outcome;
use good::good;

/// Ten days from here.
const SINCE: i64 = 20_000 * DAY_US;

fn at(days: i64) -> Moment {
    Moment(SINCE + days * DAY_US)
}

fn period() -> Period {
    Period {
        since: at(0),
        until: at(10),
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// The check with one test, and a bound that good evidence keeps.
fn check(kind: TestKind) -> Check {
    let limit = match kind {
        TestKind::RequiredFields => 100,
        TestKind::ShipLag | TestKind::ActualDays => 300,
        TestKind::OnlineDays => 180,
        TestKind::IdleLogins => 90,
        TestKind::DaysToFull => 30,
        TestKind::ListReviewed => 365,
        TestKind::MinutesToAck => 60,
        _ => 1_000,
    };
    let required = (kind == TestKind::RequiredFields).then(|| RequiredField {
        field: "actor.id".to_owned(),
        of: None,
    });
    Check {
        state: kind.state(),
        tests: vec![Test {
            kind,
            bound: kind.comparison().map(|_| crate::framework::Bound::Number(limit)),
        }],
        filter: vec![],
        required_fields: required.into_iter().collect(),
    }
}

fn run(check: &Check, evidence: &Evidence) -> Checked {
    evaluate(check, evidence, &Parameters::default(), &period(), &[])
}

#[test]
fn good_evidence_passes_and_none_never_does() {
    for kind in TestKind::ALL {
        let found = run(&check(kind), &good());
        assert_eq!(
            (found.outcome, &found.findings),
            (Outcome::Clean, &vec![]),
            "{}",
            kind.name()
        );
        assert!(!found.tables.is_empty() && !found.metrics.is_empty(), "{}", kind.name());
        let found = run(&check(kind), &Evidence::default());
        assert_eq!(found.outcome, Outcome::NoEvidence, "{}", kind.name());
        assert!(
            found
                .findings
                .iter()
                .all(|one| one.kind == NO_EVIDENCE && one.text.contains("; "))
        );
    }
}

#[test]
fn filters_choose_rows() {
    let mut evidence = good();
    evidence.alerts[0].acknowledged_at = None;
    let mut asked = check(TestKind::AllAcknowledged);
    for (severity, expected) in [("critical", Outcome::Findings), ("warning", Outcome::NoEvidence)] {
        asked.filter = vec![(Filter::Severity, vec![severity.to_owned()])];
        assert_eq!(run(&asked, &evidence).outcome, expected, "{severity}");
    }
    let mut asked = check(TestKind::EveryPeriodSignedOff);
    asked.filter = vec![(Filter::Classification, vec!["phi".to_owned()])];
    // a review of all is one of phi, one of chd is not
    assert_eq!(run(&asked, &evidence).outcome, Outcome::Clean);
    evidence.reviews[0].classification = vec!["chd".to_owned()];
    assert_eq!(run(&asked, &evidence).outcome, Outcome::Findings);
}

#[test]
fn tables_have_findings_first_and_the_columns_that_were_named() {
    let mut evidence = good();
    evidence.samples[200].offset_ms = Some(2_000.0);
    evidence.samples[7].offset_ms = Some(3_000.0);
    let fields: Vec<String> = ["offset_ms", "checked_at", "gaps"].map(str::to_owned).into();
    let found = evaluate(
        &check(TestKind::ClockOffset),
        &evidence,
        &Parameters::default(),
        &period(),
        &fields,
    );
    let table = &found.tables[0];
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(columns, ["offset_ms", "checked_at"]);
    assert_eq!((table.exceptions, table.total, table.rows.len()), (2, 240, 240));
    let first: Vec<f64> = table.rows[..3].iter().filter_map(|row| row[0].as_f64()).collect();
    assert_eq!(first, [3_000.0, 2_000.0, -0.4]);
    let found = run(&check(TestKind::MinutesToAck), &good());
    let alerts = &found.tables[0];
    let minutes = alerts.columns.iter().position(|column| column.name == "minutes_to_ack");
    assert_eq!(alerts.rows[0][minutes.expect("a column")], 60);
}

/// All checks of all frameworks, with their own parameters: nothing on good evidence, and never a pass on none.
#[test]
fn built_in_checks_hold_on_good_evidence() {
    for framework in builtin() {
        let parameters = Parameters::of(&framework.parameters);
        for control in &framework.controls {
            for check in &control.checks {
                let mut evidence = good();
                evidence.retention[0].policy_days = None;
                evidence.retention[0].removed_after_days = None;
                if check.tests.iter().any(|test| test.kind == TestKind::WithinMaximum) {
                    evidence.retention[0].policy_days = Some(400);
                }
                evidence.fields = check
                    .required_fields
                    .iter()
                    .map(|one| FieldPresence {
                        field: one.field.clone(),
                        of: one.of.clone(),
                        present: 9,
                        total: 9,
                        missing_examples: vec![],
                    })
                    .collect();
                let run = |evidence| evaluate(check, evidence, &parameters, &period(), &control.fields);
                let name = format!("{} {}", framework.id, control.control);
                let found = run(&evidence);
                assert_eq!(found.findings, vec![], "{name}");
                let shown: usize = found.tables.iter().map(|table| table.columns.len()).sum();
                assert!(shown > 0, "{name}");
                assert_eq!(run(&Evidence::default()).outcome, Outcome::NoEvidence, "{name}");
            }
        }
    }
}

#[test]
fn evidence_is_written_and_read_as_json() {
    let json = serde_json::to_string(&good()).expect("JSON");
    let again: Evidence = serde_json::from_str(&json).expect("evidence");
    assert_eq!(again, good());
}
