//! Canonical JSON: checking it where it lies, and reading it into a tree.

use super::{Hidden, JsonError, counted};
use crate::json::Json;

/// The most objects and arrays inside each other. The extension records at most 512.
pub const MAX_DEPTH: usize = 600;

/// Checks that `bytes` are one canonical JSON value. Texts may be in any encoding, as in the database.
pub(super) fn check(bytes: &[u8], hidden: Hidden) -> Result<(), JsonError> {
    let rest = skip(bytes, MAX_DEPTH, hidden)?;
    if rest.is_empty() {
        Ok(())
    } else {
        Err(JsonError::Trailing)
    }
}

/// What comes after the value that `bytes` begin with.
fn skip(bytes: &[u8], depth: usize, hidden: Hidden) -> Result<&[u8], JsonError> {
    let (tag, rest) = bytes.split_first().ok_or(JsonError::Short)?;
    match tag {
        b'n' | b't' | b'f' => Ok(rest),
        b'#' => {
            let (text, rest) = counted(rest).ok_or(JsonError::Short)?;
            check_number(text)?;
            Ok(rest)
        }
        b'"' => Ok(counted(rest).ok_or(JsonError::Short)?.1),
        b'[' => {
            let depth = depth.checked_sub(1).ok_or(JsonError::Deep)?;
            let (count, mut rest) = count(rest)?;
            for _ in 0..count {
                rest = skip(rest, depth, hidden)?;
            }
            Ok(rest)
        }
        b'{' => {
            let depth = depth.checked_sub(1).ok_or(JsonError::Deep)?;
            let (count, mut rest) = count(rest)?;
            let mut before = None;
            for _ in 0..count {
                let (key, value) = counted(rest).ok_or(JsonError::Short)?;
                check_order(&mut before, key)?;
                rest = skip(value, depth, hidden)?;
            }
            Ok(rest)
        }
        b'c' if hidden == Hidden::Allowed => Ok(rest.split_at_checked(32).ok_or(JsonError::Short)?.1),
        b'c' => Err(JsonError::Committed),
        other => Err(JsonError::Tag(*other)),
    }
}

/// The value of which `bytes` are the canonical JSON, with nothing hidden.
///
/// # Errors
/// [`JsonError`] when no value has these bytes.
pub fn decode_json(bytes: &[u8]) -> Result<Json, JsonError> {
    let (json, rest) = read(bytes, MAX_DEPTH)?;
    if rest.is_empty() {
        Ok(json)
    } else {
        Err(JsonError::Trailing)
    }
}

fn read(bytes: &[u8], depth: usize) -> Result<(Json, &[u8]), JsonError> {
    let (tag, rest) = bytes.split_first().ok_or(JsonError::Short)?;
    Ok(match tag {
        b'n' => (Json::Null, rest),
        b't' => (Json::Bool(true), rest),
        b'f' => (Json::Bool(false), rest),
        b'#' => {
            let (number, rest) = counted(rest).ok_or(JsonError::Short)?;
            check_number(number)?;
            (Json::Number(text(number)?), rest)
        }
        b'"' => {
            let (string, rest) = counted(rest).ok_or(JsonError::Short)?;
            (Json::String(text(string)?), rest)
        }
        b'[' => return read_array(rest, depth.checked_sub(1).ok_or(JsonError::Deep)?),
        b'{' => return read_object(rest, depth.checked_sub(1).ok_or(JsonError::Deep)?),
        b'c' => return Err(JsonError::Committed),
        other => return Err(JsonError::Tag(*other)),
    })
}

// apart from `read`, so that each level takes little of the stack
fn read_array(bytes: &[u8], depth: usize) -> Result<(Json, &[u8]), JsonError> {
    let (count, mut rest) = count(bytes)?;
    let mut items = Vec::new();
    for _ in 0..count {
        let (item, after) = read(rest, depth)?;
        items.push(item);
        rest = after;
    }
    Ok((Json::Array(items), rest))
}

fn read_object(bytes: &[u8], depth: usize) -> Result<(Json, &[u8]), JsonError> {
    let (count, mut rest) = count(bytes)?;
    let mut pairs = Vec::new();
    let mut before = None;
    for _ in 0..count {
        let (key, value) = counted(rest).ok_or(JsonError::Short)?;
        check_order(&mut before, key)?;
        let (value, after) = read(value, depth)?;
        pairs.push((text(key)?, value));
        rest = after;
    }
    Ok((Json::Object(pairs), rest))
}

fn count(bytes: &[u8]) -> Result<(u32, &[u8]), JsonError> {
    let (count, rest) = bytes.split_first_chunk::<4>().ok_or(JsonError::Short)?;
    Ok((u32::from_be_bytes(*count), rest))
}

fn text(bytes: &[u8]) -> Result<String, JsonError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| JsonError::Utf8)
}

/// Shorter keys first, then by bytes; none twice.
fn check_order<'a>(before: &mut Option<&'a [u8]>, key: &'a [u8]) -> Result<(), JsonError> {
    let ordered = before.is_none_or(|before| (before.len(), before) < (key.len(), key));
    *before = Some(key);
    if ordered { Ok(()) } else { Err(JsonError::Order) }
}

/// An optional minus, digits without leading zeros, and a point with at least one digit behind it.
fn check_number(text: &[u8]) -> Result<(), JsonError> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let point = digits.iter().position(|byte| *byte == b'.').unwrap_or(digits.len());
    let (whole, fraction) = digits.split_at(point);
    let all_digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let whole_fits = all_digits(whole) && (whole.len() == 1 || whole[0] != b'0');
    let fraction_fits = fraction.is_empty() || all_digits(&fraction[1..]);
    if whole_fits && fraction_fits {
        Ok(())
    } else {
        Err(JsonError::Number)
    }
}
