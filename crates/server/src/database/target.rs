//! How connections are made.

use std::time::Duration;

use auditlog_connection::ConnectError;
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;
use zeroize::Zeroizing;

use super::DatabaseError;

/// `application_name` of the server's connections; requests put the client's address behind it.
pub const APPLICATION: &str = "auditlog-server";
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
        let (connection, messages) = self.open(login).await?;
        tokio::spawn(async move {
            // Its errors reach whoever waits for an answer.
            let _ = messages.await;
        });
        Ok(connection)
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

fn refusal(error: tokio_postgres::Error) -> DatabaseError {
    match error.code() {
        Some(code) if code == &SqlState::INVALID_PASSWORD || code.code().starts_with("28") => DatabaseError::Refused,
        Some(code) if code.code().starts_with("53") => DatabaseError::Busy,
        _ => DatabaseError::Unreachable(ConnectError::of(&error).to_string()),
    }
}
