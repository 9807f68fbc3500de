//! A channel's configuration, and the one call that uses it.

use std::fmt;

use auditlog_sink::ConfigError;
use auditlog_sink::client::{Options, choices_hint};
use serde_json::Value;

use crate::attempt::Attempt;
use crate::email::EmailChannel;
use crate::notification::{MAX_ID_BYTES, Notification};
use crate::outcome::{Failure, Outcome};
use crate::pagerduty::PagerDutyChannel;
use crate::secrets::SecretName;
use crate::slack::SlackChannel;
use crate::targets::TargetChannel;
use crate::teams::TeamsChannel;
use crate::template::Template;
use crate::webhook::WebhookChannel;

/// The kinds of channels.
pub const KINDS: [&str; 7] = ["email", "slack", "teams", "pagerduty", "webhook", "syslog", "file"];

/// How much a channel takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Notifications in a minute ([`crate::breaker::Rate`]).
    pub per_minute: u32,
    /// When more than this many would be sent within five minutes, one digest is to be sent for them. `None` where a
    /// program reads, which wants each.
    pub digest_after: Option<u32>,
}

/// The configuration of one channel, checked as far as that is possible without the outside. It holds no secret, only
/// the names of files that have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    kind: Kind,
    limits: Limits,
    template: Option<Template>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Email(Box<EmailChannel>),
    Slack(Box<SlackChannel>),
    Teams(Box<TeamsChannel>),
    PagerDuty(Box<PagerDutyChannel>),
    Webhook(Box<WebhookChannel>),
    Syslog(Box<TargetChannel>),
    File(Box<TargetChannel>),
}

impl Channel {
    /// Reads the configuration of a channel: one of [`KINDS`], and a JSON object whose options the crate's
    /// documentation lists.
    ///
    /// # Errors
    /// When the kind or an option is unknown, something has a value that it can't have, or is a secret instead of the
    /// name of one. No secret is repeated.
    pub fn parse(kind: &str, config: &Value) -> Result<Self, ConfigError> {
        let Some(kind) = KINDS.into_iter().find(|known| *known == kind) else {
            return Err(
                ConfigError::new(format!("there is no kind of channel «{}»", kind.escape_debug()))
                    .hint(choices_hint(kind, &KINDS)),
            );
        };
        let mut options = Options::new("a channel", kind, config)?;
        let limits = limits(&mut options, kind)?;
        let template = template(&mut options)?;
        let found = match kind {
            "email" => Kind::Email(Box::new(EmailChannel::parse(&mut options)?)),
            "slack" => Kind::Slack(Box::new(SlackChannel::parse(&mut options)?)),
            "teams" => Kind::Teams(Box::new(TeamsChannel::parse(&mut options)?)),
            "pagerduty" => Kind::PagerDuty(Box::new(PagerDutyChannel::parse(&mut options)?)),
            "webhook" => Kind::Webhook(Box::new(WebhookChannel::parse(&mut options)?)),
            "syslog" => Kind::Syslog(Box::new(TargetChannel::syslog(&mut options, config)?)),
            _ => Kind::File(Box::new(TargetChannel::file(&mut options, config)?)),
        };
        // The target has refused what neither knows.
        if !matches!(found, Kind::Syslog(_) | Kind::File(_)) {
            options.finish()?;
        }
        Ok(Self {
            kind: found,
            limits,
            template,
        })
    }

