//! Reports and the state of the log.

use auditlog_pages::pages::{integrity, report, reports};
use chrono::TimeDelta;

use crate::data::{Spice, now};

fn a_report(spice: Spice, id: i64, name: &str, state: &str) -> reports::Report {
    let file = |format: &str, bytes| reports::File {
        format: format.into(),
        bytes,
        sha256: "f4fe4b3d1712c80284d59a3ac91905d9cf3af87a6a6ef21569a3ff3e3c33a24c".into(),
    };
    reports::Report {
        id,
        kind: "compliance".into(),
        name: spice.text(name),
        title: (name == "soc2").then(|| spice.text("SOC 2 Type II")),
        state: state.into(),
        since: now() - TimeDelta::days(90),
        until: now(),
        filters: serde_json::json!({"accounts": [spice.text("123456789012")]}),
        asked_by: spice.text("ana.kovac"),
        asked_at: now() - TimeDelta::hours(id - 38),
        ended_at: (state == "done").then(|| now() - TimeDelta::hours(1)),
        sections: (7, 17),
        working_on: spice.some("CC7.2 Monitoring of system components"),
        findings: (state == "done").then_some(4),
        files: if state == "done" {
            vec![
                file("pdf", 812_344),
                file("json", 2_411_902),
                file("csv", 640_118),
                file("manifest", 1_204),
            ]
        } else {
            vec![]
        },
        event_id: (state == "done").then(|| spice.text("evt_0195803122d0report")),
        error: (state == "failed").then(|| spice.text("permission denied: user_12345 may not make reports any more")),
    }
}

/// A report that is being made.
pub fn running(spice: Spice) -> reports::Report {
    a_report(spice, 42, "soc2", "running")
}

/// All reports.
pub fn made(spice: Spice) -> reports::Model {
    let framework = |id: &str, name: &str, version: &str, controls| reports::Framework {
        id: id.into(),
        name: spice.text(name),
        version: version.into(),
        controls,
    };
    reports::Model {
        frameworks: vec![
            framework("soc2", "SOC 2 Type II", "TSC 2017", 17),
            framework("iso27001", "ISO/IEC 27001", "2022", 21),
            framework("hipaa", "HIPAA", "45 CFR 164", 17),
            framework("pci_dss", "PCI DSS", "4.0.1", 30),
            framework("gdpr", "GDPR", "2016/679", 18),
            framework("fedramp", "FedRAMP", "r5", 38),
        ],
        reports: vec![
            running(spice),
            a_report(spice, 41, "iso27001", "done"),
            a_report(spice, 40, "gdpr", "failed"),
            a_report(spice, 39, "soc2", "done"),
        ],
        definitions: vec![
            reports::Definition {
                name: spice.text("logins"),
                title: spice.some("Logins by user"),
                schedule: Some("0 6 1 * *".into()),
                last_report: Some(38),
            },
            reports::Definition {
                name: "deletions".into(),
                title: None,
                schedule: None,
                last_report: None,
            },
        ],
        ask: reports::Ask {
            framework: "soc2".into(),
            since: "2026-01-01T00:00:00".into(),
            until: "2026-04-01T00:00:00".into(),
            ..reports::Ask::default()
        },
        wrong: None,
    }
}

/// One report.
pub fn evidence(spice: Spice) -> report::Model {
    let section = |control: &str, title: &str, result: &str, count, findings: &[&str]| report::Section {
        control: Some(control.into()),
        title: spice.text(title),
        result: result.into(),
        directness: Some("direct".into()),
        count,
        findings: findings.iter().map(|f| spice.text(f)).collect(),
    };
    report::Model {
        report: a_report(spice, 41, "SOC 2 Type II", "done"),
        sections: vec![
            section(
                "CC6.1",
                "Logical access",
                "findings",
                4_120,
                &[
                    "12 logins without a second factor",
                    "1 privileged role granted without a change reference",
                ],
            ),
            section("CC6.2", "Registration of users", "clean", 88, &[]),
            section("CC7.2", "Monitoring", "clean", 20_412, &[]),
            section(
                "CC8.1",
                "Change management",
                "findings",
                311,
                &["3 changes outside of the window"],
            ),
            section(
                "A1.2",
                "Backups",
                "no evidence",
                0,
                &["Nothing was recorded: switch on backup events"],
            ),
        ],
    }
}

/// The state of the log.
pub fn checkpoints(spice: Spice) -> integrity::Model {
    integrity::Model {
        checkpoints: (0..5)
            .map(|i| integrity::Checkpoint {
                size: 1_482_080 - i * 412,
                root: "f4fe4b3d1712c80284d59a3ac91905d9cf3af87a6a6ef21569a3ff3e3c33a24c".into(),
                made_at: now() - TimeDelta::minutes(i as i64 * 5),
                cosignatures: if i == 0 { 0 } else { 2 },
            })
            .collect(),
        runs: vec![
            integrity::Run {
                ended_at: now() - TimeDelta::minutes(6),
                from: 0,
                to: 1_482_080,
                findings: 0,
                first_finding: None,
            },
            integrity::Run {
                ended_at: now() - TimeDelta::days(1),
                from: 0,
                to: 1_461_002,
                findings: 1,
                first_finding: spice.some("modified: log_index 12"),
            },
        ],
        receivers: vec![
            integrity::Receiver {
                name: spice.text("vault"),
                kind: "file".into(),
                state: "ok".into(),
                delivered: 1_482_080,
                delivered_at: Some(now()),
                error: None,
            },
            integrity::Receiver {
                name: spice.text("witness-one"),
                kind: "witness".into(),
                state: "retrying".into(),
                delivered: 1_481_002,
                delivered_at: None,
                error: spice.some("connection refused"),
            },
        ],
    }
}
