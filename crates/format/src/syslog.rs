//! The format `syslog`: RFC 5424 without framing, which is the transport's (RFC 6587).
//!
//! ```text
//! <110>1 2026-03-10T14:30:45.123456Z db1 pg_auditlog - resource.modify
//!   [auditlog@32473 origin="…" log_index="42" entry_hash="…" event_id="…" event_type="…" severity="info"] {…}
//! ```
//!
//! - Priority: the facility (13, log audit), and debug 7, info 6, notice 5, warning 4, error 3, critical 2.
//! - MSGID is the event's type, cut to RFC 5424's 32 characters; whole it is in the structured data.
//! - In the structured data `"`, `\` and `]` are escaped; control characters become `#` and three octal digits, as
//!   receivers write them. The message has them as they are, in JSON's escapes.
//! - A timestamp of another year than 1970 to 2099 is `-` in the header, because receivers stumble; the message has it.
//! - There is no byte order mark: receivers keep it in the message.
//! - **Long events.** A message above `max_bytes` is left out of the line, and the parameter `omitted_bytes` says how
//!   long it was: with `msg` `json` a short document with the key alone takes its place. Half of an event would be
//!   taken for one; the whole one is in the log at its `log_index`.

use auditlog_core::event::Severity;
use chrono::Datelike;

use crate::error::{FormatError, OptionError};
use crate::fields::{Fields, at};
use crate::leef::LeefOptions;
use crate::object::Object;
use crate::ocsf::OcsfOptions;
use crate::option_reader::{Reader, is_word};
use crate::options::Product;
use crate::plain::{append, is_control, shortened};
use crate::source::Source;
use crate::summary::summary;
use crate::{cef, ecs, json, leef, ocsf, time_text};

/// How syslog is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyslogOptions {
    facility: u64,
    hostname: Option<String>,
    app_name: String,
    enterprise_number: u64,
    time_digits: u32,
    message: Message,
    max_bytes: usize,
}

/// What the message is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Message {
    Json,
    Text,
    Cef(Product),
    Leef(LeefOptions),
    Ecs(Product),
    Ocsf(OcsfOptions),
}

/// Of timestamps in the header. rsyslog takes a line with any other year for one without header.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2099;

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

impl SyslogOptions {
    pub(crate) fn parse(reader: &mut Reader<'_>) -> Result<Self, OptionError> {
        #[derive(Clone, Copy)]
        enum Kind {
            Json,
            Text,
            Cef,
            Leef,
            Ecs,
            Ocsf,
        }
        let kinds = [
            ("json", Kind::Json),
            ("text", Kind::Text),
            ("cef", Kind::Cef),
            ("leef", Kind::Leef),
            ("ecs", Kind::Ecs),
            ("ocsf", Kind::Ocsf),
        ];
        Ok(Self {
            facility: reader.choice("facility", &FACILITIES)?,
            hostname: reader.word("hostname", 255)?.map(str::to_owned),
            app_name: reader.word("app_name", 48)?.unwrap_or("pg_auditlog").to_owned(),
            enterprise_number: reader
                .number("enterprise_number", 1..=u64::from(u32::MAX))?
                // for documentation (RFC 5612)
                .unwrap_or(32_473),
            time_digits: reader.number("time_digits", 0..=6)?.map_or(6, |digits| digits as u32),
            message: match reader.choice("msg", &kinds)? {
                Kind::Json => Message::Json,
                Kind::Text => Message::Text,
                Kind::Cef => Message::Cef(Product::parse(reader)?),
                Kind::Leef => Message::Leef(LeefOptions::parse(reader)?),
                Kind::Ecs => Message::Ecs(Product::parse(reader)?),
                Kind::Ocsf => Message::Ocsf(OcsfOptions::parse(reader)?),
            },
            // RFC 5425 §4.3.1: receivers should take 8192
            max_bytes: reader
                .number("max_bytes", 1024..=1 << 20)?
                .map_or(8192, |bytes| bytes as usize),
        })
    }
}

