//! A small HTTP/1.1 client that blocks: tests say what goes over the wire, byte by byte where they must.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use serde_json::Value;

/// A request that is being put together.
#[derive(Debug, Clone)]
pub struct Request {
    address: SocketAddr,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, String)>,
    /// Did the body come to its end?
    pub is_whole: bool,
}

/// An answer whose body comes bit by bit.
pub struct Open {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    reader: BufReader<TcpStream>,
    rest: Vec<u8>,
    /// What of `rest` was given out.
    given: usize,
    ended: bool,
}

pub fn request(address: SocketAddr, method: &str, target: &str) -> Request {
    Request {
        address,
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

/// A text as a part of an address.
pub fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

impl Request {
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn basic(self, user: &str, password: &str) -> Request {
        let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        self.header("Authorization", &format!("Basic {credentials}"))
    }

    pub fn json(self, body: &Value) -> Request {
        self.body("application/json", body.to_string().as_bytes())
    }

    pub fn body(mut self, kind: &str, body: &[u8]) -> Request {
        self.body = body.to_vec();
        self.header("Content-Type", kind)
    }

    /// Sends it; the body is read by whoever gets it.
    pub fn open(&self) -> Open {
        self.try_open()
            .unwrap_or_else(|error| panic!("{error} for {} {}", self.method, self.target))
    }

    /// The same for a server that may be away.
    pub fn try_open(&self) -> std::io::Result<Open> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\nConnection: close\r\n",
            self.method, self.target
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        stream.write_all(head.as_bytes())?;
        // A refusal may come before the body was taken.
        let _ = stream.write_all(&self.body);
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| std::io::Error::other(format!("no status in {line:?}")))?;
        Ok(Open {
            status,
            headers: fields(&mut reader),
            reader,
            rest: Vec::new(),
            given: 0,
            ended: false,
        })
    }

    /// Sends it and reads the whole answer.
    pub fn send(&self) -> Answer {
        let mut open = self.open();
        let (mut body, mut trailers, mut is_whole) = (Vec::new(), Vec::new(), true);
        if open.header("transfer-encoding").is_some() {
            while let Some(chunk) = open.chunk() {
                if chunk.is_empty() {
                    trailers = fields(&mut open.reader);
                    break;
                }
                body.extend(chunk);
            }
            is_whole = open.ended;
        } else {
            open.reader.read_to_end(&mut body).expect("a body");
        }
        Answer {
            status: open.status,
            headers: open.headers,
            body,
            trailers,
            is_whole,
        }
    }
}

fn fields(reader: &mut impl BufRead) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            return fields;
        }
        if let Some((name, value)) = line.trim().split_once(':') {
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
}

fn value<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

impl Open {
    pub fn header(&self, name: &str) -> Option<&str> {
        value(&self.headers, name)
    }

    /// The next chunk; empty for the last, None when the connection broke off.
    fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut line = String::new();
        if self.reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let size = usize::from_str_radix(line.trim(), 16).ok()?;
        let mut chunk = vec![0; size];
        self.reader.read_exact(&mut chunk).ok()?;
        if size > 0 {
            let mut end = [0; 2];
            self.reader.read_exact(&mut end).ok()?;
        } else {
            self.ended = true;
        }
        Some(chunk)
    }

    /// The next line of the body; None at its end, or when the connection broke off.
    pub fn line(&mut self) -> Option<String> {
        loop {
            let left = &self.rest[self.given..];
            if let Some(end) = left.iter().position(|byte| *byte == b'\n') {
                let line = std::str::from_utf8(&left[..end]).expect("UTF-8").trim_end().to_owned();
                self.given += end + 1;
                return Some(line);
            }
            self.rest.drain(..std::mem::take(&mut self.given));
            let chunk = self.chunk().filter(|chunk| !chunk.is_empty())?;
            self.rest.extend(chunk);
        }
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        value(&self.headers, name)
    }

    pub fn trailer(&self, name: &str) -> Option<&str> {
        value(&self.trailers, name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    /// The answer, which must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

impl Open {
    /// Has the last chunk come?
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}
