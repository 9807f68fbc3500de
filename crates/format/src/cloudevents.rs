//! The format `cloudevents`: CloudEvents 1.0, one event in structured JSON on a line.
//!
//! `id` is `<log_index>-<entry_hash>`: receivers take the same `source` and `id` for the same event, and two events at
//! one place of the log are two. `type` is the event's type, `subject` its resource, `time` its timestamp. `data` is
//! what the format `json` writes. Extension attributes: `origin`, `logindex` (a text, for CloudEvents' integers have 32
//! bits), `entryhash`, `severitytext`, and `sequence` (the index with leading zeros, so that it sorts as a text).

use crate::error::{FormatError, OptionError};
use crate::fields::{Fields, at};
use crate::json;
use crate::object::Object;
use crate::option_reader::Reader;
use crate::plain::{one_line, shortened};
use crate::source::Source;
use crate::time_text;

/// The most bytes of `subject`.
const SUBJECT: usize = 1024;

/// The option `source`.
pub(crate) fn parse(reader: &mut Reader<'_>) -> Result<Option<String>, OptionError> {
    let Some(text) = reader.text("source")? else {
        return Ok(None);
    };
    if !text.is_empty() && text.len() <= 1024 && text.bytes().all(is_of_uri) {
        return Ok(Some(text.to_owned()));
    }
    Err(reader.wrong(
        "source",
        "a URI reference of at most 1024 characters, such as https://example.org/auditlog",
    ))
}

/// May the byte stand in a URI reference (RFC 3986 §2)?
fn is_of_uri(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// The origin as a URI reference: an authority and a path, as origins usually are a host and a path.
fn of_origin(origin: &str) -> Vec<u8> {
    let mut uri = b"//".to_vec();
    for byte in origin.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/@!$&'()*,;=".contains(&byte) {
            uri.push(byte);
        } else {
            uri.push(b'%');
            let start = uri.len();
            time_text::hex(&[byte], &mut uri);
            uri[start..].make_ascii_uppercase();
        }
    }
    uri
}

/// Appends the event.
pub(crate) fn write(
    fields: &Fields<'_>,
    source: &Source,
    uri: Option<&str>,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let record = fields.record;
    let mut event = Object::begin(out);
    event.text("specversion", "1.0");
    let id = event.name("id");
    id.push(b'"');
    time_text::natural(record.log_index, id);
    id.push(b'-');
    time_text::hex(&record.entry_hash, id);
    id.push(b'"');
    match uri {
        Some(uri) => event.text("source", uri),
        None => event.text("source", of_origin(&source.origin)),
    }
    // It must not be empty.
    let kind = Some(fields.event_type()).filter(|kind| !kind.is_empty());
    event.text("type", kind.unwrap_or(b"event"));
    if let Some(subject) = subject(fields) {
        event.text("subject", subject);
    }
    if time_text::moment(fields.time()).is_some() {
        event.moment("time", fields.time());
    }
    event.text("datacontenttype", "application/json");
    event.text("origin", &source.origin);
    event.text("logindex", record.log_index.to_string());
    event.hex("entryhash", &record.entry_hash);
    event.text("sequence", format!("{:020}", record.log_index));
    event.text("severitytext", fields.severity().label());
    json::write(fields, source, event.name("data"))?;
    event.end();
    Ok(())
}

fn subject(fields: &Fields<'_>) -> Option<Vec<u8>> {
    let parts = [fields.word(at::RESOURCE_TYPE), fields.word(at::RESOURCE_ID)];
    let parts: Vec<&[u8]> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return None;
    }
    let mut out = Vec::new();
    // attributes have no control characters (CloudEvents 1.0, type system)
    one_line(shortened(&parts.join(&b'/'), SUBJECT).as_bytes(), &mut out);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_become_uri_references() {
        assert_eq!(of_origin("example.org/log"), b"//example.org/log");
        assert_eq!(of_origin("a b\"é%"), b"//a%20b%22%C3%A9%25");
    }
}
