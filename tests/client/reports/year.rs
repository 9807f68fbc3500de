//! A generated year with planted findings: each framework's report has them where a reviewer looks, counts what independent SQL
//! counts, and finds nothing where nothing was planted.

use super::{ask, done, findings, json, metric, section};
use auditlog_testkit::log::{scalar, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Cluster, Database, LONG, Options};
use serde_json::Value;

const SINCE: &str = "2025-01-01T00:00:00Z";
const UNTIL: &str = "2026-01-01T00:00:00Z";

/// Events of the year: a million in the soak.
pub fn events() -> i64 {
    if std::env::var_os("AUDITLOG_SOAK").is_some() {
        1_000_000
    } else {
        6_000
    }
}

/// Ordinary activity, in which a reviewer finds nothing: logins, reads of classified data with a purpose, approved changes.
pub fn ordinary(client: &mut Client, events: i64) {
    client
        .execute(
            "INSERT INTO auditlog.events (timestamp, event_type, actor_type, actor_id, actor_ip, actor_session_id, resource_type, resource_id,
                 resource_tags, operation, status, request_id, extra)
             SELECT '2025-01-01'::timestamptz + (i * (365.0 * 86400 / ($1::bigint + 1))) * interval '1 second',
                 (ARRAY['authentication.login', 'resource.view', 'resource.modify', 'authentication.logout', 'config.alter_system'])[1 + i % 5],
                 'user', 'user_' || i % 40, ('10.0.0.' || i % 40)::inet, 's' || i / 5, 'table', 'app.t' || i % 7,
                 CASE WHEN i % 5 = 1 THEN '{\"classification\": [\"confidential\"]}'::jsonb END,
                 (ARRAY['login', 'view', 'update', 'logout', 'alter_system'])[1 + i % 5], 'success', 'r' || i,
                 jsonb_build_object('metadata', jsonb_build_object('change_ref', 'CHG-' || i, 'approved_by', 'approver', 'purpose', 'support',
                     'row_count', 1, 'application', 'crm'))
             FROM generate_series(1, $1::bigint) AS i",
            &[&events],
        )
        .expect("ordinary events");
}

/// What a reviewer must find.
pub fn plant(client: &mut Client) {
    let documents = [
        // a right that somebody gave to themselves, out of band
        r#"{"event_type": "grant.role", "timestamp": "2025-03-04T03:10:00Z", "actor": {"type": "user", "id": "mallory"},
            "resource": {"type": "role", "id": "payroll_admin"}, "action": {"operation": "grant", "status": "success"},
            "metadata": {"grantor": "mallory", "grantee": "mallory", "privilege": "payroll_admin", "self_grant": true}}"#,
        // access that was removed nine days after the end of employment
        r#"{"event_type": "role.drop", "timestamp": "2025-05-19T09:00:00Z", "actor": {"type": "user", "id": "it_desk"},
            "resource": {"type": "role", "id": "leaver"}, "action": {"operation": "drop", "status": "success"},
            "metadata": {"terminated_at": "2025-05-10T00:00:00Z", "change_ref": "CHG-9001", "approved_by": "hr"}}"#,
        // a change that nobody approved
        r#"{"event_type": "ddl.alter", "timestamp": "2025-07-01T23:30:00Z", "actor": {"type": "user", "id": "dev_7"},
            "resource": {"type": "table", "id": "app.payment"}, "action": {"operation": "alter_table", "status": "success"}}"#,
        // personal data that left in bulk
        r#"{"event_type": "data.copy_to", "timestamp": "2025-09-13T02:00:00Z", "actor": {"type": "user", "id": "analyst_3"},
            "resource": {"type": "table", "id": "app.customer", "tags": {"classification": ["pii"]}},
            "action": {"operation": "copy_to", "status": "success"}, "metadata": {"row_count": 250000}}"#,
    ];
    for document in documents {
        client
            .execute("SELECT auditlog.record($1::text::jsonb)", &[&document])
            .expect("planted");
    }
    // a password that was guessed at
    client
        .execute(
            "INSERT INTO auditlog.events (timestamp, event_type, actor_type, actor_id, actor_ip, operation, status)
             SELECT '2025-11-02 04:00+00'::timestamptz + i * interval '7 seconds', 'authentication.login', 'user', 'victim', '203.0.113.9', 'login', 'failed'
             FROM generate_series(1, 30) AS i",
            &[],
        )
        .expect("planted");
}

fn cluster() -> Cluster {
    Cluster::start(&Options::default().set("auditlog.checkpoint_interval", "2"))
}

fn report(client: &mut Client, framework: &str, filters: &str) -> Value {
    let id = ask(client, framework, SINCE, UNTIL, filters);
    done(client, id);
    json(client, id)
}

