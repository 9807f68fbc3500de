//! Connections whose every step ends by a deadline.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};

use crate::error::DeliveryError;
use crate::tls::{self, TlsOptions};

/// The most time that a delivery gets.
const MAX_DEADLINE: Duration = Duration::from_secs(24 * 3_600);

/// One delivery: until when, and to which addresses.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    until: Instant,
    allow: &'a dyn Fn(SocketAddr) -> bool,
}

impl<'a> Call<'a> {
    /// A call that ends after `deadline`, at most a day, and connects to addresses that `allow` agrees to.
    pub fn new(deadline: Duration, allow: &'a dyn Fn(SocketAddr) -> bool) -> Self {
        Self {
            until: Instant::now() + deadline.min(MAX_DEADLINE),
            allow,
        }
    }

    /// The time that is left, more than none.
    ///
    /// # Errors
    /// `TimedOut` when the deadline has passed.
    pub fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the deadline has passed"));
        }
        Ok(left)
    }

    /// Whether this address may be connected to.
    pub(crate) fn allows(&self, address: SocketAddr) -> bool {
        (self.allow)(address)
    }

    /// The same, but with no more than `most` from now on.
    pub(crate) fn within(&self, most: Duration) -> Self {
        Self {
            until: self.until.min(Instant::now() + most),
            allow: self.allow,
        }
    }

    /// The addresses of a host, as far as they are allowed. For a name this asks the system's resolver,
    /// which knows no deadline but its own (`man resolv.conf`: `timeout`, `attempts`).
    pub(crate) fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, DeliveryError> {
        let all: Vec<SocketAddr> = (host, port)
            .to_socket_addrs()
            .map_err(|error| DeliveryError::retry(format!("the address of «{host}» is not known: {error}")))?
            .collect();
        if all.is_empty() {
            return Err(DeliveryError::retry(format!("the host «{host}» has no address")));
        }
        let allowed: Vec<_> = all.iter().copied().filter(|address| (self.allow)(*address)).collect();
        if allowed.is_empty() {
            return Err(DeliveryError::permanent(format!(
                "the address {} of «{host}» is not among those that may be connected to",
                all[0].ip()
            )));
        }
        Ok(allowed)
    }

    /// Connects to the first address that answers, in `connect` for each at most.
    fn tcp(&self, peer: &Peer<'_>) -> Result<TcpStream, DeliveryError> {
        let addresses = self.resolve(peer.host, peer.port)?;
        let mut last = None;
        for (done, address) in addresses.iter().enumerate() {
            let attempt = || {
                let remaining = u32::try_from(addresses.len() - done).unwrap_or(u32::MAX);
                let stream = TcpStream::connect_timeout(address, (self.left()? / remaining).min(peer.connect))?;
                stream.set_nodelay(true)?;
                Ok::<_, io::Error>(stream)
            };
            match attempt() {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(failed(&format!("connect to {address}"), &error)),
            }
        }
        Err(last.unwrap_or_else(|| DeliveryError::retry("no address")))
    }

    /// Connects to `peer`, with TLS if it has options for it.
    ///
    /// # Errors
    /// When no allowed address answers in time, or TLS fails.
    pub fn connect(&self, peer: &Peer<'_>) -> Result<Connection<'a>, DeliveryError> {
        // Files are read before anything is sent, so that a wrong one is told as such.
        let tls = peer
            .tls
            .map(|options| tls::session(options, peer.host, peer.alpn))
            .transpose()?;
        let tcp = Timed {
            tcp: self.tcp(peer)?,
            call: *self,
        };
        match tls {
            None => Ok(Connection::Plain(tcp)),
            Some(session) => secured(tcp, session, peer.host),
        }
    }
}

/// Agrees on TLS over a socket.
fn secured<'a>(mut tcp: Timed<'a>, mut session: ClientConnection, host: &str) -> Result<Connection<'a>, DeliveryError> {
    while session.is_handshaking() {
        session
            .complete_io(&mut tcp)
            .map_err(|error| failed(&format!("agree on TLS with {host}"), &error))?;
    }
    Ok(Connection::Tls(Box::new(StreamOwned::new(session, tcp))))
}

/// Whom to connect to.
#[derive(Clone, Copy)]
pub struct Peer<'a> {
    /// A name or an address.
    pub host: &'a str,
    /// The port.
    pub port: u16,
    /// The most time for one address.
    pub connect: Duration,
    /// None for a connection in the clear.
    pub tls: Option<&'a TlsOptions>,
    /// The protocol to ask for in TLS, if any.
    pub alpn: Option<&'static [u8]>,
}

