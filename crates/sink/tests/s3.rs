//! S3 against a scripted server; signatures are checked by the vectors in `src/sigv4_tests.rs`.

mod support;

use std::time::Duration;

use auditlog_sink::{Assurance, FailureKind, Message, deliver};
use serde_json::{Value, json};
use support::{Act, Directory, MESSAGE, NOTE, Server, answer, assert_permanent, assert_retry, target};

const SECRET: &str = "sEcReT/KeY+0123456789";

struct Bucket {
    server: Server,
    _directory: Directory,
    target: auditlog_sink::Target,
}

impl Bucket {
    fn new(acts: Vec<Act>, address: &str, more: Value) -> Self {
        let server = Server::new(acts);
        let directory = Directory::new();
        let file = format!(
            "# two\n[other]\naws_access_key_id = OTHER\naws_secret_access_key = no\n[default]\n aws_access_key_id=AKID \
             \naws_secret_access_key = {SECRET}\n\n[temporary]\naws_access_key_id = TEMP\naws_secret_access_key = \
             {SECRET}\naws_session_token = t0ken\n"
        );
        let mut options = json!({
            "endpoint": format!("http://{}", server.address),
            "credentials_file": directory.file("credentials", file),
        });
        options
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Self {
            target: target("s3", address, &options),
            server,
            _directory: directory,
        }
    }

    fn answering(answers: &[Vec<u8>]) -> Self {
        Self::new(
            answers.iter().cloned().map(Act::Answer).collect(),
            "s3://bucket/prefix",
            json!({}),
        )
    }

    fn send(&self) -> Result<auditlog_sink::Receipt, auditlog_sink::DeliveryError> {
        support::send(&self.target)
    }
}

fn failure(code: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>some words</Message></Error>")
}

