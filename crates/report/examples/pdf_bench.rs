//! Time and memory of a PDF with one long table: `cargo run --release --example pdf_bench -p auditlog-report -- [ROWS] [FILE]`.

use std::env;
use std::error::Error;
use std::fs;
use std::time::Instant;

use auditlog_report::model::Report;
use auditlog_report::pdf::{Limits, render_with};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let rows: usize = env::args().nth(1).map_or(Ok(5_000), |rows| rows.parse())?;
    let report = report(rows)?;
    let before = peak()?;
    let start = Instant::now();
    let pdf = render_with(&report, &[], &Limits { rows })?;
    let taken = start.elapsed();
    println!(
        "{rows} rows: {:.0} ms, {:.1} MB written, peak {:.1} MB (before: {:.1} MB)",
        taken.as_secs_f64() * 1e3,
        pdf.len() as f64 / 1e6,
        peak()?,
        before
    );
    if let Some(path) = env::args().nth(2) {
        fs::write(path, pdf)?;
    }
    Ok(())
}

/// Peak of the process's memory in MB.
fn peak() -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM in /proc/self/status")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

fn report(rows: usize) -> Result<Report, Box<dyn Error>> {
    let row = |row: usize| {
        json!([
            3_902_118 + row,
            format!("2026-01-{:02}T{:02}:{:02}:09.123456Z", row % 28 + 1, row % 24, row % 60),
            format!("user{}@nordwind.example", row % 977),
            "data.update",
            format!("customers.contacts/{}", row * 7919 % 100_003),
            format!("UPDATE customers.contacts SET phone = $1 WHERE id = $2 -- request {row}"),
        ])
    };
    let columns: Vec<Value> = ["log_index", "timestamp", "actor", "action", "resource", "detail"]
        .iter()
        .map(|name| json!({"name": name, "label": name}))
        .collect();
    let report = json!({
        "format": "pg_auditlog report v1", "kind": "custom", "title": "Long table",
        "definition": {"id": "long", "name": "Long table", "version": "1", "sha256": "00"},
        "report_id": 1, "since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z",
        "made_by": "bench", "made_at": "2026-02-01T00:00:00Z", "filters": {},
        "scope": {"database": "bench", "software": "bench", "covers": [], "limits": []},
        "integrity": {
            "origin": "bench", "log_size": rows, "first_log_index": 1, "last_log_index": rows, "events": rows, "gaps": 0,
            "certified": 0, "head_hash": "00", "checkpoint": null, "anchors": [], "verified_at": null,
            "verified_events": null, "verified_result": "not run", "clock_offset_ms": null
        },
        "summary": [], "charts": [],
        "sections": [{
            "id": "rows", "title": "Rows", "asks": "All rows.", "result": "information", "findings": [], "metrics": [],
            "tables": [{
                "name": "rows", "caption": "Rows", "columns": columns, "rows": (0..rows).map(row).collect::<Vec<_>>(),
                "exceptions": 3.min(rows), "total": rows
            }]
        }]
    });
    Ok(serde_json::from_value(report)?)
}
