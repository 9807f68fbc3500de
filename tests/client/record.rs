//! Every way in, as a login role that may record and nothing else; what goes in comes out equal.

use crate::support::{assert_contained, document_of, normal};
use auditlog_testkit::log::{assert_intact, scalar, text, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Database, Random};
use serde_json::{Value, json};
use std::io::Write;

/// The entry of the seed, some years earlier so that no clock finds it in the future.
const SEED: &str = r#"{
  "event_id": "evt_2024031012345678",
  "timestamp": "2024-03-10T14:30:45.123Z",
  "event_type": "resource.modify",
  "severity": "info",
  "actor": {"type": "user", "id": "user_12345", "email": "admin@company.com", "ip_address": "203.0.113.45",
            "user_agent": "Mozilla/5.0...", "session_id": "sess_abcdef123456"},
  "resource": {"type": "ec2_instance", "id": "i-0123456789abcdef", "cloud_provider": "aws",
               "account_id": "123456789012", "region": "us-east-1"},
  "action": {"operation": "stop_instance", "status": "success", "method": "api"},
  "changes": {"before": {"state": "running"}, "after": {"state": "stopped"}},
  "metadata": {"request_id": "req_xyz789", "api_version": "v2", "tags": ["automation", "cost-optimization"]}
}"#;

fn record(client: &mut Client, document: &str) -> String {
    client
        .query_one("SELECT auditlog.record($1::text::jsonb)", &[&document])
        .expect("record()")
        .get(0)
}

#[test]
fn the_seeds_entry_comes_out_equal_before_and_after_sealing() {
    let db = Database::new();
    let mut admin = db.superuser();
    let id = record(&mut db.writer(), SEED);
    assert_eq!(id, "evt_2024031012345678");
    let given: Value = serde_json::from_str(SEED).expect("JSON");
    assert_contained(&given, &document_of(&mut admin, &id));
    wait_sealed(&mut admin);
    let sealed = document_of(&mut admin, &id);
    assert_contained(&given, &sealed);
    assert_eq!(sealed["timestamp"], "2024-03-10T14:30:45.123Z");
    let row = admin
        .query_one(
            "SELECT log_index, event_id, timestamp = '2024-03-10 14:30:45.123+00', event_type, category, severity::text,
                    actor_type, actor_id, actor_email, host(actor_ip), actor_user_agent, actor_session_id,
                    resource_type, resource_id, cloud_provider, account_id, region, operation, status, method,
                    before->>'state', after->>'state', request_id, tags, extra::text
             FROM auditlog.events",
            &[],
        )
        .expect("one event");
    assert_eq!(row.get::<_, i64>(0), 0);
    assert!(row.get::<_, bool>(2), "timestamp");
    let texts: Vec<String> = [1].into_iter().chain(3..23).map(|i| row.get(i)).collect();
    assert_eq!(
        texts,
        [
            "evt_2024031012345678",
            "resource.modify",
            "resource",
            "info",
            "user",
            "user_12345",
            "admin@company.com",
            "203.0.113.45",
            "Mozilla/5.0...",
            "sess_abcdef123456",
            "ec2_instance",
            "i-0123456789abcdef",
            "aws",
            "123456789012",
            "us-east-1",
            "stop_instance",
            "success",
            "api",
            "running",
            "stopped",
            "req_xyz789",
        ]
    );
    assert_eq!(row.get::<_, Vec<String>>(23), ["automation", "cost-optimization"]);
    let extra: Value = serde_json::from_str(&row.get::<_, String>(24)).expect("JSON");
    assert_eq!(extra, json!({"metadata": {"api_version": "v2"}}));
}

#[test]
fn groups_as_named_arguments_make_the_same_event() {
    let db = Database::new();
    let id: String = db
        .writer()
        .query_one(
            r#"SELECT auditlog.record(event_type => 'resource.delete', actor => '{"id": "u1", "shoe_size": 43}',
                 resource => '{"type": "bucket", "id": "b1"}', action => '{"operation": "delete", "status": "failed"}',
                 changes => '{"before": {"n": 1}}', metadata => '{"request_id": "r1", "tags": ["a"]}',
                 severity => 'critical', "timestamp" => '2024-05-01 10:00:00+02', tenant => 'acme',
                 idempotency_key => 'k1')"#,
            &[],
        )
        .expect("record()")
        .get(0);
    let mut admin = db.superuser();
    assert_contained(
        &json!({"event_id": id, "event_type": "resource.delete", "severity": "critical", "tenant": "acme",
                "timestamp": "2024-05-01T08:00:00Z", "actor": {"id": "u1", "shoe_size": 43},
                "resource": {"type": "bucket", "id": "b1"}, "action": {"operation": "delete", "status": "failed"},
                "changes": {"before": {"n": 1}}, "metadata": {"request_id": "r1", "tags": ["a"]}}),
        &document_of(&mut admin, &id),
    );
    assert_eq!(text(&mut admin, "SELECT idempotency_key FROM auditlog.events"), "k1");
}

