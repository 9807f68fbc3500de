//! S3: moto's server as the counterpart, and a scripted one for what goes wrong. Where moto can't be installed its
//! tests say «skipped».

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auditlog_objects::{Allow, Created, Store};
use auditlog_sink::FailureKind;
use serde_json::{Value, json};
use support::{DEADLINE, Program, Scripted, behaves, file, free_port, home, open, ran, skipped};

const PACKAGE: &str = "moto[server]==5.2.5";

const CREDENTIALS: &str = "[default]\naws_access_key_id = AKIDTEST\naws_secret_access_key = sEcReT/KeY+0123\n";

/// A Python that has moto, made once for this target directory.
fn python() -> Option<PathBuf> {
    let home = home("objects-counterparts");
    let python = home.join("bin/python");
    let ready = || ran(Command::new(&python).args(["-c", "import moto.server, flask, boto3"]));
    let there = ready()
        || ran(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))
            && ran(Command::new(&python).args(["-m", "pip", "install", "-q", PACKAGE]))
            && ready();
    if !there {
        skipped(&format!("python3 with {PACKAGE}"));
    }
    there.then_some(python)
}

fn options(directory: &Path, port: u16) -> Value {
    json!({
        "endpoint": format!("http://127.0.0.1:{port}"),
        "credentials_file": file(directory, "credentials", CREDENTIALS),
    })
}

