//! Writes hostile events in every format, and what is in them, for readers that are not ours:
//! `cargo run -p auditlog-format --example oracle -- DIRECTORY [events]`. Used by `tests/oracle/run.sh`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;

use auditlog_format::{Format, Writer};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use support::{Made, hostile, samples, writer};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().expect("a directory"));
    let count = arguments.next().map_or(500, |count| count.parse().expect("a number"));
    let mut runner = TestRunner::deterministic();
    let generated = (0..count).map(|_| {
        let tree = hostile::event().new_tree(&mut runner).expect("an event");
        let (event, texts) = tree.current();
        let text = |text: &Option<Vec<u8>>| text.as_deref().map_or(Value::Null, |text| hostile::lossy(text).into());
        let columns = hostile::TEXTS
            .iter()
            .zip(&texts)
            .map(|(name, value)| ((*name).to_owned(), text(value)));
        (event, Value::Object(columns.collect()))
    });
    let made = samples::all().into_iter().map(|event| (event, Value::Null));
    let events: Vec<(Made, Value)> = made.chain(generated).collect();

    let mut expected = String::new();
    for (event, texts) in &events {
        expected += &json!({"log_index": event.log_index, "texts": texts}).to_string();
        expected.push('\n');
    }
    fs::write(directory.join("expected.jsonl"), expected).expect("the expected texts");
    for format in Format::ALL {
        save(&directory.join(format.label()), &writer(format, Value::Null), &events);
    }
    save(
        &directory.join("ocsf-1.8.0"),
        &writer(Format::Ocsf, json!({"version": "1.8.0"})),
        &events,
    );
    save(
        &directory.join("leef-1.0"),
        &writer(Format::Leef, json!({"version": "1.0"})),
        &events,
    );

    let syslog = writer(Format::Syslog, json!({"max_bytes": 60_000}));
    let mut frames = Vec::new();
    for (event, _) in &events {
        let line = event.written(&syslog);
        frames.extend_from_slice(format!("{} {line}", line.len()).as_bytes());
    }
    fs::write(directory.join("frames"), frames).expect("the frames");
}

fn save(path: &std::path::Path, writer: &Writer, events: &[(Made, Value)]) {
    let mut out = Vec::new();
    writer.header(&mut out);
    if !out.is_empty() {
        out.extend_from_slice(writer.line_end().as_bytes());
    }
    for (event, _) in events {
        out.extend_from_slice(event.written(writer).as_bytes());
        out.extend_from_slice(writer.line_end().as_bytes());
    }
    fs::write(path, out).expect("a file");
}
