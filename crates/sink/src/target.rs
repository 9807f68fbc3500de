//! Where messages go.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::error::{ConfigError, DeliveryError};
use crate::file::FileTarget;
use crate::http_sink::HttpTarget;
use crate::message::{Message, Receipt};
use crate::net::Call;
use crate::options::{Options, choices_hint};
use crate::s3::S3Target;
use crate::syslog::SyslogTarget;
use crate::syslog_text::Annotations;
use crate::witness::WitnessTarget;

/// The kinds of targets.
pub const KINDS: [&str; 5] = ["file", "http", "syslog", "s3", "witness"];

/// The configuration of one sink, checked as far as that is possible without the outside. It holds no secret,
/// only names of files that have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    File(FileTarget),
    Http(Box<HttpTarget>),
    Syslog(Box<SyslogTarget>),
    S3(Box<S3Target>),
    Witness(Box<WitnessTarget>),
}

impl Target {
    /// Reads the configuration of a sink: one of [`KINDS`], an address and options (an object, or null for
    /// none), which the crate's documentation lists.
    ///
    /// # Errors
    /// When the kind or an option is unknown, or something has a value that it can't have.
    pub fn parse(kind: &str, address: &str, options: &Value) -> Result<Self, ConfigError> {
        let Some(kind) = KINDS.into_iter().find(|known| *known == kind) else {
            return Err(
                ConfigError::new(format!("there is no kind of sink «{}»", kind.escape_debug()))
                    .hint(choices_hint(kind, &KINDS)),
            );
        };
        let mut options = Options::new("a sink", kind, options)?;
        let target = match kind {
            "file" => Kind::File(FileTarget::parse(address, &mut options)?),
            "http" => Kind::Http(Box::new(HttpTarget::parse(address, &mut options)?)),
            "syslog" => Kind::Syslog(Box::new(SyslogTarget::parse(address, &mut options)?)),
            "s3" => Kind::S3(Box::new(S3Target::parse(address, &mut options)?)),
            _ => Kind::Witness(Box::new(WitnessTarget::parse(address, &mut options)?)),
        };
        options.finish()?;
        Ok(Self(target))
    }

    /// Its kind, one of [`KINDS`].
    pub fn kind(&self) -> &'static str {
        match self.0 {
            Kind::File(_) => "file",
            Kind::Http(_) => "http",
            Kind::Syslog(_) => "syslog",
            Kind::S3(_) => "s3",
            Kind::Witness(_) => "witness",
        }
    }

    /// The host it connects to, in lower case, a name or an address; `None` for files and Unix sockets. For a
    /// list of hosts that may be named; [`deliver_if`] is for one of addresses.
    pub fn host(&self) -> Option<String> {
        let host = match &self.0 {
            Kind::File(_) => return None,
            Kind::Http(target) => &target.server.url.host,
            Kind::Syslog(target) => target.host()?,
            Kind::S3(target) => target.host(),
            Kind::Witness(target) => &target.server.url.host,
        };
        Some(host.to_ascii_lowercase())
    }

    /// The most bytes that the body of `message` may have; `None` where there is no such limit.
    pub fn room(&self, message: &Message<'_>, annotations: &Annotations<'_>) -> Option<usize> {
        match &self.0 {
            Kind::Syslog(target) => Some(target.room(message, annotations)),
            _ => None,
        }
    }
}

/// Where it goes, for people: without options and without a URL's query.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::File(target) => target.path.display().fmt(f),
            Kind::Http(target) => target.server.url.fmt(f),
            Kind::Syslog(target) => target.fmt(f),
            Kind::S3(target) => target.fmt(f),
            Kind::Witness(target) => target.server.url.fmt(f),
        }
    }
}

/// Delivers `message` to `target`, once, and returns within `deadline` (at most a day): it blocks the thread
/// until then, and makes no other. Only the system's look-up of a host's name and the sync of a file may
/// take longer; the first has its own limits (`man resolv.conf`), a sync lasts as long as the disk needs.
///
/// # Errors
/// When it was not delivered, or is not known to have been. The same message may then arrive twice.
pub fn deliver(target: &Target, message: &Message<'_>, deadline: Duration) -> Result<Receipt, DeliveryError> {
    deliver_if(target, message, deadline, &|_| true)
}

/// As [`deliver`], but only connects to addresses that `allow` agrees to. It is asked after the look-up of
/// names, for the very addresses that are connected to.
///
/// # Errors
/// As [`deliver`], and when no address of the host is allowed.
pub fn deliver_if(
    target: &Target,
    message: &Message<'_>,
    deadline: Duration,
    allow: &dyn Fn(SocketAddr) -> bool,
) -> Result<Receipt, DeliveryError> {
    deliver_annotated(target, message, &Annotations::default(), deadline, allow)
}

/// As [`deliver_if`], with what syslog says of this message beside its text. Other kinds don't send it.
///
/// # Errors
/// As [`deliver_if`].
pub fn deliver_annotated(
    target: &Target,
    message: &Message<'_>,
    annotations: &Annotations<'_>,
    deadline: Duration,
    allow: &dyn Fn(SocketAddr) -> bool,
) -> Result<Receipt, DeliveryError> {
    message.check()?;
    let call = Call::new(deadline, allow);
    match &target.0 {
        Kind::File(target) => target.deliver(&call, message),
        Kind::Http(target) => target.deliver(&call, message),
        Kind::Syslog(target) => target.deliver(&call, message, annotations),
        Kind::S3(target) => target.deliver(&call, message),
        Kind::Witness(target) => target.deliver(&call, message),
    }
}
