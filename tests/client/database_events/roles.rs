//! Roles and privileges.

use super::{assert_at, at, cluster, database, event, events, events_now, run};
use auditlog_testkit::refused::{refused, refused_with};
use serde_json::json;

#[test]
fn roles_are_created_altered_renamed_and_dropped() {
    let db = database();
    let mut admin = db.superuser();
    run(
        &mut admin,
        "CREATE ROLE r_life LOGIN CREATEDB PASSWORD 'hunter2' VALID UNTIL '2030-01-01';
         ALTER ROLE r_life CONNECTION LIMIT 3 NOCREATEDB;
         ALTER ROLE r_life PASSWORD 'hunter3';
         ALTER ROLE r_life RENAME TO r_life2;
         DROP ROLE r_life2;
         DROP ROLE IF EXISTS r_never_was",
    );
    let created = event(&mut admin, "event_type = 'role.create'");
    assert_at(
        &created,
        &[
            ("resource.type", json!("role")),
            ("resource.id", json!("r_life")),
            ("severity", json!("warning")),
            ("metadata.privileged_grant", json!(true)),
            ("metadata.password_set", json!(true)),
            ("changes.after.login", json!(true)),
            ("changes.after.createdb", json!(true)),
            ("changes.after.superuser", json!(false)),
            (
                "metadata.statement",
                json!("CREATE ROLE r_life LOGIN CREATEDB PASSWORD '<REDACTED>' VALID UNTIL '2030-01-01'"),
            ),
        ],
    );
    assert_at(
        &event(&mut admin, "event_type = 'role.alter'"),
        &[
            ("changes.before", json!({"createdb": true, "connection_limit": -1})),
            ("changes.after", json!({"createdb": false, "connection_limit": 3})),
        ],
    );
    assert_at(
        &event(&mut admin, "event_type = 'authentication.password_change'"),
        &[("resource.id", json!("r_life")), ("actor.id", json!("postgres"))],
    );
    assert_at(
        &event(&mut admin, "event_type = 'role.rename'"),
        &[
            ("changes.before.name", json!("r_life")),
            ("changes.after.name", json!("r_life2")),
        ],
    );
    assert_at(
        &event(&mut admin, "event_type = 'role.drop'"),
        &[
            ("resource.id", json!("r_life2")),
            ("changes.before.connection_limit", json!(3)),
        ],
    );
    let kept = "auditlog.to_json(e)::text LIKE '%hunter%'";
    assert_eq!(events_now(&mut admin, kept).len(), 0, "no password is kept");
}

/// V-233556, V-233561, V-233571: privileges added, changed, taken away.
#[test]
fn grants_say_who_got_what_from_whom() {
    let db = database();
    let mut admin = db.superuser();
    run(
        &mut admin,
        "CREATE ROLE g_clerk; CREATE ROLE g_group; CREATE TABLE \"Big\" (id int, note text);
         GRANT SELECT (id), UPDATE ON \"Big\" TO g_clerk WITH GRANT OPTION;
         REVOKE UPDATE ON \"Big\" FROM g_clerk CASCADE;
         GRANT USAGE ON SCHEMA public TO PUBLIC;
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO g_clerk;
         GRANT EXECUTE ON FUNCTION pg_catalog.pg_reload_conf() TO g_clerk;
         ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO g_clerk;
         GRANT g_group TO g_clerk WITH ADMIN OPTION;
         REVOKE g_group FROM g_clerk",
    );
    let granted = event(&mut admin, "event_type = 'grant.privilege' AND resource_type = 'table'");
    assert_at(
        &granted,
        &[
            ("resource.id", json!("public.\"Big\"")),
            ("metadata.grantor", json!("postgres")),
            ("metadata.grantee", json!("g_clerk")),
            ("metadata.privilege", json!("SELECT (id), UPDATE")),
            ("metadata.admin_option", json!(true)),
            ("metadata.self_grant", json!(null)),
            ("severity", json!("notice")),
        ],
    );
    assert_at(
        &event(&mut admin, "event_type = 'revoke.privilege'"),
        &[
            ("metadata.privilege", json!("UPDATE")),
            ("metadata.cascade", json!(true)),
        ],
    );
    let on_schema = events(
        &mut admin,
        2,
        "event_type = 'grant.privilege' AND resource_type = 'schema'",
    );
    assert_at(
        &on_schema[0],
        &[("metadata.grantee", json!("public")), ("severity", json!("warning"))],
    );
    assert_at(&on_schema[1], &[("metadata.all_objects", json!("table"))]);
    assert_at(
        &event(
            &mut admin,
            "event_type = 'grant.privilege' AND resource_type = 'function'",
        ),
        &[("resource.id", json!("pg_catalog.pg_reload_conf()"))],
    );
    assert_at(
        &event(&mut admin, "event_type = 'default_privileges.alter'"),
        &[
            ("metadata.grantee", json!("g_clerk")),
            ("metadata.in_schemas", json!(["public"])),
        ],
    );
    assert_at(
        &event(&mut admin, "event_type = 'grant.role'"),
        &[
            ("resource.id", json!("g_group")),
            ("metadata.grantee", json!("g_clerk")),
            ("metadata.admin_option", json!(true)),
            ("metadata.privileged_grant", json!(null)),
        ],
    );
    event(&mut admin, "event_type = 'revoke.role'");
    run(
        &mut admin,
        "DROP OWNED BY g_clerk; DROP ROLE g_clerk; DROP ROLE g_group",
    );
    assert_at(
        &event(
            &mut admin,
            "event_type = 'revoke.privilege' AND operation = 'drop owned'",
        ),
        &[("metadata.grantee", json!("g_clerk"))],
    );
}

