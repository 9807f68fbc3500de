//! Logins, failed logins and the ends of sessions.

use super::{assert_at, at, cluster, database, event, events, run};
use auditlog_testkit::postgres::NoTls;
use auditlog_testkit::{Cluster, Options};
use serde_json::json;

/// V-233554: the beginning and the end of each session.
#[test]
fn sessions_begin_and_end() {
    let db = database();
    let mut admin = db.superuser();
    let role = db.login(&[]);
    let mut config = cluster().config(&role, db.name());
    config.application_name("nightly \"job\"");
    let client = config.connect(NoTls).expect("a login");
    // without a single statement
    let login = event(
        &mut admin,
        &format!("event_type = 'authentication.login' AND actor_id = '{role}'"),
    );
    assert_at(
        &login,
        &[
            ("action.status", json!("success")),
            ("actor.type", json!("user")),
            ("metadata.database", json!(db.name())),
            ("metadata.application", json!("nightly \"job\"")),
            ("metadata.auth_method", json!("trust")),
            ("metadata.privileged", json!(false)),
            ("metadata.encrypted", json!(false)),
        ],
    );
    drop(client);
    let logout = event(
        &mut admin,
        &format!("event_type = 'authentication.logout' AND actor_id = '{role}'"),
    );
    assert_at(
        &logout,
        &[
            ("metadata.reason", json!("disconnected")),
            ("actor.session_id", at(&login, "actor.session_id").clone()),
        ],
    );
    assert!(at(&logout, "metadata.duration_ms").is_number());
    // each of two concurrent sessions is told of (V-233569)
    let _two = [db.connect_as(&role), db.connect_as(&role)];
    let condition = format!("event_type = 'authentication.login' AND actor_id = '{role}'");
    let three = events(&mut admin, 3, &condition);
    assert_ne!(at(&three[1], "actor.session_id"), at(&three[2], "actor.session_id"));
}

#[test]
fn sessions_that_are_ended() {
    let db = database();
    let mut admin = db.superuser();
    let role = db.login(&[]);
    let mut user = db.connect_as(&role);
    run(&mut user, "SELECT 1");
    run(
        &mut admin,
        &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"),
    );
    assert_at(
        &event(
            &mut admin,
            &format!("event_type = 'authentication.logout' AND actor_id = '{role}'"),
        ),
        &[("metadata.sqlstate", json!("57P01"))],
    );
    let mut user = db.connect_as(&role);
    run(&mut user, "SET idle_session_timeout = '50ms'");
    assert_at(
        &event(
            &mut admin,
            &format!("event_type = 'authentication.session_expired' AND actor_id = '{role}'"),
        ),
        &[("metadata.sqlstate", json!("57P05"))],
    );
}

