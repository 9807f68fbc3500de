//! `auditlog.export_rows`.

use super::{record, sealed};
use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, Database, LONG, Options, wait_until};
use std::io::Read;

fn lines(client: &mut Client, format: &str) -> Vec<String> {
    let rows = client.query("SELECT * FROM auditlog.export_rows($1)", &[&format]);
    let rows = rows.unwrap_or_else(|e| panic!("{format}: {e:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}

/// Fields of a row of CSV.
fn fields(row: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = row.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.push(chars.next().unwrap_or_default()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    assert!(!quoted, "{row}");
    fields.push(field);
    fields
}

#[test]
fn every_format_has_every_event_once_and_in_order() {
    let db = Database::new();
    let mut client = db.superuser();
    record(&mut client, 50);
    // the access journal goes on writing: compare with what was there before
    let hashes =
        "SELECT encode(entry_hash, 'hex') FROM auditlog.events WHERE log_index IS NOT NULL ORDER BY log_index LIMIT 50";
    let hashes: Vec<String> = client
        .query(hashes, &[])
        .expect("events")
        .iter()
        .map(|row| row.get(0))
        .collect();
    for format in [
        "json",
        "csv",
        "csv-raw",
        "syslog",
        "cef",
        "leef",
        "ecs",
        "ocsf",
        "cloudevents",
    ] {
        let mut lines = lines(&mut client, format);
        if format.starts_with("csv") {
            let header = fields(&lines.remove(0));
            let (place, agent) = (
                header.iter().position(|name| name == "entry_hash").expect("a column"),
                header
                    .iter()
                    .position(|name| name == "actor_user_agent")
                    .expect("a column"),
            );
            for (line, hash) in lines.iter().zip(&hashes) {
                let row = fields(line);
                assert_eq!((row.len(), &row[place]), (header.len(), hash), "{line}");
                let formula = row[agent].starts_with('=');
                assert_eq!(formula, format == "csv-raw", "{}", row[agent]);
            }
        }
        assert!(lines.len() >= 50, "{format}: {}", lines.len());
        for (line, hash) in lines.iter().zip(&hashes) {
            assert!(line.contains(hash.as_str()), "{format}: {hash}: {line}");
            assert!(format.starts_with("csv") || !line.contains('\n'), "{format}: {line}");
            if matches!(format, "json" | "ecs" | "ocsf" | "cloudevents") {
                serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|e| panic!("{format}: {e}: {line}"));
            }
        }
    }
    let first: serde_json::Value = serde_json::from_str(&lines(&mut client, "json")[0]).expect("JSON");
    assert_eq!(first["auditlog"]["log_index"], 0);
    assert_eq!(
        first["actor"]["user_agent"],
        "=cmd|' /C calc'!A0\nsecond \"line\" \\ | end"
    );
}

#[test]
fn rows_are_chosen_and_pass_one_by_one() {
    let db = Database::new();
    let mut client = db.superuser();
    record(&mut client, 3_000);
    client.batch_execute("ANALYZE").expect("ANALYZE");
    let count = |client: &mut Client, arguments: &str| {
        scalar(
            client,
            &format!("SELECT count(*) FROM auditlog.export_rows('json', {arguments})"),
        )
    };
    assert_eq!(count(&mut client, "'actor.id:u7'"), 1);
    let at = text(
        &mut client,
        "SELECT \"timestamp\"::text FROM auditlog.events WHERE actor_id = 'u100'",
    );
    assert_eq!(count(&mut client, &format!("'event_type:export.test', '{at}'")), 100);
    assert_eq!(
        count(&mut client, &format!("'event_type:export.test', NULL, '{at}'")),
        2_900
    );
    assert_eq!(
        count(
            &mut client,
            "'event_type:export.test', now() - interval '1 day', now() + interval '1 day'"
        ),
        3_000
    );
    assert_eq!(count(&mut client, "'event_type:nothing'"), 0);
    assert_eq!(count(&mut client, "NULL") as usize, lines(&mut client, "json").len());
    // PostgreSQL has put the query in the place of the call: nothing is collected, the index gives the order
    client.batch_execute("SET enable_sort = off").expect("SET");
    let plan = client
        .query("EXPLAIN (COSTS OFF) SELECT * FROM auditlog.export_rows('json')", &[])
        .expect("EXPLAIN");
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("log_index on log_standard"), "{plan}");
    assert!(!plan.contains("->  Sort"), "{plan}");
    // the bytes as the format has them, by the way that docs/export.md gives
    let mut copied = String::new();
    client
        .copy_out("COPY (SELECT * FROM auditlog.export_rows('json', 'event_type:export.test')) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')")
        .expect("COPY")
        .read_to_string(&mut copied)
        .expect("COPY");
    let selected = client
        .query(
            "SELECT * FROM auditlog.export_rows('json', 'event_type:export.test')",
            &[],
        )
        .expect("export_rows");
    let selected: String = selected.iter().map(|row| row.get::<_, String>(0) + "\n").collect();
    assert!(copied == selected, "COPY has changed something");
}

#[test]
fn wrong_arguments_are_told_of() {
    let db = Database::new();
    let mut client = db.superuser();
    let error = refused_with(&mut client, "22023", "SELECT * FROM auditlog.export_rows('josn')");
    assert!(
        error.hint().unwrap_or_default().starts_with("Did you mean json?"),
        "{error:?}"
    );
    refused_with(&mut client, "22004", "SELECT * FROM auditlog.export_rows(NULL)");
    refused_with(
        &mut client,
        "22023",
        "SELECT * FROM auditlog.export_rows('json', options => '{\"x\": 1}')",
    );
    refused_with(
        &mut client,
        "22023",
        "SELECT * FROM auditlog.export_rows('csv', options => '[]')",
    );
}

#[test]
fn an_export_has_a_limit() {
    let db = Database::new();
    let mut client = db.superuser();
    record(&mut client, 2_000);
    client.batch_execute("SET auditlog.export_max_size = 1").expect("SET");
    let error = refused_with(
        &mut client,
        "54000",
        "SELECT count(line) FROM auditlog.export_rows('json') AS line",
    );
    for part in ["time range", "filters", "destination", "format"] {
        assert!(error.hint().unwrap_or_default().contains(part), "{part}: {error:?}");
    }
    client
        .batch_execute("SELECT count(line) FROM auditlog.export_rows('json', 'actor.id:u7') AS line")
        .expect("a small one");
    client.batch_execute("RESET auditlog.export_max_size").expect("RESET");
    assert!(lines(&mut client, "json").len() >= 2_000);
}

#[test]
fn the_journal_has_one_event_a_statement() {
    let cluster = Cluster::start(&Options::default().set("auditlog.access_log", "on"));
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 20);
    let mut nothing = String::new();
    client
        .copy_out("COPY (SELECT * FROM auditlog.export_rows('cef', 'actor.id:u7')) TO STDOUT")
        .expect("COPY")
        .read_to_string(&mut nothing)
        .expect("COPY");
    let told = "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.export'
        AND extra::text LIKE '%export_rows%' AND extra::text LIKE '%cef%' AND extra::text LIKE '%actor.id:u7%'";
    wait_until("it is told of", LONG, || scalar(&mut client, told) > 0);
    wait_sealed(&mut client);
    assert_eq!(scalar(&mut client, told), 1);
}

#[test]
fn administrators_and_analysts_may_and_see_what_they_see() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 20);
    for (role, may) in [
        ("administrator", true),
        ("analyst", true),
        ("compliance", false),
        ("manager", false),
        ("user", false),
        ("writer", false),
    ] {
        let name = format!("person_{role}");
        cluster.create_login(&name, &[&format!("auditlog_{role}")]);
        let mut person = cluster.connect_as(&name, "audited");
        if may {
            assert!(lines(&mut person, "json").len() >= 20, "{role}");
        } else {
            refused_with(&mut person, "42501", "SELECT * FROM auditlog.export_rows('json')");
            refused_with(
                &mut person,
                "42501",
                "SELECT auditlog.export('json', '', NULL, NULL, '/tmp/x')",
            );
            refused_with(&mut person, "42501", "SELECT auditlog.cancel_export(1)");
        }
    }
    // Whoever is allowed to call it sees own events only, if that is what the role sees.
    client
        .batch_execute(
            "SELECT auditlog.add_principal('person_user', 'u7');
             GRANT EXECUTE ON FUNCTION auditlog.export_rows, auditlog_data.export_header, auditlog_data.export_line TO person_user",
        )
        .expect("GRANT");
    let mut person = cluster.connect_as("person_user", "audited");
    let own = lines(&mut person, "json");
    assert!(
        !own.is_empty() && own.iter().all(|line| line.contains("\"id\":\"u7\"")),
        "{own:?}"
    );
    assert!(sealed(&mut client) > own.len() as i64);
    assert_eq!(text(&mut person, "SELECT sees FROM auditlog.whoami()"), "own");
}