#[test]
fn each_planted_finding_is_where_a_reviewer_looks() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("year");
    ordinary(&mut client, events());
    plant(&mut client);
    auditlog_testkit::log::wait_sealed_for(&mut client, LONG * 10);
    // Kept for a month, though HIPAA asks for six years.
    client
        .batch_execute(
            "SELECT * FROM auditlog.set_retention('{\"retention_policies\": [{\"name\": \"short\", \"event_types\": [\"*\"], \"hot_days\": 30, \"warm_days\": 0, \"cold_days\": 0, \"classification\": [\"hipaa\"]}]}')",
        )
        .expect("a policy");
    let expected = [
        ("soc2", "CC6.2", "late_removal"),
        ("soc2", "CC6.3", "grantor_is_grantee"),
        ("soc2", "CC6.6", "failed_login_burst"),
        ("soc2", "CC6.7", "classified_export"),
        ("soc2", "CC8.1", "change_without_reference"),
    ];
    let mut clean = 0;
    for framework in ["soc2", "iso27001", "hipaa", "pci_dss", "gdpr", "fedramp"] {
        let report = report(&mut client, framework, "{}");
        assert_eq!(report["integrity"]["gaps"], 0, "{framework}");
        for (_, control, kind) in expected.iter().filter(|(of, ..)| *of == framework) {
            let section = section(&report, control);
            assert!(
                findings(section).contains(kind),
                "{framework} {control} {kind}: {:?}",
                section["findings"]
            );
            // and it is shown first
            let rows = section["tables"]
                .as_array()
                .expect("tables")
                .iter()
                .find(|table| table["name"] == "rows")
                .expect("rows");
            assert!(rows["exceptions"].as_i64() > Some(0), "{control}");
        }
        for section in report["sections"].as_array().expect("sections") {
            counts_agree(&mut client, framework, section);
            clean += i64::from(section["result"] == "clean");
        }
        let retention: Vec<&Value> = (report["sections"].as_array().expect("sections").iter())
            .filter(|section| section["question"].to_string().contains("actual_days"))
            .collect();
        if framework != "iso27001" && framework != "gdpr" {
            assert!(
                retention.iter().any(|section| section["result"] == "findings"),
                "{framework}: the short retention is no finding"
            );
        }
    }
    assert!(clean > 10, "only {clean} sections are clean");
}

/// Each count is the one that SQL gives, asked in another way: through the search function's own path.
fn counts_agree(client: &mut Client, framework: &str, section: &Value) {
    let Some(query) = section["query"].as_str() else { return };
    if section["control"].is_null() {
        return;
    }
    let counted: i64 = client
        .query_one(
            "SELECT auditlog.count($1, $2::text::timestamptz, $3::text::timestamptz, NULL, true)",
            &[&query, &SINCE, &UNTIL],
        )
        .unwrap_or_else(|e| panic!("{query}: {e:?}"))
        .get(0);
    assert_eq!(
        metric(section, "count"),
        Some(counted),
        "{framework} {}",
        section["control"]
    );
    if let Some(groups) = (section["tables"].as_array().into_iter().flatten()).find(|table| table["name"] == "groups") {
        let at = groups["columns"]
            .as_array()
            .expect("columns")
            .iter()
            .position(|column| column["name"] == "count")
            .expect("count");
        let rows = groups["rows"].as_array().expect("rows");
        if rows.len() as i64 == groups["total"].as_i64().expect("a number") {
            let sum: i64 = rows.iter().filter_map(|row| row[at].as_i64()).sum();
            assert_eq!(sum, counted, "{framework} {}", section["control"]);
        }
    }
}

#[test]
fn a_year_without_findings_has_none() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    ordinary(&mut client, 2_000);
    wait_sealed(&mut client);
    let report = report(
        &mut client,
        "soc2",
        r#"{"controls": ["CC6.1", "CC6.2", "CC6.3", "CC6.6", "CC6.7", "CC6.8", "CC8.1"]}"#,
    );
    for control in ["CC6.1", "CC6.2", "CC6.3", "CC6.6", "CC6.7", "CC6.8", "CC8.1"] {
        assert_eq!(findings(section(&report, control)), Vec::<&str>::new(), "{control}");
    }
    assert_eq!(
        report["sections"].as_array().expect("sections").len(),
        9,
        "those that every report has come last"
    );
}

#[test]
fn filters_confine_it_to_accounts_users_and_resources() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    ordinary(&mut client, 2_000);
    wait_sealed(&mut client);
    let report = report(
        &mut client,
        "soc2",
        r#"{"users": ["user_1", "user_6"], "resources": ["app.t1"], "controls": ["CC6.1"]}"#,
    );
    let expected = scalar(
        &mut client,
        "SELECT count(*) FROM auditlog.events WHERE actor_id IN ('user_1', 'user_6') AND resource_id = 'app.t1' AND resource_tags IS NOT NULL",
    );
    assert!(expected > 0);
    assert_eq!(metric(section(&report, "CC6.1"), "count"), Some(expected));
}
