//! The files of a report: the same report gives the same bytes, and only those are a report.

use std::collections::BTreeMap;

use auditlog_report::csv::{HEADER, to_bytes, write};
use auditlog_report::files::{FileError, Files, from_json, sha256, to_json};
use auditlog_report::manifest::Manifest;
use auditlog_report::synthetic::Synthetic;
use serde_json::{Value, json};

#[test]
fn json_comes_back_and_is_the_only_text_of_a_report() {
    let report = Synthetic::new(4).report;
    let bytes = to_json(&report);
    assert_eq!(from_json(&bytes).expect("a report"), report);
    assert!(bytes.starts_with(b"{\n  \"format\": \"pg_auditlog report v1\",\n") && bytes.ends_with(b"}\n"));

    let text = String::from_utf8(bytes.clone()).expect("UTF-8");
    let rewritten = [
        text.trim_end().to_owned(),
        text.replacen("  \"kind\"", " \"kind\"", 1),
        text.replacen("\"report_id\": 7", "\"report_id\": 7.0e0", 1),
        // a member of free JSON twice: readers would take the one or the other
        text.replacen("\"resources\": []", "\"resources\": [1],\n    \"resources\": []", 1),
        text.replacen("0.30000000000000004", "0.300000000000000040", 1),
        text.replacen("Größe", "Gr\\u00f6\\u00dfe", 1),
    ];
    for text in rewritten {
        assert_ne!(text.as_bytes(), bytes);
        assert!(from_json(text.as_bytes()).is_err(), "{text:.80}");
    }
    let twice = text.replacen("\"report_id\": 7,", "\"report_id\": 7,\n  \"report_id\": 7,", 1);
    assert!(matches!(from_json(twice.as_bytes()), Err(FileError::Json(_))));
    let newer = text.replacen("report v1", "report v2", 1);
    assert!(matches!(from_json(newer.as_bytes()), Err(FileError::Format(format)) if format.ends_with("v2")));
}

#[test]
fn a_number_that_json_does_not_have_leaves_no_file() {
    let mut report = Synthetic::new(4).report;
    report.charts[0].series[0].values[0] = f64::NAN;
    assert!(matches!(Files::of(&report), Err(FileError::Json(_))));
}

#[test]
fn the_manifest_names_the_files() {
    let report = Synthetic::new(4).report;
    let files = Files::of(&report).expect("files");
    let manifest = Manifest::from_json(&files.manifest).expect("a manifest");
    let json = manifest.file("report.json").expect("the JSON");
    assert_eq!(
        (json.bytes, &json.sha256),
        (files.json.len() as u64, &sha256(&files.json))
    );
    let csv = manifest.file("report.csv").expect("the CSV");
    assert_eq!((csv.bytes, &csv.sha256), (files.csv.len() as u64, &sha256(&files.csv)));
    assert_eq!(manifest.to_json(), files.manifest);
    assert_eq!(Files::of(&report).expect("files"), files);
}

/// Cells by section, part, table, row and column.
type Cells = BTreeMap<(String, String, String, u32, String), (String, String, String)>;

fn cells(bytes: &[u8]) -> Cells {
    let mut reader = csv::Reader::from_reader(bytes);
    assert_eq!(reader.headers().expect("a header"), &HEADER[..]);
    let mut cells = Cells::new();
    for record in reader.records() {
        let record = record.expect("a record");
        let [section, _, part, table, row, exception, column, kind, value] =
            std::array::from_fn(|at| record[at].to_owned());
        let place = (section, part, table, row.parse().expect("a number"), column);
        let twice = cells.insert(place.clone(), (exception, kind, value));
        assert!(twice.is_none(), "two values at {place:?}");
    }
    cells
}

