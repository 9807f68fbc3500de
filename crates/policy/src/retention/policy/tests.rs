use super::*;
use crate::retention::age::Unit;
use proptest::prelude::*;

/// seed.md, «Retention by Event Type».
const SEED: &str = "retention_policies:
  - event_types: [authentication.*]
    hot_days: 90
    warm_days: 365
    cold_years: 7

  - event_types: [resource.delete, policy.modify]
    hot_days: 180
    warm_days: 730
    cold_years: 10

  - event_types: [resource.view]
    hot_days: 30
    warm_days: 90
    cold_years: 0
";

fn read(text: &str) -> RetentionPolicy {
    RetentionPolicy::parse(text)
        .unwrap_or_else(|error| panic!("{text}: {error}, {}", error.hint))
        .0
}

#[test]
fn the_example_of_the_documentation_is_read_as_it_stands() {
    let (policy, warnings) = RetentionPolicy::parse(SEED).expect("the example");
    assert_eq!(warnings, []);
    assert_eq!(
        policy.explain(),
        [
            "authentication: events authentication.* are hot for 90 days, warm until 365 days and in the archive until 7 years, then they are removed.",
            "resource_delete: events resource.delete and policy.modify are hot for 180 days, warm until 730 days and in the archive until 10 years, then they are removed.",
            "resource_view: events resource.view are hot for 30 days and warm until 90 days, then they are removed.",
            "standard: all other events are hot for 90 days, warm until 1 year and in the archive until 7 years, then they are removed.",
            "evidence: events auditlog.erasure, auditlog.incarnation, auditlog.key_create, auditlog.key_rotate, auditlog.legal_hold, auditlog.restore and 2 more are hot for 90 days and warm for ever.",
        ]
    );
    for (event_type, class) in [
        ("authentication.login", "authentication"),
        ("authentication.login.failed", "authentication"),
        ("authentication", "standard"),
        ("resource.delete", "resource_delete"),
        ("policy.modify", "resource_delete"),
        ("resource.view", "resource_view"),
        ("resource.create", "standard"),
        ("auditlog.retention", "evidence"),
        ("auditlog.view", "standard"),
    ] {
        assert_eq!(policy.class_of(event_type).name, class, "{event_type}");
    }
    assert_eq!(
        policy.to_json().to_string(),
        concat!(
            r#"{"retention_policies":["#,
            r#"{"name":"authentication","event_types":["authentication.*"],"hot_days":90,"warm_days":365,"cold_years":7},"#,
            r#"{"name":"resource_delete","event_types":["resource.delete","policy.modify"],"hot_days":180,"warm_days":730,"cold_years":10},"#,
            r#"{"name":"resource_view","event_types":["resource.view"],"hot_days":30,"warm_days":90,"cold_years":0}],"#,
            r#""default":{"hot_days":90,"warm_years":1,"cold_years":7}}"#
        )
    );
}

#[test]
fn everything_that_may_be_said_is_read() {
    let text = r#"{"retention_policies": [
        {"event_types": "billing.*", "name": "money", "hot_weeks": 4, "warm_months": 18, "cold_years": 10,
         "classification": ["sox", "pci_dss", "sox"], "description": "Two\nlines"},
        {"event_types": ["*"], "maximum_days": 400, "classification": "gdpr"}],
        "default": {"hot_days": 10, "warm_days": 0, "cold_days": 400, "description": "The rest"}}"#;
    let policy = read(text);
    let money = policy.class("money").expect("money");
    assert_eq!(money.tiers.hot.days(), 28);
    assert_eq!(money.tiers.warm, Age::new(18, Unit::Months).expect("short"));
    assert_eq!(money.classification, ["sox", "pci_dss"]);
    // what a policy leaves out comes from default
    let all = policy.class("all").expect("all");
    assert_eq!(
        (all.tiers.hot.days(), all.tiers.warm.days(), all.tiers.cold.days()),
        (10, 0, 400)
    );
    assert_eq!(policy.class_of("anything").name, "all");
    assert_eq!(policy.standard().description.as_deref(), Some("The rest"));
    assert_eq!(
        policy.explain()[1],
        "all: all events that no policy before has are hot for 10 days and in the archive until 400 days, then they are removed. Classified as gdpr. They may be kept for 400 days."
    );
}

