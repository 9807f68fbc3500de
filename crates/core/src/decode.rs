//! From an entry's bytes back to its values: what a verifier without PostgreSQL reads.
//!
//! Strict: whatever [`crate::encode`] would not have written is an error, so that a value has one
//! encoding and an entry one meaning. Any bytes may be given; nothing here panics or allocates more
//! than what it was given.

use crate::columns::{COLUMNS, Column, Kind};
use crate::encode::{MAGIC, Value, Values};
use crate::personal::Commitment;

mod json;

pub use json::{MAX_DEPTH, decode_json};

/// Type byte of a field that holds a commitment instead of its value (docs/format.md, «Value types»).
const COMMITMENT: u8 = 7;

/// A field of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// The column's value, [`Value::Null`] when the entry has no such field.
    Value(Value<'a>),
    /// A commitment in its place.
    Committed(&'a Commitment),
}

/// Why bytes are no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They do not begin with [`MAGIC`].
    #[error("the entry does not begin with «pgal» and version 1")]
    Magic,
    /// They end inside a field.
    #[error("the entry ends inside a field")]
    Short,
    /// No column has this id.
    #[error("no column has the id {0}")]
    UnknownColumn(u8),
    /// The field does not come after the one before it.
    #[error("the field {0} is not in its order")]
    Order(&'static str),
    /// The value is not of the column's type.
    #[error("the field {column} has the type {found}")]
    Type {
        /// The column.
        column: &'static str,
        /// The type's code.
        found: u8,
    },
    /// A commitment where none can be.
    #[error("the field {0} has a commitment where its value should be")]
    Committed(&'static str),
    /// The payload does not belong to the type.
    #[error("the payload of the field {column} is no {what}")]
    Payload {
        /// The column.
        column: &'static str,
        /// What it should be.
        what: &'static str,
    },
    /// The payload is no canonical JSON.
    #[error("the field {column} is no canonical JSON: {problem}")]
    Json {
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        problem: JsonError,
    },
}

/// Why bytes are no canonical JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// They end inside a value.
    #[error("it ends inside a value")]
    Short,
    /// They go on behind the value.
    #[error("it goes on behind its value")]
    Trailing,
    /// No value begins like this.
    #[error("no value begins with the byte {0:#04x}")]
    Tag(u8),
    /// Keys of an object are not in their order, or one is there twice.
    #[error("the keys of an object are not in their order")]
    Order,
    /// Not the text of a `numeric`.
    #[error("a number is not written as PostgreSQL writes it")]
    Number,
    /// A text is no UTF-8. Only [`decode_json`] asks for it.
    #[error("a text is not UTF-8")]
    Utf8,
    /// More than [`MAX_DEPTH`] levels.
    #[error("it is nested more deeply than {MAX_DEPTH} levels")]
    Deep,
    /// A commitment where none can be.
    #[error("a commitment stands in place of a value")]
    Committed,
}

/// The fields of an entry in the order of [`COLUMNS`], with commitments where values are hidden.
///
/// # Errors
/// [`DecodeError`] when no event has this entry.
pub fn decode_entry(entry: &[u8]) -> Result<[Field<'_>; COLUMNS.len()], DecodeError> {
    let mut fields = [Field::Value(Value::Null); COLUMNS.len()];
    decode(entry, Hidden::Allowed, |at, field| fields[at] = field)?;
    Ok(fields)
}

/// Whether commitments may stand in place of values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hidden {
    Allowed,
    Refused,
}

