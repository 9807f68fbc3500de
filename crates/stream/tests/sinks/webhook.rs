//! HTTP receivers, good and bad.

use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditlog_stream::{Link, Outcome, Sent};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{
    Event, ORIGIN, Reply, Safe, Web, answer, assert_all, events, failure, hash, hex, link, refused, sink, stream,
};

type Requests = Arc<Mutex<Vec<sink::Request>>>;

fn recorder() -> (Web, Requests) {
    let requests = Requests::default();
    let own = requests.clone();
    let web = Web::new(move |request| {
        own.lock().unwrap().push(request.clone());
        answer("204 No Content", "", "")
    });
    (web, requests)
}

#[test]
fn lines_are_posted_compressed_if_asked() {
    let (web, requests) = recorder();
    let batch = events(3);
    for gzip in [false, true] {
        let config = json!({"url": web.url("/in?x=1"), "gzip": gzip, "headers": {"X-Env": "prod"}});
        assert_all(&Safe::new().once(&mut link("http", &config), &batch), 3);
    }
    let requests = requests.lock().unwrap();
    let expected: Vec<u8> = batch
        .iter()
        .flat_map(|event| [&event.body[..], b"\n"].concat())
        .collect();
    let [plain, squeezed] = &requests[..] else { panic!() };
    assert_eq!(plain.line, "POST /in?x=1 HTTP/1.1");
    assert_eq!(plain.body, expected);
    assert_eq!(plain.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(plain.header("x-env"), Some("prod"));
    assert_eq!(squeezed.header("content-encoding"), Some("gzip"));
    let mut body = Vec::new();
    GzDecoder::new(&squeezed.body[..]).read_to_end(&mut body).unwrap();
    assert_eq!(body, expected);
    // The same batch has the same name.
    let id = plain.header("idempotency-key").unwrap();
    assert!(id.starts_with("0-2-"), "{id}");
    assert_eq!(
        (Some(id), Some(id)),
        (plain.header("webhook-id"), squeezed.header("idempotency-key"))
    );
}

#[test]
fn cloud_events_have_their_key_and_a_signature() {
    let (web, requests) = recorder();
    let safe = Safe::new();
    let key = [9_u8; 32];
    safe.put("sign", &format!("whsec_{}", STANDARD.encode(key)));
    safe.put("token", "t0ken");
    let config =
        json!({"url": web.url("/"), "body": "cloudevents", "signing_secret": "secret:sign", "token": "secret:token"});
    let batch = [Event::new(0), Event::with_body(1, "CEF:0|")];
    let mut link = link("http", &config);
    assert_all(&safe.once(&mut link, &batch), 2);
    let requests = requests.lock().unwrap();
    let request = &requests[0];
    assert_eq!(
        request.header("content-type"),
        Some("application/cloudevents-batch+json; charset=utf-8")
    );
    assert_eq!(request.header("authorization"), Some("Bearer t0ken"));
    let found: Vec<Value> = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        found[1],
        json!({
            "specversion": "1.0", "id": format!("1-{}", hex(&hash(1))), "source": ORIGIN, "type": "pg_auditlog.event",
            "time": "2025-11-22T15:00:00.123457Z", "origin": ORIGIN, "logindex": "1", "entryhash": hex(&hash(1)),
            "datacontenttype": "text/plain", "data": "CEF:0|",
        })
    );
    assert_eq!(found[0]["data"]["n"], 0);
    assert_eq!(found[0]["datacontenttype"], "application/json");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let (id, time) = (
        request.header("webhook-id").unwrap(),
        request.header("webhook-timestamp").unwrap(),
    );
    assert_eq!(time, "1763823600");
    mac.update(format!("{id}.{time}.").as_bytes());
    mac.update(&request.body);
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(request.header("webhook-signature"), Some(signature.as_str()));
    let weight: usize = batch.iter().map(|event| link.stream().weight(&event.item())).sum();
    assert!(
        (request.body.len()..request.body.len() + 200).contains(&weight),
        "{weight} {}",
        request.body.len()
    );
}

fn one(web: &Web) -> Sent {
    Safe::new().once(&mut link("http", &json!({"url": web.url("/")})), &events(4))
}

