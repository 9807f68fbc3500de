//! Reports that are asked for wrongly, cancelled, interrupted by a crash, or made twice.

use super::{ask, done, file, json, state};
use auditlog_testkit::crash::Victim;
use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, Database, LONG, Options, wait_until};

#[test]
fn what_is_wrong_is_said_before_a_worker_begins() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    let cases = [
        (
            "42704",
            "SELECT auditlog.generate_report('soc3', '2026-01-01', '2026-02-01')",
            "no such framework",
        ),
        (
            "22004",
            "SELECT auditlog.generate_report('soc2', NULL, '2026-02-01')",
            "a period",
        ),
        (
            "22004",
            "SELECT auditlog.generate_report('soc2', '-infinity', '2026-02-01')",
            "a period",
        ),
        (
            "22023",
            "SELECT auditlog.generate_report('soc2', '2026-02-01', '2026-02-01')",
            "ends before it begins",
        ),
        (
            "22023",
            "SELECT auditlog.generate_report('soc2', '2026-01-01', '2026-02-01', formats => '{docx}')",
            "no formats",
        ),
        (
            "22023",
            "SELECT auditlog.generate_report('soc2', '2026-01-01', '2026-02-01', formats => '{}')",
            "no formats",
        ),
        (
            "22023",
            "SELECT auditlog.generate_report('soc2', '2026-01-01', '2026-02-01', '{\"controls\": [\"CC99\"]}')",
            "leave no control",
        ),
        (
            "22023",
            "SELECT auditlog.generate_report('soc2', '2026-01-01', '2026-02-01', '{\"parameters\": {\"nope\": 1}}')",
            "nope",
        ),
        (
            "22023",
            "SELECT auditlog.generate_report('soc2', '2026-01-01', '2026-02-01', '{\"query\": \"actor.id:(\"}')",
            "query of the filters",
        ),
        (
            "22023",
            "SELECT auditlog.generate_report('soc2', '2026-01-01', '2026-02-01', '[1]')",
            "must be an object",
        ),
        (
            "22023",
            "SELECT auditlog.generate_report('soc2', '2026-01-01', '2026-02-01', '{\"max_rows\": 100000}')",
            "max_rows",
        ),
        ("42704", "SELECT auditlog.report_file(99, 'pdf')", "no report"),
        ("42704", "SELECT auditlog.cancel_report(99)", "no report"),
        ("42704", "SELECT auditlog.retry_report(99)", "no report"),
        ("42704", "SELECT auditlog.report_proof(99)", "no report"),
        (
            "22023",
            "SELECT auditlog.incident_report('a:(', '2026-01-01', '2026-02-01', 't')",
            "query of the incident",
        ),
        (
            "22023",
            "SELECT auditlog.incident_report('*', '2026-01-01', '2026-02-01', ' ')",
            "needs a title",
        ),
    ];
    for (code, sql, part) in cases {
        let error = refused_with(&mut client, code, sql);
        assert!(error.message().contains(part), "{sql}: {}", error.message());
        assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{sql}: no hint");
    }
    assert_eq!(scalar(&mut client, "SELECT count(*) FROM auditlog.reports"), 0);
    // A rolled back request is none.
    client
        .batch_execute("BEGIN; SELECT auditlog.generate_report('soc2', '2026-01-01', '2026-02-01'); ROLLBACK")
        .expect("a rollback");
    assert_eq!(scalar(&mut client, "SELECT count(*) FROM auditlog.reports"), 0);
}

#[test]
fn one_that_is_cancelled_leaves_no_files_and_can_be_made_after_all() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("cancelled");
    let mut holder = cluster.connect("cancelled");
    let mut transaction = holder.transaction().expect("a transaction");
    transaction
        .batch_execute("LOCK TABLE auditlog_data.log IN ACCESS EXCLUSIVE MODE")
        .expect("a lock");
    let id = ask(&mut client, "soc2", "2026-01-01", "2026-02-01", "{}");
    wait_until("it runs", LONG, || state(&mut client, id) == "running");
    assert!(
        client
            .query_one("SELECT auditlog.cancel_report($1)", &[&id])
            .expect("cancel")
            .get::<_, bool>(0)
    );
    transaction.rollback().expect("ROLLBACK");
    assert!(
        !client
            .query_one("SELECT auditlog.cancel_report($1)", &[&id])
            .expect("cancel")
            .get::<_, bool>(0)
    );
    let other = ask(
        &mut client,
        "soc2",
        "2026-01-01",
        "2026-02-01",
        r#"{"controls": ["CC6.6"]}"#,
    );
    done(&mut client, other);
    assert_eq!(state(&mut client, id), "cancelled");
    assert_eq!(
        scalar(
            &mut client,
            &format!("SELECT count(*) FROM auditlog.reports WHERE id = {id} AND files IS NOT NULL")
        ),
        0
    );
    client
        .execute("SELECT auditlog.retry_report($1)", &[&id])
        .expect("retry");
    done(&mut client, id);
    refused_with(&mut client, "55000", &format!("SELECT auditlog.retry_report({id})"));
}

