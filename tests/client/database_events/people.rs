//! A login role that is a principal is a person: what the database records by itself names that one.

use super::{assert_at, at, cluster, database, event, events, run};
use auditlog_testkit::Database;
use auditlog_testkit::log::{scalar, text};
use auditlog_testkit::postgres::{Client, NoTls};
use auditlog_testkit::refused::refused_with;
use serde_json::json;

/// A login role of ann, who is `user_17` and in team `red`.
fn ann(db: &Database, admin: &mut Client) -> String {
    let role = db.login(&["auditlog_user"]);
    run(
        admin,
        &format!(
            "SELECT auditlog.add_principal('{role}', 'user_17', teams => '{{red}}');
             ALTER ROLE {role} SET auditlog.access_log = on; GRANT CREATE ON SCHEMA public TO {role}; CREATE TABLE payroll ()"
        ),
    );
    role
}

#[test]
fn logins_definitions_and_refusals_name_the_principal() {
    let db = database();
    let mut admin = db.superuser();
    let role = ann(&db, &mut admin);
    let boss = db.login(&["auditlog_manager"]);
    run(
        &mut admin,
        &format!("SELECT auditlog.add_principal('{boss}', 'user_4', manages => '{{red}}')"),
    );
    let mut user = db.connect_as(&role);
    run(&mut user, "CREATE TABLE mine ()");
    refused_with(&mut user, "42501", "DELETE FROM payroll");
    refused_with(&mut user, "42501", "DROP TABLE payroll");
    refused_with(&mut user, "42501", "SELECT auditlog.verify()");
    drop(user);
    run(&mut admin, &format!("ALTER ROLE {role} NOLOGIN"));
    assert!(cluster().config(&role, db.name()).connect(NoTls).is_err());
    let all = [
        "event_type = 'authentication.login' AND status = 'success'",
        "event_type = 'ddl.create' AND resource_id = 'public.mine'",
        "event_type = 'access.denied' AND resource_id = 'payroll'",
        "event_type = 'ddl.drop' AND status = 'denied'",
        "event_type = 'auditlog.access_denied'",
        "event_type = 'authentication.logout'",
        "event_type = 'authentication.login' AND status = 'failed'",
    ];
    for condition in all {
        let found = event(&mut admin, &format!("{condition} AND db_session_user = '{role}'"));
        assert_at(&found, &[("actor.type", json!("user")), ("actor.id", json!("user_17"))]);
        assert!(at(&found, "actor.session_id").is_string(), "{found:#}");
    }
    // so that whoever may see what a person did sees all of it
    let mut looks = db.connect_as(&boss);
    for condition in all {
        let sql = format!("SELECT count(*) FROM auditlog.team_events WHERE {condition} AND actor_id = 'user_17'");
        assert_eq!(scalar(&mut looks, &sql), 1, "{condition}");
    }
}

/// Many people may share a login role: a token says who it is.
#[test]
fn a_token_names_the_person_of_its_transaction() {
    let db = database();
    let mut admin = db.superuser();
    let role = ann(&db, &mut admin);
    let token = text(&mut db.connect_as(&role), "SELECT auditlog.create_token('deploy')");
    let made = event(
        &mut admin,
        "event_type = 'auditlog.principal_change' AND operation = 'create_token'",
    );
    assert_at(&made, &[("actor.type", json!("user")), ("actor.id", json!("user_17"))]);
    let pool = db.login(&["auditlog_user"]);
    run(
        &mut admin,
        &format!(
            "SELECT auditlog.add_principal('{pool}', 'pool'); GRANT CREATE ON SCHEMA public TO {pool};
             ALTER ROLE {pool} SET auditlog.access_log = on"
        ),
    );
    let mut user = db.connect_as(&pool);
    run(
        &mut user,
        &format!(
            "BEGIN; SELECT auditlog.authenticate('{token}'); CREATE TABLE by_token (); COMMIT; CREATE TABLE by_pool ()"
        ),
    );
    for refused in ["DELETE FROM payroll", "DROP TABLE payroll", "SELECT auditlog.verify()"] {
        run(&mut user, &format!("BEGIN; SELECT auditlog.authenticate('{token}')"));
        refused_with(&mut user, "42501", refused);
        run(&mut user, "ROLLBACK");
        refused_with(&mut user, "42501", refused);
    }
    let by = |admin: &mut Client, count: usize, condition: &str| -> Vec<String> {
        let found = events(admin, count, &format!("{condition} AND db_session_user = '{pool}'"));
        found
            .iter()
            .map(|event| at(event, "actor.id").as_str().expect("an id").to_owned())
            .collect()
    };
    assert_eq!(by(&mut admin, 2, "event_type = 'ddl.create'"), ["user_17", "pool"]);
    for condition in [
        "event_type = 'access.denied' AND resource_id = 'payroll'",
        "event_type = 'ddl.drop'",
        "event_type = 'auditlog.access_denied'",
    ] {
        assert_eq!(by(&mut admin, 2, condition), ["user_17", "pool"], "{condition}");
    }
}
