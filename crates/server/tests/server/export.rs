//! Exports in the answer: whole, or seen to be broken off.

use serde_json::{Value, json};

use crate::world::World;

#[test]
fn every_format_streams() {
    let world = World::new();
    world.record(&[("a.b", "user_17"), ("a.b", "user_99"), ("c.d", "user_17")]);
    let export = |body: Value| world.by("ana", "POST", "/api/v1/audit-logs/export").json(&body).send();
    let array = export(json!({"format": "json", "query": "event_type:a.b"})).expect(200);
    assert_eq!(array.header("content-type"), Some("application/json"));
    assert_eq!(array.json().as_array().expect("an array").len(), 2);
    assert_eq!(array.trailer("x-auditlog-events"), Some("2"));
    let empty = export(json!({"format": "json", "query": "event_type:nothing"})).expect(200);
    assert_eq!(empty.json(), json!([]));
    assert_eq!(empty.trailer("x-auditlog-events"), Some("0"));
    for format in [
        "ndjson",
        "csv",
        "csv-raw",
        "syslog",
        "cef",
        "leef",
        "ecs",
        "ocsf",
        "cloudevents",
    ] {
        let answer = export(json!({"format": format})).expect(200);
        let lines = answer.text().lines().count();
        assert!(lines >= 3 && answer.is_whole, "{format}: {lines}");
    }
    let filtered =
        export(json!({"format": "ndjson", "filters": {"user": "user_17"}, "query": "event_type:(a.b OR c.d)"}))
            .expect(200);
    assert_eq!(filtered.text().lines().count(), 2);
    let period = export(json!({"format": "ndjson", "start_time": "2000-01-01", "end_time": "2001-01-01"})).expect(200);
    assert_eq!(period.text(), "");
    for wrong in [
        json!({"format": "docx"}),
        json!({"format": "json", "query": "("}),
        // Would be a query in brackets.
        json!({"format": "json", "query": "a) OR (b", "filters": {"user": "x"}}),
        json!({"format": "json", "start_time": "yester"}),
        json!({"format": "json", "filters": {"nothing_such": 1}}),
        json!({"formt": "json"}),
    ] {
        assert_eq!(export(wrong.clone()).status, 400, "{wrong}");
    }
}

#[test]
fn many_events_come_whole_and_a_part_is_not_taken_for_it() {
    let world = World::new();
    let mut client = world.superuser();
    client
        .batch_execute("SELECT count(auditlog.record('a.b', metadata => jsonb_build_object('n', n))) FROM generate_series(1, 20000) AS n")
        .expect("events");
    world.sealed(&mut client);
    let export = || {
        world
            .by("ana", "POST", "/api/v1/audit-logs/export")
            .json(&json!({"format": "ndjson", "query": "event_type:a.b"}))
    };
    let whole = export().send().expect(200);
    assert_eq!(whole.text().lines().count(), 20_000);
    assert_eq!(whole.trailer("x-auditlog-events"), Some("20000"));
    // Broken off by the database: no last chunk, no trailer.
    let mut open = export().open();
    assert_eq!(open.status, 200);
    open.line().expect("a first line");
    client
        .batch_execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ana' AND datname = current_database()")
        .expect("an end");
    let mut lines = 1;
    while open.line().is_some() {
        lines += 1;
    }
    assert!(lines < 20_000 && !open.has_ended(), "{lines} lines");
    // Given up by the client: nothing goes on in the database.
    let mut open = export().open();
    open.line().expect("a first line");
    drop(open);
    auditlog_testkit::wait_until("the export ends", auditlog_testkit::LONG, || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'ana' AND datname = current_database() AND state <> 'idle'";
        client.query_one(sql, &[]).expect("a count").get::<_, i64>(0) == 0
    });
}

#[test]
fn a_file_is_written_by_the_database() {
    let world = World::new();
    world.record(&[("a.b", "user_17")]);
    world
        .superuser()
        .batch_execute("GRANT pg_write_server_files TO ana")
        .expect("GRANT");
    let destination = world.cluster.data().join(format!("{}.ndjson", world.database));
    let body = json!({"format": "ndjson", "destination": destination});
    let ask = || {
        world
            .by("ana", "POST", "/api/v1/audit-logs/export")
            .header("Idempotency-Key", "x")
            .json(&body)
            .send()
            .expect(202)
    };
    let id = ask().json()["id"].as_i64().expect("a number");
    assert_eq!(ask().json()["id"], id);
    let target = format!("/api/v1/exports/{id}");
    auditlog_testkit::wait_until("the export is done", auditlog_testkit::LONG, || {
        world.get("ana", &target).expect(200).json()["state"] == "done"
    });
    world.by("ana", "DELETE", &target).send().expect(409);
    world
        .superuser()
        .batch_execute("REVOKE pg_write_server_files FROM ana")
        .expect("REVOKE");
}
