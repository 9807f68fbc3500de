//! Splunk's collector, by its documented codes.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::hec::{Fault, Hec, State};
use crate::support::{
    Event, NOW, ORIGIN, Reply, Safe, TOKEN, Web, answer, assert_all, events, failure, hash, hex, link, refused,
};
use auditlog_stream::{Outcome, Rejected};
use serde_json::{Value, json};

fn with(mut config: Value, more: Value) -> Value {
    config
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    config
}

#[test]
fn events_arrive_in_their_envelope() {
    let hec = Hec::new(State::default());
    let safe = Safe::new();
    let mut batch = events(3);
    batch[1] = Event::with_body(1, "CEF:0|a|b|c|d|e|5|msg=\"x\" \\=\ty");
    let config = with(hec.config(), json!({"index": "audit", "host": "db1", "gzip": false}));
    let mut link = link("splunk_hec", &config);
    let stream = link.stream().clone();
    let sent = safe.once(&mut link, &batch);
    assert_all(&sent, 3);
    assert!(sent.answer.contains("\"code\":0"), "{}", sent.answer);
    let state = hec.state();
    assert_eq!(
        state.received[1],
        json!({
            "time": serde_json::from_str::<Value>("1763823600.123457").unwrap(),
            "host": "db1", "source": "pg_auditlog", "sourcetype": "cloudpi:audit", "index": "audit",
            "event": "CEF:0|a|b|c|d|e|5|msg=\"x\" \\=\ty",
            "fields": {"origin": ORIGIN, "log_index": "1", "entry_hash": hex(&hash(1))},
        })
    );
    assert_eq!(state.received[2]["event"]["text"], "zwei \"Wörter\"\\");
    // What counts as the weight is what is sent.
    let weight: usize = batch.iter().map(|event| stream.weight(&event.item())).sum();
    assert_eq!(weight, state.requests[0].body.len());
    assert_eq!(state.requests[0].line, "POST /services/collector/event HTTP/1.1");
    assert_eq!(state.requests[0].header("x-splunk-request-channel"), None);
}

#[test]
fn batches_go_compressed_over_one_connection() {
    let hec = Hec::new(State::default());
    let safe = Safe::new();
    let mut link = link("splunk_hec", &hec.config());
    for _ in 0..3 {
        assert_all(&safe.once(&mut link, &events(100)), 100);
    }
    let state = hec.state();
    assert_eq!(state.received.len(), 300);
    for request in &state.requests {
        assert_eq!(request.header("content-encoding"), Some("gzip"));
        assert_eq!(request.header("connection"), Some("keep-alive"));
        assert!(request.body.len() < 100 * 40, "{}", request.body.len());
    }
}

#[test]
fn paths_are_put_together() {
    let hec = Hec::new(State::default());
    let safe = Safe::new();
    for path in [
        "",
        "/",
        "/services/collector",
        "/services/collector/event",
        "/services/collector/",
    ] {
        let config = with(hec.config(), json!({"hec_url": hec.web.url(path)}));
        assert_all(&safe.once(&mut link("splunk_hec", &config), &events(1)), 1);
    }
}

/// What comes of an answer with this status and code.
fn of(status: &'static str, headers: &'static str, code: i64) -> Outcome {
    let hec = Hec::new(State {
        faults: [Fault::Refuse(status, headers, code)].into(),
        ..State::default()
    });
    Safe::new()
        .once(&mut link("splunk_hec", &hec.config()), &events(2))
        .outcome
}

