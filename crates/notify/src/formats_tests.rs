//! What is put into messages, and that no notification breaks their limits or says what it must not.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::notification::{EventRef, Kind, Notification};
use crate::severity::Severity;
use crate::template::Template;
use crate::{pagerduty, signing, slack, teams};

fn notification() -> Notification {
    Notification {
        id: "n-1".to_owned(),
        kind: Kind::Fired,
        alert: "Too many <!channel> & co".to_owned(),
        description: Some("*bold* [click](https://evil.example)".to_owned()),
        severity: Severity::Warning,
        group: vec![
            ("actor.email".to_owned(), Some("<@U123>".to_owned())),
            ("ip".to_owned(), None),
        ],
        count: 5,
        window: Some("5m".to_owned()),
        reason: None,
        first: Some(EventRef {
            event_id: "e1".to_owned(),
            log_index: 1,
            timestamp: 0,
        }),
        last: None,
        samples: vec!["e1".to_owned()],
        labels: BTreeMap::from([("team".to_owned(), "a&b".to_owned())]),
        database: "app".to_owned(),
        origin: None,
        fired_at: 1_763_823_600_123_456,
        url: Some("https://audit.example.com/?a=1&b=<|>".to_owned()),
        dedup_key: "12:bob".to_owned(),
        recipients: vec!["a@b.c".to_owned()],
        template: None,
        members: Vec::new(),
    }
}

/// Every text of a message.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(pairs) => pairs.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

#[test]
fn slack_gets_blocks_in_which_data_is_only_text() {
    let message = slack::message(&notification(), None);
    assert_eq!(
        message["text"],
        "[WARNING] Too many &lt;!channel&gt; &amp; co: actor.email = &lt;@U123&gt;, ip is missing"
    );
    let blocks = message["blocks"].as_array().unwrap();
    // Plain text needs no escapes and has none.
    assert_eq!(blocks[0]["text"]["type"], "plain_text");
    assert_eq!(
        blocks[0]["text"]["text"],
        "[WARNING] Too many <!channel> & co: actor.email = <@U123>, ip is missing"
    );
    assert_eq!(
        blocks[1]["text"]["text"],
        "5 events within 5m for actor.email = &lt;@U123&gt;, ip is missing.\n*bold* [click](https://evil.example)"
    );
    assert_eq!(blocks[2]["fields"][0]["text"], "*Severity*\nwarning");
    assert_eq!(blocks[2]["fields"][1]["text"], "*actor.email*\n&lt;@U123&gt;");
    let last = blocks.last().unwrap()["text"]["text"].as_str().unwrap();
    assert_eq!(last, "<https://audit.example.com/?a=1&amp;b=&lt;%7C&gt;|Look further>");
    // The template's author may mention people, the data may not.
    let template = Template::parse("<!here> {{alert}}").unwrap();
    let message = slack::message(&notification(), Some(&template));
    assert_eq!(
        message["blocks"][1]["text"]["text"],
        "<!here> Too many &lt;!channel&gt; &amp; co"
    );
}

#[test]
fn teams_gets_a_card_in_which_data_is_only_text() {
    let message = teams::message(&notification(), None);
    assert_eq!(message["type"], "message");
    let attachment = &message["attachments"][0];
    assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
    let card = &attachment["content"];
    assert_eq!(
        (&card["type"], &card["version"]),
        (&json!("AdaptiveCard"), &json!("1.4"))
    );
    let text = card["body"][1]["text"].as_str().unwrap();
    assert!(
        text.ends_with("\n\n\\*bold\\* \\[click\\]\\(https://evil.example\\)"),
        "{text}"
    );
    let facts = card["body"][2]["facts"].as_array().unwrap();
    assert!(
        facts.contains(&json!({"title": "actor.email", "value": "\\<@U123\\>"})),
        "{facts:?}"
    );
    assert_eq!(card["actions"][0]["url"], "https://audit.example.com/?a=1&b=<|>");
    let script = Notification {
        url: Some("javascript:alert(1)".to_owned()),
        ..notification()
    };
    for message in [
        teams::message(&script, None),
        slack::message(&script, None),
        pagerduty::event(&script, None),
    ] {
        let mut found = Vec::new();
        texts(&message["attachments"][0]["content"]["actions"], &mut found);
        texts(&message["blocks"], &mut found);
        texts(&message["links"], &mut found);
        assert!(!found.iter().any(|text| text.contains("javascript")), "{message}");
    }
}

#[test]
fn pagerduty_gets_a_trigger_and_its_resolution() {
    let key = "0123456789abcdef0123456789abcdef";
    let mut n = notification();
    let event = |n: &Notification| -> Value {
        let event = pagerduty::event(n, None).to_string();
        serde_json::from_slice(&pagerduty::keyed(event.as_bytes(), key)).unwrap()
    };
    let event_of = event;
    let event = event_of(&n);
    assert_eq!(event["routing_key"], key);
    assert_eq!(event["event_action"], "trigger");
    assert_eq!(event["dedup_key"], "12:bob");
    let payload = &event["payload"];
    assert_eq!(
        payload["summary"],
        "[WARNING] Too many <!channel> & co: actor.email = <@U123>, ip is missing"
    );
    assert_eq!(payload["source"], "app");
    assert_eq!(payload["severity"], "warning");
    assert_eq!(payload["timestamp"], "2025-11-22T15:00:00.123Z");
    assert_eq!(
        payload["custom_details"]["group"],
        json!({"actor.email": "<@U123>", "ip": null})
    );
    n.kind = Kind::Resolved;
    let event = event_of(&n);
    assert_eq!(
        event,
        json!({"routing_key": key, "event_action": "resolve", "dedup_key": "12:bob"})
    );
    // A test opens an incident of its own, and a mild one.
    n.kind = Kind::Test;
    n.severity = Severity::Critical;
    let event = event_of(&n);
    assert_eq!(
        (&event["dedup_key"], &event["payload"]["severity"]),
        (&json!("n-1"), &json!("info"))
    );
    for (severity, wanted) in [
        (Severity::Debug, "info"),
        (Severity::Info, "info"),
        (Severity::Notice, "info"),
        (Severity::Warning, "warning"),
        (Severity::Error, "error"),
        (Severity::Critical, "critical"),
    ] {
        let n = Notification {
            severity,
            ..notification()
        };
        assert_eq!(event_of(&n)["payload"]["severity"], wanted);
    }
}