#[test]
fn a_crash_in_between_changes_nothing_of_it() {
    let cluster = Cluster::start(&Options::default().set("auditlog.checkpoint_interval", "2"));
    let mut client = cluster.create_database_with_extension("crash");
    super::year::ordinary(&mut client, 2_000);
    super::year::plant(&mut client);
    wait_sealed(&mut client);
    let first = ask(&mut client, "soc2", "2025-01-01", "2026-01-01", "{}");
    done(&mut client, first);
    let before = json(&mut client, first);
    let id = ask(&mut client, "soc2", "2025-01-01", "2026-01-01", "{}");
    wait_until("it runs", LONG, || state(&mut client, id) != "waiting");
    cluster.kill9(Victim::Postmaster);
    cluster.go();
    let mut client = cluster.connect("crash");
    done(&mut client, id);
    let after = json(&mut client, id);
    // The second is about the first one's events as well; each section is the same.
    for (a, b) in before["sections"]
        .as_array()
        .expect("sections")
        .iter()
        .zip(after["sections"].as_array().expect("sections"))
    {
        if a["control"].is_null() || a["query"].is_null() {
            continue;
        }
        assert_eq!(
            (&a["metrics"], &a["findings"]),
            (&b["metrics"], &b["findings"]),
            "{}",
            a["control"]
        );
    }
    // Its own files are those that the log names.
    let sha256 = text(
        &mut client,
        &format!("SELECT files -> 'json' ->> 'sha256' FROM auditlog.reports WHERE id = {id}"),
    );
    assert_eq!(sha256, hex(&file(&mut client, id, "json")));
}

#[test]
fn the_same_report_made_again_has_the_same_bytes() {
    let database = Database::new_in(auditlog_testkit::shared());
    let mut client = database.superuser();
    super::year::ordinary(&mut client, 500);
    wait_sealed(&mut client);
    let id = ask(&mut client, "hipaa", "2025-01-01", "2026-01-01", "{}");
    done(&mut client, id);
    let all = |client: &mut auditlog_testkit::postgres::Client| {
        ["pdf", "json", "csv", "manifest"].map(|format| file(client, id, format))
    };
    let before = all(&mut client);
    // As after a crash before the files were kept; only a superuser who takes the guards away can say so.
    client
        .batch_execute(&format!(
            "ALTER EVENT TRIGGER auditlog_guard_ddl DISABLE; ALTER TABLE auditlog_data.report DISABLE TRIGGER auditlog_no_change;
             UPDATE auditlog_data.report SET state = 'waiting' WHERE id = {id};
             ALTER TABLE auditlog_data.report ENABLE ALWAYS TRIGGER auditlog_no_change; ALTER EVENT TRIGGER auditlog_guard_ddl ENABLE ALWAYS"
        ))
        .expect("once more");
    let run: i64 = client
        .query_one(
            "SELECT auditlog.generate_report('soc2', '2020-01-01', '2020-02-01', '{\"controls\": [\"CC6.6\"]}')",
            &[],
        )
        .expect("wakes the reporter")
        .get(0);
    done(&mut client, run);
    done(&mut client, id);
    assert!(before == all(&mut client), "other bytes");
}

fn hex(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A session's work comes first where both want a processor.
#[test]
fn the_reporter_stands_back_behind_sessions() {
    let cluster = Cluster::start(&Options::default().set("auditlog.worker_nice", "7"));
    let mut client = cluster.create_database_with_extension("nice");
    let id = ask(&mut client, "soc2", "2025-01-01", "2026-01-01", "{}");
    done(&mut client, id);
    let pid = scalar(
        &mut client,
        "SELECT pid::bigint FROM auditlog.stat_workers WHERE worker = 'reporter' AND pid IS NOT NULL",
    );
    let nice = |process: &str| {
        let line = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
        let after_name = line.rsplit_once(") ").expect("a name").1.to_owned();
        let nice = after_name.split(' ').nth(16).expect("nice");
        nice.parse::<i64>().expect("a number")
    };
    assert_eq!(nice(&pid.to_string()), (nice("self") + 7).min(19));
    let sealer = scalar(
        &mut client,
        "SELECT pid::bigint FROM auditlog.stat_workers WHERE worker = 'sealer' AND pid IS NOT NULL",
    );
    assert_eq!(nice(&sealer.to_string()), nice("self"));
}
