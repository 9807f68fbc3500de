//! What the checks of a control found.

use super::Making;
use crate::store::report_reads;
use auditlog_report::framework::check::evaluate;
use auditlog_report::framework::evidence::{Evidence, FieldPresence};
use auditlog_report::framework::{Control, Moment, Parameters, Period};
use auditlog_report::model::{Outcome, Section};
use serde_json::Value;

/// Evaluates all checks of a control; returns whether there was evidence.
pub(super) fn fill(making: &Making, control: &Control, parameters: &Parameters, section: &mut Section) -> bool {
    let period = Period {
        since: Moment(making.asked.since),
        // Of what is to come nothing can be said.
        until: Moment(making.asked.until.min(making.asked.asked_at)),
    };
    let nothing = Evidence::default();
    let mut has_evidence = false;
    for check in &control.checks {
        let mut evidence = making.evidence.as_ref().unwrap_or(&nothing).clone();
        for field in &check.required_fields {
            evidence
                .fields
                .push(presence(making, &field.field, field.of.as_deref(), parameters));
        }
        let found = evaluate(check, &evidence, parameters, &period, &control.fields);
        has_evidence |= found.outcome != Outcome::NoEvidence;
        section.findings.extend(found.findings);
        section.metrics.extend(found.metrics);
        section.tables.extend(found.tables);
    }
    has_evidence
}

fn presence(making: &Making, field: &str, of: Option<&str>, parameters: &Parameters) -> FieldPresence {
    let query = of.map(|of| parameters.expand(of)).unwrap_or_default();
    let found = report_reads::field(&making.population(&query), field);
    FieldPresence {
        field: field.to_owned(),
        of: of.map(str::to_owned),
        present: found["present"].as_u64().unwrap_or(0),
        total: found["total"].as_u64().unwrap_or(0),
        missing_examples: (found["missing_examples"].as_array().into_iter().flatten())
            .filter_map(Value::as_u64)
            .collect(),
    }
}
