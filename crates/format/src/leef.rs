//! The format `leef`: IBM QRadar's Log Event Extended Format, 1.0 or 2.0.
//!
//! ```text
//! LEEF:1.0|vendor|product|version|event type|key=value⇥key=value …
//! LEEF:2.0|vendor|product|version|event type|x09|key=value⇥key=value …
//! ```
//!
//! LEEF has no escapes. In values the delimiter and control characters become a space; in the header pipes do too.
//! Keys of QRadar's own: `devTime` with `devTimeFormat`, `sev` (debug 1, info 2, notice 3, warning 5, error 8,
//! critical 10), `cat`, `usrName`, `src`, `identHostName`, `accountName`, `resource`, `role`. All others are
//! named as the columns of `auditlog.events`, in camel case.

use auditlog_core::event::Severity;

use crate::cef::changes;
use crate::error::{FormatError, OptionError};
use crate::fields::{Fields, at};
use crate::option_reader::Reader;
use crate::options::Product;
use crate::plain::{append, is_control};
use crate::source::Source;
use crate::summary::summary;
use crate::time_text;

/// How LEEF is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeefOptions {
    product: Product,
    /// What is between two pairs, and how the header of 2.0 says it; nothing in 1.0, where it is the tab.
    delimiter: (char, Option<String>),
}

impl LeefOptions {
    pub(crate) fn parse(reader: &mut Reader<'_>) -> Result<Self, OptionError> {
        let product = Product::parse(reader)?;
        let second = reader.choice("version", &[("2.0", true), ("1.0", false)])?;
        let wanted = reader.text("delimiter")?;
        Self::with(product, second, wanted, reader)
    }

    fn with(product: Product, second: bool, wanted: Option<&str>, reader: &Reader<'_>) -> Result<Self, OptionError> {
        let delimiter = match (second, wanted) {
            (false, None) => ('\t', None),
            (false, Some(_)) => {
                return Err(OptionError::new(
                    "LEEF 1.0 has no other delimiter than the tab",
                    "Leave the option delimiter out, or set version to \"2.0\".",
                ));
            }
            (true, None) => ('\t', Some("x09".to_owned())),
            (true, Some(text)) => {
                let what = "a punctuation character that is none of = | \\ \", or its code, such as x09 or x5E";
                let (c, shown) = delimiter(text).ok_or_else(|| reader.wrong("delimiter", what))?;
                (c, Some(shown))
            }
        };
        Ok(Self { product, delimiter })
    }
}

/// The delimiter, and how the header says it.
fn delimiter(text: &str) -> Option<(char, String)> {
    let mut characters = text.chars();
    let c = match (characters.next()?, characters.next()) {
        (c, None) => c,
        _ => {
            let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix('x'))?;
            if !(2..=4).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
        }
    };
    match c {
        '=' | '|' | '\\' | '"' | '\n' | '\r' | '\0' | ' ' => None,
        c if c.is_alphanumeric() => None,
        c if is_control(c) => Some((c, format!("x{:02X}", u32::from(c)))),
        c => Some((c, c.to_string())),
    }
}

/// Appends the event.
pub(crate) fn write(
    fields: &Fields<'_>,
    source: &Source,
    options: &LeefOptions,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let (delimiter, shown) = &options.delimiter;
    out.extend_from_slice(if shown.is_some() { b"LEEF:2.0" } else { b"LEEF:1.0" });
    let event_type = match fields.event_type() {
        // QRadar takes no event without an id
        b"" => b"event",
        event_type => event_type,
    };
    let parts: [&[u8]; 4] = [
        options.product.vendor.as_bytes(),
        options.product.product.as_bytes(),
        source.version.as_bytes(),
        event_type,
    ];
    for part in parts {
        out.push(b'|');
        append(part, |c| is_control(c) || c == '|', |_, out| out.push(b' '), out);
    }
    out.push(b'|');
    if let Some(shown) = shown {
        out.extend_from_slice(shown.as_bytes());
        out.push(b'|');
    }
    let mut pairs = Pairs {
        start: out.len(),
        out,
        delimiter: *delimiter,
    };
    moments(fields, &mut pairs);
    pairs.value("origin", source.origin.as_bytes());
    time_text::natural(fields.record.log_index, pairs.name("logIndex"));
    time_text::hex(&fields.record.entry_hash, pairs.name("entryHash"));
    columns(fields, &mut pairs);
    if let Some(changes) = changes(fields)? {
        pairs.value("changes", &changes);
    }
    pairs.some(
        "identHostName",
        Some(source.hostname.as_bytes()).filter(|name| !name.is_empty()),
    );
    pairs.some("msg", Some(&summary(fields)[..]).filter(|text| !text.is_empty()));
    Ok(())
}

