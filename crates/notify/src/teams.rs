//! Microsoft Teams: a workflow «When a Teams webhook request is received» that posts an Adaptive Card.

use auditlog_sink::ConfigError;
use auditlog_sink::client::Options;
use serde_json::{Value, json};

use crate::attempt::Attempt;
use crate::http::{Endpoint, Post};
use crate::notification::Notification;
use crate::outcome::{Failure, Outcome, is_refusal};
use crate::severity::Severity;
use crate::template::{Template, chosen};
use crate::text;

/// The most bytes of a message. The documentation says 28 KB with all that Teams adds; senders have been refused
/// above 21 KB.
const MAX_BYTES: usize = 20_000;

/// A configured workflow. Its address is the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TeamsChannel {
    pub(crate) endpoint: Endpoint,
}

impl TeamsChannel {
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
        let Some(body) = fit(n, MAX_BYTES, |n| message(n, template).to_string().into_bytes()) else {
            let error = Failure::new(format!(
                "the notification has more than {MAX_BYTES} bytes as an Adaptive Card"
            ));
            return Err(Outcome::Split { error });
        };
        self.endpoint.post(
            attempt,
            &Post {
                headers: &[("Content-Type".to_owned(), "application/json".to_owned())],
                body: &body,
                secrets: &[],
                confidential: false,
                refusal: &|answer| is_refusal(answer.status),
            },
        )
    }
}

/// The bytes that `make` gives for the notification, or for its short form, if they are no more than `most`.
pub(crate) fn fit(n: &Notification, most: usize, make: impl Fn(&Notification) -> Vec<u8>) -> Option<Vec<u8>> {
    let whole = make(n);
    if whole.len() <= most {
        return Some(whole);
    }
    Some(make(&n.shortened())).filter(|short| short.len() <= most)
}

/// What would otherwise be bold, a list or a link (the Markdown of Adaptive Cards).
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(
            character,
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '~' | '|' | '<' | '>' | '!' | '+' | '-'
        ) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn block(text: &str) -> Value {
    json!({"type": "TextBlock", "text": text, "wrap": true})
}

/// The message with its card.
pub(crate) fn message(n: &Notification, template: Option<&Template>) -> Value {
    let colour = match n.severity {
        _ if n.kind == crate::notification::Kind::Resolved => "Good",
        Severity::Critical | Severity::Error => "Attention",
        Severity::Warning => "Warning",
        _ => "Accent",
    };
    let mut body = vec![json!({
        "type": "TextBlock", "text": escape(&text::title(n)), "wrap": true,
        "weight": "Bolder", "size": "Medium", "color": colour,
    })];
    match chosen(n, template, &escape) {
        Some(rendered) if !rendered.trim().is_empty() => body.push(block(&rendered)),
        _ => {
            // A single line end is none in Markdown.
            body.push(block(&escape(&text::sentences(n)).replace('\n', "\n\n")));
            let members: String = text::members(n)
                .iter()
                .map(|line| format!("- {}\n", escape(line)))
                .collect();
            if !members.is_empty() {
                body.push(block(&members));
            }
            let facts: Vec<Value> = text::facts(n)
                .iter()
                .map(|(name, value)| json!({"title": name, "value": escape(value)}))
                .collect();
            body.push(json!({"type": "FactSet", "facts": facts}));
        }
    }
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    });
    if let Some(url) = n
        .url
        .as_deref()
        .filter(|url| url.starts_with("https://") || url.starts_with("http://"))
    {
        card["actions"] = json!([{"type": "Action.OpenUrl", "title": "Look further", "url": url}]);
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}
