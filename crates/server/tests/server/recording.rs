//! Recording over HTTP: one, several, lines; once and not twice.

use serde_json::json;

use crate::world::World;

fn count(world: &World, query: &str) -> i64 {
    let mut client = world.superuser();
    client
        .query_one("SELECT auditlog.count($1)", &[&query])
        .expect("a count")
        .get(0)
}

#[test]
fn one_several_lines() {
    let world = World::new();
    let post = || world.by("wri", "POST", "/api/v1/events");
    let one = post()
        .json(&json!({"event_type": "a.b", "metadata": {"big": 12345678901234567890_u64}}))
        .send()
        .expect(201);
    let id = one.json()["event_id"].as_str().expect("an id").to_owned();
    assert_eq!(
        one.header("location"),
        Some(format!("/api/v1/audit-logs/{id}").as_str())
    );
    let several = post()
        .json(&json!([{"event_type": "a.b"}, {"event_type": "a.b"}]))
        .send()
        .expect(201);
    assert_eq!(several.json()["recorded"], 2);
    let lines = post()
        .body(
            "application/x-ndjson",
            b"{\"event_type\":\"a.b\"}\n{\"event_type\":\"a.b\"}\n",
        )
        .send()
        .expect(201);
    assert_eq!(lines.json()["recorded"], 2);
    assert_eq!(count(&world, "event_type:a.b"), 5);
    let shown = world.get("ana", &format!("/api/v1/audit-logs/{id}")).expect(200);
    assert!(shown.text().contains("12345678901234567890"), "digits are kept");
    // All or none.
    post()
        .json(&json!([{"event_type": "a.b"}, {"event_type": ""}]))
        .send()
        .expect(400);
    post()
        .body("application/x-ndjson", b"{\"event_type\":\"a.b\"}\nnothing\n")
        .send()
        .expect(400);
    assert_eq!(count(&world, "event_type:a.b"), 5);
    for (kind, body) in [
        ("application/json", &b"\"text\""[..]),
        ("application/json", b"[1]"),
        ("application/json", b"{\"event_type\":\"a\\u0000.b\"}"),
        ("application/json", b"\xff"),
    ] {
        let status = post().body(kind, body).send().status;
        assert_eq!(status, 400, "{body:?}");
    }
    post().body("text/plain", b"{}").send().expect(415);
}

#[test]
fn what_is_sent_twice_is_recorded_once() {
    let mut world = World::new();
    let single = |world: &World| {
        let request = world
            .by("wri", "POST", "/api/v1/events")
            .header("Idempotency-Key", "k-1");
        request.json(&json!({"event_type": "a.b"})).send().expect(201).json()["event_id"].clone()
    };
    let several = |world: &World| {
        let request = world
            .by("wri", "POST", "/api/v1/events")
            .header("Idempotency-Key", "k-2");
        request
            .json(&json!([{"event_type": "a.b"}, {"event_type": "a.b"}]))
            .send()
            .expect(201)
            .json()["recorded"]
            .clone()
    };
    let id = single(&world);
    assert_eq!(several(&world), 2);
    world.restart();
    assert_eq!(single(&world), id);
    assert_eq!(several(&world), 0);
    assert_eq!(count(&world, "event_type:a.b"), 3);
    let request = world
        .by("wri", "POST", "/api/v1/events")
        .header("Idempotency-Key", &"x".repeat(300));
    request.json(&json!({"event_type": "a.b"})).send().expect(400);
}

#[test]
fn a_report_is_made_once_and_can_be_taken() {
    let world = World::new();
    let ask = |body: &serde_json::Value| {
        world
            .by("com", "POST", "/api/v1/reports")
            .header("Idempotency-Key", "r")
            .json(body)
            .send()
    };
    let body =
        json!({"framework": "soc2", "start_time": "2026-01-01", "end_time": "2026-02-01", "formats": ["json", "pdf"]});
    let first = ask(&body).expect(202);
    let id = first.json()["id"].as_i64().expect("a number");
    assert_eq!(first.header("location"), Some(format!("/api/v1/reports/{id}").as_str()));
    assert_eq!(ask(&body).expect(202).json()["id"], id);
    ask(&json!({"framework": "gdpr", "start_time": "2026-01-01", "end_time": "2026-02-01"})).expect(422);
    let target = format!("/api/v1/reports/{id}");
    auditlog_testkit::wait_until("the report is made", auditlog_testkit::LONG, || {
        world.get("com", &target).expect(200).json()["state"] == "done"
    });
    let file = world.get("com", &format!("{target}/files/pdf")).expect(200);
    assert!(file.body.starts_with(b"%PDF"));
    assert_eq!(file.header("content-type"), Some("application/pdf"));
    world.get("ana", &format!("{target}/files/pdf")).expect(403);
    world.get("com", &format!("{target}/files/exe")).expect(404);
    world.get("com", "/api/v1/reports/999").expect(404);
    world
        .by("com", "POST", "/api/v1/reports")
        .json(&json!({}))
        .send()
        .expect(400);
}
