//! The sections of the sample.

use auditlog_report::model::{Form, Outcome, Sample, Sampled, Section, Severity, Table};
use serde_json::{Value, json};

use crate::parts::{base, chart, columns, finding, hash, metric, wave};

/// All sections.
pub fn sections(days: Vec<String>) -> Vec<Section> {
    vec![
        access_granted(),
        failed_logins(days),
        quiet(
            "CC6.2",
            "Registration and removal of users",
            "That new users are registered and authorised before they get access, and that access of those who leave is removed in time.",
            Outcome::Clean,
        ),
        quiet(
            "CC7.4",
            "Response to incidents",
            "That security incidents are answered by a defined procedure.",
            Outcome::NoEvidence,
        ),
        changes(),
        viewers(),
    ]
}

fn access_granted() -> Section {
    let rows = (0..38u64).map(|row| {
        let actor = ["mallory", "dba_weber", "terraform", "dba_weber"][row as usize % 4];
        let object = [
            "finance.payments",
            "customers.contacts",
            "hr.salaries_2026_with_a_rather_long_table_name",
            "claims",
        ][row as usize % 4];
        let change = if row < 3 {
            Value::Null
        } else {
            json!(format!("CHG-{}", 2100 + row))
        };
        vec![
            json!(3_902_118 + row * 977),
            json!(format!("2026-01-{:02}T{:02}:11:09Z", row % 28 + 1, row % 24)),
            json!(actor),
            json!("GRANT"),
            json!(object),
            change,
        ]
    });
    let items = (0..25u64).map(|item| Sampled {
        log_index: 3_902_118 + item * 1_117,
        entry_hash: hash(item + 100),
        values: vec![
            json!(format!("2026-02-{:02}T09:30:00Z", item % 28 + 1)),
            json!(["dba_weber", "Müller, Jörg", "Ольга Петрова"][item as usize % 3]),
            json!("role.grant"),
            json!("claims_reader"),
        ],
        record: "AAECAwQ=".into(),
        proof: vec![hash(item), hash(item + 1)],
    });
    Section {
        notes: "Grants by the deployment role «terraform» are approved with the merge request that they come from."
            .into(),
        query: Some("event_type:(role.grant OR role.revoke OR privilege.grant) AND NOT actor.id:terraform".into()),
        findings: vec![
            finding(
                Severity::Critical,
                "self_grant",
                "The role mallory granted itself pg_read_all_data at 02:11 UTC, outside of working hours and without a change reference",
                &[3_902_118],
                1,
            ),
            finding(
                Severity::Warning,
                "no_change_reference",
                "Grants without a change reference",
                &[3_902_118, 3_903_095, 3_904_072],
                3,
            ),
            finding(
                Severity::Note,
                "new_admin",
                "dba_weber was given the role auditlog_administrator with approval CHG-2107",
                &[3_908_957],
                1,
            ),
        ],
        metrics: vec![
            metric("grants", "Grants", 38, None),
            metric("revokes", "Revocations", 11, None),
            metric("actors", "Who granted", 4, None),
            metric("unapproved", "Without approval", 3, Some("Change reference is missing")),
        ],
        charts: vec![chart(
            "Grants by role",
            Form::Bars,
            "grants",
            ["claims_reader", "claims_writer", "pg_read_all_data"]
                .map(String::from)
                .to_vec(),
            vec![("Grants", vec![22.0, 13.0, 3.0])],
        )],
        tables: vec![Table {
            name: "rows".into(),
            caption: "Grants and revocations".into(),
            columns: columns(&[
                ("log_index", "log_index"),
                ("timestamp", "Time (UTC)"),
                ("actor.id", "Actor"),
                ("action", "Action"),
                ("resource.id", "Resource"),
                ("change", "Change reference"),
            ]),
            rows: rows.collect(),
            exceptions: 3,
            total: 1_249,
        }],
        sample: Some(Sample {
            seed: hash(9),
            of: 1_249,
            columns: columns(&[
                ("timestamp", "Time (UTC)"),
                ("actor.id", "Actor"),
                ("event_type", "Event type"),
                ("resource.id", "Resource"),
            ]),
            items: items.collect(),
        }),
        ..base(
            "CC6.1",
            Some("CC6.1"),
            "Logical access to information is restricted",
            "That access to protected information is granted to known users by a decision that somebody is responsible for, and that nobody grants access to themselves.",
            Outcome::Findings,
        )
    }
}

