//! There is no SQL text to break out of: whatever stands in an argument is a value. Classic payloads
//! go through every text argument; each gives a data error, or what the evaluator says.

use auditlog_testkit::Database;
use auditlog_testkit::log::{assert_intact, text, wait_sealed};
use auditlog_testkit::postgres::Client;

const PAYLOADS: [&str; 68] = [
    "'",
    "''",
    "\"",
    "\"\"",
    "' OR '1'='1",
    "' OR 1=1 --",
    "\" OR \"\"=\"",
    "') OR ('1'='1",
    "1; DROP TABLE auditlog_data.log; --",
    "'; DROP TABLE auditlog_data.log; --",
    "'); DELETE FROM auditlog.saved_queries; --",
    "x'; SELECT pg_sleep(10); --",
    "status:failed'; TRUNCATE auditlog.event_types; --",
    "status:\"failed'; DROP SCHEMA auditlog CASCADE; --\"",
    "status:failed) OR (1=1",
    "status:failed) OR true --",
    "' UNION SELECT * FROM pg_shadow --",
    "' UNION ALL SELECT NULL, NULL, NULL --",
    "a UNION SELECT 1",
    "/* comment */ status:failed",
    "status:fa/**/iled",
    "status:failed /*",
    "-- status:failed",
    "status:failed --",
    "# status:failed",
    "$$",
    "$$; DROP TABLE x; $$",
    "$body$ BEGIN END $body$",
    "$tag$'$tag$",
    "$1",
    "$1 OR $2",
    "status:$1",
    "status:${jndi:ldap://x}",
    "%s",
    "%I",
    "%L",
    "%1$s%2$s%3$s",
    "status:%s AND user:%L",
    "%",
    "_",
    "status:%",
    "\\",
    "\\'",
    "\\\\'",
    "\\\"; DROP TABLE x",
    "status:\\x27",
    "E'\\''",
    "U&'\\0027'",
    "status:\\u0027 OR 1=1",
    "status:\\u0000",
    "\u{2019} OR 1=1",
    "\u{ff07} OR 1=1 --",
    "\u{02bc}; DROP TABLE x",
    "\u{200b}'\u{200b}",
    "\u{202e}'; --",
    "status:\u{1f980}'",
    "`id`",
    "$(id)",
    "; COPY (SELECT 1) TO PROGRAM 'id'",
    "(((((((((('))))))))))",
    "status:(failed OR ('; DROP TABLE x))",
    "status IN ('a', 'b'') OR (1=1)",
    "e.status = 'failed'",
    "status:failed\nOR\n1=1",
    "status:failed;",
    "{\"status\": \"'; DROP TABLE x\"}",
    "_saved_:\"'; DROP TABLE x\"",
    "e\".\"status\" = '' OR \"e",
];

// (without the events that tell of saved queries)
const ONE: &str =
    "SELECT coalesce(string_agg(e.event_id, ' ' ORDER BY e.event_id) FILTER (WHERE e.category <> 'auditlog'), '') FROM";

/// The events that a statement finds, or its SQLSTATE.
fn run(client: &mut Client, sql: &str, payload: &str) -> Result<String, String> {
    match client.query_one(sql, &[&payload]) {
        Ok(row) => Ok(row.get::<_, Option<String>>(0).unwrap_or_default()),
        Err(error) => {
            let error = error
                .as_db_error()
                .unwrap_or_else(|| panic!("{sql} {payload:?}: {error:?}"));
            let code = error.code().code().to_owned();
            assert!(
                code.starts_with("22") || code == "42601" || code == "54000",
                "{sql} {payload:?}: {error:?}"
            );
            Err(code)
        }
    }
}

fn state(client: &mut Client) -> String {
    text(
        client,
        "SELECT concat_ws(' ', (SELECT count(*) FROM auditlog.events), (SELECT count(*) FROM auditlog.event_types),
            (SELECT count(*) FROM auditlog.saved_queries), (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc),
            (SELECT md5(string_agg(e::text, ' ' ORDER BY log_index)) FROM auditlog.events e))",
    )
}

