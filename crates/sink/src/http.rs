//! One HTTP/1.1 request on one connection. Redirects are not followed.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::error::DeliveryError;
use crate::net::{Call, Connection, Peer, failed, is_closed, telling};
use crate::tls::TlsOptions;
use crate::url::Url;

/// The most bytes of an answer's status line and headers, and of each such part of a body in chunks.
const MAX_HEAD_BYTES: u64 = 64 << 10;

/// The most headers of an answer.
const MAX_HEADERS: usize = 128;

/// What is asked.
pub struct Request<'a> {
    /// Such as POST.
    pub method: &'static str,
    /// Where; its path is sent as it is.
    pub url: &'a Url,
    /// Names and values, but for Host, Content-Length, Connection and User-Agent.
    pub headers: &'a [(String, String)],
    /// The bytes of the body.
    pub body: &'a [u8],
    /// None for a connection in the clear.
    pub tls: Option<&'a TlsOptions>,
    /// The most time to connect to one address.
    pub connect: Duration,
    /// The most bytes of the answer's body that are kept.
    pub keep: usize,
}

/// Where the body of an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Where the server said.
    Whole,
    /// It has more bytes than were kept.
    TooLong,
    /// The connection broke.
    Cut,
}

/// The answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// What was kept of its body.
    pub body: Vec<u8>,
    /// Where the body ended.
    pub end: End,
    /// Whether another request may follow on the same connection.
    pub(crate) reusable: bool,
}

impl Answer {
    /// The value of the first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The values of all headers of this name.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The media type without its parameters, in lower case.
    pub fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// Sends the request and reads the answer, whatever its status is.
///
/// # Errors
/// When there was no answer by the deadline of `call`.
pub fn exchange(call: &Call<'_>, request: &Request<'_>) -> Result<Answer, DeliveryError> {
    let mut connection = BufReader::new(call.connect(&peer(request))?);
    converse(&mut connection, request, false).map_err(|broken| broken.error)
}

/// Whom a request goes to.
pub(crate) fn peer<'a>(request: &Request<'a>) -> Peer<'a> {
    Peer {
        host: &request.url.host,
        port: request.url.port,
        connect: request.connect,
        tls: request.tls,
        alpn: Some(b"http/1.1"),
    }
}

/// A conversation that ended without an answer.
pub(crate) struct Broken {
    pub(crate) error: DeliveryError,
    /// Whether the other side has closed the connection without a word, as it does with one that was idle too long.
    pub(crate) closed: bool,
}

/// Sends the request on a connection and reads the answer.
pub(crate) fn converse(
    connection: &mut BufReader<Connection<'_>>,
    request: &Request<'_>,
    again: bool,
) -> Result<Answer, Broken> {
    let server = request.url.authority();
    let stream = connection.get_mut();
    // A server may answer and close before it has read everything: its answer says more than a broken pipe.
    let sent = stream
        .write_all(head(request, again).as_bytes())
        .and_then(|()| stream.write_all(request.body))
        .and_then(|()| stream.flush());
    let sent = match sent {
        Err(error) if !is_closed(&error) => {
            return Err(Broken {
                error: failed(&format!("send to {server}"), &error),
                closed: false,
            });
        }
        other => other,
    };
    read_answer(connection, request.keep).map_err(|read| {
        let closed = is_closed(&read) || read.kind() == io::ErrorKind::UnexpectedEof;
        let error = match sent {
            Ok(()) => failed(&format!("read the answer of {server}"), &read),
            Err(written) => failed(&format!("send to {server}"), &telling(written, read)),
        };
        Broken { error, closed }
    })
}

/// The head, which may hold a token: wiped, and made without copies that growth would leave behind.
fn head(request: &Request<'_>, again: bool) -> Zeroizing<String> {
    let path = if request.url.path.is_empty() {
        "/"
    } else {
        &request.url.path
    };
    let headers: usize = request
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + 4)
        .sum();
    let mut head = Zeroizing::new(String::with_capacity(
        headers + path.len() + request.url.host.len() + 256,
    ));
    let _ = write!(
        head,
        "{} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: {}\r\nUser-Agent: pg_auditlog/{}\r\n",
        request.method,
        request.url.authority(),
        request.body.len(),
        if again { "keep-alive" } else { "close" },
        env!("CARGO_PKG_VERSION")
    );
    for (name, value) in request.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    head
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Reads an answer, over those that only announce it (1xx).
pub(crate) fn read_answer(mut from: impl BufRead, keep: usize) -> io::Result<Answer> {
    for _ in 0..10 {
        let (status, headers, persistent) = read_head(&mut from)?;
        if (100..200).contains(&status) && status != 101 {
            continue;
        }
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
            end: End::Whole,
            reusable: false,
        };
        answer.end = match read_body(&mut from, &answer.headers, status, keep, &mut answer.body) {
            Ok(end) => end,
            // What is there of the body may still say what went wrong.
            Err(_) => End::Cut,
        };
        let closes = answer
            .headers("connection")
            .any(|value| value.eq_ignore_ascii_case("close"));
        let bounded = matches!(status, 204 | 304)
            || answer.header("content-length").is_some()
            || answer.header("transfer-encoding").is_some();
        answer.reusable = persistent && bounded && !closes && status != 101 && answer.end == End::Whole;
        return Ok(answer);
    }
    Err(broken("too many interim answers"))
}

