mod all_of;

use super::*;
use crate::yaml;
use proptest::prelude::*;

const SEED: &str = r#"name: "Multiple Failed Login Attempts"
condition: "event_type:authentication.login AND status:failed"
threshold:
  count: 5
  window: 5m
  group_by: actor.email
notification:
  channels: [email, slack]
  recipients: [security@company.com]
  severity: high
"#;

#[test]
fn the_example_of_the_documentation_is_read_as_it_stands() {
    let definition = Definition::parse(SEED).expect("the example");
    assert_eq!(definition.name, "Multiple Failed Login Attempts");
    let Rule::Threshold(threshold) = &definition.rule else {
        panic!("a threshold")
    };
    assert_eq!(
        (threshold.count, threshold.window.map(Duration::seconds)),
        (5, Some(300))
    );
    assert_eq!(threshold.group_by[0].name(), "actor.email");
    assert_eq!(definition.quiet().map(Duration::seconds), Some(300));
    assert_eq!(definition.severity(), Severity::Error);
    assert_eq!(
        definition.describe(),
        [
            "Fires when 5 events match «event_type:authentication.login AND status:failed» within 5 minutes, separately for each actor.email.",
            "After a firing the same group is quiet for 5 minutes; what matches meanwhile is counted into the firing.",
            "A firing has the severity error and is told to email, slack, for security@company.com.",
        ]
    );
    assert_eq!(
        definition.to_json().to_string(),
        concat!(
            r#"{"name":"Multiple Failed Login Attempts","enabled":true,"#,
            r#""condition":"event_type:authentication.login AND status:failed","#,
            r#""threshold":{"count":5,"window":"5m","group_by":["actor.email"]},"#,
            r#""notification":{"channels":["email","slack"],"recipients":["security@company.com"],"severity":"high"}}"#
        )
    );
}

#[test]
fn everything_that_may_be_said_is_read() {
    let text = r"
name: Alles
description: |
  Two
  lines.
enabled: false
condition: status:failed
threshold: {count: 3, window: 1h30m, group_by: [tenant, ip], distinct: actor.id}
suppress: 1d
resolve_after: 2h
schedule: {days: [mon-fri, sun], hours: 22:00-06:00, timezone: Europe/Berlin, outside: true}
labels: {team: security, tier: 1, paged: true}
notification: {channels: pager, severity: Critical, template: '{name}'}
";
    let definition = Definition::parse(text).expect("an alert");
    assert_eq!(definition.description.as_deref(), Some("Two\nlines.\n"));
    assert!(!definition.enabled);
    assert_eq!(definition.quiet().map(Duration::seconds), Some(86_400));
    let labels: Vec<_> = definition
        .labels
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    assert_eq!(labels, [("team", "security"), ("tier", "1"), ("paged", "true")]);
    assert_eq!(definition.severity(), Severity::Critical);
    assert_eq!(
        definition.describe(),
        [
            "It is switched off.",
            "Fires when events that match «status:failed» have 3 different values of actor.id within 1 hour and 30 minutes, separately for each combination of tenant and ip.",
            "After a firing the same group is quiet for 1 day; what matches meanwhile is counted into the firing.",
            "A firing is over when nothing has matched for 2 hours.",
            "Only events outside of Monday to Friday, Sunday from 22:00 to 06:00 of the next day (Europe/Berlin) count.",
            "A firing has the severity critical and is told to pager.",
        ]
    );
    let json = definition.to_json();
    assert_eq!(Definition::parse(&json.to_string()), Ok(definition.clone()));
    assert_eq!(json["schedule"]["days"], serde_json::json!(["mon-fri", "sun"]));
}

#[test]
fn unusual_is_read() {
    let text = "name: a\ncondition: '*'\nunusual: {count_by: [actor.id, event_type], every: 1h, history: 14d, sensitivity: 3.5}";
    let definition = Definition::parse(text).expect("an alert");
    assert!(matches!(&definition.rule, Rule::Unusual(Unusual::Count { sensitivity, .. }) if *sensitivity == 3.5));
    assert_eq!(Definition::parse(&definition.to_json().to_string()), Ok(definition));
    let text = "name: a\ncondition: '*'\nunusual: {first_seen: actor.ip_address, by: actor.id, after: 7d}";
    let definition = Definition::parse(text).expect("an alert");
    assert_eq!(definition.group_by()[0].name(), "actor.id");
    assert!(definition.describe()[0].contains("a value of actor.ip_address that was not there before"));
    assert_eq!(Definition::parse(&definition.to_json().to_string()), Ok(definition));
}

