//! Faults in the built-in frameworks' own sections.

use super::{DAY, MINUTE, findings, login};
use crate::framework::Parameters;
use crate::framework::builtin::find;

/// The faults that a reviewer looks for, planted in events as the extension records them, and the sections that must show them.
#[test]
fn planted_faults_are_found_where_a_reviewer_looks() {
    let grant = r#"{"event_type":"grant.role","action":{"status":"success"},"actor":{"id":"eve"},"resource":{"type":"role","id":"dba"},"metadata":{"grantor":"eve","grantee":"mallory","privilege":"dba","admin_option":false}}"#;
    let approved = r#"{"event_type":"grant.role","action":{"status":"success"},"actor":{"id":"ann"},"resource":{"type":"role","id":"reader"},"metadata":{"grantor":"ann","grantee":"bob","privilege":"reader","admin_option":false,"change_ref":"CHG-1"}}"#;
    let removal = r#"{"event_type":"revoke.role","action":{"status":"success"},"actor":{"id":"ann"},"metadata":{"grantee":"bob","terminated_at":"1970-01-01T00:00:00Z"}}"#;
    let change = r#"{"event_type":"ddl.alter","action":{"status":"success"},"actor":{"id":"eve"},"resource":{"type":"table","id":"pay"},"metadata":{}}"#;
    let referenced = r#"{"event_type":"ddl.alter","action":{"status":"success"},"actor":{"id":"eve"},"resource":{"type":"table","id":"pay"},"metadata":{"change_ref":"CHG-2","approved_by":"ann"}}"#;
    let export = |class: &str| {
        format!(
            r#"{{"event_type":"data.copy_to","action":{{"status":"success"}},"actor":{{"id":"eve","type":"user"}},"resource":{{"type":"table","id":"people","tags":{{"classification":["{class}"]}}}},"metadata":{{"row_count":5,"purpose":"support"}}}}"#
        )
    };
    let early: Vec<(i64, String)> = [grant, change].map(|text| (3 * DAY, text.to_owned())).into();
    let ordinary: Vec<(i64, String)> = [approved, referenced, removal]
        .map(|text| (MINUTE, text.to_owned()))
        .into();
    let late = vec![(3 * DAY, removal.to_owned())];
    let burst: Vec<(i64, String)> = (0..12)
        .map(|second| (second * 1_000_000, login("bob", "failed")))
        .collect();
    let one = |text: String| vec![(3 * DAY, text)];
    for (framework, control, events, kind) in [
        ("soc2", "CC6.3", early.clone(), "grant_without_reference"),
        ("soc2", "CC6.2", late.clone(), "late_removal"),
        ("soc2", "CC6.6", burst.clone(), "failed_login_burst"),
        ("soc2", "CC8.1", early.clone(), "change_without_reference"),
        ("soc2", "CC6.7", one(export("pii")), "classified_export"),
        ("iso27001", "A.5.18", early.clone(), "grant_without_reference"),
        ("iso27001", "A.5.18", late.clone(), "late_removal"),
        ("iso27001", "A.8.5", burst.clone(), "failed_login_burst"),
        ("iso27001", "A.8.32", early.clone(), "change_without_reference"),
        ("iso27001", "A.8.12", one(export("pii")), "classified_export"),
        (
            "hipaa",
            "164.308(a)(4)(ii)(C)",
            early.clone(),
            "grant_without_reference",
        ),
        ("hipaa", "164.308(a)(3)(ii)(C)", late.clone(), "late_removal"),
        ("hipaa", "164.308(a)(5)(ii)(C)", burst.clone(), "failed_login_burst"),
        ("hipaa", "164.528", one(export("phi")), "recipient_unknown"),
        ("pci_dss", "10.2.1.5", early.clone(), "grant_without_reference"),
        ("pci_dss", "8.2.5", late.clone(), "late_removal"),
        ("pci_dss", "10.2.1.4", burst.clone(), "failed_login_burst"),
        ("pci_dss", "6.5.1", early.clone(), "change_without_reference"),
        ("pci_dss", "10.2.1.1", one(export("chd")), "classified_export"),
        ("gdpr", "Art. 32(1)(b),(d)", early.clone(), "grant_without_reference"),
        ("gdpr", "Art. 5(1)(f)", burst.clone(), "failed_login_burst"),
        ("gdpr", "Art. 5(1)(f)", one(export("pii")), "classified_export"),
        ("fedramp", "AC-2", early.clone(), "grant_without_reference"),
        ("fedramp", "AC-2", late, "late_removal"),
        ("fedramp", "AC-7", burst, "failed_login_burst"),
        ("fedramp", "CM-3", early, "change_without_reference"),
    ] {
        let framework = find(framework).expect("built in");
        let parameters = Parameters::of(&framework.parameters);
        let control = framework.control(control).expect("a control");
        let kinds = |events: &[(i64, String)]| -> Vec<String> {
            findings(control, &parameters, events, 90 * DAY)
                .into_iter()
                .map(|one| one.kind)
                .collect()
        };
        let name = format!("{} {}", framework.id, control.control);
        assert!(
            kinds(&events).iter().any(|found| found == kind),
            "{name}: {:?}",
            kinds(&events)
        );
        assert_eq!(kinds(&ordinary), Vec::<String>::new(), "{name}");
    }
}
