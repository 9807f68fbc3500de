//! Who is who, and that each change of it is an event.

use super::people::People;
use auditlog_testkit::Database;
use auditlog_testkit::log::{assert_intact, scalar, text, wait_sealed};
use auditlog_testkit::refused::refused_with;

const TOLD: &str =
    "SELECT concat_ws(' ', operation, resource_type, resource_id, before, after, extra #>> '{metadata,email_changed}')
    FROM auditlog.events WHERE event_type = 'auditlog.principal_change' ORDER BY recorded_at DESC LIMIT 1";

#[test]
fn each_change_is_an_event_in_the_same_transaction() {
    let db = Database::new();
    let mut admin = db.superuser();
    let role = db.login(&["auditlog_administrator"]);
    let mut client = db.connect_as(&role);
    let call = |client: &mut auditlog_testkit::postgres::Client, sql: &str| client.batch_execute(sql).expect("a call");
    call(&mut client, &format!("SELECT auditlog.add_principal('{role}')"));
    assert_eq!(
        text(&mut admin, TOLD),
        format!(
            "add_principal principal {role} {{\"teams\": [], \"tenant\": null, \"manages\": null, \"actor_id\": \"{role}\", \"role_name\": \"{role}\"}}"
        )
    );
    call(
        &mut client,
        &format!(
            "SELECT auditlog.alter_principal('{role}', '{{\"teams\": [\"ops\", \"dev\"], \"email\": \"a@b.example\", \"manages\": []}}')"
        ),
    );
    let told = text(&mut admin, TOLD);
    assert!(
        told.contains("\"teams\": [\"ops\", \"dev\"]") && told.ends_with(" true"),
        "{told}"
    );
    assert!(!told.contains("a@b.example"), "{told}");
    let row = "SELECT concat_ws(' ', actor_id, tenant, role_name, email, teams, manages, changed_by) FROM auditlog.principals";
    assert_eq!(
        text(&mut client, row),
        format!("{role} {role} a@b.example {{ops,dev}} {{}} {role}")
    );
    // what changes nothing is none
    call(
        &mut client,
        &format!("SELECT auditlog.alter_principal('{role}', '{{\"teams\": [\"ops\", \"dev\"]}}')"),
    );
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM auditlog.events"), 2);
    call(
        &mut client,
        &format!("BEGIN; SELECT auditlog.drop_principal('{role}'); ROLLBACK"),
    );
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM auditlog.events"), 2);
    call(&mut client, &format!("SELECT auditlog.drop_principal('{role}')"));
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM auditlog.events"), 3);
    assert!(text(&mut admin, TOLD).starts_with("drop_principal principal"));
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM auditlog.principals"), 0);
    refused_with(
        &mut admin,
        "42501",
        "SELECT auditlog.record('{\"event_type\": \"auditlog.principal_change\"}'::jsonb)",
    );
    wait_sealed(&mut admin);
    assert_intact(&mut admin, 3);
}

#[test]
fn bad_principals_are_refused_with_a_reason() {
    let db = Database::new();
    let mut admin = db.superuser();
    let role = db.login(&[]);
    admin
        .batch_execute(&format!(
            "SELECT auditlog.add_principal('{role}', 'a'), auditlog.add_principal(actor_id => 'b')"
        ))
        .expect("principals");
    let long = "x".repeat(3000);
    for (code, call) in [
        ("22004", "add_principal()".to_owned()),
        ("42704", "add_principal('nobody_there')".to_owned()),
        ("22023", "add_principal('auditlog_user')".to_owned()),
        ("22023", "add_principal('pg_monitor')".to_owned()),
        ("22023", "add_principal(actor_id => '')".to_owned()),
        ("22023", format!("add_principal(actor_id => '{long}')")),
        ("22023", "add_principal(actor_id => 'c', tenant => ' ')".to_owned()),
        (
            "22023",
            "add_principal(actor_id => 'c', teams => ARRAY['x', NULL])".to_owned(),
        ),
        (
            "22023",
            "add_principal(actor_id => 'c', teams => ARRAY[['x'], ['y']])".to_owned(),
        ),
        (
            "22023",
            "add_principal(actor_id => 'c', manages => ARRAY[''])".to_owned(),
        ),
        (
            "22023",
            "add_principal(actor_id => 'c', teams => array_fill('t'::text, ARRAY[1001]))".to_owned(),
        ),
        ("42710", "add_principal(actor_id => 'a')".to_owned()),
        ("42710", format!("add_principal('{role}', 'c')")),
        ("42710", "alter_principal('b', '{\"actor_id\": \"a\"}')".to_owned()),
        (
            "42710",
            format!("alter_principal('b', '{{\"role_name\": \"{role}\"}}')"),
        ),
        ("42704", "alter_principal('c', '{}')".to_owned()),
        ("42704", "alter_principal('a', '{}', 'tenant')".to_owned()),
        ("22023", "alter_principal('a', '[]')".to_owned()),
        ("22023", "alter_principal('a', NULL)".to_owned()),
        ("22023", "alter_principal('a', '{\"name\": \"x\"}')".to_owned()),
        ("22023", "alter_principal('a', '{\"email\": 5}')".to_owned()),
        ("22023", "alter_principal('a', '{\"actor_id\": null}')".to_owned()),
        ("22023", "alter_principal('a', '{\"teams\": \"ops\"}')".to_owned()),
        ("42704", "drop_principal('c')".to_owned()),
        ("42704", "drop_principal(NULL)".to_owned()),
    ] {
        let error = refused_with(&mut admin, code, &format!("SELECT auditlog.{call}"));
        assert!(error.hint().is_some() && error.detail().is_some(), "{call}: {error:?}");
    }
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM auditlog.principals"), 2);
    let told = "SELECT string_agg(concat_ws(' ', event_type, operation), ', ') FROM auditlog.events";
    assert_eq!(
        text(&mut admin, told),
        "auditlog.principal_change add_principal, auditlog.principal_change add_principal"
    );
    // a superuser may bring rows along while nothing is sealed yet: that is how a dump is restored
    wait_sealed(&mut admin);
    for sql in [
        "UPDATE auditlog_data.principal SET actor_id = 'x'",
        "DELETE FROM auditlog_data.principal",
        "TRUNCATE auditlog_data.principal",
        "INSERT INTO auditlog_data.principal (actor_id, changed_by) VALUES ('x', 'y')",
        "COPY auditlog_data.principal (actor_id, changed_by) FROM PROGRAM 'echo x,y' (FORMAT csv)",
        "SET session_replication_role = replica; DELETE FROM auditlog_data.principal",
    ] {
        refused_with(&mut admin, "42501", sql);
    }
}

