//! Who may make what sink, and what is said of it.

use super::{Receiver, cluster, create, expected, record, secret, state, wait_passed};
use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{LONG, wait_until};
use serde_json::json;

#[test]
fn sinks_are_checked_when_they_are_made() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    for (arguments, code, says) in [
        ("NULL, 'http', '{}'", "22004", ""),
        ("'', 'http', '{\"url\": \"https://example.com/\"}'", "22023", ""),
        ("'a', 'pigeon', '{}'", "22023", "pigeon"),
        ("'a', 'http', '[]'", "22023", ""),
        ("'a', 'http', '{}'", "22023", "url"),
        (
            "'a', 'http', '{\"url\": \"https://example.com/\", \"colour\": \"red\"}'",
            "22023",
            "colour",
        ),
        (
            "'a', 'splunk_hec', '{\"hec_url\": \"https://splunk.example.com:8088\", \"hec_token\": \"sekret\"}'",
            "22023",
            "hec_token",
        ),
        (
            "'a', 'http', '{\"url\": \"https://example.com/\"}', 'event_type:('",
            "22023",
            "",
        ),
        (
            "'a', 'http', '{\"url\": \"https://example.com/\"}', '', 'xml'",
            "22023",
            "xml",
        ),
        (
            "'a', 'http', '{\"url\": \"https://example.com/\"}', '', 'csv'",
            "22023",
            "csv",
        ),
        (
            "'a', 'http', '{\"url\": \"https://example.com/\", \"format_options\": {\"x\": 1}}'",
            "22023",
            "format_options",
        ),
        (
            "'a', 'aws_security_lake', '{\"account_id\": \"123456789012\", \"region\": \"us-east-1\", \"s3_bucket\": \"lake\", \"credentials_file\": \"/etc/aws\"}', '', 'ecs'",
            "22023",
            "ocsf",
        ),
        (
            "'a', 'http', '{\"url\": \"https://example.com/\"}', from_index => 1000000",
            "22023",
            "1000000",
        ),
    ] {
        let error = refused_with(&mut client, code, &format!("SELECT auditlog.create_sink({arguments})"));
        assert!(!error.message().contains("sekret") && !error.detail().unwrap_or_default().contains("sekret"));
        assert!(
            error.detail().unwrap_or_default().contains(says) && error.hint().is_some(),
            "{arguments}: {error:?}"
        );
    }
    for call in [
        "drop_sink('nobody')",
        "pause_sink('nobody')",
        "resume_sink('nobody')",
        "replay_sink('nobody', 0)",
        "test_sink('nobody')",
        "redrive_sink('nobody')",
        "alter_sink('nobody')",
    ] {
        refused_with(&mut client, "42704", &format!("SELECT auditlog.{call}"));
    }
    cluster.create_login("admin", &["auditlog_administrator"]);
    let mut admin = cluster.connect_as("admin", "audited");
    for (kind, config) in [
        ("file", "{\"path\": \"/tmp/x\"}"),
        ("object_store", "{\"url\": \"/tmp/x\"}"),
        (
            "http",
            "{\"url\": \"https://example.com/\", \"ca_file\": \"/etc/passwd\"}",
        ),
    ] {
        refused_with(
            &mut admin,
            "42501",
            &format!("SELECT auditlog.create_sink('f', '{kind}', '{config}')"),
        );
    }
    admin
        .batch_execute(
            "SELECT auditlog.create_sink('w', 'http', '{\"url\": \"https://example.com/\"}', 'severity:error')",
        )
        .expect("an administrator may");
    refused_with(
        &mut admin,
        "42710",
        "SELECT auditlog.create_sink('w', 'http', '{\"url\": \"https://example.com/\"}')",
    );
    wait_sealed(&mut client);
    let told = "SELECT operation || ' ' || (after->>'query') || ' ' || (after->>'format') FROM auditlog.events WHERE event_type = 'auditlog.sink_change'";
    assert_eq!(text(&mut admin, told), "create_sink severity:error json");
    cluster.create_login("analyst", &["auditlog_analyst"]);
    let mut analyst = cluster.connect_as("analyst", "audited");
    assert_eq!(
        scalar(
            &mut analyst,
            "SELECT count(*) FROM auditlog.sinks WHERE lag_seconds >= 0"
        ),
        1
    );
    refused_with(&mut analyst, "42501", "SELECT auditlog.pause_sink('w')");
    admin
        .batch_execute("SELECT auditlog.drop_sink('w')")
        .expect("drop_sink()");
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM auditlog.sinks"), 0);
}

