use super::*;
use proptest::prelude::*;

#[test]
fn detections_become_queries() {
    for (detection, expected) in [
        ("{s: {f: a}, condition: s}", r#"f:"a""#),
        ("{s: {f: [a, b, 'c*']}, condition: s}", r#"f IN ("a", "b", c*)"#),
        ("{s: {f|contains: [a b, c]}, condition: s}", r"f IN (*a\ b*, *c*)"),
        (
            "{s: {f|contains|all: [a b, 'c*']}, condition: s}",
            r"f:*a\ b* AND f:*c*",
        ),
        ("{s: {f|startswith: a, g|endswith: b}, condition: s}", "f:a* AND g:*b"),
        ("{s: [{f: a}, {g: b}], condition: s}", r#"f:"a" OR g:"b""#),
        ("{s: {f|cidr: 10.0.0.0/8}, condition: s}", r#"f:"10.0.0.0/8""#),
        ("{s: {f|gte: 5, g|lt: 2.5}, condition: s}", "f:>=5 AND g:<2.5"),
        (
            "{s: {f|exists: true, g|exists: false}, condition: s}",
            "f:* AND NOT g:*",
        ),
        (
            "{s: {f: null, g: '', h: '*'}, condition: s}",
            r#"NOT f:* AND g:"" AND h:*"#,
        ),
        ("{s: {f|cased: Ab}, condition: s}", r#"f:="Ab""#),
        ("{s: {f|contains|cased: A.b}, condition: s}", r"f:/(?s).*A\.b.*/"),
        (
            "{s: {f|re|i: 'a\"b'}, condition: s}",
            r#"f:~"(?s:.*)(?:(?i)a\"b)(?s:.*)""#,
        ),
        ("{s: {f|re: 'a/\\d'}, condition: s}", r"f:/(?s:.*)(?:a\/\d)(?s:.*)/"),
        ("{s: {f|neq: [a, b]}, condition: s}", r#"NOT f:"a" AND NOT f:"b""#),
        ("{s: {f: 10.0.0.0/8}, condition: s}", r"f:/10\.0\.0\.0\/8/i"),
        (
            "{s: {f: 5, g: true, h: 2024}, condition: s}",
            r#"f:"5" AND g:"true" AND h:"2024""#,
        ),
        ("{s: {'|all': [a, b]}, condition: s}", r#""a" AND "b""#),
        ("{s: [a b, 'c*'], condition: s}", r#""a b" OR c*"#),
        (
            "{s: {f|base64offset|contains: foobar}, condition: s}",
            "f:*Zm9vYmFy* OR f:*Zvb2Jhc* OR f:*mb29iYX*",
        ),
        (
            "{s1: {a: 1}, s2: {b: 2}, t: {c: 3}, condition: not (1 of s* or t) and all of them}",
            r#"NOT (a:"1" OR b:"2" OR c:"3") AND a:"1" AND b:"2" AND c:"3""#,
        ),
        (
            "{s: {a: 1}, f: {b: 2}, condition: s and not 1 of f*}",
            r#"a:"1" AND NOT b:"2""#,
        ),
        ("{s: {a: 1}, t: {b: 2}, condition: [s, t]}", r#"a:"1" OR b:"2""#),
        (
            "{s: {status: a, user.x: b, 'a b.c-d': c}, condition: s}",
            r#""status":"a" AND "user".x:"b" AND a\ b.c-d:"c""#,
        ),
        ("{s: {f: 'a\") OR b:(\"c'}, condition: s}", r#"f:"a\") OR b:(\"c""#),
    ] {
        assert_eq!(one(detection).definition.condition, expected, "{detection}");
    }
}

#[test]
fn conditions_find_what_the_rule_speaks_of() {
    let detection = r"{s: {p.name|contains: '\Temp\', p.args|windash|contains: ' -enc ', ip|cidr: 10.0.0.0/8}, f: {p.user: system}, condition: s and not f}";
    let alert = one(detection).definition;
    let event = |name: &str, args: &str, ip: &str, user: &str| json!({"p": {"name": name, "args": args, "user": user}, "ip": ip});
    assert!(holds(
        &alert,
        &event(r"C:\TEMP\x.exe", "ps /ENC abc", "10.1.2.3", "eve")
    ));
    for other in [
        event(r"C:\Tem\x.exe", "ps -enc abc", "10.1.2.3", "eve"),
        event(r"C:\Temp\x.exe", "ps enc abc", "10.1.2.3", "eve"),
        event(r"C:\Temp\x.exe", "ps -enc abc", "11.1.2.3", "eve"),
        event(r"C:\Temp\x.exe", "ps -enc abc", "10.1.2.3", "SYSTEM"),
    ] {
        assert!(!holds(&alert, &other), "{other}");
    }
}

#[test]
fn what_is_known_of_the_rule_is_kept() {
    let rule = r#"
title: "Title"
id: 0e95725d-7320-415d-80f7-004da920fc11
status: test
level: informational
description: "What it is."
author: "A. Author, B. Other"
references: [https://example.com/a, https://example.com/b]
tags: [attack.t1098]
date: 2026-01-02
license: DRL 1.1
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: X}, condition: s, timeframe: 5m}
"#;
    let imported = import(rule, None).expect("a rule").remove(0);
    let label = |name: &str| {
        imported
            .definition
            .labels
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, text)| text.as_str())
    };
    assert_eq!(imported.definition.name, "Title");
    assert_eq!(label("author"), Some("A. Author, B. Other"));
    assert_eq!(
        label("references"),
        Some("https://example.com/a, https://example.com/b")
    );
    assert_eq!(
        (label("date"), label("license"), label("logsource")),
        (Some("2026-01-02"), Some("DRL 1.1"), Some("aws/cloudtrail"))
    );
    assert_eq!(imported.definition.severity().label(), "info");
    assert_eq!(imported.notes.len(), 1, "{:?}", imported.notes);
    let severity = |level: &str| {
        let rule = rule.replace("informational", level);
        import(&rule, None)
            .expect("a rule")
            .remove(0)
            .definition
            .severity()
            .label()
    };
    assert_eq!(
        ["low", "medium", "high", "critical"].map(severity),
        ["notice", "warning", "error", "critical"]
    );
}

#[test]
fn what_is_wrong_is_shown_with_its_place() {
    let rule = |rest: &str| format!("title: t\n{rest}\n");
    for (rest, line, unsupported, message) in [
        (
            "detection: {s: {f: a}, condition: s and}",
            2,
            false,
            "the condition ends early",
        ),
        (
            "detection: {s: {f: a}, condition: t}",
            2,
            false,
            "there is no selection \"t\"",
        ),
        (
            "detection: {s: {f: a}, condition: 1 of x*}",
            2,
            false,
            "no selection is meant by \"x*\"",
        ),
        ("detection: {s: {f: a}}", 2, false, "the detection has no condition"),
        ("detection: []", 2, false, "the detection has no condition"),
        ("detection: {s: {}, condition: s}", 2, false, "a selection is empty"),
        ("detection: {s: {f: []}, condition: s}", 2, false, "has no values"),
        (
            "detection: {s: {f: [[a]]}, condition: s}",
            2,
            false,
            "a value is a list",
        ),
        ("logsource: {product: x}", 1, false, "there is no detection"),
        (
            "detection:\n  s:\n    f|fieldref: g\n  condition: s",
            4,
            true,
            "the modifier fieldref can't be expressed",
        ),
        (
            "detection: {s: {f|expand: '%x%'}, condition: s}",
            2,
            true,
            "the modifier expand",
        ),
        (
            "detection: {s: ['../'], condition: s}",
            2,
            true,
            "a keyword without a letter or digit",
        ),
        (
            "detection: {s: {'|re': a}, condition: s}",
            2,
            true,
            "a keyword with such a modifier",
        ),
        (
            "detection: {s: {f: a}, condition: s | count() > 5}",
            2,
            true,
            "an aggregation",
        ),
        ("action: global", 2, true, "the attribute action"),
        ("filter: {rules: [a]}", 2, true, "a filter document"),
        ("detection: {s: {f: a}, condition: s}\ntitle: u", 3, false, "duplicate"),
    ] {
        let error = import(&rule(rest), None).expect_err(rest);
        assert_eq!((error.line, error.unsupported), (line, unsupported), "{rest}: {error}");
        assert!(error.message.contains(message), "{rest}: {error}");
        assert!(!error.hint.is_empty(), "{rest}");
    }
    let untitled = import("detection: {s: {f: a}, condition: s}", None).expect_err("no title");
    assert!(untitled.message.contains("no title"));
    import("", None).expect_err("nothing");
    let many = "ab ".repeat(2_100);
    let long = format!(
        "title: t\ndetection: {{s: [{}], condition: s}}",
        many.trim().replace(' ', "1, ")
    );
    import(&long, None)
        .map(|imported| assert_eq!(imported[0].definition.condition, "\"ab1\" OR \"ab\""))
        .expect("twice the same is once");
}

/// A literal as Sigma escapes it.
fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if matches!(c, '*' | '?' | '\\') {
                vec!['\\', c]
            } else {
                vec![c]
            }
        })
        .collect()
}

proptest! {
    /// Whatever a value is, it finds itself, and not another value.
    #[test]
    fn every_text_finds_itself(text in "\\PC{1,12}", other in "\\PC{1,12}", field in "[a-zA-Z_ .\"-]{1,8}") {
        prop_assume!(!field.split('.').all(str::is_empty) && !field.starts_with('|'));
        let rule = json!({"title": "t", "detection": {"s": {field.clone(): escaped(&text)}, "condition": "s"}});
        let alert = import(&rule.to_string(), None).map_err(|error| TestCaseError::fail(format!("{rule} {error:?}")))?.remove(0).definition;
        let event = |value: &str| {
            let path = field.split('.').filter(|name| !name.is_empty()).rev();
            path.fold(json!(value), |inner, name| json!({name: inner}))
        };
        prop_assert!(holds(&alert, &event(&text)), "{} {}", text, alert.condition);
        let same = auditlog_query::fold::equals(&other, &auditlog_query::fold::fold(&text));
        let number = |text: &str| auditlog_query::decimal::Decimal::parse(text).is_some();
        if !number(&text) && text.parse::<std::net::IpAddr>().is_err() {
            prop_assert_eq!(holds(&alert, &event(&other)), same, "{} {} {}", text, other, alert.condition);
        }
    }

    #[test]
    fn no_rule_is_too_odd(text in "[a-z:|*{}\\[\\] \n\"'-]{0,80}", value in "\\PC{0,20}") {
        let _ = import(&text, None);
        let rule = json!({"title": "t", "detection": {"s": {text.clone(): value.clone()}, "condition": value}});
        let _ = import(&rule.to_string(), Some(&json!({"*": text})));
    }
}