#[test]
fn before_anything_was_decided_all_is_standard() {
    let policy = RetentionPolicy::default();
    assert_eq!(policy.class_of("resource.view").tiers, Tiers::DEFAULT);
    assert_eq!(policy.class_of("auditlog.erasure").name, "evidence");
    assert_eq!(policy, read("default: {hot_days: 90}"));
    assert_ne!(policy.fingerprint(), read(SEED).fingerprint());
    assert_eq!(policy.fingerprint().len(), 64);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let one = |keys: &str| format!("retention_policies:\n  - event_types: [a]\n    {keys}\n");
    for (text, line, column, message, hint) in [
        ("", 1, 1, "the text is empty", "Write YAML or JSON"),
        ("[]", 1, 1, "the definition is a list, not a mapping", "Known keys are"),
        (
            "retention_policy: []",
            1,
            1,
            "the definition has no key \"retention_policy\"",
            "Known keys",
        ),
        (
            "retention_polices: []",
            1,
            1,
            "no key",
            "Did you mean «retention_policies»?",
        ),
        ("{}", 1, 1, "the definition has no policies", "Write retention_policies"),
        (
            "retention_policies: {a: b}",
            1,
            21,
            "is a mapping, not a list",
            "Begin each policy with a dash",
        ),
        (
            "retention_policies: [{}]",
            1,
            22,
            "\"event_types\" is missing",
            "Say which events",
        ),
        (
            "retention_policies: [{event_types: []}]",
            1,
            36,
            "has 0 event types",
            "Write 1 to 256",
        ),
        (
            "retention_policies: [{event_types: [A.B]}]",
            1,
            37,
            "names no event types",
            "Did you mean «a.b»?",
        ),
        (
            "retention_policies: [{event_types: [[a]]}]",
            1,
            37,
            "is a list, not a text",
            "Say which",
        ),
        (
            "default: {name: x}",
            1,
            11,
            "default has no key \"name\"",
            "Known keys are hot_days",
        ),
        (
            &one("hot_day: 3"),
            3,
            5,
            "no key \"hot_day\"",
            "Did you mean «hot_days»?",
        ),
        (
            &one("hot_days: x"),
            3,
            15,
            "hot_days is a text, not a number",
            "whole number",
        ),
        (&one("hot_days: 1.5"), 3, 15, "hot_days is 1.5", "whole number"),
        (&one("hot_days: -1"), 3, 15, "hot_days is -1", "whole number"),
        (
            &one("cold_years: 101"),
            3,
            17,
            "cold_years is 101",
            "at most 36525 days",
        ),
        (
            &one("cold_days: 99999999999"),
            3,
            16,
            "cold_days is 99999999999",
            "at most 36525",
        ),
        (&one("{hot_days: 1}"), 3, 5, "", ""),
        (
            &one("hot_days: 10\n    hot_weeks: 1"),
            4,
            16,
            "both hot_days and hot_weeks",
            "Write one",
        ),
        (
            &one("hot_days: 400"),
            3,
            15,
            "warm ends at 1 year, before hot ends at 400 days",
            "warm was not given, so it is 1 year.",
        ),
        (
            &one("warm_days: 100\n    cold_days: 99"),
            4,
            16,
            "cold ends at 99 days, before warm ends at 100 days",
            "at least 100 days",
        ),
        (
            &one("hot_days: 100\n    warm_days: 0\n    cold_days: 99"),
            5,
            16,
            "cold ends at 99 days, before hot ends",
            "cold_days: 0",
        ),
        (
            &one("hot_days: 0\n    warm_days: 0\n    cold_days: 0"),
            3,
            15,
            "all 0",
            "write at least hot_days: 1",
        ),
        (
            &one("name: Money"),
            3,
            11,
            "can't be the name of a class",
            "a letter first",
        ),
        (&one("name: standard"), 3, 11, "is there already", "under default"),
        (&one("name: a_2026_11"), 3, 11, "can't be the name", "Tables for months"),
        (
            &one("name: x\n  - event_types: [b]\n    name: x"),
            5,
            11,
            "two policies have the name \"x\"",
            "name of its own",
        ),
        (
            &one("classification: [pci, pci-dss]"),
            3,
            22,
            "no requirement \"pci\"",
            "Requirements are",
        ),
        (
            &one("classification: pci-dss"),
            3,
            21,
            "no requirement \"pci-dss\"",
            "Did you mean «pci_dss»?",
        ),
        (&one("maximum_days: 0"), 3, 19, "the maximum is 0", "how long"),
        (
            &one("description: \"a\\u0007\""),
            3,
            18,
            "control character",
            "Remove it",
        ),
        (
            "retention_policies:\n  - event_types: [*]\n",
            2,
            19,
            "",
            "* goes in quotes",
        ),
    ] {
        let error = RetentionPolicy::parse(text).expect_err(text);
        assert!(error.message.contains(message), "{text}: {error}");
        assert!(error.hint.contains(hint), "{text}: {error} {}", error.hint);
        if !message.is_empty() {
            assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
        }
    }
}

