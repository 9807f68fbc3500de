//! CSV, read by the crate csv, which knows nothing of ours.

mod support;

use auditlog_format::Format;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Made, hostile, samples, writer};

/// The rows of a file that has the header and these events.
fn read(format: Format, options: Value, delimiter: u8, events: &[Made]) -> Vec<Vec<String>> {
    let writer = writer(format, options);
    let mut file = Vec::new();
    writer.header(&mut file);
    file.extend_from_slice(b"\r\n");
    for event in events {
        file.extend_from_slice(event.written(&writer).as_bytes());
        file.extend_from_slice(writer.line_end().as_bytes());
    }
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .double_quote(true)
        .from_reader(&file[..]);
    reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

/// Would a spreadsheet compute it? Written anew from OWASP's page, apart from the crate's own test.
fn computes(cell: &str) -> bool {
    let first = cell.chars().next();
    let shown = cell.trim_start_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}');
    matches!(first, Some('\t' | '\r' | '\n' | '\0')) || shown.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

const COLUMNS: [&str; 4] = ["resource_id", "tenant", "actor_email", "log_index"];

proptest! {
    #[test]
    fn raw_texts_come_back((event, texts) in hostile::event(), delimiter in prop::sample::select(&b",;|\t^ "[..])) {
        let options = json!({"columns": hostile::TEXTS, "delimiter": char::from(delimiter).to_string()});
        let rows = read(Format::CsvRaw, options, delimiter, &[event]);
        prop_assert_eq!(&rows[0], &hostile::TEXTS);
        let expected: Vec<String> = texts.iter().map(|text| text.as_deref().map_or(String::new(), hostile::lossy)).collect();
        prop_assert_eq!(&rows[1], &expected);
        prop_assert_eq!(rows.len(), 2);
    }

    #[test]
    fn safe_texts_never_compute_and_come_back((event, texts) in hostile::event()) {
        let rows = read(Format::Csv, json!({"columns": hostile::TEXTS}), b',', &[event]);
        for (cell, text) in rows[1].iter().zip(&texts) {
            prop_assert!(!computes(cell), "{:?}", cell);
            let text = text.as_deref().map_or(String::new(), hostile::lossy);
            prop_assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), text);
        }
        prop_assert_eq!(rows.len(), 2);
    }

    #[test]
    fn nulls_are_told_from_texts((event, texts) in hostile::event(), absent in prop::sample::select(vec!["", "NULL", "\\N", "a"])) {
        let writer = writer(Format::CsvRaw, json!({"columns": COLUMNS, "null": absent}));
        let line = event.written(&writer);
        // cut by hand: a field is NULL if it is the text for NULL without quotes
        let mut fields = Vec::new();
        let (mut quoted, mut start) = (false, 0);
        for (at, byte) in line.bytes().enumerate() {
            match byte {
                b'"' => quoted = !quoted,
                b',' if !quoted => {
                    fields.push(&line[start..at]);
                    start = at + 1;
                }
                _ => {}
            }
        }
        fields.push(&line[start..]);
        prop_assert_eq!(fields.len(), COLUMNS.len());
        for (field, column) in fields.iter().zip([14, 7, 10]) {
            prop_assert_eq!(*field == absent, texts[column].is_none(), "{}", field);
        }
    }

    #[test]
    fn json_comes_back(value in support::json::value()) {
        let event = samples::bare().core_json("after", &value);
        for format in [Format::Csv, Format::CsvRaw] {
            let rows = read(format, json!({"columns": ["changes.after", "log_index"]}), b',', std::slice::from_ref(&event));
            let document: Value = serde_json::from_str(&event.written(&writer(Format::Json, Value::Null))).unwrap();
            let read: Value = serde_json::from_str(&rows[1][0]).unwrap();
            prop_assert_eq!(&read, &document["changes"]["after"]);
        }
    }
}

#[test]
fn all_columns_are_there_and_rows_are_as_wide() {
    let rows = read(Format::Csv, Value::Null, b',', &samples::all());
    assert_eq!(rows.len(), samples::all().len() + 1);
    for row in &rows {
        assert_eq!(row.len(), rows[0].len());
    }
    for column in auditlog_core::columns::COLUMNS {
        assert!(rows[0].iter().any(|name| name == column.name), "{}", column.name);
    }
    let column = |name: &str| rows[0].iter().position(|other| other == name).unwrap();
    assert_eq!(rows[1][column("timestamp")], "2026-03-10T14:30:45.123Z");
    assert_eq!(rows[1][column("tags")], r#"["automation","cost-optimization"]"#);
    assert_eq!(rows[9][column("redacted")], r#"["actor.email","actor.ip_address"]"#);
    assert_eq!(rows[2][column("actor_ip")], "2001:db8::7");
    assert_eq!(rows[1][column("db_xid")], "731");
    assert_eq!(rows[8][column("actor_id")], "'=cmd|'/c calc'!A1");
}

#[test]
fn a_cell_that_another_locale_would_split_is_quoted() {
    let event = samples::bare()
        .text("tenant", "a;=1")
        .text("actor_id", "a\t=1")
        .text("method", "a|b");
    let line = event.written(&writer(
        Format::Csv,
        json!({"columns": ["tenant", "actor_id", "method", "log_index"]}),
    ));
    assert_eq!(line, "\"a;=1\",\"a\t=1\",\"a|b\",9");
    let line = event.written(&writer(Format::CsvRaw, json!({"columns": ["tenant", "actor_id"]})));
    assert_eq!(line, "a;=1,a\t=1");
}

#[test]
fn a_line_without_text_is_still_a_line() {
    for text in [None, Some("")] {
        let event = Made::new(0).int("timestamp", 0);
        let event = match text {
            Some(text) => event.text("tenant", text),
            None => event,
        };
        assert_eq!(
            event.written(&writer(Format::Csv, json!({"columns": ["tenant"]}))),
            "\"\""
        );
    }
}

#[test]
fn a_megabyte_of_quotes_comes_back() {
    let long = "\"\r\n,".repeat(250_000);
    let event = samples::bare().text("tenant", &long);
    let rows = read(Format::Csv, json!({"columns": ["tenant", "log_index"]}), b',', &[event]);
    assert_eq!(rows[1][0], long);
}

#[test]
fn a_moment_of_a_touched_row_does_not_compute() {
    let event = Made::new(0).int("timestamp", i64::MIN);
    let line = event.written(&writer(Format::Csv, json!({"columns": ["timestamp"]})));
    assert_eq!(line, "'-infinity");
}

#[test]
fn a_text_that_reads_like_null_is_quoted() {
    let event = samples::bare()
        .text("tenant", "NULL")
        .text("actor_id", "")
        .text("db_current_user", "NULLS");
    let options = json!({"columns": ["tenant", "actor_id", "method", "db_current_user"], "null": "NULL"});
    assert_eq!(event.written(&writer(Format::Csv, options)), "\"NULL\",\"\",NULL,NULLS");
    let options = json!({"columns": ["log_index", "timestamp"], "null": "9"});
    assert_eq!(
        event.written(&writer(Format::CsvRaw, options)),
        "\"9\",1970-01-01T00:00:00Z"
    );
}
