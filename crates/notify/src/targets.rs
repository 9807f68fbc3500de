//! Syslog and files, through the targets of `auditlog-sink`: for sites that the outside doesn't reach.

use auditlog_sink::client::Options;
use auditlog_sink::{Annotations, Assurance, ConfigError, Message, Target, deliver_annotated};
use serde_json::{Map, Value};

use crate::attempt::Attempt;
use crate::document::document;
use crate::notification::Notification;
use crate::outcome::{Failure, Outcome};
use crate::secrets::missing;
use crate::teams::fit;
use crate::template::{Template, chosen};
use crate::text;

/// The options that are read here; all others are the target's.
const OURS: [&str; 6] = ["address", "path", "body", "template", "rate_per_minute", "digest_after"];

/// A configured target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetChannel {
    pub(crate) target: Target,
    json: bool,
}

impl TargetChannel {
    /// Reads the options of `syslog`: `address`, `body`, and those of that kind of sink.
    pub(crate) fn syslog(options: &mut Options<'_>, all: &Value) -> Result<Self, ConfigError> {
        let address = options.text("address")?;
        let address = address.ok_or_else(|| missing("address", "tls://host:6514"))?;
        let json = options.choice("body", &[("text", false), ("json", true)])?;
        Ok(Self {
            target: Target::parse("syslog", address, &others(all, &["path"]))?,
            json,
        })
    }

    /// Reads the options of `file`: `path`.
    pub(crate) fn file(options: &mut Options<'_>, all: &Value) -> Result<Self, ConfigError> {
        let path = options
            .text("path")?
            .ok_or_else(|| missing("path", "/var/log/alerts.jsonl"))?;
        let mut rest = others(all, &["address", "body"]);
        if rest.get("format").is_some() {
            return Err(ConfigError::new("the kind file has no option «format»").hint("It writes lines of JSON."));
        }
        rest["format"] = "lines".into();
        Ok(Self {
            target: Target::parse("file", path, &rest)?,
            json: true,
        })
    }

    pub(crate) fn send(
        &self,
        attempt: &Attempt<'_>,
        n: &Notification,
        template: Option<&Template>,
    ) -> Result<Outcome, Outcome> {
        let count = n.count.to_string();
        let group = text::line(&text::group(&n.group), 200);
        let alert = text::line(&n.alert, 200);
        let key = text::line(&n.dedup_key, 255);
        let parameters = [
            ("kind", n.kind.label()),
            ("alert", alert.as_str()),
            ("severity", n.severity.label()),
            ("count", count.as_str()),
            ("group", group.as_str()),
            ("dedupKey", key.as_str()),
            ("database", n.database.as_str()),
        ];
        let annotations = Annotations {
            severity: Some(n.severity.syslog()),
            message_id: Some("ALERT"),
            parameters: &parameters,
        };
        let message = |body| Message {
            name: &n.id,
            content_type: if self.json {
                "application/json"
            } else {
                "text/plain; charset=utf-8"
            },
            body,
            time: n.fired_at,
        };
        let room = self.target.room(&message(b""), &annotations).unwrap_or(usize::MAX);
        let Some(body) = self.body(n, template, room) else {
            let error = Failure::new("the notification has more bytes than this receiver takes");
            return Err(Outcome::Split {
                error: error.hint("Give the channel a larger «max_bytes», if the receiver can take it."),
            });
        };
        let host = self.target.host().unwrap_or_default();
        let receipt = attempt.with_list(&host, |allow| {
            deliver_annotated(&self.target, &message(&body), &annotations, attempt.deadline, allow)
                .map_err(Outcome::failed)
        })?;
        let known = match receipt.assurance {
            Assurance::Sent => "sent, and whether it arrived is not known",
            Assurance::Received => "received by the other side's kernel",
            Assurance::Confirmed => "on disk",
        };
        Ok(Outcome::Delivered {
            detail: format!("{}: {known}", self.target),
        })
    }

    /// A line of JSON, or a text that is cut where there is no more room.
    fn body(&self, n: &Notification, template: Option<&Template>, room: usize) -> Option<Vec<u8>> {
        if self.json {
            return fit(n, room, |n| {
                let mut line = document(n);
                if let Some(text) = chosen(n, template, &str::to_owned) {
                    line["text"] = text.into();
                }
                line.to_string().into_bytes()
            });
        }
        let text = chosen(n, template, &str::to_owned);
        let text = text.unwrap_or_else(|| format!("{} – {}", text::title(n), text::sentences(n)));
        // On one line: a receiver that cuts its stream at line ends must not see a message that nobody has sent.
        let text = text::line(&text, room);
        let mut end = text.len().min(room);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        (end > 0).then(|| text.as_bytes()[..end].to_vec())
    }
}

/// The options that are for the target; `unknown` ones of ours are left to it, to be refused.
fn others(all: &Value, unknown: &[&str]) -> Value {
    let ours = |name: &str| OURS.contains(&name) && !unknown.contains(&name);
    let rest = all.as_object().into_iter().flatten().filter(|(name, _)| !ours(name));
    Value::Object(
        rest.map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Map<_, _>>(),
    )
}
