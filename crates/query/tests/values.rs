//! Numbers, folding, patterns and words, each against another way to say the same.

use auditlog_query::ast::Part;
use auditlog_query::decimal::{Decimal, shortest};
use auditlog_query::fold::{compare, equals, fold, fold_char};
use auditlog_query::json::{Spans, to_json};
use auditlog_query::pattern::Pattern;
use auditlog_query::tokens::tokens;
use auditlog_query::{Limits, parse};
use proptest::prelude::*;
use std::cmp::Ordering;

fn order(a: &str, b: &str) -> Ordering {
    Decimal::parse(a)
        .expect("a number")
        .compare(&Decimal::parse(b).expect("a number"))
}

#[test]
fn numbers_are_compared_exactly() {
    for (a, b) in [
        ("200", "200.0"),
        ("200", "2e2"),
        ("0.02", "2E-2"),
        ("-0", "0.000"),
        (".5", "0.50"),
        ("+1", "1"),
        ("1000e-3", "1"),
        ("007", "7"),
    ] {
        assert_eq!(order(a, b), Ordering::Equal, "{a} {b}");
    }
    for (a, b) in [
        ("9007199254740992", "9007199254740993"),
        ("-2", "-1"),
        ("-1", "0"),
        ("0", "1e-999"),
        ("9e99", "1e100"),
        ("0.09", "0.1"),
        (
            "123456789012345678901234567890.1",
            "123456789012345678901234567890.10000000001",
        ),
    ] {
        assert_eq!(order(a, b), Ordering::Less, "{a} {b}");
        assert_eq!(order(b, a), Ordering::Greater, "{b} {a}");
    }
    for text in [
        "",
        "-",
        ".",
        "1.2.3",
        "1e",
        "1e+",
        "e5",
        "0x1",
        "1_0",
        " 1",
        "NaN",
        "Infinity",
        "1e9999999",
        "--1",
        "١",
    ] {
        assert!(Decimal::parse(text).is_none(), "{text}");
    }
    for (number, short) in [
        ("200.0", "200"),
        ("1.50", "1.5"),
        ("100", "100"),
        ("0.00", "0"),
        ("1.5e3", "1.5e3"),
    ] {
        assert_eq!(shortest(number), short);
    }
}

#[test]
fn folding_goes_by_character() {
    for (a, b) in [
        ("ÄÖÜ", "äöü"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("K", "k"),
        ("ſ", "S"),
        ("ẞ", "ß"),
        ("ǅ", "ǆ"),
        ("µ", "μ"),
    ] {
        assert_eq!(fold(a), fold(b), "{a} {b}");
    }
    for (a, b) in [("ß", "ss"), ("ı", "i"), ("İ", "i"), ("é", "e")] {
        assert_ne!(fold(a), fold(b), "{a} {b}");
    }
    for c in '\0'..=char::MAX {
        assert_eq!(fold_char(fold_char(c)), fold_char(c), "{c:?}");
    }
}

#[test]
fn the_tree_is_shown_as_json() {
    let query = parse("status:fail* AND NOT \"a b\"", &Limits::default()).expect("parses");
    let expected = serde_json::json!({"type": "and", "span": [0, 26], "items": [
        {"type": "field", "span": [0, 12],
            "path": {"segments": [{"name": "status", "quoted": false}], "span": [0, 6]},
            "condition": {"type": "equals", "span": [7, 12],
                "value": {"parts": ["fail", {"wildcard": "*"}], "quoted": false, "span": [7, 12]}}},
        {"type": "not", "span": [17, 26], "item": {"type": "text", "span": [21, 26],
            "value": {"parts": ["a b"], "quoted": true, "span": [21, 26]}}}
    ]});
    assert_eq!(to_json(&query.expr, Spans::Shown), expected);
}

#[test]
fn words_are_runs_of_letters_and_digits() {
    let words: Vec<&str> = tokens("user@company.com: Größe_2, ٣x--- 日本").collect();
    assert_eq!(words, ["user", "company", "com", "Größe", "2", "٣x", "日本"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn decimals_agree_with_integers(a in -10_000i64..10_000, b in -10_000i64..10_000, scale in 0usize..6) {
        let text = |n: i64| {
            let digits = format!("{:0width$}", n.abs(), width = scale + 1);
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            format!("{}{whole}.{fraction}", if n < 0 { "-" } else { "" })
        };
        prop_assert_eq!(order(&text(a), &text(b)), a.cmp(&b));
        prop_assert_eq!(order(&text(a), &format!("{a}e-{scale}")), Ordering::Equal);
    }

    #[test]
    fn comparing_folds_both_sides_alike(a in "\\PC{0,6}", b in "[a-cA-CéÉσΣς]{0,3}", c in "[a-cA-CéÉσΣς]{0,3}") {
        prop_assert!(equals(&a, &fold(&a)));
        prop_assert_eq!(equals(&b, &fold(&c)), fold(&b) == fold(&c));
        prop_assert_eq!(compare(&b, &fold(&c)), fold(&b).chars().cmp(fold(&c).chars()));
        prop_assert_eq!(fold(&a).chars().count(), a.chars().count());
    }

    #[test]
    fn patterns_agree_with_regular_expressions(pattern in "[abéÉ*?]{0,8}", text in "[aAbBéÉ\n]{0,10}") {
        let parts: Vec<Part> = pattern
            .chars()
            .map(|c| match c {
                '*' => Part::Many,
                '?' => Part::One,
                c => Part::Text(c.to_string()),
            })
            .collect();
        let source = pattern.replace('*', ".*").replace('?', ".");
        let regex = regex::Regex::new(&format!(r"(?si)\A(?:{source})\z")).expect("valid");
        prop_assert_eq!(Pattern::new(&parts).matches(&text), regex.is_match(&text), "{} {:?}", pattern, text);
    }
}
