//! Lines of the forms that servers write, whole and damaged.

use auditlog_core::json::Json;
use auditlog_pgaudit::{Line, ParseError, Text, parse};
use proptest::prelude::*;

fn read(line: &str) -> Line {
    parse(line).expect("a sound line").expect("a line of pgaudit")
}

fn at<'a>(document: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('.').try_fold(document, |part, key| part.get(key))
}

fn str_at<'a>(document: &'a Json, path: &str) -> Option<&'a str> {
    at(document, path).and_then(Json::as_str)
}

#[test]
fn an_entry_alone() {
    let line = read(
        "AUDIT: SESSION,7,2,WRITE,INSERT,TABLE,app.orders,\"insert into app.orders (a, b)\nvalues ('x', \"\"q\"\")\",<none>,3",
    );
    assert_eq!(
        (line.entry.statement_id, line.entry.substatement_id, line.entry.rows),
        (7, 2, Some(3))
    );
    assert_eq!(line.entry.parameter, Text::None);
    let event = line.document();
    assert_eq!(str_at(&event, "event_type"), Some("data.insert"));
    assert_eq!(str_at(&event, "resource.id"), Some("app.orders"));
    assert_eq!(str_at(&event, "resource.type"), Some("table"));
    assert_eq!(
        str_at(&event, "metadata.statement"),
        Some("insert into app.orders (a, b)\nvalues ('x', \"q\")")
    );
    assert_eq!(at(&event, "metadata.row_count"), Some(&Json::Number("3".into())));
    assert_eq!(str_at(&event, "action.status"), Some("attempted"));
    assert!(event.get("actor").is_none(), "the line does not say who");
    assert_eq!(line.key(), None);
}

#[test]
fn with_a_prefix() {
    let line = read(
        "2026-11-28 09:00:01.250 CET [4711] bob@shop LOG:  AUDIT: OBJECT,1,1,READ,SELECT,VIEW,public.v,select 1,<not logged>",
    );
    assert!(line.entry.object_audit);
    assert_eq!(line.origin.time.as_deref(), Some("2026-11-28 09:00:01.250 CET"));
    assert_eq!(line.origin.user.as_deref(), Some("bob"));
    assert_eq!(line.origin.database.as_deref(), Some("shop"));
    assert_eq!(line.origin.process, Some(4711));
    // a statement of several lines: the server indents the others
    let line = read("LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,\"select 1,\n\t  2\",<none>");
    assert_eq!(line.entry.statement, Text::Given("select 1,\n  2".into()));
}

fn csvlog(message: &str) -> String {
    format!(
        "2026-11-28 09:00:01.250 UTC,\"bob\",\"shop\",4711,\"10.1.2.3:5555\",69286f00.1267,12,\"SELECT\",2026-11-28 08:59:00 UTC,3/17,991,LOG,00000,\"{}\",,,,,,,,,\"billing, nightly\",\"client backend\",,0",
        message.replace('"', "\"\"")
    )
}

#[test]
fn a_record_of_csvlog() {
    let line = read(&csvlog(
        "AUDIT: SESSION,4,1,ROLE,ALTER ROLE,,,\"alter role x password 'hunter2', y\",<none>",
    ));
    let event = line.document();
    assert_eq!(str_at(&event, "event_type"), Some("role.alter"));
    assert_eq!(str_at(&event, "actor.id"), Some("bob"));
    assert_eq!(str_at(&event, "actor.ip_address"), Some("10.1.2.3"));
    assert_eq!(str_at(&event, "actor.session_id"), Some("69286f00.1267"));
    assert_eq!(str_at(&event, "metadata.application"), Some("billing, nightly"));
    assert_eq!(
        str_at(&event, "metadata.statement"),
        Some("alter role x password '<REDACTED>', y")
    );
    assert_eq!(line.key().as_deref(), Some("pgaudit 69286f00.1267 12"));
    assert_eq!(parse(&csvlog("connection received")), Ok(None));
}

