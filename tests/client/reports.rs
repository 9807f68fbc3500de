//! Reports: frameworks over a generated year, who may make them, what becomes of them, and whether the files hold.

mod custom;
mod deliveries;
mod evidence;
mod files;
mod frameworks;
mod lifecycle;
mod people;
mod summary;
mod year;

use auditlog_testkit::log::text;
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{LONG, wait_until};
use serde_json::Value;

/// Asks for a report on a framework; returns its number.
pub fn ask(client: &mut Client, framework: &str, since: &str, until: &str, filters: &str) -> i64 {
    client
        .query_one(
            "SELECT auditlog.generate_report($1, $2::text::timestamptz, $3::text::timestamptz, $4::text::jsonb)",
            &[&framework, &since, &until, &filters],
        )
        .unwrap_or_else(|e| panic!("{framework}: {e:?}"))
        .get(0)
}

/// Waits until it is made.
pub fn done(client: &mut Client, id: i64) {
    wait_until("the report has ended", LONG, || {
        !matches!(state(client, id).as_str(), "waiting" | "running")
    });
    let error = text(
        client,
        &format!("SELECT coalesce(error, '') FROM auditlog.reports WHERE id = {id}"),
    );
    assert_eq!((state(client, id).as_str(), error.as_str()), ("done", ""));
}

pub fn state(client: &mut Client, id: i64) -> String {
    text(client, &format!("SELECT state FROM auditlog.reports WHERE id = {id}"))
}

/// A file of a report.
pub fn file(client: &mut Client, id: i64, format: &str) -> Vec<u8> {
    client
        .query_one("SELECT auditlog.report_file($1, $2)", &[&id, &format])
        .unwrap_or_else(|e| panic!("{format}: {e:?}"))
        .get(0)
}

pub fn json(client: &mut Client, id: i64) -> Value {
    serde_json::from_slice(&file(client, id, "json")).expect("JSON")
}

/// A section by its control or title.
pub fn section<'a>(report: &'a Value, control: &str) -> &'a Value {
    let sections = report["sections"].as_array().expect("sections");
    sections
        .iter()
        .find(|section| section["control"] == control || section["title"] == control)
        .unwrap_or_else(|| panic!("no section {control}"))
}

/// Kinds of a section's findings.
pub fn findings(section: &Value) -> Vec<&str> {
    let findings = section["findings"].as_array().expect("findings");
    findings.iter().filter_map(|finding| finding["kind"].as_str()).collect()
}

/// A figure of a section.
pub fn metric(section: &Value, name: &str) -> Option<i64> {
    let metrics = section["metrics"].as_array().expect("metrics");
    metrics.iter().find(|metric| metric["name"] == name)?["value"].as_i64()
}
