//! Google Cloud Storage: what is asked, by a scripted server. There is no emulator in the registries that tests use.

mod support;

use auditlog_objects::Created;
use auditlog_sink::FailureKind;
use serde_json::json;
use support::{DEADLINE, Scripted, file, open};

/// A service account that asks for no token, as those of emulators are.
const ACCOUNT: &str =
    r#"{"private_key": "", "private_key_id": "", "client_email": "log@example.org", "disable_oauth": true}"#;

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

#[test]
fn objects_are_created_by_generation() {
    let directory = tempfile::tempdir().expect("a directory");
    let meta = "ETag: \"e\"\r\nx-goog-generation: 7\r\nLast-Modified: Tue, 10 Mar 2026 14:30:45 GMT\r\n";
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n{meta}\r\n");
    let part = answer(
        "206 Partial Content",
        &format!("Content-Range: bytes 0-4/5\r\n{meta}"),
        "bytes",
    );
    let server = Scripted::new(vec![
        answer("200 OK", meta, ""),
        answer("412 Precondition Failed", "", ""),
        head,
        part,
        answer("429 Too Many", "Retry-After: 3\r\n", ""),
    ]);
    let options = json!({
        "endpoint": format!("http://127.0.0.1:{}", server.port),
        "credentials_file": file(directory.path(), "account.json", ACCOUNT),
    });
    let store = open("gs://audit/prefix", &options);
    assert_eq!(store.put_new("a", "bytes", DEADLINE), Ok(Created::Created));
    assert_eq!(store.put_new("a", "bytes", DEADLINE), Ok(Created::AlreadyThereSame));
    let error = store.put_new("a", "bytes", DEADLINE).expect_err("too many");
    let after = Some(std::time::Duration::from_secs(3));
    assert_eq!(error.kind, FailureKind::Retry { after });
    let asked = server.asked.lock().expect("no panic").clone();
    let first = asked[0].to_lowercase();
    assert!(first.starts_with("put /audit/prefix%2fa http/1.1\r\n"), "{first}");
    assert!(first.contains("x-goog-if-generation-match: 0\r\n"), "{first}");
    assert_eq!(asked.len(), 5);
}

#[test]
fn a_file_that_is_no_service_account_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = json!({"credentials_file": file(directory.path(), "account.json", "{\"private_key\": \"s3cret\"}")});
    let error = open("gs://audit", &options).get("a", DEADLINE).expect_err("no account");
    assert_eq!(error.kind, FailureKind::Permanent);
    assert!(!error.message.contains("s3cret"), "{error}");
}
