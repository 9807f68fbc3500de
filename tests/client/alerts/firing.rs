//! When alerts fire.

use super::{EXAMPLE, create, failed_login, firings, settle};
use auditlog_testkit::log::{scalar, text, verify, wait_sealed};
use auditlog_testkit::{Database, LONG, wait_until};

#[test]
fn the_example_fires_on_the_fifth_and_not_on_the_fourth() {
    let db = Database::new();
    let mut client = db.superuser();
    create(&mut client, EXAMPLE);
    for _ in 0..4 {
        failed_login(&mut client, Some("eve@example.com"), 0.0);
        failed_login(&mut client, Some("mallory@example.com"), 0.0);
    }
    settle(&mut client);
    assert_eq!(firings(&mut client), Vec::<String>::new());
    failed_login(&mut client, Some("eve@example.com"), 0.0);
    settle(&mut client);
    assert_eq!(firings(&mut client), ["eve@example.com 5"]);
    // once per window, however many come
    for _ in 0..20 {
        failed_login(&mut client, Some("eve@example.com"), 0.0);
    }
    settle(&mut client);
    assert_eq!(firings(&mut client), ["eve@example.com 5"]);
    let counted = "SELECT events || ' ' || state || ' ' || severity FROM auditlog.alert_firings";
    wait_until("the others are counted", LONG, || {
        text(&mut client, counted) == "25 open error"
    });
    // the log itself tells of it
    let told =
        "SELECT severity || ' ' || (extra #>> '{metadata,group,actor.email}') || ' ' || (extra #>> '{metadata,count}')
        FROM auditlog.events WHERE event_type = 'auditlog.alert'";
    assert_eq!(text(&mut client, told), "error eve@example.com 5");
    let samples =
        "SELECT count(*) FROM auditlog.alert_firings AS f JOIN auditlog.events AS e ON e.event_id = ANY (f.samples)
        WHERE e.actor_email = 'eve@example.com'";
    assert_eq!(scalar(&mut client, samples), 5);
    assert_eq!(verify(&mut client), []);
}

#[test]
fn windows_are_those_of_the_events_own_times() {
    let db = Database::new();
    let mut client = db.superuser();
    create(&mut client, EXAMPLE);
    // six minutes for five: never within five
    for i in 0..5 {
        failed_login(&mut client, Some("slow@example.com"), 500.0 - 90.0 * f64::from(i));
    }
    // late ones, not in order: they count where they happened
    for ago in [100.0, 20.0, 200.0, 60.0, 150.0] {
        failed_login(&mut client, Some("late@example.com"), ago);
    }
    // nobody's name is a name
    for _ in 0..5 {
        failed_login(&mut client, None, 0.0);
    }
    settle(&mut client);
    assert_eq!(firings(&mut client), ["late@example.com 5", "none 5"]);
}

