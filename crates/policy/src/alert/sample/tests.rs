use super::*;
use crate::alert::builtin::BUILTIN;
use crate::alert::engine::{Engine, Limits, Seen};

/// 2026-11-25T12:00:00Z, a Wednesday.
const NOW: i64 = 1_795_608_000_000_000;

fn definition(condition: &str, more: &str) -> Definition {
    let name = serde_json::Value::from(condition);
    Definition::parse(&format!("name: a\ncondition: {name}\n{more}"))
        .unwrap_or_else(|error| panic!("{condition}: {error}"))
}

#[test]
fn conditions_are_satisfied_by_what_is_made_of_them() {
    for condition in [
        "*",
        "event_type:authentication.login AND status:failed AND timestamp:>now-24h",
        "event_type:policy.* AND resource.tags.Environment:production",
        "user:x OR NOT user:x",
        "NOT (status:success OR NOT ip:203.0.113.0/24)",
        "(a:1 OR b:2) AND NOT a:1",
        "severity:>=warning AND NOT severity:critical",
        "changes.after.size:>10 AND changes.after.size:<12",
        "changes.after.size:[1 TO 2}",
        "changes.after.rules:{port:22 cidr:=0.0.0.0/0}",
        "tags:(automation AND cost-optimization)",
        "ip:2001:db8::/32 AND actor.user_agent:*curl/?.*",
        r#"status:~"fail(ed|ure)[0-9]{2,3}" AND metadata.a:/\d+x/i"#,
        "\"disk full\" AND vol*",
        "metadata.ticket:null",
        "timestamp:2026-01-01 AND metadata.at:<now-1d",
        "category:cost AND metadata.list:{a:{b:c}}",
        "metadata.x:* AND NOT metadata.x:sample",
        "event_type IN (a.b, c.d) AND NOT event_type:a.b",
        "metadata.text:>m AND metadata.text:<n",
        "ip:[10.0.0.5 TO 10.0.0.9]",
    ] {
        let event = matching(&definition(condition, ""), &CheckOptions::default(), NOW).expect(condition);
        let known = condition == "metadata.x:* AND NOT metadata.x:sample";
        assert_eq!(event.is_some(), !known, "{condition}");
    }
    for condition in ["a:1 AND NOT a:1", "timestamp:>now+1d AND timestamp:<now-1d"] {
        assert_eq!(
            matching(&definition(condition, ""), &CheckOptions::default(), NOW),
            Ok(None),
            "{condition}"
        );
    }
}

fn fired(definition: &Definition, events: &[(i64, Json)]) -> Vec<i64> {
    let mut engine = Engine::new(Limits::default());
    engine
        .set_alert(1, definition, &CheckOptions::default(), 0)
        .expect("an alert");
    let mut out = Vec::new();
    for (log_index, (at_us, event)) in (0..).zip(events) {
        let seen = Seen {
            log_index,
            timestamp_us: *at_us,
            arrived_us: NOW,
            replay: false,
        };
        engine.observe(seen, JsonDocument::new(event), &mut out);
    }
    out.iter().map(|firing| firing.completed.log_index).collect()
}

#[test]
fn the_last_event_fires() {
    for (condition, more, count) in [
        (
            "status:failed",
            "threshold: {count: 5, window: 5m, group_by: actor.email}",
            5,
        ),
        ("status:failed", "threshold: {count: 300, window: 1s}", 300),
        (
            "status:failed",
            "threshold: {count: 20, window: 1m, group_by: tenant, distinct: ip}",
            20,
        ),
        (
            "status:failed AND ip:*",
            "threshold: {count: 3, window: 1m, distinct: actor.id}",
            3,
        ),
        ("status:failed", "", 1),
    ] {
        let definition = definition(condition, more);
        let events = firing(&definition, &CheckOptions::default(), NOW)
            .expect(more)
            .expect(more);
        assert_eq!(events.len(), count, "{more}");
        assert_eq!(fired(&definition, &events), [count as i64 - 1], "{more}");
    }
    let stuck = definition("ip:10.0.0.0/8", "threshold: {count: 3, window: 1m, distinct: ip}");
    assert_eq!(firing(&stuck, &CheckOptions::default(), NOW), Ok(None));
}

/// An alert that wants an event for each of these queries.
fn all_of(queries: &[&str], more: &str) -> Definition {
    let queries = serde_json::Value::from(queries.to_vec());
    Definition::parse(&format!("name: a\nthreshold: {{all_of: {queries}, window: 5m{more}")).expect(more)
}

#[test]
fn the_last_of_the_events_for_several_queries_fires() {
    for (queries, more, count) in [
        (["status:failed", "event_type:policy.*"].as_slice(), "}", 2),
        (&["a:1", "b:2", "c:3"], ", group_by: [actor.email, ip]}", 3),
        // a group that one of the queries names, or two of them in different words
        (&["actor.email:bob@* AND a:1", "b:2"], ", group_by: actor.email}", 2),
        (
            &["ip:10.0.0.0/8 AND a:1", "b:2", "ip:10.1.0.0/16 AND c:3"],
            ", group_by: ip}",
            3,
        ),
        // an event that does for two
        (&["a:1", "a:1 OR b:2", "c:3"], "}", 2),
        (&["a:*", "*"], "}", 1),
        (
            &["a:1", "b:2"],
            ", group_by: ip}\ncondition: ip:10.0.0.0/8 AND NOT c:3",
            2,
        ),
    ] {
        let definition = all_of(queries, more);
        let options = CheckOptions::default();
        let events = firing(&definition, &options, NOW).expect(more).expect(more);
        assert_eq!(events.len(), count, "{queries:?} {more}");
        assert_eq!(events[count - 1].0, NOW);
        assert_eq!(fired(&definition, &events), [count as i64 - 1], "{queries:?} {more}");
        assert!(matching(&definition, &options, NOW).expect(more).is_some());
    }
    for (queries, more) in [
        (["ip:10.0.0.1", "ip:10.0.0.2"].as_slice(), ", group_by: ip}"),
        (&["ip:10.0.0.1", "NOT ip:* AND a:1"], ", group_by: ip}"),
        (&["a:1", "b:2"], "}\ncondition: NOT b:2"),
    ] {
        assert_eq!(
            firing(&all_of(queries, more), &CheckOptions::default(), NOW),
            Ok(None),
            "{queries:?} {more}"
        );
    }
}

#[test]
fn every_built_in_alert_can_be_tried() {
    for alert in BUILTIN {
        let mut definition = alert.definition().expect(alert.key);
        definition.enabled = true;
        let options = CheckOptions::default();
        assert!(
            matching(&definition, &options, NOW).expect(alert.key).is_some(),
            "{}",
            alert.key
        );
        // one is about hours that it is not now
        let threshold = matches!(definition.rule, Rule::Threshold(_));
        if threshold && definition.schedule.is_none() {
            let events = firing(&definition, &options, NOW).expect(alert.key).expect(alert.key);
            assert_eq!(fired(&definition, &events), [events.len() as i64 - 1], "{}", alert.key);
        }
    }
}
