//! Many syslog messages over one connection that stays open.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::UdpSocket;
use std::time::Duration;

use socket2::Type;

use crate::error::{ConfigError, DeliveryError};
use crate::message::Message;
use crate::net::{Call, Connection, Peer, failed, is_closed, telling, timed_out};
use crate::options::Options;
use crate::syslog::{Place, SyslogTarget, too_large, udp_send, udp_socket, unix};
use crate::syslog_text::Annotations;
use crate::unsent;

/// How long is waited between two looks at what the other side has acknowledged, at first and at most.
const LOOKS: (Duration, Duration) = (Duration::from_micros(200), Duration::from_millis(20));

/// A configured receiver, with the options of the kind `syslog`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogReceiver(SyslogTarget);

/// A way to a receiver.
pub enum SyslogLine {
    /// TCP or TLS.
    Stream(Connection<'static>),
    /// UDP.
    Datagrams(UdpSocket),
    /// A Unix socket, which is connected to for every batch.
    Unix,
}

impl SyslogReceiver {
    /// Reads an address and the options.
    ///
    /// # Errors
    /// When one of them has a value that it can't have.
    pub fn parse(address: &str, options: &mut Options<'_>) -> Result<Self, ConfigError> {
        SyslogTarget::parse(address, options).map(Self)
    }

    /// The host it connects to; none for a Unix socket.
    pub fn host(&self) -> Option<&str> {
        self.0.host().map(String::as_str)
    }

    /// Whether messages go over a connection, so that it is known which ones the other side's kernel has.
    pub fn is_stream(&self) -> bool {
        matches!(self.0.place, Place::Tcp(..))
    }

    /// The most bytes of a message.
    pub fn max_bytes(&self) -> usize {
        self.0.max_bytes
    }

    /// A message with its header, without framing.
    ///
    /// # Errors
    /// When it can't be one.
    pub fn text(&self, message: &Message<'_>, annotations: &Annotations<'_>) -> Result<Vec<u8>, DeliveryError> {
        self.0.header.text(message, annotations)
    }

    /// Opens a way to the receiver.
    ///
    /// # Errors
    /// When no allowed address answers in time, or TLS fails.
    pub fn open(&self, call: &Call<'_>) -> Result<SyslogLine, DeliveryError> {
        match &self.0.place {
            Place::Udp(url) => udp_socket(call, url).map(SyslogLine::Datagrams),
            Place::Unix(_) => Ok(SyslogLine::Unix),
            Place::Tcp(url, tls) => {
                let peer = Peer {
                    host: &url.host,
                    port: url.port,
                    connect: self.0.connect,
                    tls: tls.as_ref(),
                    alpn: None,
                };
                Ok(SyslogLine::Stream(call.connect(&peer)?.kept()))
            }
        }
    }

    /// Sends messages in their order. Over a connection it waits until the other side's kernel has acknowledged all;
    /// then all of them count or none. Of the others it says how many have left before the failure.
    ///
    /// # Errors
    /// What went wrong, and the number of those that have left. The line must not be used again.
    pub fn send(
        &self,
        call: &Call<'_>,
        line: &mut SyslogLine,
        texts: &[Vec<u8>],
    ) -> Result<(), (usize, DeliveryError)> {
        let told = |error: &io::Error| failed(&format!("send to {self}"), error);
        match line {
            SyslogLine::Stream(connection) => {
                let frames: Vec<u8> = texts.iter().flat_map(|text| self.0.frame(text)).collect();
                connection.set_call(*call);
                stream(call, connection, &frames).map_err(|error| (0, told(&error)))
            }
            SyslogLine::Datagrams(socket) => each(texts, |text| {
                udp_send(call, socket, text).map_err(|error| match error.raw_os_error() {
                    Some(libc::EMSGSIZE) => too_large(text),
                    _ => told(&timed_out(error)),
                })
            }),
            SyslogLine::Unix => {
                let Place::Unix(path) = &self.0.place else {
                    return Err((0, DeliveryError::permanent("the line belongs to another receiver")));
                };
                each(texts, |text| {
                    let sent = unix(call, path, Type::DGRAM, text);
                    let sent = match sent {
                        Err(error) if error.raw_os_error() == Some(libc::EPROTOTYPE) => {
                            unix(call, path, Type::STREAM, &self.0.frame(text))
                        }
                        other => other,
                    };
                    sent.map_err(|error| match error.raw_os_error() {
                        Some(libc::EMSGSIZE) => too_large(text),
                        _ => told(&error),
                    })
                })
            }
        }
    }
}

fn each(
    texts: &[Vec<u8>],
    mut send: impl FnMut(&[u8]) -> Result<(), DeliveryError>,
) -> Result<(), (usize, DeliveryError)> {
    for (number, text) in texts.iter().enumerate() {
        send(text).map_err(|error| (number, error))?;
    }
    Ok(())
}

/// Writes, and waits until nothing is left that the other side's kernel has not acknowledged.
fn stream(call: &Call<'_>, connection: &mut Connection<'static>, frames: &[u8]) -> io::Result<()> {
    let written = connection.write_all(frames).and_then(|()| connection.flush());
    if let Err(written) = written {
        // An alert of TLS that came before says more than a broken pipe.
        return Err(match connection.read(&mut [0; 64]) {
            Err(read) if is_closed(&written) => telling(written, read),
            _ => written,
        });
    }
    let (mut pause, most) = LOOKS;
    while unsent::bytes(connection.tcp())? > 0 {
        std::thread::sleep(pause.min(call.left()?));
        pause = (2 * pause).min(most);
    }
    if connection.is_quiet() {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::ConnectionReset,
        "the connection was closed while messages were on their way",
    ))
}

impl SyslogLine {
    /// Whether its address is still among those that may be connected to: the list may have changed.
    pub fn is_allowed(&self, call: &Call<'_>) -> bool {
        let address = match self {
            Self::Stream(connection) => connection.tcp().peer_addr(),
            Self::Datagrams(socket) => socket.peer_addr(),
            Self::Unix => return true,
        };
        address.is_ok_and(|address| call.allows(address))
    }

    /// Whether the other side has not closed, as far as this one knows: what is written after that is lost without
    /// an error.
    pub fn is_open(&mut self) -> bool {
        match self {
            Self::Stream(connection) => connection.is_quiet(),
            Self::Datagrams(_) | Self::Unix => true,
        }
    }
}

impl fmt::Display for SyslogReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
