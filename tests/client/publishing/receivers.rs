//! Kinds of receivers that somebody else runs, through the database: an object store, a log server.

use super::{cluster, state};
use crate::proof::{checked, public_key, record};
use auditlog_testkit::http::Server;
use auditlog_testkit::log::text;
use auditlog_testkit::{LONG, wait_until};
use std::collections::BTreeMap;
use std::io::Read;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

#[test]
fn an_object_store_gets_an_object_for_each_checkpoint() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 5);
    let key = public_key(&mut client);
    let objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
    let bucket = objects.clone();
    // the first answer gets lost: the object is there, and is put once more
    let server = Server::start(move |request| {
        let mut objects = bucket.lock().expect("no panic in the server");
        match request.method.as_str() {
            "PUT" if objects.contains_key(&request.path) => (412, "application/xml", Vec::new()),
            "PUT" => {
                let first = objects.is_empty();
                objects.insert(request.path.clone(), request.body.clone());
                (if first { 503 } else { 200 }, "application/xml", Vec::new())
            }
            _ => match objects.get(&request.path) {
                Some(body) => (200, "text/plain", body.clone()),
                None => (404, "application/xml", Vec::new()),
            },
        }
    });
    let credentials = cluster.dir().join("s3");
    std::fs::write(
        &credentials,
        "[default]\naws_access_key_id = AKID\naws_secret_access_key = s3cr3t\n",
    )
    .expect("write");
    client
        .execute(
            "SELECT auditlog.add_checkpoint_sink('worm', 's3', 's3://audit/app', jsonb_build_object('endpoint', $1::text,
                'credentials_file', $2::text, 'lock_mode', 'COMPLIANCE', 'retain_days', 365))",
            &[&server.url(), &credentials.display().to_string()],
        )
        .expect("add_checkpoint_sink()");
    let mut last = 0;
    for _ in 0..3 {
        record(&mut client, 2);
        last = checked(&text(&mut client, "SELECT auditlog.checkpoint()"), &key).size;
    }
    wait_until("all have arrived", LONG, || {
        state(&mut client, "worm") == format!("ok {last}")
    });
    let objects = objects.lock().expect("no panic in the server");
    let sizes: Vec<u64> = objects
        .iter()
        .map(|(path, note)| {
            let said = checked(std::str::from_utf8(note).expect("text"), &key);
            assert_eq!(path, &format!("/audit/app/{}/{}", said.origin, said.size));
            said.size
        })
        .collect();
    assert!(sizes.len() >= 3 && sizes.contains(&last), "{sizes:?}");
    let shown = text(&mut client, "SELECT c::text FROM auditlog.checkpoint_sinks AS c");
    assert!(!shown.contains("s3cr3t"), "{shown}");
}

#[test]
fn a_log_server_gets_each_checkpoint_as_a_message() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 5);
    let key = public_key(&mut client);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("tcp://{}", listener.local_addr().expect("an address"));
    let received: Arc<Mutex<Vec<u8>>> = Arc::default();
    let sink = received.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = Vec::new();
            // A sender that goes away is its own affair.
            let _ = stream.read_to_end(&mut bytes);
            sink.lock().expect("no panic").extend(bytes);
        }
    });
    client
        .execute("SELECT auditlog.add_checkpoint_sink('log', 'syslog', $1)", &[&address])
        .expect("add_checkpoint_sink()");
    let mut notes = Vec::new();
    for _ in 0..2 {
        record(&mut client, 2);
        notes.push(text(&mut client, "SELECT auditlog.checkpoint()"));
    }
    let last = checked(notes.last().expect("two"), &key).size;
    wait_until("all were sent", LONG, || {
        state(&mut client, "log") == format!("ok {last}")
    });
    wait_until("all have arrived", LONG, || {
        let received = String::from_utf8_lossy(&received.lock().expect("no panic")).into_owned();
        notes.iter().all(|note| received.contains(note.trim_end()))
    });
    let received = String::from_utf8(received.lock().expect("no panic").clone()).expect("text");
    // octet counting (RFC 6587): facility audit, severity notice
    let (length, rest) = received.split_once(' ').expect("a length");
    let message = &rest[..length.parse().expect("a number")];
    assert!(message.starts_with("<109>1 "), "{message}");
}
