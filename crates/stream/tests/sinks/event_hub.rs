//! Azure Event Hubs over REST. The receiver computes the signature anew, and counts the bytes of a publication.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditlog_stream::Outcome;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{
    Event, NOW, ORIGIN, Reply, Safe, Web, answer, assert_all, events, failure, hash, hex, link, refused, sink,
};

const KEY: &str = "c2VjcmV0+/key==";

type Published = Arc<Mutex<Vec<Vec<Value>>>>;

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Whether an authorization was signed with the key for the hub, and holds now.
fn is_signed(authorization: &str) -> bool {
    let Some(rest) = authorization.strip_prefix("SharedAccessSignature ") else {
        return false;
    };
    let part = |name: &str| {
        rest.split('&')
            .find_map(|part| part.strip_prefix(name).and_then(|part| part.strip_prefix('=')))
            .unwrap_or_default()
    };
    let resource = percent("https://cloudpi-logs.servicebus.windows.net/audit-logs");
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(format!("{resource}\n{}", part("se")).as_bytes());
    let until: i64 = part("se").parse().unwrap();
    part("sr") == resource
        && part("skn") == "send"
        && part("sig") == percent(&STANDARD.encode(mac.finalize().into_bytes()))
        && (1..=3_660).contains(&(until - NOW / 1_000_000))
}

fn hub() -> (Web, Published) {
    let published = Published::default();
    let own = published.clone();
    let web = Web::new(move |request| receive(request, &own));
    (web, published)
}

fn receive(request: &sink::Request, published: &Published) -> Reply {
    assert_eq!(
        request.line,
        "POST /audit-logs/messages?timeout=60&api-version=2014-01 HTTP/1.1"
    );
    let authorization = request.header("authorization").unwrap();
    if !is_signed(authorization) && authorization != "Bearer entra.token" {
        return answer("401 Unauthorized", "", "<Error><Code>401</Code></Error>");
    }
    assert_eq!(
        request.header("content-type"),
        Some("application/vnd.microsoft.servicebus.json")
    );
    assert!(request.body.len() <= 1_000_000, "{} bytes", request.body.len());
    let batch: Vec<Value> = serde_json::from_slice(&request.body).unwrap();
    for event in &batch {
        let names: BTreeSet<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, BTreeSet::from(["Body", "BrokerProperties", "UserProperties"]));
        assert!(event["Body"].is_string());
    }
    published.lock().unwrap().push(batch);
    answer("201 Created", "Content-Type: application/xml; charset=utf-8\r\n", "")
}

fn config(web: &Web) -> Value {
    json!({
        "event_hub_namespace": "cloudpi-logs", "event_hub_name": "audit-logs", "endpoint": web.url(""),
        "shared_access_key": "secret:hub", "shared_access_key_name": "send",
    })
}

fn safe() -> Safe {
    let safe = Safe::new();
    safe.put("hub", KEY);
    safe.put("entra", "entra.token");
    safe
}

#[test]
fn batches_are_published_with_a_signature_or_a_token() {
    let (web, published) = hub();
    let mut batch = events(2);
    batch[1] = Event::with_body(1, "<109>1 - - - - - - zwei \"Wörter\"");
    assert_all(&safe().once(&mut link("azure_event_hub", &config(&web)), &batch), 2);
    let mut token = config(&web);
    let options = token.as_object_mut().unwrap();
    options.retain(|name, _| !name.starts_with("shared"));
    options.insert("entra_token".to_owned(), json!("secret:entra"));
    assert_all(&safe().once(&mut link("azure_event_hub", &token), &batch), 2);
    let published = published.lock().unwrap();
    let id = format!("1-{}", hex(&hash(1)));
    assert_eq!(
        published[0][1],
        json!({
            "Body": "<109>1 - - - - - - zwei \"Wörter\"",
            "UserProperties": {"origin": ORIGIN, "log_index": "1", "entry_hash": hex(&hash(1)), "event_id": id},
            "BrokerProperties": {"PartitionKey": ORIGIN},
        })
    );
    let body: Value = serde_json::from_str(published[1][0]["Body"].as_str().unwrap()).unwrap();
    assert_eq!(body["text"], "zwei \"Wörter\"\\");
}

