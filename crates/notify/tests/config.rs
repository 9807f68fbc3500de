//! What a channel's configuration may be, and what is said of one that it may not.

mod support;

use auditlog_notify::{Channel, KINDS};
use auditlog_sink::ConfigError;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::channel;

const SECRET: &str = "hunter2-hunter2-hunter2";

#[track_caller]
fn refuse(kind: &str, config: Value) -> ConfigError {
    Channel::parse(kind, &config).expect_err("to be refused")
}

/// A configuration that is complete.
fn good(kind: &str) -> Value {
    match kind {
        "email" => json!({"host": "mail.company.com", "from": "audit@company.com"}),
        "slack" | "teams" => json!({"url": "secret:hook"}),
        "pagerduty" => json!({"routing_key": "secret:key"}),
        "webhook" => json!({"url": "https://hooks.company.com/in?key=1"}),
        "syslog" => json!({"address": "tls://log.company.com"}),
        _ => json!({"path": "/var/log/alerts.jsonl"}),
    }
}

fn with(kind: &str, more: Value) -> Value {
    let mut config = good(kind);
    config
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    config
}

#[test]
fn each_kind_says_what_it_is() {
    for (kind, hosts, shown, secrets, rate, digest) in [
        (
            "email",
            vec!["mail.company.com"],
            "audit@company.com by mail.company.com:587",
            vec![],
            30,
            Some(200),
        ),
        ("slack", vec![], "secret:hook", vec!["secret:hook"], 60, Some(200)),
        ("teams", vec![], "secret:hook", vec!["secret:hook"], 60, Some(200)),
        (
            "pagerduty",
            vec!["events.pagerduty.com"],
            "https://events.pagerduty.com/v2/enqueue",
            vec!["secret:key"],
            120,
            None,
        ),
        (
            "webhook",
            vec!["hooks.company.com"],
            "https://hooks.company.com/in",
            vec![],
            6_000,
            None,
        ),
        (
            "syslog",
            vec!["log.company.com"],
            "tls://log.company.com",
            vec![],
            6_000,
            None,
        ),
        ("file", vec![], "/var/log/alerts.jsonl", vec![], 6_000, None),
    ] {
        let channel = channel(kind, &good(kind));
        assert_eq!(channel.kind(), kind);
        assert_eq!(channel.hosts(), hosts, "{kind}");
        assert_eq!(channel.to_string(), shown);
        let found: Vec<String> = channel.secrets().into_iter().map(ToString::to_string).collect();
        assert_eq!(found, secrets, "{kind}");
        assert_eq!(
            (channel.limits().per_minute, channel.limits().digest_after),
            (rate, digest),
            "{kind}"
        );
        let other = support::channel(kind, &with(kind, json!({"rate_per_minute": 7, "digest_after": 9})));
        assert_eq!(
            (other.limits().per_minute, other.limits().digest_after),
            (7, Some(9)),
            "{kind}"
        );
        let never = support::channel(
            kind,
            &with(kind, json!({"digest_after": 0, "template": "{{alert}}\n{{text}}"})),
        );
        assert_eq!(never.limits().digest_after, None);
    }
    assert_eq!(KINDS.len(), 7);
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    let hint = |error: ConfigError| error.hint.unwrap_or_default();
    assert!(hint(refuse("slak", json!({}))).starts_with("Did you mean «slack»? There are: email, slack, "));
    assert!(refuse("mail\n", json!({})).message.contains("«mail\\n»"));
    for (kind, typo, meant) in [
        ("email", "pasword", "password"),
        ("email", "form", "from"),
        ("slack", "rate_per_minut", "rate_per_minute"),
        ("teams", "templat", "template"),
        ("pagerduty", "routing_kye", "routing_key"),
        ("webhook", "signing_secert", "signing_secret"),
        ("syslog", "facilty", "facility"),
    ] {
        let error = refuse(kind, with(kind, json!({typo: "x"})));
        assert_eq!(error.message, format!("the kind {kind} has no option «{typo}»"));
        assert!(
            hint(error).starts_with(&format!("Did you mean «{meant}»? There are: ")),
            "{kind} {typo}"
        );
    }
    assert!(
        refuse("file", with("file", json!({"format": "notes"})))
            .message
            .contains("no option «format»")
    );
    assert!(
        refuse("file", with("file", json!({"address": "/x"})))
            .message
            .contains("no option «address»")
    );
    assert!(
        refuse("file", with("file", json!({"body": "text"})))
            .message
            .contains("no option «body»")
    );
    assert!(
        refuse("syslog", with("syslog", json!({"path": "/x"})))
            .message
            .contains("no option «path»")
    );
    for kind in KINDS {
        assert!(
            refuse(kind, json!([]))
                .message
                .contains("options of a channel must be a JSON object")
        );
        let error = refuse(kind, json!({}));
        assert!(
            error.message.contains("is missing") && error.hint.is_some(),
            "{kind}: {error}"
        );
    }
}

