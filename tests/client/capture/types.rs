//! Values of every type are recorded as `to_jsonb` gives them, whatever the session's settings.

use super::captured;
use auditlog_testkit::Database;
use auditlog_testkit::log::scalar;
use serde_json::Value;

/// Column types with values, as SQL.
const VALUES: [(&str, &[&str]); 44] = [
    ("boolean", &["true", "false"]),
    ("smallint", &["0", "-32768", "32767"]),
    (
        "integer",
        &["0", "1", "-1", "9999", "10000", "-2147483648", "2147483647"],
    ),
    (
        "bigint",
        &[
            "0",
            "100000000",
            "123456789012345678",
            "-9223372036854775808",
            "9223372036854775807",
            "10000000000000000",
        ],
    ),
    (
        "numeric",
        &[
            "0",
            "0.00",
            "1.50",
            "-12345678901234567890.123456789",
            "1e-30",
            "1e40",
            "'NaN'",
            "'Infinity'",
            "'-Infinity'",
            "0.0001",
        ],
    ),
    ("numeric(20, 4)", &["12.3", "-0.5"]),
    (
        "real",
        &["0", "-0.0", "1.5", "3.4e38", "1e-30", "'NaN'", "'Infinity'", "0.1"],
    ),
    (
        "double precision",
        &[
            "0",
            "1e300",
            "-1.7976931348623157e308",
            "5e-324",
            "0.1",
            "'NaN'",
            "'-Infinity'",
            "123456.789",
        ],
    ),
    ("text", &["''", "'a'", "'ü😀\"\\'", "E'\\n\\t\\u0001'"]),
    ("varchar(10)", &["'v'"]),
    ("char(5)", &["'ab'"]),
    ("name", &["'n'"]),
    ("\"char\"", &["'c'"]),
    ("uuid", &["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"]),
    ("date", &["'2026-02-28'", "'infinity'", "'0044-03-15 BC'"]),
    ("timestamp", &["'2026-02-28 12:34:56.789'", "'-infinity'"]),
    (
        "timestamptz",
        &[
            "'2026-02-28 12:34:56.000001+09'",
            "'infinity'",
            "'0001-01-01 00:00:00+00 BC'",
        ],
    ),
    ("time", &["'12:34:56.5'"]),
    ("timetz", &["'12:34:56+05:30'"]),
    ("interval", &["'1 year 2 months -3 days 04:05:06.7'"]),
    ("bytea", &["''", "'\\x00ff10'"]),
    ("inet", &["'10.0.0.1/8'", "'::1'"]),
    ("cidr", &["'10.0.0.0/8'"]),
    ("macaddr", &["'08:00:2b:01:02:03'"]),
    ("bit(3)", &["'101'"]),
    (
        "json",
        &[
            "'{\"b\": [1, 2.50, null], \"a\": {\"x\": \"y\"}}'",
            "'1'",
            "'\"s\"'",
            "'null'",
            "'[]'",
        ],
    ),
    (
        "jsonb",
        &[
            "'{\"b\": [1, 2.50, null, true], \"a\": {\"x\": \"y\", \"long key\": [[], {}]}}'",
            "'1.0'",
            "'\"s\"'",
            "'null'",
            "'[]'",
            "'{}'",
            "'false'",
        ],
    ),
    ("oid", &["4000000000"]),
    ("regclass", &["'pg_class'"]),
    ("point", &["'(1.5,2)'"]),
    ("tsvector", &["'a fat cat'"]),
    ("xid8", &["'17'"]),
    ("int4range", &["'[1,5)'", "'empty'"]),
    ("tstzrange", &["'[2026-01-01 00:00+00, 2026-02-01 00:00+00)'"]),
    ("datemultirange", &["'{[2026-01-01, 2026-01-05)}'"]),
    ("int[]", &["'{1,NULL,3}'", "'{}'", "'{{1,2},{3,4}}'"]),
    ("text[]", &["ARRAY['a', NULL, '']"]),
    ("timestamptz[]", &["ARRAY['2026-02-28 12:34:56+09'::timestamptz, NULL]"]),
    ("float8[]", &["'{0.1,NaN}'"]),
    ("jsonb[]", &["ARRAY['{\"a\": 1}'::jsonb]"]),
    ("bytea[]", &["ARRAY['\\x00ff'::bytea]"]),
    ("public.mood", &["'happy'"]),
    ("public.positive", &["5"]),
    (
        "public.pair",
        &[
            "ROW(1, 'x', ARRAY[1, 2], '2026-02-28 12:34:56+09')",
            "ROW(NULL, NULL, NULL, NULL)",
        ],
    ),
];

