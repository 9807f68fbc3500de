//! Leaves and single values: what a translation into SQL evaluates piece by piece.

mod support;
#[path = "support/trees.rs"]
mod trees;

use auditlog_core::document::parse_inet;
use auditlog_core::json::Json;
use auditlog_query::dates::Zone;
use auditlog_query::eval::{JsonDocument, View, matches_leaf, matches_value};
use auditlog_query::node::{Checked, Node, Test};
use auditlog_query::{Leaf, leaves};
use proptest::prelude::*;
use std::borrow::Cow;
use support::{NOW, compile, holds, json};

fn described(query: &str) -> Vec<String> {
    let checked = compile(query).expect("checks");
    let describe = |leaf: &Leaf<'_>| match leaf {
        Leaf::Atom(atom) => atom.targets[0].path.join("."),
        Leaf::Text(words) => format!("{} words", words.words.len()),
        Leaf::Nested(targets, inner) => format!("{}{{{}}}", targets[0].path.join("."), leaves(inner).len()),
    };
    leaves(&checked.node).iter().map(describe).collect()
}

#[test]
fn leaves_are_numbered_from_left_to_right() {
    assert_eq!(
        described("status:failed AND NOT (\"a b\" OR (x:1 AND f:{g:1 h:{i:2} j})) OR tags:(a AND NOT b) *"),
        [
            "action.status",
            "2 words",
            "x",
            "f{3}",
            "metadata.tags",
            "metadata.tags"
        ]
    );
    assert_eq!(
        described("status:(a OR b OR x:c)"),
        ["action.status", "action.status", "x"]
    );
    assert_eq!(described("status IN (a, b)"), ["action.status"]);
    for none in ["", "NOT *", "f IN ()"] {
        assert_eq!(described(none), [""; 0], "{none}");
    }
}

#[test]
fn a_leaf_reads_events_as_the_whole_query_does() {
    let event = json(&serde_json::json!({"event_type": "a.b", "status": "odd", "actor": {"id": 42}}));
    let other = json(&serde_json::json!({"status": "odd", "actor": {"id": 42}, "f": [{"a": 1}, {"b": 2}]}));
    for (query, in_event, in_other) in [
        ("status:odd", false, true),
        ("actor.id:42.0", false, true),
        ("odd", true, true),
        ("f:{a:1 b:2}", false, false),
        ("f:{a:1 status:odd}", false, false),
        ("f:{a:1}", false, true),
    ] {
        let checked = compile(query).expect("checks");
        let [leaf] = leaves(&checked.node)[..] else {
            panic!("{query} has one leaf")
        };
        for (document, expected) in [(&event, in_event), (&other, in_other)] {
            let found = matches_leaf(&checked, leaf, JsonDocument::new(document), NOW);
            assert_eq!(found, expected, "{query}");
        }
    }
}

#[test]
fn a_column_is_tested_without_a_document() {
    let text = |text: &'static str| View::Text(Cow::Borrowed(text));
    let address = |text: &str| View::Address(parse_inet(text).expect("an address"));
    for (query, value, expected) in [
        ("status:FAILED", text("failed"), true),
        ("status:failed", View::Null, false),
        ("status:null", View::Null, true),
        ("status:*", View::Null, false),
        ("status:*", text(""), true),
        ("actor.id:42", text("42"), true),
        ("actor.id:42.0", text("42"), false),
        ("actor.id:>41.5", text("42"), true),
        ("timestamp:now/d", View::Time(NOW), true),
        ("timestamp:<now", View::Time(NOW), false),
        ("timestamp:2026-11-25T13", View::Time(NOW), false),
        ("ip:10.0.0.0/8", address("10.1.2.3"), true),
        ("ip:10.0.0.0/8", address("11.1.2.3"), false),
        ("log_index:[5 TO 7}", View::Number(Cow::Borrowed("7")), false),
        ("log_index:7.0", View::Number(Cow::Borrowed("7")), true),
        ("severity:>info", text("notice"), true),
        ("ip IN (10.0.0.1, ::1)", address("::1"), true),
    ] {
        let checked = compile(query).expect("checks");
        let Node::Atom(atom) = &checked.node else {
            panic!("{query} is an atom")
        };
        let found = matches_value(&atom.test, &value, NOW, &Zone::Utc);
        assert_eq!(found, expected, "{query} {value:?}");
    }
    // there it is 4 o'clock
    let zone: Zone = "-08:00".parse().expect("a zone");
    let checked = compile("timestamp:<now/d+5h").expect("checks");
    let Node::Atom(atom) = &checked.node else {
        panic!("an atom")
    };
    assert!(!matches_value(&atom.test, &View::Time(NOW), NOW, &Zone::Utc));
    assert!(matches_value(&atom.test, &View::Time(NOW), NOW, &zone));
}

