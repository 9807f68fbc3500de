//! Ways to more rights, or to a log that says something false, that were open once.

use auditlog_testkit::log::{assert_intact, count_events, scalar, text, wait_sealed};
use auditlog_testkit::refused::refused;
use auditlog_testkit::{Database, shared};

#[test]
fn nothing_of_the_callers_runs_with_the_owners_rights() {
    let db = Database::new();
    let mut admin = db.superuser();
    let role = db.login(&["auditlog_writer"]);
    let own = format!("CREATE SCHEMA own AUTHORIZATION {role}; GRANT USAGE ON SCHEMA own TO public");
    admin.batch_execute(&own).expect(&own);
    let mut writer = db.connect_as(&role);
    writer
        .batch_execute(
            "CREATE FUNCTION own.trap(v pg_catalog.text) RETURNS boolean LANGUAGE plpgsql AS
               $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
             CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (own.trap(value));
             CREATE DOMAIN own.text AS pg_catalog.text CHECK (own.trap(value));
             CREATE FUNCTION own.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS
               $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
             CREATE FUNCTION own.same(pg_catalog.text, pg_catalog.text) RETURNS boolean LANGUAGE plpgsql AS
               $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
             CREATE OPERATOR own.= (LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text, FUNCTION = own.same)",
        )
        .expect("traps");
    for path in ["\"$user\", public", "own, pg_catalog", "pg_temp, own, pg_catalog"] {
        // A new session each time: catalogue and names are looked up once.
        let mut session = db.connect_as(&role);
        session
            .batch_execute(&format!(
                "CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (own.trap(value)); SET search_path = {path}"
            ))
            .expect("search_path");
        session
            .batch_execute("SELECT auditlog.record('{\"event_type\": \"a.b\", \"event_id\": \"e\"}'::jsonb, 'key')")
            .expect("record()");
        session
            .batch_execute("SELECT auditlog.await_sealed('e', '20s')")
            .expect("await_sealed()");
    }
    assert_eq!(count_events(&mut admin), 1);
}

#[test]
fn a_databases_settings_do_not_reach_the_sealer() {
    let db = Database::new();
    let mut admin = db.superuser();
    let name = db.name();
    admin
        .batch_execute(
            "CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO public;
             CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS
               $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$",
        )
        .expect("trap");
    for setting in [
        "search_path = evil, pg_catalog",
        "default_transaction_read_only = on",
        "default_transaction_isolation = serializable",
        "statement_timeout = 1",
        "session_replication_role = replica",
    ] {
        let set = format!("ALTER DATABASE {name} SET {setting}");
        admin.batch_execute(&set).expect(&set);
    }
    admin
        .execute(
            "SELECT pg_terminate_backend(sealer_pid) FROM auditlog_data.stats()",
            &[],
        )
        .expect("the sealer ends");
    admin
        .batch_execute("SELECT auditlog.record('a.b') FROM generate_series(1, 3)")
        .expect("record()");
    wait_sealed(&mut admin);
    assert_intact(&mut admin, 3);
    for setting in [
        "default_transaction_read_only",
        "statement_timeout",
        "session_replication_role",
    ] {
        let reset = format!("ALTER DATABASE {name} RESET {setting}");
        admin.batch_execute(&reset).expect(&reset);
    }
    // A superuser's DDL, guarded by our event trigger, in a session with the trap in its path.
    let mut session = db.superuser();
    session
        .batch_execute("CREATE TABLE public.harmless (a int)")
        .expect("DDL");
}

