//! The many ways in which a statement can read: each is told of once, as what it is.

use super::{cluster, entry, observer, settle, told};
use auditlog_testkit::Database;
use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::{refused, refused_with};

fn prepared() -> (Database, Client, Client) {
    let database = Database::new_in(cluster());
    let mut client = database.superuser();
    client
        .batch_execute("SELECT auditlog.record_batch('[{\"event_type\": \"a.b\"}, {\"event_type\": \"a.b\"}, {\"event_type\": \"c.d\"}]')")
        .expect("record_batch()");
    let mut looks = observer(cluster(), database.name());
    wait_sealed(&mut looks);
    (database, client, looks)
}

#[test]
fn each_form_of_reading_is_told_of_once() {
    let (_database, mut client, mut looks) = prepared();
    let events = "auditlog.events /* MARK */ WHERE event_type NOT LIKE 'auditlog.%'";
    let view = |rows| entry("view", "select", "success", "committed", Some(rows));
    let forms: Vec<(&str, String, super::Told)> = vec![
        ("plain", format!("SELECT * FROM {events}"), view(3)),
        (
            "partition",
            "SELECT count(*) FROM auditlog_data.log_standard /* MARK */".into(),
            view(1),
        ),
        (
            "inbox",
            "SELECT count(*) FROM auditlog_data.inbox_1 /* MARK */".into(),
            view(1),
        ),
        (
            "words",
            "SELECT count(*) FROM auditlog_data.word_chunk /* MARK */".into(),
            view(1),
        ),
        ("limit", format!("SELECT * FROM {events} LIMIT 2"), view(2)),
        (
            "read only",
            format!("BEGIN READ ONLY; SELECT * FROM {events}; COMMIT"),
            view(3),
        ),
        (
            "rolled back",
            format!("BEGIN; SELECT * FROM {events}; ROLLBACK"),
            entry("view", "select", "success", "rolled_back", Some(3)),
        ),
        (
            "savepoint",
            format!("BEGIN; SAVEPOINT s; SELECT * FROM {events}; ROLLBACK TO s; COMMIT"),
            entry("view", "select", "success", "rolled_back", Some(3)),
        ),
        (
            "kept savepoint",
            format!("BEGIN; SAVEPOINT s; SELECT * FROM {events}; RELEASE s; COMMIT"),
            view(3),
        ),
        (
            "prepared transaction",
            format!("BEGIN; SELECT * FROM {events}; PREPARE TRANSACTION 'p'"),
            entry("view", "select", "success", "prepared", Some(3)),
        ),
        (
            "cursor",
            format!("BEGIN; DECLARE c CURSOR FOR SELECT * FROM {events}; FETCH 1 FROM c; FETCH 1 FROM c; COMMIT"),
            view(2),
        ),
        (
            "cursor with hold",
            format!("BEGIN; DECLARE h CURSOR WITH HOLD FOR SELECT * FROM {events}; COMMIT; FETCH 1 FROM h; CLOSE h"),
            view(3),
        ),
        (
            "copy",
            format!("COPY (SELECT * FROM {events}) TO '/dev/null'"),
            entry("export", "copy", "success", "committed", Some(3)),
        ),
        (
            "copy of a partition",
            "COPY auditlog_data.inbox_2 TO '/dev/null' /* MARK */".into(),
            entry("export", "copy", "success", "committed", Some(0)),
        ),
        (
            "execute",
            format!(
                "PREPARE p AS SELECT * FROM {}; EXECUTE p /* MARK */",
                events.replace("/* MARK */", "")
            ),
            entry("view", "execute", "success", "committed", Some(3)),
        ),
        (
            "explain",
            format!("EXPLAIN SELECT * FROM {events}"),
            entry("view", "explain", "success", "committed", None),
        ),
        (
            "table",
            format!("CREATE TEMP TABLE copied AS SELECT * FROM {events}"),
            entry("view", "create_table_as", "success", "committed", Some(3)),
        ),
        (
            "insert",
            format!("CREATE TEMP TABLE ids (id text); INSERT INTO ids SELECT event_id FROM {events}"),
            entry("view", "insert", "success", "committed", Some(3)),
        ),
        (
            "as the owner",
            format!("SET ROLE auditlog_owner; SELECT * FROM {events}; RESET ROLE"),
            view(3),
        ),
        (
            "search",
            "SELECT * FROM auditlog.search('event_type:a.b') /* MARK */".into(),
            entry("search", "search", "success", "committed", Some(2)),
        ),
        (
            "count",
            "SELECT auditlog.count('event_type:c.d') /* MARK */".into(),
            entry("search", "count", "success", "committed", Some(1)),
        ),
        (
            "estimate",
            "SELECT auditlog.count('event_type:c.d', exact => false) /* MARK */".into(),
            entry("search", "estimate", "success", "committed", Some(1)),
        ),
        (
            "facets",
            "SELECT * FROM auditlog.facets('event_type:a.b', 'event_type') /* MARK */".into(),
            entry("search", "facets", "success", "committed", Some(1)),
        ),
        (
            "histogram",
            "SELECT * FROM auditlog.histogram('event_type:a.b', '1 year') /* MARK */".into(),
            entry("search", "histogram", "success", "committed", Some(1)),
        ),
        (
            "suggest",
            "SELECT * FROM auditlog.suggest('severity:crit') /* MARK */".into(),
            entry("search", "suggest", "success", "committed", Some(1)),
        ),
        (
            "verify",
            "SELECT * FROM auditlog.verify() /* MARK */".into(),
            entry("verify_ok", "verify", "success", "committed", Some(0)),
        ),
        (
            "tiles",
            "SELECT auditlog.tiles(0, 0, 1) /* MARK */".into(),
            entry("export", "tiles", "success", "committed", Some(1)),
        ),
        (
            "bundle",
            format!(
                "SELECT auditlog.bundle_record(e) FROM {}",
                events.replace("MARK */", "MARK */ AS e")
            ),
            entry("export", "bundle_record", "success", "committed", Some(3)),
        ),
        (
            "proof",
            "SELECT auditlog.consistency_proof(1, 2) /* MARK */".into(),
            entry("view", "consistency_proof", "success", "committed", Some(1)),
        ),
    ];
    let mut wrong = Vec::new();
    for (name, sql, expected) in &forms {
        let mark = format!("form {name} /");
        client
            .batch_execute(&sql.replace("MARK */", &format!("{mark} */")).replace("MARK", &mark))
            .unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let found = told(&mut looks, &mark);
        if found != [expected.clone()] {
            wrong.push(format!("{name}: {found:?}, expected {expected:?}"));
        }
    }
    client.batch_execute("ROLLBACK PREPARED 'p'").expect("it is prepared");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_reads_no_event_is_not_told_of() {
    let (_database, mut client, mut looks) = prepared();
    settle(&mut looks);
    let before = scalar(&mut looks, "SELECT queued FROM auditlog.stat_access");
    client
        .batch_execute(
            "SELECT * FROM auditlog.health(); SELECT * FROM auditlog.stat_ingest; SELECT * FROM auditlog.stat_seal;
             SELECT * FROM auditlog.status(); SELECT count(*) FROM pg_class; SELECT * FROM auditlog.event_types;
             SELECT auditlog.record('a.b', idempotency_key => 'k'); SELECT auditlog.record('a.b', idempotency_key => 'k');
             INSERT INTO auditlog.events (event_type) VALUES ('a.b') RETURNING event_id;
             SELECT auditlog.parse_query('a:b'); SELECT * FROM auditlog.fields()",
        )
        .expect("these run");
    settle(&mut looks);
    assert_eq!(scalar(&mut looks, "SELECT queued FROM auditlog.stat_access"), before);
}

#[test]
fn a_function_that_reads_a_thousand_times_is_one_read() {
    let (_database, mut client, mut looks) = prepared();
    client
        .batch_execute(
            "CREATE FUNCTION sly(i integer) RETURNS bigint LANGUAGE plpgsql AS $$
                 DECLARE n bigint;
                 BEGIN
                     BEGIN
                         SELECT count(*) / (i % 7) INTO n FROM auditlog.events;
                     EXCEPTION WHEN division_by_zero THEN n := 0;
                     END;
                     RETURN n;
                 END $$;
             CREATE FUNCTION planned() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT count(*) FROM auditlog_data.log';",
        )
        .expect("functions");
    client
        .batch_execute("SELECT sum(sly(i)) FROM generate_series(1, 1000) AS i /* thousand */")
        .expect("it runs");
    assert_eq!(
        told(&mut looks, "thousand"),
        [entry("view", "select", "success", "committed", Some(1))]
    );
    // What planning reads is read by the statement that is planned.
    client
        .batch_execute("SELECT event_type FROM auditlog.events WHERE planned() > 0 LIMIT 1 /* planned */")
        .expect("it runs");
    assert_eq!(
        told(&mut looks, "planned */"),
        [entry("view", "select", "success", "committed", Some(1))]
    );
    client
        .batch_execute("SELECT 1 WHERE planned() > 0 /* only planning */")
        .expect("it runs");
    assert_eq!(told(&mut looks, "only planning").len(), 1);
    // The next statement is another one.
    client.batch_execute("SELECT 1 /* next one */").expect("it runs");
    assert_eq!(told(&mut looks, "next one"), []);
}

#[test]
fn statements_of_one_string_are_told_of_each_with_its_own_text() {
    let (_database, mut client, mut looks) = prepared();
    client
        .batch_execute("SELECT 'one of two' FROM auditlog.events; SELECT 'two of two' FROM auditlog_data.log")
        .expect("they run");
    assert_eq!(told(&mut looks, "one of two").len(), 1);
    assert_eq!(told(&mut looks, "two of two").len(), 1);
    let long = format!(
        "SELECT '{}' FROM auditlog.events LIMIT 1 /* the end */",
        "ä".repeat(5000)
    );
    client.batch_execute(&long).expect("it runs");
    settle(&mut looks);
    let query = "SELECT concat_ws(' ', length(q ->> 'text') < 4097, q ->> 'bytes',
            (q ->> 'sha256') = encode(sha256(convert_to($1, 'UTF8')), 'hex'))
        FROM (SELECT extra #> '{metadata,query}' AS q FROM auditlog.events WHERE extra #>> '{metadata,query,text}' LIKE 'SELECT ''ää%') AS x";
    let found: String = looks.query_one(query, &[&long]).expect("one entry").get(0);
    assert_eq!(found, format!("t {} t", long.len()));
}

/// Runs what fails. The client hears of an error before the transaction is rolled back.
fn fails(client: &mut Client, code: &str, sql: &str) {
    refused_with(client, code, sql);
    client.batch_execute("SELECT").expect("the session goes on");
}

#[test]
fn failed_reads_are_told_of_with_their_error_and_the_rows_that_went_out() {
    let (_database, mut client, mut looks) = prepared();
    fails(
        &mut client,
        "22012",
        "SELECT 1 / (3 - row_number() OVER ()) FROM auditlog.events /* breaks off */",
    );
    assert_eq!(
        told(&mut looks, "breaks off"),
        [entry("view", "select", "failed", "rolled_back", Some(2))]
    );
    let error = "SELECT extra #>> '{metadata,error,sqlstate}' FROM auditlog.events WHERE extra #>> '{metadata,query,text}' LIKE '%breaks off%'";
    assert_eq!(text(&mut looks, error), "22012");
    fails(
        &mut client,
        "57014",
        "SET statement_timeout = 50; SELECT pg_sleep(5) FROM auditlog.events /* cancelled */",
    );
    client.batch_execute("SET statement_timeout = 0").expect("reset");
    assert_eq!(
        told(&mut looks, "cancelled"),
        [entry("view", "select", "failed", "rolled_back", Some(0))]
    );
    client.batch_execute("BEGIN; SAVEPOINT s").expect("a savepoint");
    refused(
        &mut client,
        "SELECT 1 / (count(*) - count(*)) FROM auditlog.events /* inside */",
    );
    client
        .batch_execute("ROLLBACK TO s; SELECT count(*) FROM auditlog.events /* goes on */; COMMIT")
        .expect("it goes on");
    assert_eq!(
        told(&mut looks, "inside"),
        [entry("view", "select", "failed", "rolled_back", Some(0))]
    );
    assert_eq!(
        told(&mut looks, "goes on"),
        [entry("view", "select", "success", "committed", Some(1))]
    );
}

#[test]
fn who_it_was_and_what_was_asked_is_in_the_entry() {
    let (database, mut client, mut looks) = prepared();
    let analyst = database.login(&["auditlog_analyst"]);
    client
        .batch_execute(&format!(
            "SET SESSION AUTHORIZATION {analyst}; SET application_name = 'desk'"
        ))
        .expect("a superuser may");
    client
        .batch_execute("SET ROLE auditlog_analyst; BEGIN READ ONLY;
            SELECT * FROM auditlog.search('event_type:a.b', since => '2001-02-03Z', filters => '{\"severity\": \"info\"}') /* who */; ROLLBACK")
        .expect("an analyst may");
    assert_eq!(
        told(&mut looks, "/* who"),
        [entry("search", "search", "success", "rolled_back", Some(2))]
    );
    let found = text(
        &mut looks,
        "SELECT concat_ws('|', actor_type, actor_id, db_session_user, db_current_user, db_application, resource_type,
             extra #>> '{metadata,calls}', extra #>> '{metadata,relations}', extra #>> '{metadata,read_only}')
         FROM auditlog.events WHERE extra #>> '{metadata,query,text}' LIKE '%/* who%'",
    );
    let calls = "[{\"name\": \"search\", \"arguments\": {\"limit\": 100, \"query\": \"event_type:a.b\", \"since\": \"2001-02-03T00:00:00+00:00\", \"filters\": {\"severity\": \"info\"}, \"order_by\": \"newest\"}}]";
    assert_eq!(
        found,
        format!("database_role|{analyst}|{analyst}|auditlog_analyst|desk|audit_log|{calls}|[\"auditlog.events\"]|true")
    );
}

#[test]
fn whoever_is_refused_is_told_of() {
    let (database, mut client, mut looks) = prepared();
    let nobody = database.login(&[]);
    let writer = database.login(&["auditlog_writer"]);
    client
        .batch_execute("CREATE TABLE private_things (); SELECT 1")
        .expect("a table");
    let mut session = database.connect_as(&nobody);
    refused_with(&mut session, "42501", "SELECT * FROM auditlog.events /* refused 1 */");
    refused_with(&mut session, "42501", "SELECT * FROM private_things");
    let mut session = database.connect_as(&writer);
    refused_with(&mut session, "42501", "SELECT * FROM auditlog.events /* refused 2 */");
    refused_with(&mut session, "42501", "SELECT * FROM auditlog.verify() /* refused 3 */");
    refused_with(
        &mut session,
        "42501",
        "SET search_path = auditlog; SELECT search('x') /* refused 4 */",
    );
    refused_with(
        &mut session,
        "42501",
        "COPY auditlog_data.inbox_0 TO STDOUT /* refused 5 */",
    );
    let denied = entry("access_denied", "access", "denied", "", None);
    for i in 1..=5 {
        assert_eq!(
            told(&mut looks, &format!("refused {i}")),
            std::slice::from_ref(&denied),
            "refused {i}"
        );
    }
    assert_eq!(told(&mut looks, "private_things"), []);
    let who = "SELECT string_agg(DISTINCT db_session_user, ' ' ORDER BY db_session_user) FROM auditlog.events WHERE event_type = 'auditlog.access_denied'";
    let mut both = [nobody, writer];
    both.sort();
    assert_eq!(text(&mut looks, who), both.join(" "));
    // A read that is refused on its way is one entry.
    client
        .batch_execute(
            "CREATE FUNCTION steps() RETURNS void LANGUAGE plpgsql AS $$
            BEGIN PERFORM FROM auditlog.events; PERFORM FROM auditlog_data.head; END $$",
        )
        .expect("a function");
    let analyst = database.login(&["auditlog_analyst"]);
    fails(
        &mut database.connect_as(&analyst),
        "42501",
        "SELECT steps() /* halfway */",
    );
    assert_eq!(
        told(&mut looks, "halfway"),
        [entry("access_denied", "select", "denied", "rolled_back", Some(0))]
    );
}

#[test]
fn nobody_else_can_record_what_the_journal_says() {
    let (_database, mut client, mut looks) = prepared();
    for event_type in ["view", "search", "export", "access_denied", "verify_ok", "write_failed"] {
        refused_with(
            &mut client,
            "42501",
            &format!("SELECT auditlog.record('auditlog.{event_type}')"),
        );
    }
    // Saying that one searches hides nothing.
    client
        .batch_execute(
            "COPY (SELECT auditlog.note_search('count', '{}') FROM auditlog.events) TO '/dev/null' /* disguise */",
        )
        .expect("it runs");
    assert_eq!(told(&mut looks, "disguise")[0].0, "auditlog.export");
}

#[test]
fn changes_of_the_configuration_are_events_with_before_and_after() {
    let (_database, mut client, mut looks) = prepared();
    client
        .batch_execute(
            "INSERT INTO auditlog.event_types (event_type, category, default_severity, description) VALUES ('my.type', 'mine', 'info', 'Mine.');
             UPDATE auditlog.event_types SET default_severity = 'critical' WHERE event_type = 'my.type';
             DELETE FROM auditlog.event_types WHERE event_type = 'my.type';
             SELECT auditlog.save_query('q', 'a:b'); SELECT auditlog.save_query('q', 'a:c'); SELECT auditlog.delete_query('q')",
        )
        .expect("changes");
    let found = text(
        &mut looks,
        "SELECT string_agg(concat_ws(' ', event_type, operation, extra #>> '{metadata,subject}',
            coalesce(before ->> 'default_severity', before ->> 'query', '-'), coalesce(after ->> 'default_severity', after ->> 'query', '-')), E'\\n' ORDER BY recorded_at)
         FROM auditlog.events WHERE event_type IN ('auditlog.type_change', 'auditlog.query_change')",
    );
    assert_eq!(
        found.lines().collect::<Vec<_>>(),
        [
            "auditlog.type_change insert_event_type my.type - info",
            "auditlog.type_change update_event_type my.type info critical",
            "auditlog.type_change delete_event_type my.type critical -",
            "auditlog.query_change save_query q - a:b",
            "auditlog.query_change save_query q a:b a:c",
            "auditlog.query_change delete_query q a:c -",
        ]
    );
}
