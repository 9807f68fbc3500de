//! Properties of all queries. `QUERY_CASES=1000000` runs the random token strings that often.

mod support;
#[path = "support/trees.rs"]
mod trees;

use auditlog_query::json::{Spans, to_json};
use auditlog_query::{CheckOptions, Limits, check, parse};
use proptest::prelude::*;
use support::{compile, holds};

fn cases(usual: u32) -> ProptestConfig {
    let asked: Option<u32> = std::env::var("QUERY_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(usual),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn printing_and_parsing_gives_the_same_tree(expr in trees::expr()) {
        let text = expr.to_string();
        let parsed = parse(&text, &Limits::default());
        let parsed = parsed.map_err(|error| TestCaseError::fail(format!("{text}\n{error}\n{}", error.detail)))?;
        prop_assert_eq!(to_json(&parsed.expr, Spans::Hidden), to_json(&expr, Spans::Hidden), "{}", text);
        prop_assert_eq!(parsed.expr.to_string(), text);
    }

    #[test]
    fn any_text_is_a_query_or_a_positioned_error(text in trees::tokens(), document in trees::document()) {
        let result = parse(&text, &Limits::default())
            .and_then(|query| check(&query, &CheckOptions::default()).map(|checked| (query, checked)));
        match result {
            Ok((query, checked)) => {
                let once = holds(&checked, &document);
                let again = compile(&query.expr.to_string()).expect("the printed query is one");
                prop_assert_eq!(holds(&again, &document), once, "{}", query.expr);
            }
            Err(error) => {
                let length = text.chars().count();
                prop_assert!((1..=length + 1).contains(&error.position), "{text:?} {error:?}");
                prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len(), "{text:?} {error:?}");
                prop_assert!(text.get(error.span.start..error.span.end).is_some(), "{text:?} {error:?}");
                prop_assert!(error.detail.ends_with('^') && !error.hint.is_empty());
                prop_assert!(!error.message.ends_with('.'), "{}", error.message);
            }
        }
    }

    #[test]
    fn not_is_the_opposite_and_de_morgan_holds(
        a in trees::expr(), b in trees::expr(), document in trees::document(),
    ) {
        let whole = [
            format!("({a}) ({b})"),
            format!("NOT (({a}) AND ({b}))"),
            format!("(NOT ({a})) OR (NOT ({b}))"),
            format!("NOT (({a}) OR ({b}))"),
            format!("-({a}) -({b})"),
        ];
        // saved queries, bad dates and bad expressions are errors
        if let (Ok(a), Ok(b)) = (compile(&a.to_string()), compile(&b.to_string())) {
            let (a, b) = (holds(&a, &document), holds(&b, &document));
            let expected = [a && b, !(a && b), !a || !b, !(a || b), !a && !b];
            for (text, expected) in whole.iter().zip(expected) {
                match compile(text) {
                    Ok(checked) => prop_assert_eq!(holds(&checked, &document), expected, "{}", text),
                    Err(error) => prop_assert_eq!(error.kind, auditlog_query::ErrorKind::Limit, "{}", text),
                }
            }
        }
    }
}