    /// Its kind, one of [`KINDS`].
    pub fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Email(_) => "email",
            Kind::Slack(_) => "slack",
            Kind::Teams(_) => "teams",
            Kind::PagerDuty(_) => "pagerduty",
            Kind::Webhook(_) => "webhook",
            Kind::Syslog(_) => "syslog",
            Kind::File(_) => "file",
        }
    }

    /// The hosts it connects to, in lower case, names or addresses, as far as they stand in the configuration: where
    /// the address is a secret there is none, and only [`Attempt::allow`] sees it.
    pub fn hosts(&self) -> Vec<String> {
        let host = match &self.kind {
            Kind::Email(channel) => Some(channel.host.clone()),
            Kind::Slack(channel) => channel.endpoint.host(),
            Kind::Teams(channel) => channel.endpoint.host(),
            Kind::PagerDuty(channel) => channel.endpoint.host(),
            Kind::Webhook(channel) => channel.endpoint.host(),
            Kind::Syslog(channel) | Kind::File(channel) => channel.target.host(),
        };
        host.into_iter().collect()
    }

    /// The secrets it needs, to see whether they are there ([`crate::Secrets::check`]).
    pub fn secrets(&self) -> Vec<&SecretName> {
        match &self.kind {
            Kind::Email(channel) => channel.secret().into_iter().collect(),
            Kind::Slack(channel) => channel.endpoint.secret().into_iter().collect(),
            Kind::Teams(channel) => channel.endpoint.secret().into_iter().collect(),
            Kind::PagerDuty(channel) => channel
                .endpoint
                .secret()
                .into_iter()
                .chain([&channel.routing_key])
                .collect(),
            Kind::Webhook(channel) => channel
                .endpoint
                .secret()
                .into_iter()
                .chain(channel.signing.secret_names())
                .collect(),
            Kind::Syslog(_) | Kind::File(_) => Vec::new(),
        }
    }

    /// How much it takes.
    pub fn limits(&self) -> Limits {
        self.limits
    }
}

/// Where it goes, for people: without secrets and without a URL's query.
impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Email(channel) => channel.fmt(f),
            Kind::Slack(channel) => channel.endpoint.fmt(f),
            Kind::Teams(channel) => channel.endpoint.fmt(f),
            Kind::PagerDuty(channel) => channel.endpoint.fmt(f),
            Kind::Webhook(channel) => channel.endpoint.fmt(f),
            Kind::Syslog(channel) | Kind::File(channel) => channel.target.fmt(f),
        }
    }
}

/// What the receivers take: Slack about one message a second for each channel, PagerDuty about 120 calls a minute for
/// each key; for the others what does no harm.
fn limits(options: &mut Options<'_>, kind: &str) -> Result<Limits, ConfigError> {
    let (rate, digest) = match kind {
        "email" => (30, Some(200)),
        "slack" | "teams" => (60, Some(200)),
        "pagerduty" => (120, None),
        _ => (6_000, None),
    };
    let rate = options.number("rate_per_minute", 1..=100_000)?.unwrap_or(rate);
    let digest = match options.number("digest_after", 0..=1_000_000)? {
        None => digest,
        Some(0) => None,
        Some(number) => Some(number),
    };
    Ok(Limits {
        per_minute: u32::try_from(rate).unwrap_or(u32::MAX),
        digest_after: digest.and_then(|number| u32::try_from(number).ok()),
    })
}

fn template(options: &mut Options<'_>) -> Result<Option<Template>, ConfigError> {
    // Not `text`: a template has lines.
    let Some(value) = options.value("template") else {
        return Ok(None);
    };
    let text = value.as_str().ok_or_else(|| options.wrong("template", "a text"))?;
    match Template::parse(text) {
        Ok(template) => Ok(Some(template)),
        Err(error) => {
            let what = format!("a template; at character {}: {error}", error.position);
            Err(options.wrong("template", &what).hint(error.hint))
        }
    }
}

/// Tries once to deliver the notification, and blocks the thread until then, but for what [`Attempt::deadline`] says.
/// It makes no thread and keeps no state. Delivery is at least once: what was tried again may arrive twice, and has the
/// same id then.
pub fn send(channel: &Channel, notification: &Notification, attempt: &Attempt<'_>) -> Outcome {
    if !notification.has_usable_id() {
        let error = Failure::new(format!(
            "the id of the notification is not from 1 to {MAX_ID_BYTES} letters, digits, «-» and «_»"
        ));
        return Outcome::Reject { error };
    }
    let template = channel.template.as_ref();
    let result = match &channel.kind {
        Kind::Email(channel) => channel.send(attempt, notification, template),
        Kind::Slack(channel) => channel.send(attempt, notification, template),
        Kind::Teams(channel) => channel.send(attempt, notification, template),
        Kind::PagerDuty(channel) => channel.send(attempt, notification, template),
        Kind::Webhook(channel) => channel.send(attempt, notification, template),
        Kind::Syslog(channel) | Kind::File(channel) => channel.send(attempt, notification, template),
    };
    match result {
        Ok(outcome) | Err(outcome) => outcome,
    }
}
