//! The entry: the bytes whose hash goes into the log. Specified in `docs/format.md`; a change here
//! is a new version byte, never a change of version 1.

use crate::columns::{COLUMNS, Kind};
use crate::json::Json;
use crate::personal::{Commitment, Committer, DEFAULT_COLUMNS, DEFAULT_PATHS, REDACTED_KEY};

/// First bytes of an entry: magic and version.
pub const MAGIC: [u8; 5] = *b"pgal\x01";

/// Type byte of a field that holds a commitment instead of its value.
const COMMITMENT: u8 = 7;

/// Why an event's values have no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A personal value is there but the salt that hides it is not.
    #[error("personal field {0} has neither salt nor commitment")]
    NoSalt(String),
    /// A value is longer than the format's 32 bit length.
    #[error("field {0} is longer than 4 GiB")]
    TooLong(&'static str),
}

/// One column's value, borrowed from wherever the row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// SQL NULL: the field is absent from the entry.
    Null,
    /// For [`Kind::Int`], and for [`Kind::Time`] in microseconds since the Unix epoch.
    Int(i64),
    /// For [`Kind::Text`]; bytes, because a tampered row need not be UTF-8.
    Text(&'a [u8]),
    /// For [`Kind::Inet`]: prefix length in bits and 4 or 16 address bytes.
    Inet(u8, &'a [u8]),
    /// For [`Kind::TextArray`]: the payload made by [`text_array`].
    TextArray(&'a [u8]),
    /// For [`Kind::Json`]: canonical bytes made by [`JsonWriter`] or [`canonical_json`].
    Json(&'a [u8]),
}

/// Values in the order of [`COLUMNS`].
pub type Values<'a> = [Value<'a>; COLUMNS.len()];

/// What hides the personal fields of one event.
#[derive(Clone, Default)]
pub struct Hiding<'a> {
    /// Paths with commitments; `None` means [`DEFAULT_PATHS`].
    pub paths: Option<&'a [String]>,
    /// The committer under the event's salt; `None` once erased or when nothing is personal.
    pub committer: Option<Committer>,
    /// Commitments that an erasure left in place of column values, by path.
    pub redacted: &'a [(String, Commitment)],
}

impl Hiding<'_> {
    /// Does this event hide the value at `path`?
    pub fn hides(&self, path: &str) -> bool {
        match self.paths {
            None => DEFAULT_PATHS.contains(&path),
            Some(paths) => paths.iter().any(|p| p == path),
        }
    }

    /// Does this event hide something inside the JSON value at `path`?
    pub fn hides_below(&self, path: &str) -> bool {
        let below = |p: &str| {
            path.is_empty() || (p.len() > path.len() && p.starts_with(path) && p.as_bytes()[path.len()] == b'.')
        };
        match self.paths {
            None => false,
            Some(paths) => paths.iter().any(|p| below(p)),
        }
    }
}

/// Appends the entry of an event to `out` (which the caller clears).
///
/// # Errors
/// See [`EncodeError`]; `out` is then incomplete.
pub fn encode_entry(values: &Values<'_>, hiding: &Hiding<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    out.extend_from_slice(&MAGIC);
    for (i, (column, value)) in COLUMNS.iter().zip(values).enumerate() {
        let hidden = match hiding.paths {
            None => DEFAULT_COLUMNS.contains(&i),
            Some(_) => !column.path.is_empty() && hiding.hides(column.path),
        };
        if hidden && let Some((_, commitment)) = hiding.redacted.iter().find(|(p, _)| p == column.path) {
            // Nothing in the entry would vouch for a value beside the commitment.
            if *value != Value::Null && hiding.committer.is_none() {
                return Err(EncodeError::NoSalt(column.path.to_owned()));
            }
            out.push(column.id);
            write_commitment(commitment, out);
            continue;
        }
        if *value == Value::Null {
            continue;
        }
        out.push(column.id);
        let start = out.len();
        write_value(column.kind, value, out).map_err(|()| EncodeError::TooLong(column.name))?;
        if hidden {
            let Some(committer) = &hiding.committer else {
                return Err(EncodeError::NoSalt(column.path.to_owned()));
            };
            let commitment = committer.commit(column.path, &out[start..]);
            out.truncate(start);
            write_commitment(&commitment, out);
        }
    }
    Ok(())
}

/// The commitment to one column's value, as erasure stores it.
///
/// # Errors
/// [`EncodeError::TooLong`].
pub fn commit_column(index: usize, value: &Value<'_>, committer: &Committer) -> Result<Commitment, EncodeError> {
    let column = &COLUMNS[index];
    let mut bytes = Vec::new();
    write_value(column.kind, value, &mut bytes).map_err(|()| EncodeError::TooLong(column.name))?;
    Ok(committer.commit(column.path, &bytes))
}

fn write_commitment(commitment: &Commitment, out: &mut Vec<u8>) {
    out.push(COMMITMENT);
    out.extend_from_slice(&32u32.to_be_bytes());
    out.extend_from_slice(commitment);
}

