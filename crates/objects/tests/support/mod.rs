//! Programs that are started for a test and ended with it.
#![allow(dead_code)]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use auditlog_objects::Created;
use auditlog_objects::Store;
use serde_json::Value;

pub const DEADLINE: Duration = Duration::from_secs(60);

pub fn open(url: &str, options: &Value) -> Store {
    Store::open(url, options).expect("a location")
}

/// A folder of this target directory for what a counterpart installs.
pub fn home(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

pub fn ran(command: &mut Command) -> bool {
    let output = command.stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success())
}

/// Past the capture of the test's output.
pub fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {what} can't be had");
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A program that listens.
pub struct Program(Child);

impl Program {
    pub fn start(command: &mut Command, port: u16) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a program");
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(child.try_wait().expect("a child").is_none(), "{command:?} ended");
            assert!(begun.elapsed() < Duration::from_secs(60), "{command:?} does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self(child)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn file(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).expect("a file");
    path
}

/// Answers every connection with the next of some texts, and keeps what was asked.
pub struct Scripted {
    pub port: u16,
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub fn new(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for answer in answers {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let length = head
                    .lines()
                    .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok())
                    .unwrap_or(0);
                let mut body = vec![0; length];
                let _ = stream.read_exact(&mut body);
                kept.lock().expect("no panic").push(head);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { port, asked }
    }
}

/// What every store does, whatever it is.
pub fn behaves(store: &Store) {
    let name = "class=default/day=2026-03-10/a-1.zstd.parquet";
    let bytes: Vec<u8> = (0..100_000u32).flat_map(|number| number.to_be_bytes()).collect();
    assert_eq!(store.head(name, DEADLINE), Ok(None));
    assert_eq!(store.get(name, DEADLINE), Ok(None));
    assert_eq!(store.get_to(name, &mut Vec::new(), DEADLINE), Ok(None));
    assert_eq!(store.put_new(name, bytes.clone(), DEADLINE), Ok(Created::Created));
    assert_eq!(
        store.put_new(name, bytes.clone(), DEADLINE),
        Ok(Created::AlreadyThereSame)
    );
    assert_eq!(
        store.put_new(name, bytes[1..].to_vec(), DEADLINE),
        Ok(Created::AlreadyThereOther)
    );
    let mut other = bytes.clone();
    other.push(0);
    assert_eq!(
        store.put_new(name, other.clone(), DEADLINE),
        Ok(Created::AlreadyThereOther)
    );
    other.pop();
    other[399_999] ^= 1;
    assert_eq!(store.put_new(name, other, DEADLINE), Ok(Created::AlreadyThereOther));
    assert_eq!(
        store.get(name, DEADLINE).expect("got").expect("there"),
        bytes,
        "nothing was changed"
    );
    assert_eq!(store.head(name, DEADLINE), Ok(Some(400_000)));
    assert_eq!(
        store.get_range(name, 4..12, DEADLINE).expect("got").expect("there"),
        bytes[4..12]
    );
    assert_eq!(
        store
            .get_range(name, 399_996..500_000, DEADLINE)
            .expect("got")
            .expect("there"),
        bytes[399_996..]
    );

    // three parts, the last of them short
    let long: Vec<u8> = (0..9_000_000u32).flat_map(|number| number.to_be_bytes()).collect();
    let in_parts = "manifests/long ü%+=&.bin";
    assert_eq!(
        store.put_new_from(in_parts, &mut &long[..], DEADLINE),
        Ok(Created::Created)
    );
    assert_eq!(
        store.put_new_from(in_parts, &mut &long[..], DEADLINE),
        Ok(Created::AlreadyThereSame)
    );
    assert_eq!(
        store.put_new_from(in_parts, &mut &long[1..], DEADLINE),
        Ok(Created::AlreadyThereOther)
    );
    let mut read = Vec::new();
    assert_eq!(store.get_to(in_parts, &mut read, DEADLINE), Ok(Some(36_000_000)));
    assert!(read == long);
    assert_eq!(
        store.put_new("manifests/empty", Vec::new(), DEADLINE),
        Ok(Created::Created)
    );
    assert_eq!(
        store.put_new("manifests/empty", Vec::new(), DEADLINE),
        Ok(Created::AlreadyThereSame)
    );

    let names = |folder: &str| -> Vec<(String, u64)> {
        let entries = store.list(folder, DEADLINE).expect("listed");
        entries.into_iter().map(|entry| (entry.name, entry.bytes)).collect()
    };
    let first = (name.to_owned(), 400_000);
    let rest = [("manifests/empty".to_owned(), 0), (in_parts.to_owned(), 36_000_000)];
    assert_eq!(names(""), [&[first.clone()][..], &rest[..]].concat());
    assert_eq!(names("manifests/"), rest);
    assert_eq!(names("class=default/day=2026-03-10"), [first]);
    assert_eq!(names("class=def"), []);

    store.delete(in_parts, DEADLINE).expect("deleted");
    store.delete(in_parts, DEADLINE).expect("gone already");
    assert_eq!(store.head(in_parts, DEADLINE), Ok(None));
    for strange in ["", "/a", "a/", "a//b", "../a", "a/./b", "a\u{0}b"] {
        assert!(!store.head(strange, DEADLINE).expect_err(strange).is_retry());
    }
}
