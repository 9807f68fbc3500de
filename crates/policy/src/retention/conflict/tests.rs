use super::*;
use crate::retention::requirement::built_in;
use ConflictKind::*;

fn found(entry: &str) -> Vec<(ConflictKind, String)> {
    let text = format!("retention_policies: [{{event_types: [a], name: a, {entry}}}]");
    let (policy, _) = RetentionPolicy::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let all = conflicts(&policy, &built_in(), Grain::default());
    for conflict in &all {
        assert_eq!(conflict.class, "a");
        assert_eq!(conflict.requirements.len(), conflict.basis.len());
        assert!(conflict.basis.iter().all(|basis| !basis.is_empty()), "{conflict:?}");
        assert!(
            conflict.hint.ends_with('.') && !conflict.message.ends_with('.'),
            "{conflict:?}"
        );
    }
    all.into_iter()
        .map(|conflict| (conflict.kind, conflict.requirements.join("+")))
        .collect()
}

fn pairs(list: &[(ConflictKind, &str)]) -> Vec<(ConflictKind, String)> {
    list.iter().map(|(kind, names)| (*kind, (*names).to_owned())).collect()
}

#[test]
fn what_fits_is_no_conflict() {
    for entry in [
        "hot_days: 30",
        "classification: [pci_dss, fedramp, fedramp_m_26_14, soc2, iso_27001, hipaa, sox, sec_17a_4, nerc_cip], warm_days: 730",
        "classification: [gdpr], maximum_years: 8",
        "classification: [pci_dss], hot_days: 90, warm_days: 0, cold_days: 365",
        "classification: [hipaa], cold_years: 6",
    ] {
        assert_eq!(found(entry), [], "{entry}");
    }
}

#[test]
fn each_conflict_is_told_with_its_basis() {
    for (entry, list) in [
        (
            "classification: [hipaa], cold_days: 2189",
            &[(BelowMinimum, "hipaa")][..],
        ),
        (
            "classification: [pci_dss], hot_days: 89, warm_days: 0",
            &[(NotAtHand, "pci_dss")],
        ),
        ("classification: [pci_dss], hot_days: 0, warm_days: 90", &[]),
        (
            "classification: [nerc_cip, pci_dss], hot_days: 30, warm_days: 60, cold_days: 0",
            &[
                (BelowMinimum, "nerc_cip"),
                (BelowMinimum, "pci_dss"),
                (NotAtHand, "pci_dss"),
            ],
        ),
        ("classification: [gdpr]", &[(MaximumMissing, "gdpr")]),
        ("classification: [gdpr], maximum_years: 7", &[(AboveMaximum, "gdpr")]),
        ("maximum_days: 100", &[(AboveMaximum, "policy")]),
        (
            "classification: [hipaa, gdpr], maximum_days: 730",
            &[(AboveMaximum, "gdpr"), (Contradiction, "hipaa+gdpr")],
        ),
        (
            "classification: [hipaa, gdpr], maximum_days: 730, cold_days: 700",
            &[(BelowMinimum, "hipaa"), (Contradiction, "hipaa+gdpr")],
        ),
    ] {
        assert_eq!(found(entry), pairs(list), "{entry}");
    }
}

#[test]
fn a_range_makes_its_first_events_older() {
    // months in the log, days in the archive
    assert_eq!(
        found("maximum_days: 121, hot_days: 30, warm_days: 90, cold_days: 0"),
        []
    );
    assert_eq!(
        found("maximum_days: 120, hot_days: 30, warm_days: 90, cold_days: 0"),
        pairs(&[(AboveMaximum, "policy")])
    );
    assert_eq!(found("maximum_days: 401, cold_days: 400"), []);
    let text = "retention_policies: [{event_types: [a], maximum_days: 400, cold_days: 400}]";
    let (policy, _) = RetentionPolicy::parse(text).expect("a policy");
    let all = conflicts(&policy, &[], Grain::default());
    assert_eq!(
        all[0].message,
        "class a keeps events for 400 days and removes 1 day of events at once, so that the first of them become 401 days old; policy allows at most 400 days"
    );
    assert_eq!(
        all[0].hint,
        "Let the last tier of a end at 399 days or earlier, or have the maximum set anew."
    );
}

#[test]
fn the_words_name_both_sides() {
    let text = "default: {classification: [hipaa, gdpr], maximum_days: 730, cold_days: 800}";
    let (policy, _) = RetentionPolicy::parse(text).expect("a policy");
    let all = conflicts(&policy, &built_in(), Grain::default());
    let messages: Vec<_> = all.iter().map(|conflict| conflict.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "class standard keeps events for 800 days, hipaa demands at least 2190 days",
            "class standard keeps events for 800 days, gdpr allows at most 730 days",
            "class standard: hipaa demands at least 2190 days, gdpr allows at most 730",
        ]
    );
    assert!(all[2].basis[0].starts_with("45 CFR") && all[2].basis[1].starts_with("Regulation (EU)"));
}

#[test]
fn a_requirement_that_is_no_more_is_told() {
    let (policy, _) = RetentionPolicy::parse("default: {classification: [hipaa]}").expect("a policy");
    let all = conflicts(&policy, &[], Grain::default());
    assert_eq!((all.len(), all[0].kind), (1, Unknown));
}
