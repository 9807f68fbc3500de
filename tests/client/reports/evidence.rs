//! Evidence beyond events: samples of health, snapshots of rights, verification, reviews, classified tables, metrics.

use super::{ask, done, findings, json, section};
use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, Database, LONG, Options, wait_until};

#[test]
fn samples_snapshots_and_verification_are_written_down_by_themselves() {
    let cluster = Cluster::start(
        &Options::default()
            .set("auditlog.sample_interval", "1")
            .set("auditlog.verify_interval", "1")
            .set("auditlog.checkpoint_interval", "1")
            .set("auditlog.access_log", "on"),
    );
    let mut client = cluster.create_database_with_extension("samples");
    wait_until(
        "the empty log was verified, which is nothing to write down",
        LONG,
        || {
            scalar(
                &mut client,
                "SELECT count(*) FROM auditlog_data.publisher WHERE verify_begun IS NOT NULL",
            ) > 0
        },
    );
    client
        .execute("SELECT auditlog.record('{\"event_type\": \"app.x\"}'::jsonb)", &[])
        .expect("an event");
    wait_until("there are samples", LONG, || {
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.health_samples WHERE log_size > 0",
        ) > 1
    });
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.health_samples WHERE NOT audit_enabled OR library_sha256 IS NULL OR free_bytes IS NULL"
        ),
        0,
        "{}",
        text(
            &mut client,
            "SELECT coalesce(string_agg(faults::text, ' '), '') FROM auditlog.health_samples"
        )
    );
    wait_until("the log was verified", LONG, || {
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.verification_runs WHERE findings = 0 AND to_index > 0",
        ) > 0
    });
    let before = scalar(&mut client, "SELECT count(*) FROM auditlog.access_snapshots");
    cluster.create_login("newcomer", &["auditlog_compliance"]);
    wait_until("the new rights are in a snapshot", LONG, || {
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.access_snapshots WHERE roles @> '[{\"role\": \"newcomer\"}]'",
        ) > 0
    });
    assert!(scalar(&mut client, "SELECT count(*) FROM auditlog.access_snapshots") > before);
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.verification_runs WHERE to_index = 0"
        ),
        0
    );
    wait_until("the snapshot is an event", LONG, || {
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.access_snapshot'",
        ) > 0
    });
    // What is missing of the protection is in the next sample.
    client
        .batch_execute("ALTER EVENT TRIGGER auditlog_guard_ddl DISABLE")
        .expect("a superuser");
    wait_until("a sample says so", LONG, || {
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.health_samples WHERE NOT audit_enabled",
        ) > 0
    });
}

#[test]
fn a_signed_review_is_an_event_and_answers_its_controls() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    client
        .execute(
            "SELECT auditlog.record('{\"event_type\": \"app.x\", \"timestamp\": \"2026-03-03T00:00:00Z\"}'::jsonb)",
            &[],
        )
        .expect("an event");
    wait_sealed(&mut client);
    client
        .execute("SELECT auditlog.sign_review('[2026-03-01,2026-03-08)', 'One unusual login, explained by ana.', exceptions => 1)", &[])
        .expect("a review");
    let row = client
        .query_one("SELECT r.events_in_scope, r.exceptions, r.reviewer = session_user, e.event_type FROM auditlog.reviews AS r JOIN auditlog.events AS e USING (event_id)", &[])
        .expect("a review with its event");
    assert_eq!(
        (row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, bool>(2)),
        (1, 1, true)
    );
    assert_eq!(row.get::<_, String>(3), "auditlog.review");
    wait_sealed(&mut client);
    let mut report = |since, until| {
        let id = ask(&mut client, "soc2", since, until, r#"{"controls": ["CC4.1"]}"#);
        done(&mut client, id);
        json(&mut client, id)
    };
    let covered = report("2026-03-02", "2026-03-08");
    assert_eq!(findings(section(&covered, "CC4.1")), Vec::<&str>::new());
    let open = report("2026-03-02", "2026-03-10");
    assert!(!findings(section(&open, "CC4.1")).is_empty());
    for wrong in [
        "SELECT auditlog.sign_review('[2026-03-01,)', 'x')",
        "SELECT auditlog.sign_review('[2026-03-01,2999-03-08)', 'x')",
        "SELECT auditlog.sign_review('empty', 'x')",
        "SELECT auditlog.sign_review('[2026-03-01,2026-03-08)', ' ')",
        "SELECT auditlog.sign_review('[2026-03-01,2026-03-08)', 'x', 'a:(')",
        "SELECT auditlog.sign_review('[2026-03-01,2026-03-08)', 'x', exceptions => -1)",
    ] {
        let error = refused_with(&mut client, "22023", wrong);
        assert!(error.hint().is_some(), "{wrong}");
    }
}

#[test]
fn a_classified_table_is_evidence_and_its_rows_say_so() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    client
        .batch_execute(
            "CREATE TABLE patient (id int PRIMARY KEY, name text);
             SELECT auditlog.classify('patient', '{phi,pii}');
             SELECT auditlog.track('patient');
             INSERT INTO patient VALUES (1, 'x');
             SELECT auditlog.classify('patient', '{phi}');
             INSERT INTO patient VALUES (2, 'y')",
        )
        .expect("a classified table");
    let tags = text(
        &mut client,
        "SELECT string_agg(resource_tags ->> 'classification', ' ' ORDER BY resource_id) FROM auditlog.events WHERE resource_type LIKE '%patient' AND event_type = 'resource.create'",
    );
    assert_eq!(tags, "[\"phi\", \"pii\"] [\"phi\"]");
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.classified_tables WHERE tracked AND classification = '{phi}'"
        ),
        1
    );
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.policy_change' AND operation = 'classify'"
        ),
        2
    );
    refused_with(&mut client, "22023", "SELECT auditlog.classify('patient', '{secret}')");
    refused_with(&mut client, "22004", "SELECT auditlog.classify('patient', NULL)");
    client
        .batch_execute("SELECT auditlog.classify('patient', '{}')")
        .expect("taken back");
    assert_eq!(
        scalar(&mut client, "SELECT count(*) FROM auditlog.classified_tables"),
        0
    );
}

#[test]
fn metrics_say_what_is_due() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    let missing = text(
        &mut client,
        "SELECT coalesce(string_agg(m, ' '), '') FROM unnest('{completeness,seal_lag,verification_age,retention,review,alert_coverage,open_firings,health_samples}'::text[]) AS m
         WHERE NOT EXISTS (SELECT FROM auditlog.compliance_metrics AS c WHERE c.metric = m)",
    );
    assert_eq!(missing, "");
    assert_eq!(
        text(
            &mut client,
            "SELECT status FROM auditlog.compliance_metrics WHERE metric = 'review'"
        ),
        "warning"
    );
    client
        .batch_execute("SELECT auditlog.sign_review(tstzrange(now() - interval '7 days', now() - interval '1 second'), 'Nothing unusual.')")
        .expect("a review");
    assert_eq!(
        text(
            &mut client,
            "SELECT status FROM auditlog.compliance_metrics WHERE metric = 'review'"
        ),
        "ok"
    );
}
