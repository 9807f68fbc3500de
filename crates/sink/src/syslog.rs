//! The kind `syslog`: RFC 5424 over UDP, TCP, TLS or a Unix socket.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::error::{ConfigError, DeliveryError};
use crate::http_sink::connect_timeout;
use crate::message::{Assurance, Message, Receipt};
use crate::net::{Call, Connection, Peer, failed, is_closed, telling, timed_out};
use crate::options::Options;
use crate::syslog_text::{Annotations, Header};
use crate::tls::TlsOptions;
use crate::unsent;
use crate::url::Url;

/// How long the other side has to close after all was said.
const GRACE: Duration = Duration::from_secs(2);

/// A configured receiver of syslog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyslogTarget {
    pub(crate) place: Place,
    pub(crate) header: Header,
    pub(crate) framing: Framing,
    pub(crate) max_bytes: usize,
    pub(crate) connect: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Udp(Url),
    Tcp(Url, Option<TlsOptions>),
    Unix(PathBuf),
}

/// How a stream is cut into messages (RFC 6587).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// The length before each.
    Counted,
    /// A newline after each.
    Newline,
}

impl SyslogTarget {
    pub(crate) fn parse(address: &str, options: &mut Options<'_>) -> Result<Self, ConfigError> {
        let place = if let Some(path) = address.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if !Path::new(path).is_absolute() || path.chars().any(char::is_control) {
                return Err(
                    ConfigError::new("the path of the Unix socket is not absolute").hint("Write unix:///dev/log.")
                );
            }
            if SockAddr::unix(path).is_err() {
                return Err(ConfigError::new("the path of the Unix socket is too long"));
            }
            Place::Unix(PathBuf::from(path))
        } else {
            let url = Url::parse(address, &[("udp", Some(514)), ("tcp", None), ("tls", Some(6514))])?;
            if !matches!(url.path.as_str(), "" | "/") {
                return Err(ConfigError::new("the address of a syslog receiver has no path"));
            }
            if url.scheme == "udp" {
                Place::Udp(url)
            } else {
                Place::Tcp(url, None)
            }
        };
        let secured = matches!(&place, Place::Tcp(url, _) if url.scheme == "tls");
        let tls = TlsOptions::parse(options, secured)?;
        // On a Unix stream nobody counts.
        let framings = match place {
            Place::Unix(_) => [("newline", Framing::Newline), ("octet-counting", Framing::Counted)],
            _ => [("octet-counting", Framing::Counted), ("newline", Framing::Newline)],
        };
        let framing = options.choice("framing", &framings)?;
        if secured && framing == Framing::Newline {
            return Err(ConfigError::new("syslog over TLS always counts octets (RFC 5425)"));
        }
        // What any receiver should take (RFC 5426 §3.2, RFC 5425 §4.3.1), and what fits into a datagram.
        let (usual, most) = if matches!(place, Place::Udp(_)) {
            (2_048, 65_507)
        } else {
            (8_192, 65_536)
        };
        let max_bytes = options.number("max_bytes", 480..=most)?.unwrap_or(usual);
        Ok(Self {
            place: match place {
                Place::Tcp(url, _) => Place::Tcp(url, tls),
                other => other,
            },
            header: Header::parse(options)?,
            framing,
            max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX),
            connect: connect_timeout(options)?,
        })
    }

    pub(crate) fn host(&self) -> Option<&String> {
        match &self.place {
            Place::Udp(url) | Place::Tcp(url, _) => Some(&url.host),
            Place::Unix(_) => None,
        }
    }

    pub(crate) fn deliver(
        &self,
        call: &Call<'_>,
        message: &Message<'_>,
        annotations: &Annotations<'_>,
    ) -> Result<Receipt, DeliveryError> {
        let text = self.header.text(message, annotations)?;
        if text.len() > self.max_bytes {
            return Err(DeliveryError::permanent(format!(
                "the message has {} bytes as syslog; the most is {} (max_bytes), and nothing is cut",
                text.len(),
                self.max_bytes
            )));
        }
        match &self.place {
            Place::Udp(url) => udp(call, url, &text),
            Place::Tcp(url, tls) => {
                let connection = call.connect(&Peer {
                    host: &url.host,
                    port: url.port,
                    connect: self.connect,
                    tls: tls.as_ref(),
                    alpn: None,
                })?;
                tcp(call, connection, &self.frame(&text), &url.authority())
            }
            Place::Unix(path) => {
                let told = |error: &io::Error| failed(&format!("send to {}", path.display()), error);
                match unix(call, path, Type::DGRAM, &text) {
                    Err(error) if error.raw_os_error() == Some(libc::EPROTOTYPE) => {
                        unix(call, path, Type::STREAM, &self.frame(&text)).map_err(|error| told(&error))?;
                        Ok(Receipt::new(Assurance::Received))
                    }
                    Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => Err(too_large(&text)),
                    Err(error) => Err(told(&error)),
                    // The kernel has put it into the receiver's queue.
                    Ok(()) => Ok(Receipt::new(Assurance::Received)),
                }
            }
        }
    }

    /// The most bytes that fit behind the header of `message`.
    pub(crate) fn room(&self, message: &Message<'_>, annotations: &Annotations<'_>) -> usize {
        let empty = Message { body: b"", ..*message };
        let header = self.header.text(&empty, annotations).map_or(0, |text| text.len());
        self.max_bytes.saturating_sub(header)
    }

    /// The bytes of a message in a stream.
    pub(crate) fn frame(&self, text: &[u8]) -> Vec<u8> {
        match self.framing {
            Framing::Counted => [text.len().to_string().as_bytes(), b" ", text].concat(),
            Framing::Newline => {
                let mut frame = Vec::with_capacity(text.len() + 1);
                for byte in text {
                    // As receivers write what would end the message or a string.
                    match byte {
                        b'\n' | b'\r' | 0 => frame.extend_from_slice(format!("#{byte:03o}").as_bytes()),
                        _ => frame.push(*byte),
                    }
                }
                frame.push(b'\n');
                frame
            }
        }
    }
}

