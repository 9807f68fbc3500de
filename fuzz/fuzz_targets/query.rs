//! Any text is a query or a positioned error; a query's printed form is the same query.
//! `cp -r corpus/query /tmp/corpus && cargo +nightly fuzz run query /tmp/corpus`
#![no_main]

use auditlog_core::json::Json;
use auditlog_query::json::{Spans, to_json};
use auditlog_query::eval::{JsonDocument, JsonValue, each_text};
use auditlog_query::leaves::{leaf, leaves};
use auditlog_query::predicate::{predicate, to_sql};
use auditlog_query::wanted::{Wanted, wanted};
use auditlog_query::{CheckOptions, Limits, check, fold, matches, parse, tokens};
use libfuzzer_sys::fuzz_target;
use std::collections::HashSet;
use std::sync::LazyLock;

/// 2026-11-25T12:00:00Z
const NOW: i64 = 1_795_608_000_000_000;

static DOCUMENT: LazyLock<Json> = LazyLock::new(|| {
    let text = |text: &str| Json::String(text.to_owned());
    let object = |pairs: Vec<(&str, Json)>| Json::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    object(vec![
        ("timestamp", text("2026-11-25T10:30:45.123Z")),
        ("event_type", text("resource.modify")),
        ("severity", text("info")),
        (
            "actor",
            object(vec![
                ("email", text("Ä@company.com")),
                ("ip_address", text("203.0.113.45")),
            ]),
        ),
        ("action", object(vec![("status", text("failed"))])),
        (
            "metadata",
            object(vec![(
                "tags",
                Json::Array(vec![text("a b"), Json::Null, Json::Number("1.50".to_owned())]),
            )]),
        ),
        (
            "list",
            Json::Array(vec![object(vec![("a", Json::Bool(true))]), object(vec![])]),
        ),
    ])
});

static WORDS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut words = HashSet::new();
    each_text(JsonValue::Json(&DOCUMENT), &mut |text| {
        words.extend(tokens::tokens(text).map(|word| fold::fold(word).into_owned()));
        if tokens::is_value(text) {
            words.insert(format!("={}", fold::fold(text)));
        }
    });
    words
});

fn has(wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Word(word) => WORDS.contains(word),
        Wanted::Value(value) => WORDS.contains(&format!("={value}")),
        Wanted::All(items) => items.iter().all(has),
        Wanted::Any(items) => items.iter().any(has),
    }
}

fuzz_target!(|text: &str| {
    let limits = Limits::default();
    match parse(text, &limits) {
        Err(error) => {
            assert!(error.position <= text.chars().count() + 1);
            assert!(text.get(error.span.start..error.span.end).is_some());
        }
        Ok(query) => {
            let printed = query.expr.to_string();
            // printing may need more escapes and parentheses than the text had
            let wider = Limits {
                text_bytes: usize::MAX,
                nesting: 2 * limits.nesting + 2,
                ..limits
            };
            let again = parse(&printed, &wider).expect("the printed query is one");
            assert_eq!(to_json(&again.expr, Spans::Hidden), to_json(&query.expr, Spans::Hidden));
            if let Ok(checked) = check(&query, &CheckOptions::default()) {
                let found = matches(&checked, JsonDocument::new(&DOCUMENT), NOW);
                if let Some(wanted) = wanted(&checked) {
                    assert!(!found || has(&wanted), "the words of a document that is found are wanted");
                }
                let statement = to_sql(&predicate(&checked), text, "UTC");
                let most = statement.parameters.len();
                assert!(!statement.condition.contains(&format!("${}", most + 1)));
                assert!(leaf(&checked.node, leaves(&checked.node).len()).is_none());
            }
        }
    }
});
