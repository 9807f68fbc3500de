//! Frameworks as data: what is there, what is added, and that each of their queries can be planned.

use super::{ask, done, findings, json, section};
use auditlog_testkit::Database;
use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::refused::refused_with;

const MINE: &str = "framework: house
name: House rules
version: '3'
parameters:
  - {name: most_rows, value: 100, unit: rows, basis: our policy, meaning: More rows at once are too many}
controls:
  - control: H.1
    title: Nobody reads too much
    asks: Reads of many rows
    query: event_type:resource.view
    group_by: [actor.id]
    metrics: [count, distinct_actors, rows]
    fields: [timestamp, actor.id, metadata.row_count]
    exceptions:
      - {kind: too_many, severity: warning, query: 'metadata.row_count:>$most_rows', text: too many rows at once}
    directness: direct
";

#[test]
fn each_query_of_each_framework_plans() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    let frameworks = text(
        &mut client,
        "SELECT string_agg(id, ' ' ORDER BY id) FROM auditlog.frameworks",
    );
    assert_eq!(frameworks, "fedramp gdpr hipaa iso27001 pci_dss soc2");
    let controls = scalar(&mut client, "SELECT count(*) FROM auditlog.controls");
    assert!(controls >= 141, "{controls}");
    // Parameters have their values where a report runs them; the longest run of digits does for a plan.
    let planned = client
        .query(
            "SELECT framework, control, regexp_replace(query, '\\$[a-z_]+', '5', 'g') FROM auditlog.controls WHERE query IS NOT NULL",
            &[],
        )
        .expect("queries");
    for row in &planned {
        let (framework, control, query): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        client
            .query("SELECT auditlog.explain_query($1)", &[&query])
            .unwrap_or_else(|e| panic!("{framework} {control}: {e:?}"));
    }
    assert!(planned.len() >= 95, "{}", planned.len());
}

#[test]
fn a_framework_of_ones_own_makes_reports_and_its_parameters_can_be_set() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    client
        .execute("SELECT auditlog.add_framework($1)", &[&MINE])
        .expect("a framework");
    client
        .batch_execute(
            "SELECT auditlog.record('{\"event_type\": \"resource.view\", \"actor\": {\"id\": \"a\"}, \"metadata\": {\"row_count\": 150}}'::jsonb);
             SELECT auditlog.record('{\"event_type\": \"resource.view\", \"actor\": {\"id\": \"b\"}, \"metadata\": {\"row_count\": 50}}'::jsonb)",
        )
        .expect("events");
    wait_sealed(&mut client);
    let report = |client: &mut _, filters: &str| {
        let id = ask(client, "house", "2020-01-01", "2100-01-01", filters);
        done(client, id);
        json(client, id)
    };
    let strict = report(&mut client, r#"{"parameters": {"most_rows": 20}}"#);
    let usual = report(&mut client, "{}");
    assert_eq!(section(&usual, "H.1")["findings"][0]["count"], 1);
    assert_eq!(section(&strict, "H.1")["findings"][0]["count"], 2);
    assert_eq!(findings(section(&usual, "H.1")), ["too_many"]);
    assert_eq!(usual["definition"]["version"], "3");
    client
        .execute("SELECT auditlog.drop_framework('house')", &[])
        .expect("drop");
    refused_with(&mut client, "42704", "SELECT auditlog.drop_framework('house')");
    refused_with(&mut client, "42704", "SELECT auditlog.drop_framework('soc2')");
    let told = "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.report_change' AND resource_type = 'framework' AND resource_id = 'house'";
    assert_eq!(scalar(&mut client, told), 2);
}

#[test]
fn a_wrong_framework_is_refused_with_line_and_hint() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    for (from, to, line) in [
        ("query: event_type:resource.view", "query: 'event_type:('", "line 10"),
        (
            "metrics: [count, distinct_actors, rows]",
            "metrics: [count, sums]",
            "line 12",
        ),
        ("severity: warning", "severity: bad", "line 15"),
        ("directness: direct", "directnes: direct", "line 16"),
        ("framework: house", "framework: soc2", ""),
    ] {
        let definition = MINE.replace(from, to);
        assert_ne!(definition, MINE);
        let sql = format!("SELECT auditlog.add_framework({})", quoted(&definition));
        let code = if line.is_empty() { "42710" } else { "22023" };
        let error = refused_with(&mut client, code, &sql);
        let detail = error.detail().unwrap_or_default();
        assert!(detail.contains(line), "{to}: {detail}");
        assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{to}");
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