#[test]
fn long_dedup_keys_stay_different() {
    let long = "ü".repeat(300);
    let (one, other) = (
        pagerduty::dedup_key(&format!("{long}1")),
        pagerduty::dedup_key(&format!("{long}2")),
    );
    assert_eq!(one.chars().count(), 255);
    assert_ne!(one, other);
    assert_eq!(pagerduty::dedup_key(&long[..2 * 255]), long[..2 * 255]);
}

#[test]
fn a_signature_is_that_of_the_standard_webhooks() {
    // From the documentation of Svix, whose scheme the standard is.
    use base64::Engine as _;
    let key = base64::engine::general_purpose::STANDARD
        .decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        .unwrap();
    let signature = signing::signature(
        &key,
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        br#"{"test": 2432232314}"#,
    );
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

fn long_text() -> impl Strategy<Value = String> {
    let unit = prop_oneof!["<", "&", "ü", "\\*", "a b", "\n", "漢", "\\PC{1,5}"];
    (unit, prop_oneof![1..20_usize, 1_000..4_000_usize]).prop_map(|(unit, times)| unit.repeat(times))
}

prop_compose! {
    fn any_notification()(
        texts in prop::collection::vec(long_text(), 6),
        group in prop::collection::vec((long_text(), prop::option::of(long_text())), 0..15),
        labels in prop::collection::btree_map(long_text(), long_text(), 0..60),
        samples in prop::collection::vec("[a-z0-9]{1,40}", 0..20),
        members in 0..400_usize,
        kind in prop_oneof![Just(Kind::Fired), Just(Kind::Resolved), Just(Kind::Test), Just(Kind::Report), Just(Kind::Digest)],
    ) -> Notification {
        let one = Notification {
            kind,
            alert: texts[0].clone(),
            description: Some(texts[1].clone()),
            reason: Some(texts[2].clone()),
            group,
            labels,
            samples,
            database: texts[3].clone(),
            url: Some(format!("https://a.example/{}", texts[4])),
            dedup_key: texts[5].clone(),
            ..notification()
        };
        match kind {
            Kind::Digest => Notification::digest(vec![one; members + 1]).expect("members"),
            _ => one,
        }
    }
}

fn characters(value: &Value) -> usize {
    value.as_str().expect("a text").chars().count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn slack_is_never_asked_for_too_much(n in any_notification()) {
        let message = slack::message(&n, None);
        prop_assert!((1..=3_000).contains(&characters(&message["text"])));
        let blocks = message["blocks"].as_array().unwrap();
        prop_assert!((1..=50).contains(&blocks.len()));
        for block in blocks {
            if block["type"] == "header" {
                prop_assert!((1..=150).contains(&characters(&block["text"]["text"])));
                continue;
            }
            if let Some(text) = block.get("text") {
                prop_assert!((1..=3_000).contains(&characters(&text["text"])));
            }
            let fields = block.get("fields").and_then(Value::as_array);
            prop_assert!(fields.is_none_or(|fields| (1..=10).contains(&fields.len())));
            for field in fields.into_iter().flatten() {
                prop_assert!((1..=2_000).contains(&characters(&field["text"])));
                let text = field["text"].as_str().unwrap();
                prop_assert_eq!(&field["verbatim"], true);
                // Every & that is there begins a whole escape.
                let escapes = ["&amp;", "&lt;", "&gt;"];
                prop_assert!(!text.contains(['<', '>']));
                prop_assert!(text.match_indices('&').all(|(at, _)| escapes.iter().any(|escape| text[at..].starts_with(escape))));
            }
        }
    }

    #[test]
    fn pagerduty_is_never_asked_for_too_much(n in any_notification()) {
        let event = pagerduty::event(&n, None);
        prop_assert!((1..=255).contains(&characters(&event["dedup_key"])));
        if event["event_action"] == "trigger" {
            prop_assert!((1..=1_024).contains(&characters(&event["payload"]["summary"])));
        }
    }

    /// What is too large for a receiver fits in its short form, whatever it was, unless a template wants more.
    #[test]
    fn the_short_form_is_short(n in any_notification()) {
        let short = teams::fit(&n, 20_000, |n| teams::message(n, None).to_string().into_bytes());
        prop_assert!(short.is_some_and(|bytes| bytes.len() <= 20_000));
        let short = teams::fit(&n, 512_000, |n| pagerduty::event(n, None).to_string().into_bytes());
        prop_assert!(short.is_some());
        prop_assert_eq!(n.shortened().shortened(), n.shortened());
        prop_assert_eq!((n.shortened().id, n.shortened().members.len()), (n.id, n.members.len()));
    }
}
