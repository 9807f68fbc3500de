//! PagerDuty's Events API v2 (PagerDuty/developer-docs, `docs/events-API-v2`).

use std::fmt::Write as _;

use auditlog_sink::ConfigError;
use auditlog_sink::client::Options;
use chrono::SecondsFormat;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::attempt::Attempt;
use crate::document::document;
use crate::http::{Endpoint, Post};
use crate::notification::{Kind, Notification};
use crate::outcome::{Failure, Outcome};
use crate::secrets::SecretName;
use crate::teams::fit;
use crate::template::{Template, chosen};
use crate::text;

/// Where events go, unless the account lies elsewhere (`https://events.eu.pagerduty.com/v2/enqueue`).
const URL: &str = "https://events.pagerduty.com/v2/enqueue";

/// The most characters of a dedup_key and of a summary, the most bytes of an event.
const DEDUP_KEY: usize = 255;
const SUMMARY: usize = 1_024;
const MAX_BYTES: usize = 512_000;

/// A configured integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PagerDutyChannel {
    pub(crate) endpoint: Endpoint,
    pub(crate) routing_key: SecretName,
}

impl PagerDutyChannel {
    pub(crate) fn parse(options: &mut Options<'_>) -> Result<Self, ConfigError> {
        let endpoint = Endpoint::parse(options, false, Some(URL))?;
        endpoint.require_tls("the routing key")?;
        Ok(Self {
            endpoint,
            routing_key: SecretName::needed(options, "routing_key")?,
        })
    }

    pub(crate) fn send(
        &self,
        attempt: &Attempt<'_>,
        n: &Notification,
        template: Option<&Template>,
    ) -> Result<Outcome, Outcome> {
        let key = attempt.secret(&self.routing_key)?;
        if !key.text().bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let error = Failure::new(format!("{} is no routing key", self.routing_key));
            return Err(Outcome::Pause {
                error: error.hint("Write the integration key, 32 letters and digits, into that file."),
            });
        }
        let body = fit(n, MAX_BYTES, |n| event(n, template).to_string().into_bytes());
        let Some(body) = body.map(|event| keyed(&event, key.text())) else {
            let error = Failure::new(format!("the notification has more than {MAX_BYTES} bytes as an event"));
            return Err(Outcome::Split { error });
        };
        self.endpoint.post(
            attempt,
            &Post {
                headers: &[("Content-Type".to_owned(), "application/json".to_owned())],
                body: &body,
                secrets: &[key.text()],
                confidential: true,
                // 400 also says that the routing key is none: then every event would be refused.
                refusal: &|answer| answer.status == 400 && !names_key(&answer.body),
            },
        )
    }
}

fn names_key(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_lowercase();
    text.contains("routing_key") || text.contains("routing key")
}

/// The key that a firing and its resolution share, in at most 255 characters.
pub(crate) fn dedup_key(key: &str) -> String {
    if key.chars().count() <= DEDUP_KEY {
        return key.to_owned();
    }
    let mut short: String = key.chars().take(DEDUP_KEY - 33).collect();
    short.push('-');
    for byte in &Sha256::digest(key)[..16] {
        let _ = write!(short, "{byte:02x}");
    }
    short
}

/// The event with its routing key, letters and digits, which is put in last: then there is one copy of it to wipe.
pub(crate) fn keyed(event: &[u8], routing_key: &str) -> Zeroizing<Vec<u8>> {
    let rest = event.strip_prefix(b"{").unwrap_or(event);
    let mut keyed = Zeroizing::new(Vec::with_capacity(event.len() + routing_key.len() + 32));
    keyed.extend_from_slice(b"{\"routing_key\":\"");
    keyed.extend_from_slice(routing_key.as_bytes());
    keyed.extend_from_slice(b"\",");
    keyed.extend_from_slice(rest);
    keyed
}

/// The event without its routing key. A resolution needs no more than the key it shares with its firing.
pub(crate) fn event(n: &Notification, template: Option<&Template>) -> Value {
    if n.kind == Kind::Resolved {
        return json!({
            "event_action": "resolve",
            "dedup_key": dedup_key(&n.dedup_key),
        });
    }
    // Neither a test nor a report must stay open as what an alert would resolve, nor be resolved by it.
    let alone = matches!(n.kind, Kind::Test | Kind::Report);
    let key = if alone { &n.id } else { &n.dedup_key };
    let plain = |text: &str| text.to_owned();
    let summary = chosen(n, template, &plain).filter(|text| !text.trim().is_empty());
    let summary = summary.unwrap_or_else(|| text::title(n));
    let severity = if alone { "info" } else { n.severity.pagerduty() };
    let mut event = json!({
        "event_action": "trigger",
        "dedup_key": dedup_key(key),
        "client": "pg_auditlog",
        "payload": {
            "summary": text::line(&summary, SUMMARY),
            "source": n.origin.as_deref().unwrap_or(&n.database),
            "severity": severity,
            "timestamp": text::time(n.fired_at, SecondsFormat::Millis),
            "component": n.database,
            "class": n.alert,
            "custom_details": document(n),
        },
    });
    let group = text::group(&n.group);
    if !group.is_empty() {
        event["payload"]["group"] = json!(text::line(&group, SUMMARY));
    }
    if let Some(url) = n
        .url
        .as_deref()
        .filter(|url| url.starts_with("https://") || url.starts_with("http://"))
    {
        event["client_url"] = json!(url);
        event["links"] = json!([{"href": url, "text": "Look further"}]);
    }
    event
}
