//! Pages: nothing twice, nothing missing, and cursors that nobody can make.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::escape;
use crate::world::World;

fn filled(count: usize) -> World {
    let world = World::new();
    let events: Vec<(&str, &str)> = (0..count).map(|_| ("a.b", "user_17")).collect();
    world.record(&events);
    world
}

fn numbers(page: &Value) -> Vec<u64> {
    let events = page["events"].as_array().expect("events");
    events
        .iter()
        .filter_map(|event| event["metadata"]["n"].as_u64())
        .collect()
}

#[test]
fn cursors_go_through_all_in_both_orders() {
    let world = filled(95);
    for (order, first) in [("newest", 94), ("oldest", 0)] {
        let mut seen = Vec::new();
        let mut target = format!("/api/v1/audit-logs?limit=10&order={order}&q=event_type:a.b");
        let mut pages = 0;
        loop {
            let answer = world.get("ann", &target).expect(200);
            let page = answer.json();
            seen.extend(numbers(&page));
            pages += 1;
            // What comes meanwhile is before the first page, or on the last.
            if pages == 3 && order == "newest" {
                world.record(&[("a.b", "user_17")]);
            }
            let link = answer.header("link").map(str::to_owned);
            match page["next_cursor"].as_str() {
                None => {
                    assert_eq!(link, None);
                    break;
                }
                Some(cursor) => {
                    let link = link.expect("a link");
                    assert!(link.contains(cursor) && link.ends_with("rel=\"next\""), "{link}");
                    target = link
                        .trim_start_matches('<')
                        .split('>')
                        .next()
                        .expect("an address")
                        .to_owned();
                }
            }
        }
        assert_eq!(seen.first(), Some(&first), "{order}");
        if order == "newest" {
            assert_eq!(seen, (0..95).rev().collect::<Vec<_>>());
        } else {
            assert_eq!(seen.len(), 96);
            assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 95, "0 was recorded twice");
        }
    }
}

#[test]
fn offsets_go_through_all() {
    let world = filled(35);
    let page = |offset: usize| {
        let target = format!("/api/v1/audit-logs?limit=10&offset={offset}&q=event_type:a.b");
        numbers(&world.get("ann", &target).expect(200).json())
    };
    let seen: Vec<u64> = [0, 10, 20, 30].into_iter().flat_map(page).collect();
    assert_eq!(seen, (0..35).rev().collect::<Vec<_>>());
    assert!(page(35).is_empty());
    assert!(page(10_000).is_empty());
    for wrong in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "offset=10001",
        "offset=-1",
        "order=x",
        "count=x",
        "unknown=1",
        "cursor=AAAA",
    ] {
        let problem = world.get("ann", &format!("/api/v1/audit-logs?{wrong}")).expect(400);
        assert_eq!(
            problem.header("content-type"),
            Some("application/problem+json"),
            "{wrong}"
        );
    }
}

#[test]
fn a_cursor_is_for_one_question() {
    let world = filled(5);
    let first = world
        .get("ann", "/api/v1/audit-logs?limit=2&q=event_type:a.b")
        .expect(200)
        .json();
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let page = |query: &str, cursor: &str| {
        world.get(
            "ann",
            &format!(
                "/api/v1/audit-logs?limit=2&q={}&cursor={}",
                escape(query),
                escape(cursor)
            ),
        )
    };
    page("event_type:a.b", cursor).expect(200);
    page("event_type:c.d", cursor).expect(400);
    let mut changed = cursor.to_owned().into_bytes();
    let middle = changed.len() / 2;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    page("event_type:a.b", &String::from_utf8(changed).expect("ASCII")).expect(400);
    // The same by POST, where there is no link.
    let body = json!({"query": "event_type:a.b", "limit": 2, "cursor": cursor});
    let answer = world
        .by("ann", "POST", "/api/v1/audit-logs/search")
        .json(&body)
        .send()
        .expect(200);
    assert_eq!(numbers(&answer.json()), vec![2, 1]);
}

#[test]
fn errors_of_queries_have_a_place() {
    let world = World::new();
    let problem = world
        .get("ann", &format!("/api/v1/audit-logs?q={}", escape("status:ok AND (é:")))
        .expect(400)
        .json();
    assert_eq!(problem["type"], "urn:auditlog:problem:query-syntax");
    let position = problem["errors"][0]["position"].as_u64().expect("a position");
    assert!((15..=18).contains(&position), "{problem}");
    assert!(
        problem["errors"][0]["excerpt"]
            .as_str()
            .expect("an excerpt")
            .contains('^')
    );
    assert!(
        problem["instance"]
            .as_str()
            .expect("an instance")
            .starts_with("urn:auditlog:request:")
    );
    for target in [
        "/api/v1/facets?field=status&q=(",
        "/api/v1/histogram?bucket=1%20day&q=(",
        "/api/v1/audit-logs/stream?query=(",
    ] {
        let problem = world.get("ann", target).expect(400).json();
        assert!(problem["errors"][0]["position"].is_u64(), "{target}: {problem}");
    }
}

#[test]
fn lists_have_three_forms() {
    let world = World::new();
    let mut client = world.superuser();
    client
        .batch_execute("SELECT auditlog.record('{\"event_type\": \"a.b\", \"actor\": {\"id\": \"=1+1\"}, \"resource\": {\"type\": \"t\", \"id\": \"a,\\\"b\"}}'::jsonb)")
        .expect("an event");
    let form = |accept: &str| {
        world
            .by("ana", "GET", "/api/v1/audit-logs?q=event_type:a.b")
            .header("Accept", accept)
            .send()
    };
    let csv = form("text/csv").expect(200).text();
    let row = csv.lines().nth(1).expect("a row");
    assert!(row.contains(",'=1+1,"), "{csv}");
    assert!(row.contains("\"a,\"\"b\""), "{csv}");
    let lines = form("application/x-ndjson").expect(200).text();
    assert_eq!(lines.lines().count(), 1);
    form("image/png").expect(406);
    let packed = world
        .by("ana", "GET", "/api/v1/event-types")
        .header("Accept-Encoding", "zstd")
        .send()
        .expect(200);
    assert_eq!(packed.header("content-encoding"), Some("zstd"));
}
