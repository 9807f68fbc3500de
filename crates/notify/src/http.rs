//! One POST to an address that may itself be a secret.

use std::fmt;
use std::time::Duration;

use auditlog_sink::ConfigError;
use auditlog_sink::MAX_ANSWER_BYTES;
use auditlog_sink::client::{Answer, Options, Request, SCHEMES, TlsOptions, Url, connect_timeout, exchange};

use zeroize::Zeroize as _;

use crate::attempt::Attempt;
use crate::outcome::{Failure, Outcome, judge};
use crate::secrets::{SecretName, missing};

/// Where to post to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    place: Place,
    tls: Option<TlsOptions>,
    connect: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Open(Url),
    Secret(SecretName),
}

/// What to post.
pub(crate) struct Post<'a> {
    /// Names and values; none may hold what the body's sender has chosen.
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: &'a [u8],
    /// What was put into headers and body and must not be repeated.
    pub(crate) secrets: &'a [&'a str],
    /// Whether the body or a header holds a secret, so that only TLS may carry it.
    pub(crate) confidential: bool,
    /// Whether an answer refuses just this message.
    pub(crate) refusal: &'a dyn Fn(&Answer) -> bool,
}

/// The hint where a secret would be sent in the clear.
const CLEAR: &str = "Take an address with https://.";

impl Endpoint {
    /// Reads the option `url`. With `secret` it must be a reference to a secret, as the address is one.
    pub(crate) fn parse(options: &mut Options<'_>, secret: bool, usual: Option<&str>) -> Result<Self, ConfigError> {
        let given = options.value("url").and_then(|value| value.as_str());
        let refers = given.is_some_and(|text| text.starts_with("secret:"));
        let place = if secret || refers {
            Place::Secret(SecretName::needed(options, "url")?)
        } else {
            let text = options.text("url")?.or(usual);
            let text = text.ok_or_else(|| missing("url", "https://host/path"))?;
            Place::Open(Url::parse(text, SCHEMES)?)
        };
        let tls = match &place {
            Place::Open(url) => TlsOptions::parse(options, url.scheme == "https")?,
            Place::Secret(_) => TlsOptions::parse(options, true)?,
        };
        Ok(Self {
            place,
            tls,
            connect: connect_timeout(options)?,
        })
    }

    /// Refuses an address at which what is sent could be read on the way.
    pub(crate) fn require_tls(&self, what: &str) -> Result<(), ConfigError> {
        match &self.place {
            Place::Open(url) if url.scheme != "https" && !url.is_loopback() => {
                Err(ConfigError::new(format!("{what} must not be sent in the clear")).hint(CLEAR))
            }
            _ => Ok(()),
        }
    }

    /// The host, unless it is in a secret.
    pub(crate) fn host(&self) -> Option<String> {
        match &self.place {
            Place::Open(url) => Some(url.host.to_ascii_lowercase()),
            Place::Secret(_) => None,
        }
    }

    /// The secret that has the address.
    pub(crate) fn secret(&self) -> Option<&SecretName> {
        match &self.place {
            Place::Open(_) => None,
            Place::Secret(name) => Some(name),
        }
    }

    /// Posts, and judges the answer. The outcome of a success is the `Ok` one.
    pub(crate) fn post(&self, attempt: &Attempt<'_>, post: &Post<'_>) -> Result<Outcome, Outcome> {
        match &self.place {
            Place::Open(url) => self.post_to(attempt, post, url, &[]),
            Place::Secret(name) => {
                let secret = attempt.secret(name)?;
                // What is wrong with it is not said: that would repeat it.
                let mut url = Url::parse(secret.text(), SCHEMES).map_err(|_| Outcome::Pause {
                    error: Failure::new(format!("{name} is not a URL"))
                        .hint("Write the address as the receiver has given it, https:// and so on, into that file."),
                })?;
                if url.scheme != "https" && !url.is_loopback() {
                    let error = Failure::new(format!("the address in {name} must not be sent in the clear"));
                    return Err(Outcome::Pause {
                        error: error.hint(CLEAR),
                    });
                }
                let hidden = hidden_parts(&url, secret.text());
                let result = self.post_to(attempt, post, &url, &hidden);
                url.path.zeroize();
                result
            }
        }
    }

    fn post_to(&self, attempt: &Attempt<'_>, post: &Post<'_>, url: &Url, hidden: &[&str]) -> Result<Outcome, Outcome> {
        let tls = (url.scheme == "https").then_some(self.tls.as_ref()).flatten();
        if post.confidential && tls.is_none() && !url.is_loopback() {
            let error = Failure::new("a secret must not be sent in the clear").hint(CLEAR);
            return Err(Outcome::Pause { error });
        }
        let answer = attempt.with_call(&url.host, |call| {
            let request = Request {
                method: "POST",
                url,
                headers: post.headers,
                body: post.body,
                tls,
                connect: self.connect,
                keep: MAX_ANSWER_BYTES,
            };
            exchange(call, &request).map_err(Outcome::failed)
        })?;
        let secrets = [hidden, post.secrets].concat();
        match judge(&url.authority(), &answer, &secrets, post.refusal) {
            delivered @ Outcome::Delivered { .. } => Ok(delivered),
            other => Err(other),
        }
    }
}

/// Where it goes, for people; without a URL's query.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Open(url) => url.fmt(f),
            Place::Secret(name) => name.fmt(f),
        }
    }
}

/// What of a secret address must not be repeated, the longest first: all of it, its path, and whatever of that is
/// long enough to be a key.
fn hidden_parts<'a>(url: &'a Url, whole: &'a str) -> Vec<&'a str> {
    let parts = url.path.split(['/', '?', '&', '=']).filter(|part| part.len() >= 6);
    let mut hidden: Vec<&str> = [whole, url.path.as_str()].into_iter().chain(parts).collect();
    hidden.retain(|part| part.len() > 1);
    hidden.sort_by_key(|part| std::cmp::Reverse(part.len()));
    hidden
}
