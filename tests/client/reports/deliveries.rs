//! Files of reports that are brought to sinks.

use super::{done, file};
use crate::program::Program;
use auditlog_testkit::command::{as_server, both, run};
use auditlog_testkit::crash::Victim;
use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, wait_until};
use std::path::PathBuf;
use std::process::Command;

const STORED: &str = "name: Logins / week
title: Logins by user
period: {since: 2025-01-01, until: 2026-01-01}
filters: event_type:authentication.login
group_by: [user]
metrics: [event_count]
deliver: {sinks: [evidence]}
";

struct Setup {
    cluster: Cluster,
    client: Client,
    place: PathBuf,
}

/// A log of a small year, a sink that takes files, and a report that is to be brought there.
fn setup() -> Setup {
    let cluster = Cluster::start(&Options::default().set("auditlog.checkpoint_interval", "2"));
    let mut client = cluster.create_database_with_extension("delivered");
    super::year::plant(&mut client);
    wait_sealed(&mut client);
    let place = cluster.dir().join("evidence");
    run(as_server("mkdir").args(["-m", "755"]).arg(&place));
    let mut setup = Setup { cluster, client, place };
    setup.sink("evidence", "object_store");
    setup
        .client
        .execute("SELECT auditlog.create_report($1)", &[&STORED])
        .expect("a definition");
    setup
}

impl Setup {
    /// A sink that no event goes to.
    fn sink(&mut self, name: &str, kind: &str) {
        let path = self.place.display();
        let config = match kind {
            "file" => format!("{{\"path\": \"{path}/events.jsonl\"}}"),
            _ => format!("{{\"url\": \"{path}\"}}"),
        };
        self.client
            .execute(
                "SELECT auditlog.create_sink($1, $2, $3::text::jsonb, 'event_type:never')",
                &[&name, &kind, &config],
            )
            .unwrap_or_else(|e| panic!("{kind}: {e:?}"));
    }

    fn run_report(&mut self) -> i64 {
        let id = scalar(&mut self.client, "SELECT auditlog.run_report('Logins / week')");
        done(&mut self.client, id);
        id
    }

    fn delivery(&mut self, id: i64, column: &str) -> String {
        let sql = format!("SELECT coalesce({column}::text, '') FROM auditlog.report_deliveries WHERE report_id = {id}");
        text(&mut self.client, &sql)
    }

    /// Where the files of a report are.
    fn folder(&mut self, id: i64) -> PathBuf {
        let folder = self.delivery(id, "folder");
        self.place.join(folder)
    }

    fn wait_for(&mut self, id: i64, state: &str) {
        wait_until(&format!("the delivery is {state}"), LONG, || {
            self.delivery(id, "state") == state
        });
    }

    fn health(&mut self) -> String {
        text(
            &mut self.client,
            "SELECT concat(status, ': ', detail) FROM auditlog.health() WHERE \"check\" = 'reports'",
        )
    }

    fn told(&mut self, id: i64, status: &str) -> i64 {
        wait_sealed(&mut self.client);
        scalar(
            &mut self.client,
            &format!(
                "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.report' AND operation = 'report_delivered' \
                 AND status = '{status}' AND resource_id = '{id}' AND extra #>> '{{metadata,sink}}' = 'evidence'"
            ),
        )
    }
}

