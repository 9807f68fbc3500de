use super::*;
use auditlog_policy::alert::definition::Rule;
use auditlog_policy::duration::Duration;

const LOGIN: &str = r"
title: Failed login
name: failed_login
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventName: ConsoleLogin, responseElements.ConsoleLogin: Failure}
  condition: s
";

fn correlation(body: &str) -> String {
    format!("{LOGIN}---\ntitle: Many\nlevel: high\ncorrelation:\n{body}\n")
}

#[test]
fn an_event_count_is_a_threshold() {
    let text = correlation(
        "  type: event_count\n  rules: [failed_login]\n  group-by: [userIdentity.arn, sourceIPAddress]\n  timespan: 90m\n  condition: {gte: 10}",
    );
    let imported = import(&text, None).expect("a correlation");
    let [Imported { definition, .. }] = imported.as_slice() else {
        panic!("{imported:?}")
    };
    assert_eq!(definition.name, "Many");
    assert_eq!(
        definition.condition,
        r#"metadata.event_name:"ConsoleLogin" AND metadata.cloudtrail.responseElements.ConsoleLogin:"Failure""#
    );
    let Rule::Threshold(threshold) = &definition.rule else {
        panic!("a threshold")
    };
    assert_eq!(
        (threshold.count, threshold.window.map(Duration::seconds)),
        (10, Some(5_400))
    );
    let groups: Vec<&str> = threshold.group_by.iter().map(|field| field.name()).collect();
    assert_eq!(
        groups,
        [
            "metadata.cloudtrail.userIdentity.arn",
            "metadata.cloudtrail.sourceIPAddress"
        ]
    );
}

#[test]
fn a_value_count_counts_different_values() {
    let text = correlation(
        "  type: value_count\n  rules: failed_login\n  group-by: [sourceIPAddress]\n  timespan: 1d\n  condition: {field: userIdentity.userName, gt: 5}\n  generate: true",
    );
    let imported = import(&text, None).expect("a correlation");
    assert_eq!(
        imported
            .iter()
            .map(|alert| alert.definition.name.as_str())
            .collect::<Vec<_>>(),
        ["Many", "Failed login"]
    );
    let Rule::Threshold(threshold) = &imported[0].definition.rule else {
        panic!("a threshold")
    };
    assert_eq!(threshold.count, 6);
    assert_eq!(
        threshold.distinct.as_ref().map(|field| field.name()),
        Some("metadata.cloudtrail.userIdentity.userName")
    );
}

#[test]
fn several_rules_are_counted_together_where_an_alias_leads_to_one_place() {
    let other = "---\ntitle: Other\nid: other-id\nlogsource: {product: okta}\ndetection: {s: {outcome: FAILURE}, condition: s}\n";
    let body = "  type: event_count\n  rules: [failed_login, other-id]\n  group-by: [who]\n  timespan: 5m\n  condition: {gte: 3}\n  aliases:\n    who: {failed_login: userAgent, other-id: agent}";
    let text = format!("{}{other}", correlation(body));
    let error = import(&text, None).expect_err("two places");
    assert!(
        error.unsupported
            && error
                .message
                .contains("\"who\" at several places (actor.user_agent, agent)"),
        "{error}"
    );
    let imported = import(&text, Some(&json!({"agent": "actor.user_agent"}))).expect("one place");
    assert_eq!(imported.len(), 1);
    let condition = &imported[0].definition.condition;
    assert_eq!(
        condition,
        r#"(metadata.event_name:"ConsoleLogin" AND metadata.cloudtrail.responseElements.ConsoleLogin:"Failure") OR outcome:"FAILURE""#
    );
}

#[test]
fn what_can_not_be_counted_is_named() {
    let plain =
        "  type: event_count\n  rules: [failed_login]\n  group-by: [userAgent]\n  timespan: 5m\n  condition: {gte: 3}";
    for (from, to, unsupported, message) in [
        (
            "event_count",
            "temporal_ordered",
            true,
            "the correlation temporal_ordered",
        ),
        ("event_count", "value_sum", true, "the correlation value_sum"),
        ("event_count", "value_count", false, "names no field"),
        ("gte: 3", "lte: 3", true, "a count with lte"),
        ("gte: 3", "eq: 3", true, "a count with eq"),
        ("gte: 3", "gte: some", false, "no such number"),
        ("gte: 3", "gte: 0", false, "no such number"),
        ("gte: 3", "more: 3", false, "no key \"more\""),
        (
            "timespan: 5m",
            "timespan: soon",
            false,
            "\"soon\" is not a length of time",
        ),
        ("timespan: 5m", "timespan: 60d", true, "window is longer than 31 days"),
        ("  timespan: 5m\n", "", false, "has no timespan"),
        ("[failed_login]", "[nobody]", false, "no rule \"nobody\" to count"),
        ("[failed_login]", "[]", false, "counts no rule"),
        ("[userAgent]", "[{a: b}]", true, "a mapping as a field"),
    ] {
        let text = correlation(&plain.replace(from, to));
        let error = import(&text, None).expect_err(to);
        assert!(error.message.contains(message), "{to}: {error}");
        assert_eq!(error.unsupported, unsupported, "{to}: {error}");
        assert!(error.line > 7 && !error.hint.is_empty(), "{to}: {error:?}");
    }
}