#[test]
fn other_forms_of_alerts() {
    let db = Database::new();
    let mut client = db.superuser();
    create(&mut client, r#"{"name": "each", "condition": "event_type:each"}"#);
    create(
        &mut client,
        "name: spray\ncondition: event_type:authentication.login AND status:failed\nthreshold: {count: 3, window: 1h, distinct: actor.email}\nresolve_after: 2s\n",
    );
    create(
        &mut client,
        "name: loop\ncondition: event_type:auditlog.*\nenabled: false",
    );
    for _ in 0..3 {
        client
            .batch_execute("SELECT auditlog.record('each')")
            .expect("record()");
        failed_login(&mut client, Some("one@example.com"), 0.0);
    }
    settle(&mut client);
    assert_eq!(firings(&mut client), ["1", "1", "1"]);
    failed_login(&mut client, Some("two@example.com"), 0.0);
    failed_login(&mut client, Some("three@example.com"), 0.0);
    settle(&mut client);
    assert_eq!(firings(&mut client), ["1", "1", "1", "3"]);
    wait_until("it is over", LONG, || {
        text(
            &mut client,
            "SELECT state FROM auditlog.alert_firings WHERE alert = 'spray'",
        ) == "resolved"
    });
    client
        .batch_execute(
            "SELECT auditlog.acknowledge(max(id), 'the scanner of ours', 'benign') FROM auditlog.alert_firings",
        )
        .expect("acknowledge()");
    let note = "SELECT concat(acknowledged_by, ': ', note, ', ', disposition) FROM auditlog.alert_firings WHERE acknowledged_at IS NOT NULL";
    assert_eq!(text(&mut client, note), "postgres: the scanner of ours, benign");
    wait_sealed(&mut client);
    let told = "SELECT extra #>> '{metadata,disposition}' FROM auditlog.events WHERE event_type = 'auditlog.alert_change' AND operation = 'acknowledge'";
    assert_eq!(text(&mut client, told), "benign");
}

#[test]
fn switched_off_changed_and_muted() {
    let db = Database::new();
    let mut client = db.superuser();
    create(&mut client, "name: a\ncondition: event_type:x");
    let ready = |client: &mut auditlog_testkit::postgres::Client, state: &str| {
        wait_until("the evaluator knows", LONG, || {
            text(client, "SELECT state FROM auditlog.alerts") == state
        });
        // muting is known at the next look
        std::thread::sleep(std::time::Duration::from_millis(1500));
    };
    let record_only = |kind: &str| {
        let mut client = db.superuser();
        client
            .batch_execute(&format!("SELECT auditlog.record('{kind}')"))
            .expect("record()");
        wait_sealed(&mut client);
    };
    let record = |kind: &str| {
        record_only(kind);
        settle(&mut db.superuser());
    };
    record("x");
    client
        .batch_execute("SELECT auditlog.disable_alert('a')")
        .expect("disable");
    ready(&mut client, "disabled");
    // nobody looks at this one, nor later
    record_only("x");
    client
        .batch_execute("SELECT auditlog.enable_alert('a')")
        .expect("enable");
    ready(&mut client, "active");
    record("x");
    client
        .batch_execute("SELECT auditlog.alter_alert('a', '{\"name\": \"a\", \"condition\": \"event_type:y\"}')")
        .expect("alter");
    ready(&mut client, "active");
    record("x");
    record("y");
    client
        .batch_execute("SELECT auditlog.mute('a', now() + interval '1 hour', 'we know')")
        .expect("mute");
    ready(&mut client, "muted");
    record("y");
    let found = "SELECT string_agg(muted::text, ' ' ORDER BY id) FROM auditlog.alert_firings";
    assert_eq!(text(&mut client, found), "false false false true");
}

#[test]
fn an_alert_whose_saved_query_is_gone_says_so() {
    let db = Database::new();
    let mut client = db.superuser();
    client
        .batch_execute("SELECT auditlog.save_query('mine', 'event_type:x')")
        .expect("save_query()");
    create(&mut client, "name: a\ncondition: _saved_:mine");
    client.batch_execute("SELECT auditlog.record('x')").expect("record()");
    settle(&mut client);
    assert_eq!(firings(&mut client).len(), 1);
    client
        .batch_execute("SELECT auditlog.save_query('mine', 'event_type:y')")
        .expect("save_query()");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    client
        .batch_execute("SELECT auditlog.record('x'); SELECT auditlog.record('y')")
        .expect("record()");
    settle(&mut client);
    assert_eq!(firings(&mut client).len(), 2);
    client
        .batch_execute("SELECT auditlog.delete_query('mine')")
        .expect("delete_query()");
    wait_until("the alert fails", LONG, || {
        text(&mut client, "SELECT state FROM auditlog.alerts") == "failing"
    });
    let health = "SELECT status || ' ' || detail FROM auditlog.health() WHERE \"check\" = 'alerts'";
    assert!(text(&mut client, health).starts_with("error Alerts that cannot be evaluated: a: "));
}

#[test]
fn what_is_sealed_after_an_alert_was_made_is_never_missed() {
    let db = Database::new();
    let mut client = db.superuser();
    // The first one before there is an evaluator, the others at any moment between two of its looks; nobody waits for it.
    for i in 0..12 {
        client
            .batch_execute(&format!("SELECT auditlog.record('race.e{i}')"))
            .expect("an event before");
        wait_sealed(&mut client);
        client
            .execute(
                "SELECT auditlog.create_alert($1)",
                &[&format!("name: race {i}\ncondition: event_type:race.e{i}")],
            )
            .expect("an alert");
        client
            .batch_execute(&format!("SELECT auditlog.record('race.e{i}'), pg_sleep(0.{i}1)"))
            .expect("an event after");
    }
    let fired = "SELECT concat(count(*), ' alerts, ', sum(events), ' events') FROM auditlog.alert_firings WHERE alert LIKE 'race %'";
    wait_until("each has fired", LONG, || text(&mut client, fired).starts_with("12 "));
    assert_eq!(
        text(&mut client, fired),
        "12 alerts, 12 events",
        "what was before is not theirs"
    );
}
