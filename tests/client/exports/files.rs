//! `auditlog.export`: files, their manifests, and who finds what was done to them.

use super::{ask, done, folder, record, sha256, state, wait_ended};
use crate::program::Program;
use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, command, wait_until};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// A copy of an export that is ours, so that it can be changed.
fn copy(from: &Path, names: &[&str]) -> PathBuf {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let to = std::env::temp_dir().join(format!("pgal-export-{}-{number}", std::process::id()));
    fs::create_dir_all(&to).expect("a folder");
    for name in names {
        let bytes = command::as_server("cat")
            .arg(from.join(name))
            .output()
            .expect("cat")
            .stdout;
        fs::write(to.join(name), bytes).expect("write");
    }
    to
}

fn verify(manifest: &Path, key: &str) -> (Option<i32>, Value) {
    let path = manifest.display().to_string();
    let output = Program::ours().output(&["verify", &path, "--key", key, "--json"]);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", command::both(&output)));
    (output.status.code(), report)
}

fn kinds(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().filter_map(|finding| finding["kind"].as_str()).collect()
}

/// Makes the manifest say of a file what the file is now.
fn forge(folder: &Path, name: &str, events: i64) {
    let bytes = fs::read(folder.join(name)).expect("read");
    let path = folder.join(format!("{name}.manifest.json"));
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
    let hash: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    manifest["bytes"] = json!(bytes.len());
    manifest["events"] = json!(events);
    manifest["files"][0]["bytes"] = json!(bytes.len());
    manifest["files"][0]["events"] = json!(events);
    manifest["files"][0]["sha256"] = json!(hash);
    fs::write(&path, manifest.to_string()).expect("write");
}

#[test]
fn an_export_proves_itself_and_every_change_is_found() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 1_000);
    let folder = folder(&cluster, "out");
    let id = ask(&mut client, "json", "actor.id:u7*", &folder.join("some.ndjson"), "{}");
    done(&mut client, id);
    let key = text(&mut client, "SELECT auditlog.public_key()");
    let names = ["some.ndjson", "some.ndjson.proof", "some.ndjson.manifest.json"];
    let fresh = || copy(&folder, &names);

    let good = fresh();
    let (code, report) = verify(&good.join(names[2]), &key);
    assert_eq!(
        (code, &report["in_log"], &report["events"]),
        (Some(0), &json!(true), &json!(111)),
        "{report}"
    );
    let told = "SELECT extra #>> '{metadata,manifest_sha256}' FROM auditlog.events WHERE event_type = 'auditlog.export' AND operation = 'export_done'";
    wait_sealed(&mut client);
    assert_eq!(report["manifest_sha256"], json!(text(&mut client, told)));
    let lines: Vec<String> = fs::read_to_string(good.join(names[0]))
        .expect("read")
        .lines()
        .map(str::to_owned)
        .collect();
    let write = |folder: &Path, lines: &[String]| {
        fs::write(
            folder.join(names[0]),
            lines.iter().map(|line| format!("{line}\n")).collect::<String>(),
        )
        .expect("write");
    };

    // a changed line
    let changed = fresh();
    let mut other = lines.clone();
    other[50] = other[50].replace("example.org", "example.com");
    write(&changed, &other);
    let (code, report) = verify(&changed.join(names[2]), &key);
    assert_eq!((code, kinds(&report)), (Some(1), vec!["file"]), "{report}");

    // a removed line, and a manifest that says so
    let removed = fresh();
    let mut other = lines.clone();
    other.remove(50);
    write(&removed, &other);
    let (code, report) = verify(&removed.join(names[2]), &key);
    assert_eq!(code, Some(1));
    assert!(
        kinds(&report).contains(&"count") && kinds(&report).contains(&"tree"),
        "{report}"
    );
    forge(&removed, names[0], 110);
    let (code, report) = verify(&removed.join(names[2]), &key);
    assert_eq!(code, Some(1));
    assert!(kinds(&report).contains(&"tree"), "{report}");

    // two lines that have changed their places, and one with another's entry hash
    for way in 0..2 {
        let moved = fresh();
        let mut other = lines.clone();
        if way == 0 {
            other.swap(3, 4);
        } else {
            let hash = |line: &str| line.split("\"entry_hash\":\"").nth(1).expect("a hash")[..64].to_owned();
            other[3] = lines[3].replace(&hash(&lines[3]), &hash(&lines[4]));
        }
        write(&moved, &other);
        forge(&moved, names[0], 111);
        let (code, report) = verify(&moved.join(names[2]), &key);
        assert_eq!((code, &report["in_log"]), (Some(1), &json!(false)), "{report}");
    }

    // a changed count
    let counted = fresh();
    let path = counted.join(names[2]);
    let manifest = fs::read_to_string(&path)
        .expect("read")
        .replacen("\"events\": 111", "\"events\": 112", 1);
    fs::write(&path, manifest).expect("write");
    let (code, report) = verify(&path, &key);
    assert_eq!((code, kinds(&report)), (Some(1), vec!["count"]), "{report}");

    // another key, and hashes that were changed
    let other_key = text(&mut client, "SELECT auditlog.public_key()").replace("pg_auditlog/", "other/");
    assert_ne!(
        Program::ours()
            .output(&[
                "verify",
                &good.join(names[2]).display().to_string(),
                "--key",
                &other_key
            ])
            .status
            .code(),
        Some(0)
    );
    let proof = fresh();
    let mut hashes = fs::read(proof.join(names[1])).expect("read");
    hashes[40] ^= 1;
    fs::write(proof.join(names[1]), hashes).expect("write");
    let (code, report) = verify(&proof.join(names[2]), &key);
    assert_eq!((code, kinds(&report)), (Some(1), vec!["file", "tree"]), "{report}");
}

