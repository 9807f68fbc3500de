//! Tests of what is audited.

use super::{Judge, percent};
use crate::framework::{Test, TestKind};
use crate::model::Severity;

pub(super) fn test(judge: &mut Judge<'_>, test: &Test) {
    let evidence = judge.evidence;
    let (types, coverage) = (&evidence.event_types, &evidence.coverage);
    let limit = judge.limit();
    match test.kind {
        TestKind::EventTypesSelected | TestKind::ListReviewed if types.is_empty() => {
            judge.unknown(
                "nobody has chosen event types",
                "decide which types are recorded, with a reason for each",
            );
        }
        TestKind::EventTypesSelected => judge.each(
            types,
            Severity::Warning,
            |one| {
                one.capable
                    && (one.selected.is_none()
                        || one.rationale.as_deref().is_none_or(|reason| reason.trim().is_empty()))
            },
            |bad, all| format!("for {bad} of {all} event types there is no decision with a reason"),
            |one| one.event_type.clone(),
        ),
        TestKind::ListReviewed => {
            let until = judge.period.until;
            judge.each(
                types,
                Severity::Warning,
                |one| one.reviewed_at.is_none_or(|at| at.days_until(until) > i64::from(limit)),
                |bad, all| format!("the decision on {bad} of {all} event types was not reviewed within {limit} days"),
                |one| one.event_type.clone(),
            );
        }
        TestKind::ComponentsCovered => {
            let known = coverage.iter().any(|one| one.object.is_none());
            if !known {
                return judge.unknown(
                    "no component is known",
                    "name the databases and applications that must record events",
                );
            }
            judge.each(
                coverage,
                Severity::Warning,
                |one| one.object.is_none() && (!one.audited || one.last_event_at.is_none()),
                |bad, _| format!("{bad} components record no events"),
                |one| one.component.clone(),
            );
        }
        TestKind::ObjectsAudited => {
            if !coverage
                .iter()
                .any(|one| one.object.is_some() && !one.classification.is_empty())
            {
                return judge.unknown(
                    "no object has such a classification",
                    "label the tables that hold classified data",
                );
            }
            judge.each(
                coverage,
                Severity::Critical,
                |one| one.object.is_some() && !one.classification.is_empty() && !one.audited,
                |bad, _| format!("{bad} objects with a classification are not audited"),
                |one| format!("{}.{}", one.component, one.object.as_deref().unwrap_or_default()),
            );
            let since = judge.period.since;
            judge.each(
                coverage,
                Severity::Note,
                |one| {
                    let named = one.object.is_some() && !one.classification.is_empty() && one.audited;
                    named && one.enabled_since.is_some_and(|at| at > since)
                },
                |bad, _| format!("{bad} objects with a classification are audited since a part of the period only"),
                |one| format!("{}.{}", one.component, one.object.as_deref().unwrap_or_default()),
            );
        }
        _ => {}
    }
}

pub(super) fn show(judge: &mut Judge<'_>) {
    let evidence = judge.evidence;
    if judge.asks(&[TestKind::EventTypesSelected, TestKind::ListReviewed]) {
        let types = &evidence.event_types;
        judge.table(types);
        judge.metric("event_types", "Event types", types.len());
        let chosen = types.iter().filter(|one| one.selected == Some(true)).count();
        judge.metric("selected_event_types", "Recorded event types", chosen);
    }
    if judge.asks(&[TestKind::ComponentsCovered, TestKind::ObjectsAudited]) {
        let coverage = &evidence.coverage;
        judge.table(coverage);
        let audited = coverage.iter().filter(|one| one.audited).count();
        judge.metric("audited_pct", "Audited (%)", percent(audited, coverage.len()));
    }
}
