//! Webhooks: CloudEvents 1.0 in structured mode, signed as Standard Webhooks.

use auditlog_sink::ConfigError;
use auditlog_sink::client::Options;
use chrono::SecondsFormat;
use serde_json::{Value, json};

use crate::attempt::Attempt;
use crate::document::document;
use crate::http::{Endpoint, Post};
use crate::notification::Notification;
use crate::outcome::{Outcome, is_refusal};
use crate::secrets::Secret;
use crate::signing::Signing;
use crate::template::{Template, chosen};
use crate::text;

/// A configured receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebhookChannel {
    pub(crate) endpoint: Endpoint,
    pub(crate) signing: Signing,
    source: Option<String>,
}

impl WebhookChannel {
    pub(crate) fn parse(options: &mut Options<'_>) -> Result<Self, ConfigError> {
        let endpoint = Endpoint::parse(options, false, None)?;
        let signing = Signing::parse(options)?;
        if signing.has_token() {
            endpoint.require_tls("the token")?;
        }
        let source = options.text("source")?;
        // CloudEvents asks for a URI reference.
        let of_uri = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        if source.is_some_and(|source| !source.bytes().all(of_uri)) {
            return Err(options.wrong("source", "a URI, or a part of one, in ASCII"));
        }
        Ok(Self {
            endpoint,
            signing,
            source: source.map(str::to_owned),
        })
    }

    pub(crate) fn send(
        &self,
        attempt: &Attempt<'_>,
        n: &Notification,
        template: Option<&Template>,
    ) -> Result<Outcome, Outcome> {
        let body = self.event(n, template).to_string();
        let pause = |error| Outcome::Pause { error };
        let mut signed = self
            .signing
            .sign(attempt.secrets, attempt.now, &n.id, body.as_bytes())
            .map_err(pause)?;
        let content_type = "application/cloudevents+json; charset=utf-8";
        signed
            .headers
            .push(("Content-Type".to_owned(), content_type.to_owned()));
        let hidden: Vec<&str> = signed.secrets.iter().map(Secret::text).collect();
        self.endpoint.post(
            attempt,
            &Post {
                headers: &signed.headers,
                body: body.as_bytes(),
                secrets: &hidden,
                confidential: self.signing.has_token(),
                refusal: &|answer| is_refusal(answer.status),
            },
        )
    }

    fn event(&self, n: &Notification, template: Option<&Template>) -> Value {
        let source = self.source.clone().or_else(|| n.origin.as_deref().map(reference));
        let mut data = document(n);
        if let Some(text) = chosen(n, template, &str::to_owned) {
            data["text"] = json!(text);
        }
        json!({
            "specversion": "1.0",
            "id": n.id,
            "source": source.unwrap_or_else(|| format!("/pg_auditlog/{}", reference(&n.database))),
            "type": format!("pg_auditlog.alert.{}", n.kind.label()),
            "subject": n.alert,
            "time": text::time(n.fired_at, SecondsFormat::Micros),
            "datacontenttype": "application/json",
            "data": data,
        })
    }
}

/// A text as a part of a URI, percent-encoded where need be.
fn reference(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