#[test]
fn defaults_fill_what_a_minimal_event_lacks() {
    let db = Database::new();
    let id: String = db
        .writer()
        .query_one("SELECT auditlog.record(event_type => 'authentication.login')", &[])
        .expect("record()")
        .get(0);
    let hex = id.strip_prefix("evt_").expect("evt_ in front");
    assert!(
        hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()) && &hex[12..13] == "7",
        "UUIDv7: {id}"
    );
    let mut admin = db.superuser();
    wait_sealed(&mut admin);
    let fine: bool = admin
        .query_one(
            "SELECT abs(extract(epoch FROM now() - timestamp)) < 600 AND recorded_at BETWEEN timestamp - '1s'::interval
                    AND now() AND sealed_at >= recorded_at AND severity IS NOT NULL AND category = 'authentication'
                    AND actor_id IS NULL AND tenant IS NULL AND length(entry_hash) = 32 AND length(hash) = 32
             FROM auditlog.events",
            &[],
        )
        .expect("one event")
        .get(0);
    assert!(fine, "{}", document_of(&mut admin, &id));
}

#[test]
fn batches_record_all_their_events() {
    let db = Database::new();
    let mut writer = db.writer();
    let array = r#"[{"event_type": "cost.budget.create", "actor": {"id": "1"}}, {"event_type": "cost.budget.modify"}]"#;
    assert_eq!(
        scalar(&mut writer, &format!("SELECT auditlog.record_batch('{array}')")),
        2
    );
    assert_eq!(scalar(&mut writer, "SELECT auditlog.record_batch('[]')"), 0);
    let lines = "{\"event_type\": \"a.b\"}\n\n  {\"event_type\": \"a.c\"}\r\n{\"event_type\": \"a.d\"}\n";
    let n: i64 = writer
        .query_one("SELECT auditlog.record_ndjson($1)", &[&lines])
        .expect("record_ndjson()")
        .get(0);
    assert_eq!(n, 3);
    assert_eq!(scalar(&mut writer, "SELECT auditlog.record_ndjson('')"), 0);
    assert_intact(&mut db.superuser(), 5);
}

#[test]
fn insert_and_copy_into_the_view_record_too() {
    let db = Database::new();
    let mut writer = db.writer();
    writer
        .batch_execute(
            r#"INSERT INTO auditlog.events (event_type, actor_id, actor_ip, resource_tags, tags, extra)
               VALUES ('resource.create', 'u1', '10.0.0.1', '{"env": "prod"}', '{x,y}', '{"k": [1, null]}'),
                      ('resource.delete', 'u2', '2001:db8::/64', NULL, NULL, NULL);
               INSERT INTO auditlog.events (event_type, severity, "timestamp")
               SELECT 'resource.view', 'notice', '2024-01-01'::timestamptz + i * '1 hour'::interval
               FROM generate_series(1, 50) i"#,
        )
        .expect("INSERT");
    let mut copy = writer
        .copy_in("COPY auditlog.events (event_type, actor_id, severity, before) FROM STDIN (FORMAT csv)")
        .expect("COPY starts");
    for i in 0..200 {
        writeln!(copy, "data.import,loader_{i},debug,\"{{\"\"row\"\": {i}}}\"").expect("COPY takes a line");
    }
    assert_eq!(copy.finish().expect("COPY ends"), 200);
    let mut admin = db.superuser();
    assert_intact(&mut admin, 252);
    assert_eq!(
        scalar(
            &mut admin,
            "SELECT count(*) FROM auditlog.events WHERE severity = 'debug' AND (before->>'row')::int = substr(actor_id, 8)::int"
        ),
        200
    );
    let id = text(&mut admin, "SELECT event_id FROM auditlog.events WHERE actor_id = 'u1'");
    assert_contained(
        &json!({"event_type": "resource.create", "actor": {"id": "u1", "ip_address": "10.0.0.1"},
                "resource": {"tags": {"env": "prod"}}, "metadata": {"tags": ["x", "y"]}, "k": [1, null]}),
        &document_of(&mut admin, &id),
    );
    assert_eq!(
        text(
            &mut admin,
            "SELECT actor_ip::text FROM auditlog.events WHERE actor_id = 'u2'"
        ),
        "2001:db8::/64"
    );
}

