//! A sink's configuration, and a link to where it leads.

use std::fmt;

use auditlog_notify::{Attempt, Failure, SecretName};
use auditlog_sink::ConfigError;
use auditlog_sink::client::{Options, choices_hint};
use serde_json::Value;

use crate::driver::Sender;
use crate::event_hub::EventHub;
use crate::file::FileSink;
use crate::item::{Item, Limits};
use crate::lake::Lake;
use crate::objects::{NamedFile, Objects};
use crate::outcome::{Outcome, Sent};
use crate::session::Session;
use crate::splunk::Splunk;
use crate::syslog::Syslog;
use crate::webhook::Webhook;

/// The kinds of sinks.
pub const KINDS: [&str; 7] = [
    "splunk_hec",
    "azure_event_hub",
    "aws_security_lake",
    "syslog",
    "http",
    "file",
    "object_store",
];

/// The kinds of sinks that take files, too ([`Stream::put_file`]).
pub const TAKE_FILES: [&str; 1] = ["object_store"];

/// The configuration of one sink, checked as far as that is possible without the outside. It holds no secret, only the names
/// of files that have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Splunk(Box<Splunk>),
    EventHub(Box<EventHub>),
    Lake(Box<Lake>),
    Syslog(Box<Syslog>),
    Http(Box<Webhook>),
    File(Box<FileSink>),
    Objects(Box<Objects>),
}

impl Stream {
    /// Reads the configuration of a sink: one of [`KINDS`], a JSON object whose options the crate's documentation lists, and
    /// the log's origin, which is a part of every event's key.
    ///
    /// # Errors
    /// When the kind or an option is unknown, something has a value that it can't have, or is a secret instead of the name
    /// of one. No secret is repeated.
    pub fn parse(kind: &str, config: &Value, origin: &str) -> Result<Self, ConfigError> {
        let Some(kind) = KINDS.into_iter().find(|known| *known == kind) else {
            return Err(
                ConfigError::new(format!("there is no kind of sink «{}»", kind.escape_debug()))
                    .hint(choices_hint(kind, &KINDS)),
            );
        };
        let mut options = Options::new("a sink", kind, config)?;
        let found = match kind {
            "splunk_hec" => Kind::Splunk(Box::new(Splunk::parse(&mut options, origin)?)),
            "azure_event_hub" => Kind::EventHub(Box::new(EventHub::parse(&mut options, origin)?)),
            "aws_security_lake" => Kind::Lake(Box::new(Lake::parse(&mut options)?)),
            "syslog" => Kind::Syslog(Box::new(Syslog::parse(&mut options, origin)?)),
            "http" => Kind::Http(Box::new(Webhook::parse(&mut options, origin)?)),
            "file" => Kind::File(Box::new(FileSink::parse(&mut options)?)),
            _ => Kind::Objects(Box::new(Objects::parse(&mut options)?)),
        };
        options.finish()?;
        Ok(Self(found))
    }

