//! What tests/server/contract.sh has found: requests that the description forbids and the server took.

use serde_json::json;

use crate::world::World;

#[test]
fn who_is_in_no_session_logs_out_of_none() {
    let world = World::new();
    world.by("ann", "DELETE", "/api/v1/session").send().expect(404);
    // Nobody has looked at this password, so nothing may look like a success.
    let stranger = world.anonymous("DELETE", "/api/v1/session").basic("ann", "wrong");
    stranger.send().expect(404);
    world.anonymous("DELETE", "/api/v1/session").send().expect(401);
}

#[test]
fn an_alert_is_tried_on_objects() {
    let world = World::new();
    let alert = json!({"name": "deletions", "condition": "event_type:*.delete"});
    world
        .by("adm", "POST", "/api/v1/alerts")
        .json(&alert)
        .send()
        .expect(201);
    let tried = |sample| {
        let request = world.by("adm", "POST", "/api/v1/alerts/deletions/test");
        request.json(&json!({"sample": sample})).send()
    };
    tried(json!([[null, null]])).expect(400);
    tried(json!(["event_type"])).expect(400);
    tried(json!({})).expect(400);
    tried(json!([{"event_type": "order.delete"}])).expect(200);
    tried(json!(null)).expect(200);
}

#[test]
fn an_alert_is_named_by_a_text() {
    let world = World::new();
    let made = |alert| world.by("adm", "POST", "/api/v1/alerts").json(&alert).send();
    made(json!({"name": false, "condition": "status:failed"})).expect(400);
    made(json!({"name": "a", "condition": 1.10})).expect(400);
    made(json!(["name"])).expect(400);
    made(json!(null)).expect(400);
    made(json!("name: a\ncondition: status:failed")).expect(201);
}

#[test]
fn a_stream_judges_both_places_that_it_is_given() {
    let world = World::new();
    let asked = |target: &str, last: Option<&str>| {
        let request = world.by("ann", "GET", target);
        let request = last
            .into_iter()
            .fold(request, |request, last| request.header("Last-Event-ID", last));
        request.open().status
    };
    assert_eq!(asked("/api/v1/audit-logs/stream?after=-2", None), 400);
    assert_eq!(asked("/api/v1/audit-logs/stream?after=-2", Some("-1")), 400);
    assert_eq!(asked("/api/v1/audit-logs/stream?after=-1", Some("-2")), 400);
    assert_eq!(asked("/api/v1/audit-logs/stream", Some("x")), 400);
    assert_eq!(asked("/api/v1/audit-logs/stream?after=0", Some("-1")), 200);
}
