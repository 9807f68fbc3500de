//! An HTTP server that batches are posted to.

use std::cell::Cell;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use auditlog_notify::client::Secret;
use auditlog_notify::{Attempt, SecretName};
use auditlog_sink::client::{Answer, Call, Kept, Options, Request, SCHEMES, TlsOptions, Url, connect_timeout};
use auditlog_sink::{ConfigError, MAX_ANSWER_BYTES};
use zeroize::Zeroize as _;

use crate::outcome::Outcome;

/// Where it is, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) url: Url,
    tls: Option<TlsOptions>,
    connect: Duration,
}

/// Headers that may hold a secret, wiped when they are dropped.
#[derive(Default)]
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    pub(crate) fn new(content_type: &str) -> Self {
        Self(vec![("Content-Type".to_owned(), content_type.to_owned())])
    }

    pub(crate) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }
}

impl Drop for Headers {
    fn drop(&mut self) {
        for (_, value) in &mut self.0 {
            value.zeroize();
        }
    }
}

impl Server {
    /// Reads the options of a connection to `text`, which stands in the option `name`. Secrets go there, so it must be
    /// TLS, or this machine, when `confidential`.
    pub(crate) fn parse(
        options: &mut Options<'_>,
        name: &str,
        text: &str,
        confidential: bool,
    ) -> Result<Self, ConfigError> {
        let url = Url::parse(text, SCHEMES)?;
        if confidential && url.scheme != "https" && !url.is_loopback() {
            return Err(
                ConfigError::new(format!("a secret must not be sent in the clear to the «{name}»"))
                    .hint("Take an address with https://."),
            );
        }
        Ok(Self {
            tls: TlsOptions::parse(options, url.scheme == "https")?,
            connect: connect_timeout(options)?,
            url,
        })
    }

    /// The path without the slash at its end and without a query, which the address must not have.
    pub(crate) fn base_path(&self, name: &str) -> Result<&str, ConfigError> {
        if self.url.path.contains('?') {
            return Err(ConfigError::new(format!("the «{name}» has a query")).hint("Leave out what follows the «?»."));
        }
        Ok(self.url.path.trim_end_matches('/'))
    }

    pub(crate) fn host(&self) -> String {
        self.url.host.to_ascii_lowercase()
    }

    pub(crate) fn who(&self) -> String {
        self.url.authority()
    }

    /// Posts `body` to `path`.
    pub(crate) fn post(
        &self,
        kept: &mut Kept,
        attempt: &Attempt<'_>,
        path: &str,
        headers: &Headers,
        body: &[u8],
    ) -> Result<Answer, Outcome> {
        let mut url = self.url.clone();
        path.clone_into(&mut url.path);
        with_call(attempt, &url.host, |call| {
            let request = Request {
                method: "POST",
                url: &url,
                headers: &headers.0,
                body,
                tls: self.tls.as_ref(),
                connect: self.connect,
                keep: MAX_ANSWER_BYTES,
            };
            kept.exchange(call, &request).map_err(Outcome::failed)
        })
    }
}

/// Without a query.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

/// Does `work` with a call whose connections to `host` are limited by time and list.
pub(crate) fn with_call<T>(
    attempt: &Attempt<'_>,
    host: &str,
    work: impl FnOnce(&Call<'_>) -> Result<T, Outcome>,
) -> Result<T, Outcome> {
    with_list(attempt, host, |allow| work(&Call::new(attempt.deadline, allow)))
}

/// Does `work`, which connects to `host` at the addresses that its argument agrees to; says what to do when it agrees to
/// none.
pub(crate) fn with_list<T>(
    attempt: &Attempt<'_>,
    host: &str,
    work: impl FnOnce(&dyn Fn(SocketAddr) -> bool) -> Result<T, Outcome>,
) -> Result<T, Outcome> {
    let (refused, allowed) = (Cell::new(false), Cell::new(false));
    let allow = |address: SocketAddr| {
        let allow = (attempt.allow)(host, address);
        refused.set(refused.get() || !allow);
        allowed.set(allowed.get() || allow);
        allow
    };
    work(&allow).map_err(|outcome| match outcome {
        Outcome::Pause { error } if refused.get() && !allowed.get() => {
            Outcome::pause(error.hint("Add the host, or its address or network, to auditlog.allowed_hosts."))
        }
        other => other,
    })
}

/// The secret's text, or the outcome that it can't be read.
pub(crate) fn secret(attempt: &Attempt<'_>, name: &SecretName) -> Result<Secret, Outcome> {
    attempt.secrets.read(name).map_err(Outcome::pause)
}
