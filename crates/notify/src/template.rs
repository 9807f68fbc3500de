//! Texts with places: `{{alert}}: {{count}} events of {{group.actor.email}}`.
//!
//! A place is a name between double braces; there are no conditions and no loops. What stands for a name is escaped
//! for the channel it goes to, the text around it is sent as it was written. A name without a value, such as the
//! first event of a digest, gives nothing.

use std::fmt::Write as _;

use auditlog_sink::client::choices_hint;
use chrono::SecondsFormat;

use crate::notification::{EventRef, Notification};
use crate::text;

/// The most bytes of a template.
pub const MAX_TEMPLATE_BYTES: usize = 16 << 10;

/// The names that are there for every notification. `group.` and `labels.` take a name behind them.
const NAMES: [&str; 25] = [
    "alert",
    "description",
    "severity",
    "kind",
    "count",
    "window",
    "reason",
    "group",
    "labels",
    "database",
    "origin",
    "fired_at",
    "url",
    "id",
    "dedup_key",
    "samples",
    "title",
    "text",
    "members",
    "first.event_id",
    "first.log_index",
    "first.timestamp",
    "last.event_id",
    "last.log_index",
    "last.timestamp",
];

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// The character it is about, from 1.
    pub position: usize,
    /// Lower case, no full stop.
    pub message: String,
    /// A sentence that says what to do.
    pub hint: String,
}

/// A template that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(String),
}

impl Template {
    /// Says whether a text is a template.
    ///
    /// # Errors
    /// When a place has no end, or a name that nothing stands for.
    pub fn check(text: &str) -> Result<(), TemplateError> {
        Self::parse(text).map(drop)
    }

    /// Reads a template.
    ///
    /// # Errors
    /// As [`Template::check`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let wrong = |at: usize, message: String, hint: String| TemplateError {
            position: text[..at].chars().count() + 1,
            message,
            hint,
        };
        if text.len() > MAX_TEMPLATE_BYTES {
            let message = format!(
                "the template has {} bytes, the most is {MAX_TEMPLATE_BYTES}",
                text.len()
            );
            return Err(wrong(0, message, "Shorten it.".to_owned()));
        }
        if let Some((at, _)) = text
            .char_indices()
            .find(|(_, c)| c.is_control() && !matches!(c, '\n' | '\t'))
        {
            let message = "the template has a control character".to_owned();
            return Err(wrong(at, message, "Only line ends and tabs are sent.".to_owned()));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(begin) = rest.find("{{") {
            let at = text.len() - rest.len() + begin;
            let Some(length) = rest[begin..].find("}}") else {
                let message = "a place of the template has no end".to_owned();
                return Err(wrong(at, message, "Write the name between {{ and }}.".to_owned()));
            };
            let name = rest[begin + 2..begin + length].trim();
            let behind = |prefix| name.strip_prefix(prefix).is_some_and(|more: &str| !more.is_empty());
            if !NAMES.contains(&name) && !behind("group.") && !behind("labels.") {
                let message = format!("nothing stands for «{}» in a template", text::line(name, 60));
                let hint = choices_hint(name, &NAMES);
                let hint = format!("{hint} Also group.FIELD and labels.NAME.");
                return Err(wrong(at, message, hint));
            }
            parts.push(Part::Text(rest[..begin].to_owned()));
            parts.push(Part::Name(name.to_owned()));
            rest = &rest[begin + length + 2..];
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self(parts))
    }

    /// The names it uses, in their order, so that the caller can see whether the alert groups by them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text for a notification; `escape` is for what was not written by the template's author.
    pub(crate) fn render(&self, n: &Notification, escape: &dyn Fn(&str) -> String) -> String {
        let mut rendered = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => rendered.push_str(text),
                Part::Name(name) => rendered.push_str(&escape(&value(n, name))),
            }
        }
        rendered
    }
}

fn value(n: &Notification, name: &str) -> String {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let of_event =
        |event: &Option<EventRef>, what: fn(&EventRef) -> String| event.as_ref().map(what).unwrap_or_default();
    let timestamp = |event: &EventRef| text::time(event.timestamp, SecondsFormat::Micros);
    if let Some(field) = name.strip_prefix("group.") {
        let found = n.group.iter().find(|(other, _)| other == field);
        return found.and_then(|(_, value)| value.clone()).unwrap_or_default();
    }
    if let Some(label) = name.strip_prefix("labels.") {
        return n.labels.get(label).cloned().unwrap_or_default();
    }
    match name {
        "alert" => n.alert.clone(),
        "description" => optional(&n.description),
        "severity" => n.severity.to_string(),
        "kind" => n.kind.label().to_owned(),
        "count" => n.count.to_string(),
        "window" => optional(&n.window),
        "reason" => optional(&n.reason),
        "group" => text::group(&n.group),
        "labels" => {
            let pairs = n.labels.iter().map(|(name, value)| format!("{name} = {value}"));
            pairs.collect::<Vec<_>>().join(", ")
        }
        "database" => n.database.clone(),
        "origin" => optional(&n.origin),
        "fired_at" => text::time(n.fired_at, SecondsFormat::Micros),
        "url" => optional(&n.url),
        "id" => n.id.clone(),
        "dedup_key" => n.dedup_key.clone(),
        "samples" => n.samples.join(", "),
        "title" => text::title(n),
        "text" => text::sentences(n),
        "members" => {
            let mut lines = String::new();
            for member in text::members(n) {
                let _ = writeln!(lines, "- {member}");
            }
            lines
        }
        "first.event_id" => of_event(&n.first, |event| event.event_id.clone()),
        "first.log_index" => of_event(&n.first, |event| event.log_index.to_string()),
        "first.timestamp" => of_event(&n.first, timestamp),
        "last.event_id" => of_event(&n.last, |event| event.event_id.clone()),
        "last.log_index" => of_event(&n.last, |event| event.log_index.to_string()),
        "last.timestamp" => of_event(&n.last, timestamp),
        _ => String::new(),
    }
}

/// The text of a notification by its own template or the channel's, if there is one. A template of the notification
/// that can't be read, as it was made before this version, does not keep it from arriving.
pub(crate) fn chosen(n: &Notification, channel: Option<&Template>, escape: &dyn Fn(&str) -> String) -> Option<String> {
    let own = n.template.as_deref().and_then(|text| Template::parse(text).ok());
    own.as_ref().or(channel).map(|template| template.render(n, escape))
}