#[test]
fn who_grants_to_himself_stands_out() {
    let db = database();
    let mut admin = db.superuser();
    run(
        &mut admin,
        "CREATE ROLE s_self LOGIN CREATEROLE; GRANT CREATE ON SCHEMA public TO s_self; CREATE ROLE s_plain",
    );
    // From PostgreSQL 16 on CREATEROLE alone does not suffice.
    run(&mut admin, "GRANT pg_read_all_data TO s_self WITH ADMIN OPTION");
    let mut user = db.connect_as("s_self");
    run(
        &mut user,
        "GRANT pg_read_all_data TO s_self; CREATE TABLE own (id int); GRANT SELECT ON own TO s_self",
    );
    assert_at(
        &event(
            &mut admin,
            "event_type = 'grant.role' AND resource_id = 'pg_read_all_data' AND actor_id = 's_self'",
        ),
        &[
            ("severity", json!("critical")),
            ("metadata.self_grant", json!(true)),
            ("metadata.self_approved", json!(true)),
            ("metadata.privileged_grant", json!(true)),
            ("actor.id", json!("s_self")),
        ],
    );
    assert_at(
        &event(
            &mut admin,
            "event_type = 'grant.privilege' AND resource_id = 'public.own'",
        ),
        &[("severity", json!("warning")), ("metadata.self_grant", json!(true))],
    );
    // a superuser more
    run(
        &mut admin,
        "ALTER ROLE s_plain SUPERUSER; GRANT auditlog_analyst TO s_plain",
    );
    assert_at(
        &event(&mut admin, "event_type = 'role.alter' AND resource_id = 's_plain'"),
        &[
            ("severity", json!("critical")),
            ("changes.after", json!({"superuser": true})),
        ],
    );
    // the log's own roles count twice: as roles, and as who may do what with the log
    event(
        &mut admin,
        "event_type = 'grant.role' AND resource_id = 'auditlog_analyst'",
    );
    event(
        &mut admin,
        "event_type = 'auditlog.role_grant' AND resource_id = 'auditlog_analyst'",
    );
    run(
        &mut admin,
        "SET ROLE s_plain; RESET ROLE; SET SESSION AUTHORIZATION s_self; RESET SESSION AUTHORIZATION",
    );
    event(
        &mut admin,
        "event_type = 'session.set_role' AND resource_id = 's_plain'",
    );
    let taken = events(&mut admin, 2, "event_type = 'session.set_authorization'");
    assert_at(&taken[0], &[("resource.id", json!("s_self"))]);
}

