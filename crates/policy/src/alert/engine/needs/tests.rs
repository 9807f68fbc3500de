use super::*;
use auditlog_core::json::Json;
use auditlog_query::eval::{JsonDocument, matches};
use auditlog_query::node::Checked;
use auditlog_query::{CheckOptions, Limits, check, parse};

fn compile(query: &str) -> Checked {
    let query = parse(query, &Limits::default()).expect("a query");
    check(&query, &CheckOptions::default()).expect("a query")
}

fn need(query: &str) -> Option<(String, Vec<String>, Vec<String>)> {
    let need = Need::of(&compile(query).node)?;
    Some((need.target.path.join("."), need.exact, need.prefixes))
}

#[test]
fn what_is_required_is_found() {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    for (query, path, exact, prefixes) in [
        ("event_type:A.b AND status:failed", "event_type", vec!["a.b"], vec![]),
        ("event_type:(a.b OR c.*)", "event_type", vec!["a.b"], vec!["c."]),
        ("event_type IN (a, b) AND x:1", "event_type", vec!["a", "b"], vec![]),
        ("status:failed", "action.status", vec!["failed"], vec![]),
        (
            "metadata.eventName:=ConsoleLogin",
            "metadata.eventName",
            vec!["consolelogin"],
            vec![],
        ),
        ("actor.id:007", "actor.id", vec!["007"], vec![]),
        ("NOT a:b AND event_type:a", "event_type", vec!["a"], vec![]),
    ] {
        assert_eq!(
            need(query),
            Some((path.to_owned(), texts(&exact), texts(&prefixes))),
            "{query}"
        );
    }
    for query in [
        "*",
        "word",
        "NOT event_type:a",
        "event_type:a OR status:b",
        "user:a",
        "metadata.n:5",
        "event_type:*a",
        "metadata.a:x*",
        "ip:10.0.0.1",
        "timestamp:>now-1h",
        "metadata.l:{a:b}",
        "event_type:/a/",
        "metadata.t:2026-01-01",
    ] {
        assert_eq!(need(query), None, "{query}");
    }
}

#[test]
fn no_alert_that_matches_is_left_out() {
    let queries = [
        "event_type:a.b",
        "event_type:A.*",
        "event_type:(c OR a.*)",
        "status:failed",
        "status:5",
        "metadata.x:true",
        "metadata.x:=A",
        "metadata.x:[a, b]",
        "tags:t",
        "metadata.x.y:z",
        "NOT event_type:a.b",
        "word",
        "severity:error",
        "actor.id:5.0",
        "metadata.x:5",
        "level:ERROR",
        "event_type:\u{130}x",
    ];
    let checked: Vec<Checked> = queries.iter().map(|query| compile(query)).collect();
    let needs: Vec<Option<Need>> = checked.iter().map(|query| Need::of(&query.node)).collect();
    let index = Index::build(needs.iter().map(Option::as_ref));
    let text = |text: &str| Json::String(text.to_owned());
    let number = |text: &str| Json::Number(text.to_owned());
    let scalars = vec![
        text("a.b"),
        text("A.B"),
        text("a"),
        text("b"),
        text("failed"),
        text("true"),
        text("word"),
        text("ERROR"),
        text("5"),
        text("t"),
        text("\u{130}X"),
        number("5"),
        number("5.0"),
        Json::Bool(true),
        Json::Null,
    ];
    let mut values = scalars.clone();
    values.push(Json::Array(scalars.clone()));
    values.push(Json::Object(vec![("y".to_owned(), text("z"))]));
    let mut found = Vec::new();
    let mut matched = 0;
    for value in &values {
        for event_type in &values {
            let object = |key: &str| {
                Json::Object(vec![
                    (key.to_owned(), value.clone()),
                    ("tags".to_owned(), value.clone()),
                ])
            };
            let document = Json::Object(vec![
                ("event_type".to_owned(), event_type.clone()),
                ("status".to_owned(), value.clone()),
                ("severity".to_owned(), value.clone()),
                ("action".to_owned(), object("status")),
                ("actor".to_owned(), object("id")),
                ("metadata".to_owned(), object("x")),
            ]);
            let document = JsonDocument::new(&document);
            index.find(document, &mut found);
            for (number, query) in (0..).zip(&checked) {
                if matches(query, document, 0) {
                    matched += 1;
                    assert!(
                        found.contains(&number),
                        "{} {value:?} {event_type:?}",
                        queries[number as usize]
                    );
                }
            }
            assert!(found.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
    assert!(matched > 800, "{matched}");
}