#[test]
fn large_batches_are_split_before_they_are_sent() {
    let (web, published) = hub();
    // Quotation marks become four bytes each within JSON within JSON.
    let body = format!("{{\"a\":\"{}\"}}", "\\\"".repeat(60_000));
    let batch: Vec<Event> = (0..12).map(|index| Event::with_body(index, &body)).collect();
    let sent = safe().deliver(&mut link("azure_event_hub", &config(&web)), &batch);
    assert_all(&sent, 12);
    let published = published.lock().unwrap();
    assert!(published.len() > 1);
    let order: Vec<u64> = published
        .iter()
        .flatten()
        .map(|event| event["UserProperties"]["log_index"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(order, (0..12).collect::<Vec<_>>());
    drop(published);
    let huge = Event::with_body(0, &"x".repeat(1_000_000));
    let sent = safe().deliver(&mut link("azure_event_hub", &config(&web)), &[huge]);
    assert_eq!((sent.delivered, sent.rejected.len()), (1, 1), "{sent:?}");
}

#[test]
fn a_busy_hub_is_left_alone_for_some_seconds() {
    for (status, headers, least) in [
        ("503 Server Busy", "", 10),
        ("429 Too Many Requests", "Retry-After: 3\r\n", 10),
        ("503 Server Busy", "Retry-After: 30\r\n", 30),
        ("500 Internal Server Error", "", 10),
    ] {
        let web = Web::new(move |_| answer(status, headers, "50002"));
        let sent = safe().once(&mut link("azure_event_hub", &config(&web)), &events(1));
        let Outcome::Retry { after, .. } = sent.outcome else {
            panic!("{sent:?}")
        };
        assert_eq!(after, Some(Duration::from_secs(least)));
    }
}

#[test]
fn who_is_not_allowed_pauses_and_tells_no_secret() {
    let (web, _) = hub();
    let safe = safe();
    safe.put("hub", "another-key");
    let sent = safe.once(&mut link("azure_event_hub", &config(&web)), &events(1));
    assert!(failure(&sent, "pause").hint.is_some());
    let web = Web::new(|request| answer("403 Forbidden", "", request.header("authorization").unwrap()));
    let sent = safe.once(&mut link("azure_event_hub", &config(&web)), &events(1));
    failure(&sent, "pause");
    assert!(!format!("{sent:?}").contains("sig="), "{sent:?}");
    let web = Web::new(|_| answer("200 OK", "", "<html>"));
    failure(
        &safe.once(&mut link("azure_event_hub", &config(&web)), &events(1)),
        "pause",
    );
}

#[test]
fn configurations_are_checked() {
    let both = json!({"event_hub_namespace": "a", "event_hub_name": "b", "shared_access_key": "secret:a", "entra_token": "secret:b"});
    assert!(refused("azure_event_hub", &both).0.contains("exclude"));
    let none = json!({"event_hub_namespace": "a", "event_hub_name": "b"});
    assert!(refused("azure_event_hub", &none).0.contains("shared_access_key"));
    let name = json!({"event_hub_namespace": "a/b", "event_hub_name": "b", "shared_access_key": "secret:a"});
    assert!(refused("azure_event_hub", &name).0.contains("event_hub_namespace"));
    let key = json!({"event_hub_namespace": "a", "event_hub_name": "b", "shared_access_key": KEY});
    let (message, hint) = refused("azure_event_hub", &key);
    assert!(!format!("{message}{hint}").contains(KEY));
    let stream = crate::support::stream(
        "azure_event_hub",
        &json!({"event_hub_namespace": "cloudpi-logs", "event_hub_name": "audit-logs", "shared_access_key": "secret:k"}),
    );
    assert_eq!(stream.hosts(), ["cloudpi-logs.servicebus.windows.net"]);
    assert_eq!(stream.limits().max_bytes, 1_000_000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_weight_is_what_is_sent(bodies in prop::collection::vec("\\PC{0,40}|[\\x00-\\x7f]{0,40}", 1..8), index in any::<u64>()) {
        let web = Web::new(|request| answer("201 Created", "", &request.body.len().to_string()));
        let mut link = link("azure_event_hub", &config(&web));
        let batch: Vec<Event> = bodies
            .iter()
            .map(|body| Event { index, time: 0, class: 0, body: body.as_bytes().to_vec() })
            .collect();
        let weight: usize = batch.iter().map(|event| link.stream().weight(&event.item())).sum();
        let sent = safe().once(&mut link, &batch);
        prop_assert!(sent.answer.ends_with(&format!("«{}»", weight + 1)), "{} {}", sent.answer, weight + 1);
    }
}
