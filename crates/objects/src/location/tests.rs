use super::*;
use serde_json::json;

fn parse(url: &str, options: Value) -> Result<Location, ConfigError> {
    Location::parse(url, &options)
}

fn hosts(url: &str, options: Value) -> Vec<String> {
    match parse(url, options).expect("a location") {
        Location::Local(_) => Vec::new(),
        Location::Remote(remote) => remote.hosts(),
    }
}

fn error(url: &str, options: Value) -> (String, String) {
    let error = parse(url, options).expect_err(url);
    (error.message, error.hint.expect("a hint"))
}

#[test]
fn hosts_are_those_that_are_asked() {
    let file = json!({"credentials_file": "/c"});
    assert_eq!(
        hosts("s3://bucket/a/b/", file.clone()),
        ["bucket.s3.us-east-1.amazonaws.com"]
    );
    assert_eq!(hosts("s3://with.dots", file.clone()), ["s3.us-east-1.amazonaws.com"]);
    let china = json!({"credentials_file": "/c", "region": "cn-north-1", "path_style": true});
    assert_eq!(hosts("s3://bucket", china), ["s3.cn-north-1.amazonaws.com.cn"]);
    let own = json!({"credentials_file": "/c", "endpoint": "https://Storage.example:9000"});
    assert_eq!(hosts("s3://bucket", own), ["storage.example"]);
    let azure = json!({"credentials_file": "/c", "account": "logs"});
    assert_eq!(hosts("az://container", azure), ["logs.blob.core.windows.net"]);
    let application = json!({"credentials_file": "/c", "account": "logs", "tenant_id": "t", "client_id": "c"});
    assert_eq!(hosts("az://container", application)[1], "login.microsoftonline.com");
    assert_eq!(
        hosts("gs://bucket", file),
        ["storage.googleapis.com", "oauth2.googleapis.com"]
    );
    assert_eq!(hosts("file:///srv/archive", Value::Null), [""; 0]);
}

#[test]
fn the_prefix_is_the_path() {
    let Ok(Location::Remote(remote)) = parse("s3://bucket/a/b/", json!({"credentials_file": "/c"})) else {
        panic!("a bucket")
    };
    assert_eq!((remote.bucket.as_str(), remote.prefix.as_str()), ("bucket", "a/b"));
}

#[test]
fn what_is_wrong_is_said_with_a_hint() {
    let file = || json!({"credentials_file": "/c"});
    let cases = [
        ("bucket", file(), "the URL «bucket» has no scheme"),
        ("ftp://bucket", file(), "the URL «ftp://bucket» has another scheme"),
        ("file://relative", Value::Null, "has no absolute path"),
        ("file:///a/../b", Value::Null, "has no absolute path"),
        (
            "file:///a",
            json!({"region": "x"}),
            "the kind file has no option «region»",
        ),
        ("s3://B", file(), "has no name of a bucket"),
        ("s3://bucket//a", file(), "has a prefix with an empty part"),
        ("s3://bucket/a/../b", file(), "has a prefix with an empty part"),
        ("s3://bucket", Value::Null, "the option «credentials_file» is missing"),
        (
            "s3://bucket",
            json!({"credentials_file": "c"}),
            "must be the absolute path of a file",
        ),
        (
            "s3://bucket",
            json!({"credentials_file": "/c", "secret_key": "x"}),
            "has no option «secret_key»",
        ),
        (
            "s3://bucket",
            json!({"credentials_file": "/c", "regoin": "x"}),
            "has no option «regoin»",
        ),
        (
            "s3://bucket",
            json!({"credentials_file": "/c", "region": "a/b"}),
            "must be a word",
        ),
        (
            "s3://bucket",
            json!({"credentials_file": "/c", "path_style": 1}),
            "must be true or false",
        ),
        (
            "s3://bucket",
            json!({"credentials_file": "/c", "endpoint": "http://10.0.0.1:9000"}),
            "the endpoint has no TLS",
        ),
        (
            "s3://bucket",
            json!({"credentials_file": "/c", "endpoint": "https://h/p"}),
            "the option «endpoint» has a path",
        ),
        ("az://container", file(), "the option «account» is missing"),
        (
            "az://container",
            json!({"credentials_file": "/c", "account": "a", "client_id": "c"}),
            "need each other",
        ),
        (
            "gs://bucket",
            json!({"credentials_file": "/c", "profile": "p"}),
            "has no option «profile»",
        ),
        ("s3://bucket", json!([]), "must be a JSON object"),
    ];
    for (url, options, expected) in cases {
        let (message, hint) = error(url, options);
        assert!(message.contains(expected), "{message}");
        assert!(hint.ends_with('.'), "{hint}");
    }
    assert_eq!(
        error("s3://bucket", json!({"credentials_file": "/c", "secret_key": "x"})).1,
        "Secrets are not kept in options: write it into a file and name that in «credentials_file»."
    );
}
