//! A SOC 2 report with planted findings, as PDF: `cargo run --example sample -p auditlog-report -- FILE`.

mod parts;
mod sections;

use std::env;
use std::error::Error;
use std::fs;

use auditlog_report::model::{Anchor, Definition, FORMAT, Form, Integrity, Kind, Report, Scope};
use auditlog_report::pdf::{Attachment, render};
use serde_json::json;

use parts::{chart, hash, metric, wave};
use sections::sections;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).unwrap_or_else(|| "sample.pdf".into());
    let report = report();
    let json = serde_json::to_vec_pretty(&report)?;
    let csv = b"log_index,timestamp,actor,action\n4181,2026-01-14T02:11:09Z,mallory,role.grant\n";
    let manifest = br#"{"files":["report.json","report.csv"]}"#;
    let files = [
        file(
            "report.json",
            "application/json",
            "The whole report for programs, with records and proofs of the samples",
            &json,
        ),
        file("report.csv", "text/csv", "All rows of all tables", csv),
        file(
            "manifest.json",
            "application/json",
            "SHA-256 of each part of this report",
            manifest,
        ),
    ];
    fs::write(&path, render(&report, &files)?)?;
    println!("{path}");
    Ok(())
}

fn file<'a>(name: &'a str, mime: &'a str, description: &'a str, bytes: &'a [u8]) -> Attachment<'a> {
    Attachment {
        name,
        mime,
        description,
        bytes,
    }
}

fn report() -> Report {
    let days: Vec<String> = (1..=31).map(|day| format!("01-{day:02}")).collect();
    let hours: Vec<String> = (0..24).map(|hour| format!("{hour:02}")).collect();
    let weekdays = [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ];
    let heat = weekdays.iter().enumerate().map(|(day, name)| {
        let at = |hour: usize| {
            let office = (7..19).contains(&hour) && day < 5;
            ((if office { 900 } else { 60 }) + (hour * 37 + day * 53) % 130).saturating_sub(if day > 4 {
                55
            } else {
                0
            }) as f64
        };
        (*name, (0..24).map(at).collect())
    });
    let charts = vec![
        chart(
            "Events per day",
            Form::Lines,
            "events",
            days.clone(),
            vec![
                ("All events", wave(31, 9000.0, 2400.0)),
                ("Changes", wave(31, 3100.0, 900.0)),
                ("Refused", wave(31, 160.0, 90.0)),
            ],
        ),
        chart(
            "Events by weekday and hour",
            Form::Heat,
            "events",
            hours,
            heat.collect(),
        ),
        chart(
            "Events by category",
            Form::Bars,
            "events",
            [
                "Data access",
                "Data change",
                "Authentication",
                "Access control",
                "Configuration",
                "Export",
            ]
            .map(String::from)
            .to_vec(),
            vec![("Events", vec![184_220.0, 61_004.0, 22_871.0, 1_204.0, 311.0, 96.0])],
        ),
    ];
    Report {
        format: FORMAT.into(),
        kind: Kind::Compliance,
        title: "SOC 2 Type II evidence, first quarter of 2026".into(),
        definition: Definition { id: "soc2".into(), name: "SOC 2 Type II".into(), version: "TSC 2017 (points of focus 2022)".into(), sha256: hash(1) },
        organisation: Some("Nordwind Versicherung AG".into()),
        report_id: 42,
        since: "2026-01-01T00:00:00Z".into(),
        until: "2026-04-01T00:00:00Z".into(),
        made_by: "compliance_officer".into(),
        made_at: "2026-04-02T08:15:42Z".into(),
        filters: json!({}),
        scope: Scope {
            database: "policies_production".into(),
            software: "PostgreSQL 15.20, pg_auditlog 0.1.0".into(),
            covers: vec![
                "All events that the policies of this database recorded in the period, from the inbox as well as from the sealed log.".into(),
                "Logins, refusals and changes of roles, grants and policies of the whole cluster.".into(),
                "Row changes of 42 tables under the policy «customer data», reads of 17 of them.".into(),
            ],
            limits: vec![
                "A superuser can switch off the extension; that leaves a gap or a stop event, which section «Changes to auditing» lists.".into(),
                "What happens outside of the database, such as copies of backups, is not recorded here.".into(),
                "Statements are recorded with their parameters redacted; their values cannot be shown.".into(),
            ],
        },
        integrity: Integrity {
            origin: "nordwind.example/policies_production".into(),
            log_size: 4_181_204,
            first_log_index: Some(3_902_118),
            last_log_index: Some(4_171_823),
            events: 269_706,
            gaps: 0,
            certified: 0,
            head_hash: hash(2),
            checkpoint: Some(format!("nordwind.example/policies_production\n4181204\nqN0kK5M6vYw9vTqT1s8zQb2uJ9yQK7c1o0Wc4m8n1Zk=\n\n— nordwind.example/policies_production {}\n", "az3grl+8rJtqO2vD".repeat(5))),
            anchors: vec![
                Anchor { name: "s3://audit-anchors/nordwind".into(), kind: "sink".into(), state: "in step".into(), size: Some(4_181_204) },
                Anchor { name: "witness.example".into(), kind: "witness".into(), state: "one checkpoint behind".into(), size: Some(4_180_993) },
            ],
            verified_at: Some("2026-04-02T03:00:11Z".into()),
            verified_events: Some(4_180_993),
            verified_result: "clean".into(),
            clock_offset_ms: Some(0.42),
        },
        summary: vec![
            metric("events", "Events", 269_706, None),
            metric("distinct_actors", "Actors", 214, Some("Login roles and application users")),
            metric("resources", "Resources affected", 18_402, None),
            metric("refusals", "Refused", 4_912, Some("1.8 % of all events")),
            metric("completeness", "Completeness", "100 %", Some("Every log_index of the period is there")),
            metric("seal_lag", "Longest seal lag", "2.4 s", Some("Target: below 60 s")),
            metric("verified", "Verified", "daily", None),
            metric("retention", "Retention", "7 years", Some("Oldest event: 2024-08-19")),
        ],
        charts,
        sections: sections(days),
    }
}