#[test]
fn a_sink_gets_the_files_with_the_proof_and_anybody_can_check_them() {
    let mut setup = setup();
    let id = setup.run_report();
    setup.wait_for(id, "delivered");
    assert_eq!(setup.delivery(id, "proven"), "true");
    let folder = setup.folder(id);
    let name = folder.display().to_string();
    assert!(name.contains("/reports/Logins---week/2025-01-01_2026-01-01_"), "{name}");
    for (format, name) in [
        ("pdf", "report.pdf"),
        ("json", "report.json"),
        ("csv", "report.csv"),
        ("manifest", "manifest.json"),
    ] {
        let there = std::fs::read(folder.join(name)).expect("a file");
        assert!(there == file(&mut setup.client, id, format), "{name} has other bytes");
    }
    // the folder is all that an auditor needs, and the key
    let key = text(&mut setup.client, "SELECT auditlog.public_key()");
    let json = folder.join("report.json").display().to_string();
    let output = Program::ours().output(&["verify", &json, "--key", &key]);
    let said = both(&output);
    assert!(output.status.success() && said.contains("the log has sealed"), "{said}");
    assert_eq!(setup.told(id, "success"), 1);
    // made again it has a folder of its own
    let other = setup.run_report();
    setup.wait_for(other, "delivered");
    let folders = run(Command::new("find").arg(&setup.place).args(["-name", "manifest.json"]));
    assert_eq!(folders.lines().count(), 2, "{folders}");
    assert!(setup.health().starts_with("ok"), "{}", setup.health());
}

#[test]
fn what_does_not_arrive_is_tried_again_and_told_of() {
    let mut setup = setup();
    let blocked = setup.place.join("reports");
    run(as_server("touch").arg(&blocked));
    let id = setup.run_report();
    wait_until("a try has failed", LONG, || setup.delivery(id, "attempts") == "1");
    assert_eq!(setup.delivery(id, "state"), "waiting");
    assert!(!setup.delivery(id, "error").is_empty());
    assert_eq!(setup.told(id, "failed"), 1);
    run(as_server("rm").arg(&blocked));
    setup
        .client
        .execute("SELECT auditlog.retry_report($1)", &[&id])
        .expect("tried again");
    setup.wait_for(id, "delivered");
    assert_eq!(setup.delivery(id, "error"), "");
    refused_with(
        &mut setup.client,
        "55000",
        &format!("SELECT auditlog.retry_report({id})"),
    );
}

#[test]
fn a_paused_sink_gets_files_when_it_goes_on_and_one_that_is_gone_never() {
    let mut setup = setup();
    setup
        .client
        .batch_execute("SELECT auditlog.pause_sink('evidence', 'moving house')")
        .expect("paused");
    let first = setup.run_report();
    std::thread::sleep(std::time::Duration::from_secs(4));
    assert_eq!(setup.delivery(first, "state"), "waiting");
    assert_eq!(setup.delivery(first, "attempts"), "0");
    setup
        .client
        .batch_execute("SELECT auditlog.resume_sink('evidence')")
        .expect("resumed");
    setup.wait_for(first, "delivered");
    setup
        .client
        .batch_execute("SELECT auditlog.drop_sink('evidence')")
        .expect("dropped");
    let second = setup.run_report();
    setup.wait_for(second, "failed");
    let health = setup.health();
    assert!(
        health.starts_with("warning") && health.contains("no sink of this name"),
        "{health}"
    );
    setup.sink("evidence", "object_store");
    setup
        .client
        .execute("SELECT auditlog.retry_report($1)", &[&second])
        .expect("tried again");
    setup.wait_for(second, "delivered");
}

#[test]
fn files_are_sent_again_after_a_crash_and_are_the_same() {
    let mut setup = setup();
    let id = setup.run_report();
    // whatever it was at
    setup.cluster.kill9(Victim::Everybody);
    setup.cluster.go();
    setup.client = setup.cluster.connect("delivered");
    setup.wait_for(id, "delivered");
    let pdf = setup.folder(id).join("report.pdf");
    assert!(std::fs::read(pdf).expect("a file") == file(&mut setup.client, id, "pdf"));
    assert_eq!(setup.told(id, "success"), 1);
}

#[test]
fn sinks_that_take_events_alone_are_refused() {
    let mut setup = setup();
    setup.sink("lines", "file");
    let named = |sink: &str| {
        format!(
            "SELECT auditlog.create_report($d${}$d$)",
            STORED.replace("evidence", sink)
        )
    };
    let error = refused_with(&mut setup.client, "22023", &named("lines"));
    assert!(
        error.hint().is_some_and(|hint| hint.contains("object_store")),
        "{error:?}"
    );
    refused_with(&mut setup.client, "42704", &named("nowhere"));
}