#[test]
fn a_change_counts_at_once_in_every_session() {
    let people = People::new();
    let mut manager = people.connect_as_manager(&["manager"]);
    let mut admin = people.db.superuser();
    let seen = "SELECT string_agg(DISTINCT actor_id, ' ' ORDER BY actor_id) FROM auditlog.events";
    manager
        .batch_execute("SET plan_cache_mode = force_generic_plan; PREPARE p AS SELECT string_agg(DISTINCT actor_id, ' ' ORDER BY actor_id) FROM auditlog.events")
        .expect("PREPARE");
    for (change, expected) in [
        ("SELECT 1", "ann bob mia"),
        (
            "SELECT auditlog.alter_principal('eve', '{\"teams\": [\"ops\", \"dev\"]}')",
            "ann bob eve mia",
        ),
        (
            "SELECT auditlog.alter_principal('ann', '{\"teams\": []}')",
            "bob eve mia",
        ),
        ("SELECT auditlog.alter_principal('mia', '{\"manages\": null}')", "mia"),
        (
            "SELECT auditlog.alter_principal('mia', '{\"manages\": [\"dev\"]}')",
            "eve mia",
        ),
        ("SELECT auditlog.alter_principal('mia', '{\"manages\": []}')", "mia"),
        (
            "SELECT auditlog.alter_principal('mia', '{\"manages\": [\"dev\", \"ops\"]}')",
            "bob eve mia",
        ),
        // from now on tenants count, also in plans that were made before
        (
            "SELECT auditlog.alter_principal('bob', '{\"tenant\": \"acme\"}')",
            "bob eve mia",
        ),
        ("SELECT auditlog.alter_principal('mia', '{\"tenant\": \"acme\"}')", ""),
        (
            "INSERT INTO auditlog.events (event_type, actor_id, tenant) VALUES ('a.b', 'bob', 'acme'), ('a.b', 'eve', 'acme')",
            "bob",
        ),
        (
            "SELECT auditlog.alter_principal('mia', '{\"tenant\": null}', 'acme')",
            "bob eve mia",
        ),
        ("SELECT auditlog.drop_principal('mia')", ""),
    ] {
        admin.batch_execute(change).expect(change);
        for sql in [seen, "EXECUTE p"] {
            let found: Option<String> = manager.query_one(sql, &[]).expect(sql).get(0);
            assert_eq!(found.unwrap_or_default(), expected, "{change}: {sql}");
        }
    }
}

#[test]
fn principals_come_along_in_a_dump_and_policies_too() {
    let people = People::new();
    let mut admin = people.db.superuser();
    wait_sealed(&mut admin);
    let events = scalar(&mut admin, "SELECT count(*) FROM auditlog.events");
    let cluster = auditlog_testkit::shared();
    let target = format!("{}_copy", people.db.name());
    cluster
        .connect("postgres")
        .batch_execute(&format!("CREATE DATABASE {target}"))
        .expect("CREATE DATABASE");
    cluster.dump_into(people.db.name(), cluster, &target);
    let mut copy = cluster.connect(&target);
    auditlog_testkit::wait_until("the copy goes on", auditlog_testkit::LONG, || {
        scalar(
            &mut copy,
            "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.restore'",
        ) == 1
    });
    assert_eq!(scalar(&mut copy, "SELECT count(*) FROM auditlog.principals"), 4);
    assert_eq!(scalar(&mut copy, "SELECT count(*) FROM auditlog.events"), events + 1);
    let policies = "SELECT string_agg(format('%s %s %s', c.relname, p.polname, pg_get_expr(p.polqual, p.polrelid)), ';' ORDER BY c.relname, p.polname)
        FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relname LIKE 'log%' AND c.relname NOT LIKE 'log_evidence%'";
    assert_eq!(text(&mut copy, policies), text(&mut admin, policies));
    assert_eq!(
        scalar(&mut copy, "SELECT count(*) FROM auditlog_data.guard_faults()"),
        0
    );
    let mut ann = cluster.connect_as(&people.role("ann"), &target);
    assert_eq!(scalar(&mut ann, "SELECT count(*) FROM auditlog.events"), 2);
    drop((copy, ann));
    cluster
        .connect("postgres")
        .batch_execute(&format!("DROP DATABASE {target} WITH (FORCE)"))
        .expect("DROP DATABASE");
}