#[test]
fn an_old_snapshot_or_a_failed_look_leaves_no_stale_catalogue() {
    let db = Database::new();
    let (mut admin, mut session) = (db.superuser(), db.superuser());
    let record = "SELECT auditlog.record('system.error')";
    session
        .batch_execute("SELECT auditlog.record('a.b'); BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .ok();
    admin
        .batch_execute("UPDATE auditlog.event_types SET category = 'new' WHERE event_type = 'system.error'")
        .expect("UPDATE");
    session.batch_execute(&format!("{record}; COMMIT; {record}")).ok();
    session.batch_execute(record).expect(record);
    assert_eq!(
        scalar(
            &mut admin,
            "SELECT count(*) FROM auditlog.events WHERE category = 'system'"
        ),
        0
    );

    let mut late = db.superuser();
    admin
        .batch_execute("BEGIN; LOCK TABLE auditlog.event_types")
        .expect("LOCK");
    refused(&mut late, &format!("SET statement_timeout = '200ms'; {record}"));
    admin.batch_execute("COMMIT").expect("COMMIT");
    late.batch_execute(&format!("RESET statement_timeout; {record}"))
        .expect(record);
    let last = "SELECT severity || ' ' || category FROM auditlog.events ORDER BY recorded_at DESC LIMIT 1";
    assert_eq!(text(&mut admin, last), "error new");
}

#[test]
fn an_error_while_waiting_leaves_a_usable_session() {
    let db = Database::new();
    let (mut admin, mut session) = (db.superuser(), db.superuser());
    admin
        .batch_execute("BEGIN; LOCK TABLE auditlog_data.log")
        .expect("LOCK");
    session.batch_execute("SET statement_timeout = '300ms'").expect("SET");
    refused(&mut session, "SELECT auditlog.await_sealed('x', '10s')");
    session.batch_execute("SELECT 1").expect("the session goes on");
    admin.batch_execute("COMMIT").expect("COMMIT");
    session
        .batch_execute("RESET statement_timeout; SELECT auditlog.record('a.b')")
        .expect("record()");
    assert_intact(&mut admin, 1);
}

#[test]
fn no_tenant_and_the_empty_tenant_do_not_share_keys() {
    let db = Database::new();
    let mut admin = db.superuser();
    for tenant in ["", ", \"tenant\": \"\"", ", \"tenant\": \"=\"", ", \"tenant\": \"a\""] {
        for _ in 0..2 {
            let record = format!("SELECT auditlog.record('{{\"event_type\": \"a.b\"{tenant}}}'::jsonb, 'same')");
            admin.batch_execute(&record).expect(&record);
        }
    }
    assert_eq!(count_events(&mut admin), 4);
}

#[test]
fn no_table_inherits_from_ours_and_the_owner_has_no_members() {
    let db = Database::new();
    let mut admin = db.superuser();
    for table in ["auditlog_data.inbox_0", "auditlog_data.head", "auditlog.event_types"] {
        let child = format!("CREATE TABLE public.kid () INHERITS ({table})");
        assert_eq!(refused(&mut admin, &child).code().code(), "42501", "{child}");
        let child =
            format!("CREATE TABLE public.kid (LIKE {table} INCLUDING ALL); ALTER TABLE public.kid INHERIT {table}");
        assert_eq!(refused(&mut admin, &child).code().code(), "42501", "{child}");
    }
    let member = db.login(&[]);
    let protection = "SELECT status FROM auditlog.health() WHERE \"check\" = 'protection'";
    admin
        .batch_execute(&format!("GRANT auditlog_owner TO {member}"))
        .expect("GRANT");
    let found = text(&mut admin, protection);
    admin
        .batch_execute(&format!("REVOKE auditlog_owner FROM {member}"))
        .expect("REVOKE");
    assert_eq!(found, "error");
}

#[test]
fn only_utf8_databases_take_the_extension() {
    let mut admin = shared().connect("postgres");
    admin
        .batch_execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
        .expect("CREATE DATABASE");
    let error = refused(&mut shared().connect("latin"), "CREATE EXTENSION pg_auditlog");
    admin
        .batch_execute("DROP DATABASE latin WITH (FORCE)")
        .expect("DROP DATABASE");
    assert_eq!(error.code().code(), "0A000");
    assert!(error.hint().is_some());
}

#[test]
fn an_index_that_calls_a_function_calls_it_as_the_owner() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin.batch_execute("SELECT auditlog.record('a.b')").expect("record()");
    wait_sealed(&mut admin);
    admin
        .batch_execute(
            "CREATE TABLE public.callers (name text); GRANT ALL ON public.callers TO public;
             CREATE FUNCTION public.peek(v text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
               $$ BEGIN PERFORM public.note(); RETURN v; END $$;
             CREATE FUNCTION public.note() RETURNS void LANGUAGE sql AS
               $$ INSERT INTO public.callers VALUES (current_user) $$",
        )
        .expect("functions");
    let partition = text(
        &mut admin,
        "SELECT max(relid::text) FROM pg_partition_tree('auditlog_data.log') WHERE isleaf AND relid::text LIKE '%' || to_char(now(), 'YYYY_MM')",
    );
    admin
        .batch_execute(&format!(
            "CREATE INDEX ON {partition} (public.peek(status)); TRUNCATE public.callers"
        ))
        .expect("CREATE INDEX");
    admin.batch_execute("SELECT auditlog.record('a.c')").expect("record()");
    wait_sealed(&mut admin);
    assert_eq!(
        text(&mut admin, "SELECT string_agg(DISTINCT name, ' ') FROM public.callers"),
        "auditlog_owner"
    );
}
