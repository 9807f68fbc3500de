//! The kind `splunk_hec`: Splunk's HTTP Event Collector (help.splunk.com, «Format events for HTTP Event Collector»).

use std::time::Duration;

use auditlog_notify::client::{header_value, missing};
use auditlog_notify::{Attempt, SecretName};
use auditlog_sink::ConfigError;
use auditlog_sink::client::Options;
use sha2::{Digest as _, Sha256};

use crate::item::{Item, Limits, hex};
use crate::json;
use crate::limits::{Usual, limits};
use crate::outcome::{Outcome, Sent};
use crate::server::{Headers, Server, secret};
use crate::session::Session;
use crate::splunk_ack::Waiting;
use crate::splunk_reply::{Reply, judge_reply};
use crate::squeeze::Squeeze;

/// The most bytes of a batch: what Splunk's own forwarders send; the server's limit (`max_content_length`) is mostly more.
const MAX_BYTES: usize = 1_000_000;

/// A configured collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Splunk {
    pub(crate) server: Server,
    pub(crate) token: SecretName,
    pub(crate) limits: Limits,
    /// The path before `/event` and `/ack`.
    path: String,
    /// What stands between an event's time and the event, and between that and its own fields.
    before: Vec<u8>,
    after: Vec<u8>,
    gzip: bool,
    /// The channel, when events are to be acknowledged.
    pub(crate) channel: Option<String>,
    /// How long an acknowledgement is waited for before the batch is sent again.
    pub(crate) patience: Duration,
}

impl Splunk {
    pub(crate) fn parse(options: &mut Options<'_>, origin: &str) -> Result<Self, ConfigError> {
        let address = options
            .text("hec_url")?
            .ok_or_else(|| missing("hec_url", "https://splunk.example.com:8088"))?;
        let server = Server::parse(options, "hec_url", address, true)?;
        let token = SecretName::needed(options, "hec_token")?;
        let path = server.base_path("hec_url")?;
        let path = path.strip_suffix("/event").unwrap_or(path);
        let path = match path.strip_suffix("/services/collector") {
            Some(base) => format!("{base}/services/collector"),
            None => format!("{path}/services/collector"),
        };
        let source_type = options.text("source_type")?.unwrap_or("pg_auditlog");
        let index = options.text("index")?;
        let mut before = Vec::new();
        for (name, value) in [
            ("host", Some(options.text("host")?.unwrap_or(origin))),
            ("source", Some(options.text("source")?.unwrap_or("pg_auditlog"))),
            ("sourcetype", Some(source_type)),
            ("index", index),
        ] {
            if let Some(value) = value {
                before.extend_from_slice(format!(",\"{name}\":").as_bytes());
                json::string(&mut before, value);
            }
        }
        before.extend_from_slice(b",\"event\":");
        let mut after = b",\"fields\":{\"origin\":".to_vec();
        json::string(&mut after, origin);
        let acknowledge = options.flag("acknowledge")?.unwrap_or(false);
        let channel = options.text("channel")?;
        if channel.is_some() && !acknowledge {
            return Err(ConfigError::new("there is a channel, but no acknowledgement")
                .hint("A channel is for tokens with indexer acknowledgement: add \"acknowledge\": true."));
        }
        let channel = match channel {
            Some(channel) if !is_uuid(channel) => return Err(options.wrong("channel", "a UUID")),
            Some(channel) => channel.to_ascii_lowercase(),
            None => uuid(&[origin, address, &token.to_string()]),
        };
        let seconds = options.number("acknowledge_seconds", 1..=3_600)?.unwrap_or(300);
        Ok(Self {
            server,
            token,
            limits: limits(
                options,
                &Usual {
                    bytes: MAX_BYTES,
                    most: 64 << 20,
                    events: 2_000,
                    seconds: 1,
                },
            )?,
            path,
            before,
            after,
            gzip: options.flag("gzip")?.unwrap_or(true),
            channel: acknowledge.then_some(channel),
            patience: Duration::from_secs(seconds),
        })
    }

