//! A day on which nothing is wrong.

use super::{DAY, MINUTE, event, findings, login};
use crate::framework::builtin::builtin;
use crate::framework::{Control, Parameters, query_options};
use auditlog_query::eval::JsonDocument;
use auditlog_query::{check, matches, parse};
use std::collections::BTreeSet;

/// Types of which each event is worth a look, wherever it happens.
const NEVER_ORDINARY: [&str; 17] = [
    "access.denied",
    "authentication.method_weak",
    "auditlog.access_denied",
    "auditlog.delivery_failed",
    "auditlog.extension_drop",
    "auditlog.gap_detected",
    "auditlog.pause",
    "auditlog.stop",
    "auditlog.storage_warning",
    "auditlog.tamper_attempt",
    "auditlog.verify_failed",
    "auditlog.write_failed",
    "file.read",
    "file.write",
    "library.load",
    "program.execute",
    "rls.denied",
];

/// Types that answer others, and so come after them.
const ANSWERS: [&str; 8] = [
    "auditlog.resume",
    "breach.closed",
    "breach.notified",
    "breach.subject_notified",
    "breakglass.end",
    "incident.close",
    "privacy.access_completed",
    "privacy.erasure",
];

/// Controls whose events are faults, use by hand, or those of service accounts and processors.
const POPULATIONS_OF_FAULTS: [&str; 11] = [
    "hipaa 164.312(a)(1)",
    "pci_dss 7.2.5.1",
    "pci_dss 7.2.6",
    "pci_dss 10.3.2",
    "pci_dss 10.7.2",
    "gdpr Art. 28(3)",
    "gdpr Art. 32(4)",
    "fedramp AU-5",
    "fedramp AU-5(1)",
    "fedramp AU-5(2)",
    "fedramp AU-9",
];

/// An event as a well-kept system records it: by a person, with a purpose, and with a reference to an approval by somebody else.
fn ordinary(event_type: &str, classification: &str) -> String {
    let tags = match classification {
        "" => String::new(),
        class => format!(r#","tags":{{"classification":["{class}"]}}"#),
    };
    format!(
        r#"{{"event_type":"{event_type}","severity":"info",
        "actor":{{"type":"user","id":"ann","ip_address":"192.0.2.7","session_id":"s1"}},
        "resource":{{"type":"table","id":"people"{tags}}},
        "action":{{"status":"success"}},
        "metadata":{{"change_ref":"CHG-1","approved_by":"bob","purpose":"support","reason":"call 7","incident_id":"INC-1",
            "data_subject_id":"p1","recipient":"authority","reviewer":"cleo","grantor":"dba","grantee":"dan","privilege":"reader",
            "admin_option":false,"row_count":3,"auth_method":"scram-sha-256","privileged":false,"interactive":false,
            "terminated_at":"1970-01-01T00:00:00Z","aware_at":"1970-01-01T00:00:00Z","facts":"lost","effects":"none",
            "remedial_action":"found"}}}}"#
    )
}

/// All event types of the built-in queries.
fn event_types() -> BTreeSet<String> {
    let controls = builtin().iter().flat_map(|framework| &framework.controls);
    let queries = controls.filter_map(|control| control.query.as_deref());
    let parts = queries.flat_map(|query| query.split("event_type:").skip(1));
    let names = parts.flat_map(|part| {
        let end = if part.starts_with('(') {
            part.find(')')
        } else {
            part.find([' ', ')'])
        };
        let list = part[..end.unwrap_or(part.len())].trim_start_matches('(');
        list.split(" OR ").map(str::to_owned).collect::<Vec<_>>()
    });
    names.collect()
}

fn day() -> Vec<(i64, String)> {
    let types = event_types();
    let (answers, others): (Vec<&String>, Vec<&String>) =
        types.iter().partition(|name| ANSWERS.contains(&name.as_str()));
    let mut events = Vec::new();
    for name in others.into_iter().chain(answers) {
        if NEVER_ORDINARY.contains(&name.as_str()) {
            continue;
        }
        // copying classified data out is never ordinary
        let classes: &[&str] = match name.as_str() {
            "data.copy_to" => &[""],
            _ => &["", "pii", "special", "phi", "chd", "confidential"],
        };
        events.extend(classes.iter().map(|class| ordinary(name, class)));
    }
    // somebody mistypes, and somebody tries a door that is closed
    events.extend([login("bob", "failed"), login("bob", "success"), login("bob", "denied")]);
    events.push(
        r#"{"event_type":"access.denied","action":{"status":"denied"},"actor":{"id":"dan"},"resource":{"id":"x"}}"#
            .to_owned(),
    );
    events
        .into_iter()
        .enumerate()
        .map(|(at, text)| (at as i64 * 1_000_000, text))
        .collect()
}

fn in_population(control: &Control, parameters: &Parameters, events: &[(i64, String)]) -> usize {
    let options = query_options();
    let population = control.population(parameters).expect("a query");
    let query = check(&parse(&population, &options.limits).expect("a query"), &options).expect("a query");
    let is = |(time, text): &&(i64, String)| {
        let json = event(text);
        matches(&query, JsonDocument::new(&json), *time)
    };
    events.iter().filter(is).count()
}

#[test]
fn an_ordinary_day_has_no_findings() {
    let events = day();
    assert!(events.len() as i64 * 1_000_000 < 60 * MINUTE);
    let mut empty = Vec::new();
    for framework in builtin() {
        let parameters = Parameters::of(&framework.parameters);
        for control in framework
            .controls
            .iter()
            .filter(|control| !control.exceptions.is_empty())
        {
            let found = findings(control, &parameters, &events, 90 * DAY);
            assert_eq!(found, vec![], "{} {}", framework.id, control.control);
            if in_population(control, &parameters, &events) == 0 {
                empty.push(format!("{} {}", framework.id, control.control));
            }
        }
    }
    // all others had something to look at
    assert_eq!(empty, POPULATIONS_OF_FAULTS);
}