/// Secrets are in files, and never in tables, logs or errors.
#[test]
fn secrets_stay_in_their_files() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let receiver = Receiver::start(|_| 401);
    let token = secret(&cluster, "token", "sekret-token-4711");
    let mut config = receiver.config();
    config["token"] = json!(token);
    create(&mut client, "http", "http", &config, "");
    record(&mut client, "x", 1);
    wait_until("it is refused", LONG, || state(&mut client, "http") == "error");
    let sent = receiver.server.requests()[0].header("authorization");
    assert_eq!(sent.as_deref(), Some("Bearer sekret-token-4711"));
    wait_sealed(&mut client);
    let shown = text(
        &mut client,
        "SELECT concat((SELECT string_agg(s::text, '') FROM auditlog_data.sink AS s), (SELECT string_agg(s::text, '') FROM auditlog_data.sink_state AS s),
            (SELECT string_agg(s::text, '') FROM auditlog.sinks AS s), (SELECT string_agg(e::text, '') FROM auditlog.events AS e),
            (SELECT string_agg(t::text, '') FROM auditlog.test_sink('http') AS t))",
    );
    assert!(
        shown.contains("secret:token") && !shown.contains("sekret-token"),
        "{shown}"
    );
    let log = std::fs::read_to_string(cluster.dir().join("log")).unwrap_or_default();
    assert!(!log.contains("sekret-token"));
}

#[test]
fn a_test_says_what_happens() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let receiver = Receiver::start(|_| 200);
    create(&mut client, "http", "http", &receiver.config(), "event_type:x");
    let said = "SELECT string_agg(step || ': ' || result, E'\\n') FROM auditlog.test_sink('http')";
    let shown = text(&mut client, said);
    assert!(shown.contains("delivery: it has arrived"), "{shown}");
    let event = receiver.events.lock().expect("no panic")[0].clone();
    assert_eq!(event["metadata"]["test"], true);
    assert!(
        event["auditlog"]["origin"]
            .as_str()
            .is_some_and(|origin| origin.ends_with("/test"))
    );
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.events WHERE operation = 'test_sink'"
        ),
        0
    );
    let absent = json!({"url": "http://127.0.0.1:9/", "token": "secret:absent"});
    create(&mut client, "absent", "http", &absent, "");
    let said = "SELECT string_agg(step || ': ' || result, E'\\n') FROM auditlog.test_sink('absent')";
    let shown = text(&mut client, said);
    assert!(shown.contains("secret: wrong: secret:absent"), "{shown}");
    assert!(shown.contains("delivery: somebody has to do something"), "{shown}");
}

/// What a sink has not passed, retention neither removes nor archives.
#[test]
fn retention_waits_for_sinks() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let receiver = Receiver::start(|_| 200);
    client
        .batch_execute("SELECT auditlog.record('old', \"timestamp\" => '2020-01-15 12:00+00')")
        .expect("record()");
    wait_sealed(&mut client);
    client
        .batch_execute("SELECT auditlog.set_retention('default: {hot_days: 1, warm_days: 2, cold_years: 0}')")
        .unwrap_or_else(|e| panic!("{e:?}"));
    client
        .execute(
            "SELECT auditlog.create_sink('http', 'http', $1::text::jsonb, from_index => 0)",
            &[&receiver.config().to_string()],
        )
        .expect("create_sink()");
    client
        .batch_execute("SELECT auditlog.pause_sink('http'), auditlog.replay_sink('http', 0)")
        .expect("pause_sink()");
    let blocked = "SELECT coalesce(string_agg(DISTINCT coalesce(detail, 'free'), ', '), 'nothing') FROM auditlog.plan_retention(now()) WHERE move IN ('remove', 'archive')";
    assert_eq!(text(&mut client, blocked), "sink http has not passed it");
    client
        .batch_execute("SELECT auditlog.resume_sink('http')")
        .expect("resume_sink()");
    wait_passed(&mut client, "http");
    assert_eq!(text(&mut client, blocked), "free");
    assert!(receiver.ids().starts_with(&expected(&mut client, "log_index = 0")));
}