/// V-233553, V-233569: failed logons, each with its reason.
#[test]
fn failed_logins_have_reasons() {
    let db = database();
    let mut admin = db.superuser();
    run(
        &mut admin,
        "DO $$ BEGIN CREATE ROLE with_password LOGIN PASSWORD 'right'; CREATE ROLE unwanted LOGIN;
            CREATE ROLE no_login; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    );
    let refused = |role: &str, password: &str, database: &str| {
        let mut config = cluster().config(role, database);
        config.password(password);
        assert!(config.connect(NoTls).is_err(), "{role} on {database}");
    };
    // who hangs up when asked for a password, as psql does to ask its user, has not tried one: told of is one refusal, not two
    let asked = cluster().config("with_password", db.name()).connect(NoTls);
    assert!(asked.is_err_and(|error| error.as_db_error().is_none()));
    refused("with_password", "hunter2", db.name());
    refused("unwanted", "", db.name());
    refused("no_login", "", db.name());
    refused("nobody_of_this_name", "", db.name());
    for (role, event_type, reason, sqlstate) in [
        ("with_password", "authentication.login", "invalid password", "28P01"),
        (
            "unwanted",
            "authentication.hba_rejected",
            "rejected by pg_hba.conf",
            "28000",
        ),
        ("no_login", "authentication.login", "not allowed to log in", "28000"),
        (
            "nobody_of_this_name",
            "authentication.login",
            "not allowed to log in",
            "28000",
        ),
    ] {
        assert_at(
            &event(
                &mut admin,
                &format!("event_type = '{event_type}' AND actor_id = '{role}'"),
            ),
            &[
                ("action.status", json!("failed")),
                ("severity", json!("warning")),
                ("metadata.reason", json!(reason)),
                ("metadata.sqlstate", json!(sqlstate)),
                ("metadata.database", json!(db.name())),
            ],
        );
    }
    // with the password it works, and is told with its method
    let mut config = cluster().config("with_password", db.name());
    config.password("right").connect(NoTls).expect("the right password");
    assert_at(
        &event(
            &mut admin,
            "event_type = 'authentication.login' AND status = 'success' AND actor_id = 'with_password'",
        ),
        &[("metadata.auth_method", json!("scram-sha-256"))],
    );
    // not to this database
    run(
        &mut admin,
        &format!("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", db.name()),
    );
    let role = db.login(&[]);
    refused(&role, "", db.name());
    assert_at(
        &event(
            &mut admin,
            &format!("event_type = 'authentication.login' AND actor_id = '{role}'"),
        ),
        &[("metadata.sqlstate", json!("42501"))],
    );
    // a database that is not there: told to the one that takes such events
    refused("postgres", "", "no_database_of_this_name");
    let mut fallback = cluster().connect("fallback");
    assert_at(
        &event(
            &mut fallback,
            "event_type = 'authentication.login' AND status = 'failed' AND metadata ->> 'database' = 'no_database_of_this_name'"
                .replace("metadata", "(auditlog.to_json(e) -> 'metadata')")
                .as_str(),
        ),
        &[("metadata.reason", json!("no such database")), ("metadata.sqlstate", json!("3D000"))],
    );
}

#[test]
fn addresses_and_limits() {
    let cluster = Cluster::start(
        &Options {
            tcp: true,
            ..Options::default()
        }
        .set("auditlog.capture", "login")
        .set("max_connections", "20"),
    );
    let mut admin = cluster.create_database_with_extension("audited");
    run(&mut admin, "CREATE ROLE limited LOGIN CONNECTION LIMIT 1");
    let over_tcp = || {
        let mut config = auditlog_testkit::postgres::Config::new();
        config
            .host("127.0.0.1")
            .port(cluster.port())
            .user("limited")
            .dbname("audited");
        config.connect(NoTls)
    };
    let _first = over_tcp().expect("a login");
    // The recorder has worked, so that the database's name is known to those who are not connected to it.
    let login = event(
        &mut admin,
        "event_type = 'authentication.login' AND actor_id = 'limited' AND status = 'success'",
    );
    assert!(over_tcp().is_err(), "one more than allowed");
    assert_at(&login, &[("actor.ip_address", json!("127.0.0.1"))]);
    assert!(at(&login, "metadata.client_port").is_string());
    let refused = event(
        &mut admin,
        "event_type = 'authentication.login' AND actor_id = 'limited' AND status = 'failed'",
    );
    assert_at(
        &refused,
        &[
            ("metadata.reason", json!("too many connections")),
            ("actor.ip_address", json!("127.0.0.1")),
        ],
    );
    let address = "SELECT host(db_client_addr) FROM auditlog.events WHERE actor_id = 'limited' AND status = 'failed'";
    assert_eq!(auditlog_testkit::log::text(&mut admin, address), "127.0.0.1");
    // our own workers log in to nothing
    let others = "event_type LIKE 'authentication.%' AND actor_id NOT IN ('limited', 'postgres')";
    assert_eq!(super::events_now(&mut admin, others).len(), 0);
}