fn failed_logins(days: Vec<String>) -> Section {
    let mut counts = wave(31, 40.0, 30.0);
    counts[13] = 412.0;
    Section {
        directness: Some("supporting".into()),
        query: Some("event_type:authentication.login AND status:failed".into()),
        findings: vec![finding(
            Severity::Warning,
            "burst",
            "412 failed logins from 203.0.113.77 within nine minutes on 14 January; no login from there succeeded",
            &[4_001_771, 4_001_772, 4_001_780],
            412,
        )],
        metrics: vec![
            metric("failed", "Failed logins", 1_688, None),
            metric("sources", "Addresses", 37, None),
            metric("locked", "Longest burst", "9 min", None),
        ],
        charts: vec![chart(
            "Failed logins per day",
            Form::Bars,
            "logins",
            days,
            vec![("Failed", counts)],
        )],
        tables: vec![Table {
            name: "groups".into(),
            caption: "By address".into(),
            columns: columns(&[
                ("context.ip", "Address"),
                ("count", "Failed"),
                ("actors", "Accounts tried"),
                ("first", "First"),
                ("last", "Last"),
            ]),
            rows: vec![
                vec![
                    json!("203.0.113.77"),
                    json!(412),
                    json!(["postgres", "admin", "root", "test"]),
                    json!("2026-01-14T01:02:09Z"),
                    json!("2026-01-14T01:11:40Z"),
                ],
                vec![
                    json!("198.51.100.4"),
                    json!(61),
                    json!(["j.mueller"]),
                    json!("2026-01-03T07:59:41Z"),
                    json!("2026-03-30T08:01:12Z"),
                ],
                vec![
                    json!("2001:db8::17"),
                    json!(12),
                    json!(["dba_weber"]),
                    json!("2026-02-11T12:00:00Z"),
                    json!("2026-02-11T12:03:00Z"),
                ],
            ],
            exceptions: 1,
            total: 37,
        }],
        ..base(
            "CC6.6",
            Some("CC6.6"),
            "Protection against outside threats",
            "That attempts to get in from outside are noticed and answered.",
            Outcome::Findings,
        )
    }
}

fn quiet(id: &str, title: &str, asks: &str, result: Outcome) -> Section {
    Section {
        query: Some("event_type:(user.create OR user.delete OR role.alter)".into()),
        metrics: if result == Outcome::Clean {
            vec![
                metric("users", "Users registered", 9, None),
                metric("removed", "Users removed", 4, Some("Longest delay: 3 h; limit: 24 h")),
            ]
        } else {
            vec![]
        },
        ..base(id, Some(id), title, asks, result)
    }
}

fn changes() -> Section {
    Section {
        findings: vec![finding(
            Severity::Note,
            "policy_change",
            "The policy «customer data» was extended by two tables",
            &[4_100_002],
            1,
        )],
        tables: vec![Table {
            name: "rows".into(),
            caption: "Starts, stops, policies".into(),
            columns: columns(&[
                ("timestamp", "Time (UTC)"),
                ("event_type", "Event"),
                ("actor.id", "Actor"),
                ("detail", "Detail"),
            ]),
            rows: vec![vec![
                json!("2026-02-17T10:20:00Z"),
                json!("auditlog.policy_change"),
                json!("dba_weber"),
                json!({"policy": "customer data", "added": ["claims.files", "claims.notes"]}),
            ]],
            exceptions: 0,
            total: 1,
        }],
        ..base(
            "changes-to-auditing",
            None,
            "Changes to auditing",
            "What was started, stopped or changed in the recording itself.",
            Outcome::Information,
        )
    }
}

fn viewers() -> Section {
    Section {
        tables: vec![Table {
            name: "groups".into(),
            caption: "Who has seen or exported the log".into(),
            columns: columns(&[
                ("actor.id", "Role"),
                ("views", "Views"),
                ("searches", "Searches"),
                ("exports", "Exports"),
            ]),
            rows: vec![
                vec![json!("compliance_officer"), json!(12), json!(88), json!(3)],
                vec![json!("auditor_kpmg"), json!(2), json!(31), json!(1)],
            ],
            exceptions: 0,
            total: 2,
        }],
        ..base(
            "access-to-the-log",
            None,
            "Access to the log",
            "Who has read, searched or exported this log in the period.",
            Outcome::Information,
        )
    }
}