#[test]
fn every_format_becomes_a_file_and_parts_are_all_of_it() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 500);
    let folder = folder(&cluster, "out");
    let query = "event_type:export.test";
    for format in [
        "json",
        "csv",
        "csv-raw",
        "syslog",
        "cef",
        "leef",
        "ecs",
        "ocsf",
        "cloudevents",
    ] {
        let id = ask(&mut client, format, query, &folder.join(format), "{}");
        done(&mut client, id);
        let end = if format.starts_with("csv") { "\r\n" } else { "\n" };
        let rows = client
            .query("SELECT * FROM auditlog.export_rows($1, $2)", &[&format, &query])
            .expect("export_rows");
        let expected: String = rows.iter().map(|row| row.get::<_, String>(0) + end).collect();
        let here = copy(&folder, &[format, &format!("{format}.manifest.json")]);
        assert!(
            fs::read_to_string(here.join(format)).expect("read") == expected,
            "{format}"
        );
        if format != "json" {
            let key = text(&mut client, "SELECT auditlog.public_key()");
            let (code, report) = verify(&here.join(format!("{format}.manifest.json")), &key);
            assert_eq!((code, &report["events"]), (Some(0), &json!(500)), "{report}");
        }
    }
    let id = ask(
        &mut client,
        "json",
        query,
        &folder.join("parts.ndjson"),
        "{\"part_bytes\": 65536}",
    );
    done(&mut client, id);
    let files = scalar(
        &mut client,
        &format!("SELECT cardinality(files)::bigint FROM auditlog.exports WHERE id = {id}"),
    );
    assert!(files > 3, "{files}");
    let names: Vec<String> = (1..=files).map(|number| format!("parts-{number:05}.ndjson")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    let whole = copy(&folder, &["json"]);
    let parts = copy(&folder, &names);
    let joined: String = names
        .iter()
        .map(|name| fs::read_to_string(parts.join(name)).expect("read"))
        .collect();
    assert!(joined == fs::read_to_string(whole.join("json")).expect("read"));
    names.extend(["parts.ndjson.proof", "parts.ndjson.manifest.json"]);
    let key = text(&mut client, "SELECT auditlog.public_key()");
    let (code, report) = verify(&copy(&folder, &names).join("parts.ndjson.manifest.json"), &key);
    assert_eq!((code, &report["in_log"]), (Some(0), &json!(true)), "{report}");
    // nothing at all is an export, too
    let id = ask(&mut client, "json", "event_type:nothing", &folder.join("nothing"), "{}");
    done(&mut client, id);
    let here = copy(&folder, &["nothing", "nothing.proof", "nothing.manifest.json"]);
    let (code, report) = verify(&here.join("nothing.manifest.json"), &key);
    assert_eq!(
        (code, &report["in_log"], &report["events"]),
        (Some(0), &json!(true), &json!(0)),
        "{report}"
    );
    let left = command::run(command::as_server("ls").args(["-A"]).arg(&folder));
    assert!(!left.contains(".auditlog-export-"), "{left}");
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 10);
    let folder = folder(&cluster, "out");
    let to = folder.join("x").display().to_string();
    let error = refused_with(&mut client, "22004", "SELECT auditlog.export('json', '', NULL, NULL)");
    assert!(error.hint().unwrap_or_default().contains("export_rows"), "{error:?}");
    for to in [
        "relative/path",
        "/",
        "/tmp/",
        "/tmp/../etc/x",
        "http://example.org/x",
        "/tmp/a\nb",
    ] {
        refused_with(
            &mut client,
            "22023",
            &format!("SELECT auditlog.export('json', '', NULL, NULL, '{to}')"),
        );
    }
    for (format, query, options) in [
        ("xml", "", "{}"),
        ("json", "event_type:(", "{}"),
        ("json", "", "{\"part_bytes\": 7}"),
        ("json", "", "{\"columns\": []}"),
    ] {
        let sql = format!("SELECT auditlog.export('{format}', '{query}', NULL, NULL, '{to}', '{options}')");
        refused_with(&mut client, "22023", &sql);
    }
    let id = ask(&mut client, "json", "", Path::new(&to), "{}");
    done(&mut client, id);
    refused_with(
        &mut client,
        "58P02",
        &format!("SELECT auditlog.export('json', '', NULL, NULL, '{to}')"),
    );
    refused_with(&mut client, "42704", "SELECT auditlog.cancel_export(4711)");
    refused_with(&mut client, "55000", &format!("SELECT auditlog.resume_export({id})"));
    refused_with(&mut client, "42501", "DELETE FROM auditlog_data.export");
    refused_with(
        &mut client,
        "42501",
        "UPDATE auditlog_data.export SET destination = '/etc/passwd'",
    );
    cluster.create_login("anna", &["auditlog_analyst"]);
    let mut anna = cluster.connect_as("anna", "audited");
    let error = refused_with(
        &mut anna,
        "42501",
        &format!("SELECT auditlog.export('json', '', NULL, NULL, '{to}2')"),
    );
    assert!(
        error.detail().unwrap_or_default().contains("pg_write_server_files"),
        "{error:?}"
    );
    refused_with(&mut anna, "42704", &format!("SELECT auditlog.cancel_export({id})"));
}

