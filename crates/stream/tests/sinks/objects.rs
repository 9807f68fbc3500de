//! Objects in a directory, and in a bucket of moto if that is installed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use auditlog_stream::{Link, Outcome};
use serde_json::{Value, json};

use crate::support::{Event, NOW, Safe, answer, assert_all, events, failure, link, refused, sink, stream};

const DAY: i64 = 86_400_000_000;

/// The files below a directory.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}

/// Four events, of which the third and the fourth are of the day before.
fn two_days() -> Vec<Event> {
    let mut batch = events(4);
    batch[2].time = NOW - DAY;
    batch[3].time = NOW - DAY;
    batch
}

fn numbers(text: &[u8]) -> Vec<u64> {
    let lines = std::str::from_utf8(text).unwrap().lines();
    lines
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["n"].as_u64().unwrap())
        .collect()
}

#[test]
fn each_day_has_its_object() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("new/place");
    let safe = Safe::new();
    for compression in ["zstd", "gzip", "none"] {
        let config = json!({"url": root, "compression": compression});
        assert_all(&safe.once(&mut link("object_store", &config), &two_days()), 4);
    }
    let found = files(&root);
    assert_eq!(found.len(), 6, "{:?}", found.keys());
    for (name, bytes) in &found {
        let (day, rest) = name.split_once('/').unwrap();
        let (expected, range) = match day {
            "day=2025-11-22" => (vec![0, 1], "00000000000000000000-00000000000000000001-"),
            "day=2025-11-21" => (vec![2, 3], "00000000000000000002-00000000000000000003-"),
            _ => panic!("{name}"),
        };
        assert!(rest.starts_with(range), "{name}");
        let text = if name.ends_with(".jsonl.zst") {
            zstd::decode_all(&bytes[..]).unwrap()
        } else if name.ends_with(".jsonl.gz") {
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut text).unwrap();
            text
        } else {
            assert!(name.ends_with(".jsonl"), "{name}");
            bytes.clone()
        };
        assert_eq!(numbers(&text), expected);
    }
}

#[test]
fn a_repetition_writes_nothing_and_nothing_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let safe = Safe::new();
    let config = json!({"url": format!("file://{}", directory.path().display())});
    assert_all(&safe.once(&mut link("object_store", &config), &two_days()), 4);
    let before = files(directory.path());
    assert_all(&safe.once(&mut link("object_store", &config), &two_days()), 4);
    assert_eq!(files(directory.path()), before);
    // Somebody changes the object of the second day.
    let name = before.keys().find(|name| name.contains("-21/")).unwrap();
    fs::write(directory.path().join(name), "other").unwrap();
    let sent = safe.once(&mut link("object_store", &config), &two_days());
    assert_eq!(sent.delivered, 2);
    assert!(failure(&sent, "pause").message.contains("other bytes"));
    assert_eq!(files(directory.path())[name], b"other");
}

#[test]
fn configurations_are_checked() {
    assert!(refused("object_store", &json!({})).0.contains("url"));
    assert!(refused("object_store", &json!({"url": "relative"})).1.contains("s3://"));
    assert!(refused("object_store", &json!({"url": "/a/../b"})).1.contains(".."));
    assert!(
        refused("object_store", &json!({"url": "/a", "profile": "x"}))
            .0
            .contains("bucket")
    );
    assert!(
        refused("object_store", &json!({"url": "s3://bucket"}))
            .0
            .contains("credentials_file")
    );
    let secret = json!({"url": "s3://bucket", "credentials_file": "/c", "secret_access_key": "x"});
    assert!(refused("object_store", &secret).1.contains("credentials_file"));
    let bucket = stream(
        "object_store",
        &json!({"url": "s3://bucket/a", "credentials_file": "/c"}),
    );
    assert_eq!(bucket.hosts(), ["bucket.s3.us-east-1.amazonaws.com"]);
    assert_eq!(bucket.window(), 0);
}

