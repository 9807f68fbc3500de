//! E-mail: a message as RFC 5322 has it, handed to a server by SMTP.

mod compose;
mod smtp;

use std::fmt;
use std::time::Duration;

use auditlog_sink::ConfigError;
use auditlog_sink::client::{Options, TlsOptions, connect_timeout};
use lettre::message::Mailbox;

use crate::attempt::Attempt;
use crate::notification::Notification;
use crate::outcome::{Failure, Outcome};
use crate::secrets::{SecretName, missing};
use crate::template::Template;

/// The most recipients of one message (RFC 5321 §4.5.3.1.8: what any server takes).
const MAX_RECIPIENTS: usize = 100;

/// How the connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    /// In the clear until STARTTLS, which the server must offer (RFC 3207).
    StartTls,
    /// From the first byte (RFC 8314).
    Implicit,
    /// Not at all: only to this very machine.
    None,
}

/// A configured mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EmailChannel {
    pub(crate) host: String,
    port: u16,
    security: Security,
    tls: Option<TlsOptions>,
    connect: Duration,
    login: Option<(String, SecretName)>,
    hello: Option<String>,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    to: Vec<Mailbox>,
    subject: Option<Template>,
}

impl EmailChannel {
    pub(crate) fn parse(options: &mut Options<'_>) -> Result<Self, ConfigError> {
        let host = options
            .text("host")?
            .ok_or_else(|| missing("host", "mail.example.com"))?;
        let of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let is_name = host.len() <= 253 && host.bytes().all(of_name);
        if !is_name && host.parse::<std::net::Ipv6Addr>().is_err() {
            let hint = "Write the port into «port», and an IPv6 address without brackets.";
            return Err(options
                .wrong("host", "the name or the address of a mail server")
                .hint(hint));
        }
        let security = options.choice(
            "tls",
            &[
                ("starttls", Security::StartTls),
                ("implicit", Security::Implicit),
                ("none", Security::None),
            ],
        )?;
        let here = host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        if security == Security::None && !here {
            return Err(
                ConfigError::new("without TLS, mail goes to a server on this machine only")
                    .hint("Leave «tls» out for STARTTLS, or write «implicit» for TLS from the beginning."),
            );
        }
        let usual = match security {
            Security::StartTls => 587,
            Security::Implicit => 465,
            Security::None => 25,
        };
        let port = options.number("port", 1..=65_535)?.unwrap_or(usual);
        let user = options.text("username")?.map(str::to_owned);
        let password = SecretName::option(options, "password")?;
        let login = match (user, password) {
            (None, None) => None,
            (Some(_), Some(_)) if security == Security::None => {
                return Err(ConfigError::new("a password must not be sent in the clear")
                    .hint("Leave «tls» out for STARTTLS, or leave out «username» and «password»."));
            }
            (Some(user), Some(password)) => Some((user, password)),
            _ => {
                return Err(ConfigError::new("«username» and «password» need each other")
                    .hint("Write both, or leave both out if the server asks for neither."));
            }
        };
        let hello = options.text("hello_name")?;
        let of_hello = |byte: u8| byte.is_ascii_alphanumeric() || b".-[]:".contains(&byte);
        if hello.is_some_and(|name| name.len() > 253 || !name.bytes().all(of_hello)) {
            return Err(options.wrong("hello_name", "a host's name, or an address in brackets"));
        }
        let from = options
            .text("from")?
            .ok_or_else(|| missing("from", "Audit log <audit@example.com>"))?;
        let from = mailbox(from).ok_or_else(|| options.wrong("from", AN_ADDRESS))?;
        let reply_to = match options.text("reply_to")? {
            None => None,
            Some(text) => Some(mailbox(text).ok_or_else(|| options.wrong("reply_to", AN_ADDRESS))?),
        };
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port: u16::try_from(port).unwrap_or(u16::MAX),
            security,
            tls: TlsOptions::parse(options, security != Security::None)?,
            connect: connect_timeout(options)?,
            login,
            hello: hello.map(str::to_owned),
            from,
            reply_to,
            to: recipients(options)?,
            subject: subject(options)?,
        })
    }

    /// The secret that has the password.
    pub(crate) fn secret(&self) -> Option<&SecretName> {
        self.login.as_ref().map(|(_, password)| password)
    }

    pub(crate) fn send(
        &self,
        attempt: &Attempt<'_>,
        n: &Notification,
        template: Option<&Template>,
    ) -> Result<Outcome, Outcome> {
        let (to, wrong) = self.recipients(n);
        if to.is_empty() {
            let hint = "Give the alert addresses of e-mail in «recipients», or the channel in «to».";
            let error = match wrong.first() {
                None => Failure::new("nobody is to get the notification"),
                Some(wrong) => Failure::new(format!("«{}» is no address of e-mail", wrong.escape_debug())),
            };
            return Err(Outcome::Reject {
                error: error.hint(hint),
            });
        }
        if to.len() > MAX_RECIPIENTS {
            let error = Failure::new(format!(
                "the notification is for {} people, the most is {MAX_RECIPIENTS}",
                to.len()
            ));
            return Err(Outcome::Reject {
                error: error.hint("Send it to a mailing list."),
            });
        }
        let message = compose::message(self, n, &to, template)?;
        let password = self.login.as_ref().map(|(_, name)| attempt.secret(name)).transpose()?;
        let login = self.login.as_ref().zip(password.as_ref());
        let login = login.map(|((user, _), password)| (user.as_str(), password));
        let sent = attempt.with_call(&self.host, |call| smtp::hand_over(self, call, login, &to, &message))?;
        Ok(sent.outcome(n, &wrong))
    }

    /// Whom the notification is for, and what of that is no address. An alert's recipients may be for other channels
    /// too, so one wrong address does not keep the others from getting it.
    fn recipients(&self, n: &Notification) -> (Vec<Mailbox>, Vec<String>) {
        if n.recipients.is_empty() {
            return (self.to.clone(), Vec::new());
        }
        let (mut good, mut wrong): (Vec<Mailbox>, _) = (Vec::new(), Vec::new());
        for text in &n.recipients {
            match mailbox(text) {
                Some(found) if good.iter().any(|other| other.email == found.email) => {}
                Some(found) => good.push(found),
                None => wrong.push(text.clone()),
            }
        }
        (good, wrong)
    }
}