/// What cannot be written fails, is told of, and goes on when it can be; whoever has lost the right has lost it.
#[test]
fn a_failed_export_says_why_and_is_resumed() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 2_000);
    cluster.create_login("anna", &["auditlog_analyst", "pg_write_server_files"]);
    let mut anna = cluster.connect_as("anna", "audited");
    let folder = folder(&cluster, "out");
    let chmod = |mode: &str| command::run(command::as_server("chmod").arg(mode).arg(&folder));
    chmod("500");
    let id = ask(
        &mut anna,
        "json",
        "event_type:export.test",
        &folder.join("x.ndjson"),
        "{}",
    );
    assert_eq!(wait_ended(&mut client, id), "failed");
    let error = text(
        &mut client,
        &format!("SELECT error FROM auditlog.exports WHERE id = {id}"),
    );
    assert!(
        error.contains("x.ndjson") && error.contains("Permission denied"),
        "{error}"
    );
    assert!(
        text(
            &mut client,
            "SELECT last_error FROM auditlog.stat_workers WHERE worker = 'exporter'"
        )
        .contains("Permission denied")
    );
    chmod("700");
    let resume = format!("SELECT auditlog.resume_export({id})");
    client
        .batch_execute("REVOKE auditlog_analyst FROM anna")
        .expect("REVOKE");
    client.batch_execute(&resume).expect("resume_export()");
    assert_eq!(wait_ended(&mut client, id), "failed");
    let error = text(
        &mut client,
        &format!("SELECT error FROM auditlog.exports WHERE id = {id}"),
    );
    assert!(error.contains("may not export any more"), "{error}");
    client.batch_execute("GRANT auditlog_analyst TO anna").expect("GRANT");
    client.batch_execute(&resume).expect("resume_export()");
    done(&mut client, id);
    let other = ask(
        &mut client,
        "json",
        "event_type:export.test",
        &folder.join("y.ndjson"),
        "{}",
    );
    done(&mut client, other);
    assert_eq!(sha256(&mut client, id), sha256(&mut client, other));
    let id = too_large(&cluster, &mut client, &folder);
    let error = text(
        &mut client,
        &format!("SELECT error FROM auditlog.exports WHERE id = {id}"),
    );
    assert!(
        error.contains("the export is too large") && error.contains("filters"),
        "{error}"
    );
}