/// The condition with each leaf's answer put in from the list.
fn put_together(node: &Node, answers: &mut impl Iterator<Item = bool>) -> bool {
    match node {
        Node::All => true,
        Node::None => false,
        // every leaf has a number: none may be left out because the answer is known already
        Node::And(items) => items.iter().fold(true, |all, item| put_together(item, answers) & all),
        Node::Or(items) => items.iter().fold(false, |any, item| put_together(item, answers) | any),
        Node::Not(inner) => !put_together(inner, answers),
        Node::Atom(_) | Node::Text(_) | Node::Nested(..) => answers.next().expect("as many answers as leaves"),
    }
}

fn by_leaves(checked: &Checked, document: &Json) -> bool {
    let answers: Vec<bool> = leaves(&checked.node)
        .into_iter()
        .map(|leaf| matches_leaf(checked, leaf, JsonDocument::new(document), NOW))
        .collect();
    let mut answers = answers.into_iter();
    let found = put_together(&checked.node, &mut answers);
    assert_eq!(answers.next(), None, "as many leaves as answers");
    found
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn leaves_make_up_the_query(expr in trees::expr(), document in trees::document()) {
        if let Ok(checked) = compile(&expr.to_string()) {
            prop_assert_eq!(by_leaves(&checked, &document), holds(&checked, &document), "{}", expr);
            let again = compile(&expr.to_string()).expect("checks");
            prop_assert_eq!(format!("{:?}", leaves(&again.node)), format!("{:?}", leaves(&checked.node)));
        }
    }

    #[test]
    fn a_text_is_tested_alike_with_and_without_a_document(expr in trees::expr(), value in "[ -~é]{0,6}") {
        let Ok(checked) = compile(&expr.to_string()) else { return Ok(()) };
        for leaf in leaves(&checked.node) {
            let Leaf::Atom(atom) = leaf else { continue };
            if matches!(atom.test, Test::Null) { continue }
            let target = &atom.targets[0];
            let inside = target.path.iter().rev().fold(Json::String(value.clone()), |inner, key| {
                Json::Object(vec![(key.clone(), inner)])
            });
            let mut one = atom.clone();
            one.targets.truncate(1);
            let found = matches_leaf(&checked, Leaf::Atom(&one), JsonDocument::new(&inside), NOW);
            let alone = matches_value(&atom.test, &View::Text(Cow::Borrowed(&value)), NOW, &checked.zone);
            prop_assert_eq!(found, alone, "{}", expr);
        }
    }
}

#[test]
fn one_leaf_is_found_as_in_the_list() {
    use auditlog_query::leaves::leaf;
    for text in ["", "a", "a:1 OR (b:{c:1 d:2} AND NOT e)", "NOT (a OR b:(x OR y)) c:*"] {
        let query = auditlog_query::parse(text, &auditlog_query::Limits::default()).expect(text);
        let checked = auditlog_query::check(&query, &auditlog_query::CheckOptions::default()).expect(text);
        let all: Vec<String> = leaves(&checked.node).iter().map(|leaf| format!("{leaf:?}")).collect();
        for (number, wanted) in all.iter().enumerate() {
            assert_eq!(
                leaf(&checked.node, number).map(|leaf| format!("{leaf:?}")).as_ref(),
                Some(wanted),
                "{text}"
            );
        }
        assert!(leaf(&checked.node, all.len()).is_none(), "{text}");
    }
}
