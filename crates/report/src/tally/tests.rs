//! What a tally counts, alone and in parts.

use super::names::NAME_COST;
use super::*;

const MONDAY: i64 = 1_767_571_200 * SECOND; // 2026-01-05

fn event(log_index: u64) -> Counted<'static> {
    Counted {
        event_type: "resource.modify",
        category: "resource",
        status: Some("success"),
        grave: false,
        at: MONDAY,
        actor: Some("ana"),
        resource: Some("vm-1"),
        log_index,
    }
}

fn counted(events: &[Counted<'_>]) -> Tally {
    let mut tally = Tally::new(MONDAY, 86_400);
    events.iter().for_each(|event| tally.add(event));
    tally
}

#[test]
fn counts_what_the_summary_shows() {
    let events = [
        event(7),
        Counted {
            event_type: "access.denied",
            category: "access",
            status: None,
            at: MONDAY + DAY + HOUR,
            ..event(9)
        },
        Counted {
            status: Some("denied"),
            grave: true,
            actor: None,
            resource: Some("vm-2"),
            ..event(8)
        },
        Counted {
            status: Some("failed"),
            actor: Some("bob"),
            resource: None,
            at: MONDAY - 1,
            ..event(5)
        },
    ];
    let found = counted(&events).to_json();
    let metrics = json!({"events": 4, "refusals": 2, "failures": 1, "warnings": 1, "event_types": 2, "actors": 2, "resources": 2});
    assert_eq!(found["metrics"], metrics);
    assert_eq!((&found["first"], &found["last"]), (&json!(5), &json!(9)));
    assert_eq!(found["types"], json!({"access.denied": 1, "resource.modify": 3}));
    assert_eq!(
        found["event_types"],
        json!([["resource.modify", 3], ["access.denied", 1]])
    );
    assert_eq!(found["actors"], json!([["ana", 2], ["bob", 1]]));
    assert_eq!(
        found["series"],
        json!([["access", 1, 1], ["resource", -1, 1], ["resource", 0, 2]])
    );
    assert_eq!(found["hours"], json!([[1, 0, 2], [2, 1, 1], [7, 23, 1]]));
}

#[test]
fn parts_together_are_the_whole() {
    let names: Vec<String> = (0..50).map(|i| format!("name {}", i % 17)).collect();
    let events: Vec<Counted<'_>> = (0..50)
        .map(|i| Counted {
            event_type: ["a.b", "a.c", "d.e"][i % 3],
            category: ["a", "a", "d"][i % 3],
            status: [None, Some(""), Some("failed")][i / 2 % 3],
            grave: i % 5 == 0,
            at: MONDAY + i as i64 * 5 * HOUR,
            actor: Some(&names[i]).filter(|_| i % 4 > 0).map(String::as_str),
            resource: Some(&names[49 - i]),
            log_index: i as u64,
        })
        .collect();
    let whole = counted(&events).to_json();
    for at in [0, 1, 20, 50] {
        let mut parts = counted(&[]);
        for part in [&events[at..], &events[..at]] {
            parts.merge(Tally::from_bytes(&counted(part).to_bytes().unwrap()).unwrap());
        }
        assert_eq!(parts.to_json(), whole);
        // What was merged goes on counting.
        parts.add(&event(50));
        assert_eq!(parts.to_json()["metrics"]["events"], 51);
    }
}

#[test]
fn kinds_are_kept_apart_whatever_their_names_are() {
    let pairs = [
        ("ab", "c", None),
        ("a", "bc", None),
        ("a", "b", Some("c")),
        ("a", "bc", Some("")),
    ];
    let events: Vec<Counted<'_>> = (pairs.iter())
        .map(|(event_type, category, status)| Counted {
            event_type,
            category,
            status: *status,
            ..event(0)
        })
        .collect();
    assert_eq!(counted(&events).kinds.len(), 4);
}

#[test]
fn too_many_names_are_given_up_and_the_rest_is_counted() {
    let names: Vec<String> = (0..100).map(|i| format!("{i:010}")).collect();
    let limit = 60 * (10 + NAME_COST);
    let mut tally = Tally::new(0, 3_600);
    for (i, name) in names.iter().enumerate() {
        let actor = Some(if i % 2 == 0 { "ana" } else { "bob" });
        tally.add_within(
            &Counted {
                actor,
                resource: Some(name),
                ..event(i as u64)
            },
            limit,
        );
    }
    let found = tally.to_json();
    assert_eq!(found["metrics"]["resources"], Value::Null);
    assert_eq!(
        (&found["metrics"]["actors"], &found["metrics"]["events"]),
        (&json!(2), &json!(100))
    );
    // Each part has few enough, both together have too many.
    let part = |names: &[String]| {
        let mut tally = Tally::new(0, 3_600);
        names.iter().for_each(|name| {
            tally.add_within(
                &Counted {
                    resource: Some(name),
                    ..event(0)
                },
                limit,
            )
        });
        tally
    };
    let mut both = part(&names[..50]);
    assert_eq!(both.to_json()["metrics"]["resources"], 50);
    both.merge_within(part(&names[50..]), limit);
    assert_eq!(both.to_json()["metrics"]["resources"], Value::Null);
}
