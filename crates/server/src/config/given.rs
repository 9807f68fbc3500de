//! Settings as they were given, and what they come to.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    ConfigError, PoolSettings, RateSettings, SessionSettings, Settings, SingleSignOnSettings, Span, StreamSettings,
    TransactionLimits, ViewerSettings, secret_file,
};

/// Serves the audit log over HTTP, to each caller what its own rights in the database show.
#[derive(Debug, Parser)]
#[command(name = "auditlog-server", version)]
struct Arguments {
    /// File of settings (YAML); its keys are the names of the flags, with _ for -
    #[arg(long, env = "AUDITLOG_SERVER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
}

/// One declaration for the flag, the variable of the environment and the key of the file.
macro_rules! given {
    ($($(#[doc = $doc:literal])* $name:ident: $kind:ty = $variable:literal,)*) => {
        /// What was said; all of it may be left out.
        #[derive(Debug, Clone, Default, Args, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs)]
        pub struct Given {
            $($(#[doc = $doc])* #[arg(long, env = $variable, hide_env_values = true)] pub $name: Option<$kind>,)*
        }

        impl Given {
            /// What is said here, and where nothing is, what is said there.
            #[must_use]
            pub fn or(self, other: Given) -> Given {
                Given { $($name: self.$name.or(other.$name),)* }
            }
        }
    };
}

given! {
    /// Address and port to listen on [default: 127.0.0.1:8480]
    listen: SocketAddr = "AUDITLOG_SERVER_LISTEN",
    /// Certificate chain in PEM
    tls_certificate: PathBuf = "AUDITLOG_SERVER_TLS_CERTIFICATE",
    /// Key of the certificate in PEM
    tls_key: PathBuf = "AUDITLOG_SERVER_TLS_KEY",
    /// Serve plain HTTP to other machines too: a proxy in front must speak TLS
    allow_plain_http: bool = "AUDITLOG_SERVER_ALLOW_PLAIN_HTTP",
    /// Address and port for Prometheus [default: 127.0.0.1:9480]; `none` for nowhere
    metrics_listen: String = "AUDITLOG_SERVER_METRICS_LISTEN",
    /// Connection string of the service login, as libpq reads it
    database: String = "AUDITLOG_SERVER_DATABASE",
    /// File with the password of the service login
    database_password_file: PathBuf = "AUDITLOG_SERVER_DATABASE_PASSWORD_FILE",
    /// Login role under which bearers of tokens come in; without it tokens are not taken
    authenticator: String = "AUDITLOG_SERVER_AUTHENTICATOR",
    /// File with the password of that role
    authenticator_password_file: PathBuf = "AUDITLOG_SERVER_AUTHENTICATOR_PASSWORD_FILE",
    /// Role of a token's principal without a login role of its own [default: auditlog_user]
    bearer_role: String = "AUDITLOG_SERVER_BEARER_ROLE",
    /// The same for principals that manage a team [default: auditlog_manager]
    bearer_manager_role: String = "AUDITLOG_SERVER_BEARER_MANAGER_ROLE",
    /// May people log in by a role's name and password? [default: true]
    login: bool = "AUDITLOG_SERVER_LOGIN",
    /// OpenID provider at which people may sign in: the claim iss of its tokens
    sso_issuer: String = "AUDITLOG_SERVER_SSO_ISSUER",
    /// Name of this server there, the claim aud of its tokens
    sso_client_id: String = "AUDITLOG_SERVER_SSO_CLIENT_ID",
    /// File with the secret of this server there; without it, PKCE alone
    sso_client_secret_file: PathBuf = "AUDITLOG_SERVER_SSO_CLIENT_SECRET_FILE",
    /// What is asked for, separated by spaces [default: openid]
    sso_scopes: String = "AUDITLOG_SERVER_SSO_SCOPES",
    /// Where the provider sends browsers back to: `https://this.server/login/sso/callback`
    sso_redirect_url: String = "AUDITLOG_SERVER_SSO_REDIRECT_URL",
    /// What the button for it says [default: Single sign-on]
    sso_label: String = "AUDITLOG_SERVER_SSO_LABEL",
    /// Certificates of authorities (PEM) to believe of the provider instead of the system's
    sso_ca_file: PathBuf = "AUDITLOG_SERVER_SSO_CA_FILE",
    /// How long a viewer link may be good, at most 24h [default: 15m]
    viewer_longest: Span = "AUDITLOG_SERVER_VIEWER_LONGEST",
    /// Origins of pages that may have the list of a viewer link in a frame, separated by commas
    viewer_origins: String = "AUDITLOG_SERVER_VIEWER_ORIGINS",
    /// Proxies whose X-Forwarded-For is believed, separated by commas
    trusted_proxies: String = "AUDITLOG_SERVER_TRUSTED_PROXIES",
    /// File with 32 bytes or more that cursors are signed with; without it cursors end with the server
    secret_file: PathBuf = "AUDITLOG_SERVER_SECRET_FILE",
    /// Connections of one identity [default: 8]
    pool_per_identity: usize = "AUDITLOG_SERVER_POOL_PER_IDENTITY",
    /// Connections in all [default: 64]
    pool_total: usize = "AUDITLOG_SERVER_POOL_TOTAL",
    /// An unused connection is closed after this [default: 60s]
    pool_idle: Span = "AUDITLOG_SERVER_POOL_IDLE",
    /// A connection is not used again after this [default: 10m]
    pool_lifetime: Span = "AUDITLOG_SERVER_POOL_LIFETIME",
    /// How long a request waits for a connection [default: 5s]
    pool_wait: Span = "AUDITLOG_SERVER_POOL_WAIT",
    /// statement_timeout of a request [default: 30s]
    statement_timeout: Span = "AUDITLOG_SERVER_STATEMENT_TIMEOUT",
    /// statement_timeout of exports and verifications [default: 1h]
    export_timeout: Span = "AUDITLOG_SERVER_EXPORT_TIMEOUT",
    /// lock_timeout [default: 5s]
    lock_timeout: Span = "AUDITLOG_SERVER_LOCK_TIMEOUT",
    /// idle_in_transaction_session_timeout [default: 30s]
    idle_timeout: Span = "AUDITLOG_SERVER_IDLE_TIMEOUT",
    /// A session ends after this time without a request [default: 30m]
    session_idle: Span = "AUDITLOG_SERVER_SESSION_IDLE",
    /// A session ends after this time whatever happens [default: 12h]
    session_absolute: Span = "AUDITLOG_SERVER_SESSION_ABSOLUTE",
    /// Sessions at once [default: 10000]
    sessions: usize = "AUDITLOG_SERVER_SESSIONS",
    /// Requests a minute of one identity [default: 1200]
    rate_requests: u32 = "AUDITLOG_SERVER_RATE_REQUESTS",
    /// Exports a minute of one identity [default: 20]
    rate_exports: u32 = "AUDITLOG_SERVER_RATE_EXPORTS",
    /// Refused logins a minute from one address, and for one name [default: 20]
    rate_refusals: u32 = "AUDITLOG_SERVER_RATE_REFUSALS",
    /// Shortest time between two looks of a live stream [default: 250ms]
    stream_interval: Span = "AUDITLOG_SERVER_STREAM_INTERVAL",
    /// How often a silent stream says that it is alive [default: 15s]
    stream_heartbeat: Span = "AUDITLOG_SERVER_STREAM_HEARTBEAT",
    /// Live streams of one identity [default: 50]
    streams_per_identity: usize = "AUDITLOG_SERVER_STREAMS_PER_IDENTITY",
    /// Live streams in all [default: 2000]
    streams: usize = "AUDITLOG_SERVER_STREAMS",
    /// Bytes that the body of a request may have [default: 16777216]
    body_limit: usize = "AUDITLOG_SERVER_BODY_LIMIT",
    /// How long requests may go on after the server was told to stop [default: 20s]
    shutdown_grace: Span = "AUDITLOG_SERVER_SHUTDOWN_GRACE",
    /// Which messages are logged [default: info]
    log: String = "AUDITLOG_SERVER_LOG",
}

impl Given {
    pub(super) fn of_the_process() -> Result<Given, ConfigError> {
        let arguments = Arguments::parse();
        let Some(path) = arguments.config else {
            return Ok(arguments.given);
        };
        let text = std::fs::read_to_string(&path).map_err(|error| ConfigError::Unreadable {
            path: path.clone(),
            error,
        })?;
        let file = serde_saphyr::from_str::<Given>(&text).map_err(|error| ConfigError::Syntax {
            path,
            message: error.to_string(),
        })?;
        Ok(arguments.given.or(file))
    }

    /// Puts defaults in place of what was not said, and refuses what is not safe.
    ///
    /// # Errors
    /// When something is missing, contradicts itself, or a file of secrets cannot be read.
    pub fn settle(self) -> Result<Settings, ConfigError> {
        let wrong = |message: &str| ConfigError::Wrong(message.to_owned());
        let single_sign_on = SingleSignOnSettings::of(&self)?;
        let viewer = ViewerSettings::of(&self)?;
        let listen = self.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8480)));
        let tls = match (self.tls_certificate, self.tls_key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(wrong("tls_certificate and tls_key belong together")),
        };
        if tls.is_none() && !listen.ip().is_loopback() && !self.allow_plain_http.unwrap_or(false) {
            return Err(wrong(
                "passwords would cross the network in clear: give tls_certificate and tls_key, listen on 127.0.0.1, \
                 or say allow_plain_http when a proxy in front speaks TLS",
            ));
        }
        let metrics_listen = match self.metrics_listen.as_deref() {
            None => Some(SocketAddr::from(([127, 0, 0, 1], 9480))),
            Some("none") => None,
            Some(text) => Some(
                text.parse()
                    .map_err(|_| wrong("metrics_listen is no address and port"))?,
            ),
        };
        let database = with_password(
            self.database
                .ok_or_else(|| wrong("database is missing: the connection string of the service login"))?,
            self.database_password_file,
        )?;
        let authenticator = match self.authenticator {
            Some(user) => {
                let user = format!("{} user={}", *database, quoted(&user));
                Some(with_password(user, self.authenticator_password_file)?)
            }
            None => None,
        };
        let secret = match self.secret_file {
            Some(path) => Zeroizing::new(secret_file(&path)?.as_bytes().to_vec()),
            None => {
                let mut bytes = Zeroizing::new(vec![0; 32]);
                getrandom::fill(&mut bytes).map_err(|error| wrong(&format!("no random bytes: {error}")))?;
                bytes
            }
        };
        if secret.len() < 32 {
            return Err(wrong("secret_file has less than 32 bytes"));
        }
        let trusted_proxies = self.trusted_proxies.unwrap_or_default();
        let trusted_proxies = trusted_proxies
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty());
        let trusted_proxies = trusted_proxies
            .map(|text| {
                text.parse()
                    .map_err(|_| wrong("trusted_proxies are addresses, separated by commas"))
            })
            .collect::<Result<Vec<IpAddr>, _>>()?;
        let time = |given: Option<Span>, millis: u64| given.map_or(Duration::from_millis(millis), |span| span.0);
        Ok(Settings {
            listen,
            tls,
            metrics_listen,
            database,
            authenticator,
            bearer_role: self.bearer_role.unwrap_or_else(|| "auditlog_user".to_owned()),
            bearer_manager_role: self
                .bearer_manager_role
                .unwrap_or_else(|| "auditlog_manager".to_owned()),
            login: self.login.unwrap_or(true),
            single_sign_on,
            viewer,
            trusted_proxies,
            secret,
            pool: PoolSettings {
                per_identity: self.pool_per_identity.unwrap_or(8).max(1),
                total: self.pool_total.unwrap_or(64).max(1),
                idle: time(self.pool_idle, 60_000),
                lifetime: time(self.pool_lifetime, 600_000),
                wait: time(self.pool_wait, 5_000),
            },
            limits: TransactionLimits {
                statement: time(self.statement_timeout, 30_000),
                export: time(self.export_timeout, 3_600_000),
                lock: time(self.lock_timeout, 5_000),
                idle: time(self.idle_timeout, 30_000),
            },
            sessions: SessionSettings {
                idle: time(self.session_idle, 1_800_000),
                absolute: time(self.session_absolute, 43_200_000),
                most: self.sessions.unwrap_or(10_000),
            },
            rates: RateSettings {
                requests: self.rate_requests.unwrap_or(1_200),
                exports: self.rate_exports.unwrap_or(20),
                refusals: self.rate_refusals.unwrap_or(20),
            },
            streams: StreamSettings {
                interval: time(self.stream_interval, 250),
                heartbeat: time(self.stream_heartbeat, 15_000),
                per_identity: self.streams_per_identity.unwrap_or(50),
                total: self.streams.unwrap_or(2_000),
            },
            body_limit: self.body_limit.unwrap_or(16 << 20),
            shutdown_grace: time(self.shutdown_grace, 20_000),
            log: self.log.unwrap_or_else(|| "info".to_owned()),
        })
    }
}

