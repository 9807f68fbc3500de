//! How connections are made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use auditlog_connection::ConnectError;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;
use zeroize::Zeroizing;

use super::DatabaseError;

/// `application_name` of the server's connections; requests put the client's address behind it.
pub const APPLICATION: &str = "auditlog-server";
/// How long it is believed that the database asks somebody for a password: each question is a connection more.
const ASKED: Duration = Duration::from_secs(60);
/// Names that are kept for that.
const MOST_ASKED: usize = 10_000;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Who logs in.
#[derive(Debug, Clone)]
pub enum Login {
    /// Whoever the connection string names.
    Configured,
    /// Somebody else, by name and password.
    Person {
        /// The login role.
        name: String,
        /// Its password.
        password: Zeroizing<String>,
    },
}

/// A database and the way to it.
#[derive(Clone)]
pub struct Target {
    config: Config,
    /// The same without a password.
    bare: Config,
    /// Who was asked for a password lately, and when.
    asked: Arc<Mutex<HashMap<String, Instant>>>,
    tls: MakeRustlsConnect,
}

/// An open connection.
pub struct Connection {
    /// What asks.
    pub client: Client,
    cancel: CancelToken,
    tls: MakeRustlsConnect,
}

impl Target {
    /// Reads a connection string.
    ///
    /// # Errors
    /// When it cannot be read, or a certificate that it names.
    pub fn parse(dsn: &str) -> Result<Target, ConnectError> {
        let target = auditlog_connection::Target::parse(dsn)?;
        let mut config = target.asynchronous().clone();
        config.application_name(APPLICATION).connect_timeout(CONNECT_TIMEOUT);
        Ok(Target {
            bare: without_password(&config),
            asked: Arc::default(),
            config,
            tls: target.connector()?,
        })
    }

    /// The database's name.
    pub fn database(&self) -> Option<&str> {
        self.config.get_dbname()
    }

    /// Connects.
    ///
    /// # Errors
    /// When nobody answers, or the login is refused.
    pub async fn connect(&self, login: &Login) -> Result<Connection, DatabaseError> {
        if let Login::Person { name, .. } = login {
            self.insist(name).await?;
        }
        let (connection, messages) = self.open(login).await?;
        tokio::spawn(async move {
            // Its errors reach whoever waits for an answer.
            let _ = messages.await;
        });
        Ok(connection)
    }

    /// Is a person asked for a password at all? Where pg_hba.conf says trust, peer, ident or cert, PostgreSQL lets in whoever
    /// this server says it is, and any password would do.
    async fn insist(&self, name: &str) -> Result<(), DatabaseError> {
        let asked = || self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked().get(name).is_some_and(|at| at.elapsed() < ASKED) {
            return Ok(());
        }
        let mut config = self.bare.clone();
        config.user(name);
        match config.connect(self.tls.clone()).await {
            Ok(_) => return Err(DatabaseError::Trusting),
            Err(error) if is_asked(&error) => {
                let mut asked = asked();
                if asked.len() >= MOST_ASKED {
                    asked.retain(|_, at| at.elapsed() < ASKED);
                }
                if asked.len() < MOST_ASKED {
                    asked.insert(name.to_owned(), Instant::now());
                }
            }
            // What is wrong will be told by the login itself.
            Err(_) => {}
        }
        Ok(())
    }

    /// Connects, and leaves what comes unasked to the caller.
    ///
    /// # Errors
    /// When nobody answers, or the login is refused.
    pub async fn open(
        &self,
        login: &Login,
    ) -> Result<
        (
            Connection,
            tokio_postgres::Connection<
                tokio_postgres::Socket,
                <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>>::Stream,
            >,
        ),
        DatabaseError,
    > {
        let mut config = self.config.clone();
        if let Login::Person { name, password } = login {
            config.user(name).password(password.as_bytes());
        }
        let (client, messages) = config.connect(self.tls.clone()).await.map_err(refusal)?;
        let cancel = client.cancel_token();
        let connection = Connection {
            client,
            cancel,
            tls: self.tls.clone(),
        };
        Ok((connection, messages))
    }
}

impl Connection {
    /// Stops what the connection is doing, from beside.
    pub async fn cancel(&self) {
        // Whether it worked is seen at the connection itself.
        let _ = self.cancel.cancel_query(self.tls.clone()).await;
    }
}

/// Did the database ask for the password that was not given?
fn is_asked(error: &tokio_postgres::Error) -> bool {
    let cause = std::error::Error::source(error);
    cause.is_some_and(|cause| cause.to_string() == "password missing")
}

/// Everything but the password, which the library has no way to take out of a configuration.
fn without_password(config: &Config) -> Config {
    let mut bare = Config::new();
    for host in config.get_hosts() {
        match host {
            Host::Tcp(name) => bare.host(name),
            Host::Unix(path) => bare.host_path(path),
        };
    }
    for address in config.get_hostaddrs() {
        bare.hostaddr(*address);
    }
    for port in config.get_ports() {
        bare.port(*port);
    }
    if let Some(name) = config.get_dbname() {
        bare.dbname(name);
    }
    if let Some(options) = config.get_options() {
        bare.options(options);
    }
    bare.application_name(APPLICATION)
        .connect_timeout(CONNECT_TIMEOUT)
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .channel_binding(config.get_channel_binding())
        .target_session_attrs(config.get_target_session_attrs());
    bare
}

fn refusal(error: tokio_postgres::Error) -> DatabaseError {
    match error.code() {
        Some(code) if code == &SqlState::INVALID_PASSWORD || code.code().starts_with("28") => DatabaseError::Refused,
        Some(code) if code.code().starts_with("53") => DatabaseError::Busy,
        _ => DatabaseError::Unreachable(ConnectError::of(&error).to_string()),
    }
}
