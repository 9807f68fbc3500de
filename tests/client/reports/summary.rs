//! Figures of a whole report beside independent SQL, also where there are more names than memory has a place for.

use auditlog_testkit::Database;
use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::postgres::Client;
use serde_json::{Value, json};

const PERIOD: &str = "timestamp >= '2025-01-01' AND timestamp < '2026-01-01'";

fn report(client: &mut Client, filters: &str) -> Value {
    let sql = "SELECT auditlog.report_json('soc2', '2025-01-01', '2026-01-01', $1::text::jsonb)::text";
    let text: String = client.query_one(sql, &[&filters]).expect("a report").get(0);
    serde_json::from_str(&text).expect("JSON")
}

/// Compares metrics, bars, integrity with what SQL finds; `confined`: a condition in SQL that says what the report is confined to.
fn compare(client: &mut Client, report: &Value, confined: &str) {
    let within = format!("FROM auditlog.events WHERE {PERIOD} AND ({confined})");
    let metrics = report["summary"].as_array().expect("metrics");
    let figure = |name: &str| {
        let found = metrics.iter().find(|metric| metric["name"] == name);
        found.unwrap_or_else(|| panic!("no figure {name}"))["value"].as_i64()
    };
    for (name, sql) in [
        ("events", "count(*)"),
        ("actors", "count(DISTINCT actor_id)"),
        ("resources", "count(DISTINCT resource_id)"),
        ("event_types", "count(DISTINCT event_type)"),
        (
            "refusals",
            "count(*) FILTER (WHERE status = 'denied' OR event_type IN ('access.denied', 'rls.denied'))",
        ),
        ("failures", "count(*) FILTER (WHERE status = 'failed')"),
        ("warnings", "count(*) FILTER (WHERE severity >= 'warning')"),
    ] {
        let expected = scalar(client, &format!("SELECT {sql} {within}"));
        assert_eq!(figure(name), Some(expected), "{name} of {confined}");
    }
    let chart = |title: &str| {
        let charts = report["charts"].as_array().expect("charts").iter();
        let mut found = charts.filter(|chart| chart["title"].as_str().is_some_and(|found| found.starts_with(title)));
        found.next().unwrap_or_else(|| panic!("no chart {title}")).clone()
    };
    for (title, column, most) in [
        ("Most frequent events", "event_type", 12),
        ("Most active actors", "actor_id", 10),
    ] {
        let sql = format!(
            "SELECT coalesce(json_agg(json_build_array(v, n)), '[]')::text FROM (SELECT {column} COLLATE \"C\" AS v, count(*) AS n {within} AND {column} IS NOT NULL
                GROUP BY 1 ORDER BY n DESC, 1 LIMIT {most}) AS t"
        );
        let expected: Value = serde_json::from_str(&text(client, &sql)).expect("JSON");
        let chart = chart(title);
        let bars: Vec<Value> = (chart["x"].as_array().expect("labels").iter())
            .zip(chart["series"][0]["values"].as_array().expect("values"))
            .map(|(x, n)| json!([x, n.as_f64().expect("a number") as i64]))
            .collect();
        assert_eq!(json!(bars), expected, "{title} of {confined}");
    }
    let sum = |chart: &Value| -> f64 {
        let series = chart["series"].as_array().expect("series").iter();
        let values = series.flat_map(|series| series["values"].as_array().expect("values"));
        values.filter_map(Value::as_f64).sum()
    };
    let events = figure("events").expect("events") as f64;
    assert_eq!(sum(&chart("Events per week")), events, "every event is in a week");
    let hours = chart("Events by weekday and hour");
    let sql = format!(
        "SELECT count(*) {within} AND extract(isodow FROM timestamp AT TIME ZONE 'UTC') = 3 AND extract(hour FROM timestamp AT TIME ZONE 'UTC') = 7"
    );
    assert_eq!(sum(&hours), events, "every event is in an hour of the week");
    assert_eq!(
        hours["series"][2]["values"][7].as_f64(),
        Some(scalar(client, &sql) as f64),
        "Wednesdays at 7"
    );
}

#[test]
fn figures_of_the_whole_equal_those_of_sql() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    super::year::ordinary(&mut client, 4_000);
    super::year::plant(&mut client);
    // outside of the period, and so no part of it
    client
        .batch_execute("INSERT INTO auditlog.events (timestamp, event_type, actor_id) SELECT '2026-02-01', 'authentication.login', 'later' FROM generate_series(1, 3)")
        .expect("events of another year");
    wait_sealed(&mut client);
    let whole = report(&mut client, "{}");
    compare(&mut client, &whole, "true");
    let integrity = &whole["integrity"];
    let places = format!(
        "SELECT json_build_array(min(log_index), max(log_index), count(*))::text FROM auditlog.events WHERE {PERIOD}"
    );
    let expected: Value = serde_json::from_str(&text(&mut client, &places)).expect("JSON");
    assert_eq!(
        json!([
            integrity["first_log_index"],
            integrity["last_log_index"],
            integrity["events"]
        ]),
        expected
    );
    assert_eq!(integrity["gaps"], 0);
    // Confined to a user: the figures are theirs, completeness is about all events.
    let one = report(&mut client, r#"{"users": ["user_3"]}"#);
    compare(&mut client, &one, "actor_id = 'user_3'");
    assert_eq!(one["integrity"]["events"], integrity["events"]);
}

#[test]
fn more_names_than_memory_has_a_place_for_are_counted_on_disk() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    // 2,000 bytes each, and 48 MB for all: 27,000 are too many
    client
        .batch_execute(
            "INSERT INTO auditlog.events (timestamp, event_type, actor_id, resource_id)
             SELECT '2025-06-01'::timestamptz + i * interval '1 minute', 'resource.view', 'u' || i || repeat('x', 1990), 'r' || i / 2 * 2 || repeat('x', 1990)
             FROM generate_series(1, 27000) AS i",
        )
        .expect("events with long names");
    wait_sealed(&mut client);
    let found = text(
        &mut client,
        "SELECT (auditlog_data.report_counts('', '2025-01-01', '2026-01-01', 1000000) -> 'metrics')::text",
    );
    let metrics: Value = serde_json::from_str(&found).expect("JSON");
    assert_eq!(metrics["actors"], 27_000, "{found}");
    assert_eq!(metrics["resources"], 13_501, "{found}");
    assert_eq!(metrics["events"], 27_000);
    let top = text(
        &mut client,
        "SELECT left(auditlog_data.report_counts('', '2025-01-01', '2026-01-01', 1000000) #>> '{actors,9,0}', 6)",
    );
    let expected = text(
        &mut client,
        "SELECT left(v, 6) FROM (SELECT actor_id COLLATE \"C\" AS v FROM auditlog.events WHERE actor_id LIKE 'u%' ORDER BY 1 OFFSET 9 LIMIT 1) AS t",
    );
    assert_eq!(top, expected);
}

#[test]
fn parts_of_the_aggregate_cannot_be_called_by_hand() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    for sql in [
        "SELECT auditlog_data.report_tally_json(NULL)",
        "SELECT auditlog_data.report_tally_add(NULL, 'a', 'b', 'c', true, now(), 'd', 'e', 1, now(), 1)",
        "SELECT auditlog_data.report_tally_read('{}', NULL)",
    ] {
        assert!(client.batch_execute(sql).is_err(), "{sql}");
    }
    // Without an event it has its figures, too.
    let none = text(
        &mut client,
        "SELECT (auditlog_data.report_counts('', '2025-01-01', '2026-01-01', 10) -> 'metrics' ->> 'events')",
    );
    assert_eq!(none, "0");
}
