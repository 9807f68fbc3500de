//! What the server is told: flags, environment and a file of YAML. A flag beats the environment, which beats the file.

mod given;
mod single_sign_on;
mod span;
mod viewer;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

pub use given::Given;
pub use single_sign_on::{CALLBACK, SingleSignOnSettings};
pub use span::Span;
pub use viewer::ViewerSettings;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file of settings is no YAML, or has a key that is not known.
    #[error("{}: {message}", path.display())]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Where and why.
        message: String,
    },
    /// Something must be said.
    #[error("{0}")]
    Wrong(String),
}

/// All settings, with defaults in place of what was not said.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Certificate chain and key in PEM; without them plain HTTP.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where metrics are given out; `None` for nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// Connection string of the service login: where the database is, and who looks after it for the server itself.
    pub database: Zeroizing<String>,
    /// Connection string of the authenticator, under whose login bearers of tokens come in.
    pub authenticator: Option<Zeroizing<String>>,
    /// Role that a token's principal has unless it has a login role of its own.
    pub bearer_role: String,
    /// The same for principals that manage a team.
    pub bearer_manager_role: String,
    /// May people log in by their role's name and password?
    pub login: bool,
    /// The OpenID provider at which people may sign in, when there is one.
    pub single_sign_on: Option<SingleSignOnSettings>,
    /// Links to lists for who has no login.
    pub viewer: ViewerSettings,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// What cursors are signed with; made anew at each start unless a file has it.
    pub secret: Zeroizing<Vec<u8>>,
    /// Limits of connections to the database.
    pub pool: PoolSettings,
    /// Limits of a transaction.
    pub limits: TransactionLimits,
    /// How long sessions live.
    pub sessions: SessionSettings,
    /// How much anybody may ask for.
    pub rates: RateSettings,
    /// Live streams.
    pub streams: StreamSettings,
    /// Bytes that the body of a request may have.
    pub body_limit: usize,
    /// How long requests may go on after the server was told to stop.
    pub shutdown_grace: Duration,
    /// Which messages are logged, as `tracing` filters them.
    pub log: String,
}

/// Limits of connections to the database.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// Connections of one identity.
    pub per_identity: usize,
    /// Connections in all.
    pub total: usize,
    /// An unused connection is closed after this.
    pub idle: Duration,
    /// A connection is not used again after this.
    pub lifetime: Duration,
    /// How long a request waits for a connection.
    pub wait: Duration,
}

/// Limits of a transaction.
#[derive(Debug, Clone)]
pub struct TransactionLimits {
    /// `statement_timeout` of an ordinary request.
    pub statement: Duration,
    /// The same of exports, verifications and reports at once.
    pub export: Duration,
    /// `lock_timeout`.
    pub lock: Duration,
    /// `idle_in_transaction_session_timeout`.
    pub idle: Duration,
}

/// How long sessions live.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// Without a request.
    pub idle: Duration,
    /// At the longest.
    pub absolute: Duration,
    /// How many at once.
    pub most: usize,
}

/// How much anybody may ask for.
#[derive(Debug, Clone)]
pub struct RateSettings {
    /// Requests a minute of one identity.
    pub requests: u32,
    /// Exports a minute of one identity.
    pub exports: u32,
    /// Refused logins a minute from one address, and for one name.
    pub refusals: u32,
}

/// Live streams.
#[derive(Debug, Clone)]
pub struct StreamSettings {
    /// Shortest time between two looks of a subscriber.
    pub interval: Duration,
    /// How often a silent stream says that it is alive.
    pub heartbeat: Duration,
    /// Streams of one identity.
    pub per_identity: usize,
    /// Streams in all.
    pub total: usize,
}

impl Settings {
    /// From the process' arguments and environment, and the file that they name.
    ///
    /// # Errors
    /// When the file cannot be read, or something is missing or contradicts itself.
    pub fn of_the_process() -> Result<Settings, ConfigError> {
        Given::of_the_process()?.settle()
    }

    /// Is this a place that only this machine reaches?
    pub fn is_local(&self) -> bool {
        self.listen.ip().is_loopback()
    }
}

/// A file's text without the line's end, for secrets.
pub(crate) fn secret_file(path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    let mut text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
        path: path.to_owned(),
        error,
    })?);
    let length = text.trim_end_matches(['\n', '\r']).len();
    text.truncate(length);
    Ok(text)
}