fn write_value(kind: Kind, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), ()> {
    out.push(kind as u8);
    match value {
        Value::Null => out.extend_from_slice(&0u32.to_be_bytes()),
        Value::Int(i) => {
            out.extend_from_slice(&8u32.to_be_bytes());
            out.extend_from_slice(&i.to_be_bytes());
        }
        Value::Text(b) | Value::TextArray(b) | Value::Json(b) => {
            out.extend_from_slice(&u32::try_from(b.len()).map_err(|_| ())?.to_be_bytes());
            out.extend_from_slice(b);
        }
        Value::Inet(bits, address) => {
            out.extend_from_slice(&(address.len() as u32 + 2).to_be_bytes());
            out.push(if address.len() == 4 { 4 } else { 6 });
            out.push(*bits);
            out.extend_from_slice(address);
        }
    }
    Ok(())
}

/// Appends the payload of a text list: number of items, then each with its length.
pub fn text_array<'a>(items: impl ExactSizeIterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    out.extend_from_slice(&(items.len() as u32).to_be_bytes());
    for item in items {
        out.extend_from_slice(&(item.len() as u32).to_be_bytes());
        out.extend_from_slice(item);
    }
}

/// Writes canonical JSON piece by piece; the caller gives object keys in canonical order
/// (shorter first, then by bytes: `jsonb`'s own order).
pub struct JsonWriter<'a>(pub &'a mut Vec<u8>);

impl JsonWriter<'_> {
    /// `null`
    pub fn null(&mut self) {
        self.0.push(b'n');
    }
    /// `true` or `false`
    pub fn boolean(&mut self, value: bool) {
        self.0.push(if value { b't' } else { b'f' });
    }
    /// A number as the text of PostgreSQL's `numeric_out`.
    pub fn number(&mut self, text: &[u8]) {
        self.0.push(b'#');
        self.bytes(text);
    }
    /// A string.
    pub fn string(&mut self, text: &[u8]) {
        self.0.push(b'"');
        self.bytes(text);
    }
    /// An array of `len` values, which follow.
    pub fn array(&mut self, len: u32) {
        self.0.push(b'[');
        self.0.extend_from_slice(&len.to_be_bytes());
    }
    /// An object of `len` pairs, which follow: each a [`JsonWriter::key`] and a value.
    pub fn object(&mut self, len: u32) {
        self.0.push(b'{');
        self.0.extend_from_slice(&len.to_be_bytes());
    }
    /// A key of an object.
    pub fn key(&mut self, text: &[u8]) {
        self.bytes(text);
    }
    /// A commitment in place of a hidden value.
    pub fn commitment(&mut self, commitment: &Commitment) {
        self.0.push(b'c');
        self.0.extend_from_slice(commitment);
    }
    fn bytes(&mut self, text: &[u8]) {
        self.0.extend_from_slice(&(text.len() as u32).to_be_bytes());
        self.0.extend_from_slice(text);
    }
}

/// Appends the canonical bytes of `json`, the value at `path`, with commitments for the paths
/// below it that the event hides. Paths lead through objects only, never into arrays.
///
/// # Errors
/// [`EncodeError::NoSalt`] when a hidden value is there without salt.
pub fn canonical_json(json: &Json, path: &str, hiding: &Hiding<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match json {
        Json::Null => JsonWriter(out).null(),
        Json::Bool(b) => JsonWriter(out).boolean(*b),
        Json::Number(n) => JsonWriter(out).number(n.as_bytes()),
        Json::String(s) => JsonWriter(out).string(s.as_bytes()),
        Json::Array(items) => {
            JsonWriter(out).array(items.len() as u32);
            for item in items {
                canonical_json(
                    item,
                    path,
                    &Hiding {
                        paths: Some(&[]),
                        ..Hiding::default()
                    },
                    out,
                )?;
            }
        }
        Json::Object(pairs) => {
            let mut sorted: Vec<&(String, Json)> = pairs.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes())));
            JsonWriter(out).object(sorted.len() as u32);
            for (key, value) in sorted {
                JsonWriter(out).key(key.as_bytes());
                let below = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                if hiding.paths.is_some() && hiding.hides(&below) {
                    write_hidden(value, &below, hiding, out)?;
                } else {
                    canonical_json(value, &below, hiding, out)?;
                }
            }
        }
    }
    Ok(())
}

fn write_hidden(value: &Json, path: &str, hiding: &Hiding<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let commitment = match &hiding.committer {
        Some(committer) => {
            let mut bytes = Vec::new();
            canonical_json(
                value,
                path,
                &Hiding {
                    paths: Some(&[]),
                    ..Hiding::default()
                },
                &mut bytes,
            )?;
            committer.commit(path, &bytes)
        }
        None => redacted_commitment(value).ok_or_else(|| EncodeError::NoSalt(path.to_owned()))?,
    };
    JsonWriter(out).commitment(&commitment);
    Ok(())
}

/// The commitment in a placeholder `{"$redacted": "…"}`, when `value` is one.
pub fn redacted_commitment(value: &Json) -> Option<Commitment> {
    let Json::Object(pairs) = value else { return None };
    if pairs.len() != 1 {
        return None;
    }
    let text = value.get(REDACTED_KEY)?.as_str()?;
    parse_hex(text)
}

/// 32 bytes from 64 hexadecimal digits, lower case: each commitment has one text.
pub fn parse_hex(text: &str) -> Option<Commitment> {
    if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut out = [0u8; 32];
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}
