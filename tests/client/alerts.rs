//! Alerts: defined as people write them, they fire once and are told of.

mod channels;
mod delivery;
mod firing;
mod restarts;
mod sets;

use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Database, LONG, wait_until};

/// The example of the product's description, as it stands there.
pub const EXAMPLE: &str = r#"name: "Multiple Failed Login Attempts"
condition: "event_type:authentication.login AND status:failed"
threshold:
  count: 5
  window: 5m
  group_by: actor.email
notification:
  channels: [email, slack]
  recipients: [security@company.com]
  severity: high
"#;

pub fn create(client: &mut Client, definition: &str) -> i64 {
    let row = client.query_one("SELECT auditlog.create_alert($1)", &[&definition]);
    let id = row.unwrap_or_else(|e| panic!("{definition}: {e:?}")).get(0);
    wait_until("the alert is evaluated", LONG, || {
        scalar(
            client,
            &format!("SELECT count(*) FROM auditlog.alerts WHERE id = {id} AND state <> 'starting'"),
        ) == 1
    });
    id
}

/// A failed login, some seconds before now.
pub fn failed_login(client: &mut Client, email: Option<&str>, seconds_ago: f64) {
    client
        .execute(
            "SELECT auditlog.record('authentication.login', actor => jsonb_strip_nulls(jsonb_build_object('type', 'user', 'email', $1::text)),
                action => '{\"status\": \"failed\"}', \"timestamp\" => clock_timestamp() - make_interval(secs => $2))",
            &[&email, &seconds_ago],
        )
        .expect("record()");
}

/// Waits until the evaluator has seen everything.
pub fn settle(client: &mut Client) {
    wait_sealed(client);
    let last = scalar(client, "SELECT auditlog.tail_position()");
    wait_until("all is evaluated", LONG, || {
        scalar(client, "SELECT coalesce(min(position), 0) FROM auditlog.stat_alerts") > last
    });
}

/// Groups and counts of what has fired, in order.
pub fn firings(client: &mut Client) -> Vec<String> {
    let rows = client.query(
        "SELECT concat_ws(' ', nullif((SELECT string_agg(coalesce(g.value, 'none'), ' ' ORDER BY g.key) FROM jsonb_each_text(f.\"group\") AS g), ''), f.count)
         FROM auditlog.alert_firings AS f ORDER BY f.id",
        &[],
    );
    rows.expect("alert_firings").iter().map(|row| row.get(0)).collect()
}

#[test]
fn bad_definitions_are_told_of_where_they_are_wrong() {
    let db = Database::new();
    let mut client = db.superuser();
    for (definition, line, hint) in [
        (
            "name: x\ncondition: a:b\nthreshhold:\n  count: 5",
            "At line 3, column 1",
            "threshold",
        ),
        ("name: x\ncondition: \"event_type:(\"", "At line 2, column 2", ""),
        (
            "name: x\ncondition: a:b\nthreshold:\n  count: 5\n  window: 5 minuten",
            "At line 5, column 11",
            "",
        ),
        ("condition: a:b", "At line 1", "name"),
        (
            "{\"name\": \"x\", \"condition\": \"a:b\", \"threshold\": {\"count\": 0}}",
            "At line 1",
            "",
        ),
    ] {
        let quoted = definition.replace('\'', "''");
        let error = refused_with(
            &mut client,
            "22023",
            &format!("SELECT auditlog.create_alert('{quoted}')"),
        );
        let detail = error.detail().unwrap_or_default();
        assert!(detail.starts_with(line), "{definition}: {error:?}");
        assert!(
            error.hint().unwrap_or_default().contains(hint),
            "{definition}: {error:?}"
        );
    }
    refused_with(&mut client, "22004", "SELECT auditlog.create_alert(NULL)");
    refused_with(&mut client, "42704", "SELECT auditlog.drop_alert('nobody')");
    refused_with(&mut client, "42704", "SELECT auditlog.acknowledge(4711)");
    let error = refused_with(&mut client, "22023", "SELECT auditlog.acknowledge(4711, NULL, 'maybe')");
    assert!(error.hint().unwrap_or_default().contains("false_positive"), "{error:?}");
    client
        .batch_execute("SELECT auditlog.create_alert('{\"name\": \"x\", \"condition\": \"a:b\"}')")
        .expect("JSON is YAML");
    refused_with(
        &mut client,
        "42710",
        "SELECT auditlog.create_alert('{\"name\": \"x\", \"condition\": \"a:c\"}')",
    );
    refused_with(
        &mut client,
        "22004",
        "SELECT auditlog.mute('x', now() + interval '1 hour', NULL)",
    );
    refused_with(&mut client, "42501", "UPDATE auditlog_data.alert SET enabled = false");
    refused_with(&mut client, "42501", "DELETE FROM auditlog_data.firing");
    refused_with(&mut client, "42501", "SELECT auditlog.record('auditlog.alert')");
}