#[test]
fn an_object_is_put_once_and_signed() {
    let bucket = Bucket::answering(&[answer("200 OK", "ETag: \"x\"\r\n", "")]);
    let receipt = bucket.send().unwrap();
    assert_eq!(
        (receipt.assurance, receipt.status, receipt.already_there),
        (Assurance::Confirmed, Some(200), false)
    );
    let request = bucket.server.request();
    assert_eq!(request.line, "PUT /bucket/prefix/example.com/log/12 HTTP/1.1");
    assert_eq!(request.body, NOTE.as_bytes());
    assert_eq!(request.header("if-none-match"), Some("*"));
    assert_eq!(request.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(request.header("x-amz-sdk-checksum-algorithm"), Some("SHA256"));
    // printf of NOTE | sha256sum, in both forms.
    let hash = request.header("x-amz-content-sha256").unwrap();
    let bytes: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(&hash[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    use base64::Engine as _;
    let checksum = base64::engine::general_purpose::STANDARD.encode(bytes);
    assert_eq!(request.header("x-amz-checksum-sha256"), Some(checksum.as_str()));
    let date = request.header("x-amz-date").unwrap();
    let authorization = request.header("authorization").unwrap();
    let names = "content-type;host;if-none-match;x-amz-checksum-sha256;x-amz-content-sha256;x-amz-date;\
                 x-amz-sdk-checksum-algorithm";
    let start = format!(
        "AWS4-HMAC-SHA256 Credential=AKID/{}/us-east-1/s3/aws4_request, SignedHeaders={names}, Signature=",
        &date[..8]
    );
    assert!(authorization.starts_with(&start), "{authorization}");
    assert_eq!(authorization.len(), start.len() + 64);
    assert!(request.header("x-amz-object-lock-mode").is_none());
    assert!(request.header("x-amz-security-token").is_none());
}

#[test]
fn a_lock_and_a_session_token_are_sent_and_signed() {
    let more = json!({"lock_mode": "compliance", "retain_days": 400, "profile": "temporary", "region": "eu-west-1"});
    let bucket = Bucket::new(vec![Act::Answer(answer("200 OK", "", ""))], "s3://bucket", more);
    bucket.send().unwrap();
    let request = bucket.server.request();
    assert_eq!(request.line, "PUT /bucket/example.com/log/12 HTTP/1.1");
    assert_eq!(request.header("x-amz-object-lock-mode"), Some("COMPLIANCE"));
    let until = request.header("x-amz-object-lock-retain-until-date").unwrap();
    let until = chrono::DateTime::parse_from_rfc3339(until).unwrap().to_utc();
    let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    assert!((until - now - chrono::TimeDelta::days(400)).abs() < chrono::TimeDelta::minutes(1));
    assert_eq!(request.header("x-amz-security-token"), Some("t0ken"));
    let authorization = request.header("authorization").unwrap();
    assert!(authorization.contains("Credential=TEMP/") && authorization.contains("/eu-west-1/s3/"));
    for name in [
        "x-amz-object-lock-mode",
        "x-amz-object-lock-retain-until-date",
        "x-amz-security-token",
    ] {
        assert!(authorization.contains(name), "{name}");
    }
}

#[test]
fn keys_are_encoded_once() {
    let bucket = Bucket::new(
        vec![Act::Answer(answer("200 OK", "", ""))],
        "s3://bucket/p ü",
        json!({}),
    );
    let name = "a+b/c d/é%20";
    deliver(&bucket.target, &Message { name, ..MESSAGE }, Duration::from_secs(5)).unwrap();
    assert_eq!(
        bucket.server.request().line,
        "PUT /bucket/p%20%C3%BC/a%2Bb/c%20d/%C3%A9%2520 HTTP/1.1"
    );
    let long = "x".repeat(1_020);
    let result = deliver(
        &bucket.target,
        &Message { name: &long, ..MESSAGE },
        Duration::from_secs(5),
    );
    assert_permanent(result, "the object's key");
}

#[test]
fn the_same_object_is_there_already() {
    let bucket = Bucket::answering(&[
        answer("412 Precondition Failed", "", &failure("PreconditionFailed")),
        answer("200 OK", "", NOTE),
    ]);
    let receipt = bucket.send().unwrap();
    assert!(receipt.already_there);
    assert!(bucket.server.request().line.starts_with("PUT "));
    let get = bucket.server.request();
    assert_eq!(get.line, "GET /bucket/prefix/example.com/log/12 HTTP/1.1");
    assert!(get.header("if-none-match").is_none());
    assert!(
        get.header("authorization")
            .unwrap()
            .contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date,")
    );
}

#[test]
fn another_object_is_there_already() {
    let exists = answer("412 Precondition Failed", "", &failure("PreconditionFailed"));
    for other in ["", &NOTE[1..], &format!("{NOTE}x"), &"x".repeat(1 << 20)] {
        let bucket = Bucket::answering(&[exists.clone(), answer("200 OK", "", other)]);
        let error = assert_permanent(bucket.send(), "has other bytes");
        assert_eq!(error.status, Some(412));
    }
    let cut = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}",
        NOTE.len(),
        &NOTE[1..]
    );
    assert_retry(
        Bucket::answering(&[exists.clone(), cut.into_bytes()]).send(),
        "broke off",
    );
    let denied = answer("403 Forbidden", "", &failure("AccessDenied"));
    assert_permanent(Bucket::answering(&[exists.clone(), denied]).send(), "s3:GetObject");
    let down = answer("503 Slow Down", "Retry-After: 2\r\n", &failure("SlowDown"));
    let after = assert_retry(Bucket::answering(&[exists, down]).send(), "could not be compared");
    assert_eq!(after, Some(Duration::from_secs(2)));
}

#[test]
fn failures_are_judged_by_status_and_code() {
    let retries = [
        ("503 Slow Down", "SlowDown"),
        ("500 X", "InternalError"),
        ("409 Conflict", "ConditionalRequestConflict"),
        ("409 Conflict", "OperationAborted"),
        ("400 Bad Request", "RequestTimeout"),
        ("400 Bad Request", "ExpiredToken"),
        ("429 X", "TooManyRequests"),
    ];
    for (status, code) in retries {
        assert_retry(Bucket::answering(&[answer(status, "", &failure(code))]).send(), code);
    }
    let permanent = [
        ("403 Forbidden", "AccessDenied"),
        ("403 Forbidden", "SignatureDoesNotMatch"),
        ("403 Forbidden", "RequestTimeTooSkewed"),
        ("404 Not Found", "NoSuchBucket"),
        ("400 Bad Request", "InvalidRequest"),
        ("409 Conflict", "InvalidBucketState"),
        ("301 Moved Permanently", "PermanentRedirect"),
        ("501 Not Implemented", "NotImplemented"),
    ];
    for (status, code) in permanent {
        let error = Bucket::answering(&[answer(status, "", &failure(code))])
            .send()
            .unwrap_err();
        assert_eq!(error.kind, FailureKind::Permanent, "{error}");
    }
    let echo = answer("403 Forbidden", "", &format!("{} {SECRET}", failure("AccessDenied")));
    assert!(!Bucket::answering(&[echo]).send().unwrap_err().message.contains(SECRET));
}

#[test]
fn credentials_that_are_none() {
    let directory = Directory::new();
    for (text, part) in [
        ("", "no section [default]"),
        (
            "[other]\naws_access_key_id=a\naws_secret_access_key=b\n",
            "no section [default]",
        ),
        ("[default]\naws_access_key_id=a\n", "no section [default]"),
        (
            "[default]\naws_access_key_id=a\naws_secret_access_key=b c\n",
            "printable",
        ),
        (
            "[default]\naws_access_key_id=a\naws_secret_access_key=b\naws_session_token=ü\n",
            "printable",
        ),
    ] {
        let file = directory.file("credentials", text);
        let options = json!({"credentials_file": file, "endpoint": "http://127.0.0.1:1"});
        assert_permanent(support::send(&target("s3", "s3://bucket", &options)), part);
    }
    let options = json!({"credentials_file": "/no/such/file", "endpoint": "http://127.0.0.1:1"});
    assert_permanent(support::send(&target("s3", "s3://bucket", &options)), "No such file");
}

#[test]
fn a_store_that_never_answers_holds_nobody() {
    let bucket = Bucket::new(vec![Act::Silence], "s3://bucket", json!({}));
    let start = std::time::Instant::now();
    assert_retry(deliver(&bucket.target, &MESSAGE, Duration::from_millis(500)), "");
    assert!(start.elapsed() < Duration::from_millis(1_500));
    // One deadline for both requests, not one for each.
    let exists = Act::Answer(answer("412 X", "", ""));
    let bucket = Bucket::new(vec![exists, Act::Silence], "s3://bucket", json!({}));
    let start = std::time::Instant::now();
    assert_retry(deliver(&bucket.target, &MESSAGE, Duration::from_millis(500)), "");
    assert!(start.elapsed() < Duration::from_millis(1_500));
}