#[test]
fn answers_mean_what_the_rule_says() {
    for (status, label) in [
        ("200 OK", "delivered"),
        ("202 Accepted", "delivered"),
        ("400 Bad Request", "bisect"),
        ("409 Conflict", "bisect"),
        ("422 Unprocessable", "bisect"),
        ("401 Unauthorized", "pause"),
        ("403 Forbidden", "pause"),
        ("404 Not Found", "pause"),
        ("410 Gone", "pause"),
        ("415 Unsupported Media Type", "pause"),
        ("501 Not Implemented", "pause"),
        ("301 Moved", "pause"),
        ("413 Too Large", "split"),
        ("408 Timeout", "retry"),
        ("425 Too Early", "retry"),
        ("429 Too Many", "retry"),
        ("500 Error", "retry"),
        ("502 Bad Gateway", "retry"),
        ("503 Unavailable", "retry"),
        ("504 Timeout", "retry"),
    ] {
        let web = Web::new(move |_| answer(status, "Location: http://127.0.0.1:1/\r\n", ""));
        assert_eq!(one(&web).outcome.label(), label, "{status}");
    }
    let web = Web::new(|_| answer("429 Too Many", "Retry-After: 120\r\n", ""));
    let Outcome::Retry { after, .. } = one(&web).outcome else {
        panic!()
    };
    assert_eq!(after, Some(Duration::from_secs(120)));
    let web = Web::new(|_| answer("400 Bad Request", "", r#"{"invalid-event-number":2}"#));
    let Outcome::Reject { index, .. } = one(&web).outcome else {
        panic!()
    };
    assert_eq!(index, 2);
    let web = Web::new(|_| answer("400 Bad Request", "", r#"{"invalid-event-number":4}"#));
    assert_eq!(one(&web).outcome.label(), "bisect");
    // A success that broke off is none.
    let web = Web::new(|_| Reply::Last(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_vec()));
    assert_eq!(one(&web).outcome.label(), "retry");
    for reply in [Reply::Reset, Reply::Close] {
        let web = Web::new(move |_| reply.clone());
        assert_eq!(one(&web).outcome.label(), "retry");
    }
}

#[test]
fn events_that_are_more_than_a_line_are_given_up() {
    let (web, requests) = recorder();
    let mut batch = events(5);
    batch[2] = Event::with_body(2, "{}\n{\"forged\":1}");
    let sent = Safe::new().deliver(&mut link("http", &json!({"url": web.url("/")})), &batch);
    assert_eq!(
        (sent.delivered, sent.rejected.len(), sent.rejected[0].index),
        (5, 1, 2),
        "{sent:?}"
    );
    let bodies = requests
        .lock()
        .unwrap()
        .iter()
        .map(|request| String::from_utf8_lossy(&request.body).into_owned())
        .collect::<String>();
    assert_eq!(bodies.lines().count(), 4);
    assert!(!bodies.contains("forged"));
}

#[test]
fn a_certificate_that_is_not_believed_pauses() {
    let directory = sink::Directory::new();
    let authority = sink::tls::Authority::new();
    let expired = sink::tls::serve(&authority.issue_until(&["localhost"], 2020), None, sink::tls::answer_ok);
    let ca = directory.file("ca.pem", authority.pem());
    let config = json!({"url": format!("https://localhost:{}/", expired.port()), "ca_file": ca});
    let error = failure(&Safe::new().once(&mut link("http", &config), &events(1)), "pause");
    assert!(error.message.contains("xpired"), "{error}");
    assert!(error.hint.unwrap().contains("certificate"));
}

#[test]
fn only_allowed_addresses_are_connected_to() {
    use auditlog_stream::Sender as _;
    let (web, requests) = recorder();
    let safe = Safe::new();
    let mut link = Link::new(stream("http", &json!({"url": web.url("/")})));
    assert_eq!(link.stream().hosts(), ["127.0.0.1"]);
    let batch = events(1);
    let items = crate::support::items(&batch);
    let refuse = |_: &str, _| false;
    let mut attempt = safe.attempt();
    assert_all(&link.send(&items, &attempt), 1);
    // Also not over a connection that was made when it was still allowed.
    attempt.allow = &refuse;
    let error = failure(&link.send(&items, &attempt), "pause");
    assert!(error.hint.unwrap().contains("auditlog.allowed_hosts"));
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[test]
fn configurations_are_checked() {
    assert!(refused("http", &json!({})).0.contains("url"));
    assert!(refused("http", &json!({"url": "ftp://x/"})).1.contains("https://"));
    let both = json!({"url": "https://h/", "gzip": true, "signing_secret": "secret:a"});
    assert!(refused("http", &both).0.contains("signed"));
    assert!(
        refused(
            "http",
            &json!({"url": "https://h/", "headers": {"Authorization": "Bearer s3cret"}})
        )
        .1
        .contains("secret:NAME")
    );
    assert!(
        refused("http", &json!({"url": "https://h/", "headers": {"webhook-id": "x"}}))
            .0
            .contains("webhook-id")
    );
    assert!(
        refused("http", &json!({"url": "http://h.example/", "token": "secret:a"}))
            .0
            .contains("in the clear")
    );
    let token = refused("http", &json!({"url": "https://h/", "token": "s3cret"}));
    assert!(!format!("{token:?}").contains("s3cret"), "{token:?}");
    assert!(
        refused("http", &json!({"url": "https://h/", "batch_bytes": 1}))
            .0
            .contains("batch_bytes")
    );
}