/// A definition with one more line, which is wrong.
fn refused(line: &str) -> DefinitionError {
    let text = format!("name: x\ncondition: status:failed\n{line}\n");
    Definition::parse(&text).expect_err(line)
}

#[test]
fn what_is_wrong_is_shown_with_its_place_and_a_hint() {
    for (line, place, message, hint) in [
        (
            "treshold: {count: 5}",
            (3, 1),
            r#"an alert has no key "treshold""#,
            "Did you mean «threshold»?",
        ),
        (
            "query: a",
            (3, 1),
            r#"an alert has no key "query""#,
            "Known keys are name,",
        ),
        (
            "threshold: {count: 5, windows: 5m}",
            (3, 23),
            r#"threshold has no key "windows""#,
            "«window»",
        ),
        (
            "threshold: {count: 5, groupby: ip}",
            (3, 23),
            r#"threshold has no key "groupby""#,
            "«group_by»",
        ),
        (
            "threshold: {count: 0, window: 5m}",
            (3, 20),
            "count is 0",
            "from 1 to 100000",
        ),
        (
            "threshold: {count: 2.5, window: 5m}",
            (3, 20),
            "count is 2.5",
            "whole number",
        ),
        (
            "threshold: {count: many}",
            (3, 20),
            "count is a text, not a number",
            "whole number",
        ),
        (
            "threshold: {count: 5, window: 5 min}",
            (3, 31),
            r#"window: "5 min" is not a length of time"#,
            "30s, 5m",
        ),
        (
            "threshold: {count: 5, window: 32d}",
            (3, 31),
            "window is longer than 31 days",
            "at most 31d",
        ),
        (
            "threshold: {count: 5}",
            (3, 12),
            "a count above 1 needs a window",
            "window: 5m",
        ),
        (
            "threshold: {count: 2, window: 1m, group_by: [ip, user]}",
            (3, 50),
            r#"group_by: "user" means several fields"#,
            "actor.email, actor.id",
        ),
        (
            "threshold: {count: 2, window: 1m, group_by: [ip, actor_ip]}",
            (3, 45),
            "names the field",
            "once",
        ),
        (
            "threshold: {count: 2, window: 1m, group_by: ip, distinct: actor.ip_address}",
            (3, 12),
            "one value of",
            "out of group_by",
        ),
        (
            "threshold: 5",
            (3, 12),
            "threshold is a number, not a mapping of keys",
            "count, window",
        ),
        (
            "unusual: {every: 1h, history: 2h}",
            (3, 31),
            "the history has 2 periods",
            "8 to 2000",
        ),
        ("unusual: {every: 1h, first_seen: ip}", (3, 34), "both", "or first_seen"),
        (
            "unusual: {every: 1h, sensitivity: 0.2}",
            (3, 35),
            "sensitivity",
            "1 to 100",
        ),
        (
            "unusual: {first_seen: ip, by: actor_ip}",
            (3, 10),
            "none is new",
            "actor.id",
        ),
        (
            "suppress: soon",
            (3, 11),
            r#"suppress: "soon" is not a length of time"#,
            "30s",
        ),
        (
            "enabled: no",
            (3, 10),
            "enabled is a text, not true or false",
            "true or false",
        ),
        (
            "schedule: {days: [mon-fry]}",
            (3, 19),
            r#""mon-fry" names no days"#,
            "mon-fri",
        ),
        (
            "schedule: {hours: 8-18}",
            (3, 19),
            r#""8-18" is no span of hours"#,
            "08:00-18:00",
        ),
        (
            "schedule: {hours: 08:00-18:00, timezone: Berlin}",
            (3, 42),
            r#"there is no time zone "Berlin""#,
            "Europe/Berlin",
        ),
        (
            "schedule: {outside: true}",
            (3, 11),
            "neither days nor hours",
            "days, hours",
        ),
        ("labels: [a]", (3, 9), "labels is a list", "{team: security"),
        (
            "notification: {severity: hihg}",
            (3, 26),
            r#"there is no severity "hihg""#,
            "Did you mean «high»?",
        ),
        (
            "notification: {channels: [[a]]}",
            (3, 27),
            "a channel is a list, not a text",
            "text",
        ),
        ("name: y", (3, 1), "duplicate", "YAML or JSON"),
        (
            "description: \"a\\u0007\"",
            (3, 14),
            "the description has a control character",
            "Remove",
        ),
    ] {
        let error = refused(line);
        assert_eq!((error.line, error.column), place, "{line}: {error}");
        assert!(error.message.contains(message), "{line}: {error}");
        assert!(error.hint.contains(hint), "{line}: {error:?}");
    }
    let both = refused("threshold: {count: 1}\nunusual: {every: 1h}");
    assert!(both.message.contains("either") && both.line == 4, "{both}");
}

