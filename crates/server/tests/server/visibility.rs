//! Own, team, all: by every way of reading, the same events.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::World;

const EVENTS: &[(&str, &str)] = &[
    ("a.b", "user_17"),
    ("a.b", "user_4"),
    ("a.b", "user_99"),
    ("c.d", "user_17"),
    ("c.d", "user_99"),
    ("c.d", "nobody_known"),
];

fn numbers<'a>(events: impl IntoIterator<Item = &'a Value>) -> BTreeSet<u64> {
    events
        .into_iter()
        .filter_map(|event| event["metadata"]["n"].as_u64())
        .collect()
}

fn all_ways(world: &World, name: &str, expected: &[u64]) {
    let expected: BTreeSet<u64> = expected.iter().copied().collect();
    let query = "event_type:(a.b OR c.d)";
    let listed = world.get(name, "/api/v1/audit-logs?limit=1000").expect(200).json();
    assert_eq!(
        numbers(listed["events"].as_array().expect("events")),
        expected,
        "{name} lists"
    );
    let found = world
        .by(name, "POST", "/api/v1/audit-logs/search")
        .json(&json!({"query": query, "count": "exact"}));
    let found = found.send().expect(200).json();
    assert_eq!(
        numbers(found["events"].as_array().expect("events")),
        expected,
        "{name} finds"
    );
    assert_eq!(found["total"], json!(expected.len()), "{name} counts");
    let facets = world.get(name, "/api/v1/facets?field=metadata.n").expect(200).json();
    let values = facets["items"].as_array().expect("items").iter();
    let values: BTreeSet<u64> = values
        .map(|facet| facet["value"].as_str().expect("a value").parse().expect("a number"))
        .collect();
    assert_eq!(values, expected, "facets of {name}");

    let mut stream = world
        .by(name, "GET", "/api/v1/audit-logs/stream?after=-1&query=metadata.n:*")
        .open();
    assert_eq!(stream.status, 200);
    let mut streamed = BTreeSet::new();
    while streamed.len() < expected.len() {
        let line = stream.line().expect("the stream goes on");
        if let Some(data) = line.strip_prefix("data: ") {
            streamed.extend(numbers([&serde_json::from_str(data).expect("JSON")]));
        }
    }
    assert_eq!(streamed, expected, "{name} hears");

    // One by one: of what others see, there is nothing.
    let all = world.get("ana", "/api/v1/audit-logs?limit=1000").expect(200).json();
    for event in all["events"].as_array().expect("events") {
        let Some(number) = event["metadata"]["n"].as_u64() else {
            continue;
        };
        let id = event["event_id"].as_str().expect("an id");
        let status = world.get(name, &format!("/api/v1/audit-logs/{id}")).status;
        assert_eq!(
            status,
            if expected.contains(&number) { 200 } else { 404 },
            "{name} looks at {number}"
        );
    }
}

#[test]
fn each_sees_the_same_by_every_way() {
    let world = World::new();
    world.record(EVENTS);
    let everything: Vec<u64> = (0..6).collect();
    all_ways(&world, "adm", &everything);
    all_ways(&world, "ana", &everything);
    all_ways(&world, "com", &everything);
    all_ways(&world, "mia", &[0, 1, 3]);
    all_ways(&world, "ann", &[0, 3]);
    world.get("wri", "/api/v1/audit-logs").expect(403);
}

#[test]
fn one_connection_after_another_of_different_people_mixes_nothing_up() {
    let world = World::with(|given| given.pool_total = Some(2));
    world.record(EVENTS);
    for _ in 0..5 {
        for (name, count) in [("ann", 2), ("ana", 6), ("mia", 3)] {
            let listed = world.get(name, "/api/v1/audit-logs?q=metadata.n:*").expect(200).json();
            assert_eq!(listed["events"].as_array().expect("events").len(), count, "{name}");
        }
    }
}

#[test]
fn an_event_has_a_tag() {
    let world = World::new();
    world.record(&EVENTS[..1]);
    let listed = world.get("ann", "/api/v1/audit-logs").expect(200).json();
    let target = format!(
        "/api/v1/audit-logs/{}",
        listed["events"][0]["event_id"].as_str().expect("an id")
    );
    let first = world.get("ann", &target).expect(200);
    let tag = first.header("etag").expect("a tag").to_owned();
    let again = world
        .by("ann", "GET", &target)
        .header("If-None-Match", &tag)
        .send()
        .expect(304);
    assert!(again.body.is_empty());
    world
        .by("mia", "GET", &target)
        .header("If-None-Match", "\"other\"")
        .send()
        .expect(200);
    // Erasure changes what is shown, and so the tag.
    world
        .superuser()
        .batch_execute("SELECT auditlog.erase('event_type:a.b', 'asked for')")
        .expect("erase");
    let erased = world.by("ana", "GET", &target).header("If-None-Match", &tag).send();
    if erased.status == 200 {
        assert_ne!(erased.header("etag"), Some(tag.as_str()));
    }
}

#[test]
fn the_journal_has_the_client_address() {
    let world = World::new();
    let mut client = world.superuser();
    client
        .batch_execute(&format!(
            "ALTER DATABASE {} SET auditlog.access_log = on",
            world.database
        ))
        .expect("a setting");
    drop(client);
    world
        .get("ana", "/api/v1/audit-logs?q=event_type:nothing.here")
        .expect(200);
    let mut client = world.superuser();
    client
        .batch_execute("SET auditlog.access_log = off")
        .expect("a setting");
    auditlog_testkit::wait_until("the read is recorded", auditlog_testkit::LONG, || {
        let sql = "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.search' AND actor_id = 'ana' \
                   AND db_application = 'auditlog-server 127.0.0.1' AND extra::text LIKE '%nothing.here%'";
        client.query_one(sql, &[]).expect("a count").get::<_, i64>(0) > 0
    });
}
