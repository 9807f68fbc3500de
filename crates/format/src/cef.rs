//! The format `cef`: ArcSight's Common Event Format, version 0.
//!
//! ```text
//! CEF:0|vendor|product|version|event type|title|severity|key=value key=value …
//! ```
//!
//! In the header `\` and `|` are escaped, in values `\`, `=`, CR and LF (as `\r`, `\n`). CEF has no escape for other
//! control characters: in values they become U+FFFD (but for the tab, which stays), in the header a space. The
//! seventh pipe is always there. Keys are ArcSight's dictionary alone; nothing is cut to the dictionary's lengths.
//!
//! | key | from |
//! | --- | --- |
//! | `externalId` | origin`:`log_index |
//! | `rt` | `timestamp`, milliseconds since 1970 |
//! | `deviceExternalId`, `cn1`, `cs2` | origin, log_index, entry_hash |
//! | `deviceCustomDate1` | `sealed_at` |
//! | `cat`, `act`, `outcome`, `reason` | category, operation; `success`, `failure` or the status; the status |
//! | `suid`, `suser`, `spriv` | actor: id, e-mail (without one, the id), type |
//! | `src` or `c6a2` | actor's address, IPv4 or IPv6; without one, the database client's |
//! | `requestClientApplication`, `requestMethod` | actor's user agent; method |
//! | `duser`, `sproc` | role and application of the database's session |
//! | `cs3`, `cs4`, `cs5` | resource type, resource id, tenant |
//! | `cs6` | document of what changed: `{"before":…,"after":…}` |
//! | `flexString1`, `flexString2` | request id, session id |
//! | `cs1` | event id |
//! | `dvchost`, `msg` | the machine, a summary |
//!
//! Tags, `extra` and the cloud's account have no key that fits: the event's place leads to all of it.
//!
//! Severity: debug 0, info 2, notice 3, warning 5, error 8, critical 10.

use auditlog_core::decode::JsonError;
use auditlog_core::event::Severity;

use crate::error::FormatError;
use crate::fields::{Fields, Outcome, at};
use crate::object::Object;
use crate::options::Product;
use crate::plain::{append, is_control};
use crate::source::Source;
use crate::summary::{summary, title};
use crate::time_text;

/// Appends the event.
pub(crate) fn write(
    fields: &Fields<'_>,
    source: &Source,
    product: &Product,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    out.extend_from_slice(b"CEF:0");
    let parts: [&[u8]; 5] = [
        product.vendor.as_bytes(),
        product.product.as_bytes(),
        source.version.as_bytes(),
        fields.event_type(),
        &title(fields),
    ];
    for part in parts {
        out.push(b'|');
        // some readers refuse a line with an empty field
        header(if part.is_empty() { b"event" } else { part }, out);
    }
    out.push(b'|');
    time_text::natural(severity(fields.severity()), out);
    out.push(b'|');
    let mut extension = Extension { start: out.len(), out };
    key(fields, source, &mut extension);
    who(fields, &mut extension);
    what(fields, &mut extension)?;
    extension.some(
        "dvchost",
        Some(source.hostname.as_bytes()).filter(|name| !name.is_empty()),
    );
    // liblognorm refuses a line that ends with an empty value
    extension.some("msg", Some(&summary(fields)[..]).filter(|text| !text.is_empty()));
    Ok(())
}

fn key(fields: &Fields<'_>, source: &Source, extension: &mut Extension<'_>) {
    let mut id = source.origin.clone().into_bytes();
    id.push(b':');
    time_text::natural(fields.record.log_index, &mut id);
    extension.value("externalId", &id);
    extension.number("rt", fields.time().div_euclid(1000));
    extension.value("deviceExternalId", source.origin.as_bytes());
    time_text::natural(fields.record.log_index, extension.name("cn1"));
    extension.value("cn1Label", b"log_index");
    let mut hash = Vec::with_capacity(64);
    time_text::hex(&fields.record.entry_hash, &mut hash);
    extension.labelled("cs2", "entry_hash", &hash);
    extension.number("deviceCustomDate1", fields.record.sealed_at.div_euclid(1000));
    extension.value("deviceCustomDate1Label", b"sealed_at");
    if let Some(id) = fields.word(at::EVENT_ID) {
        extension.labelled("cs1", "event_id", id);
    }
}

