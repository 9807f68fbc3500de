//! Syslog and files.

mod support;

use std::net::UdpSocket;
use std::time::Duration;

use auditlog_notify::{Kind, Severity};
use serde_json::{Value, json};
use support::sink::{Directory, text_of};
use support::{Safe, channel, detail, failure, notification};

fn receiver() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let address = format!("udp://{}", socket.local_addr().unwrap());
    (socket, address)
}

fn received(socket: &UdpSocket) -> String {
    let mut buffer = vec![0; 65_536];
    let length = socket.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn syslog_has_the_severity_and_the_facts() {
    let (socket, address) = receiver();
    let mut n = notification();
    n.group[0].1 = Some("a\"b]c".to_owned());
    n.description = Some("Somebody tries\n<0>1 passwords.".to_owned());
    let syslog = channel(
        "syslog",
        &json!({"address": address, "hostname": "db1", "facility": "local0"}),
    );
    let said = detail(Safe::new().send(&syslog, &n));
    assert!(said.contains("not known"), "{said}");
    let expected = format!(
        "<131>1 2025-11-22T15:00:00.123456Z db1 pg_auditlog {} ALERT [auditlog@32473 name=\"{}\" contentType=\"text/plain; \
         charset=utf-8\" kind=\"fired\" alert=\"Multiple Failed Login Attempts\" severity=\"error\" count=\"5\" \
         group=\"actor.email = a\\\"b\\]c\" dedupKey=\"12:bob@company.com\" database=\"app\"] [ERROR] Multiple Failed Login \
         Attempts: actor.email = a\"b]c – 5 events within 5m for actor.email = a\"b]c. Somebody tries <0>1 passwords.",
        std::process::id(),
        n.id
    );
    assert_eq!(received(&socket), expected);
    for (severity, number) in [
        (Severity::Debug, 135),
        (Severity::Notice, 133),
        (Severity::Critical, 130),
    ] {
        n.severity = severity;
        detail(Safe::new().send(&syslog, &n));
        assert!(received(&socket).starts_with(&format!("<{number}>1 ")));
    }
}

#[test]
fn syslog_takes_json_and_templates() {
    let (socket, address) = receiver();
    let n = notification();
    detail(Safe::new().send(&channel("syslog", &json!({"address": address, "body": "json"})), &n));
    let text = received(&socket);
    let body: Value = serde_json::from_str(&text[text.find("] {").unwrap() + 2..]).unwrap();
    assert_eq!(body["id"], n.id);
    let template = json!({"address": address, "template": "{{alert}}/{{count}}"});
    detail(Safe::new().send(&channel("syslog", &template), &n));
    assert!(received(&socket).ends_with("] Multiple Failed Login Attempts/5"));
}

#[test]
fn what_is_too_long_for_syslog_is_cut_or_split() {
    let (socket, address) = receiver();
    let mut n = notification();
    n.description = Some("ü".repeat(5_000));
    let config =
        |body: &str, bytes: u32| channel("syslog", &json!({"address": address, "body": body, "max_bytes": bytes}));
    detail(Safe::new().send(&config("text", 1_000), &n));
    let text = received(&socket);
    assert!(
        (998..=1_000).contains(&text.len()) && text.ends_with('ü'),
        "{}",
        text.len()
    );
    // The short form of JSON fits, or nothing does.
    detail(Safe::new().send(&config("json", 2_048), &n));
    let text = received(&socket);
    serde_json::from_str::<Value>(&text[text.find("] {").unwrap() + 2..]).unwrap();
    let error = failure(&Safe::new().send(&config("json", 600), &n), "split");
    assert!(error.hint.unwrap().contains("max_bytes"));
}

#[test]
fn syslog_asks_whom_it_may_connect_to() {
    let (_socket, address) = receiver();
    let syslog = channel("syslog", &json!({"address": address}));
    let outcome = Safe::new().send_within(&syslog, &notification(), Duration::from_secs(5), &|host, _| {
        host != "127.0.0.1"
    });
    let error = failure(&outcome, "pause");
    assert!(error.hint.unwrap().contains("auditlog.allowed_hosts"), "{outcome:?}");
}

#[test]
fn a_file_has_a_line_of_json_for_each() {
    let directory = Directory::new();
    let path = directory.join("alerts.jsonl");
    let file = channel("file", &json!({"path": text_of(&path)}));
    let mut n = notification();
    n.description = Some("two\nlines".to_owned());
    assert!(detail(Safe::new().send(&file, &n)).ends_with("on disk"));
    n.kind = Kind::Resolved;
    detail(Safe::new().send(&file, &n));
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        lines[0],
        json!({
            "id": n.id, "kind": "fired", "alert": "Multiple Failed Login Attempts", "severity": "error",
            "title": "[ERROR] Multiple Failed Login Attempts: actor.email = bob@company.com",
            "text": "5 events within 5m for actor.email = bob@company.com.\ntwo\nlines",
            "count": 5, "database": "app", "fired_at": "2025-11-22T15:00:00.123456Z", "dedup_key": "12:bob@company.com",
            "description": "two\nlines", "window": "5m", "origin": "example.com/audit",
            "url": "https://audit.example.com/firings/7?a=1&b=2", "group": {"actor.email": "bob@company.com"},
            "first": {"event_id": n.first.as_ref().unwrap().event_id, "log_index": 1, "timestamp": "2025-11-22T14:59:00.123457Z"},
            "last": {"event_id": n.last.as_ref().unwrap().event_id, "log_index": 5, "timestamp": "2025-11-22T14:59:00.123461Z"},
            "samples": n.samples, "labels": {"team": "security"},
        })
    );
    assert_eq!(lines[1]["kind"], "resolved");
    let nowhere = channel("file", &json!({"path": text_of(&directory.join("no/where"))}));
    failure(&Safe::new().send(&nowhere, &n), "pause");
}

#[test]
fn an_id_that_could_be_something_else_is_refused() {
    let directory = Directory::new();
    let file = channel("file", &json!({"path": text_of(&directory.join("a"))}));
    let mut n = notification();
    for id in ["", "a b", "a.b", "a/b", "a\r\nX: y", "ä", &"a".repeat(129)] {
        n.id = id.to_owned();
        let error = failure(&Safe::new().send(&file, &n), "reject");
        assert!(error.message.contains("the id"), "{error}");
    }
}
