//! Each kind reaches its receiver with the settings that its vendor knows by name.

use super::{cluster, create, directory, expected, record, secret, wait_passed};
use auditlog_testkit::http::Server;
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Cluster, LONG, wait_until};
use serde_json::{Value, json};
use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const QUERY: &str = "event_type:resource.modify";

fn modify(client: &mut Client, times: i64) {
    record(client, "resource.modify", times);
}

fn modified(client: &mut Client) -> Vec<String> {
    expected(client, "event_type = 'resource.modify'")
}

#[test]
fn splunk_gets_events_with_the_source_type_of_the_seed() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let server = Server::start(|_| (200, "application/json", b"{\"text\":\"Success\",\"code\":0}".to_vec()));
    let config = json!({
        "hec_url": server.url(), "hec_token": secret(&cluster, "hec", "0a1b2c3d-0000-4000-8000-123456789abc"),
        "source_type": "cloudpi:audit", "gzip": false,
    });
    create(&mut client, "splunk", "splunk_hec", &config, QUERY);
    modify(&mut client, 30);
    wait_passed(&mut client, "splunk");
    let mut ids = Vec::new();
    for request in server.requests() {
        assert_eq!(request.path, "/services/collector/event");
        let token = request.header("authorization");
        assert_eq!(token.as_deref(), Some("Splunk 0a1b2c3d-0000-4000-8000-123456789abc"));
        // Objects one behind the other.
        for object in serde_json::Deserializer::from_slice(&request.body).into_iter::<Value>() {
            let object = object.expect("an object");
            assert_eq!(object["sourcetype"], "cloudpi:audit");
            assert!(object["fields"]["log_index"].is_string() && object["fields"]["entry_hash"].is_string());
            ids.push(super::id(&object["event"]));
        }
    }
    assert_eq!(ids, modified(&mut client));
}

#[test]
fn an_event_hub_gets_events_in_its_envelope() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let server = Server::start(|_| (201, "application/xml", Vec::new()));
    let config = json!({
        "event_hub_namespace": "cloudpi-logs", "event_hub_name": "audit-logs",
        "shared_access_key": secret(&cluster, "hub", "c2VjcmV0+/key=="), "endpoint": server.url(),
    });
    create(&mut client, "sentinel", "azure_event_hub", &config, QUERY);
    modify(&mut client, 30);
    wait_passed(&mut client, "sentinel");
    let mut ids = Vec::new();
    for request in server.requests() {
        assert!(request.path.starts_with("/audit-logs/messages"), "{}", request.path);
        assert!(
            request
                .header("authorization")
                .is_some_and(|it| it.starts_with("SharedAccessSignature "))
        );
        let batch: Vec<Value> = serde_json::from_slice(&request.body).expect("an array");
        for event in batch {
            let body: Value = serde_json::from_str(event["Body"].as_str().expect("a body")).expect("JSON");
            ids.push(super::id(&body));
        }
    }
    assert_eq!(ids, modified(&mut client));
}

fn credentials(cluster: &Cluster) -> String {
    let path = cluster.dir().join("credentials");
    let text = "[default]\naws_access_key_id = AKID\naws_secret_access_key = s3cr3t\n";
    std::fs::write(&path, text).expect("a file");
    auditlog_testkit::command::run(std::process::Command::new("chmod").arg("644").arg(&path));
    path.display().to_string()
}

#[test]
fn security_lake_gets_parquet_in_its_partitions() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let server = Server::start(|_| (200, "text/plain", Vec::new()));
    let config = json!({
        "account_id": "123456789012", "region": "us-east-1", "s3_bucket": "aws-security-lake-logs", "endpoint": server.url(),
        "credentials_file": credentials(&cluster), "batch_seconds": 1,
    });
    create(&mut client, "lake", "aws_security_lake", &config, QUERY);
    modify(&mut client, 30);
    wait_passed(&mut client, "lake");
    let requests = server.requests();
    assert!(!requests.is_empty());
    for request in requests {
        let path = request.path.replace("%3D", "=");
        assert!(
            path.starts_with("/aws-security-lake-logs/ext/pg_auditlog_")
                && path.contains("/region=us-east-1/accountId=123456789012/eventDay="),
            "{path}"
        );
        assert!(path.ends_with(".parquet") && request.body.starts_with(b"PAR1") && request.body.ends_with(b"PAR1"));
    }
}

#[test]
fn an_object_store_gets_objects_that_are_never_overwritten() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let path = directory(&cluster, "objects");
    let config = json!({"url": path, "compression": "none", "batch_seconds": 1});
    create(&mut client, "objects", "object_store", &config, QUERY);
    modify(&mut client, 30);
    wait_passed(&mut client, "objects");
    let found = auditlog_testkit::command::run(std::process::Command::new("find").arg(&path).args(["-type", "f"]));
    let mut files: Vec<&str> = found.lines().collect();
    files.sort_unstable();
    let ids: Vec<String> = files
        .iter()
        .flat_map(|file| super::lines(&std::fs::read(file).expect("an object")))
        .map(|event| super::id(&event))
        .collect();
    assert_eq!(ids, modified(&mut client));
}

#[test]
fn syslog_gets_one_message_for_each_event() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = received.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (kept, mut stream) = (kept.clone(), stream);
            std::thread::spawn(move || {
                let mut buffer = [0; 65_536];
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    kept.lock().expect("no panic").extend_from_slice(&buffer[..read]);
                }
            });
        }
    });
    create(
        &mut client,
        "tcp",
        "syslog",
        &json!({"address": format!("tcp://{address}")}),
        QUERY,
    );
    modify(&mut client, 30);
    wait_passed(&mut client, "tcp");
    let ids = modified(&mut client);
    wait_until("all messages are there", LONG, || {
        let bytes = received.lock().expect("no panic").clone();
        frames(&bytes).len() >= ids.len()
    });
    let bytes = received.lock().expect("no panic").clone();
    let messages = frames(&bytes);
    for (message, id) in messages.iter().zip(&ids) {
        assert!(
            message.starts_with("<110>1 ") && message.contains(id.as_str()),
            "{message}"
        );
        assert!(
            message.contains("logIndex=") || message.contains("log_index"),
            "{message}"
        );
    }
    assert_eq!(messages.len(), ids.len());
}

/// Messages with their lengths before them (RFC 6587).
fn frames(mut bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(space) = bytes.iter().position(|byte| *byte == b' ') {
        let length: usize = String::from_utf8_lossy(&bytes[..space]).parse().expect("a length");
        let Some(message) = bytes.get(space + 1..space + 1 + length) else {
            break;
        };
        found.push(String::from_utf8_lossy(message).into_owned());
        bytes = &bytes[space + 1 + length..];
    }
    found
}

#[test]
fn datagrams_are_best_effort_and_say_so() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    let address = format!("udp://{}", socket.local_addr().expect("an address"));
    client
        .execute(
            "SELECT auditlog.create_sink('udp', 'syslog', jsonb_build_object('address', $1::text), $2, 'cef')",
            &[&address, &QUERY],
        )
        .expect("create_sink()");
    modify(&mut client, 1);
    let mut buffer = [0; 65_536];
    let read = socket.recv(&mut buffer).expect("a datagram");
    let message = String::from_utf8_lossy(&buffer[..read]).into_owned();
    assert!(message.contains("CEF:0|"), "{message}");
    let effort = "SELECT best_effort::text FROM auditlog.sinks";
    assert_eq!(auditlog_testkit::log::text(&mut client, effort), "true");
}