#[test]
fn there_are_limits() {
    let many = |policies: usize, types: usize| {
        let item = |at: usize| {
            let list: Vec<String> = (0..types).map(|n| format!("t{at}.n{n}")).collect();
            format!("  - event_types: [{}]\n", list.join(", "))
        };
        let text = format!("retention_policies:\n{}", (0..policies).map(item).collect::<String>());
        RetentionPolicy::parse(&text).map(|(policy, _)| policy)
    };
    assert_eq!(many(64, 2).expect("64").classes().len(), 66);
    assert!(many(65, 1).expect_err("65").message.contains("65 policies"));
    assert!(many(1, 257).expect_err("257").message.contains("257 event types"));
    assert!(many(8, 256).expect_err("2048").message.contains("more than 2000"));
    assert!(RetentionPolicy::parse(&one_description(1_000)).is_ok());
    assert!(RetentionPolicy::parse(&one_description(1_001)).is_err());
}

fn one_description(bytes: usize) -> String {
    format!("default: {{description: {}}}", "x".repeat(bytes))
}

#[test]
fn what_never_wins_is_warned_of() {
    let text = "retention_policies:
  - event_types: [authentication.*, authentication.login]
  - event_types:
      - authentication.mfa.*
      - resource.view
      - auditlog.retention
  - event_types: [\"*\"]
  - event_types: [resource.*]
";
    let (policy, warnings) = RetentionPolicy::parse(text).expect("policies");
    let found: Vec<_> = warnings
        .iter()
        .map(|w| (w.line, w.column, w.message.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (
                2,
                37,
                "authentication.login has no effect: authentication.* in line 2 comes first and has it already"
            ),
            (
                4,
                9,
                "authentication.mfa.* has no effect: authentication.* in line 2 comes first and has it already"
            ),
            (
                6,
                9,
                "auditlog.retention has no effect: the class «evidence» has it, which is kept as long as the log"
            ),
            (
                8,
                19,
                "resource.* has no effect: * in line 7 comes first and has it already"
            ),
        ]
    );
    assert_eq!(policy.class_of("resource.delete").name, "all");
    assert_eq!(policy.class_of("auditlog.retention").name, "evidence");
}

#[test]
fn given_names_win_over_derived_ones() {
    let policy = read(
        "retention_policies: [{event_types: a.*}, {event_types: a.b, name: a}, {event_types: a-b}, {event_types: a_b}]",
    );
    let names: Vec<_> = policy.classes().iter().map(|class| class.name.as_str()).collect();
    assert_eq!(names, ["a_2", "a", "a_b", "a_b_2", "standard", "evidence"]);
}

fn any_policy() -> impl Strategy<Value = String> {
    let ages = (0..200_u32, 0..200_u32, 0..200_u32, 0..4_usize).prop_map(|(hot, warm, cold, unit)| {
        let unit = ["days", "weeks", "days", "days"][unit];
        format!(
            "hot_{unit}: {hot}, warm_{unit}: {}, cold_years: {}",
            hot + warm,
            1 + (hot + warm + cold) / 50 + 30
        )
    });
    let entry = (
        proptest::collection::vec("[ab](\\.[ab]){0,2}(\\.\\*)?", 1..4),
        ages,
        any::<bool>(),
    );
    proptest::collection::vec(entry, 0..6).prop_map(|entries| {
        let items: Vec<String> = entries
            .into_iter()
            .map(|(types, ages, gdpr)| {
                let extra = if gdpr {
                    ", classification: [gdpr], maximum_years: 3"
                } else {
                    ""
                };
                format!("{{event_types: [{}], {ages}{extra}}}", types.join(", "))
            })
            .collect();
        format!("retention_policies: [{}]\ndefault: {{hot_days: 5}}", items.join(", "))
    })
}

proptest! {
    #[test]
    fn the_canonical_form_is_read_again(text in any_policy()) {
        let policy = read(&text);
        let json = policy.to_json().to_string();
        let again = read(&json);
        prop_assert_eq!(&again, &policy);
        prop_assert_eq!(again.to_json().to_string(), json);
        prop_assert_eq!(again.fingerprint(), policy.fingerprint());
    }

    #[test]
    fn the_first_policy_that_matches_wins(text in any_policy(), name in "[ab](\\.[ab]){0,3}") {
        let policy = read(&text);
        let first = policy.classes().iter().find(|class| class.event_types.iter().any(|pattern| pattern.matches(&name)));
        prop_assert_eq!(&policy.class_of(&name).name, &first.unwrap_or(policy.standard()).name);
    }

    #[test]
    fn no_text_is_too_odd(text in "(retention_policies|default|event_types|hot_days|name|[:{}\\[\\], \n\"*-]|[a-z0-9]){0,30}") {
        let _ = RetentionPolicy::parse(&text);
    }
}
