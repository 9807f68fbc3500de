//! Requests to the provider, by the HTTP of `auditlog-sink`: it blocks, so each has a thread for a moment.

use std::path::Path;
use std::time::Duration;

use auditlog_sink::client::{Call, End, Options, Request, SCHEMES, TlsOptions, Url, exchange};
use serde_json::json;
use zeroize::Zeroizing;

use super::SsoError;
use crate::config::ConfigError;

/// The most time for a request.
const DEADLINE: Duration = Duration::from_secs(8);
/// The most time to connect to one address.
const CONNECT: Duration = Duration::from_secs(3);
/// The most bytes of an answer.
const KEEP: usize = 1 << 20;

/// The way to the provider.
#[derive(Clone)]
pub(super) struct Http(TlsOptions);

/// What it said.
pub(super) struct Said {
    /// The status.
    pub status: u16,
    /// The body, which may hold tokens.
    pub body: Zeroizing<Vec<u8>>,
}

impl Http {
    /// With certificates of authorities to believe, or the system's.
    pub fn new(ca_file: Option<&Path>) -> Result<Http, ConfigError> {
        let given = json!({"ca_file": ca_file});
        let mut options =
            Options::new("single sign-on", "OpenID", &given).map_err(|error| ConfigError::Wrong(error.message))?;
        let tls = TlsOptions::parse(&mut options, true)
            .map_err(|error| ConfigError::Wrong(format!("sso_ca_file: {}", error.message)))?;
        Ok(Http(tls.unwrap_or_default()))
    }

    /// GET.
    pub async fn get(&self, url: &str) -> Result<Said, SsoError> {
        self.ask("GET", url, Vec::new(), Zeroizing::default()).await
    }

    /// POST of a form.
    pub async fn post(
        &self,
        url: &str,
        mut headers: Vec<(String, String)>,
        body: Zeroizing<String>,
    ) -> Result<Said, SsoError> {
        let kind = "application/x-www-form-urlencoded";
        headers.push(("Content-Type".to_owned(), kind.to_owned()));
        self.ask("POST", url, headers, body).await
    }

    async fn ask(
        &self,
        method: &'static str,
        url: &str,
        mut headers: Vec<(String, String)>,
        body: Zeroizing<String>,
    ) -> Result<Said, SsoError> {
        let url = checked(url)?;
        headers.push(("Accept".to_owned(), "application/json".to_owned()));
        let tls = self.0.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let request = Request {
                method,
                url: &url,
                headers: &headers,
                body: body.as_bytes(),
                tls: (url.scheme == "https").then_some(&tls),
                connect: CONNECT,
                keep: KEEP,
            };
            exchange(&Call::new(DEADLINE, &|_| true), &request)
        });
        let answer = asked.await.map_err(|error| SsoError::Unreachable(error.to_string()))?;
        let answer = answer.map_err(|error| SsoError::Unreachable(error.message))?;
        if answer.end != End::Whole {
            return Err(SsoError::Unfit("it broke off, or is too long".to_owned()));
        }
        if answer.status >= 500 {
            return Err(SsoError::Unreachable(format!("it answered {}", answer.status)));
        }
        Ok(Said {
            status: answer.status,
            body: Zeroizing::new(answer.body),
        })
    }
}

/// An address that secrets may be sent to.
pub(super) fn checked(url: &str) -> Result<Url, SsoError> {
    let url = Url::parse(url, SCHEMES).map_err(|error| SsoError::Unfit(error.message))?;
    if url.scheme == "http" && !url.is_loopback() {
        return Err(SsoError::Unfit(format!("{} is asked in clear", url.host)));
    }
    Ok(url)
}
