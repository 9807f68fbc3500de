//! Connections to PostgreSQL from outside: what `auditlog bundle --dsn` and a standby that reports to its primary have
//! in common. Connection strings are libpq's (both forms), TLS is rustls with ring, and nothing is installed for the
//! process.
#![forbid(unsafe_code)]

mod dsn;
mod tls;

pub use dsn::{Mode, Tls};
use postgres::{Client, Config};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why there is no connection: one line, with the causes beneath the error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConnectError(String);

impl ConnectError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// An error of a library, with what caused it.
    pub fn of(error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_message = cause.to_string();
            if !message.contains(&cause_message) {
                message = format!("{message}: {cause_message}");
            }
            source = cause.source();
        }
        Self(message)
    }
}

/// How to connect: a connection string that has been read.
#[derive(Debug)]
pub struct Target {
    config: Config,
    /// The same for callers that do not block.
    asynchronous: tokio_postgres::Config,
    tls: Tls,
}

impl Target {
    /// Reads a connection string. Nothing is looked up or opened.
    ///
    /// # Errors
    /// When it cannot be read, or says something about TLS that is not known.
    pub fn parse(dsn: &str) -> Result<Self, ConnectError> {
        let (rest, tls) = dsn::split(dsn)?;
        let mut config: tokio_postgres::Config = rest
            .parse()
            .map_err(|error: tokio_postgres::Error| ConnectError::of(&error))?;
        // without a name the address is what a certificate is for
        if config.get_hosts().is_empty() {
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        // as libpq: whoever can put himself in place of a socket has the machine
        let sockets = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        config.ssl_mode(match tls.mode {
            Mode::Disable => SslMode::Disable,
            _ if sockets => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        });
        Ok(Self {
            config: config.clone().into(),
            asynchronous: config,
            tls,
        })
    }

    /// The configuration, for what a caller wants to be set whatever the string says.
    pub fn config(&mut self) -> &mut Config {
        &mut self.config
    }

    /// The configuration as the string has it, for callers that wait otherwise than by blocking.
    pub fn asynchronous(&self) -> &tokio_postgres::Config {
        &self.asynchronous
    }

    /// What makes the TLS of connections, for the same callers.
    ///
    /// # Errors
    /// When a certificate or key cannot be read.
    pub fn connector(&self) -> Result<MakeRustlsConnect, ConnectError> {
        tls::connector(&self.tls)
    }

    /// Connects, and blocks the thread meanwhile.
    ///
    /// # Errors
    /// When nobody answers, or the server or its certificate is not accepted.
    pub fn connect(&self) -> Result<Client, ConnectError> {
        let connector = tls::connector(&self.tls)?;
        self.config.connect(connector).map_err(|error| ConnectError::of(&error))
    }
}
