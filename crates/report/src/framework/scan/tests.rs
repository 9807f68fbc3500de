//! Exceptions over made-up events.

mod ordinary;
mod planted;

use super::Scan;
use crate::framework::tests::SMALL;
use crate::framework::{Control, Framework, Moment, Parameters, Period};
use crate::model::Finding;
use auditlog_core::json::Json;
use auditlog_query::eval::JsonDocument;
use auditlog_query::{check, matches, parse};

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1_440 * MINUTE;

fn event(text: &str) -> Json {
    convert(serde_json::from_str(text).expect("JSON"))
}

fn convert(value: serde_json::Value) -> Json {
    use serde_json::Value;
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(value),
        Value::Number(number) => Json::Number(number.to_string()),
        Value::String(text) => Json::String(text),
        Value::Array(items) => Json::Array(items.into_iter().map(convert).collect()),
        Value::Object(members) => Json::Object(members.into_iter().map(|(key, value)| (key, convert(value))).collect()),
    }
}

/// The findings over these events (time, JSON), as whoever reads the log would get them: those that the scan's query selects.
fn findings(control: &Control, parameters: &Parameters, events: &[(i64, String)], until: i64) -> Vec<Finding> {
    let mut scan = Scan::new(control, parameters).expect("a scan");
    let options = super::query_options();
    let query = parse(scan.query().expect("exceptions"), &options.limits).expect("a query");
    let query = check(&query, &options).expect("a query");
    for (log_index, (time, text)) in events.iter().enumerate() {
        let json = event(text);
        let document = JsonDocument::new(&json);
        if matches(&query, document, *time) {
            scan.event(log_index as u64, *time, document);
        }
    }
    scan.finish(&Period {
        since: Moment(0),
        until: Moment(until),
    })
}

fn small(events: &[(i64, String)], until: i64) -> Vec<(String, u64, Vec<u64>)> {
    let framework = Framework::parse(SMALL).expect("a framework");
    let parameters = Parameters::of(&framework.parameters);
    let found = findings(&framework.controls[0], &parameters, events, until);
    found
        .into_iter()
        .map(|one| (one.kind, one.count, one.log_indexes))
        .collect()
}

fn login(actor: &str, status: &str) -> String {
    format!(r#"{{"event_type":"authentication.login","actor":{{"id":"{actor}"}},"action":{{"status":"{status}"}}}}"#)
}

fn ticket(kind: &str, number: u32) -> String {
    format!(r#"{{"event_type":"ticket.{kind}","actor":{{"id":"a"}},"metadata":{{"ticket":{number}}}}}"#)
}

#[test]
fn many_in_a_window_are_a_burst() {
    // two in ten minutes are none; another account is another group
    let calm = [
        (0, login("bob", "failed")),
        (5 * MINUTE, login("bob", "failed")),
        (6 * MINUTE, login("eve", "failed")),
        (11 * MINUTE, login("bob", "failed")),
        (21 * MINUTE, login("bob", "success")),
    ];
    assert_eq!(small(&calm, DAY), []);
    // both ends of the window count, and what goes on is the same burst
    let burst: Vec<(i64, String)> = [0, 5, 10, 12, 18, 60, 61]
        .map(|at| (at * MINUTE, login("bob", "failed")))
        .into();
    assert_eq!(small(&burst, DAY), [("burst".to_owned(), 5, vec![0, 1, 2, 3, 4])]);
    // events whose own time is not in the order of the log
    let shuffled: Vec<(i64, String)> = [9, 0, 30, 4].map(|at| (at * MINUTE, login("bob", "failed"))).into();
    assert_eq!(small(&shuffled, DAY), []);
    let shuffled: Vec<(i64, String)> = [9, 0, 4].map(|at| (at * MINUTE, login("bob", "failed"))).into();
    assert_eq!(small(&shuffled, DAY), [("burst".to_owned(), 3, vec![0, 1, 2])]);
    // two bursts a day apart are two findings
    let two: Vec<(i64, String)> = [0, 1, 2, 1500, 1501, 1502, 1503]
        .map(|at| (at * MINUTE, login("bob", "failed")))
        .into();
    assert_eq!(
        small(&two, 2 * DAY),
        [
            ("burst".to_owned(), 4, vec![3, 4, 5, 6]),
            ("burst".to_owned(), 3, vec![0, 1, 2])
        ]
    );
}

#[test]
fn questions_want_an_answer_in_time() {
    for (events, until, expected) in [
        // answered on the last day
        (
            vec![(0, ticket("open", 1)), (30 * DAY, ticket("close", 1))],
            90 * DAY,
            vec![],
        ),
        (
            vec![(0, ticket("open", 1)), (30 * DAY + 1, ticket("close", 1))],
            90 * DAY,
            vec![0],
        ),
        // the answer to another
        (
            vec![(0, ticket("open", 1)), (DAY, ticket("close", 2))],
            90 * DAY,
            vec![0],
        ),
        // not due yet
        (vec![(0, ticket("open", 1))], 30 * DAY, vec![]),
        (vec![(0, ticket("open", 1))], 30 * DAY + 1, vec![0]),
        // an answer before the question is none
        (vec![(0, ticket("close", 1)), (1, ticket("open", 1))], 90 * DAY, vec![1]),
    ] {
        let expected: Vec<_> = match expected.len() {
            0 => vec![],
            count => vec![("open".to_owned(), count as u64, expected)],
        };
        assert_eq!(small(&events, until), expected, "{events:?} until {until}");
    }
}

#[test]
fn single_events_are_found() {
    let close = |due: &str| format!(r#"{{"event_type":"ticket.close","metadata":{{"due":"{due}"}}}}"#);
    let own = r#"{"event_type":"ticket.open","actor":{"id":"a"},"metadata":{"approved_by":"a","ticket":7}}"#.to_owned();
    let weak = r#"{"event_type":"authentication.login","metadata":{"auth_method":"md5"}}"#.to_owned();
    let other = r#"{"event_type":"data.select","metadata":{"auth_method":"md5"}}"#.to_owned();
    let hour = 60 * MINUTE;
    let events = [
        (hour, close("1970-01-01T00:00:00Z")),
        (hour + 1, close("1970-01-01T00:00:00Z")),
        (hour, close("some day")),
        (hour, own),
        (hour, weak),
        // not of the population
        (hour, other),
    ];
    assert_eq!(
        small(&events, DAY),
        [
            ("own".to_owned(), 1, vec![3]),
            ("late".to_owned(), 1, vec![1]),
            ("weak".to_owned(), 1, vec![4]),
        ]
    );
}

#[test]
fn findings_say_what_and_who() {
    let framework = Framework::parse(SMALL).expect("a framework");
    let mut parameters = Parameters::of(&framework.parameters);
    parameters.set("tries", 2).expect("a parameter");
    parameters.set("answer_days", 1).expect("a parameter");
    let events = [
        (0, login("bob", "failed")),
        (MINUTE, login("bob", "failed")),
        (0, ticket("open", 1)),
    ];
    let found = findings(&framework.controls[0], &parameters, &events, 2 * DAY);
    let texts: Vec<&str> = found.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "2 events: guessing (actor.id bob; 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z)",
            "1 event: no answer (within 1 day)",
        ]
    );
}
