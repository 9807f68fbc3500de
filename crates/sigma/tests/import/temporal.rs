//! The correlation `temporal`: an event for each rule, in any order.

use super::*;
use auditlog_policy::alert::definition::{Rule, Threshold};
use auditlog_policy::alert::engine::{Engine, Limits, Seen};
use auditlog_policy::duration::Duration;

/// In the manner of the specification's example: someone looks around on a machine with three commands.
const LOOKING_AROUND: &str = r"
title: Somebody looks around
id: 6e6c1c0e-35a5-4d3a-9d5e-0b8e8f4a2f10
level: high
tags: [attack.discovery]
correlation:
  type: temporal
  rules: [asks_who, asks_where, 1f3f5d2c-asks-whom]
  group-by: [ComputerName, User]
  timespan: 5m
---
title: Who am I
name: asks_who
logsource: {product: other}
detection: {s: {CommandLine: 'whoami*'}, condition: s}
---
title: Where am I
name: asks_where
logsource: {product: other}
detection: {s: {CommandLine|startswith: [ipconfig, hostname]}, condition: s}
---
title: Who else
id: 1f3f5d2c-asks-whom
logsource: {product: other}
detection: {s: {CommandLine|contains|all: [net, user]}, f: {User: backup}, condition: s and not f}
";

/// Fields of these rules lie below `metadata`.
fn map() -> Value {
    json!({"*": "metadata"})
}

fn imported(text: &str, map: &Value) -> Vec<Definition> {
    let imported = import(text, Some(map)).unwrap_or_else(|error| panic!("{text}: {error}"));
    imported.into_iter().map(|alert| alert.definition).collect()
}

fn threshold(definition: &Definition) -> &Threshold {
    match &definition.rule {
        Rule::Threshold(threshold) => threshold,
        Rule::Unusual(_) => panic!("a threshold"),
    }
}

/// At which of these events, with their seconds, the alert fires.
fn fired(definition: &Definition, events: &[(i64, Value)]) -> Vec<i64> {
    let mut engine = Engine::new(Limits::default());
    engine
        .set_alert(1, definition, &CheckOptions::default(), 0)
        .expect("an alert");
    let mut out = Vec::new();
    for (log_index, (second, event)) in (0..).zip(events) {
        let seen = Seen {
            log_index,
            timestamp_us: second * 1_000_000,
            arrived_us: second * 1_000_000,
            replay: false,
        };
        engine.observe(seen, JsonDocument::new(&core(event)), &mut out);
    }
    out.iter().map(|firing| firing.completed.log_index).collect()
}

#[test]
fn all_rules_must_find_something_within_the_time() {
    let alerts = imported(LOOKING_AROUND, &map());
    let [alert] = alerts.as_slice() else {
        panic!("{alerts:?}")
    };
    assert_eq!(
        (alert.name.as_str(), alert.condition.as_str()),
        ("Somebody looks around", "*")
    );
    assert!(
        alert
            .labels
            .contains(&("tags".to_owned(), "attack.discovery".to_owned()))
    );
    let found = threshold(alert);
    assert_eq!(
        found.all_of,
        [
            "metadata.CommandLine:whoami*",
            "metadata.CommandLine IN (ipconfig*, hostname*)",
            r#"metadata.CommandLine:*net* AND metadata.CommandLine:*user* AND NOT metadata.User:"backup""#,
        ]
    );
    let groups: Vec<&str> = found.group_by.iter().map(|field| field.name()).collect();
    assert_eq!(groups, ["metadata.ComputerName", "metadata.User"]);
    assert_eq!(
        (found.count, found.window.map(Duration::seconds), &found.distinct),
        (3, Some(300), &None)
    );

    let run = |computer: &str, user: &str, command: &str| json!({"event_type": "process.start", "metadata": {"ComputerName": computer, "User": user, "CommandLine": command}});
    let events = [
        (0, run("pc1", "eve", "hostname -f")),
        (10, run("pc1", "eve", "WHOAMI /all")),
        (20, run("pc2", "eve", "net user /domain")),
        (30, run("pc1", "bob", "net user /domain")),
        (40, run("pc1", "eve", "dir")),
        // all three of pc1 and eve are there, in another order than that of the rules
        (50, run("pc1", "eve", "net user admin")),
        // too late for the first one, and the filter of a rule holds
        (400, run("pc2", "backup", "whoami")),
        (410, run("pc2", "backup", "ipconfig")),
        (420, run("pc2", "backup", "net user")),
    ];
    assert_eq!(fired(alert, &events), [5]);
    let late: Vec<(i64, Value)> = events
        .iter()
        .map(|(second, event)| (second * 7, event.clone()))
        .collect();
    assert_eq!(fired(alert, &late), Vec::<i64>::new());
}

#[test]
fn the_rules_are_alerts_too_when_it_says_so() {
    let text = LOOKING_AROUND.replace("  timespan: 5m", "  timespan: 5m\n  generate: true");
    let names: Vec<String> = imported(&text, &map()).into_iter().map(|alert| alert.name).collect();
    assert_eq!(names, ["Somebody looks around", "Who am I", "Where am I", "Who else"]);
}