#[test]
fn what_is_missing_is_named() {
    for (text, message) in [
        ("condition: a", r#"the key "name" is missing"#),
        ("name: a", r#"the key "condition" is missing"#),
        ("name:\ncondition: a", r#"the key "name" is missing"#),
        ("name: ''\ncondition: a", "the name is empty"),
        ("[]", "an alert is a list, not a mapping of keys"),
        ("", "the text is empty"),
    ] {
        let error = Definition::parse(text).expect_err(text);
        assert!(error.message.contains(message), "{text}: {error}");
        assert!(error.line >= 1 && error.column >= 1, "{error:?}");
    }
    let long = format!("name: {}\ncondition: a", "x".repeat(201));
    assert!(Definition::parse(&long).is_err_and(|error| error.message.contains("longer than 200")));
    let fits = format!("name: {}\ncondition: a", "ü".repeat(200));
    Definition::parse(&fits).expect("200 characters");
}

#[test]
fn a_wrong_condition_is_shown_inside_of_its_text() {
    for (text, place) in [
        ("name: a\ncondition: status:failed AND (ip:x", (2, 30)),
        ("name: a\ncondition: \"status:failed AND (ip:x\"", (2, 31)),
        ("name: a\ncondition: 'a:''b'' AND (ip:x'", (2, 25)),
        ("{\"name\": \"a\", \"condition\": \"a:\\\"b\\\" AND (ip:x\"}", (1, 41)),
        ("name: a\ncondition: >\n  status:failed\n  AND (ip:x\n", (3, 3)),
    ] {
        let error = Definition::parse(text).expect_err(text);
        assert_eq!((error.line, error.column), place, "{text}: {error:?}");
        assert!(error.message.contains("the condition, at character"), "{error}");
        assert!(!error.hint.is_empty());
    }
}

#[test]
fn saved_queries_are_found_by_the_caller() {
    let text = "name: a\ncondition: _saved_:failures";
    assert!(Definition::parse(text).is_err_and(|error| error.message.contains("no saved query")));
    let lookup = |name: &str| (name == "failures").then(|| "status:failed".to_owned());
    let options = CheckOptions {
        saved: Some(&lookup),
        ..CheckOptions::default()
    };
    Definition::parse_with(text, &options).expect("a saved query");
}

fn some_text() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,20}".prop_filter("not blank", |text| !text.trim().is_empty())
}

fn some_duration() -> impl Strategy<Value = Duration> {
    (1..=MAX_WINDOW_SECONDS).prop_map(|seconds| Duration::from_seconds(seconds).expect("in range"))
}

fn some_fields(from: usize) -> impl Strategy<Value = Vec<Field>> {
    let names = vec![
        "actor.email",
        "ip",
        "tenant",
        "event_type",
        "metadata.\"a b\".c",
        "\"eventSource\"",
    ];
    proptest::sample::subsequence(names, from..=4)
        .prop_map(|names| names.into_iter().map(|name| Field::parse(name).expect(name)).collect())
}

fn some_rule() -> impl Strategy<Value = Rule> {
    let distinct = proptest::option::of(Just(Field::parse("actor.id").expect("a field")));
    let threshold =
        (1..=MAX_COUNT, some_duration(), some_fields(0), distinct).prop_map(|(count, window, group_by, distinct)| {
            Rule::Threshold(Threshold {
                count,
                window: Some(window),
                group_by,
                distinct,
                all_of: Vec::new(),
            })
        });
    let queries = proptest::sample::subsequence(vec!["*", "a:b", "NOT a:b", "ip:10.0.0.0/8 OR \"x y\""], 2..=4);
    let all_of = (queries, some_duration(), some_fields(0)).prop_map(|(queries, window, group_by)| {
        Rule::Threshold(Threshold {
            count: queries.len() as u32,
            window: Some(window),
            group_by,
            distinct: None,
            all_of: queries.into_iter().map(str::to_owned).collect(),
        })
    });
    let count = (some_fields(0), 60..=86_400i64, 8..=2000i64, 1.0..=100.0f64).prop_map(
        |(count_by, every, periods, sensitivity)| {
            let duration = |seconds| Duration::from_seconds(seconds).expect("in range");
            Rule::Unusual(Unusual::Count {
                count_by,
                every: duration(every),
                history: duration(every * periods),
                sensitivity,
            })
        },
    );
    let seen = (some_fields(0), some_duration()).prop_map(|(by, after)| {
        let field = Field::parse("actor.id").expect("a field");
        Rule::Unusual(Unusual::FirstSeen { field, by, after })
    });
    prop_oneof![
        threshold,
        all_of,
        count,
        seen,
        Just(Rule::Threshold(Threshold::default()))
    ]
}

fn some_schedule() -> impl Strategy<Value = Schedule> {
    let days = proptest::array::uniform7(any::<bool>()).prop_filter("a day", |days| days.contains(&true));
    let hours = proptest::option::of((0..1440u16, 0..1440u16).prop_filter("a time", |(from, to)| from != to));
    (days, hours, any::<bool>()).prop_map(|(days, hours, outside)| Schedule {
        days,
        hours,
        timezone: "Europe/Berlin".to_owned(),
        zone: "Europe/Berlin".parse().expect("a zone"),
        outside,
    })
}

fn some_notification() -> impl Strategy<Value = Notification> {
    let severity = proptest::sample::select(vec![("high", Severity::Error), ("Critical", Severity::Critical)]);
    let level = severity.prop_map(|(written, severity)| Level {
        written: written.to_owned(),
        severity,
    });
    let texts = || proptest::collection::vec(some_text(), 0..3);
    (
        texts(),
        texts(),
        proptest::option::of(level),
        proptest::option::of(some_text()),
    )
        .prop_map(|(channels, recipients, severity, template)| Notification {
            channels,
            recipients,
            severity,
            template,
        })
}

#[test]
fn what_can_not_be_shown_is_refused() {
    // each by itself is short enough; shown, the second has four times the first
    let text = "b".repeat(yaml::MAX_TEXT_BYTES / 3);
    let fits = format!("name: x\ncondition: a\ndescription: &d {text}\nlabels: {{a: *d}}");
    let fits = Definition::parse(&fits).expect("two of three");
    assert_eq!(Definition::parse(&fits.to_json().to_string()), Ok(fits));
    let long = format!("name: x\ncondition: a\ndescription: &d {text}\nlabels: {{a: *d, b: *d, c: *d}}");
    let error = Definition::parse(&long).expect_err("four of three");
    assert!(error.message.contains("longer than"), "{error}");
    assert_eq!((error.line, error.column), (1, 1));
    for c in (0..=0xa0).chain([0x2028, 0xfeff, 0xfffd, 0xfffe, 0xffff, 0x1_0000]) {
        let text = format!("name: x\ncondition: \"a:\\\"b\\U{c:08x}\\\"\"");
        if let Ok(found) = Definition::parse(&text) {
            assert_eq!(Definition::parse(&found.to_json().to_string()), Ok(found), "{text}");
        }
    }
}

prop_compose! {
    fn some_definition()(
        name in some_text(),
        description in proptest::option::of("([^\\p{Cc}]|[\n\t]){0,20}"),
        enabled in any::<bool>(),
        condition in proptest::sample::select(vec!["", "*", "a:b", "status:\"x y\" OR ip:10.0.0.0/8", "user:~\"a\\d+\""]),
        rule in some_rule(),
        suppress in proptest::option::of(some_duration()),
        resolve_after in proptest::option::of(some_duration()),
        schedule in proptest::option::of(some_schedule()),
        labels in proptest::collection::btree_map("[^\\p{Cc}]{1,9}", "[^\\p{Cc}]{0,9}", 0..3),
        notification in proptest::option::of(some_notification()),
    ) -> Definition {
        Definition {
            name, description, enabled, condition: condition.to_owned(), rule, suppress, resolve_after, schedule,
            labels: labels.into_iter().collect(), notification,
        }
    }
}

proptest! {
    #[test]
    fn what_is_shown_as_json_is_read_as_the_same(definition in some_definition()) {
        let json = definition.to_json();
        let again = Definition::parse(&json.to_string());
        prop_assert_eq!(again.as_ref().map_err(ToString::to_string), Ok(&definition));
        prop_assert_eq!(again.expect("read").to_json().to_string(), json.to_string());
        prop_assert!(!definition.describe().is_empty());
    }

    #[test]
    fn no_text_is_too_odd(text in "[ -~\n]{0,60}", tail in "\\PC{0,20}") {
        let _ = Definition::parse(&text);
        let _ = Definition::parse(&format!("name: a\ncondition: {text}\nthreshold: {tail}"));
    }
}
