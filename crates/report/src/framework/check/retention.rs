//! Tests of retention.

use super::Judge;
use crate::framework::{Test, TestKind};
use crate::model::Severity;

pub(super) fn test(judge: &mut Judge<'_>, test: &Test) {
    let rows = &judge.evidence.retention;
    if rows.is_empty() {
        return judge.unknown(
            "no class of events is known",
            "set a retention policy (auditlog.set_retention)",
        );
    }
    let limit = judge.limit();
    match test.kind {
        TestKind::ActualDays => {
            judge.each(
                rows,
                Severity::Critical,
                |row| row.policy_days.is_some_and(|days| days < limit),
                |bad, all| format!("the policy keeps {bad} of {all} classes for less than {limit} days"),
                |row| format!("{} ({} days)", row.class, row.policy_days.unwrap_or_default()),
            );
            judge.each(
                rows,
                Severity::Critical,
                |row| row.removed_after_days.is_some_and(|days| days < limit),
                |bad, all| format!("events of {bad} of {all} classes were removed before {limit} days"),
                |row| {
                    format!(
                        "{} (after {} days)",
                        row.class,
                        row.removed_after_days.unwrap_or_default()
                    )
                },
            );
        }
        TestKind::OnlineDays => {
            judge.each(
                rows,
                Severity::Warning,
                |row| row.online_policy_days.is_some_and(|days| days < limit),
                |bad, all| format!("the policy keeps {bad} of {all} classes searchable for less than {limit} days"),
                |row| format!("{} ({} days)", row.class, row.online_policy_days.unwrap_or_default()),
            );
            judge.each(
                rows,
                Severity::Warning,
                |row| {
                    let gone = row.archived_after_days.into_iter().chain(row.removed_after_days).min();
                    gone.is_some_and(|days| days < limit)
                },
                |bad, all| format!("events of {bad} of {all} classes could not be searched for {limit} days"),
                |row| row.class.clone(),
            );
        }
        TestKind::WithinMaximum => {
            if rows.iter().all(|row| row.maximum_days.is_none()) {
                return judge.unknown(
                    "no class has a maximum",
                    "name one with maximum_days in the retention policy",
                );
            }
            judge.each(
                rows,
                Severity::Warning,
                |row| {
                    row.maximum_days
                        .is_some_and(|most| row.policy_days.is_none_or(|days| days > most))
                },
                |bad, all| format!("the policy keeps {bad} of {all} classes for longer than their maximum"),
                |row| format!("{} (at most {} days)", row.class, row.maximum_days.unwrap_or_default()),
            );
            judge.each(
                rows,
                Severity::Warning,
                // a day of grace: removal runs once a day
                |row| {
                    !row.legal_hold
                        && row
                            .maximum_days
                            .is_some_and(|most| row.actual_days > most.saturating_add(1))
                },
                |bad, all| {
                    format!("events of {bad} of {all} classes are older than their maximum, and no hold keeps them")
                },
                |row| format!("{} ({} days)", row.class, row.actual_days),
            );
        }
        TestKind::NoUnapprovedPurge => judge.each(
            rows,
            Severity::Critical,
            |row| row.unapproved_purges > 0,
            |bad, all| format!("events of {bad} of {all} classes were removed without a policy or a certificate"),
            |row| format!("{} ({} times)", row.class, row.unapproved_purges),
        ),
        _ => {}
    }
}

pub(super) fn show(judge: &mut Judge<'_>) {
    let evidence = judge.evidence;
    let rows = &evidence.retention;
    judge.table(rows);
    judge.metric("classes", "Classes of events", rows.len());
    if let Some(days) = rows.iter().filter_map(|row| row.policy_days).min() {
        judge.metric("shortest_policy_days", "Shortest policy (days)", days);
    }
    judge.metric(
        "held",
        "Classes with a hold",
        rows.iter().filter(|row| row.legal_hold).count(),
    );
}