#[test]
fn an_alias_leads_to_one_place() {
    let body = "title: t\ncorrelation: {type: temporal, rules: [error, connection], group-by: [internal_ip], timespan: 1h, aliases: {internal_ip: {error: destination.ip, connection: source.ip}}}\n---\n\
        title: e\nname: error\nlogsource: {product: web}\ndetection: {s: {status: 500}, condition: s}\n---\n\
        title: c\nname: connection\nlogsource: {product: firewall}\ndetection: {s: {action: open}, condition: s}\n";
    let error = import(body, Some(&map())).expect_err("two places");
    assert!(
        error.unsupported && error.message.contains("\"internal_ip\" at several places"),
        "{error}"
    );
    let map = json!({"destination.ip": "actor.ip_address", "source.ip": "actor.ip_address", "*": "metadata"});
    let alert = imported(body, &map).remove(0);
    let found = threshold(&alert);
    assert_eq!(found.group_by[0].name(), "actor.ip_address");
    assert_eq!(found.all_of, [r#"metadata.status:"500""#, r#"metadata.action:"open""#]);
    let event = |ip: &str, key: &str, value: &str| json!({"event_type": "a.b", "actor": {"ip_address": ip}, "metadata": {key: value}});
    let events = [
        (0, event("10.0.0.1", "action", "open")),
        (1, event("10.0.0.2", "status", "500")),
        (2, event("10.0.0.1", "status", "500")),
    ];
    assert_eq!(fired(&alert, &events), [2]);
}

#[test]
fn a_condition_that_asks_for_all_is_none() {
    for condition in [
        "{gte: 3}",
        "{gt: 2}",
        "asks_who and asks_where and 1f3f5d2c-asks-whom",
        "1f3f5d2c-asks-whom AND asks_where AND asks_who",
        "null",
    ] {
        let text = LOOKING_AROUND.replace("  timespan: 5m", &format!("  timespan: 5m\n  condition: {condition}"));
        assert_eq!(imported(&text, &map()), imported(LOOKING_AROUND, &map()), "{condition}");
    }
    for condition in [
        "{gte: 2}",
        "{gte: 4}",
        "{lte: 3}",
        "asks_who and asks_where",
        "asks_who and asks_where and nobody",
        "asks_who or asks_where or 1f3f5d2c-asks-whom",
        "asks_who and asks_where and not 1f3f5d2c-asks-whom",
        "[]",
    ] {
        let text = LOOKING_AROUND.replace("  timespan: 5m", &format!("  timespan: 5m\n  condition: {condition}"));
        let error = import(&text, Some(&map())).expect_err(condition);
        assert!(
            error.unsupported && error.message.contains("something else than all of its rules"),
            "{condition}: {error}"
        );
        assert_eq!((error.line, error.column), (11, 14), "{condition}: {error}");
    }
}

#[test]
fn what_is_no_such_correlation_is_named() {
    for (from, to, unsupported, message) in [
        (
            "type: temporal",
            "type: temporal_ordered",
            true,
            "the correlation temporal_ordered can't be expressed",
        ),
        (
            "[asks_who, asks_where, 1f3f5d2c-asks-whom]",
            "[asks_who, asks_who]",
            false,
            "the correlation temporal has a single rule",
        ),
        (
            "[asks_who, asks_where, 1f3f5d2c-asks-whom]",
            "asks_who",
            false,
            "the correlation temporal has a single rule",
        ),
        (
            "asks_where, ",
            "asks_nobody, ",
            false,
            "there is no rule \"asks_nobody\"",
        ),
        ("  timespan: 5m\n", "", false, "the correlation has no timespan"),
        ("timespan: 5m", "timespan: 60d", true, "window is longer than 31 days"),
        (
            "[asks_who,",
            "[6e6c1c0e-35a5-4d3a-9d5e-0b8e8f4a2f10,",
            true,
            "a correlation of the correlation",
        ),
    ] {
        let error = import(&LOOKING_AROUND.replace(from, to), Some(&map())).expect_err(to);
        assert!(error.message.contains(message), "{to}: {error}");
        assert_eq!(error.unsupported, unsupported, "{to}: {error}");
        assert!(!error.hint.is_empty(), "{to}: {error:?}");
    }
    // two rules that find the same are one
    let text = LOOKING_AROUND
        .replace("[asks_who, asks_where, 1f3f5d2c-asks-whom]", "[asks_who, asks_where]")
        .replace("CommandLine|startswith: [ipconfig, hostname]", "CommandLine: 'whoami*'");
    let error = import(&text, Some(&map())).expect_err("one query");
    assert!(error.message.contains("has a single rule"), "{error}");
    // more than an alert takes
    let rule = |n: usize| {
        format!(
            "---\ntitle: r{n}\nname: r{n}\nlogsource: {{product: other}}\ndetection: {{s: {{n: {n}}}, condition: s}}\n"
        )
    };
    let many = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("r{n}")).collect();
        let rules: String = (0..count).map(rule).collect();
        format!(
            "title: t\ncorrelation: {{type: temporal, timespan: 1m, rules: [{}]}}\n{rules}",
            names.join(", ")
        )
    };
    assert_eq!(threshold(&imported(&many(16), &map())[0]).all_of.len(), 16);
    let error = import(&many(17), Some(&map())).expect_err("17 rules");
    assert!(
        error.unsupported && error.message.contains("all_of has 17 queries"),
        "{error}"
    );
}