fn who(fields: &Fields<'_>, extension: &mut Extension<'_>) {
    extension.some("suid", fields.word(at::ACTOR_ID));
    extension.some("suser", fields.first_word(&[at::ACTOR_EMAIL, at::ACTOR_ID]));
    extension.some("spriv", fields.word(at::ACTOR_TYPE));
    if let Some((bits, address)) = fields.host(at::ACTOR_IP).or_else(|| fields.host(at::DB_CLIENT_ADDR)) {
        if address.len() == 4 {
            time_text::address(bits, address, extension.name("src"));
        } else {
            time_text::address(bits, address, extension.name("c6a2"));
            extension.value("c6a2Label", b"Source IPv6 Address");
        }
    }
    extension.some("requestClientApplication", fields.word(at::ACTOR_USER_AGENT));
    extension.some("duser", fields.word(at::DB_SESSION_USER));
    extension.some("sproc", fields.word(at::DB_APPLICATION));
}

fn what(fields: &Fields<'_>, extension: &mut Extension<'_>) -> Result<(), FormatError> {
    extension.some("cat", fields.word(at::CATEGORY));
    extension.some("act", fields.word(at::OPERATION));
    let status = fields.word(at::STATUS);
    match fields.outcome() {
        Outcome::Success => extension.value("outcome", b"success"),
        Outcome::Failure => extension.value("outcome", b"failure"),
        Outcome::Other | Outcome::Unknown => extension.some("outcome", status),
    }
    extension.some("reason", status);
    extension.some("requestMethod", fields.word(at::METHOD));
    for (key, label, column) in [
        ("cs3", "resource_type", at::RESOURCE_TYPE),
        ("cs4", "resource_id", at::RESOURCE_ID),
        ("cs5", "tenant", at::TENANT),
        ("flexString1", "request_id", at::REQUEST_ID),
        ("flexString2", "session_id", at::ACTOR_SESSION_ID),
    ] {
        if let Some(text) = fields.word(column) {
            extension.labelled(key, label, text);
        }
    }
    if let Some(changes) = changes(fields)? {
        extension.labelled("cs6", "changes", &changes);
    }
    Ok(())
}

/// What changed, as JSON text.
pub(crate) fn changes(fields: &Fields<'_>) -> Result<Option<Vec<u8>>, JsonError> {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    for (name, column) in [("before", at::BEFORE), ("after", at::AFTER)] {
        if let Some(json) = fields.json(column) {
            object.canonical(name, json)?;
        }
    }
    let empty = object.is_empty();
    object.end();
    Ok((!empty).then_some(out))
}

fn severity(severity: Severity) -> u64 {
    match severity {
        Severity::Debug => 0,
        Severity::Info => 2,
        Severity::Notice => 3,
        Severity::Warning => 5,
        Severity::Error => 8,
        Severity::Critical => 10,
    }
}

fn header(text: &[u8], out: &mut Vec<u8>) {
    append(
        text,
        |c| is_control(c) || matches!(c, '|' | '\\'),
        |c, out| match c {
            '|' => out.extend_from_slice(b"\\|"),
            '\\' => out.extend_from_slice(b"\\\\"),
            _ => out.push(b' '),
        },
        out,
    );
}

/// The pairs behind the header.
struct Extension<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
}

impl Extension<'_> {
    fn name(&mut self, key: &str) -> &mut Vec<u8> {
        if self.out.len() > self.start {
            self.out.push(b' ');
        }
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'=');
        self.out
    }

    fn value(&mut self, key: &str, text: &[u8]) {
        append(
            text,
            |c| is_control(c) && c != '\t' || matches!(c, '=' | '\\'),
            |c, out| match c {
                '=' => out.extend_from_slice(b"\\="),
                '\\' => out.extend_from_slice(b"\\\\"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                _ => out.extend_from_slice("\u{fffd}".as_bytes()),
            },
            self.name(key),
        );
    }

    fn some(&mut self, key: &str, text: Option<&[u8]>) {
        if let Some(text) = text {
            self.value(key, text);
        }
    }

    fn labelled(&mut self, key: &str, label: &str, text: &[u8]) {
        self.value(key, text);
        self.value(&format!("{key}Label"), label.as_bytes());
    }

    fn number(&mut self, key: &str, value: i64) {
        time_text::integer(value, self.name(key));
    }
}
