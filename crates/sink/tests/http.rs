//! HTTP against servers that answer well, badly, slowly or not at all.

mod support;

use std::time::{Duration, Instant};

use auditlog_sink::{Assurance, DeliveryError, FailureKind, Message, deliver, deliver_if};
use serde_json::json;
use support::{Act, Directory, MESSAGE, NOTE, Server, answer, assert_permanent, assert_retry, send, target};

#[test]
fn a_message_is_posted() {
    let directory = Directory::new();
    let token = directory.file("token", "s3cr3t-token\n");
    let server = Server::answering("201 Created", "", "made");
    let options = json!({"token_file": token, "headers": {"X-Team": "audit"}});
    let receipt = send(&target("http", &server.url("/in?a=b"), &options)).unwrap();
    assert_eq!(receipt.assurance, Assurance::Confirmed);
    assert_eq!(
        (receipt.status, receipt.body.as_slice(), receipt.already_there),
        (Some(201), &b"made"[..], false)
    );
    let request = server.request();
    assert_eq!(request.line, "POST /in?a=b HTTP/1.1");
    assert_eq!(request.body, NOTE.as_bytes());
    assert_eq!(request.header("host").unwrap(), server.address.to_string());
    assert_eq!(request.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(request.header("idempotency-key"), Some("example.com/log/12"));
    assert_eq!(request.header("authorization"), Some("Bearer s3cr3t-token"));
    assert_eq!(request.header("x-team"), Some("audit"));
}

#[test]
fn a_name_stands_in_the_path_encoded() {
    let server = Server::answering("204 No Content", "", "");
    let put = target(
        "http",
        &server.url("/b/{name}.txt?x=1"),
        &json!({"method": "PUT", "idempotency_header": "Key"}),
    );
    let name = "a b/ü?#%/{name}";
    deliver(&put, &Message { name, ..MESSAGE }, Duration::from_secs(5)).unwrap();
    let request = server.request();
    assert_eq!(request.line, "PUT /b/a%20b/%C3%BC%3F%23%25/%7Bname%7D.txt?x=1 HTTP/1.1");
    assert_eq!(request.header("key"), Some("a%20b/%C3%BC?#%25/{name}"));
}

#[test]
fn names_that_would_escape_are_refused() {
    let server = Server::new(vec![]);
    let put = target("http", &server.url("/b/{name}"), &json!({"method": "PUT"}));
    let long = "x".repeat(1_025);
    for name in ["", "../x", "a/../b", "a//b", "/a", "a/", "a\r\nX: y", "\u{85}", &long] {
        let result = deliver(&put, &Message { name, ..MESSAGE }, Duration::from_secs(5));
        assert_permanent(result, "name of");
    }
    for content_type in ["", " ", "text/plain\r\nX: y", "täxt"] {
        let result = deliver(
            &put,
            &Message {
                content_type,
                ..MESSAGE
            },
            Duration::from_secs(5),
        );
        assert_permanent(result, "content type");
    }
}

#[test]
fn a_token_scheme_and_header_of_others() {
    let directory = Directory::new();
    let token = directory.file("token", "abc");
    let cases = [
        (
            json!({"token_file": token, "token_scheme": "Splunk"}),
            "authorization",
            "Splunk abc",
        ),
        (json!({"token_file": token, "token_header": "X-Key"}), "x-key", "abc"),
    ];
    for (options, header, value) in cases {
        let server = Server::answering("200 OK", "", "");
        send(&target("http", &server.url("/"), &options)).unwrap();
        assert_eq!(server.request().header(header), Some(value));
    }
}

#[test]
fn a_token_file_is_read_for_each_delivery_and_must_be_a_word() {
    let directory = Directory::new();
    let token = directory.file("token", "one");
    let server = Server::new(vec![
        Act::Answer(answer("200 OK", "", "")),
        Act::Answer(answer("200 OK", "", "")),
    ]);
    let target = target("http", &server.url("/"), &json!({"token_file": token}));
    for word in ["one", "two"] {
        directory.file("token", word);
        send(&target).unwrap();
        assert_eq!(
            server.request().header("authorization").unwrap(),
            format!("Bearer {word}")
        );
    }
    for wrong in ["", " \n", "two words", "a\r\nX: y", "tökén"] {
        directory.file("token", wrong);
        let error = assert_permanent(send(&target), "no single word");
        assert!(wrong.trim().is_empty() || !error.message.contains(wrong));
    }
    std::fs::remove_file(&token).unwrap();
    assert_permanent(send(&target), "No such file");
}

/// A pipe that nobody writes to must not hold the caller.
#[test]
fn a_token_file_that_is_a_pipe_is_refused() {
    let directory = Directory::new();
    let pipe = directory.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let server = Server::new(vec![]);
    let target = target("http", &server.url("/"), &json!({"token_file": pipe.to_str().unwrap()}));
    assert_permanent(send(&target), "no regular file");
}

fn status(line: &str, headers: &str) -> DeliveryError {
    let server = Server::answering(line, headers, "the reason");
    let error = send(&target("http", &server.url("/"), &json!({}))).unwrap_err();
    assert!(
        error.message.contains("«the reason»") || line.starts_with('3'),
        "{error}"
    );
    error
}

#[test]
fn statuses_are_judged_by_the_retry_rule() {
    for code in [408_u16, 425, 429, 500, 502, 503, 504, 507, 599] {
        let error = status(&format!("{code} X"), "");
        assert_eq!(
            (error.kind, error.status),
            (FailureKind::Retry { after: None }, Some(code))
        );
    }
    for code in [
        300_u16, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 451, 501,
    ] {
        let line = format!("{code} X");
        if code == 304 {
            let server = Server::new(vec![Act::Answer(b"HTTP/1.1 304 X\r\n\r\n".to_vec())]);
            assert_permanent(send(&target("http", &server.url("/"), &json!({}))), "304");
            continue;
        }
        let error = status(&line, "Retry-After: 7\r\n");
        assert_eq!((error.kind, error.status), (FailureKind::Permanent, Some(code)));
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let after = |value: &str| match status("503 X", &format!("Retry-After: {value}\r\n")).kind {
        FailureKind::Retry { after } => after,
        other => panic!("{other:?}"),
    };
    assert_eq!(after("120"), Some(Duration::from_secs(120)));
    assert_eq!(after("0"), Some(Duration::ZERO));
    assert_eq!(after("99999999999999999999999"), Some(Duration::from_secs(86_400)));
    assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
    assert_eq!(
        after("Tue, 31 Dec 2199 23:59:59 GMT"),
        Some(Duration::from_secs(86_400))
    );
    for nonsense in ["", "-1", "soon", "1.5", "Sun, 99 Nov 1994 08:49:37 GMT"] {
        assert_eq!(after(nonsense), None, "{nonsense}");
    }
}

#[test]
fn redirects_are_not_followed() {
    let other = Server::answering("200 OK", "", "");
    let location = format!("Location: {}\r\n", other.url("/"));
    let server = Server::answering("307 Temporary Redirect", &location, "");
    let error = assert_permanent(send(&target("http", &server.url("/"), &json!({}))), "redirect");
    assert!(error.message.contains(&other.address.to_string()), "{error}");
    assert!(other.requests.recv_timeout(Duration::from_millis(300)).is_err());
}

#[test]
fn an_answer_that_repeats_the_token_does_not_leak_it() {
    let directory = Directory::new();
    let token = directory.file("token", "s3cr3t-token");
    let server = Server::answering("401 Unauthorized", "", "you sent\n\tBearer s3cr3t-token\u{1b}[31m");
    let result = send(&target("http", &server.url("/"), &json!({"token_file": token})));
    assert_permanent(result, "401: «you sent Bearer [secret] [31m»");
}

#[test]
fn bodies_in_chunks_of_unknown_length_and_after_interim_answers() {
    let answers: [&[u8]; 5] = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nabc0123456789",
        b"HTTP/1.0 200\r\ncontent-length: 13\r\n\r\nabc0123456789",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nabc0123456789 more",
        b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Length: 13\r\n\r\nabc0123456789",
    ];
    for bytes in answers {
        let server = Server::new(vec![Act::Answer(bytes.to_vec())]);
        let receipt = send(&target("http", &server.url("/"), &json!({}))).unwrap();
        assert_eq!(receipt.body, b"abc0123456789", "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_success_that_breaks_off_is_tried_again() {
    let answers: [&[u8]; 7] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nabc0123456789",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n01234",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nab",
    ];
    for bytes in answers {
        let server = Server::new(vec![Act::Answer(bytes.to_vec())]);
        assert_retry(send(&target("http", &server.url("/"), &json!({}))), "broke off");
    }
}

#[test]
fn what_is_no_answer_is_tried_again() {
    let huge = [b"HTTP/1.1 200 OK\r\n".to_vec(), b"X: y\r\n".repeat(20_000)].concat();
    let many = [
        b"HTTP/1.1 200 OK\r\n".to_vec(),
        b"X: y\r\n".repeat(200),
        b"\r\n".to_vec(),
    ]
    .concat();
    let line = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), b"y".repeat(100_000)].concat();
    let answers: [(&[u8], &str); 8] = [
        (b"", "without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "within the answer"),
        (b"220 mail.example.com ESMTP\r\n\r\n", "not HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x16\n\n", "not HTTP"),
        (&huge, "too long"),
        (&line, "too long"),
        (&many, "not HTTP"),
        (&b"HTTP/1.1 100 X\r\n\r\n".repeat(11), "too many interim"),
    ];
    for (bytes, part) in answers {
        let server = Server::new(vec![Act::Answer(bytes.to_vec())]);
        assert_retry(send(&target("http", &server.url("/"), &json!({}))), part);
    }
    let server = Server::new(vec![Act::Close]);
    assert_retry(send(&target("http", &server.url("/"), &json!({}))), "could not");
}

#[test]
fn a_huge_body_is_not_kept() {
    let body = "x".repeat(5 << 20);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let open = format!("HTTP/1.1 200 OK\r\n\r\n{body}");
    for bytes in [answer("200 OK", "", &body), chunked.into_bytes(), open.into_bytes()] {
        let server = Server::new(vec![Act::Answer(bytes)]);
        let receipt = send(&target("http", &server.url("/"), &json!({}))).unwrap();
        assert_eq!(receipt.body.len(), auditlog_sink::MAX_ANSWER_BYTES);
    }
    let server = Server::new(vec![Act::Answer(answer("500 X", "", &body))]);
    let error = send(&target("http", &server.url("/"), &json!({}))).unwrap_err();
    assert!(error.message.len() < 500, "{}", error.message.len());
}

/// The status is known although the server has not read the request to its end.
#[test]
fn an_early_answer_counts() {
    let body = vec![b'x'; 8 << 20];
    let server = Server::new(vec![Act::Early(answer("413 Too Large", "", "at most 1 MB"))]);
    let message = Message { body: &body, ..MESSAGE };
    let error = deliver(
        &target("http", &server.url("/"), &json!({})),
        &message,
        Duration::from_secs(10),
    )
    .unwrap_err();
    // The kernel may have thrown the answer away with the reset; then it is a broken connection.
    assert!(
        error.status == Some(413) && error.kind == FailureKind::Permanent || error.is_retry(),
        "{error}"
    );
}

fn within(deadline: Duration, act: Act) {
    let server = Server::new(vec![act]);
    let start = Instant::now();
    let result = deliver(&target("http", &server.url("/"), &json!({})), &MESSAGE, deadline);
    let took = start.elapsed();
    assert_retry(result, "");
    assert!(took >= deadline && took < deadline + Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_server_that_never_answers_holds_nobody() {
    within(Duration::from_millis(700), Act::Silence);
}

#[test]
fn a_server_that_answers_a_byte_at_a_time_holds_nobody() {
    let bytes = answer("200 OK", "", &"x".repeat(1_000));
    within(Duration::from_millis(700), Act::Drip(bytes, Duration::from_millis(50)));
}

#[test]
fn a_server_that_never_reads_holds_nobody() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let body = vec![b'x'; 64 << 20];
    let start = Instant::now();
    let target = target("http", &format!("http://{address}/"), &json!({}));
    let result = deliver(&target, &Message { body: &body, ..MESSAGE }, Duration::from_millis(700));
    assert_retry(result, "");
    assert!(start.elapsed() < Duration::from_millis(1_700));
}

#[test]
fn no_time_is_no_delivery() {
    let server = Server::answering("200 OK", "", "");
    let result = deliver(&target("http", &server.url("/"), &json!({})), &MESSAGE, Duration::ZERO);
    assert_retry(result, "deadline");
}

#[test]
fn nobody_there() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_retry(
        send(&target("http", &format!("http://{address}/"), &json!({}))),
        "connect to 127.0.0.1",
    );
    assert_retry(
        send(&target("http", "http://no-such-host.invalid/", &json!({}))),
        "no-such-host.invalid",
    );
}

#[test]
fn only_allowed_addresses_are_connected_to() {
    let server = Server::answering("200 OK", "", "");
    let target = target(
        "http",
        &format!("http://localhost:{}/", server.address.port()),
        &json!({}),
    );
    let result = deliver_if(&target, &MESSAGE, Duration::from_secs(5), &|address| {
        !address.ip().is_loopback()
    });
    assert_permanent(result, "not among those");
    assert!(server.requests.recv_timeout(Duration::from_millis(200)).is_err());
    deliver_if(&target, &MESSAGE, Duration::from_secs(5), &|address| {
        address.ip().is_loopback()
    })
    .unwrap();
}
