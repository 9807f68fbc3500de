//! What the tests share: directories of their own, and little servers that do as they are told.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use auditlog_sink::{DeliveryError, FailureKind, Message, Receipt, Target, deliver};
use serde_json::Value;

pub mod tls;

/// A directory that is gone with its value.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("auditlog-sink-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A file with `text`, and its name.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.join(name);
        std::fs::write(&path, text).unwrap();
        text_of(&path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn text_of(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let first = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} twice in {:?}", self.headers);
        first
    }

    /// Reads one from a stream; without its body when `head_only`.
    pub fn read(from: &mut impl BufRead, head_only: bool) -> Option<Self> {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            from.read_line(&mut header).ok()?;
            let header = header.strip_suffix("\r\n")?;
            if header.is_empty() {
                break;
            }
            let (name, value) = header.split_once(": ")?;
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut request = Self {
            line: line.strip_suffix("\r\n")?.to_owned(),
            headers,
            body: Vec::new(),
        };
        if !head_only {
            request.body = vec![0; request.header("content-length")?.parse().ok()?];
            from.read_exact(&mut request.body).ok()?;
        }
        Some(request)
    }
}

/// What a server does with one connection.
pub enum Act {
    /// Reads the request and answers.
    Answer(Vec<u8>),
    /// Answers and closes after the head of the request, without its body.
    Early(Vec<u8>),
    /// Answers one byte at a time, with a pause before each.
    Drip(Vec<u8>, Duration),
    /// Reads the request and never answers.
    Silence,
    /// Closes without reading anything.
    Close,
}

/// A server that treats its connections as told, one after the other.
pub struct Server {
    pub address: SocketAddr,
    pub requests: Receiver<Request>,
}

impl Server {
    pub fn new(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        thread::spawn(move || {
            let mut kept = Vec::new();
            for act in acts {
                let Ok((stream, _)) = listener.accept() else { return };
                if let Act::Close = act {
                    continue;
                }
                let head_only = matches!(act, Act::Early(_));
                let mut reader = BufReader::new(stream);
                let Some(request) = Request::read(&mut reader, head_only) else {
                    continue;
                };
                let _ = sender.send(request);
                let stream = reader.get_mut();
                match act {
                    Act::Answer(bytes) | Act::Early(bytes) => drop(stream.write_all(&bytes)),
                    Act::Drip(bytes, pause) => drip(stream, &bytes, pause),
                    Act::Silence | Act::Close => kept.push(reader),
                }
            }
            // What is silent stays open.
            thread::sleep(Duration::from_secs(if kept.is_empty() { 0 } else { 60 }));
        });
        Self { address, requests }
    }

    /// A server with one plain answer.
    pub fn answering(status: &str, headers: &str, body: &str) -> Self {
        Self::new(vec![Act::Answer(answer(status, headers, body))])
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn request(&self) -> Request {
        self.requests.recv_timeout(Duration::from_secs(10)).expect("a request")
    }
}

fn drip(stream: &mut TcpStream, bytes: &[u8], pause: Duration) {
    for byte in bytes {
        thread::sleep(pause);
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
    }
}

/// The bytes of an answer with its length; `headers` has each with its line end.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// All that is read from a stream until it ends.
pub fn read_all(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

pub const NOTE: &str = "example.com/log\n12\nAAAA\n\n— example.com/log BBBB\n";

pub const MESSAGE: Message<'static> = Message {
    name: "example.com/log/12",
    content_type: "text/plain; charset=utf-8",
    body: NOTE.as_bytes(),
    time: 1_763_823_600_123_456,
};

#[track_caller]
pub fn target(kind: &str, address: &str, options: &Value) -> Target {
    match Target::parse(kind, address, options) {
        Ok(target) => target,
        Err(error) => panic!("{error} ({:?})", error.hint),
    }
}

#[track_caller]
pub fn send(target: &Target) -> Result<Receipt, DeliveryError> {
    deliver(target, &MESSAGE, Duration::from_secs(10))
}

#[track_caller]
pub fn assert_permanent(result: Result<Receipt, DeliveryError>, part: &str) -> DeliveryError {
    let error = result.expect_err("a failure");
    assert_eq!(error.kind, FailureKind::Permanent, "{error}");
    assert!(error.message.contains(part), "«{part}» is not in: {error}");
    error
}

#[track_caller]
pub fn assert_retry(result: Result<Receipt, DeliveryError>, part: &str) -> Option<Duration> {
    let error = result.expect_err("a failure");
    let FailureKind::Retry { after } = error.kind else {
        panic!("not to be tried again: {error}");
    };
    assert!(error.message.contains(part), "«{part}» is not in: {error}");
    after
}
