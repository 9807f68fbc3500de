//! What becomes of a notification by what an HTTP receiver answers, and that no answer gives a secret away.

mod support;

use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use auditlog_notify::{Channel, Outcome};
use serde_json::{Value, json};
use support::sink::{Act, Directory, Server, answer, tls};
use support::{Safe, channel, detail, failure, notification};

const KINDS: [&str; 4] = ["webhook", "slack", "teams", "pagerduty"];
const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
const HOOK: &str = "/services/T0PSECRET/B0PSECRET/h00ks3cr3th00ks3cr3t0000";

/// A channel of that kind to `base`, such as `http://127.0.0.1:1234`, and its secrets.
fn set_up(kind: &str, base: &str, more: Value) -> (Channel, Safe) {
    let safe = Safe::new();
    safe.put("hook", &format!("{base}{HOOK}\n"));
    safe.put("key", ROUTING_KEY);
    safe.put("signing", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    safe.put("token", "t0ken-t0ken");
    let mut config = match kind {
        "webhook" => json!({"url": format!("{base}/in"), "signing_secret": "secret:signing", "token": "secret:token"}),
        "pagerduty" => json!({"url": format!("{base}/v2/enqueue"), "routing_key": "secret:key"}),
        _ => json!({"url": "secret:hook"}),
    };
    config
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    (channel(kind, &config), safe)
}

fn outcome(kind: &str, status: &str, headers: &str, body: &str) -> Outcome {
    let server = Server::answering(status, headers, body);
    let (channel, safe) = set_up(kind, &server.url(""), json!({}));
    safe.send(&channel, &notification())
}

#[test]
fn answers_become_outcomes_by_one_rule() {
    let rule = [
        ("200 OK", "delivered"),
        ("202 Accepted", "delivered"),
        ("204 No Content", "delivered"),
        ("302 Found", "pause"),
        ("400 Bad Request", "reject"),
        ("401 Unauthorized", "pause"),
        ("403 Forbidden", "pause"),
        ("404 Not Found", "pause"),
        ("408 Request Timeout", "retry"),
        ("410 Gone", "pause"),
        ("413 Content Too Large", "split"),
        ("415 Unsupported Media Type", "pause"),
        ("425 Too Early", "retry"),
        ("429 Too Many Requests", "retry"),
        ("500 Internal Server Error", "retry"),
        ("501 Not Implemented", "pause"),
        ("503 Service Unavailable", "retry"),
    ];
    for kind in KINDS {
        for (status, wanted) in rule {
            let outcome = outcome(kind, status, "", "why not");
            assert_eq!(outcome.label(), wanted, "{kind} {status}: {outcome:?}");
            if let Some(error) = outcome.error() {
                assert_eq!(error.status, status[..3].parse().ok(), "{error:?}");
                assert!(error.message.contains(&status[..3]), "{error}");
                assert!(
                    status.starts_with('3') || error.message.contains("«why not»"),
                    "{error}"
                );
                assert!(wanted != "pause" || error.hint.is_some(), "{kind} {status}: {error:?}");
            }
        }
    }
    for status in ["409 Conflict", "422 Unprocessable Content"] {
        assert_eq!(outcome("webhook", status, "", "").label(), "reject");
    }
}

#[test]
fn retry_after_is_honoured() {
    for kind in KINDS {
        let outcome = outcome(kind, "429 Too Many Requests", "Retry-After: 37\r\n", "");
        let Outcome::Retry { after, rest: None, .. } = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(after, Some(Duration::from_secs(37)), "{kind}");
    }
}

#[test]
fn a_wrong_routing_key_is_no_wrong_event() {
    let body = r#"{"status":"invalid event","errors":["Length of 'routing_key' is incorrect"]}"#;
    failure(&outcome("pagerduty", "400 Bad Request", "", body), "pause");
    let body = r#"{"status":"invalid event","errors":["'payload.summary' is missing"]}"#;
    failure(&outcome("pagerduty", "400 Bad Request", "", body), "reject");
}

#[test]
fn what_can_not_be_a_key_is_not_sent() {
    let pager = channel("pagerduty", &json!({"routing_key": "secret:key"}));
    let hook = channel(
        "webhook",
        &json!({"url": "https://a.example/", "signing_secret": "secret:key"}),
    );
    let token = channel("webhook", &json!({"url": "https://a.example/", "token": "secret:key"}));
    for (channel, text, part) in [
        (&pager, "hunter2\",\"x\":\"", "is no routing key"),
        (&hook, "whsec_hunter2", "is no signing secret"),
        (&hook, "whsec_aHVudGVyMg==", "is no signing secret"),
        (&token, "hunter2ü", "printable ASCII"),
    ] {
        let safe = Safe::with("key", text);
        let outcome = safe.send_within(channel, &notification(), Duration::from_secs(5), &|_, _| {
            panic!("nothing is to be connected to")
        });
        let error = failure(&outcome, "pause");
        assert!(error.message.contains(part) && error.hint.is_some(), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn an_answer_that_repeats_secrets_does_not_give_them_away() {
    for kind in KINDS {
        let body = format!(
            "no {ROUTING_KEY} here, {HOOK}, h00ks3cr3th00ks3cr3t0000, B0PSECRET, t0ken-t0ken, whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        );
        for status in ["400 Bad Request", "403 Forbidden", "500 Internal Server Error"] {
            let outcome = outcome(kind, status, "", &body);
            let told = format!("{outcome:?}");
            let hidden: &[&str] = match kind {
                "webhook" => &["t0ken-t0ken", "MfKQ9r8GKY"],
                "pagerduty" => &[ROUTING_KEY],
                _ => &["T0PSECRET", "B0PSECRET", "h00ks3cr3t"],
            };
            for secret in hidden {
                assert!(!told.contains(secret), "{kind} {status}: {told}");
            }
            assert!(told.contains("[secret]"), "{kind} {status}: {told}");
        }
    }
    let server = Server::answering("302 Found", &format!("Location: https://evil.example{HOOK}\r\n"), "");
    let (channel, safe) = set_up("slack", &server.url(""), json!({}));
    let told = format!("{:?} {channel:?} {channel}", safe.send(&channel, &notification()));
    assert!(told.contains("evil.example") && !told.contains("T0PSECRET"), "{told}");
}

#[test]
fn who_says_nothing_costs_no_more_than_the_deadline() {
    for kind in KINDS {
        for act in [
            Act::Silence,
            Act::Drip(answer("200 OK", "", "x"), Duration::from_millis(100)),
        ] {
            let server = Server::new(vec![act]);
            let (channel, safe) = set_up(kind, &server.url(""), json!({}));
            let begin = Instant::now();
            let outcome = safe.send_within(&channel, &notification(), Duration::from_millis(400), &|_, _| true);
            failure(&outcome, "retry");
            let taken = begin.elapsed();
            assert!((300..900).contains(&taken.as_millis()), "{kind}: {taken:?}");
        }
    }
}

#[test]
fn faults_of_the_network_pass() {
    for kind in KINDS {
        let closed = Server::new(vec![Act::Close]);
        let (channel, safe) = set_up(kind, &closed.url(""), json!({}));
        failure(&safe.send(&channel, &notification()), "retry");
        // The answer of a success breaks off: it may not have been taken.
        let cut = b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\nabc".to_vec();
        let cut = Server::new(vec![Act::Answer(cut)]);
        let (channel, safe) = set_up(kind, &cut.url(""), json!({}));
        failure(&safe.send(&channel, &notification()), "retry");
        // Nobody listens.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (channel, safe) = set_up(kind, &format!("http://127.0.0.1:{port}"), json!({}));
        failure(&safe.send(&channel, &notification()), "retry");
    }
}

#[test]
fn a_reset_passes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            // What was sent and not read makes the close a reset.
            thread::sleep(Duration::from_millis(100));
            let mut stream = stream.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 2");
        }
    });
    for kind in KINDS {
        let (channel, safe) = set_up(kind, &base, json!({}));
        failure(&safe.send(&channel, &notification()), "retry");
    }
}

#[test]
fn an_address_that_is_not_allowed_is_not_connected_to() {
    for kind in KINDS {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (channel, safe) = set_up(kind, &format!("http://localhost:{port}"), json!({}));
        let asked = std::cell::RefCell::new(Vec::new());
        let outcome = safe.send_within(&channel, &notification(), Duration::from_secs(5), &|host, address| {
            asked.borrow_mut().push((host.to_owned(), address.port()));
            false
        });
        let error = failure(&outcome, "pause");
        assert!(error.hint.unwrap().contains("auditlog.allowed_hosts"));
        assert!(asked.borrow().contains(&("localhost".to_owned(), port)));
        assert!(listener.accept().is_err(), "{kind} connected");
    }
}

#[test]
fn certificates_are_checked() {
    let directory = Directory::new();
    let authority = tls::Authority::new();
    let ca = directory.file("ca.pem", authority.pem());
    let cases = [
        (authority.issue(&["localhost"]), true, "delivered", ""),
        (authority.issue(&["localhost"]), false, "pause", "UnknownIssuer"),
        (authority.issue_until(&["localhost"], 2001), true, "pause", "expired"),
        (authority.issue(&["other.example"]), true, "pause", "not valid for name"),
    ];
    for (identity, trusted, wanted, part) in cases {
        let address = tls::serve(&identity, None, |stream| {
            let mut reader = std::io::BufReader::new(stream);
            if support::sink::Request::read(&mut reader, false).is_some() {
                let stream = reader.get_mut();
                let _ = stream.write_all(&answer("202 Accepted", "", ""));
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        });
        for kind in KINDS {
            let more = if trusted { json!({"ca_file": ca}) } else { json!({}) };
            let (channel, safe) = set_up(kind, &format!("https://localhost:{}", address.port()), more);
            let outcome = safe.send(&channel, &notification());
            assert_eq!(outcome.label(), wanted, "{kind} {part}: {outcome:?}");
            if let Some(error) = outcome.error() {
                assert!(error.message.to_lowercase().contains(&part.to_lowercase()), "{error}");
                assert!(error.hint.as_deref().unwrap().contains("ca_file"));
            }
        }
    }
}

#[test]
fn a_secret_address_must_be_one_and_use_tls() {
    let channel = channel("slack", &json!({"url": "secret:hook"}));
    for (text, part) in [
        ("hooks.slack.com/services/T0PSECRET", "is not a URL"),
        ("http://hooks.slack.com/services/T0PSECRET", "in the clear"),
        ("https://user:T0PSECRET@hooks.slack.com/", "is not a URL"),
    ] {
        let safe = Safe::with("hook", text);
        let outcome = safe.send_within(&channel, &notification(), Duration::from_secs(5), &|_, _| {
            panic!("nothing is to be connected to")
        });
        let error = failure(&outcome, "pause");
        assert!(error.message.contains(part), "{error}");
        assert!(!format!("{error:?}").contains("T0PSECRET"), "{error:?}");
    }
}

#[test]
fn a_request_has_what_its_receiver_asks_for() {
    for (kind, path, content_type) in [
        ("webhook", "/in", "application/cloudevents+json; charset=utf-8"),
        ("slack", HOOK, "application/json"),
        ("teams", HOOK, "application/json"),
        ("pagerduty", "/v2/enqueue", "application/json"),
    ] {
        let server = Server::answering("200 OK", "", "ok");
        let (channel, safe) = set_up(kind, &server.url(""), json!({}));
        let said = detail(safe.send(&channel, &notification()));
        assert!(said.contains("answered 200"), "{said}");
        let request = server.request();
        assert_eq!(request.line, format!("POST {path} HTTP/1.1"));
        assert_eq!(request.header("content-type"), Some(content_type));
        serde_json::from_slice::<Value>(&request.body).unwrap();
    }
}
