//! What a target's configuration may be, and how its faults are told.

mod support;

use auditlog_sink::{ConfigError, KINDS, Target, backoff};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::target;

fn refuse(kind: &str, address: &str, options: Value) -> ConfigError {
    match Target::parse(kind, address, &options) {
        Err(error) => error,
        Ok(target) => panic!("accepted: {target:?}"),
    }
}

#[test]
fn faults_of_kinds_and_addresses_are_told() {
    let credentials = json!({"credentials_file": "/c"});
    let cases: [(&str, &str, &Value, &str); 41] = [
        ("ftp", "", &json!({}), "no kind of sink «ftp»"),
        ("FILE", "/a", &json!({}), "no kind of sink «FILE»"),
        ("file", "", &json!({}), "not absolute"),
        ("file", "a/b", &json!({}), "not absolute"),
        ("file", "/", &json!({}), "directory"),
        ("file", "/a/", &json!({}), "directory"),
        ("file", "/a/../b", &json!({}), "goes back"),
        ("file", "/a\0b", &json!({}), "control"),
        ("http", "", &json!({}), "no scheme"),
        ("http", "example.com", &json!({}), "no scheme"),
        ("http", "ftp://example.com", &json!({}), "another scheme"),
        ("http", "https://", &json!({}), "no host"),
        ("http", "https:///x", &json!({}), "no host"),
        ("http", "https://u:p@example.com/", &json!({}), "user name or password"),
        ("http", "https://exämple.com/", &json!({}), "neither a name"),
        ("http", "https://a b/", &json!({}), "neither a name"),
        ("http", "https://a:0/", &json!({}), "port"),
        ("http", "https://a:65536/", &json!({}), "port"),
        ("http", "https://a:+1/", &json!({}), "port"),
        ("http", "https://[::1/", &json!({}), "bracket"),
        ("http", "https://[1.2.3.4]/", &json!({}), "IPv6"),
        ("http", "https://[::1]x/", &json!({}), "port"),
        ("http", "https://a/#b", &json!({}), "fragment"),
        ("http", "https://a?b", &json!({}), "no slash"),
        ("http", "https://a/b c", &json!({}), "percent-encoded"),
        ("http", "https://a/b\r\nX: y", &json!({}), "percent-encoded"),
        ("http", "https://a/%zz", &json!({}), "hexadecimal"),
        ("http", "https://a/%1", &json!({}), "hexadecimal"),
        ("http", "https://a/{name}/{name}", &json!({}), "more than once"),
        ("http", "https://a/?q={name}", &json!({}), "outside its path"),
        ("http", "https://{name}/", &json!({}), "neither a name"),
        ("http", "https://a/", &json!({"method": "PUT"}), "overwrite"),
        ("witness", "https://a/add-checkpoint", &json!({}), "added by itself"),
        ("witness", "https://a/?x", &json!({}), "no query"),
        ("syslog", "tcp://a", &json!({}), "no port"),
        ("syslog", "udp://a/x", &json!({}), "no path"),
        ("syslog", "unix:dev/log", &json!({}), "not absolute"),
        ("s3", "bucket", &credentials, "s3://"),
        ("s3", "s3://AB", &credentials, "no name of a bucket"),
        ("s3", "s3://bucket/a//b", &credentials, "prefix"),
        ("s3", "s3://bucket", &json!({}), "credentials_file» is missing"),
    ];
    for (kind, address, options, part) in cases {
        let error = refuse(kind, address, options.clone());
        assert!(error.message.contains(part), "{kind} {address}: {error}");
        assert!(
            !error.message.contains('\n') && !error.message.contains('\0'),
            "{error}"
        );
    }
    let long = format!("unix:///{}", "x".repeat(200));
    assert!(refuse("syslog", &long, json!({})).message.contains("too long"));
    let secret = refuse("http", "https://u:hunter2@example.com/", json!({}));
    assert!(!format!("{secret:?}").contains("hunter2"));
}

#[test]
fn the_nearest_name_is_told() {
    let hint = |kind: &str, options: Value| refuse(kind, "https://example.com/", options).hint.unwrap();
    assert!(hint("htp", json!({})).starts_with("Did you mean «http»? There are: file, http, "));
    assert!(hint("http", json!({"headesr": {}})).starts_with("Did you mean «headers»? There are: "));
    assert!(hint("http", json!({"colour": 1})).starts_with("There are: "));
}

