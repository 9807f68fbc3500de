//! What the tests share: events, secrets, and a web server that does as it is told.
#![allow(dead_code)]

use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use auditlog_stream::{Attempt, Driver, Item, Link, Outcome, Secrets, Sender as _, Sent, Stream};
use serde_json::Value;
use socket2::SockRef;

pub mod hec;
#[path = "../../../../sink/tests/support/mod.rs"]
pub mod sink;

pub const ORIGIN: &str = "pg_auditlog/00000000deadbeef/16384";

/// 2025-11-22T15:00:00.123456Z.
pub const NOW: i64 = 1_763_823_600_123_456;

pub const TOKEN: &str = "11111111-2222-3333-4444-555555555555";

/// An event with its body.
#[derive(Debug, Clone)]
pub struct Event {
    pub index: u64,
    pub time: i64,
    pub class: u32,
    pub body: Vec<u8>,
}

impl Event {
    pub fn new(index: u64) -> Self {
        let body = format!(r#"{{"n":{index},"text":"zwei \"Wörter\"\\"}}"#);
        Self {
            index,
            time: NOW + i64::try_from(index).unwrap(),
            class: 0,
            body: body.into_bytes(),
        }
    }

    pub fn with_body(index: u64, body: &str) -> Self {
        Self {
            body: body.as_bytes().to_vec(),
            ..Self::new(index)
        }
    }

    pub fn item(&self) -> Item<'_> {
        Item {
            log_index: self.index,
            entry_hash: hash(self.index),
            timestamp_us: self.time,
            class: self.class,
            body: &self.body,
        }
    }
}

/// The hash of the entry at a place.
pub fn hash(index: u64) -> [u8; 32] {
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&index.to_be_bytes());
    hash
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn events(count: u64) -> Vec<Event> {
    (0..count).map(Event::new).collect()
}

pub fn items(events: &[Event]) -> Vec<Item<'_>> {
    events.iter().map(Event::item).collect()
}

/// A directory of secrets, and what a try needs.
pub struct Safe {
    directory: tempfile::TempDir,
    secrets: Secrets,
    pub deadline: Duration,
    pub now: i64,
}

impl Safe {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let safe = Self {
            secrets: Secrets::new(directory.path()),
            directory,
            deadline: Duration::from_secs(10),
            now: NOW,
        };
        safe.put("hec", TOKEN);
        safe
    }

    pub fn put(&self, name: &str, text: &str) {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn attempt(&self) -> Attempt<'_> {
        Attempt {
            secrets: &self.secrets,
            deadline: self.deadline,
            now: self.now,
            allow: &|_, _| true,
        }
    }

    /// One try, without the driver.
    pub fn once(&self, link: &mut Link, events: &[Event]) -> Sent {
        link.send(&items(events), &self.attempt())
    }

    pub fn deliver(&self, link: &mut Link, events: &[Event]) -> Sent {
        Driver::default().deliver(link, &items(events), &self.attempt())
    }
}

#[track_caller]
pub fn stream(kind: &str, config: &Value) -> Stream {
    match Stream::parse(kind, config, ORIGIN) {
        Ok(stream) => stream,
        Err(error) => panic!("{error} ({:?})", error.hint),
    }
}

#[track_caller]
pub fn link(kind: &str, config: &Value) -> Link {
    Link::new(stream(kind, config))
}

#[track_caller]
pub fn refused(kind: &str, config: &Value) -> (String, String) {
    let error = Stream::parse(kind, config, ORIGIN).expect_err("an error");
    (error.message, error.hint.unwrap_or_default())
}

#[track_caller]
pub fn assert_all(sent: &Sent, count: usize) {
    assert_eq!(
        (sent.delivered, &sent.outcome),
        (count, &Outcome::Delivered),
        "{sent:?}"
    );
    assert!(sent.rejected.is_empty(), "{sent:?}");
}

/// The failure of a try with this outcome.
#[track_caller]
pub fn failure(sent: &Sent, label: &str) -> auditlog_stream::Failure {
    assert_eq!(sent.outcome.label(), label, "{sent:?}");
    sent.outcome.error().expect("an error").clone()
}

/// What a web server does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    Answer(Vec<u8>),
    /// Answers and closes.
    Last(Vec<u8>),
    /// Ends the connection with a reset.
    Reset,
    /// Ends the connection without a word.
    Close,
    /// Never answers.
    Silence,
}

/// A JSON answer.
pub fn answer(status: &str, headers: &str, body: &str) -> Reply {
    Reply::Answer(sink::answer(status, headers, body))
}

/// A web server whose connections stay open.
pub struct Web(pub SocketAddr);

impl Web {
    pub fn new(act: impl Fn(&sink::Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let act = Arc::new(act);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let act = act.clone();
                thread::spawn(move || talk(stream, &*act));
            }
        });
        Self(address)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.0)
    }
}

fn talk(stream: TcpStream, act: &dyn Fn(&sink::Request) -> Reply) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(request) = sink::Request::read(&mut reader, false) {
        match act(&request) {
            Reply::Answer(bytes) => {
                if reader.get_mut().write_all(&bytes).is_err() {
                    return;
                }
            }
            Reply::Last(bytes) => {
                let _ = reader.get_mut().write_all(&bytes);
                return;
            }
            Reply::Reset => {
                let _ = SockRef::from(reader.get_ref()).set_linger(Some(Duration::ZERO));
                return;
            }
            Reply::Close => return,
            Reply::Silence => {
                thread::sleep(Duration::from_secs(30));
                return;
            }
        }
    }
}