type Headers = Vec<(String, String)>;

/// The status, the headers, and whether the version is one whose connections stay open (HTTP/1.1).
fn read_head(from: &mut impl BufRead) -> io::Result<(u16, Headers, bool)> {
    let mut head = Vec::new();
    let mut limited = from.take(MAX_HEAD_BYTES);
    loop {
        let length = limited.read_until(b'\n', &mut head)?;
        if length == 0 {
            return Err(match (head.is_empty(), limited.limit()) {
                (_, 0) => broken("the answer's headers are too long"),
                (true, _) => io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the connection was closed without an answer",
                ),
                _ => io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the connection was closed within the answer",
                ),
            });
        }
        let line = &head[head.len() - length..];
        if head.len() > length && matches!(line, b"\n" | b"\r\n") {
            break;
        }
    }
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    match answer.parse(&head) {
        Ok(httparse::Status::Complete(_)) => {}
        _ => return Err(broken("the answer is not HTTP/1.1")),
    }
    let persistent = answer.version == Some(1);
    let headers = answer
        .headers
        .iter()
        .map(|header| {
            (
                header.name.to_owned(),
                String::from_utf8_lossy(header.value).trim().to_owned(),
            )
        })
        .collect();
    Ok((answer.code.unwrap_or_default(), headers, persistent))
}

fn read_body(
    from: &mut impl BufRead,
    headers: &Headers,
    status: u16,
    keep: usize,
    body: &mut Vec<u8>,
) -> io::Result<End> {
    let values = |name: &'static str| {
        headers
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
    };
    if matches!(status, 204 | 304) {
        return Ok(End::Whole);
    }
    if let Some((_, coding)) = values("transfer-encoding").next_back() {
        if !coding.eq_ignore_ascii_case("chunked") {
            return Err(broken("the answer has an unknown transfer encoding"));
        }
        return read_chunks(from, keep, body);
    }
    let mut lengths = values("content-length").map(|(_, value)| value.as_str());
    let Some(length) = lengths.next() else {
        // Until the connection is closed.
        read_part(from, u64::MAX, keep, body)?;
        return Ok(if body.len() > keep {
            too_long(keep, body)
        } else {
            End::Whole
        });
    };
    if lengths.any(|other| other != length) {
        return Err(broken("the answer has two lengths"));
    }
    let length = decimal(length, 10).ok_or_else(|| broken("the answer's length is no number"))?;
    read_part(from, length, keep, body)?;
    Ok(if body.len() > keep {
        too_long(keep, body)
    } else if (body.len() as u64) < length {
        End::Cut
    } else {
        End::Whole
    })
}

fn read_chunks(from: &mut impl BufRead, keep: usize, body: &mut Vec<u8>) -> io::Result<End> {
    loop {
        let line = read_line(from)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = decimal(size, 16).ok_or_else(|| broken("a chunk's size is no number"))?;
        if size == 0 {
            break;
        }
        let before = body.len() as u64;
        read_part(from, size, keep, body)?;
        if body.len() > keep {
            return Ok(too_long(keep, body));
        }
        if body.len() as u64 - before < size {
            return Ok(End::Cut);
        }
        if !read_line(from)?.is_empty() {
            return Err(broken("a chunk doesn't end where it should"));
        }
    }
    // Trailers, which nobody needs.
    for _ in 0..MAX_HEADERS {
        if read_line(from)?.is_empty() {
            return Ok(End::Whole);
        }
    }
    Err(broken("too many trailers"))
}

/// Reads `length` bytes, but no more than one above what is kept.
fn read_part(from: &mut impl BufRead, length: u64, keep: usize, body: &mut Vec<u8>) -> io::Result<()> {
    let room = (keep as u64).saturating_add(1).saturating_sub(body.len() as u64);
    from.take(length.min(room)).read_to_end(body).map(drop)
}

fn too_long(keep: usize, body: &mut Vec<u8>) -> End {
    body.truncate(keep);
    End::TooLong
}

fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    from.take(MAX_HEAD_BYTES).read_until(b'\n', &mut line)?;
    let line = line.strip_suffix(b"\n").ok_or_else(|| broken("a line doesn't end"))?;
    Ok(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned())
}

/// A number without a sign.
fn decimal(text: &str, radix: u32) -> Option<u64> {
    let digits = !text.is_empty() && text.chars().all(|digit| digit.is_digit(radix));
    digits.then(|| u64::from_str_radix(text, radix).ok()).flatten()
}
