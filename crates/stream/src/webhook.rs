//! The kind `http`: lines or CloudEvents, posted and signed as Standard Webhooks.

use auditlog_notify::Attempt;
use auditlog_notify::client::{Secret, Signing, missing};
use auditlog_sink::ConfigError;
use auditlog_sink::client::{Options, encode_path};
use chrono::{DateTime, SecondsFormat};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::item::{Item, Limits, hex};
use crate::json;
use crate::limits::{Usual, limits};
use crate::lines::{lines, newline};
use crate::outcome::{Outcome, Sent, judge};
use crate::server::{Headers, Server};
use crate::session::Session;
use crate::squeeze::Squeeze;

/// A configured receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Webhook {
    pub(crate) server: Server,
    pub(crate) limits: Limits,
    cloud_events: bool,
    gzip: bool,
    pub(crate) signing: Signing,
    source: String,
    origin: String,
}

impl Webhook {
    pub(crate) fn parse(options: &mut Options<'_>, origin: &str) -> Result<Self, ConfigError> {
        let address = options
            .text("url")?
            .ok_or_else(|| missing("url", "https://host/path"))?;
        let signing = Signing::parse(options)?;
        let server = Server::parse(options, "url", address, signing.has_token())?;
        let gzip = options.flag("gzip")?.unwrap_or(false);
        if gzip && signing.is_signed() {
            return Err(ConfigError::new("a compressed body can't be signed")
                .hint("Receivers differ in what they take for the body then: leave out «gzip» or «signing_secret»."));
        }
        let source = options.text("source")?;
        // CloudEvents asks for a URI reference.
        let of_uri = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        if source.is_some_and(|source| !source.bytes().all(of_uri)) {
            return Err(options.wrong("source", "a URI, or a part of one, in ASCII"));
        }
        Ok(Self {
            server,
            limits: limits(
                options,
                &Usual {
                    bytes: 1_000_000,
                    most: 64 << 20,
                    events: 1_000,
                    seconds: 1,
                },
            )?,
            cloud_events: options.choice("body", &[("ndjson", false), ("cloudevents", true)])?,
            gzip,
            signing,
            source: source.map_or_else(|| encode_path(origin), str::to_owned),
            origin: origin.to_owned(),
        })
    }

    pub(crate) fn weight(&self, item: &Item<'_>) -> usize {
        if !self.cloud_events {
            return item.body.len() + 1;
        }
        // The names, the time, the type of the data, the hash twice and the index three times.
        let fixed = 360 + self.source.len() + json::string_len(&self.origin);
        fixed + json::value_len(item.body)
    }

    pub(crate) fn send(&self, session: &mut Session, batch: &[Item<'_>], attempt: &Attempt<'_>) -> Sent {
        Sent::whole(batch.len(), self.try_send(session, batch, attempt))
    }

    fn try_send(&self, session: &mut Session, batch: &[Item<'_>], attempt: &Attempt<'_>) -> Result<String, Outcome> {
        let (body, content_type) = if self.cloud_events {
            (self.events(batch), "application/cloudevents-batch+json; charset=utf-8")
        } else {
            if let Some(outcome) = newline(batch) {
                return Err(outcome);
            }
            let json = batch.iter().all(|item| item.body.first() == Some(&b'{'));
            let kind = if json {
                "application/x-ndjson"
            } else {
                "text/plain; charset=utf-8"
            };
            (lines(batch), kind)
        };
        let id = message_id(batch, &body);
        let mut signed = self
            .signing
            .sign(attempt.secrets, attempt.now, &id, &body)
            .map_err(Outcome::pause)?;
        let mut headers = Headers::new(content_type);
        for (name, value) in &mut signed.headers {
            headers.add(name, std::mem::take(value));
        }
        let mut body = body;
        if self.gzip {
            headers.add("Content-Encoding", "gzip");
            body = Squeeze::Gzip.apply(body).map_err(crate::objects::squeezing)?;
        }
        let path = &self.server.url.path;
        let answer = self.server.post(&mut session.kept, attempt, path, &headers, &body)?;
        let hidden: Vec<&str> = signed.secrets.iter().map(Secret::text).collect();
        judge(&self.server.who(), &answer, &hidden).map_err(|outcome| named(outcome, &answer.body, batch.len()))
    }

    /// A batch of CloudEvents in JSON (cloudevents/spec, JSON Event Format §4). Source and id are the key that says what is
    /// a repetition.
    fn events(&self, batch: &[Item<'_>]) -> Vec<u8> {
        let mut out = Vec::with_capacity(batch.iter().map(|item| self.weight(item)).sum());
        for (number, item) in batch.iter().enumerate() {
            out.push(if number == 0 { b'[' } else { b',' });
            out.extend_from_slice(
                format!("{{\"specversion\":\"1.0\",\"id\":\"{}\",\"source\":", item.key()).as_bytes(),
            );
            json::string(&mut out, &self.source);
            out.extend_from_slice(b",\"type\":\"pg_auditlog.event\"");
            if let Some(time) = DateTime::from_timestamp_micros(item.timestamp_us) {
                let time = time.to_rfc3339_opts(SecondsFormat::Micros, true);
                out.extend_from_slice(format!(",\"time\":\"{time}\"").as_bytes());
            }
            out.extend_from_slice(b",\"origin\":");
            json::string(&mut out, &self.origin);
            let (index, hash) = (item.log_index, item.hash());
            out.extend_from_slice(format!(",\"logindex\":\"{index}\",\"entryhash\":\"{hash}\"").as_bytes());
            let kind = if json::is_object(item.body) {
                "application/json"
            } else {
                "text/plain"
            };
            out.extend_from_slice(format!(",\"datacontenttype\":\"{kind}\",\"data\":").as_bytes());
            json::value(&mut out, item.body);
            out.push(b'}');
        }
        out.push(b']');
        out
    }
}

/// A name that is the same for every try of the same batch.
fn message_id(batch: &[Item<'_>], body: &[u8]) -> String {
    let index = |item: Option<&Item<'_>>| item.map_or(0, |item| item.log_index);
    let hash = hex(&Sha256::digest(body)[..8]);
    format!("{}-{}-{hash}", index(batch.first()), index(batch.last()))
}

/// A receiver may say which event it refuses, as Splunk does: `{"invalid-event-number": 3}`, counted from 0.
fn named(outcome: Outcome, body: &[u8], events: usize) -> Outcome {
    let Outcome::Bisect { error } = outcome else {
        return outcome;
    };
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let index = value.get("invalid-event-number").and_then(Value::as_u64);
    match index
        .and_then(|index| usize::try_from(index).ok())
        .filter(|index| *index < events)
    {
        Some(index) => Outcome::Reject { index, error },
        None => Outcome::Bisect { error },
    }
}