#[test]
fn csv_has_each_value_at_a_place_of_its_own() {
    let report = Synthetic::new(4).report;
    let cells = cells(&to_bytes(&report));
    let get = |section: &str, part: &str, table: &str, row: u32, column: &str| {
        let place = [section, part, table].map(str::to_owned);
        let [section, part, table] = place;
        cells.get(&(section, part, table, row, column.to_owned())).cloned()
    };
    let text =
        |exception: &str, kind: &str, value: &str| Some((exception.to_owned(), kind.to_owned(), value.to_owned()));
    assert_eq!(
        get("report", "report", "report", 1, "title"),
        text("", "text", &report.title)
    );
    assert_eq!(
        get("report", "integrity", "integrity", 1, "log_size"),
        text("", "number", "300")
    );
    assert_eq!(
        get("report", "chart", "1: Events by day", 2, "value"),
        text("", "number", "80.0")
    );
    assert_eq!(get("auditing", "section", "section", 1, "query"), text("", "null", ""));
    // an apostrophe before a formula
    assert_eq!(
        get("CC6.1", "section", "section", 1, "notes"),
        text("", "text", "'=HYPERLINK is what a formula begins with")
    );
    for section in &report.sections {
        for table in &section.tables {
            for (at, row) in table.rows.iter().enumerate() {
                for (column, value) in table.columns.iter().zip(row) {
                    let (exception, _, shown) =
                        get(&section.id, "table", &table.name, at as u32 + 1, &column.name).expect("a cell");
                    assert_eq!(exception == "true", (at as u64) < table.exceptions);
                    assert_eq!(shown, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                }
            }
        }
    }
}

#[test]
fn no_text_becomes_a_formula_or_a_second_cell() {
    let mut report = Synthetic::new(4).report;
    let hostile = [
        "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", " =1", "＝1", "'=1", "a;=1", "a,=1", "a\"=1",
        "a\r\n=1", "-1+1|cmd",
    ];
    let table = &mut report.sections[0].tables[0];
    table.rows = hostile.iter().map(|text| vec![json!(text), json!(-5)]).collect();
    report.sections[0].tables[0].columns[1].name = "=x".to_owned();
    let bytes = to_bytes(&report);
    // outside of quotes stand numbers and delimiters only: no locale finds a formula there
    let mut quoted = false;
    let header = bytes.iter().position(|byte| *byte == b'\n').expect("a header");
    for byte in &bytes[header + 1..] {
        match byte {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b',' | b'\r' | b'\n' | b'0'..=b'9' | b'.' | b'-' => {}
            other => panic!("{:?} outside of quotes", *other as char),
        }
    }
    let cells = cells(&bytes);
    for (at, text) in hostile.iter().enumerate() {
        let place = ["CC6.1", "table", "groups"].map(str::to_owned);
        let [section, part, name] = place;
        let key = |column: &str| {
            (
                section.clone(),
                part.clone(),
                name.clone(),
                at as u32 + 1,
                column.to_owned(),
            )
        };
        let (_, _, shown) = &cells[&key("action.status")];
        // a leading apostrophe is always ours, so that the text comes back
        assert_eq!(shown.strip_prefix('\'').unwrap_or(shown), *text);
        assert!(
            !shown
                .trim_start_matches(|c: char| c.is_whitespace() || c == '\0')
                .starts_with(['=', '+', '-', '@', '＝']),
            "{shown}"
        );
        assert_eq!(cells[&key("'=x")].2, "-5");
    }
}

#[test]
fn values_keep_their_type() {
    let mut report = Synthetic::new(4).report;
    let values = [
        Value::Null,
        json!(""),
        json!(true),
        json!("true"),
        json!(1.50),
        json!("1.50"),
        json!([1, "a"]),
    ];
    report.sections[0].tables[0].rows = values.iter().map(|value| vec![value.clone(), json!(1)]).collect();
    let cells = cells(&to_bytes(&report));
    let kinds: Vec<(String, String)> = (1..=values.len() as u32)
        .map(|row| {
            let place = ["CC6.1", "table", "groups"].map(str::to_owned);
            let [section, part, table] = place;
            let (_, kind, value) = cells[&(section, part, table, row, "action.status".to_owned())].clone();
            (kind, value)
        })
        .collect();
    let expected = [
        ("null", ""),
        ("text", ""),
        ("boolean", "true"),
        ("text", "true"),
        ("number", "1.5"),
        ("text", "1.50"),
        ("json", "[1,\"a\"]"),
    ];
    assert_eq!(kinds, expected.map(|(kind, value)| (kind.to_owned(), value.to_owned())));
}

#[test]
fn a_full_disk_is_an_error() {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let report = Synthetic::new(4).report;
    assert!(write(&report, Full(1 << 14)).is_err());
    assert!(write(&report, Full(1 << 24)).is_ok());
}