/// Hands each field of an entry, with the position of its column, to `put`.
#[inline]
fn decode<'a>(entry: &'a [u8], hidden: Hidden, mut put: impl FnMut(usize, Field<'a>)) -> Result<(), DecodeError> {
    let mut rest = entry.strip_prefix(&MAGIC).ok_or(DecodeError::Magic)?;
    let mut next = 0;
    while let Some((id, after)) = rest.split_first() {
        let at = usize::from(*id)
            .checked_sub(1)
            .filter(|at| *at < COLUMNS.len())
            .ok_or(DecodeError::UnknownColumn(*id))?;
        let column = &COLUMNS[at];
        debug_assert_eq!(column.id, *id, "ids are positions counted from 1");
        if at < next {
            return Err(DecodeError::Order(column.name));
        }
        next = at + 1;
        let (code, after) = after.split_first().ok_or(DecodeError::Short)?;
        let (payload, after) = counted(after).ok_or(DecodeError::Short)?;
        put(at, field(column, *code, payload, hidden)?);
        rest = after;
    }
    Ok(())
}

/// The values of an entry in which nothing is hidden.
///
/// # Errors
/// [`DecodeError`] when no event has this entry, or a commitment is in it.
pub fn decode_plain(entry: &[u8]) -> Result<Values<'_>, DecodeError> {
    let mut values = [Value::Null; COLUMNS.len()];
    decode(entry, Hidden::Refused, |at, field| {
        // a commitment has been refused
        if let Field::Value(value) = field {
            values[at] = value;
        }
    })?;
    Ok(values)
}

/// The items of a list of texts, from its payload.
///
/// # Errors
/// [`JsonError::Short`] and [`JsonError::Trailing`] when it is no such payload.
pub fn text_items(payload: &[u8]) -> Result<Vec<&[u8]>, JsonError> {
    let (count, mut rest) = payload.split_first_chunk::<4>().ok_or(JsonError::Short)?;
    let count = u32::from_be_bytes(*count);
    // an item takes four bytes at least, so that a count beyond that asks for no memory
    let mut items = Vec::with_capacity((count as usize).min(rest.len() / 4));
    for _ in 0..count {
        let (item, after) = counted(rest).ok_or(JsonError::Short)?;
        items.push(item);
        rest = after;
    }
    if rest.is_empty() {
        Ok(items)
    } else {
        Err(JsonError::Trailing)
    }
}

fn field<'a>(column: &Column, code: u8, payload: &'a [u8], hidden: Hidden) -> Result<Field<'a>, DecodeError> {
    let payload_error = |what| DecodeError::Payload {
        column: column.name,
        what,
    };
    if code == COMMITMENT {
        if column.path.is_empty() || hidden == Hidden::Refused {
            return Err(DecodeError::Committed(column.name));
        }
        let commitment = payload
            .try_into()
            .map_err(|_| payload_error("commitment of 32 bytes"))?;
        return Ok(Field::Committed(commitment));
    }
    if code != column.kind as u8 {
        return Err(DecodeError::Type {
            column: column.name,
            found: code,
        });
    }
    let value = match column.kind {
        Kind::Text => Value::Text(payload),
        Kind::Time | Kind::Int => {
            let bytes = payload.try_into().map_err(|_| payload_error("integer of 64 bits"))?;
            Value::Int(i64::from_be_bytes(bytes))
        }
        Kind::Inet => match payload {
            [4, bits @ ..=32, address @ ..] if address.len() == 4 => Value::Inet(*bits, address),
            [6, bits @ ..=128, address @ ..] if address.len() == 16 => Value::Inet(*bits, address),
            _ => return Err(payload_error("address")),
        },
        Kind::TextArray => {
            check_items(payload).ok_or_else(|| payload_error("list of texts"))?;
            Value::TextArray(payload)
        }
        Kind::Json => {
            json::check(payload, hidden).map_err(|problem| DecodeError::Json {
                column: column.name,
                problem,
            })?;
            Value::Json(payload)
        }
    };
    Ok(Field::Value(value))
}

fn check_items(payload: &[u8]) -> Option<()> {
    let (count, mut rest) = payload.split_first_chunk::<4>()?;
    for _ in 0..u32::from_be_bytes(*count) {
        rest = counted(rest)?.1;
    }
    rest.is_empty().then_some(())
}

/// What a u32 counts, and what comes after it.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}
