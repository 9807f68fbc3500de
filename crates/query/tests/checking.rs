//! Limits, names, notices and saved queries.

mod support;

use auditlog_query::check::time_bound;
use auditlog_query::{CheckOptions, ErrorKind, Limits, QueryError, check, fields, parse};
use support::{compile, holds, json};

fn strict(query: &str) -> Result<(), QueryError> {
    let options = CheckOptions {
        strict: true,
        ..CheckOptions::default()
    };
    check(&parse(query, &Limits::default())?, &options).map(|_| ())
}

fn notices(query: &str) -> Vec<String> {
    let checked = compile(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    checked
        .notices
        .into_iter()
        .map(|notice| format!("{}: {}", notice.message, notice.hint))
        .collect()
}

#[test]
fn every_limit_is_an_error_at_its_place() {
    let nested = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    let list = |items: usize| format!("f IN ({})", vec!["a"; items].join(" "));
    assert!(compile(&nested(100)).is_ok());
    assert!(compile(&list(1000)).is_ok());
    assert!(compile(&vec!["a"; 2000].join(" ")).is_ok());
    for (query, position) in [
        (nested(101), 102),
        (format!("{}a", "NOT ".repeat(101)), 405),
        (format!("f:{}a{}", "(".repeat(5000), ")".repeat(5000)), 104),
        (format!("{}a{}", "f:{".repeat(5000), "}".repeat(5000)), 304),
        (vec!["a"; 2001].join(" "), 4001),
        (list(1001), 6),
        (format!("f:[{}]", vec!["a"; 1001].join(",")), 3),
        ("a".repeat(64 * 1024 + 1), 1),
        (format!("f:~\"{}\"", "a".repeat(1001)), 4),
        (format!("f:/{}/", "a".repeat(1001)), 3),
        (format!("f:{}*", "a".repeat(1001)), 3),
        (vec!["f:~\"a\""; 65].join(" "), 452),
    ] {
        let error = compile(&query).map(|_| ()).expect_err("a limit");
        assert_eq!((error.kind, error.position), (ErrorKind::Limit, position), "{error}");
    }
    // memory of an expression is bounded as well
    assert_eq!(
        compile("f:~\"(\\w{500}){500}\"").map(|_| ()).expect_err("too big").kind,
        ErrorKind::BadValue
    );
}

#[test]
fn errors_show_the_place() {
    let error = compile("event_type:x AND timestamp:>yesterday")
        .map(|_| ())
        .expect_err("no date");
    assert_eq!(
        error.detail,
        "event_type:x AND timestamp:>yesterday\n                            ^"
    );
    let long = format!("{} ) {}", "a ".repeat(50), "b".repeat(50));
    let error = compile(&long).map(|_| ()).expect_err("closed too often");
    let lines: Vec<&str> = error.detail.lines().collect();
    assert_eq!(lines[0].chars().nth(lines[1].chars().count() - 1), Some(')'));
    assert!(lines[0].starts_with('…') && lines[0].ends_with('…'));
}

#[test]
fn unknown_fields_are_noticed_or_refused() {
    assert!(notices("statsu:failed")[0].contains("Did you mean «status»"));
    assert!(notices("actor.emial:x")[0].contains("Did you mean «actor.email»"));
    assert!(notices("frobnicate:x")[0].contains("auditlog.fields()"));
    for known in [
        "request.headers.host:x",
        "metadata.anything:x",
        "resource.tags.Any:x",
        "actor:*",
        "\"statsu\":x",
    ] {
        assert_eq!(notices(known), [""; 0], "{known}");
        strict(known).expect("allowed in strict mode too");
    }
    let error = strict("a OR statsu:failed").expect_err("strict");
    assert_eq!((error.kind, error.position), (ErrorKind::Syntax, 6));
}

#[test]
fn suspicious_queries_are_noticed() {
    for (query, part) in [
        ("status:(failed denied)", "one value"),
        ("a OR b AND c", "mixed"),
        ("status:(a OR b c)", "mixed"),
        ("a or b", "operator"),
        ("->", ""),
        ("status:!failed", "part of the value"),
        ("\"->\"", "no letter or digit"),
        ("severity:high", "no severity"),
        ("log_index:abc", "is no number"),
    ] {
        match compile(query) {
            Ok(_) => assert!(
                notices(query).iter().any(|n| n.contains(part)),
                "{query}: {:?}",
                notices(query)
            ),
            Err(error) => assert!(part.is_empty(), "{query}: {error}"),
        }
    }
    for fine in [
        "tags:(a b)",
        "(a OR b) AND c",
        "a OR (b AND c)",
        "status:(failed OR denied)",
        "status:(a* *b)",
        "user:(a b)",
    ] {
        assert_eq!(notices(fine), [""; 0], "{fine}");
    }
}

#[test]
fn a_lower_bound_of_time_is_found() {
    for (query, bounded) in [
        ("status:failed", false),
        ("timestamp:>now-1d", true),
        ("status:failed ts:2026-11-25", true),
        ("timestamp:<now", false),
        ("timestamp:>now-1d OR a", false),
        ("(timestamp:>now-1d a) OR timestamp:>now-2d", true),
        ("NOT timestamp:>now-1d", false),
    ] {
        assert_eq!(
            time_bound(&compile(query).expect("checks")).is_none(),
            bounded,
            "{query}"
        );
    }
}

#[test]
fn saved_queries_are_expanded() {
    let saved = |name: &str| {
        let text = match name {
            "failed logins" => "event_type:authentication.login status:failed",
            "twice" => "_saved_:\"failed logins\" OR a",
            "loop" => "x _saved_:pool",
            "pool" => "_saved_:loop",
            "broken" => "a AND (b",
            "bomb0" => "a a a a a a a a a a",
            bomb if bomb.starts_with("bomb") => {
                let below: u32 = bomb[4..].parse().ok()?;
                return Some(vec![format!("_saved_:bomb{}", below - 1); 10].join(" "));
            }
            _ => return None,
        };
        Some(text.to_owned())
    };
    let options = CheckOptions {
        saved: Some(&saved),
        ..CheckOptions::default()
    };
    let compile = |text: &str| check(&parse(text, &Limits::default())?, &options);
    let event = json(&serde_json::json!({"event_type": "authentication.login", "action": {"status": "failed"}}));
    assert!(holds(&compile("_saved_:\"failed logins\"").expect("checks"), &event));
    assert!(!holds(&compile("NOT _saved_:twice").expect("checks"), &event));
    for (query, kind, part) in [
        ("a _saved_:loop", ErrorKind::BadValue, "contains itself"),
        ("a _saved_:broken", ErrorKind::Syntax, "\"broken\": ( is not closed"),
        ("a _saved_:none", ErrorKind::BadValue, "no saved query"),
        ("a _saved_:bomb6", ErrorKind::Limit, "conditions"),
    ] {
        let error = compile(query).map(|_| ()).expect_err("refused");
        assert_eq!((error.kind, error.position), (kind, 11), "{error}");
        assert!(error.message.contains(part), "{error}");
    }
}

#[test]
fn the_table_of_fields_is_sound() {
    for field in &fields::FIELDS {
        strict(field.example).unwrap_or_else(|error| panic!("{}: {error}", field.example));
        assert_eq!(fields::by_path(&field.path.to_uppercase()), Some(field));
        let column = auditlog_core::columns::COLUMNS
            .iter()
            .find(|column| column.name == field.column);
        if let Some(column) = column {
            assert!(
                column.path == field.path || (column.path.is_empty() && !field.in_document),
                "{}",
                field.path
            );
        } else {
            assert!(!field.in_document, "{} has a column", field.path);
        }
        for name in fields::aliases(field) {
            assert!(fields::targets(name).contains(&field.path), "{name}");
        }
    }
    for column in auditlog_core::columns::COLUMNS
        .iter()
        .filter(|column| !column.path.is_empty())
    {
        assert!(
            fields::by_path(column.path).is_some_and(|field| field.column == column.name),
            "{}",
            column.path
        );
    }
    for alias in &fields::ALIASES {
        assert!(fields::by_path(alias.name).is_none(), "a path wins over {}", alias.name);
    }
}

#[test]
fn a_comma_between_parentheses_is_noticed() {
    for (query, noticed) in [
        ("user:(a@b.c, d@e.f)", true),
        ("region:(us-east-1, us-west-2)", true),
        ("user:[a, b]", false),
        ("user IN (a, b)", false),
        ("user:(\"a,\" \"b\")", true),
        ("user:(a OR b)", false),
    ] {
        let parsed = auditlog_query::parse(query, &auditlog_query::Limits::default()).expect(query);
        let checked = auditlog_query::check(&parsed, &auditlog_query::CheckOptions::default()).expect(query);
        let found = checked.notices.iter().any(|notice| notice.message.contains("comma"));
        assert_eq!(found, noticed, "{query}: {:?}", checked.notices);
    }
}

#[test]
fn conditions_written_alike_have_one_key() {
    let key = |query: &str| {
        compile(query)
            .unwrap_or_else(|error| panic!("{query}: {error}"))
            .node
            .key()
    };
    assert_eq!(key("(a:1 OR b:{c:/x+/i})"), key("a:1  OR  b:{ c:/x+/i }"));
    assert_eq!(key("a:1 word"), key("  a:1  AND  WORD"));
    assert_eq!(key("status:failed"), key("(status:\"failed\")"));
    for (a, b) in [
        ("a:/x+/", "a:/x+/i"),
        ("a:1", "a:2"),
        ("a:1", "a:=1"),
        ("a:1", "NOT a:1"),
        ("a:1", "b:1"),
        ("a:1 b:1", "a:1 OR b:1"),
        ("word", "\"word two\""),
        ("a:>now-1h", "a:>now-2h"),
        ("a:x*", "a:x?"),
    ] {
        assert_ne!(key(a), key(b), "{a} {b}");
    }
}