#[test]
fn odd_documents_come_out_equal() {
    let db = Database::new();
    let mut writer = db.writer();
    let mut admin = db.superuser();
    for document in [
        r#"{"event_type": "a.b", "actor": {"ip_address": "cloudtrail.amazonaws.com"}}"#,
        r#"{"event_type": "a.b", "actor": {"ip_address": "2001:DB8:0:0::1"}}"#,
        r#"{"event_type": "a.b", "actor": {"ip_address": "10.0.0.1/8"}}"#,
        r#"{"event_type": "a.b", "actor": {"id": null, "email": null, "ip_address": null}}"#,
        r#"{"event_type": "a.b", "actor": {}, "resource": {}, "changes": {}, "metadata": {}}"#,
        r#"{"event_type": "a.b", "changes": {"before": null, "after": null}}"#,
        r#"{"event_type": "a.b", "changes": {"before": 1234567890123456789012345678901234567890, "after": "text"}}"#,
        r#"{"event_type": "a.b", "changes": {"before": [1.0, 1.00, 1e3, -0.0, 0.1e-7], "diff": [true, false]}}"#,
        r#"{"event_type": "a.b", "metadata": {"tags": [], "request_id": ""}, "tenant": ""}"#,
        r#"{"event_type": "a.b", "resource": {"tags": {"Environment": "production", "deep": {"a": [{}]}}}}"#,
        r#"{"event_type": "a.b", "x": {"y": {"z": [null, {"k": ""}]}}, "actor": {"roles": ["r1", 2]}, "": {"": 0}}"#,
        r#"{"event_type": "a.b", "actor": {"id": "caf\u00e9 cafe\u0301 \ud83d\ude00 \u0001 \\ \" /"}}"#,
        r#"{"event_type": "a.b", "timestamp": "2024-02-29T23:59:59.999999Z"}"#,
        r#"{"event_type": "a.b", "timestamp": "2024-03-10T16:30:45+02:00"}"#,
        r#"{"event_type": "a.b", "timestamp": "1999-12-31T00:00:00Z", "severity": "debug"}"#,
        r#"{"event_type": "a.b", "action": {"status": "success", "operation": "x", "reason": {"code": 7}}}"#,
        r#"{"event_type": "a.b", "actor_id": "not the column", "log_index": 7, "hash": "x", "extra": {"a": 1}}"#,
    ] {
        let id = record(&mut writer, document);
        assert_contained(&normal(&mut admin, document), &document_of(&mut admin, &id));
    }
    let documents = scalar(&mut admin, "SELECT count(*) FROM auditlog.events");
    assert_intact(&mut admin, documents);
}

#[test]
fn random_documents_come_out_equal_in_every_session_setting() {
    let db = Database::new();
    let mut random = Random::from_clock();
    let documents: Vec<Value> = (0..400).map(|i| crate::support::random_event(&mut random, i)).collect();
    let array = Value::Array(documents.clone()).to_string();
    let mut writer = db.writer();
    writer
        .batch_execute("SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'German'; SET extra_float_digits = -15; SET bytea_output = 'escape'")
        .expect("SET");
    let n: i64 = writer
        .query_one("SELECT auditlog.record_batch($1::text::jsonb)", &[&array])
        .expect("record_batch()")
        .get(0);
    assert_eq!(n, 400);
    let mut admin = db.superuser();
    admin
        .batch_execute("SET TimeZone = 'America/St_Johns'; SET IntervalStyle = 'iso_8601'")
        .expect("SET");
    for round in ["unsealed or sealed", "sealed"] {
        for document in &documents {
            let id = document["event_id"].as_str().expect("each has an id");
            assert_contained(&normal(&mut admin, &document.to_string()), &document_of(&mut admin, id));
        }
        wait_sealed(&mut admin);
        println!("{round}: {} documents equal", documents.len());
    }
    assert_intact(&mut admin, 400);
}

#[test]
fn a_writer_reads_nothing() {
    let db = Database::new();
    let mut writer = db.writer();
    record(&mut writer, SEED);
    for sql in [
        "SELECT * FROM auditlog.events",
        "SELECT * FROM auditlog_data.log",
        "SELECT * FROM auditlog_data.inbox_0",
        "SELECT * FROM auditlog.verify()",
    ] {
        auditlog_testkit::refused::refused_with(&mut writer, "42501", sql);
    }
}