#[test]
fn values_are_those_of_to_jsonb() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "CREATE TYPE public.mood AS ENUM ('sad', 'happy'); CREATE DOMAIN public.positive AS int CHECK (VALUE > 0);
             CREATE TYPE public.pair AS (a int, b text, c int[], d timestamptz)",
        )
        .expect("types");
    let columns: Vec<String> = VALUES
        .iter()
        .enumerate()
        .map(|(i, (t, _))| format!("c{i} {t}"))
        .collect();
    admin
        .batch_execute(&format!(
            "CREATE TABLE t (id serial PRIMARY KEY, {}, doubled int GENERATED ALWAYS AS (c1 * 2) STORED,
                 made int GENERATED ALWAYS AS IDENTITY); SELECT auditlog.track('t')",
            columns.join(", ")
        ))
        .expect("track()");
    admin.batch_execute("INSERT INTO t DEFAULT VALUES").expect("INSERT");
    // settings that change how PostgreSQL prints
    admin
        .batch_execute(
            "SET TimeZone = 'Asia/Kolkata'; SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'sql_standard'; SET extra_float_digits = -5; SET bytea_output = escape",
        )
        .expect("settings");
    let most = VALUES.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    for round in 0..most {
        let set: Vec<String> = VALUES
            .iter()
            .enumerate()
            .filter_map(|(i, (_, values))| Some(format!("c{i} = {}", values.get(round)?)))
            .collect();
        admin
            .batch_execute(&format!("UPDATE t SET {}", set.join(", ")))
            .unwrap_or_else(|e| panic!("round {round}: {e:?}"));
        let mut steady = db.superuser();
        steady
            .batch_execute("SET TimeZone = 'UTC'; SET extra_float_digits = 1")
            .expect("settings");
        // PostgreSQL compares them itself: equal jsonb, printed alike
        let wrong = steady
            .query(
                "SELECT e.key, e.value::text, (to_jsonb(t) -> e.key)::text FROM t,
                     (SELECT after FROM auditlog.events WHERE operation = 'update' ORDER BY recorded_at DESC LIMIT 1) AS last,
                     jsonb_each(last.after) AS e
                 WHERE e.value <> to_jsonb(t) -> e.key OR e.value::text <> (to_jsonb(t) -> e.key)::text",
                &[],
            )
            .expect("a comparison");
        let wrong: Vec<(String, String, Option<String>)> =
            wrong.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        assert_eq!(wrong, [], "round {round}");
        let told = captured(&mut admin).pop().expect("an event").after;
        assert!(told.as_object().is_some_and(|o| o.len() >= set.len()), "{told}");
    }
    // the settings are the session's again
    let row = admin
        .query_one(
            "SELECT current_setting('TimeZone') || current_setting('IntervalStyle')",
            &[],
        )
        .expect("settings");
    assert_eq!(row.get::<_, String>(0), "Asia/Kolkatasql_standard");
    // the whole row at once
    admin.batch_execute("DELETE FROM t").expect("DELETE");
    let gone = captured(&mut admin).pop().expect("an event").before;
    assert_eq!(gone.as_object().map(serde_json::Map::len), Some(VALUES.len() + 3));
    assert_eq!(gone["doubled"], Value::from(65534));
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM auditlog.verify()"), 0);
}

#[test]
fn user_types_and_odd_columns() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            r#"CREATE TYPE public.colour AS ENUM ('red', 'green');
             CREATE FUNCTION public.colour_json(colour) RETURNS json LANGUAGE sql IMMUTABLE AS $$ SELECT json_build_object('colour', $1::text) $$;
             CREATE CAST (colour AS json) WITH FUNCTION public.colour_json(colour);
             CREATE TABLE t (id int PRIMARY KEY, c colour, "ünïcode ""key""" int, deep jsonb, gone int, "1" int, "11" int, "2" int);
             ALTER TABLE t DROP COLUMN gone; ALTER TABLE t ADD COLUMN later int DEFAULT 7;
             SELECT auditlog.track('t'); SET auditlog.max_json_depth = 64;
             INSERT INTO t VALUES (1, 'red', 5, (repeat('[', 200) || repeat(']', 200))::jsonb, 1, 2, 3);
             UPDATE t SET deep = (repeat('[', 50) || repeat(']', 50))::jsonb, c = 'green'"#,
        )
        .expect("writes");
    let found = captured(&mut admin);
    assert_eq!(found[0].after["c"], serde_json::json!({"colour": "red"}));
    assert_eq!(found[0].after["ünïcode \"key\""], Value::from(5));
    assert_eq!(found[0].after["later"], Value::from(7));
    assert_eq!(found[0].after.get("gone"), None);
    // nested deeper than an event may be
    assert_eq!(found[0].after["deep"]["$truncated"]["bytes"], Value::from(400));
    assert!(found[1].after["deep"].is_array());
    for key in ["1", "2", "11", "later", "ünïcode \"key\""] {
        let there = format!("SELECT count(*) FROM auditlog.events WHERE operation = 'insert' AND after ? '{key}'");
        assert_eq!(scalar(&mut admin, &there), 1, "{key}");
    }
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM auditlog.verify()"), 0);
}