impl fmt::Display for EmailChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}:{}", self.from.email, self.host, self.port)
    }
}

const AN_ADDRESS: &str = "an address of e-mail in ASCII, with or without a name: Audit log <audit@example.com>";

/// An address with or without a name. The address must be ASCII: for others, servers need an extension that many
/// don't have.
fn mailbox(text: &str) -> Option<Mailbox> {
    if text.chars().any(char::is_control) {
        return None;
    }
    let found: Mailbox = text.trim().parse().ok()?;
    found.email.to_string().is_ascii().then_some(found)
}

/// The option `to`: one address or several.
fn recipients(options: &mut Options<'_>) -> Result<Vec<Mailbox>, ConfigError> {
    let Some(value) = options.value("to") else {
        return Ok(Vec::new());
    };
    let texts: Option<Vec<&str>> = match value.as_array() {
        Some(list) => list.iter().map(|item| item.as_str()).collect(),
        None => value.as_str().map(|text| vec![text]),
    };
    texts
        .filter(|texts| texts.len() <= MAX_RECIPIENTS)
        .and_then(|texts| texts.into_iter().map(mailbox).collect())
        .ok_or_else(|| {
            options
                .wrong("to", &format!("a list of at most {MAX_RECIPIENTS} addresses of e-mail"))
                .hint("Write [\"security@example.com\"], in ASCII.")
        })
}

fn subject(options: &mut Options<'_>) -> Result<Option<Template>, ConfigError> {
    let Some(text) = options.text("subject")? else {
        return Ok(None);
    };
    match Template::parse(text) {
        Ok(template) => Ok(Some(template)),
        Err(error) => Err(options
            .wrong("subject", &format!("a template: {error}"))
            .hint(error.hint)),
    }
}