/// A bucket's server, and a sink that leads there.
fn bucket(web: &crate::support::Web, directory: &sink::Directory) -> Link {
    let credentials = directory.file(
        "credentials",
        "[default]\naws_access_key_id = AKID\naws_secret_access_key = sEcReT0123\n",
    );
    link(
        "object_store",
        &json!({"url": "s3://bucket/logs", "endpoint": web.url(""), "credentials_file": credentials}),
    )
}

#[test]
fn what_a_bucket_refuses_is_no_event() {
    let directory = sink::Directory::new();
    for (status, code, label) in [
        ("403 Forbidden", "AccessDenied", "pause"),
        ("400 Bad Request", "InvalidRequest", "pause"),
        ("400 Bad Request", "ExpiredToken", "retry"),
        ("503 Slow Down", "SlowDown", "retry"),
        ("500 Internal", "InternalError", "retry"),
        ("404 Not Found", "NoSuchBucket", "pause"),
    ] {
        let body = format!("<Error><Code>{code}</Code><Message>sEcReT0123</Message></Error>");
        let web = crate::support::Web::new(move |_| answer(status, "", &body));
        let sent = Safe::new().once(&mut bucket(&web, &directory), &events(2));
        assert_eq!((sent.delivered, sent.outcome.label()), (0, label), "{code} {sent:?}");
        assert!(!format!("{sent:?}").contains("sEcReT"), "{sent:?}");
    }
}

#[test]
fn days_before_a_failure_are_safe() {
    let directory = sink::Directory::new();
    let web = crate::support::Web::new(|request| {
        if request.line.contains("2025-11-22") {
            answer("200 OK", "", "")
        } else {
            answer("503 Slow Down", "", "")
        }
    });
    let sent = Safe::new().once(&mut bucket(&web, &directory), &two_days());
    assert_eq!(sent.delivered, 2);
    assert!(matches!(sent.outcome, Outcome::Retry { .. }));
}

/// moto's server, ended with its value.
pub struct Moto(Child, pub u16);

impl Moto {
    /// Starts one, unless it isn't installed.
    pub fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("moto_server")
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut moto = Self(child.ok()?, port);
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begin.elapsed() > Duration::from_secs(60) || moto.0.try_wait().unwrap().is_some() {
                let _ = writeln!(std::io::stderr(), "skipped: moto_server does not run");
                return None;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(moto)
    }

    /// An unsigned request, which moto takes, and its body.
    pub fn ask(&self, method: &str, path: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.1)).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: AWS4-HMAC-SHA256 Credential=A/20251122/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\nContent-Length: 0\r\n\r\n"
        )
        .unwrap();
        let all = sink::read_all(&mut stream);
        let head = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        assert!(
            all.starts_with(b"HTTP/1.1 200") || all.starts_with(b"HTTP/1.0 200"),
            "{}",
            String::from_utf8_lossy(&all)
        );
        all[head + 4..].to_vec()
    }

    /// The keys of a bucket's objects.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let listing = String::from_utf8(self.ask("GET", &format!("/{bucket}?list-type=2"))).unwrap();
        let parts = listing.split("<Key>").skip(1);
        parts
            .map(|part| part.split("</Key>").next().unwrap().to_owned())
            .collect()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn moto_keeps_what_was_put_once() {
    let Some(moto) = Moto::start() else { return };
    moto.ask("PUT", "/bucket");
    let directory = sink::Directory::new();
    let credentials = directory.file("c", "[default]\naws_access_key_id = AKID\naws_secret_access_key = s\n");
    let config = json!({
        "url": "s3://bucket/logs", "endpoint": format!("http://127.0.0.1:{}", moto.1), "credentials_file": credentials,
        "compression": "none",
    });
    let safe = Safe::new();
    for _ in 0..2 {
        assert_all(&safe.once(&mut link("object_store", &config), &two_days()), 4);
    }
    let keys = moto.keys("bucket");
    assert_eq!(keys.len(), 2, "{keys:?}");
    let key = keys.iter().find(|key| key.starts_with("logs/day=2025-11-22/")).unwrap();
    assert_eq!(numbers(&moto.ask("GET", &format!("/bucket/{key}"))), [0, 1]);
}
