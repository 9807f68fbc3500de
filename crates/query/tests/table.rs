//! The shared tables of cases in `cases/`: the SQL path runs the same ones.

mod support;

use auditlog_query::{CheckOptions, ErrorKind, Limits, check, filters, parse};
use support::{compile, file, holds, json};

fn list(value: &serde_json::Value) -> &Vec<serde_json::Value> {
    value.as_array().expect("an array")
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().expect("a text")
}

#[test]
fn queries_match_the_events_they_should() {
    let mut wrong = Vec::new();
    for group in list(&file("cases/events.json")) {
        let event = json(&group["event"]);
        for (expected, queries) in [(true, &group["true"]), (false, &group["false"])] {
            for query in list(queries).iter().map(text) {
                match compile(query) {
                    Ok(checked) if holds(&checked, &event) == expected => {}
                    Ok(checked) => wrong.push(
                        format!("{query:?} is {} for {}", !expected, group["rule"])
                            + &format!("\n  {:?}", checked.node),
                    ),
                    Err(error) => wrong.push(format!("{query:?}: {error}\n{}", error.detail)),
                }
                // what holds for a query holds for its printed form
                if let Ok(parsed) = parse(query, &Limits::default()) {
                    let printed = parsed.expr.to_string();
                    match compile(&printed) {
                        Ok(checked) if holds(&checked, &event) == expected => {}
                        _ => wrong.push(format!("{query:?} is printed as {printed:?}")),
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn refused_queries_say_where_and_why() {
    let mut wrong = Vec::new();
    for case in list(&file("cases/errors.json")) {
        let (query, kind, position, message) = (text(&case[1]), text(&case[2]), &case[3], text(&case[4]));
        match (compile(query), kind) {
            (Ok(_), "ok") => {}
            (Err(error), _) => {
                let found = match error.kind {
                    ErrorKind::Syntax => "syntax",
                    ErrorKind::BadValue => "value",
                    ErrorKind::Limit => "limit",
                };
                if found != kind
                    || *position != error.position
                    || !error.message.contains(message)
                    || error.hint.is_empty()
                {
                    wrong.push(format!(
                        "{}: {found} {} {}\n{}",
                        case[0], error.position, error.message, error.detail
                    ));
                }
            }
            (Ok(_), _) => wrong.push(format!("{}: {query:?} is accepted", case[0])),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn filters_are_queries() {
    let table = file("cases/filters.json");
    for case in list(&table["accepted"]) {
        let query = filters::compile(&json(&case[0]), &Limits::default());
        let query = query.unwrap_or_else(|error| panic!("{}: {error}", case[0]));
        assert_eq!(query.source, text(&case[1]), "{}", case[0]);
        check(
            &query,
            &CheckOptions {
                strict: true,
                ..CheckOptions::default()
            },
        )
        .expect("checks");
    }
    for case in list(&table["refused"]) {
        let error = filters::compile(&json(&case[0]), &Limits::default()).expect_err(&case[0].to_string());
        assert_eq!(error.path, text(&case[1]), "{error}");
        assert!(error.message.contains(text(&case[2])), "{}: {error}", case[0]);
        assert!(!error.hint.is_empty());
    }
}

#[test]
fn all_advanced_filters_of_the_product_description_work_together() {
    let filters = json(&serde_json::json!({
        "Time Range": "Last 7 days",
        "Event Type": "Authentication, Resource Modification",
        "User": "admin@company.com, user@company.com",
        "Resource Type": "EC2 Instance, S3 Bucket",
        "Status": "Failed",
        "IP Address": "203.0.113.*",
    }));
    let query = filters::compile(&filters, &Limits::default()).expect("compiles");
    let checked = check(&query, &CheckOptions::default()).expect("checks");
    let mut event = serde_json::json!({
        "timestamp": "2026-11-20T00:00:00Z", "event_type": "resource.modify",
        "actor": {"email": "user@company.com", "ip_address": "203.0.113.9"},
        "resource": {"type": "ec2_instance"}, "action": {"status": "failed"},
    });
    assert!(holds(&checked, &json(&event)));
    for (path, value) in [
        ("/timestamp", "2026-11-18T11:59:59Z"),
        ("/event_type", "resource.delete"),
        ("/actor/email", "other@company.com"),
        ("/resource/type", "ec2"),
        ("/action/status", "success"),
        ("/actor/ip_address", "203.0.114.9"),
    ] {
        let place = event.pointer_mut(path).expect("a path of the event");
        let before = std::mem::replace(place, value.into());
        assert!(!holds(&checked, &json(&event)), "{path}");
        *event.pointer_mut(path).expect("the same path") = before;
    }
}