/// V-233568, V-233575, V-233576: attempts without the right to do so.
#[test]
fn failed_attempts_survive_the_rollback() {
    let db = database();
    let mut admin = db.superuser();
    let role = db.login(&[]);
    run(&mut admin, "CREATE TABLE treasure (id int)");
    let mut user = db.connect_as(&role);
    refused_with(
        &mut user,
        "42501",
        "BEGIN; CREATE ROLE r_stolen SUPERUSER PASSWORD 'hunter2'",
    );
    run(&mut user, "ROLLBACK");
    refused_with(&mut user, "42501", &format!("GRANT pg_write_all_data TO {role}"));
    refused_with(&mut user, "42501", "GRANT SELECT ON treasure TO PUBLIC");
    refused_with(&mut user, "42501", "ALTER ROLE postgres PASSWORD 'hunter2'");
    refused(&mut admin, "DROP ROLE r_not_there");
    // V-233561: nobody is in that group to take anything from, and the role has no say in it
    refused_with(&mut user, "42501", "REVOKE pg_write_all_data FROM postgres");
    assert_at(
        &event(
            &mut admin,
            "event_type = 'revoke.role' AND resource_id = 'pg_write_all_data'",
        ),
        &[("action.status", json!("denied")), ("actor.id", json!(role))],
    );
    assert_at(
        &event(&mut admin, "event_type = 'role.create' AND resource_id = 'r_stolen'"),
        &[
            ("action.status", json!("denied")),
            ("actor.id", json!(role)),
            ("metadata.sqlstate", json!("42501")),
            (
                "metadata.statement",
                json!("CREATE ROLE r_stolen SUPERUSER PASSWORD '<REDACTED>'"),
            ),
            ("changes.after", json!(null)),
        ],
    );
    assert_at(
        &event(
            &mut admin,
            "event_type = 'grant.role' AND resource_id = 'pg_write_all_data'",
        ),
        &[("action.status", json!("denied")), ("severity", json!("critical"))],
    );
    assert_at(
        &event(
            &mut admin,
            "event_type = 'grant.privilege' AND resource_id = 'public.treasure'",
        ),
        &[("action.status", json!("denied"))],
    );
    event(
        &mut admin,
        "event_type = 'authentication.password_change' AND status = 'denied'",
    );
    assert_at(
        &event(&mut admin, "event_type = 'role.drop'"),
        &[
            ("action.status", json!("failed")),
            ("metadata.sqlstate", json!("42704")),
        ],
    );
    let kept = "auditlog.to_json(e)::text LIKE '%hunter%'";
    assert_eq!(events_now(&mut admin, kept).len(), 0, "no password is kept");
}

/// Roles belong to the whole cluster: what is done to them from a database without a log goes to that of
/// `auditlog.capture_database`.
#[test]
fn other_databases_report_to_one() {
    let mut elsewhere = cluster().connect("postgres");
    let mut fallback = cluster().connect("fallback");
    run(
        &mut elsewhere,
        "CREATE ROLE r_from_elsewhere; DROP ROLE r_from_elsewhere",
    );
    let created = event(
        &mut fallback,
        "event_type = 'role.create' AND resource_id = 'r_from_elsewhere'",
    );
    assert_at(&created, &[("metadata.database", json!("postgres"))]);
    event(
        &mut fallback,
        "event_type = 'role.drop' AND resource_id = 'r_from_elsewhere'",
    );
}

#[test]
fn the_application_says_for_whom_it_acts() {
    let db = database();
    let mut admin = db.superuser();
    run(
        &mut admin,
        "BEGIN; SELECT auditlog.set_context('{\"actor\": {\"id\": \"alice\"}, \"metadata\": {\"change_ref\": \"CHG-7\", \"more\": 1}}');
         CREATE ROLE r_for_alice; COMMIT;
         DROP ROLE r_for_alice",
    );
    let created = event(&mut admin, "event_type = 'role.create'");
    assert_at(
        &created,
        &[
            ("actor.id", json!("postgres")),
            ("metadata.end_user", json!("alice")),
            ("metadata.change_ref", json!("CHG-7")),
        ],
    );
    assert!(at(&created, "metadata.more").is_null());
    let dropped = event(&mut admin, "event_type = 'role.drop'");
    assert!(at(&dropped, "metadata.change_ref").is_null());
    assert!(at(&created, "actor.session_id").is_string());
}