/// A connection. What is read from it and written to it ends by the deadline of its [`Call`].
pub enum Connection<'a> {
    /// In the clear.
    Plain(Timed<'a>),
    /// With TLS.
    Tls(Box<StreamOwned<ClientConnection, Timed<'a>>>),
}

impl Connection<'_> {
    /// Goes on with TLS over the same socket, as both sides have agreed in the clear (STARTTLS). Whatever was
    /// read of the clear text before must be used up or thrown away: it can't be believed.
    ///
    /// # Errors
    /// When TLS fails, or is there already.
    pub fn start_tls(self, options: &TlsOptions, host: &str) -> Result<Self, DeliveryError> {
        match self {
            Self::Plain(tcp) => secured(tcp, tls::session(options, host, None)?, host),
            Self::Tls(_) => Err(DeliveryError::permanent("the connection has TLS already")),
        }
    }

    /// The same connection, to be used by later calls too ([`Connection::set_call`]).
    pub(crate) fn kept(self) -> Connection<'static> {
        let keep = |timed: Timed<'_>| Timed {
            tcp: timed.tcp,
            call: Call {
                until: timed.call.until,
                allow: &|_| true,
            },
        };
        match self {
            Self::Plain(timed) => Connection::Plain(keep(timed)),
            Self::Tls(stream) => {
                let (session, timed) = stream.into_parts();
                Connection::Tls(Box::new(StreamOwned::new(session, keep(timed))))
            }
        }
    }

    /// Whether the other side still listens, as far as this one knows: it has not closed, and has said nothing that
    /// nobody asked for. TLS's own messages, such as session tickets, are taken in.
    pub(crate) fn is_quiet(&mut self) -> bool {
        if self.tcp().set_nonblocking(true).is_err() {
            return false;
        }
        let waits = |result: io::Result<usize>| match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Some(true),
            Ok(0) | Err(_) => Some(false),
            Ok(_) => None,
        };
        let quiet = match self {
            Self::Plain(timed) => waits(timed.tcp.peek(&mut [0])) == Some(true),
            Self::Tls(stream) => loop {
                let read = stream.conn.read_tls(&mut &stream.sock.tcp);
                if let Some(quiet) = waits(read) {
                    break quiet;
                }
                match stream.conn.process_new_packets() {
                    Ok(state) if state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() => {}
                    _ => break false,
                }
            },
        };
        self.tcp().set_nonblocking(false).is_ok() && quiet
    }

    /// The socket below.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(timed) => &timed.tcp,
            Self::Tls(stream) => &stream.sock.tcp,
        }
    }

    /// Changes the deadline of what is still to be read and written.
    pub(crate) fn set_call(&mut self, call: Call<'_>) {
        let timed = match self {
            Self::Plain(timed) => timed,
            Self::Tls(stream) => &mut stream.sock,
        };
        timed.call.until = call.until;
    }

    /// Our address.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.tcp().local_addr()
    }

    /// Says that nothing more comes.
    ///
    /// # Errors
    /// When that can't be sent.
    pub fn finish(&mut self) -> io::Result<()> {
        if let Self::Tls(stream) = self {
            stream.conn.send_close_notify();
            stream.flush()?;
        }
        self.tcp().shutdown(Shutdown::Write)
    }
}

impl Read for Connection<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stream = match self {
            Self::Plain(timed) => return timed.read(buffer),
            Self::Tls(stream) => stream,
        };
        // Unlike rustls's own stream this never writes: after a broken pipe, what the other side said before
        // it broke, such as an alert, can still be read.
        loop {
            match stream.conn.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            stream.conn.read_tls(&mut stream.sock)?;
            stream
                .conn
                .process_new_packets()
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }
}

impl Write for Connection<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(timed) => timed.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(timed) => timed.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// A socket on which no call outlasts the deadline.
pub struct Timed<'a> {
    tcp: TcpStream,
    call: Call<'a>,
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(self.call.left()?))?;
        self.tcp.read(buffer).map_err(timed_out)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(self.call.left()?))?;
        self.tcp.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket's time-out shows as `EAGAIN`.
pub(crate) fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock {
        return io::Error::new(io::ErrorKind::TimedOut, "no answer until the deadline");
    }
    error
}

/// Whether the other side has closed, so that what it said before may be worth reading.
pub(crate) fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected
    )
}

/// Which of two errors says more: of writing, and of reading after it.
pub(crate) fn telling(written: io::Error, read: io::Error) -> io::Error {
    if read.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
        read
    } else {
        written
    }
}

/// The failure to `what`: a network's faults pass, a refused certificate doesn't.
pub fn failed(what: &str, error: &io::Error) -> DeliveryError {
    let message = format!("could not {what}: {error}");
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(inner) if tls::is_permanent(inner) => DeliveryError::permanent(message),
        _ => DeliveryError::retry(message),
    }
}
