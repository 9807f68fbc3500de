//! Who may make reports and who may not, and what the log has of both.

use super::{ask, done};
use auditlog_testkit::log::{scalar, wait_sealed};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, wait_until};

#[test]
fn only_administrators_and_compliance_officers_make_and_take_reports() {
    let cluster = Cluster::start(&Options::default().set("auditlog.access_log", "on"));
    let mut admin = cluster.create_database_with_extension("people");
    for (name, group) in [
        ("officer", "auditlog_compliance"),
        ("ann", "auditlog_analyst"),
        ("max", "auditlog_manager"),
        ("uwe", "auditlog_user"),
    ] {
        cluster.create_login(name, &[group]);
    }
    let mut officer = cluster.connect_as("officer", "people");
    let id = ask(
        &mut officer,
        "soc2",
        "2026-01-01",
        "2026-02-01",
        r#"{"controls": ["CC6.6"]}"#,
    );
    done(&mut officer, id);
    let calls = [
        "SELECT auditlog.generate_report('soc2', '2026-01-01', '2026-02-01')".to_owned(),
        format!("SELECT auditlog.report_file({id}, 'pdf')"),
        "SELECT auditlog.report_json('soc2', '2026-01-01', '2026-02-01')".to_owned(),
        "SELECT auditlog.incident_report('*', '2026-01-01', '2026-02-01', 'x')".to_owned(),
        "SELECT * FROM auditlog.reports".to_owned(),
        format!("SELECT auditlog.cancel_report({id})"),
        "SELECT auditlog.create_report('name: x')".to_owned(),
    ];
    for role in ["ann", "max", "uwe"] {
        let mut client = cluster.connect_as(role, "people");
        for call in &calls {
            refused_with(&mut client, "42501", call);
        }
    }
    // Refused calls are in the log, with who tried.
    let refused = "SELECT count(DISTINCT actor_id) FROM auditlog.events WHERE event_type = 'auditlog.access_denied' AND actor_id IN ('ann', 'max', 'uwe')";
    wait_until("the refusals are in the log", LONG, || scalar(&mut admin, refused) == 3);
    // So is the report, who asked for it, and who took it away.
    let taken: Vec<u8> = officer
        .query_one("SELECT auditlog.report_file($1, 'csv')", &[&id])
        .expect("a file")
        .get(0);
    assert!(!taken.is_empty());
    for (event_type, operation, count) in [
        ("auditlog.report", "generate_report", 1),
        ("auditlog.report", "report_done", 1),
    ] {
        let sql = format!(
            "SELECT count(*) FROM auditlog.events WHERE event_type = '{event_type}' AND operation = '{operation}' AND actor_id = 'officer'"
        );
        wait_until("the report is in the log", LONG, || scalar(&mut admin, &sql) == count);
    }
    let exported = "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.export' AND actor_id = 'officer' AND extra::text LIKE '%report_file%'";
    wait_until("the download is in the log", LONG, || scalar(&mut admin, exported) == 1);
}

#[test]
fn who_has_lost_the_right_gets_no_report() {
    let cluster = Cluster::start(&Options::default());
    let mut admin = cluster.create_database_with_extension("lost");
    cluster.create_login("officer", &["auditlog_compliance"]);
    // A lock that keeps the reporter from the first section until the right is gone.
    let mut officer = cluster.connect_as("officer", "lost");
    admin
        .execute("SELECT auditlog.record('{\"event_type\": \"app.x\"}'::jsonb)", &[])
        .expect("an event");
    wait_sealed(&mut admin);
    let mut holder = cluster.connect("lost");
    let mut transaction = holder.transaction().expect("a transaction");
    transaction
        .batch_execute("LOCK TABLE auditlog_data.health_sample, auditlog_data.log IN ACCESS EXCLUSIVE MODE")
        .expect("a lock");
    let id = ask(&mut officer, "soc2", "2026-01-01", "2027-01-01", "{}");
    admin
        .batch_execute("REVOKE auditlog_compliance FROM officer")
        .expect("REVOKE");
    transaction.rollback().expect("ROLLBACK");
    wait_until("the report has failed", LONG, || {
        super::state(&mut admin, id) == "failed"
    });
    let error = auditlog_testkit::log::text(
        &mut admin,
        &format!("SELECT error FROM auditlog.reports WHERE id = {id}"),
    );
    assert!(error.contains("may not make reports any more"), "{error}");
}