/// An export that is larger than the limit, once the worker has it.
fn too_large(cluster: &Cluster, client: &mut Client, folder: &Path) -> i64 {
    cluster.change("auditlog.export_max_size", "1MB");
    let id = ask(client, "json", "event_type:export.test", &folder.join("z.ndjson"), "{}");
    assert_eq!(wait_ended(client, id), "failed");
    id
}

#[test]
fn a_cancelled_export_leaves_nothing_half_done() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 1_000);
    let folder = folder(&cluster, "out");
    // it can't read until it is cancelled, and then reads all within a moment
    let mut lock = cluster.connect("audited");
    lock.batch_execute("BEGIN; LOCK TABLE auditlog_data.log IN ACCESS EXCLUSIVE MODE")
        .expect("a lock");
    let id = ask(&mut client, "ocsf", "", &folder.join("x"), "{}");
    wait_until("it runs", LONG, || state(&mut client, id) != "waiting");
    client
        .batch_execute(&format!("SELECT auditlog.cancel_export({id})"))
        .expect("cancel_export()");
    lock.batch_execute("COMMIT").expect("COMMIT");
    assert_eq!(state(&mut client, id), "cancelled");
    wait_until("nothing is left", LONG, || {
        command::run(command::as_server("ls").args(["-A"]).arg(&folder))
            .trim()
            .is_empty()
    });
    assert_eq!(
        text(&mut client, &format!("SELECT auditlog.cancel_export({id})::text")),
        "false"
    );
    refused_with(&mut client, "55000", &format!("SELECT auditlog.resume_export({id})"));
}

/// Parquet: whole parts, without salts, counted and hashed by the manifest; a change is found.
#[test]
fn parquet_is_a_format_of_files() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 3_000);
    let folder = folder(&cluster, "out");
    let to = folder.join("some.parquet");
    let id = ask(
        &mut client,
        "Parquet",
        "event_type:export.test",
        &to,
        "{\"part_bytes\": 65536}",
    );
    done(&mut client, id);
    let files = "SELECT cardinality(files)::bigint FROM auditlog.exports WHERE id = ";
    assert!(scalar(&mut client, &format!("{files}{id}")) > 1);
    let key = text(&mut client, "SELECT auditlog.public_key()");
    let names = ["some-00001.parquet", "some-00002.parquet", "some.parquet.manifest.json"];
    let good = copy(&folder, &names);
    let head = fs::read(good.join(names[0])).expect("read");
    assert_eq!((&head[..4], &head[head.len() - 4..]), (&b"PAR1"[..], &b"PAR1"[..]));
    let salts = client
        .query(
            "SELECT salt FROM auditlog.events WHERE event_type = 'export.test' ORDER BY log_index LIMIT 20",
            &[],
        )
        .expect("salts");
    for salt in salts.iter().map(|row| row.get::<_, Vec<u8>>(0)) {
        assert!(!head.windows(salt.len()).any(|part| part == salt), "a salt has left");
    }
    let all = "SELECT string_agg(name, ' ') FROM (SELECT unnest(files) AS name FROM auditlog.exports WHERE id = ";
    let all = text(&mut client, &format!("{all}{id}) AS f"));
    let all: Vec<&str> = all.split(' ').chain([names[2]]).collect();
    let good = copy(&folder, &all);
    let (code, report) = verify(&good.join(names[2]), &key);
    assert_eq!((code, &report["events"]), (Some(0), &json!(3_000)), "{report}");
    let mut changed = fs::read(good.join(names[1])).expect("read");
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(good.join(names[1]), changed).expect("write");
    let (code, report) = verify(&good.join(names[2]), &key);
    assert_eq!(code, Some(1), "{report}");
    for call in [
        "SELECT * FROM auditlog.export_rows('parquet')".to_owned(),
        format!(
            "SELECT auditlog.export('parquet', '', NULL, NULL, '{}', '{{\"columns\": []}}')",
            to.display()
        ),
    ] {
        let error = refused_with(&mut client, "22023", &call);
        assert!(error.hint().is_some(), "{error:?}");
    }
}
