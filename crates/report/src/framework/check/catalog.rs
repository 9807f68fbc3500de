//! Tests of roles and objects.

use super::{Judge, some};
use crate::framework::evidence::{Access, CatalogRole};
use crate::framework::{Test, TestKind};
use crate::model::Severity;

const SNAPSHOT: &str = "take snapshots of the catalogue";

pub(super) fn test(judge: &mut Judge<'_>, test: &Test) {
    let evidence = judge.evidence;
    let (roles, objects) = (&evidence.roles, &evidence.objects);
    let limit = judge.limit();
    match test.kind {
        TestKind::PersonalDataProtected => {
            if objects.is_empty() {
                return judge.unknown(
                    "no object has such a classification",
                    "label the tables with personal data, and take snapshots of the catalogue",
                );
            }
            judge.each(
                objects,
                Severity::Warning,
                |object| !object.rls && !object.masking,
                |bad, all| format!("{bad} of {all} objects have neither row security nor masking"),
                |object| object.object.clone(),
            );
            judge.each(
                objects,
                Severity::Warning,
                |object| object.audit_policy.is_none(),
                |bad, all| format!("{bad} of {all} objects are not audited"),
                |object| object.object.clone(),
            );
        }
        _ if roles.is_empty() => judge.unknown("there is no snapshot of the roles", SNAPSHOT),
        TestKind::ReadersByRole => judge.each(
            roles,
            Severity::Warning,
            |role| role.reads_log == Some(Access::Grant),
            |bad, _| format!("{bad} roles can read the log beside the roles made for it"),
            |role| role.role.clone(),
        ),
        TestKind::IdleLogins => {
            judge.each(
                roles,
                Severity::Warning,
                |role| role.can_login && role.days_idle.is_some_and(|days| days > limit),
                |bad, _| format!("{bad} accounts that can log in were idle for more than {limit} days"),
                |role| format!("{} ({} days)", role.role, role.days_idle.unwrap_or_default()),
            );
            let unknown: Vec<String> = roles
                .iter()
                .filter(|role| role.can_login && role.days_idle.is_none())
                .map(|role| role.role.clone())
                .collect();
            if !unknown.is_empty() {
                let missing = format!("last logins that are not known: {}", some(unknown.into_iter()));
                judge.unknown(&missing, "record logins (auditlog.capture = login)");
            }
        }
        _ => {}
    }
}

pub(super) fn show(judge: &mut Judge<'_>) {
    let evidence = judge.evidence;
    if judge.asks(&[TestKind::PersonalDataProtected]) {
        judge.table(&evidence.objects);
        judge.metric("objects", "Objects", evidence.objects.len());
    }
    if judge.asks(&[TestKind::ReadersByRole, TestKind::IdleLogins]) {
        let roles = &evidence.roles;
        judge.table(roles);
        let count = |has: fn(&CatalogRole) -> bool| roles.iter().filter(|role| has(role)).count();
        judge.metric("logins", "Accounts that can log in", count(|role| role.can_login));
        judge.metric("readers", "Readers of the log", count(|role| role.reads_log.is_some()));
        let superusers = count(|role| role.reads_log == Some(Access::Superuser));
        judge.metric("superusers", "Readers by superuser power", superusers);
    }
}