/// A connection string with the password of a file. What comes later in the string counts.
fn with_password(dsn: String, file: Option<PathBuf>) -> Result<Zeroizing<String>, ConfigError> {
    if dsn.starts_with("postgres://") || dsn.starts_with("postgresql://") {
        return Err(ConfigError::Wrong(
            "write the connection string as key=value pairs: passwords and roles are put beside them".to_owned(),
        ));
    }
    let dsn = Zeroizing::new(dsn);
    Ok(match file {
        Some(path) => Zeroizing::new(format!("{} password={}", *dsn, quoted(&secret_file(&path)?))),
        None => dsn,
    })
}

/// A value of a connection string.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Given {
        Given {
            database: Some("host=/tmp user=service dbname=d".to_owned()),
            ..Given::default()
        }
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        assert!(given().settle().is_ok());
        let mut open = given();
        open.listen = Some(SocketAddr::from(([0, 0, 0, 0], 8480)));
        assert!(open.clone().settle().is_err());
        open.allow_plain_http = Some(true);
        assert!(open.settle().is_ok());
    }

    #[test]
    fn flags_beat_the_file() {
        let file: Given = serde_saphyr::from_str("pool_total: 7\nsession_idle: 5m\nlog: debug").expect("settings");
        let flags = Given {
            pool_total: Some(9),
            ..given()
        };
        let settings = flags.or(file).settle().expect("settings");
        assert_eq!(settings.pool.total, 9);
        assert_eq!(settings.sessions.idle, Duration::from_secs(300));
        assert_eq!(settings.log, "debug");
        assert!(serde_saphyr::from_str::<Given>("pool_totl: 7").is_err());
    }

    #[test]
    fn half_a_certificate_is_refused() {
        let mut half = given();
        half.tls_key = Some(PathBuf::from("/key"));
        assert!(half.settle().is_err());
    }

    #[test]
    fn a_value_stays_one_value() {
        assert_eq!(quoted(r"a' host=evil \"), r"'a\' host=evil \\'");
    }
}