pub(crate) fn too_large(text: &[u8]) -> DeliveryError {
    DeliveryError::permanent(format!(
        "the message has {} bytes as syslog, too many for one datagram",
        text.len()
    ))
}

fn udp(call: &Call<'_>, url: &Url, text: &[u8]) -> Result<Receipt, DeliveryError> {
    let socket = udp_socket(call, url)?;
    udp_send(call, &socket, text).map_err(|error| match error.raw_os_error() {
        Some(libc::EMSGSIZE) => too_large(text),
        _ => failed(&format!("send to {}", url.authority()), &timed_out(error)),
    })?;
    Ok(Receipt::new(Assurance::Sent))
}

/// A socket for datagrams to a receiver.
pub(crate) fn udp_socket(call: &Call<'_>, url: &Url) -> Result<UdpSocket, DeliveryError> {
    let Some(address) = call.resolve(&url.host, url.port)?.first().copied() else {
        return Err(DeliveryError::retry("no address"));
    };
    let any = if address.is_ipv4() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    } else {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    };
    let open = || {
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(address)?;
        Ok(socket)
    };
    open().map_err(|error: io::Error| failed(&format!("send to {address}"), &error))
}

/// Sends one datagram.
pub(crate) fn udp_send(call: &Call<'_>, socket: &UdpSocket, text: &[u8]) -> io::Result<()> {
    socket.set_write_timeout(Some(call.left()?))?;
    socket.send(text)?;
    // On this machine the refusal is there at once.
    socket.take_error()?.map_or(Ok(()), Err)
}

/// Sends a frame and waits until the other side has it: syslog has no answer, but a receiver that reads the
/// end of the stream has read all before it, and closes too. From one that doesn't close in time, the
/// kernel's word is taken that it has acknowledged every byte.
fn tcp(call: &Call<'_>, mut connection: Connection<'_>, frame: &[u8], who: &str) -> Result<Receipt, DeliveryError> {
    let told = |error: &io::Error| failed(&format!("send to {who}"), error);
    let sent = connection
        .write_all(frame)
        .and_then(|()| connection.flush())
        .and_then(|()| connection.finish());
    if let Err(error) = sent {
        let error = match connection.read(&mut [0; 64]) {
            Err(read) if is_closed(&error) => telling(error, read),
            _ => error,
        };
        return Err(told(&error));
    }
    connection.set_call(call.within(GRACE));
    let mut sink = [0; 1_024];
    loop {
        match connection.read(&mut sink) {
            Ok(0) => return Ok(Receipt::new(Assurance::Received)),
            Ok(_) => {}
            // Many receivers close without TLS's goodbye; we have said ours.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(Receipt::new(Assurance::Received));
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => break,
            Err(error) => return Err(told(&error)),
        }
    }
    if unsent::bytes(connection.tcp()).map_err(|error| told(&error))? == 0 {
        return Ok(Receipt::new(Assurance::Received));
    }
    Err(DeliveryError::retry(format!(
        "{who} has not acknowledged the message in time"
    )))
}

pub(crate) fn unix(call: &Call<'_>, path: &Path, kind: Type, bytes: &[u8]) -> io::Result<()> {
    let mut socket = Socket::new(Domain::UNIX, kind, None)?;
    // Also for the connect, which waits while the receiver's queue is full.
    socket.set_write_timeout(Some(call.left()?))?;
    socket.connect(&SockAddr::unix(path)?).map_err(timed_out)?;
    if kind == Type::DGRAM {
        return socket.send(bytes).map(drop).map_err(timed_out);
    }
    let mut rest = bytes;
    while !rest.is_empty() {
        socket.set_write_timeout(Some(call.left()?))?;
        let written = socket.write(rest).map_err(timed_out)?;
        rest = &rest[written..];
    }
    socket.shutdown(Shutdown::Write)
}

impl fmt::Display for SyslogTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Udp(url) | Place::Tcp(url, _) => write!(f, "{}://{}", url.scheme, url.authority()),
            Place::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}