#[test]
fn every_code_has_its_outcome() {
    for code in [7, 10, 11, 14, 16, 21, 22] {
        assert_eq!(of("400 Bad Request", "", code).label(), "pause", "{code}");
    }
    for code in [5, 6, 12, 13, 15, 99] {
        assert_eq!(of("400 Bad Request", "", code).label(), "bisect", "{code}");
    }
    for (status, code) in [
        ("401 Unauthorized", 2),
        ("401 Unauthorized", 3),
        ("403 Forbidden", 1),
        ("403 Forbidden", 4),
    ] {
        let outcome = of(status, "", code);
        assert_eq!(outcome.label(), "pause", "{code}");
        assert!(outcome.error().unwrap().hint.is_some());
    }
    for (status, code) in [
        ("408 Request Timeout", 0),
        ("429 Too Many Requests", 9),
        ("500 Internal Server Error", 8),
        ("503 Service Unavailable", 9),
        ("503 Service Unavailable", 18),
        ("503 Service Unavailable", 20),
        ("400 Bad Request", 9),
        ("200 OK", 9),
    ] {
        assert_eq!(of(status, "", code).label(), "retry", "{status} {code}");
    }
    let Outcome::Retry { after, .. } = of("503 Service Unavailable", "Retry-After: 17\r\n", 9) else {
        panic!()
    };
    assert_eq!(after, Some(Duration::from_secs(17)));
    assert_eq!(of("413 Too Large", "", 0).label(), "split");
    assert_eq!(of("303 See Other", "Location: /en-US/\r\n", 0).label(), "pause");
    assert_eq!(of("404 Not Found", "", 404).label(), "pause");
    assert_eq!(of("204 No Content", "", 0).label(), "pause");
}

#[test]
fn a_web_interface_is_no_collector() {
    let safe = Safe::new();
    let web = Web::new(|_| answer("200 OK", "Content-Type: text/html\r\n", "<html>login</html>"));
    let config = json!({"hec_url": web.url(""), "hec_token": "secret:hec"});
    let error = failure(&safe.once(&mut link("splunk_hec", &config), &events(1)), "pause");
    assert!(error.hint.unwrap().contains("8088"));
}