#[test]
fn faults_of_options_are_told() {
    let https = "https://example.com/";
    let s3 = "s3://bucket";
    let with = |more: Value| {
        let mut options = json!({"credentials_file": "/c"});
        options
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        options
    };
    let cases = [
        ("file", "/a", json!([]), "must be a JSON object"),
        ("file", "/a", json!({"format": "csv"}), "one of: notes, lines"),
        ("file", "/a", json!({"format": 1}), "one of: notes, lines"),
        ("file", "/a", json!({"ca_file": "/c"}), "no option «ca_file»"),
        ("http", https, json!({"method": "GET"}), "one of: POST, PUT"),
        ("http", https, json!({"token_file": "token"}), "absolute path"),
        ("http", https, json!({"token_file": 7}), "text"),
        ("http", https, json!({"token_file": ""}), "text"),
        ("http", https, json!({"token_scheme": "a b"}), "one word"),
        ("http", https, json!({"token_header": "a b"}), "no name of a header"),
        (
            "http",
            https,
            json!({"idempotency_header": "a:"}),
            "no name of a header",
        ),
        ("http", https, json!({"headers": {"X": 1}}), "object whose values"),
        ("http", https, json!({"headers": []}), "object whose values"),
        (
            "http",
            https,
            json!({"headers": {"X": "a\r\nY: b"}}),
            "object whose values",
        ),
        (
            "http",
            https,
            json!({"headers": {"X\r\nY": "b"}}),
            "no name of a header",
        ),
        ("http", https, json!({"headers": {"X": "ü"}}), "not ASCII"),
        ("http", https, json!({"headers": {"Host": "b"}}), "not to be chosen"),
        (
            "http",
            https,
            json!({"headers": {"content-length": "0"}}),
            "not to be chosen",
        ),
        (
            "http",
            https,
            json!({"headers": {"AUTHORIZATION": "Basic x"}}),
            "carries a secret",
        ),
        ("http", https, json!({"connect_timeout_seconds": 0}), "from 1 to 300"),
        ("http", https, json!({"connect_timeout_seconds": 1.5}), "from 1 to 300"),
        ("http", https, json!({"client_cert_file": "/c"}), "need each other"),
        (
            "http",
            "http://example.com/",
            json!({"ca_file": "/c"}),
            "doesn't use TLS",
        ),
        (
            "http",
            "http://example.com/",
            json!({"token_file": "/t"}),
            "in the clear",
        ),
        (
            "witness",
            "http://10.0.0.1/",
            json!({"token_file": "/t"}),
            "in the clear",
        ),
        (
            "syslog",
            "udp://a",
            json!({"facility": "audit2"}),
            "one of: audit, kern",
        ),
        ("syslog", "udp://a", json!({"severity": 5}), "one of: notice, emerg"),
        ("syslog", "udp://a", json!({"hostname": "a b"}), "hostname"),
        ("syslog", "udp://a", json!({"app_name": "x".repeat(49)}), "at most 48"),
        ("syslog", "udp://a", json!({"time_digits": 2}), "0, 3 or 6"),
        ("syslog", "udp://a", json!({"max_bytes": 65_508}), "from 480 to 65507"),
        (
            "syslog",
            "udp://a",
            json!({"structured_data": {"x": {}}}),
            "has the id «x»",
        ),
        (
            "syslog",
            "udp://a",
            json!({"structured_data": {"a b@1": {}}}),
            "has the id",
        ),
        (
            "syslog",
            "udp://a",
            json!({"structured_data": {"auditlog@32473": {}}}),
            "which is ours",
        ),
        (
            "syslog",
            "udp://a",
            json!({"structured_data": {"a@1": {"n=": "v"}}}),
            "has the name",
        ),
        (
            "syslog",
            "udp://a",
            json!({"structured_data": {"a@1": {"n": 1}}}),
            "object of texts",
        ),
        ("syslog", "tls://a", json!({"framing": "newline"}), "RFC 5425"),
        ("syslog", "tcp://a:1", json!({"ca_file": "/c"}), "doesn't use TLS"),
        ("s3", s3, with(json!({"lock_mode": "COMPLIANCE"})), "need each other"),
        ("s3", s3, with(json!({"retain_days": 1})), "need each other"),
        (
            "s3",
            s3,
            with(json!({"lock_mode": "x", "retain_days": 1})),
            "COMPLIANCE, GOVERNANCE",
        ),
        ("s3", s3, with(json!({"lock_mode": "", "retain_days": 1})), "text"),
        (
            "s3",
            s3,
            with(json!({"lock_mode": "governance", "retain_days": 0})),
            "from 1 to 36500",
        ),
        ("s3", s3, with(json!({"endpoint": "https://a/b"})), "has a path"),
        ("s3", s3, with(json!({"region": "a.b"})), "region"),
        ("s3", s3, with(json!({"path_style": "yes"})), "true or false"),
    ];
    for (kind, address, options, part) in cases {
        let error = refuse(kind, address, options.clone());
        assert!(error.message.contains(part), "{kind} {options}: {error}");
    }
}

#[test]
fn who_writes_a_secret_into_an_option_is_told_where_it_belongs() {
    for (kind, address, options, file) in [
        ("http", "https://a/", json!({"token": "x"}), "token_file"),
        ("witness", "https://a/", json!({"Bearer_Token": "x"}), "token_file"),
        (
            "s3",
            "s3://bucket",
            json!({"credentials_file": "/c", "aws_secret_access_key": "x"}),
            "credentials_file",
        ),
    ] {
        let error = refuse(kind, address, options);
        assert!(error.hint.unwrap().contains(file));
    }
    let hint = refuse("http", "https://a/", json!({"methd": "PUT"})).hint.unwrap();
    assert!(hint.contains("method") && hint.contains("ca_file"), "{hint}");
}

