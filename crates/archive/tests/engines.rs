//! Engines that others have written read the archive as it is: DuckDB, pyarrow and Apache Spark. Where they can't be
//! installed these tests say «skipped».

mod support;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use auditlog_archive::{Name, Options};
use auditlog_bundle::Record;
use auditlog_bundle::content::Entries;
use auditlog_bundle::show;
use auditlog_core::decode::decode_plain;
use auditlog_core::erase::hex;
use auditlog_core::event::Event;
use auditlog_core::json::Json;
use serde_json::{Value, json};
use support::{object, records};

/// A Python that has the packages, made once for this target directory.
fn python(home: &str, packages: &[&str], imports: &str) -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(home);
    let python = home.join("bin/python");
    let ready = || ran(Command::new(&python).args(["-c", imports]));
    let there = ready()
        || ran(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))
            && ran(Command::new(&python)
                .args(["-m", "pip", "install", "-q"])
                .args(packages))
            && ready();
    if !there {
        skipped(&format!("python3 with {} can't be had", packages.join(", ")));
    }
    there.then_some(python)
}

fn ran(command: &mut Command) -> bool {
    let output = command.stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success())
}

/// Past the capture of the test's output.
fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// An archive of two objects.
fn archive(records: &[Vec<u8>]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let (first, second) = records.split_at(records.len() * 5 / 8);
    for part in [first, second] {
        let options = Options {
            row_group_bytes: 1 << 20,
            ..Options::default()
        };
        let (bytes, manifest) = object(part, options);
        let name = Name::of(&manifest);
        for (path, content) in [
            (name.object(), bytes.to_vec()),
            (
                name.manifest(),
                manifest.unsigned().file().expect("a file").into_bytes(),
            ),
        ] {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, content).expect("a file");
        }
    }
    directory
}

fn events(records: &[Vec<u8>]) -> Vec<Event> {
    let event = |bytes: &Vec<u8>| {
        let record = Record::parse(bytes).expect("a record");
        show::event(&decode_plain(record.values).expect("values")).expect("an event")
    };
    records.iter().map(event).collect()
}

#[test]
fn engines_find_what_is_in_the_log() {
    let packages = ["duckdb==2.0.1", "pyarrow==26.0.1"];
    let Some(python) = python("archive-counterparts", &packages, "import duckdb, pyarrow.dataset") else {
        return;
    };
    let records = records(4000);
    let directory = archive(&records);
    let events = events(&records);
    let id = events[1234].event_id.clone().expect("an id");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/counterparts/engines.py");
    let output = Command::new(python)
        .arg(script)
        .arg(directory.path())
        .arg(&id)
        .output()
        .expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");

    assert_eq!(found["objects"], 2);
    assert_eq!(found["rows"], 4000);
    assert_eq!(found["page_index"], true);
    assert_eq!(found["in_order"], true);
    assert_eq!(found["sorted_by"], json!(["timestamp", "log_index"]));
    assert_eq!(found["bloom"], json!([true, false]));
    let types = [
        ("timestamp", "timestamp[us, tz=UTC]", "TIMESTAMP WITH TIME ZONE"),
        ("log_index", "int64", "BIGINT"),
        ("event_id", "string", "VARCHAR"),
        ("actor_ip", "string", "VARCHAR"),
        ("entry_hash", "fixed_size_binary[32]", "BLOB"),
    ];
    for (column, of_arrow, of_duckdb) in types {
        assert_eq!(found["types"][column], of_arrow);
        assert_eq!(found["duckdb"]["types"][column], of_duckdb);
    }
    assert_eq!(found["duckdb"]["types"]["tags"], "VARCHAR[]");
    assert_eq!(found["duckdb"]["types"]["before"], "JSON");
    let first = Record::parse(&records[0]).expect("a record");
    let leaf = Entries::default().content(&first).expect("an entry").entry_hash;
    assert_eq!(found["first"]["entry_hash"], hex(&leaf));
    assert_eq!(found["first"]["salt"], hex(first.salt.expect("a salt")));

    let count = |test: &dyn Fn(&Event) -> bool| json!([[events.iter().filter(|event| test(event)).count()]]);
    let has = |json: &Option<Json>, key: &str, value: &str| {
        json.as_ref().and_then(|json| json.get(key)).and_then(Json::as_str) == Some(value)
    };
    let duckdb = &found["duckdb"];
    assert_eq!(duckdb["count"], json!([[4000, 4000]]));
    assert_eq!(duckdb["elsewhere"], json!([[0]]));
    assert_eq!(duckdb["by_id"], json!([[1234]]));
    let tagged = |event: &Event| {
        event
            .tags
            .as_ref()
            .is_some_and(|tags| tags.iter().any(|tag| tag == "pci"))
    };
    assert_eq!(duckdb["tagged"], count(&tagged));
    let gold = |event: &Event| has(&event.before, "plan", "gold") && has(&event.before, "name", "Zoë Quîntero");
    assert_eq!(duckdb["gold"], count(&gold));
    assert_ne!(duckdb["gold"], json!([[0]]));
    let failed = |event: &Event| {
        event
            .event_type
            .as_deref()
            .is_some_and(|kind| kind.starts_with("authentication."))
            && event.status.as_deref() == Some("failed")
            && event.timestamp >= Some(1_773_153_046_000_000)
    };
    assert_eq!(duckdb["failed"], count(&failed));
    let network = |event: &Event| {
        let address = event.actor_ip.map(|inet| inet.address.to_string());
        address.is_some_and(|address| address.starts_with("2001:db8:"))
    };
    assert_eq!(duckdb["network"], count(&network));
    assert_ne!(duckdb["network"], json!([[0]]));
}

/// examples/archive: DuckDB and Spark print the same lines over the same archive, and Spark finds what is in it.
#[test]
fn spark_says_the_same_as_duckdb() {
    if !ran(Command::new("java").arg("-version")) {
        return skipped("there is no Java");
    }
    let packages = ["duckdb==2.0.1", "pyspark==4.1.4"];
    let Some(python) = python("archive-spark", &packages, "import duckdb, pyspark") else {
        return;
    };
    let directory = archive(&records(400));
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/archive");
    let [duckdb, spark] = ["queries_duckdb.py", "queries_spark.py"].map(|script| {
        let output = Command::new(&python)
            .arg("-B")
            .arg(examples.join(script))
            .arg(directory.path())
            .output()
            .expect("python");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    });
    assert!(spark.contains("400"), "{spark}");
    assert_eq!(spark, duckdb);
}