#[test]
fn a_refused_event_is_given_up_and_the_others_go_on() {
    for numbered in [true, false] {
        for keeps_before in [true, false] {
            let hec = Hec::new(State {
                numbered,
                keeps_before,
                poison: Some("poison"),
                ..State::default()
            });
            let mut batch = events(9);
            for index in [0, 4, 8] {
                batch[index] = Event::with_body(index as u64, r#"{"a":"poison"}"#);
            }
            let sent = Safe::new().deliver(&mut link("splunk_hec", &hec.config()), &batch);
            assert_eq!((sent.delivered, sent.outcome.label()), (9, "delivered"), "{sent:?}");
            let given_up: Vec<usize> = sent.rejected.iter().map(|rejected: &Rejected| rejected.index).collect();
            assert_eq!(given_up, [0, 4, 8]);
            assert!(
                sent.rejected
                    .iter()
                    .all(|rejected| rejected.reason.contains("\"code\":15"))
            );
            let found: BTreeSet<u64> = hec.keys().into_iter().map(|(index, _)| index).collect();
            assert_eq!(found, BTreeSet::from([1, 2, 3, 5, 6, 7]));
        }
    }
}

#[test]
fn who_refuses_everything_is_not_believed() {
    let hec = Hec::new(State {
        poison: Some("text"),
        ..State::default()
    });
    let sent = Safe::new().deliver(&mut link("splunk_hec", &hec.config()), &events(100));
    assert_eq!((sent.delivered, sent.rejected.len()), (0, 0), "{sent:?}");
    assert!(failure(&sent, "pause").message.contains("refuses every event"));
}

#[test]
fn what_is_too_large_is_halved() {
    let hec = Hec::new(State {
        max_bytes: 1_000,
        ..State::default()
    });
    let mut batch = events(20);
    batch[7] = Event::with_body(7, &"x".repeat(2_000));
    let sent = Safe::new().deliver(&mut link("splunk_hec", &hec.config()), &batch);
    assert_eq!((sent.delivered, sent.rejected.len()), (20, 1), "{sent:?}");
    assert_eq!(sent.rejected[0].index, 7);
    let order: Vec<u64> = hec.keys().into_iter().map(|(index, _)| index).collect();
    assert_eq!(order, (0..20).filter(|index| *index != 7).collect::<Vec<_>>());
}

fn acknowledging(patience: Option<u32>) -> Hec {
    Hec::new(State {
        use_ack: true,
        patience,
        ..State::default()
    })
}

#[test]
fn acknowledgements_are_waited_for_on_one_channel_with_the_cookies() {
    let hec = acknowledging(Some(2));
    let config = with(hec.config(), json!({"acknowledge": true}));
    let mut link = link("splunk_hec", &config);
    let sent = Safe::new().once(&mut link, &events(2));
    assert_all(&sent, 2);
    assert!(sent.answer.contains("indexed"), "{}", sent.answer);
    let state = hec.state();
    assert_eq!(state.requests.len(), 4);
    let channels: BTreeSet<_> = state
        .requests
        .iter()
        .map(|request| request.header("x-splunk-request-channel"))
        .collect();
    assert_eq!(channels.len(), 1);
    assert_eq!(state.requests[0].header("cookie"), None);
    assert!(
        state.requests[1..]
            .iter()
            .all(|request| request.header("cookie") == Some("sticky=a1"))
    );
}

#[test]
fn a_batch_without_its_acknowledgement_is_asked_for_again_and_then_sent_again() {
    let hec = acknowledging(None);
    let mut safe = Safe::new();
    safe.deadline = Duration::from_millis(500);
    let mut link = link(
        "splunk_hec",
        &with(hec.config(), json!({"acknowledge": true, "acknowledge_seconds": 60})),
    );
    for _ in 0..2 {
        let sent = safe.once(&mut link, &events(2));
        assert!(
            failure(&sent, "retry").message.contains("not acknowledged it yet"),
            "{sent:?}"
        );
        assert_eq!(hec.keys().len(), 2);
    }
    safe.now += 61_000_000;
    let error = failure(&safe.once(&mut link, &events(2)), "retry");
    assert!(error.message.contains("within 60 s"), "{error}");
    hec.state().patience = Some(0);
    assert_all(&safe.once(&mut link, &events(2)), 2);
    assert_eq!(hec.keys().len(), 4);
}

#[test]
fn a_batch_that_has_grown_waits_for_what_was_taken() {
    let hec = acknowledging(None);
    let mut safe = Safe::new();
    safe.deadline = Duration::from_millis(300);
    let config = with(hec.config(), json!({"acknowledge": true}));
    let mut link = link("splunk_hec", &config);
    failure(&safe.once(&mut link, &events(2)), "retry");
    hec.state().patience = Some(0);
    safe.deadline = Duration::from_secs(10);
    assert_all(&safe.deliver(&mut link, &events(5)), 5);
    let order: Vec<u64> = hec.keys().into_iter().map(|(index, _)| index).collect();
    assert_eq!(order, [0, 1, 2, 3, 4]);
}

#[test]
fn another_batch_does_not_take_the_acknowledgement_of_the_one_before() {
    let hec = acknowledging(None);
    let mut safe = Safe::new();
    safe.deadline = Duration::from_millis(300);
    let mut link = link("splunk_hec", &with(hec.config(), json!({"acknowledge": true})));
    failure(&safe.once(&mut link, &events(2)), "retry");
    failure(&safe.once(&mut link, &events(3)[1..]), "retry");
    failure(&safe.once(&mut link, &events(2)[1..]), "retry");
    assert_eq!(hec.keys().len(), 5);
}

#[test]
fn tokens_and_configuration_must_fit() {
    let safe = Safe::new();
    let hec = acknowledging(Some(0));
    let error = failure(&safe.once(&mut link("splunk_hec", &hec.config()), &events(1)), "pause");
    assert!(error.hint.unwrap().contains("acknowledge"));
    let hec = Hec::new(State::default());
    let config = with(hec.config(), json!({"acknowledge": true}));
    let error = failure(&safe.once(&mut link("splunk_hec", &config), &events(1)), "pause");
    assert!(error.hint.unwrap().contains("acknowledg"));
    let hec = Hec::new(State {
        indexes: Some(BTreeSet::from(["audit".to_owned()])),
        ..State::default()
    });
    let config = with(hec.config(), json!({"index": "other"}));
    let error = failure(&safe.once(&mut link("splunk_hec", &config), &events(1)), "pause");
    assert!(error.hint.unwrap().contains("«index»"));
}

#[test]
fn an_answer_to_a_question_refuses_no_event() {
    let asked = std::sync::atomic::AtomicU32::new(0);
    let web = Web::new(
        move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => answer("200 OK", "", r#"{"code":0,"ackId":7}"#),
            _ => answer("400 Bad Request", "", r#"{"code":6,"invalid-event-number":0}"#),
        },
    );
    let config = json!({"hec_url": web.url(""), "hec_token": "secret:hec", "acknowledge": true});
    failure(&Safe::new().once(&mut link("splunk_hec", &config), &events(1)), "retry");
}

#[test]
fn the_token_is_never_told() {
    let safe = Safe::new();
    let web = Web::new(|request| {
        let token = request.header("authorization").unwrap();
        answer("403 Forbidden", "", &format!("you sent {token}"))
    });
    let config = json!({"hec_url": web.url(""), "hec_token": "secret:hec"});
    let sent = safe.once(&mut link("splunk_hec", &config), &events(1));
    assert!(sent.answer.contains("you sent"), "{sent:?}");
    assert!(!format!("{sent:?}").contains(TOKEN), "{sent:?}");
    let (message, hint) = refused("splunk_hec", &json!({"hec_url": "https://h:8088", "hec_token": TOKEN}));
    assert!(!format!("{message}{hint}").contains(TOKEN), "{message} {hint}");
    let error = failure(
        &safe.once(
            &mut link(
                "splunk_hec",
                &json!({"hec_url": web.url(""), "hec_token": "secret:none"}),
            ),
            &events(1),
        ),
        "pause",
    );
    assert!(error.hint.is_some());
}

#[test]
fn configurations_are_checked() {
    let missing = refused("splunk_hec", &json!({"hec_token": "secret:hec"}));
    assert!(missing.0.contains("hec_url"));
    let clear = refused(
        "splunk_hec",
        &json!({"hec_url": "http://splunk.example.com:8088", "hec_token": "secret:hec"}),
    );
    assert!(clear.0.contains("in the clear"), "{clear:?}");
    let unknown = refused(
        "splunk_hec",
        &json!({"hec_url": "https://h", "hec_token": "secret:a", "sourcetype": "x"}),
    );
    assert!(unknown.1.contains("source_type"), "{unknown:?}");
    let channel = json!({"hec_url": "https://h", "hec_token": "secret:a", "acknowledge": true, "channel": "x"});
    assert!(refused("splunk_hec", &channel).0.contains("UUID"));
    assert!(refused("splunk", &json!({})).1.contains("splunk_hec"));
}

#[test]
fn a_closed_connection_is_made_anew_and_a_reset_is_tried_again() {
    let hec = Hec::new(State::default());
    let safe = Safe::new();
    let mut link = link("splunk_hec", &hec.config());
    assert_all(&safe.once(&mut link, &events(1)), 1);
    // Closed on a connection that had been used: sent again at once on another.
    hec.state().faults.push_back(Fault::Close);
    assert_all(&safe.once(&mut link, &events(1)), 1);
    assert_eq!(hec.keys().len(), 3);
    let web = Web::new(|_| Reply::Reset);
    let config = json!({"hec_url": web.url(""), "hec_token": "secret:hec"});
    failure(
        &safe.once(&mut crate::support::link("splunk_hec", &config), &events(1)),
        "retry",
    );
    assert_eq!(safe.now, NOW);
}

#[test]
fn silence_ends_with_the_deadline() {
    let hec = Hec::new(State {
        faults: [Fault::Silence].into(),
        ..State::default()
    });
    let mut safe = Safe::new();
    safe.deadline = Duration::from_millis(300);
    let begin = std::time::Instant::now();
    failure(&safe.once(&mut link("splunk_hec", &hec.config()), &events(1)), "retry");
    assert!(begin.elapsed() < Duration::from_secs(2));
}
