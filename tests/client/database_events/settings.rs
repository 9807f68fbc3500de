//! Settings and the server's configuration.

use super::{assert_at, at, cluster, database, event, events, events_now, run};
use auditlog_testkit::log::scalar;
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, wait_until};
use serde_json::json;

#[test]
fn settings_of_databases_and_roles_have_before_and_after() {
    let db = database();
    let mut admin = db.superuser();
    let name = db.name();
    run(
        &mut admin,
        &format!(
            "CREATE ROLE c_role;
             ALTER DATABASE {name} SET work_mem = '8MB';
             ALTER DATABASE {name} SET work_mem = '9MB';
             ALTER ROLE c_role IN DATABASE {name} SET app.password = 'hunter2';
             ALTER ROLE c_role SET statement_timeout TO '5s';
             ALTER ROLE c_role RESET ALL"
        ),
    );
    let of_database = events(&mut admin, 2, "event_type = 'config.alter_database'");
    assert_at(
        &of_database[1],
        &[
            ("resource.id", json!(name)),
            ("changes.before", json!({"work_mem": "8MB"})),
            ("changes.after", json!({"work_mem": "9MB"})),
            ("metadata.setting", json!("work_mem")),
        ],
    );
    let of_role = events(&mut admin, 3, "event_type = 'config.alter_role'");
    assert_at(
        &of_role[0],
        &[
            ("resource.id", json!("c_role")),
            ("metadata.database", json!(name)),
            ("changes.after", json!({"app.password": "<REDACTED>"})),
        ],
    );
    assert_at(
        &of_role[2],
        &[
            ("action.operation", json!("reset all")),
            ("changes.before", json!({"statement_timeout": "5s"})),
        ],
    );
    run(&mut admin, "DROP OWNED BY c_role; DROP ROLE c_role");
}

/// What was read before the database's recorder began is nothing that has changed: on a busy machine that takes a while.
fn recorder_knows_the_configuration(admin: &mut Client) {
    let told = "SELECT count(*) FROM auditlog.events WHERE event_type = 'config.reload' AND \"after\" ? 'cursor_tuple_fraction'";
    let mut fraction = 100;
    wait_until("a change of the configuration is told of", LONG, || {
        fraction += 1;
        run(admin, &format!("ALTER SYSTEM SET cursor_tuple_fraction = 0.{fraction}"));
        run(admin, "SELECT pg_reload_conf(), pg_sleep(0.3)");
        scalar(admin, told) > 0
    });
}

#[test]
fn a_servers_settings_are_recorded_when_given_and_when_read() {
    let db = database();
    let mut admin = db.superuser();
    recorder_knows_the_configuration(&mut admin);
    run(&mut admin, "ALTER SYSTEM SET log_min_duration_statement = '77s'");
    assert_at(
        &event(
            &mut admin,
            "event_type = 'config.alter_system' AND resource_id = 'log_min_duration_statement'",
        ),
        &[
            ("severity", json!("warning")),
            ("changes.before", json!({"log_min_duration_statement": "-1"})),
            ("changes.after", json!({"log_min_duration_statement": "77s"})),
        ],
    );
    run(&mut admin, "SELECT pg_reload_conf()");
    let reloaded = event(
        &mut admin,
        "event_type = 'config.reload' AND \"after\" ? 'log_min_duration_statement'",
    );
    assert_at(
        &reloaded,
        &[
            ("actor.type", json!("system")),
            ("changes.before.log_min_duration_statement", json!("-1")),
            ("changes.after.log_min_duration_statement", json!("77000")),
        ],
    );
    let role = db.login(&[]);
    let mut user = db.connect_as(&role);
    refused_with(&mut user, "42501", "ALTER SYSTEM SET work_mem = '1MB'");
    event(&mut admin, "event_type = 'config.alter_system' AND status = 'denied'");
    run(&mut admin, "ALTER SYSTEM RESET log_min_duration_statement");
    run(&mut admin, "SELECT pg_reload_conf()");
}