    /// Its kind, one of [`KINDS`].
    pub fn kind(&self) -> &'static str {
        match self.0 {
            Kind::Splunk(_) => "splunk_hec",
            Kind::EventHub(_) => "azure_event_hub",
            Kind::Lake(_) => "aws_security_lake",
            Kind::Syslog(_) => "syslog",
            Kind::Http(_) => "http",
            Kind::File(_) => "file",
            Kind::Objects(_) => "object_store",
        }
    }

    /// How much goes into a batch.
    pub fn limits(&self) -> Limits {
        match &self.0 {
            Kind::Splunk(sink) => sink.limits,
            Kind::EventHub(sink) => sink.limits,
            Kind::Lake(sink) => sink.limits,
            Kind::Syslog(sink) => sink.limits,
            Kind::Http(sink) => sink.limits,
            Kind::File(sink) => sink.limits,
            Kind::Objects(sink) => sink.limits,
        }
    }

    /// The bytes of an event in a batch, with all that stands around it: what [`Limits::max_bytes`] limits. It is no
    /// less than what is sent, and of no more than some bytes above.
    pub fn weight(&self, item: &Item<'_>) -> usize {
        match &self.0 {
            Kind::Splunk(sink) => sink.weight(item),
            Kind::EventHub(sink) => sink.weight(item),
            Kind::Syslog(sink) => sink.weight(item),
            Kind::Http(sink) => sink.weight(item),
            Kind::Lake(_) | Kind::File(_) | Kind::Objects(_) => item.body.len() + 1,
        }
    }

    /// The format that events have when nobody asks for another.
    pub fn default_format(&self) -> &'static str {
        match self.0 {
            Kind::Lake(_) => "ocsf",
            Kind::Syslog(_) => "syslog",
            _ => "json",
        }
    }

    /// Whether the kind takes events in this format only: AWS Security Lake wants OCSF in its version 1.3.0.
    pub fn only_format(&self) -> Option<&'static str> {
        matches!(self.0, Kind::Lake(_)).then_some("ocsf")
    }

    /// How many events before the position the caller sends first when it begins with a new [`Link`]: what a
    /// receiver without acknowledgements may have lost while nobody looked. 0 for all that acknowledge.
    pub fn window(&self) -> usize {
        match &self.0 {
            Kind::Syslog(sink) => sink.window(),
            _ => 0,
        }
    }

    /// Whether what is sent may get lost without anybody noticing: syslog over datagrams.
    pub fn is_best_effort(&self) -> bool {
        matches!(&self.0, Kind::Syslog(sink) if !sink.receiver.is_stream())
    }

    /// Puts a file, such as a report, beside the events. One with the same name and bytes counts as put, so it may be
    /// tried again; another one is never overwritten.
    ///
    /// # Errors
    /// What to do next: to try again, or to wait until somebody changes something. That it takes no files is of the
    /// second kind.
    pub fn put_file(&self, file: &NamedFile<'_>, attempt: &Attempt<'_>) -> Result<(), Outcome> {
        match &self.0 {
            Kind::Objects(sink) => sink.put_file(file, attempt),
            _ => Err(Outcome::pause(
                Failure::new(format!("a sink of the kind {} takes events, not files", self.kind()))
                    .hint("Files go to sinks of the kind object_store."),
            )),
        }
    }

    /// The hosts it connects to, in lower case, names or addresses.
    pub fn hosts(&self) -> Vec<String> {
        let host = match &self.0 {
            Kind::Splunk(sink) => Some(sink.server.host()),
            Kind::EventHub(sink) => Some(sink.server.host()),
            Kind::Lake(sink) => sink.store.host(),
            Kind::Syslog(sink) => sink.receiver.host().map(str::to_ascii_lowercase),
            Kind::Http(sink) => Some(sink.server.host()),
            Kind::File(_) => None,
            Kind::Objects(sink) => sink.store.host(),
        };
        host.into_iter().collect()
    }

    /// The secrets it needs, to see whether they are there ([`auditlog_notify::Secrets::check`]).
    pub fn secrets(&self) -> Vec<&SecretName> {
        match &self.0 {
            Kind::Splunk(sink) => vec![&sink.token],
            Kind::EventHub(sink) => vec![sink.secret()],
            Kind::Http(sink) => sink.signing.secret_names().collect(),
            Kind::Lake(_) | Kind::Syslog(_) | Kind::File(_) | Kind::Objects(_) => Vec::new(),
        }
    }
}

/// Where it goes, for people: without secrets and without a URL's query.
impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Splunk(sink) => sink.server.fmt(f),
            Kind::EventHub(sink) => sink.server.fmt(f),
            Kind::Lake(sink) => sink.store.fmt(f),
            Kind::Syslog(sink) => sink.receiver.fmt(f),
            Kind::Http(sink) => sink.server.fmt(f),
            Kind::File(sink) => sink.path.display().fmt(f),
            Kind::Objects(sink) => sink.store.fmt(f),
        }
    }
}

/// A sink in use: its configuration and what is open. [`crate::Driver::deliver`] sends through it.
pub struct Link {
    stream: Stream,
    session: Session,
}

impl Link {
    /// Nothing is opened yet.
    pub fn new(stream: Stream) -> Self {
        Self {
            stream,
            session: Session::default(),
        }
    }

    /// Its configuration.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Looks whether a connection is still open, when there is nothing to send: the more often (such as every second), the
    /// fewer events are sent again after it was closed. `now_us` is in microseconds since 1970 UTC.
    pub fn watch(&mut self, now_us: i64) {
        self.session.line.watch(now_us);
    }
}

impl Sender for Link {
    fn send(&mut self, batch: &[Item<'_>], attempt: &Attempt<'_>) -> Sent {
        if batch.is_empty() {
            return Sent::all(0, String::new());
        }
        let session = &mut self.session;
        match &self.stream.0 {
            Kind::Splunk(sink) => sink.send(session, batch, attempt),
            Kind::EventHub(sink) => sink.send(session, batch, attempt),
            Kind::Lake(sink) => sink.send(batch, attempt),
            Kind::Syslog(sink) => sink.send(session, batch, attempt),
            Kind::Http(sink) => sink.send(session, batch, attempt),
            Kind::File(sink) => sink.send(session, batch, attempt),
            Kind::Objects(sink) => sink.send(batch, attempt),
        }
    }
}
