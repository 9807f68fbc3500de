//! Real records through the mappings in `examples/`. The data is not ours to ship: where it is
//! absent these tests say «skipped».

use auditlog_testkit::log::{assert_intact, assert_whole, scalar};
use auditlog_testkit::{Database, shared};
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the project's root")
}

/// The file under `../shared/data`, when there is one.
fn data(name: &str) -> Option<PathBuf> {
    let path = root().join("../shared/data").join(name);
    if !path.exists() {
        // past the capture of the test's output: somebody should see it
        let _ = writeln!(std::io::stderr(), "skipped: {} is absent", path.display());
        return None;
    }
    Some(path.canonicalize().expect("the path"))
}

fn load(db: &Database, map: &str, file: &Path) {
    let script = root().join("examples").join(map).join("load.sql");
    let file = file.to_str().expect("a path in UTF-8");
    if let Err(output) = shared().psql_file(db.name(), &[("file", file)], &script) {
        panic!("{} fails:\n{output}", script.display());
    }
}

fn lines(file: &Path) -> i64 {
    let text = std::fs::read_to_string(file).expect("the data");
    i64::try_from(text.lines().filter(|l| !l.trim().is_empty()).count()).expect("fits")
}

#[test]
fn cloudtrail_records_load_and_verify() {
    let Some(file) = data("cloudtrail/invictus.ndjson") else {
        return;
    };
    let db = Database::new();
    load(&db, "cloudtrail", &file);
    let mut admin = db.superuser();
    let events = lines(&file);
    assert_intact(&mut admin, events);
    for (what, condition) in [
        ("an actor", "actor_id IS NOT NULL OR actor_type IS NOT NULL"),
        ("the account", "account_id IS NOT NULL"),
        ("an operation", "operation IS NOT NULL"),
        ("a status", "status IS NOT NULL"),
        ("the cloud", "cloud_provider = 'aws'"),
        (
            "the source address, column or not",
            "actor_ip IS NOT NULL OR auditlog.to_json(e)#>>'{actor,ip_address}' IS NOT NULL",
        ),
    ] {
        let n = scalar(
            &mut admin,
            &format!("SELECT count(*) FROM auditlog.events e WHERE {condition}"),
        );
        assert!(n * 100 >= events * 95, "{what}: {n} of {events}");
    }
    // times come from the records, out of order as they are there
    assert!(scalar(&mut admin, "SELECT count(DISTINCT timestamp) FROM auditlog.events") > events / 10);
    // loading the same file again records nothing twice
    load(&db, "cloudtrail", &file);
    assert_intact(&mut admin, events);
}

#[test]
fn kubernetes_audit_events_load_and_verify() {
    let Some(file) = data("kubernetes/falco.ndjson") else {
        return;
    };
    let db = Database::new();
    load(&db, "kubernetes", &file);
    let mut admin = db.superuser();
    let events = scalar(&mut admin, "SELECT count(*) FROM auditlog.events");
    assert!(events > 0 && events <= lines(&file), "{events} events");
    // the file has two pairs of different records with the same auditID and stage
    assert_whole(&mut admin, events);
    let n = scalar(
        &mut admin,
        "SELECT count(*) FROM auditlog.events WHERE actor_id IS NOT NULL AND operation IS NOT NULL",
    );
    assert!(n * 100 >= events * 95, "actor and operation: {n} of {events}");
}
