//! Slack's incoming webhooks (docs.slack.dev, «Sending messages using incoming webhooks», «Block Kit»).

use auditlog_sink::ConfigError;
use auditlog_sink::client::Options;
use serde_json::{Value, json};

use crate::attempt::Attempt;
use crate::http::{Endpoint, Post};
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::template::{Template, chosen};
use crate::text;

/// The most characters of a text in a section, of a header, of a field; the most fields of a section, the most
/// blocks of a message.
const SECTION: usize = 3_000;
const HEADER: usize = 150;
const FIELD: usize = 2_000;
const FIELDS: usize = 10;
const BLOCKS: usize = 50;

/// A configured incoming webhook. Its address is the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SlackChannel {
    pub(crate) endpoint: Endpoint,
}

impl SlackChannel {
    pub(crate) fn parse(options: &mut Options<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            endpoint: Endpoint::parse(options, true, None)?,
        })
    }

    pub(crate) fn send(
        &self,
        attempt: &Attempt<'_>,
        n: &Notification,
        template: Option<&Template>,
    ) -> Result<Outcome, Outcome> {
        let body = message(n, template).to_string();
        self.endpoint.post(
            attempt,
            &Post {
                headers: &[("Content-Type".to_owned(), "application/json".to_owned())],
                body: body.as_bytes(),
                secrets: &[],
                confidential: false,
                refusal: &|answer| answer.status == 400,
            },
        )
    }
}

/// What would otherwise be a mention, a link or a channel (docs.slack.dev, «Escaping text»).
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// `text` escaped, with at most `most` characters then: never cut within an escape.
fn fitted(text: &str, most: usize) -> String {
    let whole = escape(text);
    if whole.chars().count() <= most {
        return whole;
    }
    let mut used = 0;
    let mut fitted = String::new();
    for character in text.chars() {
        let next = escape(character.encode_utf8(&mut [0; 4]));
        let length = next.chars().count();
        if used + length + 1 > most {
            break;
        }
        used += length;
        fitted.push_str(&next);
    }
    fitted.push('…');
    fitted
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}})
}

/// The message: blocks, and a text for where there is no room for them.
pub(crate) fn message(n: &Notification, template: Option<&Template>) -> Value {
    let title = text::title(n);
    let mut blocks = vec![json!({
        "type": "header",
        "text": {"type": "plain_text", "text": text::line(&title, HEADER), "emoji": false},
    })];
    match chosen(n, template, &escape) {
        // The author's own marks, and escapes of what isn't the author's; cut where need be.
        Some(rendered) if !rendered.trim().is_empty() => blocks.push(section(&text::cut(&rendered, SECTION))),
        _ => {
            blocks.push(section(&fitted(&text::sentences(n), SECTION)));
            let members = text::members(n).join("\n");
            if !members.is_empty() {
                blocks.push(section(&fitted(&members, SECTION)));
            }
            let fields: Vec<Value> = text::facts(n)
                .iter()
                .map(|(name, value)| {
                    // Stars around the name would be undone by one inside it.
                    let name = fitted(&name.replace('*', "∗"), FIELD / 4);
                    let value = if value.trim().is_empty() { "–" } else { value };
                    let text = format!("*{name}*\n{}", fitted(value, FIELD / 2));
                    json!({"type": "mrkdwn", "text": text, "verbatim": true})
                })
                .collect();
            for some in fields.chunks(FIELDS).take(BLOCKS - 5) {
                blocks.push(json!({"type": "section", "fields": some}));
            }
        }
    }
    if let Some(link) = n
        .url
        .as_deref()
        .filter(|url| url.starts_with("https://") || url.starts_with("http://"))
    {
        // In a link a bar would end the address.
        let link = escape(&link.replace('|', "%7C"));
        if link.chars().count() < SECTION / 2 && !link.contains(char::is_whitespace) {
            blocks.push(section(&format!("<{link}|Look further>")));
        }
    }
    // Nor is Slack to look at what addresses in the data lead to.
    json!({
        "text": fitted(&title, SECTION),
        "blocks": blocks,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}