fn moments(fields: &Fields<'_>, pairs: &mut Pairs<'_>) {
    if let Some(time) = time_text::moment(fields.time()) {
        time_text::rfc3339(time, 3, b"+0000", pairs.name("devTime"));
        pairs.value("devTimeFormat", b"yyyy-MM-dd'T'HH:mm:ss.SSSZ");
    }
    let severity = match fields.severity() {
        Severity::Debug => 1,
        Severity::Info => 2,
        Severity::Notice => 3,
        Severity::Warning => 5,
        Severity::Error => 8,
        Severity::Critical => 10,
    };
    time_text::natural(severity, pairs.name("sev"));
}

fn columns(fields: &Fields<'_>, pairs: &mut Pairs<'_>) {
    pairs.some("cat", fields.word(at::CATEGORY));
    pairs.some("eventId", fields.word(at::EVENT_ID));
    pairs.some(
        "usrName",
        fields.first_word(&[at::ACTOR_EMAIL, at::ACTOR_ID, at::DB_SESSION_USER]),
    );
    if let Some((bits, address)) = fields.host(at::ACTOR_IP).or_else(|| fields.host(at::DB_CLIENT_ADDR)) {
        time_text::address(bits, address, pairs.name("src"));
    }
    for (key, column) in [
        ("actorId", at::ACTOR_ID),
        ("role", at::ACTOR_TYPE),
        ("userAgent", at::ACTOR_USER_AGENT),
        ("sessionId", at::ACTOR_SESSION_ID),
        ("operation", at::OPERATION),
        ("status", at::STATUS),
        ("method", at::METHOD),
        ("resourceType", at::RESOURCE_TYPE),
        ("resource", at::RESOURCE_ID),
        ("accountName", at::ACCOUNT_ID),
        ("cloudProvider", at::CLOUD_PROVIDER),
        ("region", at::REGION),
        ("tenant", at::TENANT),
        ("requestId", at::REQUEST_ID),
        ("dbSessionUser", at::DB_SESSION_USER),
        ("dbApplication", at::DB_APPLICATION),
    ] {
        pairs.some(key, fields.word(column));
    }
}

/// The pairs behind the header.
struct Pairs<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    delimiter: char,
}

impl Pairs<'_> {
    fn name(&mut self, key: &str) -> &mut Vec<u8> {
        if self.out.len() > self.start {
            self.out
                .extend_from_slice(self.delimiter.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'=');
        self.out
    }

    fn value(&mut self, key: &str, text: &[u8]) {
        let delimiter = self.delimiter;
        append(
            text,
            |c| is_control(c) || c == delimiter,
            |_, out| out.push(b' '),
            self.name(key),
        );
    }

    fn some(&mut self, key: &str, text: Option<&[u8]>) {
        if let Some(text) = text {
            self.value(key, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_characters_or_codes() {
        assert_eq!(delimiter("^"), Some(('^', "^".to_owned())));
        assert_eq!(delimiter("x5E"), Some(('^', "^".to_owned())));
        assert_eq!(delimiter("0x09"), Some(('\t', "x09".to_owned())));
        assert_eq!(delimiter("\t"), Some(('\t', "x09".to_owned())));
        for wrong in [
            "", "=", "|", "x", "a", "0x", "x3D", "x0A", "xZZ", "^^", "x7C", "+5", "x+5",
        ] {
            assert_eq!(delimiter(wrong), None, "{wrong}");
        }
    }
}