#[test]
fn a_secret_where_its_name_belongs_is_refused_and_not_repeated() {
    for (kind, option) in [
        ("slack", "url"),
        ("teams", "url"),
        ("pagerduty", "routing_key"),
        ("webhook", "signing_secret"),
        ("webhook", "old_signing_secret"),
        ("webhook", "token"),
        ("email", "password"),
    ] {
        for value in [
            json!(SECRET),
            json!(format!("https://hooks.slack.com/services/{SECRET}")),
            json!(format!("secret:../{SECRET}")),
            json!(format!("secret: {SECRET}")),
            json!([SECRET]),
            json!({"secret": SECRET}),
        ] {
            let error = refuse(kind, with(kind, json!({"username": "u", option: value})));
            let told = format!("{error:?}");
            assert!(told.contains(option) && told.contains("secret:NAME"), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
    for headers in [
        json!({"Authorization": SECRET}),
        json!({"x-api-key": SECRET}),
        json!({"Cookie": SECRET}),
    ] {
        let told = format!("{:?}", refuse("webhook", with("webhook", json!({"headers": headers}))));
        assert!(
            told.contains("carries a secret") && told.contains("«token»") && !told.contains("hunter2"),
            "{told}"
        );
    }
    let told = format!(
        "{:?}",
        refuse("webhook", json!({"url": format!("https://u:{SECRET}@a.example/")}))
    );
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn faults_are_told() {
    let cases = [
        (
            "webhook",
            json!({"url": "http://a.example/", "token": "secret:a"}),
            "in the clear",
        ),
        ("pagerduty", json!({"url": "http://a.example/"}), "in the clear"),
        ("webhook", json!({"url": "ftp://a.example/"}), "another scheme"),
        ("webhook", json!({"url": 7}), "«url»"),
        (
            "webhook",
            json!({"old_signing_secret": "secret:a"}),
            "no signing_secret",
        ),
        ("webhook", json!({"headers": {"Webhook-Id": "1"}}), "not to be chosen"),
        (
            "webhook",
            json!({"headers": {"idempotency-key": "1"}}),
            "not to be chosen",
        ),
        ("webhook", json!({"headers": {"Content-Type": "1"}}), "not to be chosen"),
        ("webhook", json!({"source": "ä"}), "«source»"),
        ("webhook", json!({"source": "a b"}), "«source»"),
        ("webhook", json!({"token_scheme": "a b"}), "«token_scheme»"),
        ("webhook", json!({"token_header": "a b"}), "no name of a header"),
        ("webhook", json!({"rate_per_minute": 0}), "from 1 to 100000"),
        ("webhook", json!({"template": 7}), "«template»"),
        (
            "webhook",
            json!({"url": "http://a.example/", "ca_file": "/ca.pem"}),
            "doesn't use TLS",
        ),
        ("email", json!({"tls": "none"}), "this machine only"),
        ("email", json!({"tls": "optional"}), "one of: starttls, implicit, none"),
        ("email", json!({"host": "a b"}), "«host»"),
        ("email", json!({"host": "mail.example.com:25"}), "«host»"),
        ("email", json!({"from": "nobody"}), "«from»"),
        ("email", json!({"from": "ä@example.com"}), "«from»"),
        ("email", json!({"reply_to": "nobody"}), "«reply_to»"),
        ("email", json!({"to": ["a@b.c", "nobody"]}), "«to»"),
        ("email", json!({"to": 7}), "«to»"),
        ("email", json!({"username": "u"}), "need each other"),
        ("email", json!({"password": "secret:p"}), "need each other"),
        ("email", json!({"port": 0}), "from 1 to 65535"),
        ("email", json!({"hello_name": "a b"}), "«hello_name»"),
        (
            "email",
            json!({"host": "localhost", "tls": "none", "username": "u", "password": "secret:p"}),
            "in the clear",
        ),
        ("syslog", json!({"address": "log.company.com"}), "no scheme"),
        ("syslog", json!({"body": "xml"}), "one of: text, json"),
        ("file", json!({"path": "alerts"}), "not absolute"),
    ];
    for (kind, more, part) in cases {
        let error = refuse(kind, with(kind, more.clone()));
        assert!(error.message.contains(part), "{kind} {more}: {error}");
    }
    // Within one machine nobody listens.
    channel("webhook", &json!({"url": "http://localhost/", "token": "secret:a"}));
}

#[test]
fn what_a_channel_shows_is_no_secret() {
    let config = with(
        "webhook",
        json!({"url": "secret:hook", "token": "secret:token", "signing_secret": "secret:new", "old_signing_secret": "secret:old"}),
    );
    let channel = channel("webhook", &config);
    assert_eq!(channel.to_string(), "secret:hook");
    let names: Vec<String> = channel.secrets().into_iter().map(ToString::to_string).collect();
    assert_eq!(names, ["secret:hook", "secret:new", "secret:old", "secret:token"]);
    let query = support::channel("webhook", &good("webhook"));
    assert!(!query.to_string().contains("key=1"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        prop_oneof![
            "https://a.example/x",
            "secret:a",
            "a@b.c",
            "localhost",
            "implicit",
            "tls://a",
            "/a"
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// No configuration makes it panic, and what is refused is said on one line.
    #[test]
    fn any_configuration_is_read_or_refused(
        kind in prop::sample::select(&KINDS[..]),
        config in prop::collection::btree_map(
            prop::sample::select(&["url", "host", "from", "to", "tls", "port", "username", "password", "routing_key", "token",
                "signing_secret", "headers", "source", "address", "path", "template", "rate_per_minute", "subject", "x"][..]),
            any_json(),
            0..8,
        ),
    ) {
        let config: Value = config.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        match Channel::parse(kind, &config) {
            Ok(channel) => prop_assert!(!channel.to_string().is_empty()),
            Err(error) => prop_assert!(!error.message.contains('\n') && !error.message.is_empty()),
        }
    }
}
