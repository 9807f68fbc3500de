//! Queries of which each must be matched.

use super::*;
use auditlog_core::json::Json;
use auditlog_query::eval::JsonDocument;
use auditlog_query::{Limits, check, matches, parse};

const BOTH: &str =
    "name: a\nthreshold: {all_of: ['event_type:a.b', 'ip:10.0.0.0/8 OR c:d'], window: 5m, group_by: actor.email}";

fn threshold(definition: &Definition) -> &Threshold {
    match &definition.rule {
        Rule::Threshold(threshold) => threshold,
        Rule::Unusual(_) => panic!("a threshold"),
    }
}

#[test]
fn it_is_read_with_and_without_a_condition() {
    let definition = Definition::parse(BOTH).expect("an alert");
    assert_eq!(definition.condition, "*");
    assert_eq!(definition.query(), "event_type:a.b OR (ip:10.0.0.0/8 OR c:d)");
    assert_eq!(definition.all_of(), ["event_type:a.b", "ip:10.0.0.0/8 OR c:d"]);
    let found = threshold(&definition);
    assert_eq!((found.count, found.counted().as_str()), (2, "matched queries"));
    assert_eq!(definition.quiet().map(Duration::seconds), Some(300));
    assert_eq!(
        definition.describe()[0],
        "Fires when events have matched each of «event_type:a.b» and «ip:10.0.0.0/8 OR c:d» within 5 minutes, in any order, separately for each actor.email."
    );
    assert_eq!(
        definition.to_json().to_string(),
        r#"{"name":"a","enabled":true,"condition":"*","threshold":{"all_of":["event_type:a.b","ip:10.0.0.0/8 OR c:d"],"window":"5m","group_by":["actor.email"]}}"#
    );
    assert_eq!(
        Definition::parse(&definition.to_json().to_string()),
        Ok(definition.clone())
    );
    let narrowed = Definition::parse(&format!("{BOTH}\ncondition: status:failed # or not")).expect("an alert");
    assert_eq!(
        narrowed.query(),
        "status:failed AND (event_type:a.b OR (ip:10.0.0.0/8 OR c:d))"
    );
    assert!(narrowed.describe()[0].starts_with("Fires when events that match «status:failed» have matched each of"));
    // a comment in a query ends with it
    let text = "name: a\nthreshold: {all_of: ['a:b # one', 'c:d', 'e:f'], window: 5m}";
    let definition = Definition::parse(text).expect("an alert");
    assert_eq!(definition.query(), "a:b OR c:d OR e:f");
    assert!(definition.describe()[0].contains("each of «a:b # one», «c:d» and «e:f» within"));
}

#[test]
fn the_text_of_all_queries_means_what_is_evaluated() {
    let document = |a: &str, b: &str| {
        let pair = |(key, value): (&str, &str)| (key.to_owned(), Json::String(value.to_owned()));
        Json::Object([("event_type", "x.y"), ("a", a), ("b", b)].map(pair).to_vec())
    };
    let options = CheckOptions::default();
    for condition in ["*", "", "a:1", "a:1 OR b:1", "NOT a:1", "a:1 # b"] {
        for queries in [
            ["a:1", "b:1"],
            ["a:1 OR b:2", "NOT b:1"],
            ["a:2 AND b:2 # c", "(b:1)"],
            ["*", "a:1"],
        ] {
            let threshold = serde_json::json!({"all_of": queries, "window": "5m"});
            let text = serde_json::json!({"name": "x", "condition": condition, "threshold": threshold});
            let definition = Definition::parse(&text.to_string()).expect(condition);
            let whole = definition.check(&options).expect(condition);
            let query = parse(&definition.query(), &options.limits).expect(condition);
            let query = check(&query, &options).expect(condition);
            for (a, b) in [("1", "1"), ("1", "2"), ("2", "1"), ("2", "2"), ("3", "3")] {
                let document = document(a, b);
                let holds = |checked| matches(checked, JsonDocument::new(&document), 0);
                assert_eq!(holds(&whole), holds(&query), "{condition} {queries:?} {a} {b}");
            }
        }
    }
}

#[test]
fn what_is_wrong_is_shown_with_its_place_and_a_hint() {
    for (line, place, message, hint) in [
        (
            "{all_of: [a, b]}",
            (2, 12),
            "all_of needs a window",
            "such as window: 5m",
        ),
        (
            "{all_of: [a, b], count: 2, window: 5m}",
            (2, 36),
            "threshold has both all_of and count",
            "Leave count out",
        ),
        (
            "{distinct: ip, all_of: [a, b], window: 5m}",
            (2, 23),
            "threshold has both all_of and distinct",
            "Leave distinct out",
        ),
        (
            "{all_of: a, window: 5m}",
            (2, 21),
            "all_of has a single query",
            "2 to 16",
        ),
        ("{all_of: [], window: 5m}", (2, 21), "all_of has 0 queries", "2 to 16"),
        (
            "{all_of: [a, b, ' a '], window: 5m}",
            (2, 28),
            "all_of has the query \"a\" twice",
            "once",
        ),
        (
            "{all_of: [a, {b: c}], window: 5m}",
            (2, 25),
            "a query of all_of is a mapping, not a query",
            "in quotes",
        ),
        (
            "{all_of: [a, 'b AND (c'], window: 5m}",
            (2, 32),
            "a query of all_of, at character 7:",
            "",
        ),
        (
            "{allof: [a, b], window: 5m}",
            (2, 13),
            "threshold has no key \"allof\"",
            "«all_of»",
        ),
    ] {
        let text = format!("name: x\nthreshold: {line}\n");
        let error = Definition::parse(&text).expect_err(line);
        assert_eq!((error.line, error.column), place, "{line}: {error}");
        assert!(error.message.contains(message), "{line}: {error}");
        assert!(error.hint.contains(hint) && !error.hint.is_empty(), "{line}: {error:?}");
    }
    let list = |count: usize| (0..count).map(|n| format!("a:{n}")).collect::<Vec<_>>().join(", ");
    let text = |count| format!("name: x\nthreshold: {{all_of: [{}], window: 5m}}", list(count));
    assert_eq!(Definition::parse(&text(16)).expect("16").all_of().len(), 16);
    assert!(Definition::parse(&text(17)).is_err_and(|error| error.message.contains("all_of has 17 queries")));
    // without all_of there must be a condition
    let error = Definition::parse("name: x\nthreshold: {count: 2, window: 5m}").expect_err("no condition");
    assert!(error.message.contains("\"condition\" is missing"), "{error}");
}

#[test]
fn all_queries_together_keep_the_limits_of_one() {
    let options = CheckOptions {
        limits: Limits {
            terms: 3,
            ..Limits::default()
        },
        ..CheckOptions::default()
    };
    let text = |condition: &str, query: &str| {
        format!("name: x\ncondition: {condition}\nthreshold: {{window: 5m, all_of: [a:b, {query}]}}")
    };
    Definition::parse_with(&text("c:d", "e:f"), &options).expect("three terms");
    let error = Definition::parse_with(&text("c:d OR e:f", "g:h"), &options).expect_err("four terms");
    assert_eq!((error.line, error.column), (3, 33));
    assert!(error.message.starts_with("the queries of all_of together:"), "{error}");
}
