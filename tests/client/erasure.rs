//! Erasure: personal values go, everything else stays, and all of it still verifies.

use auditlog_testkit::Database;
use auditlog_testkit::log::{assert_intact, scalar, text, verify, wait_indexed, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{LONG, wait_until};

fn filled(client: &mut Client) {
    client
        .batch_execute(
            "SET auditlog.personal_fields = 'actor.email, actor.ip_address, metadata.customer.name, changes.before.address';
             SELECT auditlog.record_batch(jsonb_agg(jsonb_build_object('event_type', 'a.b', 'event_id', 'custom-' || i,
                 'actor', jsonb_build_object('id', 'user_' || i, 'email', 'Person' || i % 3 || '@example.org', 'ip_address', '10.0.0.' || i),
                 'metadata', jsonb_build_object('customer', jsonb_build_object('name', 'Zanzibar' || i % 3, 'number', i), 'n', i),
                 'changes', jsonb_build_object('before', jsonb_build_object('address', jsonb_build_array('Main Street', i), 'state', 'x')))))
             FROM generate_series(1, 30) AS i;
             RESET auditlog.personal_fields;
             INSERT INTO auditlog.events (event_type, actor_email, actor_ip, actor_user_agent)
                 VALUES ('c.d', 'person1@example.org', '192.0.2.1', 'curl'), ('c.d', NULL, NULL, NULL)",
        )
        .expect("events");
    wait_sealed(client);
}

#[test]
fn no_personal_fields_means_none_from_a_sessions_first_event_on() {
    let db = Database::new();
    let mut client = db.superuser();
    for fields in ["''", "DEFAULT", "'actor.id'", "''"] {
        client
            .batch_execute(&format!(
                "SET auditlog.personal_fields = {fields}; INSERT INTO auditlog.events (event_type, actor_email) VALUES ('a.b', 'x@example.org')"
            ))
            .expect("an event");
    }
    let salted = "SELECT string_agg((salt IS NOT NULL)::text, ' ' ORDER BY recorded_at) FROM auditlog.events";
    assert_eq!(text(&mut client, salted), "false true true false");
    assert_intact(&mut client, 4);
}

#[test]
fn personal_values_go_and_the_log_still_verifies() {
    let db = Database::new();
    let mut client = db.superuser();
    filled(&mut client);
    wait_indexed(&mut client);
    let before = text(&mut client, "SELECT auditlog.checkpoint()");
    let mut admin = db.connect_as(&db.login(&["auditlog_administrator"]));
    let erased = scalar(
        &mut admin,
        "SELECT auditlog.erase('actor.email:person1@example.org', 'GDPR art. 17, case 42')",
    );
    assert_eq!(erased, 11);
    wait_sealed(&mut client);
    assert_intact(&mut client, 33);
    // gone
    assert_eq!(
        scalar(&mut client, "SELECT auditlog.count('actor.email:person1@example.org')"),
        0
    );
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.events AS e WHERE e::text ILIKE '%person1@%' OR e::text LIKE '%Zanzibar1%'"
        ),
        0
    );
    let event = text(
        &mut client,
        "SELECT auditlog.to_json(e)::text FROM auditlog.events AS e WHERE event_id = 'custom-4'",
    );
    for kept in ["user_4", "\"number\": 4", "\"state\": \"x\"", "$redacted"] {
        assert!(event.contains(kept), "{event}");
    }
    for gone in ["10.0.0.4", "Main Street"] {
        assert!(!event.contains(gone), "{event}");
    }
    // the others are as they were
    assert_eq!(
        scalar(&mut client, "SELECT auditlog.count('actor.email:person2@example.org')"),
        10
    );
    // the words are gone from the index as well
    wait_until("the index is made anew", LONG, || {
        scalar(
            &mut client,
            "SELECT cardinality(auditlog_data.word_candidates('zanzibar1'))::bigint",
        ) == 0
    });
    assert_eq!(scalar(&mut client, "SELECT auditlog.count('zanzibar2')"), 10);
    // told, without what was to be forgotten
    let told = text(
        &mut client,
        "SELECT concat_ws(' ', extra #>> '{metadata,reason}', extra #>> '{metadata,events}', extra #>> '{metadata,values}', actor_id)
         FROM auditlog.events WHERE event_type = 'auditlog.erasure'",
    );
    assert!(told.starts_with("GDPR art. 17, case 42 11 43 "), "{told}");
    // what was signed before still holds
    let size: i64 = before
        .lines()
        .nth(1)
        .and_then(|line| line.parse().ok())
        .expect("a size");
    assert_eq!(size, 32);
    text(&mut client, "SELECT auditlog.checkpoint()");
    assert_eq!(verify(&mut client), []);
    // again: nothing is left
    assert_eq!(scalar(&mut admin, "SELECT auditlog.erase('user:user_4', 'again')"), 0);
}

