//! The text of a syslog message (RFC 5424).

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};

use crate::error::{ConfigError, DeliveryError};
use crate::message::Message;
use crate::options::{Options, text_pairs};

/// What syslog says of one message beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Annotations<'a> {
    /// From 0 (emergency) to 7 (debug), instead of the option `severity`.
    pub severity: Option<u8>,
    /// Instead of the option `msgid`, if it is a word of at most 32 printable ASCII characters.
    pub message_id: Option<&'a str>,
    /// Further parameters of our structured data, behind `name` and `contentType`.
    pub parameters: &'a [(&'a str, &'a str)],
}

/// What goes around a message's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    facility: u64,
    severity: u64,
    host: Option<String>,
    app: String,
    message_id: String,
    /// Our structured data's id, `auditlog@` and an enterprise number.
    id: String,
    /// Further structured data as it is sent.
    data: String,
    precision: SecondsFormat,
    bom: bool,
}

const FACILITIES: [(&str, u64); 24] = [
    ("audit", 13),
    ("kern", 0),
    ("user", 1),
    ("mail", 2),
    ("daemon", 3),
    ("auth", 4),
    ("syslog", 5),
    ("lpr", 6),
    ("news", 7),
    ("uucp", 8),
    ("cron", 9),
    ("authpriv", 10),
    ("ftp", 11),
    ("ntp", 12),
    ("alert", 14),
    ("clock", 15),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

const SEVERITIES: [(&str, u64); 8] = [
    ("notice", 5),
    ("emerg", 0),
    ("alert", 1),
    ("crit", 2),
    ("err", 3),
    ("warning", 4),
    ("info", 6),
    ("debug", 7),
];

/// The names of structured data that IANA has registered and that we do not write ourselves.
const REGISTERED: [&str; 3] = ["timeQuality", "origin", "meta"];

impl Header {
    pub(crate) fn parse(options: &mut Options<'_>) -> Result<Self, ConfigError> {
        let facility = options.choice("facility", &FACILITIES)?;
        let severity = options.choice("severity", &SEVERITIES)?;
        let host = options
            .text("hostname")?
            .map(|text| word("hostname", text, 255))
            .transpose()?;
        let app = word("app_name", options.text("app_name")?.unwrap_or("pg_auditlog"), 48)?;
        let message_id = word("msgid", options.text("msgid")?.unwrap_or("-"), 32)?;
        // 32473 is the number for documentation (RFC 5612).
        let number = options
            .number("enterprise_number", 1..=u64::from(u32::MAX))?
            .unwrap_or(32_473);
        let id = format!("auditlog@{number}");
        let data = structured(options, &id)?;
        let precision = match options.number("time_digits", 0..=6)?.unwrap_or(6) {
            0 => SecondsFormat::Secs,
            3 => SecondsFormat::Millis,
            6 => SecondsFormat::Micros,
            _ => return Err(ConfigError::new("the option «time_digits» must be 0, 3 or 6")),
        };
        Ok(Self {
            facility,
            severity,
            host,
            app,
            message_id,
            id,
            data,
            precision,
            bom: options.flag("bom")?.unwrap_or(false),
        })
    }

    /// The message without framing.
    pub(crate) fn text(&self, message: &Message<'_>, annotations: &Annotations<'_>) -> Result<Vec<u8>, DeliveryError> {
        let severity = annotations
            .severity
            .map_or(self.severity, |severity| u64::from(severity.min(7)));
        let time = DateTime::from_timestamp_micros(message.time)
            .map_or_else(|| "-".to_owned(), |time| time.to_rfc3339_opts(self.precision, true));
        let host = self.host.clone().or_else(own_name).unwrap_or_else(|| "-".to_owned());
        let mut text = format!(
            "<{}>1 {time} {host} {} {} {} [{}",
            self.facility * 8 + severity,
            self.app,
            std::process::id(),
            annotations
                .message_id
                .filter(|id| word("msgid", id, 32).is_ok())
                .unwrap_or(&self.message_id),
            self.id
        );
        parameter(&mut text, "name", message.name);
        parameter(&mut text, "contentType", message.content_type);
        for (name, value) in annotations.parameters {
            if !is_name(name) {
                return Err(DeliveryError::permanent(format!(
                    "«{}» is no name of structured data",
                    name.escape_debug()
                )));
            }
            parameter(&mut text, name, value);
        }
        text.push(']');
        text.push_str(&self.data);
        text.push(' ');
        let mut text = text.into_bytes();
        if self.bom {
            if std::str::from_utf8(message.body).is_err() {
                return Err(DeliveryError::permanent("the message is not UTF-8, but «bom» says so"));
            }
            text.extend_from_slice("\u{feff}".as_bytes());
        }
        text.extend_from_slice(message.body);
        Ok(text)
    }
}

/// The host's name as Linux knows it, if syslog can say it.
fn own_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    word("hostname", name.trim(), 255).ok()
}

fn word(option: &str, text: &str, most: usize) -> Result<String, ConfigError> {
    if text.is_empty() || text.len() > most || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ConfigError::new(format!(
            "the option «{option}» must be a word of at most {most} printable ASCII characters"
        )));
    }
    Ok(text.to_owned())
}

/// The option `structured_data`, `{"id@number": {"name": "value"}}`.
fn structured(options: &mut Options<'_>, own: &str) -> Result<String, ConfigError> {
    let wrong = |what: &str| ConfigError::new(format!("the option «structured_data» {what}"));
    let Some(value) = options.value("structured_data") else {
        return Ok(String::new());
    };
    let elements = value.as_object().ok_or_else(|| wrong("must be an object of objects"))?;
    let mut text = String::new();
    for (id, parameters) in elements {
        let numbered = id.split_once('@').is_some_and(|(name, number)| {
            !name.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        });
        if !is_name(id) || !numbered && !REGISTERED.contains(&id.as_str()) {
            return Err(wrong(&format!("has the id «{}»", id.escape_debug()))
                .hint("An id is name@number, with the number of an enterprise, or timeQuality, origin or meta."));
        }
        if id == own {
            return Err(wrong(&format!("has the id {id}, which is ours")));
        }
        let pairs = parameters.as_object().and_then(text_pairs).ok_or_else(|| {
            wrong(&format!(
                "must have an object of texts without control characters for {id}"
            ))
        })?;
        let _ = write!(text, "[{id}");
        for (name, value) in pairs {
            if !is_name(name) || name.contains('@') {
                return Err(wrong(&format!("has the name «{}»", name.escape_debug())));
            }
            parameter(&mut text, name, value);
        }
        text.push(']');
    }
    Ok(text)
}

/// Whether it is an SD-NAME (RFC 5424 §6).
fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'=' | b']' | b'"');
    (1..=32).contains(&text.len()) && text.bytes().all(allowed)
}

/// A parameter of structured data, its value escaped (RFC 5424 §6.3.3).
fn parameter(text: &mut String, name: &str, value: &str) {
    let _ = write!(text, " {name}=\"");
    for character in value.chars() {
        if matches!(character, '"' | '\\' | ']') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('"');
}