#[test]
fn moto_behaves_as_a_store() {
    let Some(python) = python() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let port = free_port();
    let mut command = Command::new(&python);
    command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
    let _moto = Program::start(&mut command, port);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/counterparts/bucket.py");
    let bucket = |action: &str| {
        let output = Command::new(&python)
            .arg(&script)
            .args([&port.to_string(), action])
            .output()
            .expect("python");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let options = options(directory.path(), port);
    let store = open("s3://audit/some/prefix", &options);
    let error = store.get("a", DEADLINE).expect_err("no bucket");
    assert_eq!((error.kind, error.status), (FailureKind::Permanent, Some(404)));
    bucket("make");
    behaves(&store);
    // what others see
    let seen: Value = serde_json::from_str(&bucket("list")).expect("JSON");
    let names = ["class=default/day=2026-03-10/a-1.zstd.parquet", "manifests/empty"];
    assert_eq!(seen, json!(names.map(|name| format!("some/prefix/{name}"))));
    // an object under the bucket's lock can't be replaced or removed for good
    bucket("lock");
    let locked = open("s3://locked", &options);
    assert_eq!(locked.put_new("a", "b", DEADLINE), Ok(Created::Created));
    assert_eq!(locked.put_new("a", "c", DEADLINE), Ok(Created::AlreadyThereOther));
    assert_eq!(bucket("remove").trim(), "AccessDenied");
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// The error of `put_new` when the server answers so.
fn refused(answers: &[String]) -> (auditlog_objects::ObjectError, Vec<String>) {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Scripted::new(answers.to_vec());
    let store = open("s3://audit", &options(directory.path(), server.port));
    let error = store.put_new("a", "b", Duration::from_secs(5)).expect_err("refused");
    let asked = server.asked.lock().expect("no panic").clone();
    (error, asked)
}

#[test]
fn failures_say_whether_to_try_again() {
    let busy = "<Error><Code>SlowDown</Code><Message>reduce your rate</Message></Error>";
    let (error, asked) = refused(&[answer("503 Slow Down", "Retry-After: 7\r\n", busy)]);
    assert_eq!(
        error.kind,
        FailureKind::Retry {
            after: Some(Duration::from_secs(7))
        }
    );
    assert!(error.message.contains("reduce your rate"), "{error}");
    assert_eq!(asked.len(), 1, "one attempt");
    assert!(asked[0].starts_with("PUT /audit/a HTTP/1.1\r\n"), "{}", asked[0]);
    let head = asked[0].to_lowercase();
    for header in [
        "if-none-match: *",
        "authorization: aws4-hmac-sha256 credential=akidtest/",
        "x-amz-checksum-sha256: ",
    ] {
        assert!(head.contains(header), "{head}");
    }
    for status in ["500 No", "408 No", "429 No", "502 No"] {
        assert!(refused(&[answer(status, "", "")]).0.is_retry(), "{status}");
    }
    for status in ["400 No", "401 No", "403 No", "404 No", "410 No", "501 No", "307 No"] {
        let (error, _) = refused(&[answer(status, "Location: https://elsewhere.example/\r\n", "<why>")]);
        assert_eq!(error.kind, FailureKind::Permanent, "{status}");
        assert!(error.hint.is_some());
        assert_eq!(error.status, Some(status[..3].parse().expect("a number")));
    }
    // 409: another was writing there, and there is nothing in the end
    let missing = answer("404 Not Found", "", "");
    assert!(refused(&[answer("409 Conflict", "", ""), missing]).0.is_retry());
    assert!(refused(&["garbage".to_owned()]).0.is_retry());
    assert!(refused(&[String::new()]).0.is_retry());
}

#[test]
fn an_answer_that_breaks_off_is_no_object() {
    let directory = tempfile::tempdir().expect("a directory");
    let meta = "ETag: \"e\"\r\nLast-Modified: Tue, 10 Mar 2026 14:30:45 GMT\r\n";
    let whole = answer("200 OK", meta, "0123456789");
    let chunked = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{meta}\r\na\r\n0123456789\r\n0\r\n\r\n");
    let server = Scripted::new(vec![whole.clone(), chunked, whole[..whole.len() - 3].to_owned()]);
    let store = open("s3://audit", &options(directory.path(), server.port));
    assert_eq!(store.get("a", DEADLINE).expect("got").expect("there"), "0123456789");
    assert_eq!(store.get("a", DEADLINE).expect("got").expect("there"), "0123456789");
    let error = store.get("a", DEADLINE).expect_err("cut");
    assert!(error.is_retry(), "{error}");
}

#[test]
fn nothing_waits_beyond_its_deadline() {
    let directory = tempfile::tempdir().expect("a directory");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let store = open("s3://audit", &options(directory.path(), port));
    let begun = Instant::now();
    let error = store
        .put_new("a", "b", Duration::from_millis(300))
        .expect_err("nobody answers");
    assert!(error.is_retry(), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn an_address_that_is_not_allowed_is_not_connected_to() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Scripted::new(vec![answer("503 No", "", "")]);
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let allow: Allow = Arc::new(move |address, host| {
        seen.lock().expect("no panic").push(format!("{address} {host}"));
        false
    });
    let store = open("s3://audit", &options(directory.path(), server.port)).with_allowed(allow);
    let error = store.put_new("a", "b", DEADLINE).expect_err("not allowed");
    assert_eq!(error.kind, FailureKind::Permanent);
    assert_eq!(
        *asked.lock().expect("no panic"),
        [format!("127.0.0.1:{} 127.0.0.1", server.port)]
    );
    assert!(server.asked.lock().expect("no panic").is_empty());
}

#[test]
fn credentials_are_those_of_the_moment() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Scripted::new(vec![answer("503 No", "", ""); 3]);
    let options = options(directory.path(), server.port);
    let store: Store = open("s3://audit", &options);
    let attempt = || drop(store.put_new("a", "b", DEADLINE));
    attempt();
    file(
        directory.path(),
        "credentials",
        &CREDENTIALS.replace("AKIDTEST", "AKIDNEW\naws_session_token = t0ken"),
    );
    attempt();
    file(directory.path(), "credentials", "[other]\n");
    let error = store.put_new("a", "b", DEADLINE).expect_err("none");
    assert!(
        error
            .message
            .ends_with("has no section [default] with aws_access_key_id and aws_secret_access_key"),
        "{error}"
    );
    let asked = server.asked.lock().expect("no panic").clone();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].contains("AKIDTEST") && !asked[0].contains("t0ken"));
    assert!(asked[1].contains("AKIDNEW") && asked[1].contains("t0ken"));
    assert!(!format!("{store:?}").contains("sEcReT"));
}
