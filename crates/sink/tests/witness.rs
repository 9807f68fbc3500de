//! add-checkpoint against a scripted witness.

mod support;

use std::time::Duration;

use auditlog_sink::{FailureKind, Message, deliver};
use serde_json::json;
use support::{Act, MESSAGE, Server, answer, assert_permanent, assert_retry, send, target};

const BODY: &[u8] = "old 0\n\nexample.com/log\n12\nAAAA\n\n— example.com/log BBBB\n".as_bytes();

const COSIGNATURES: &str = "— witness.example.com/1 AAAA\n— witness.example.com/1 BBBB\n";

#[test]
fn cosignatures_come_back() {
    for (prefix, path) in [
        ("", "/add-checkpoint"),
        ("/", "/add-checkpoint"),
        ("/w/1/", "/w/1/add-checkpoint"),
    ] {
        let server = Server::answering("200 OK", "Content-Type: text/plain\r\n", COSIGNATURES);
        let target = target("witness", &server.url(prefix), &json!({}));
        let receipt = deliver(&target, &Message { body: BODY, ..MESSAGE }, Duration::from_secs(5)).unwrap();
        assert_eq!(receipt.body, COSIGNATURES.as_bytes());
        let request = server.request();
        assert_eq!(request.line, format!("POST {path} HTTP/1.1"));
        assert_eq!(request.body, BODY);
    }
}

#[test]
fn something_else_than_cosignatures_is_refused() {
    for body in [
        "",
        "\n",
        "ok\n",
        "— a b",
        "— a b\n\n",
        "— a b\nx\n",
        &COSIGNATURES.repeat(2_000),
    ] {
        let server = Server::answering("200 OK", "", body);
        assert_permanent(send(&target("witness", &server.url(""), &json!({}))), "something else");
    }
    let server = Server::answering("204 No Content", "", "");
    assert_permanent(send(&target("witness", &server.url(""), &json!({}))), "204");
    let cut = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{COSIGNATURES}",
        COSIGNATURES.len() + 1
    );
    let server = Server::new(vec![Act::Answer(cut.into_bytes())]);
    assert_retry(send(&target("witness", &server.url(""), &json!({}))), "broke off");
}

#[test]
fn a_conflict_tells_the_size() {
    for (kind, body, size) in [
        ("text/x.tlog.size", "0\n", 0),
        ("text/x.tlog.size", "9223372036854775807\n", i64::MAX as u64),
        ("Text/X.TLog.Size; charset=utf-8", "17\n", 17),
    ] {
        let server = Server::answering("409 Conflict", &format!("Content-Type: {kind}\r\n"), body);
        let error = send(&target("witness", &server.url(""), &json!({}))).unwrap_err();
        assert_eq!((error.kind, error.status), (FailureKind::Conflict { size }, Some(409)));
    }
}

/// Such as a fork: nothing to be mended by another proof.
#[test]
fn a_conflict_without_a_size_is_permanent() {
    for (kind, body) in [
        ("text/plain", "17\n"),
        ("text/x.tlog.size", "17"),
        ("text/x.tlog.size", "017\n"),
        ("text/x.tlog.size", "+17\n"),
        ("text/x.tlog.size", "\n"),
        ("text/x.tlog.size", "9223372036854775808\n"),
        ("text/x.tlog.size", "1\n2\n"),
        ("text/plain", "the same size with another root"),
    ] {
        let server = Server::answering("409 Conflict", &format!("Content-Type: {kind}\r\n"), body);
        assert_permanent(send(&target("witness", &server.url(""), &json!({}))), "409");
    }
}

#[test]
fn refusals_have_the_witness_text() {
    for code in ["400 X", "403 X", "404 X", "422 X"] {
        let server = Server::answering(code, "", "unknown log");
        assert_permanent(send(&target("witness", &server.url(""), &json!({}))), "«unknown log»");
    }
    let server = Server::new(vec![
        Act::Answer(answer("429 X", "Retry-After: 3\r\n", "")),
        Act::Answer(answer("500 X", "", "")),
    ]);
    let target = target("witness", &server.url(""), &json!({}));
    assert_eq!(assert_retry(send(&target), "429"), Some(Duration::from_secs(3)));
    assert_eq!(assert_retry(send(&target), "500"), None);
}
