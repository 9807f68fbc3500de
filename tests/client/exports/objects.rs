//! Exports to object storage.

use super::{ask, done, folder, record, wait_ended};
use auditlog_testkit::http::Server;
use auditlog_testkit::log::text;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, Options, command};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

type Objects = Arc<Mutex<HashMap<String, Vec<u8>>>>;

/// What an export needs of S3: objects that are created once. The first request finds it busy.
fn bucket() -> (Server, Objects) {
    let objects: Objects = Arc::default();
    let (kept, requests) = (objects.clone(), AtomicUsize::new(0));
    let server = Server::start(move |request| {
        let tagged = "application/xml\r\nETag: \"x\"\r\nLast-Modified: Sat, 28 Nov 2026 12:00:00 GMT";
        let mut objects = kept.lock().expect("the objects");
        let first = requests.fetch_add(1, Ordering::Relaxed) == 0;
        match (request.method.as_str(), objects.get(&request.path)) {
            _ if first => (503, tagged, b"<Error><Code>SlowDown</Code></Error>".to_vec()),
            ("PUT", Some(_)) => (412, tagged, b"<Error><Code>PreconditionFailed</Code></Error>".to_vec()),
            ("PUT", None) => {
                assert_eq!(request.header("if-none-match").as_deref(), Some("*"));
                objects.insert(request.path.clone(), request.body.clone());
                (200, tagged, Vec::new())
            }
            ("GET" | "HEAD", Some(bytes)) => (200, tagged, bytes.clone()),
            _ => (404, tagged, b"<Error><Code>NoSuchKey</Code></Error>".to_vec()),
        }
    });
    (server, objects)
}

#[test]
fn an_export_reaches_a_bucket_with_its_manifest_and_overwrites_nothing() {
    let cluster = Cluster::start(&Options::default().set("auditlog.allowed_hosts", "127.0.0.1"));
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 300);
    let secrets = folder(&cluster, "credentials");
    let credentials = secrets.join("s3");
    let write = format!(
        "umask 077; printf '[default]\\naws_access_key_id = AKIDTEST\\naws_secret_access_key = sEcReT\\n' > {}",
        credentials.display()
    );
    command::run(command::as_server("sh").args(["-c", &write]));
    let (server, objects) = bucket();
    let options = format!(
        "{{\"part_bytes\": 100000, \"store\": {{\"endpoint\": \"{}\", \"credentials_file\": \"{}\"}}}}",
        server.url(),
        credentials.display()
    );
    let to = Path::new("s3://audit/exports/x.ndjson");
    let query = "event_type:export.test";
    let id = ask(&mut client, "json", query, to, &options);
    done(&mut client, id);
    let there = objects.lock().expect("the objects").clone();
    let mut names: Vec<&str> = there.keys().map(String::as_str).collect();
    names.sort_unstable();
    let parts: Vec<&str> = names.iter().copied().filter(|name| name.contains("x-0")).collect();
    assert!(
        parts.len() > 1 && parts.iter().all(|name| name.starts_with("/audit/exports/x-0000")),
        "{names:?}"
    );
    assert!(
        names.contains(&"/audit/exports/x.ndjson.proof") && names.contains(&"/audit/exports/x.ndjson.manifest.json")
    );
    let rows = client
        .query("SELECT * FROM auditlog.export_rows('json', $1)", &[&query])
        .expect("export_rows");
    let expected: String = rows.iter().map(|row| row.get::<_, String>(0) + "\n").collect();
    let got: Vec<u8> = parts.iter().flat_map(|name| there[*name].clone()).collect();
    assert!(got == expected.into_bytes());
    // nothing stays behind, and no secret is in the log
    let left = command::run(
        command::as_server("ls")
            .arg("-A")
            .arg(cluster.data().join("auditlog_exports")),
    );
    assert_eq!(left.trim(), "");
    assert!(!cluster.log().contains("sEcReT"));
    // an object of that name is there: another export fails, and says so
    let id = ask(&mut client, "json", query, to, &options.replace("100000", "120000"));
    assert_eq!(wait_ended(&mut client, id), "failed");
    let error = text(
        &mut client,
        &format!("SELECT error FROM auditlog.exports WHERE id = {id}"),
    );
    assert!(error.contains("it is not overwritten"), "{error}");
    assert!(*objects.lock().expect("the objects") == there);
    let error = refused_with(
        &mut client,
        "22023",
        "SELECT auditlog.export('json', '', NULL, NULL, 's3://audit/x', '{\"store\": {\"endpoint\": 7}}')",
    );
    assert!(error.hint().unwrap_or_default().contains("store"), "{error:?}");
    cluster.create_login("anna", &["auditlog_analyst"]);
    let mut anna = cluster.connect_as("anna", "audited");
    let sql = format!("SELECT auditlog.export('json', '', NULL, NULL, 's3://audit/y', '{options}')");
    let error = refused_with(&mut anna, "42501", &sql);
    assert!(
        error.detail().unwrap_or_default().contains("pg_read_server_files"),
        "{error:?}"
    );
}