#[test]
fn only_the_function_erases_and_only_an_administrator_calls_it() {
    let db = Database::new();
    let mut client = db.superuser();
    filled(&mut client);
    for group in [
        "auditlog_analyst",
        "auditlog_compliance",
        "auditlog_manager",
        "auditlog_user",
        "auditlog_writer",
    ] {
        let mut other = db.connect_as(&db.login(&[group]));
        refused_with(&mut other, "42501", "SELECT auditlog.erase('*', 'x')");
    }
    for (sql, code) in [
        ("SELECT auditlog.erase('', 'x')", "22004"),
        ("SELECT auditlog.erase('a:b', ' ')", "22004"),
        ("SELECT auditlog.erase(NULL, NULL)", "22004"),
        ("SELECT auditlog.erase('((', 'x')", "42601"),
        ("UPDATE auditlog_data.log SET salt = NULL", "42501"),
        ("UPDATE auditlog_data.log SET actor_email = NULL", "42501"),
    ] {
        refused_with(&mut client, code, sql);
    }
    // not sealed yet
    client
        .batch_execute("BEGIN; SELECT auditlog.record('{\"event_type\": \"a.b\", \"actor\": {\"email\": \"new@example.org\"}}'::jsonb)")
        .expect("record()");
    refused_with(&mut client, "55000", "SELECT auditlog.erase('new@example.org', 'x')");
    client.batch_execute("ROLLBACK").expect("ROLLBACK");
    // rolled back
    client
        .batch_execute("BEGIN; SELECT auditlog.erase('*', 'x'); ROLLBACK")
        .expect("ROLLBACK");
    assert_eq!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.events WHERE salt IS NOT NULL"
        ),
        31
    );
    client
        .batch_execute("BEGIN; SELECT auditlog.erase('*', 'x')")
        .expect("erase()");
    refused_with(&mut client, "0A000", "PREPARE TRANSACTION 'erasing'");
    client.batch_execute("ROLLBACK").expect("ROLLBACK");
    assert_intact(&mut client, 32);
}

/// Somebody with all rights erases by hand: the entry verifies, but no event tells of it.
#[test]
fn an_erasure_that_nobody_told_of_is_found() {
    let db = Database::new();
    let mut client = db.superuser();
    filled(&mut client);
    let mut wrong = Vec::new();
    client
        .batch_execute(
            "CREATE TABLE public.original AS SELECT * FROM auditlog_data.log;
             SELECT auditlog.erase('user:user_4', 'as it should be')",
        )
        .expect("erase()");
    wait_sealed(&mut client);
    client
        .batch_execute("UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid IN (SELECT relid FROM pg_partition_tree('auditlog_data.log'))")
        .expect("a superuser may change the catalogue");
    let mut client = db.superuser();
    for (what, sql, expected) in [
        // as the function would, but for another event
        ("by hand", "UPDATE auditlog_data.log AS l SET salt = NULL, actor_email = NULL, actor_ip = NULL, extra = e.extra, before = e.before, redacted = e.redacted
             FROM auditlog_data.log AS e WHERE e.actor_id = 'user_4' AND l.actor_id = 'user_4'", ""),
        ("a forged commitment", "UPDATE auditlog_data.log SET redacted = jsonb_set(redacted, '{actor.email}', to_jsonb(repeat('0', 64))) WHERE actor_id = 'user_4'", "modified"),
        ("another salt", "UPDATE auditlog_data.log SET salt = sha256('') WHERE actor_id = 'user_5'", "modified"),
        ("the event withdrawn", "UPDATE auditlog_data.log SET extra = jsonb_set(extra, '{metadata,log_indexes}', '[]') WHERE event_type = 'auditlog.erasure'", "modified uncovered_gap"),
        ("a value put back", "UPDATE auditlog_data.log SET actor_email = 'person1@example.org' WHERE actor_id = 'user_4'", "modified"),
    ] {
        client.batch_execute("BEGIN").expect("BEGIN");
        client.batch_execute(sql).unwrap_or_else(|e| panic!("{what}: {e:?}"));
        let mut kinds: Vec<String> = verify(&mut client).into_iter().map(|f| f.kind).collect();
        client.batch_execute("ROLLBACK").expect("ROLLBACK");
        kinds.sort();
        if kinds.join(" ") != expected {
            wrong.push(format!("{what}: {kinds:?} instead of {expected:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