#[test]
fn settings_of_the_log_are_recorded_in_sessions_too() {
    let db = database();
    let mut admin = db.superuser();
    // also in a transaction that may not write, and that is rolled back
    run(
        &mut admin,
        "BEGIN READ ONLY; SET LOCAL auditlog.validation = 'off'; ROLLBACK; SET auditlog.query_strict = on",
    );
    let changed = event(
        &mut admin,
        "event_type = 'auditlog.setting_change' AND resource_id = 'auditlog.validation'",
    );
    assert_at(
        &changed,
        &[
            ("changes.before", json!({"auditlog.validation": "warn"})),
            ("changes.after", json!({"auditlog.validation": "off"})),
            ("metadata.scope", json!("transaction")),
            ("severity", json!("warning")),
        ],
    );
    assert_eq!(
        events_now(&mut admin, "resource_id = 'auditlog.query_strict'").len(),
        0,
        "a taste, no protection"
    );
    // nobody says such a thing in the database's name
    let forged = "INSERT INTO auditlog.events (event_type) VALUES ('auditlog.setting_change')";
    refused_with(&mut admin, "42501", forged);
}

#[test]
fn what_is_captured_is_the_servers_to_say() {
    let db = database();
    let mut admin = db.superuser();
    refused_with(&mut admin, "55P02", "SET auditlog.capture = ''");
    refused_with(&mut admin, "55P02", "SELECT set_config('auditlog.capture', '', true)");
    let error = refused_with(&mut admin, "22023", "ALTER SYSTEM SET auditlog.capture = 'login, dll'");
    assert_eq!(
        error.detail(),
        Some("«dll» is none of login, ddl, role, config, permission, all, none.")
    );
    event(&mut admin, "event_type = 'config.alter_system' AND status = 'failed'");
}

/// V-233537 and its kin: that auditing is switched off is the last thing that is recorded.
#[test]
fn switching_it_off_is_recorded() {
    let cluster = Cluster::start(&Options::default().set("auditlog.capture", "ddl, config"));
    let mut admin = cluster.create_database_with_extension("audited");
    run(&mut admin, "CREATE TABLE a (id int)");
    event(&mut admin, "event_type = 'ddl.create'");
    recorder_knows_the_configuration(&mut admin);
    // not through SQL: by an editor
    cluster.set("auditlog.capture", "");
    run(&mut admin, "SELECT pg_reload_conf()");
    let changed = event(&mut admin, "event_type = 'auditlog.setting_change'");
    assert_at(
        &changed,
        &[
            ("changes.before", json!({"auditlog.capture": "ddl, config"})),
            ("changes.after", json!({"auditlog.capture": ""})),
        ],
    );
    run(&mut admin, "CREATE TABLE b (id int); CREATE ROLE nobody_hears_of_it");
    run(&mut admin, "SELECT pg_sleep(0.2)");
    assert_eq!(
        events_now(&mut admin, "event_type IN ('ddl.create', 'role.create')").len(),
        1
    );
}

#[test]
fn access_rules_are_compared() {
    let db = database();
    let mut admin = db.superuser();
    // the recorder has seen the file as it was
    run(&mut admin, "CREATE TABLE x (id int)");
    let mut fallback = cluster().connect("fallback");
    let before = events_now(&mut fallback, "event_type = 'config.hba_change'").len();
    let path = cluster().data().join("pg_hba.conf");
    let old = std::fs::read_to_string(&path).expect("pg_hba.conf");
    std::fs::write(&path, format!("{old}\n# another line\n")).expect("pg_hba.conf");
    run(&mut admin, "SELECT pg_reload_conf()");
    let changed = events(&mut fallback, before + 1, "event_type = 'config.hba_change'").remove(before);
    assert_at(&changed, &[("resource.id", json!("pg_hba.conf"))]);
    assert_ne!(
        at(&changed, "changes.before.sha256"),
        at(&changed, "changes.after.sha256")
    );
}