#[test]
fn a_record_of_jsonlog() {
    let line = read(
        r#"{"timestamp":"2026-11-28 09:00:01.250 UTC","user":"bob","dbname":"shop","pid":4711,"remote_host":"[local]","session_id":"69286f00.1267","line_num":3,"txid":0,"error_severity":"LOG","message":"AUDIT: SESSION,1,1,DDL,CREATE TABLE,TABLE,public.t,create table t (),\"\"\"a\"\",b\"","application_name":"psql"}"#,
    );
    let event = line.document();
    assert_eq!(str_at(&event, "event_type"), Some("ddl.create"));
    assert_eq!(at(&event, "actor.ip_address"), None);
    assert_eq!(
        at(&event, "metadata.parameters"),
        Some(&Json::Array(vec![Json::String("a".into()), Json::String("b".into())]))
    );
    assert_eq!(parse(r#"{"message":"checkpoint starting"}"#), Ok(None));
    assert_eq!(parse(r#"{"message":"#), Err(ParseError::Json));
}

#[test]
fn an_entry_within_a_statement_is_none() {
    for line in [
        "2026-11-28 09:00:01 UTC [1] LOG:  statement: select 'LOG:  AUDIT: SESSION,1,1,ROLE,GRANT,,,x,<none>'",
        "2026-11-28 09:00:01 UTC [1] ERROR:  column \"AUDIT: SESSION,1,1,ROLE,GRANT,,,x,<none>\" does not exist",
        "2026-11-28 09:00:01 UTC [1] LOG:  connection received",
        "",
        "AUDIT:SESSION",
    ] {
        assert_eq!(parse(line), Ok(None), "{line}");
    }
}

#[test]
fn damaged_entries_are_errors() {
    for (line, error) in [
        ("AUDIT: SESSION,1,1,READ,SELECT,,,\"select 1", ParseError::OpenQuote),
        ("AUDIT: SESSION,1,1,READ,SELECT,,,\"a\"b,<none>", ParseError::AfterQuote),
        ("AUDIT: SESSION,1,1,READ", ParseError::Fields(4)),
        ("AUDIT: SESSION,1,1,READ,SELECT,,,a,b,1,2", ParseError::Fields(11)),
        (
            "AUDIT: SESSION,x,1,READ,SELECT,,,a,b",
            ParseError::Number("STATEMENT_ID"),
        ),
        ("AUDIT: SESSION,1,1,READ,SELECT,,,a,b,c", ParseError::Number("ROWS")),
        ("AUDIT: OTHER,1,1,READ,SELECT,,,a,b", ParseError::Kind),
    ] {
        assert_eq!(parse(line), Err(error), "{line}");
    }
}

#[test]
fn classes_and_commands_have_types() {
    for (class, command, event_type) in [
        ("READ", "SELECT", "data.select"),
        ("READ", "COPY", "data.copy_to"),
        ("WRITE", "TRUNCATE TABLE", "data.truncate"),
        ("WRITE", "COPY", "data.copy_from"),
        ("FUNCTION", "EXECUTE", "function.execute"),
        ("ROLE", "GRANT", "grant.privilege"),
        ("ROLE", "GRANT ROLE", "grant.role"),
        ("ROLE", "REVOKE ROLE", "revoke.role"),
        ("ROLE", "DROP ROLE", "role.drop"),
        ("DDL", "CREATE EXTENSION", "extension.create"),
        ("DDL", "ALTER DEFAULT PRIVILEGES", "default_privileges.alter"),
        ("DDL", "DROP INDEX", "ddl.drop"),
        ("MISC", "VACUUM", "system.maintenance"),
        ("MISC_SET", "SET", "database.statement"),
    ] {
        let line = read(&format!("AUDIT: SESSION,1,1,{class},{command},,,<none>,<none>"));
        assert_eq!(line.entry.event_type(), event_type, "{class} {command}");
    }
}

/// A field as pgaudit writes it.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(
        name in "[^\"\u{0}][^\u{0}]{0,12}", statement in "[^\"\u{0}][^\u{0}]{0,40}", ids in any::<(u64, u64)>(), rows in any::<Option<u64>>(),
    ) {
        let tail = rows.map_or(String::new(), |rows| format!(",{rows}"));
        let entry = format!(
            "AUDIT: SESSION,{},{},READ,SELECT,TABLE,{},{},<none>{tail}", ids.0, ids.1, field(&name), field(&statement)
        );
        let alone = read(&entry);
        prop_assert_eq!(alone.entry.object_name.as_deref(), Some(name.as_str()));
        prop_assert_eq!((alone.entry.statement_id, alone.entry.substatement_id, alone.entry.rows), (ids.0, ids.1, rows));
        if !statement.starts_with('<') {
            prop_assert_eq!(&alone.entry.statement, &Text::Given(statement));
        }
        prop_assert_eq!(&read(&csvlog(&entry)).entry, &alone.entry);
        let json = serde_json::json!({"message": entry, "session_id": "a.b", "line_num": 1}).to_string();
        prop_assert_eq!(&read(&json).entry, &alone.entry);
    }

    #[test]
    fn any_line(line in any::<String>()) {
        let _ = parse(&line);
        let _ = parse(&format!("AUDIT: {line}"));
        if let Ok(Some(line)) = parse(&format!("AUDIT: SESSION,1,1,{line}")) {
            let _ = line.document();
        }
    }
}