#[test]
fn null_means_not_set() {
    let plain = target("http", "https://a/", &json!({}));
    assert_eq!(plain, target("http", "https://a/", &Value::Null));
    assert_eq!(
        plain,
        target("http", "https://a/", &json!({"method": null, "ca_file": null}))
    );
}

#[test]
fn targets_say_where_they_go() {
    let credentials = json!({"credentials_file": "/c"});
    let minio = json!({"credentials_file": "/c", "endpoint": "http://minio:9000"});
    let virtual_host = json!({"credentials_file": "/c", "endpoint": "http://minio:9000", "path_style": false});
    let china = json!({"credentials_file": "/c", "region": "cn-north-1"});
    let cases: [(&str, &str, &Value, Option<&str>, &str); 11] = [
        ("file", "/a/b", &json!({}), None, "/a/b"),
        (
            "http",
            "https://Example.COM/a?token=x",
            &json!({}),
            Some("example.com"),
            "https://Example.COM/a",
        ),
        (
            "http",
            "HTTP://[::1]:81/{name}",
            &json!({}),
            Some("::1"),
            "http://[::1]:81/{name}",
        ),
        (
            "witness",
            "https://w/1/",
            &json!({}),
            Some("w"),
            "https://w/1/add-checkpoint",
        ),
        ("syslog", "udp://a", &json!({}), Some("a"), "udp://a"),
        ("syslog", "tls://a:7", &json!({}), Some("a"), "tls://a:7"),
        ("syslog", "unix:///dev/log", &json!({}), None, "unix:///dev/log"),
        (
            "s3",
            "s3://abc/x/",
            &credentials,
            Some("abc.s3.us-east-1.amazonaws.com"),
            "s3://abc/x/ at abc.s3.us-east-1.amazonaws.com",
        ),
        (
            "s3",
            "s3://abc",
            &china,
            Some("abc.s3.cn-north-1.amazonaws.com.cn"),
            "s3://abc/ at abc.s3.cn-north-1.amazonaws.com.cn",
        ),
        ("s3", "s3://a.bc", &minio, Some("minio"), "s3://a.bc/ at minio:9000"),
        (
            "s3",
            "s3://abc",
            &virtual_host,
            Some("abc.minio"),
            "s3://abc/ at abc.minio:9000",
        ),
    ];
    for (kind, address, options, host, shown) in cases {
        let target = target(kind, address, options);
        assert_eq!(
            (target.kind(), target.host().as_deref(), target.to_string().as_str()),
            (kind, host, shown)
        );
    }
}

#[test]
fn back_off_doubles_to_five_minutes() {
    let most: Vec<_> = (0..12).map(|attempt| backoff(attempt, 1.0).as_secs()).collect();
    assert_eq!(most, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    assert_eq!(backoff(3, 0.0).as_millis(), 1_000);
    assert_eq!(backoff(3, 0.5).as_millis(), 4_500);
    assert_eq!(backoff(u32::MAX, 1.0).as_secs(), 300);
    assert_eq!(backoff(5, f64::NAN), backoff(5, 1.0));
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "(https?|udp|tcp|tls|unix|s3|ftp)?(://|:|/)?[a-zA-Z0-9.:@%{}\\[\\]/?# ü-]{0,30}",
        "(notes|lines|POST|PUT|/[a-z]{0,5}|COMPLIANCE|octet-counting|newline)",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0_u64..70_000).prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let object = prop::collection::hash_map(word(), inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            object.prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

const NAMES: &str = "format|method|headers|token_file|token_header|token_scheme|idempotency_header|ca_file|\
client_cert_file|client_key_file|connect_timeout_seconds|facility|severity|hostname|app_name|msgid|enterprise_number|\
structured_data|time_digits|bom|framing|max_bytes|credentials_file|profile|region|endpoint|path_style|lock_mode|retain_days";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn parsing_never_panics(
        kind in prop_oneof![prop::sample::select(KINDS.to_vec()).prop_map(str::to_owned), any::<String>()],
        address in word(),
        options in prop_oneof![
            value(),
            prop::collection::hash_map(NAMES, value(), 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ],
    ) {
        match Target::parse(&kind, &address, &options) {
            Ok(target) => {
                prop_assert!(!target.to_string().contains(|character: char| character.is_control()));
                let _ = target.host();
            }
            Err(error) => prop_assert!(!error.message.contains('\n')),
        }
    }

    #[test]
    fn back_off_is_between_its_bounds(attempt in any::<u32>(), random in any::<f64>()) {
        let wait = backoff(attempt, random);
        prop_assert!((auditlog_sink::MIN_BACKOFF..=auditlog_sink::MAX_BACKOFF).contains(&wait));
    }
}
