//! Statements that were refused.

use super::{assert_at, database, event, events, events_now, run};
use auditlog_testkit::refused::refused_with;
use serde_json::json;

/// V-233572 and its kin: what somebody was not allowed to do.
#[test]
fn refused_statements_are_recorded() {
    let db = database();
    let mut admin = db.superuser();
    let role = db.login(&[]);
    run(
        &mut admin,
        &format!(
            "CREATE TABLE payroll (id int, password text);
             CREATE TABLE mine (id int, owner text); ALTER TABLE mine ENABLE ROW LEVEL SECURITY;
             CREATE POLICY own ON mine USING (owner = current_user); GRANT SELECT, INSERT ON mine TO {role}"
        ),
    );
    let mut user = db.connect_as(&role);
    refused_with(
        &mut user,
        "42501",
        "SELECT * FROM payroll WHERE password = 'hunter2' AND id = 7",
    );
    // V-233557, V-233563, V-233560
    refused_with(&mut user, "42501", "DELETE FROM payroll");
    refused_with(&mut user, "42501", "UPDATE payroll SET id = 8");
    refused_with(&mut user, "42501", "SELECT rolpassword FROM pg_authid");
    refused_with(&mut user, "42501", "INSERT INTO mine VALUES (1, 'somebody else')");
    let denied = events(&mut admin, 4, "event_type = 'access.denied'");
    assert_at(
        &denied[0],
        &[
            ("actor.id", json!(role)),
            ("actor.type", json!("user")),
            ("action.status", json!("denied")),
            ("resource.type", json!("table")),
            ("resource.id", json!("payroll")),
            ("severity", json!("warning")),
            ("metadata.sqlstate", json!("42501")),
            (
                "metadata.statement",
                json!("SELECT * FROM payroll WHERE password = '<REDACTED>' AND id = 7"),
            ),
        ],
    );
    assert_at(&denied[1], &[("metadata.statement", json!("DELETE FROM payroll"))]);
    assert_at(
        &denied[2],
        &[("metadata.statement", json!("UPDATE payroll SET id = 8"))],
    );
    assert_at(&denied[3], &[("resource.id", json!("pg_authid"))]);
    event(&mut admin, "event_type = 'rls.denied'");
    let sql = format!(
        "SELECT count(*) FROM auditlog.events WHERE event_type = 'access.denied' AND db_session_user = '{role}'"
    );
    assert_eq!(auditlog_testkit::log::scalar(&mut admin, &sql), 4);
}

#[test]
fn other_errors_are_not() {
    let db = database();
    let mut admin = db.superuser();
    refused_with(&mut admin, "22012", "SELECT 1/0");
    refused_with(&mut admin, "42P01", "SELECT * FROM not_there");
    run(&mut admin, "SELECT pg_sleep(0.2)");
    assert_eq!(events_now(&mut admin, "status IN ('denied', 'failed')").len(), 0);
}
