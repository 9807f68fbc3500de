//! Templates, as people write them and as they arrive.

mod support;

use auditlog_notify::{Channel, MAX_TEMPLATE_BYTES, Template};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::sink::Server;
use support::{Safe, channel, notification};

/// What `{{…}}` gives, as the text of a webhook, which escapes nothing.
fn rendered(text: &str) -> String {
    let server = Server::answering("204 No Content", "", "");
    let channel = channel("webhook", &json!({"url": server.url("/"), "template": text}));
    assert_eq!(Safe::new().send(&channel, &notification()).label(), "delivered");
    let body: Value = serde_json::from_slice(&server.request().body).unwrap();
    body["data"]["text"].as_str().unwrap().to_owned()
}

#[test]
fn names_give_what_they_say() {
    for (name, value) in [
        ("alert", "Multiple Failed Login Attempts"),
        ("description", "Somebody tries passwords."),
        ("severity", "error"),
        ("kind", "fired"),
        ("count", "5"),
        ("window", "5m"),
        ("reason", ""),
        ("group", "actor.email = bob@company.com"),
        ("group.actor.email", "bob@company.com"),
        ("group.actor.id", ""),
        ("labels", "team = security"),
        ("labels.team", "security"),
        ("labels.other", ""),
        ("database", "app"),
        ("origin", "example.com/audit"),
        ("fired_at", "2025-11-22T15:00:00.123456Z"),
        ("url", "https://audit.example.com/firings/7?a=1&b=2"),
        ("id", "0198b111-2222-7333-8444-555555555555"),
        ("dedup_key", "12:bob@company.com"),
        ("first.event_id", "0198a000-0000-7000-8000-000000000001"),
        ("first.log_index", "1"),
        ("first.timestamp", "2025-11-22T14:59:00.123457Z"),
        ("last.event_id", "0198a000-0000-7000-8000-000000000005"),
        ("last.log_index", "5"),
        ("last.timestamp", "2025-11-22T14:59:00.123461Z"),
        (
            "samples",
            "0198a000-0000-7000-8000-000000000001, 0198a000-0000-7000-8000-000000000005",
        ),
        (
            "title",
            "[ERROR] Multiple Failed Login Attempts: actor.email = bob@company.com",
        ),
        ("members", ""),
        (" count ", "5"),
    ] {
        assert_eq!(rendered(&format!("<{{{{{name}}}}}>")), format!("<{value}>"), "{name}");
    }
    assert!(rendered("{{text}}").starts_with("5 events within 5m for actor.email = bob@company.com."));
    assert_eq!(rendered("{{count}}{{count}} } }} { {{kind}}"), "55 } }} { fired");
}

#[test]
fn what_stands_for_nothing_is_refused_where_it_stands() {
    for (text, position, part, hint) in [
        ("ä {{alrt}}", 3, "«alrt»", "Did you mean «alert»?"),
        ("{{group.}}", 1, "«group.»", "group.FIELD"),
        ("{{labels.}}", 1, "«labels.»", "labels.NAME"),
        ("{{}}", 1, "«»", "There are: alert"),
        ("{{first.event}}", 1, "«first.event»", "There are:"),
        ("{{alert}} {{count", 11, "no end", "}}"),
        ("a\u{1b}[2J", 2, "control character", "line ends"),
        ("{{#if count}}", 1, "«#if count»", "There are:"),
    ] {
        let error = Template::check(text).expect_err(text);
        assert_eq!(error.position, position, "{text}");
        assert!(error.message.contains(part), "{text}: {error}");
        assert!(error.hint.contains(hint), "{text}: {}", error.hint);
    }
    assert!(Template::check(&"a".repeat(MAX_TEMPLATE_BYTES)).is_ok());
    assert!(Template::check(&"a".repeat(MAX_TEMPLATE_BYTES + 1)).is_err());
    let error = Channel::parse("slack", &json!({"url": "secret:a", "template": "{{alrt}}"})).unwrap_err();
    assert!(error.message.contains("«alrt»") && error.hint.unwrap().contains("«alert»"));
    let config = json!({"host": "a", "from": "a@b.c", "subject": "{{alrt}}"});
    assert!(Channel::parse("email", &config).unwrap_err().message.contains("«alrt»"));
}

#[test]
fn the_alerts_own_template_goes_before_the_channels() {
    let mut n = notification();
    for (own, wanted) in [
        (Some("mine: {{count}}"), "mine: 5"),
        (None, "theirs: 5"),
        // Such as one of a later version.
        (Some("{{unheard_of}}"), "theirs: 5"),
    ] {
        let server = Server::answering("204 No Content", "", "");
        let channel = channel(
            "webhook",
            &json!({"url": server.url("/"), "template": "theirs: {{count}}"}),
        );
        n.template = own.map(str::to_owned);
        Safe::new().send(&channel, &n);
        let body: Value = serde_json::from_slice(&server.request().body).unwrap();
        assert_eq!(body["data"]["text"], wanted);
    }
}

#[test]
fn the_names_of_a_template_are_known() {
    let template = Template::parse("{{group.actor.email}} and {{ count }}").unwrap();
    assert_eq!(template.names().collect::<Vec<_>>(), ["group.actor.email", "count"]);
}

proptest! {
    #[test]
    fn any_text_is_a_template_or_refused(text in "(\\{\\{|\\}\\}|alert|group\\.|[ a-z.ä{}]){0,12}") {
        match Template::parse(&text) {
            Ok(template) => prop_assert!(template.names().count() <= text.matches("{{").count()),
            Err(error) => {
                prop_assert!(text.contains("{{"));
                prop_assert!((1..=text.chars().count()).contains(&error.position));
                let at: String = text.chars().skip(error.position - 1).collect();
                prop_assert!(at.starts_with("{{"));
            }
        }
    }

    /// What stands for a name is not read as a template again, whatever it is.
    #[test]
    fn text_without_places_is_itself(text in "[^{\\p{Cc}]{1,200}") {
        prop_assert!(Template::check(&text).is_ok());
        prop_assert_eq!(Template::parse(&text).unwrap().names().count(), 0);
    }
}