#[test]
fn payloads_are_values_in_every_argument() {
    let db = Database::new();
    let mut admin = db.superuser();
    // each payload is also what an event holds, so that queries find something
    for (number, payload) in PAYLOADS.iter().enumerate() {
        admin
            .execute(
                "INSERT INTO auditlog.events (event_id, event_type, timestamp, status, actor_id, tags, extra)
                 VALUES ('p' || lpad($1::text, 2, '0'), 'a.b', '2026-03-10Z', $2, $2, ARRAY[$2], jsonb_build_object('note', $2))",
                &[&number.to_string(), payload],
            )
            .unwrap_or_else(|e| panic!("{payload:?}: {e:?}"));
    }
    admin
        .batch_execute("INSERT INTO auditlog.events (event_id, event_type, timestamp, status) VALUES ('q', 'a.b', '2026-03-10Z', 'failed')")
        .expect("INSERT");
    wait_sealed(&mut admin);
    let before = state(&mut admin);
    let mut client = db.connect_as(&db.login(&["auditlog_administrator"]));
    client.batch_execute("SET client_min_messages = error").expect("SET");
    let mut found_some = 0;
    for payload in PAYLOADS {
        // as a query: each way finds what the evaluator finds, or fails as it does
        let oracle = run(
            &mut client,
            &format!("{ONE} auditlog.events e WHERE auditlog.matches(auditlog.to_json(e), $1)"),
            payload,
        );
        for way in [
            "auditlog.search($1, \"limit\" => 1000) e",
            "auditlog.search($1, \"limit\" => 1000, order_by => 'oldest') e",
            "auditlog.events e WHERE auditlog.matches(e, $1)",
            "auditlog.events e WHERE e @@@ $1",
            "auditlog.events e WHERE auditlog.matches(e, (SELECT $1::text))",
        ] {
            assert_eq!(
                run(&mut client, &format!("{ONE} {way}"), payload),
                oracle,
                "{way} {payload:?}"
            );
        }
        let number = oracle
            .clone()
            .map(|ids| ids.split(' ').filter(|id| !id.is_empty()).count().to_string());
        for way in [
            "SELECT auditlog.count($1)::text",
            "SELECT coalesce(sum(count), 0)::text FROM auditlog.histogram($1, '1 day')",
            "SELECT coalesce(sum(count), 0)::text FROM auditlog.facets($1, 'event_type')",
        ] {
            assert_eq!(run(&mut client, way, payload), number, "{way} {payload:?}");
        }
        found_some += usize::from(oracle.as_ref().is_ok_and(|ids| !ids.is_empty()));
        for way in [
            "SELECT auditlog.count($1, exact => false)::text",
            "SELECT auditlog.explain_query($1)",
            "SELECT auditlog.parse_query($1)::text",
            "SELECT auditlog.format_query($1)",
            "SELECT count(*)::text FROM auditlog.suggest($1)",
        ] {
            let result = run(&mut client, way, payload);
            assert!(!way.contains("suggest") || result.is_ok(), "{way} {payload:?}");
        }
        // as a value of a structured filter: literally, wildcards excepted
        let filtered = run(
            &mut client,
            &format!(
                "{ONE} auditlog.search(filters => jsonb_build_object('status', jsonb_build_array($1::text)), \"limit\" => 1000) e"
            ),
            payload,
        );
        let trimmed = run(
            &mut client,
            &format!("{ONE} auditlog.events e WHERE lower(e.status) = lower(btrim($1))"),
            payload,
        );
        assert_eq!(filtered, trimmed, "{payload:?}");
        // as anything else
        for way in [
            "SELECT count(*)::text FROM auditlog.search(filters => jsonb_build_object($1::text, 'x'))",
            "SELECT count(*)::text FROM auditlog.search(after => $1)",
            "SELECT count(*)::text FROM auditlog.search(order_by => $1)",
            "SELECT auditlog.filter_query(jsonb_build_object($1::text, $1::text))",
            "SELECT count(*)::text FROM auditlog.facets('', $1)",
            "SELECT auditlog.field_source($1)",
            "SELECT count(auditlog.field_values(e, $1))::text FROM auditlog.events e",
            "SELECT count(*)::text FROM auditlog.cursor_position($1)",
            "SELECT count(*)::text FROM auditlog.histogram('', '1 day', time_zone => $1)",
            "SELECT count(*)::text FROM auditlog.suggest('status:' || $1::text)",
            "SELECT count(*)::text FROM auditlog.suggest($1::text || ':')",
            "SELECT count(*)::text FROM auditlog.suggest('_saved_:' || $1::text)",
        ] {
            let result = run(&mut client, way, payload);
            assert!(
                !way.contains("suggest") || result.is_ok(),
                "{way} {payload:?}: {result:?}"
            );
        }
        // Rolled back: that a query was saved is an event, which others would find.
        client.batch_execute("BEGIN").expect("BEGIN");
        let saved = run(&mut client, "SELECT auditlog.save_query($1, 'a')::text", payload);
        assert_eq!(saved.is_ok(), payload == "_", "the one payload that is a name");
        client.batch_execute("ROLLBACK").expect("ROLLBACK");
        // a query that can be saved is found as it was written
        if oracle.is_ok() {
            client.batch_execute("BEGIN").expect("BEGIN");
            run(
                &mut client,
                "SELECT auditlog.save_query('saved', $1, $1)::text",
                payload,
            )
            .expect("save_query()");
            assert_eq!(
                run(
                    &mut client,
                    "SELECT query FROM auditlog.saved_queries WHERE name = 'saved' AND $1 <> 'x'",
                    payload
                ),
                Ok(payload.to_owned())
            );
            let saved = run(
                &mut client,
                &format!("{ONE} auditlog.search('_saved_:saved', \"limit\" => 1000) e WHERE $1 <> 'x'"),
                payload,
            );
            assert_eq!(saved, oracle, "{payload:?}");
            let suggested = run(
                &mut client,
                "SELECT description FROM auditlog.suggest('_saved_:s') WHERE $1 <> 'x'",
                payload,
            );
            assert_eq!(suggested, Ok(payload.to_owned()));
            run(
                &mut client,
                "SELECT auditlog.delete_query('saved')::text WHERE $1 <> 'x'",
                payload,
            )
            .expect("delete_query()");
            client.batch_execute("ROLLBACK").expect("ROLLBACK");
        } else {
            run(
                &mut client,
                "SELECT auditlog.save_query('saved', $1, $1)::text",
                payload,
            )
            .expect_err("save_query()");
        }
        let deleted = client.query_one("SELECT auditlog.delete_query($1)::text", &[&payload]);
        assert!(deleted.is_err(), "{payload:?}");
    }
    assert!(found_some > 10, "only {found_some} payloads find something as queries");
    assert_eq!(state(&mut admin), before);
    assert_intact(&mut admin, PAYLOADS.len() as i64 + 1);
}

/// What is suggested for a value means that value.
#[test]
fn suggested_values_mean_what_was_seen() {
    let db = Database::new();
    let mut admin = db.superuser();
    for payload in PAYLOADS {
        admin
            .execute(
                "INSERT INTO auditlog.events (event_type, status) VALUES ('a.b', $1)",
                &[&payload],
            )
            .expect("INSERT");
    }
    wait_sealed(&mut admin);
    let rows = admin
        .query("SELECT suggestion FROM auditlog.suggest('status:', NULL, 1000)", &[])
        .expect("suggest()");
    assert!(rows.len() > PAYLOADS.len() - 3, "{}", rows.len());
    for row in rows {
        let query = format!("status:{}", row.get::<_, String>(0));
        let found: i64 = admin
            .query_one("SELECT auditlog.count($1)", &[&query])
            .unwrap_or_else(|e| panic!("{query}: {e:?}"))
            .get(0);
        assert_eq!(found, 1, "{query}");
    }
}