#[test]
fn changes_of_alerts_are_events() {
    let db = Database::new();
    let mut client = db.superuser();
    create(&mut client, EXAMPLE);
    let other = EXAMPLE.replace("count: 5", "count: 3").replace("'", "''");
    client
        .batch_execute(&format!(
            "SELECT auditlog.alter_alert('Multiple Failed Login Attempts', '{other}');
             SELECT auditlog.disable_alert('Multiple Failed Login Attempts');
             SELECT auditlog.enable_alert('Multiple Failed Login Attempts');
             SELECT auditlog.mute('Multiple Failed Login Attempts', now() + interval '1 hour', 'a known test');
             SELECT auditlog.mute('Multiple Failed Login Attempts', NULL, NULL);
             SELECT auditlog.drop_alert('Multiple Failed Login Attempts')"
        ))
        .expect("an administrator may");
    let told = "SELECT string_agg(concat_ws(' ', operation, before #>> '{threshold,count}', after #>> '{threshold,count}', after->>'enabled'), ', ' ORDER BY recorded_at)
        FROM auditlog.events WHERE event_type = 'auditlog.alert_change' AND resource_id = 'Multiple Failed Login Attempts'";
    assert_eq!(
        text(&mut client, told),
        "create_alert 5 true, alter_alert 5 3 true, disable_alert 3 3 false, enable_alert 3 3 true, mute 3 3 true, mute 3 3 true, drop_alert 3"
    );
    assert_eq!(scalar(&mut client, "SELECT count(*) FROM auditlog.alerts"), 0);
}

#[test]
fn an_alert_is_explained_and_tried() {
    let db = Database::new();
    let mut client = db.superuser();
    create(&mut client, &EXAMPLE.replace("Multiple", "Other"));
    let made = "SELECT string_agg(step || ': ' || result, E'\\n') FROM auditlog.test_alert('Other Failed Login Attempts') WHERE step IN ('events', 'firing')";
    let made = text(&mut client, made);
    assert!(
        made.contains("events: 5 made of the condition") && made.contains("firing: it fires"),
        "{made}"
    );
    for _ in 0..6 {
        failed_login(&mut client, Some("eve@example.com"), 1.0);
    }
    wait_sealed(&mut client);
    create(&mut client, EXAMPLE);
    let words = text(
        &mut client,
        "SELECT string_agg(line, E'\\n' ORDER BY number) FROM auditlog.explain_alert('Multiple Failed Login Attempts')",
    );
    for part in [
        "5",
        "5 minutes",
        "actor.email",
        "it would have fired 1 time, for 1 group",
        "eve@example.com",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    // from the log: what is there serves as the pattern
    let step = |client: &mut Client, arguments: &str, step: &str| {
        text(
            client,
            &format!(
                "SELECT result FROM auditlog.test_alert('Multiple Failed Login Attempts'{arguments}) WHERE step = '{step}'"
            ),
        )
    };
    assert!(step(&mut client, "", "firing").starts_with("it fires for actor.email eve@example.com"));
    assert_eq!(
        step(&mut client, "", "channel email"),
        "there is none of this name: auditlog.create_channel()"
    );
    let four =
        r#", '[{"event_type": "authentication.login", "action": {"status": "failed"}, "actor": {"email": "a@b.c"}}]'"#;
    assert!(step(&mut client, four, "firing").starts_with("it does not fire: 5 events within 5 minutes"));
    assert!(step(&mut client, four, "condition").starts_with("1 of them match"));
    refused_with(&mut client, "42704", "SELECT auditlog.explain_alert('nobody')");
    refused_with(&mut client, "42704", "SELECT auditlog.test_alert('nobody')");
    refused_with(
        &mut client,
        "22023",
        "SELECT auditlog.explain_alert('Multiple Failed Login Attempts', -1)",
    );
    refused_with(
        &mut client,
        "22023",
        "SELECT auditlog.test_alert('Multiple Failed Login Attempts', '5')",
    );
}
