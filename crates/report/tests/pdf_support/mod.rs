//! Reports for the tests of PDF, and the tools that read PDF.
#![allow(dead_code)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use auditlog_report::model::Report;
use serde_json::{Value, json};

/// A report with a table of so many rows, in JSON.
pub fn with_rows(rows: usize) -> Report {
    let row = |row: usize| {
        json!([
            row,
            format!("2026-01-{:02}T10:00:00Z", row % 28 + 1),
            format!("user{row}@example.com"),
            "data.update",
            format!("t/{row}"),
            "ok"
        ])
    };
    let columns: Vec<Value> = [
        "log_index",
        "timestamp",
        "actor",
        "Distinct-Action",
        "resource",
        "status",
    ]
    .iter()
    .map(|name| json!({"name": name, "label": name}))
    .collect();
    let table = json!({
        "name": "rows", "caption": "Changes", "columns": columns,
        "rows": (0..rows).map(row).collect::<Vec<_>>(), "exceptions": 2, "total": rows
    });
    let mut report = minimal();
    report["sections"] = json!([section("rows", vec![table])]);
    serde_json::from_value(report).unwrap()
}

/// A section with tables.
pub fn section(id: &str, tables: Vec<Value>) -> Value {
    json!({
        "id": id, "control": "CC6.1", "title": "Changes", "asks": "What was changed.", "result": "information",
        "findings": [], "metrics": [], "tables": tables
    })
}

/// A report with nothing in it.
pub fn minimal() -> Value {
    json!({
        "format": "pg_auditlog report v1", "kind": "custom", "title": "A test",
        "definition": {"id": "test", "name": "Test", "version": "1", "sha256": "00"},
        "organisation": "Example", "report_id": 7,
        "since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z",
        "made_by": "tester", "made_at": "2026-02-01T00:00:00Z", "filters": {},
        "scope": {"database": "test", "software": "test", "covers": ["everything"], "limits": ["nothing"]},
        "integrity": {
            "origin": "test", "log_size": 10, "first_log_index": 1, "last_log_index": 9, "events": 9, "gaps": 0,
            "certified": 0, "head_hash": "00", "checkpoint": "test\n10\nAAAA\n", "anchors": [],
            "verified_at": "2026-02-01T00:00:00Z", "verified_events": 10, "verified_result": "clean",
            "clock_offset_ms": 1.5
        },
        "summary": [], "charts": [], "sections": []
    })
}

/// A file in a directory of its own that goes with it.
pub struct Written {
    _folder: tempfile::TempDir,
    pub path: PathBuf,
}

/// Writes a PDF for tools to read.
pub fn written(pdf: &[u8]) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.pdf");
    fs::write(&path, pdf).unwrap();
    Written { _folder: folder, path }
}

/// What a tool prints; none when it is not installed, which is said.
pub fn tool(name: &str, arguments: &[&str], file: &Path, more: &[&str]) -> Option<String> {
    let output = match Command::new(name).args(arguments).arg(file).args(more).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            eprintln!("skipped: {name} is not installed");
            return None;
        }
        other => other.unwrap(),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{name}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(text)
}

/// Whether qpdf finds the file sound; true when it is not installed.
pub fn assert_sound(pdf: &[u8]) {
    let file = written(pdf);
    if let Some(text) = tool("qpdf", &["--check"], &file.path, &[]) {
        assert!(text.contains("No syntax or stream encoding errors"), "{text}");
    }
}
