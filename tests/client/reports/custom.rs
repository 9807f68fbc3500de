//! Reports of one's own, and reports on incidents.

use super::{done, findings, json, metric, section};
use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, Database, LONG, Options, wait_until};

const LOGINS: &str = "name: logins
title: Logins by user
period: {since: 2025-01-01, until: 2026-01-01}
filters: event_type:authentication.login
group_by: [user]
interval: month
metrics: [event_count, unique_users, resources_affected, first, last]
top: 5
compare: previous_period
";

#[test]
fn a_report_of_ones_own_counts_what_sql_counts() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    super::year::ordinary(&mut client, 500);
    super::year::plant(&mut client);
    client
        .batch_execute("INSERT INTO auditlog.events (timestamp, event_type, actor_id) SELECT '2024-06-01', 'authentication.login', 'victim' FROM generate_series(1, 3)")
        .expect("the year before");
    wait_sealed(&mut client);
    client
        .execute("SELECT auditlog.create_report($1)", &[&LOGINS])
        .expect("a definition");
    let id: i64 = client
        .query_one("SELECT auditlog.run_report('logins')", &[])
        .expect("a run")
        .get(0);
    done(&mut client, id);
    let report = json(&mut client, id);
    let figures = section(&report, "Figures");
    let expected = scalar(
        &mut client,
        "SELECT count(*) FROM auditlog.events WHERE event_type = 'authentication.login' AND timestamp >= '2025-01-01'",
    );
    assert_eq!(metric(figures, "event_count"), Some(expected));
    let groups = &figures["tables"][0];
    assert_eq!(groups["rows"].as_array().expect("rows").len(), 5);
    assert_eq!(groups["rows"][0][0], "victim", "30 failed logins are most");
    let columns: Vec<&str> = groups["columns"]
        .as_array()
        .expect("columns")
        .iter()
        .filter_map(|column| column["name"].as_str())
        .collect();
    let at = |name: &str| {
        columns
            .iter()
            .position(|column| *column == name)
            .unwrap_or_else(|| panic!("{name} in {columns:?}"))
    };
    assert_eq!(groups["rows"][0][at("event_count")], 30);
    assert_eq!(groups["rows"][0][at("event_count_before")], 3);
    assert_eq!(figures["charts"][0]["x"].as_array().expect("months").len(), 12);
    assert_eq!(
        text(
            &mut client,
            "SELECT concat(last_report, ' ', title) FROM auditlog.report_definitions WHERE name = 'logins'"
        ),
        format!("{id} Logins by user")
    );
    let other: i64 = client
        .query_one("SELECT auditlog.run_report('logins', '2025-02-01', '2025-03-01')", &[])
        .expect("a run")
        .get(0);
    done(&mut client, other);
    assert_eq!(json(&mut client, other)["since"], "2025-02-01T00:00:00Z");
}

#[test]
fn a_schedule_runs_it_and_a_wrong_definition_is_refused() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("scheduled");
    cluster.create_login("officer", &["auditlog_compliance"]);
    let mut officer = cluster.connect_as("officer", "scheduled");
    let definition = LOGINS
        .replace("name: logins", "name: often\nschedule: '* * * * *'")
        .replace("{since: 2025-01-01, until: 2026-01-01}", "last month");
    officer
        .execute("SELECT auditlog.create_report($1)", &[&definition])
        .expect("a definition");
    wait_until("it was run", LONG, || {
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.reports WHERE name = 'often' AND state = 'done' AND asked_by = 'officer'",
        ) > 0
    });
    officer
        .execute("SELECT auditlog.drop_report('often')", &[])
        .expect("dropped");
    assert_eq!(scalar(&mut client, "SELECT count(*) FROM auditlog.job"), 0);
    refused_with(&mut client, "42704", "SELECT auditlog.run_report('often')");
    for (wrong, code, part) in [
        (LOGINS.replace("top: 5", "top: many"), "22023", "line 8"),
        (LOGINS.replace("event_count,", "events,"), "22023", "line 7"),
        (
            LOGINS.replace("period: {since: 2025-01-01, until: 2026-01-01}", "period: lately"),
            "22023",
            "line 3",
        ),
        (
            format!("{LOGINS}deliver: {{channels: [nowhere]}}\n"),
            "42704",
            "nowhere",
        ),
    ] {
        let sql = format!("SELECT auditlog.create_report('{}')", wrong.replace('\'', "''"));
        let error = refused_with(&mut client, code, &sql);
        assert!(
            error.detail().is_some_and(|detail| detail.contains(part)),
            "{part}: {:?}",
            error.detail()
        );
        assert!(error.hint().is_some());
    }
}

#[test]
fn its_channels_are_told_when_it_is_made() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("told");
    let path = cluster.data().join("told.jsonl").display().to_string();
    client
        .execute(
            "SELECT auditlog.create_channel('ops', 'file', jsonb_build_object('path', $1::text))",
            &[&path],
        )
        .expect("a channel");
    let definition = format!("{LOGINS}deliver: {{channels: [ops]}}\n");
    client
        .execute("SELECT auditlog.create_report($1)", &[&definition])
        .expect("a definition");
    let id: i64 = client
        .query_one("SELECT auditlog.run_report('logins')", &[])
        .expect("a run")
        .get(0);
    done(&mut client, id);
    wait_until("the channel was told", LONG, || {
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.notifications WHERE kind = 'report' AND state = 'delivered'",
        ) == 1
    });
    let told = text(&mut client, &format!("SELECT pg_read_file('{path}')"));
    let manifest = text(
        &mut client,
        &format!("SELECT manifest_sha256 FROM auditlog.reports WHERE id = {id}"),
    );
    assert!(told.contains("Logins by user") && told.contains(&manifest), "{told}");
    refused_with(
        &mut client,
        "42704",
        &format!("SELECT auditlog.create_report($d${LOGINS}deliver: {{sinks: [lake]}}\n$d$)"),
    );
}

#[test]
fn an_incident_is_told_in_sequence_with_what_was_affected() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    super::year::plant(&mut client);
    wait_sealed(&mut client);
    let id: i64 = client
        .query_one(
            "SELECT auditlog.incident_report('actor.id:(victim OR mallory OR dev_7)', '2025-01-01', '2026-01-01', 'Guessed password')",
            &[],
        )
        .expect("a report")
        .get(0);
    done(&mut client, id);
    let report = json(&mut client, id);
    assert_eq!(
        (report["kind"].as_str(), report["title"].as_str()),
        (Some("incident"), Some("Guessed password"))
    );
    assert_eq!(metric(section(&report, "Events"), "count"), Some(32));
    let sequence = &section(&report, "Sequence")["tables"][0];
    assert_eq!(sequence["total"], 32);
    let times: Vec<&str> = sequence["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row[1].as_str())
        .collect();
    assert!(times.is_sorted() && times.len() == 32, "{times:?}");
    assert_eq!(findings(section(&report, "Changes")), ["unapproved_change"]);
    let affected = section(&report, "Who and what was affected").to_string();
    for name in ["victim", "mallory", "203.0.113.9", "payroll_admin"] {
        assert!(affected.contains(name), "{name} is not among the affected");
    }
}