/// Appends the event.
pub(crate) fn write(
    fields: &Fields<'_>,
    source: &Source,
    options: &SyslogOptions,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let start = out.len();
    header(fields, source, options, out);
    let data = out.len();
    structured(fields, source, options, None, out);
    out.push(b' ');
    let message = out.len();
    match &options.message {
        Message::Json => json::write(fields, source, out)?,
        Message::Text => out.extend_from_slice(&summary(fields)),
        Message::Cef(product) => cef::write(fields, source, product, out)?,
        Message::Leef(leef) => leef::write(fields, source, leef, out)?,
        Message::Ecs(product) => ecs::write(fields, source, product, out)?,
        Message::Ocsf(ocsf) => ocsf::write(fields, source, ocsf, out)?,
    }
    if out.len() - start <= options.max_bytes {
        return Ok(());
    }
    let omitted = out.len() - message;
    out.truncate(data);
    structured(fields, source, options, Some(omitted), out);
    let without = out.len();
    if options.message == Message::Json {
        out.push(b' ');
        short(fields, source, omitted, out);
        if out.len() - start > options.max_bytes {
            out.truncate(without);
        }
    }
    if out.len() - start > options.max_bytes {
        return Err(FormatError::TooLong {
            bytes: out.len() - start,
            most: options.max_bytes,
        });
    }
    Ok(())
}

/// A document with the key and the names of an event, and nothing else.
fn short(fields: &Fields<'_>, source: &Source, omitted: usize, out: &mut Vec<u8>) {
    const MOST: usize = 256;
    let mut object = Object::begin(out);
    let mut text = |name: &str, column: usize| {
        if let Some(text) = fields.text(column) {
            object.text(name, shortened(text, MOST).as_bytes());
        }
    };
    text("event_id", at::EVENT_ID);
    text("event_type", at::EVENT_TYPE);
    text("severity", at::SEVERITY);
    object.moment("timestamp", fields.time());
    object.part("auditlog", |inner| {
        json::place(fields, source, inner);
        inner.natural("omitted_bytes", omitted as u64);
    });
    object.end();
}

fn header(fields: &Fields<'_>, source: &Source, options: &SyslogOptions, out: &mut Vec<u8>) {
    out.push(b'<');
    time_text::natural(options.facility * 8 + severity(fields.severity()), out);
    out.extend_from_slice(b">1 ");
    match time_text::moment(fields.time()).filter(|time| YEARS.contains(&time.year())) {
        Some(time) => time_text::rfc3339(time, options.time_digits, b"Z", out),
        None => out.push(b'-'),
    }
    out.push(b' ');
    let host = options.hostname.as_deref().unwrap_or(&source.hostname);
    let host = if is_word(host, 255) { host } else { "-" };
    out.extend_from_slice(host.as_bytes());
    out.push(b' ');
    out.extend_from_slice(options.app_name.as_bytes());
    out.extend_from_slice(b" - ");
    let start = out.len();
    let kind = fields
        .event_type()
        .iter()
        .take(32)
        .filter(|byte| byte.is_ascii_graphic());
    out.extend(kind);
    if out.len() == start {
        out.push(b'-');
    }
    out.push(b' ');
}

fn structured(
    fields: &Fields<'_>,
    source: &Source,
    options: &SyslogOptions,
    omitted: Option<usize>,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"[auditlog@");
    time_text::natural(options.enterprise_number, out);
    parameter("origin", source.origin.as_bytes(), out);
    out.extend_from_slice(b" log_index=\"");
    time_text::natural(fields.record.log_index, out);
    out.extend_from_slice(b"\" entry_hash=\"");
    time_text::hex(&fields.record.entry_hash, out);
    out.push(b'"');
    for (name, column) in [
        ("event_id", at::EVENT_ID),
        ("event_type", at::EVENT_TYPE),
        ("severity", at::SEVERITY),
    ] {
        if let Some(text) = fields.word(column) {
            parameter(name, text, out);
        }
    }
    if let Some(bytes) = omitted {
        out.extend_from_slice(b" omitted_bytes=\"");
        time_text::natural(bytes as u64, out);
        out.push(b'"');
    }
    out.push(b']');
}

fn parameter(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.push(b' ');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    append(
        value,
        |c| is_control(c) || matches!(c, '"' | '\\' | ']'),
        |c, out| {
            if !is_control(c) {
                out.push(b'\\');
                out.push(c as u8);
                return;
            }
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                out.extend_from_slice(&[b'#', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)]);
            }
        },
        out,
    );
    out.push(b'"');
}

fn severity(severity: Severity) -> u64 {
    match severity {
        Severity::Debug => 7,
        Severity::Info => 6,
        Severity::Notice => 5,
        Severity::Warning => 4,
        Severity::Error => 3,
        Severity::Critical => 2,
    }
}