    /// The bytes of an event in a batch.
    pub(crate) fn weight(&self, item: &Item<'_>) -> usize {
        let time = json::seconds(item.timestamp_us).len();
        let index = item.log_index.to_string().len();
        // {"time": … and the two other fields, whose hash has 64 figures.
        8 + time + self.before.len() + json::value_len(item.body) + self.after.len() + 15 + index + 16 + 64 + 2
    }

    /// Objects one behind the other, without commas or brackets.
    pub(crate) fn body(&self, batch: &[Item<'_>]) -> Vec<u8> {
        let mut body = Vec::with_capacity(batch.iter().map(|item| self.weight(item)).sum());
        for item in batch {
            body.extend_from_slice(b"{\"time\":");
            body.extend_from_slice(json::seconds(item.timestamp_us).as_bytes());
            body.extend_from_slice(&self.before);
            json::value(&mut body, item.body);
            body.extend_from_slice(&self.after);
            body.extend_from_slice(format!(",\"log_index\":\"{}\"", item.log_index).as_bytes());
            body.extend_from_slice(format!(",\"entry_hash\":\"{}\"}}}}", item.hash()).as_bytes());
        }
        body
    }

    pub(crate) fn send(&self, session: &mut Session, batch: &[Item<'_>], attempt: &Attempt<'_>) -> Sent {
        let begin = std::time::Instant::now();
        if let Some(waiting) = session.waiting.take_if(|waiting| waiting.is_for(batch)) {
            let events = waiting.events();
            return Sent::whole(events, self.acknowledged(session, waiting, attempt, begin));
        }
        Sent::whole(batch.len(), self.try_send(session, batch, attempt, begin))
    }

    fn try_send(
        &self,
        session: &mut Session,
        batch: &[Item<'_>],
        attempt: &Attempt<'_>,
        begin: std::time::Instant,
    ) -> Result<String, Outcome> {
        session.waiting = None;
        let body = self.body(batch);
        let squeeze = if self.gzip { Squeeze::Gzip } else { Squeeze::None };
        let body = squeeze.apply(body).map_err(crate::objects::squeezing)?;
        let reply = self.ask(session, attempt, "/event", &body, self.gzip, batch.len())?;
        let Some(_) = &self.channel else {
            return Ok(reply.said);
        };
        let waiting = Waiting::new(&reply, batch, attempt.now)?;
        self.acknowledged(session, waiting, attempt, begin)
    }

    /// Posts to one of the collector's paths and reads the reply.
    pub(crate) fn ask(
        &self,
        session: &mut Session,
        attempt: &Attempt<'_>,
        path: &str,
        body: &[u8],
        gzip: bool,
        events: usize,
    ) -> Result<Reply, Outcome> {
        let token = secret(attempt, &self.token)?;
        let mut headers = Headers::new("application/json");
        let value = header_value("Splunk", &self.token, &token).map_err(Outcome::pause)?;
        headers.add("Authorization", value.as_str());
        if gzip {
            headers.add("Content-Encoding", "gzip");
        }
        let mut path = format!("{}{path}", self.path);
        if let Some(channel) = &self.channel {
            headers.add("X-Splunk-Request-Channel", channel.as_str());
            path.push_str("?channel=");
            path.push_str(channel);
        }
        if let Some(cookies) = session.cookies.header() {
            headers.add("Cookie", cookies);
        }
        let answer = self.server.post(&mut session.kept, attempt, &path, &headers, body)?;
        session.cookies.take(&answer);
        judge_reply(&self.server.who(), &answer, &[token.text()], events)
    }
}

fn is_uuid(text: &str) -> bool {
    let sizes = text.split('-').map(str::len);
    sizes.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// A UUID that is always the same for the same parts (RFC 9562, version 8).
fn uuid(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes: [u8; 16] = std::array::from_fn(|_| 0);
    bytes.copy_from_slice(&hash.finalize()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let figures = hex(&bytes);
    let part = |from: usize, to: usize| figures.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}
