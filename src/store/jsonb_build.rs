//! Builds `jsonb` in PostgreSQL's own layout (`utils/jsonb.h`), without the detour through JSON text
//! that an event would pay for four times. A test compares it with `jsonb_in`.

use auditlog_core::json::Json;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::ffi::CString;

const SCALAR: u32 = 0x1000_0000;
const OBJECT: u32 = 0x2000_0000;
const ARRAY: u32 = 0x4000_0000;

const STRING: u32 = 0x0000_0000;
const NUMERIC: u32 = 0x1000_0000;
const FALSE: u32 = 0x2000_0000;
const TRUE: u32 = 0x3000_0000;
const NULL: u32 = 0x4000_0000;
const CONTAINER: u32 = 0x5000_0000;
const HAS_OFFSET: u32 = 0x8000_0000;

/// Every so many entries hold an offset instead of a length (JB_OFFSET_STRIDE).
const STRIDE: usize = 32;

/// A `jsonb` datum in the current memory context.
pub fn datum(json: &Json) -> Datum {
    with_bytes(json, super::columns::text)
}

/// What an entry says of its value: the bits of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(u32);

impl Kind {
    /// The value's bytes are a string.
    pub const STRING: Kind = Kind(STRING);
    /// There are no bytes: `null`.
    pub const NULL: Kind = Kind(NULL);
}

/// A boolean has no bytes.
pub fn boolean(value: bool) -> Kind {
    Kind(if value { TRUE } else { FALSE })
}

/// Appends a whole number.
pub fn integer(value: i64, out: &mut Vec<u8>) -> Kind {
    pad(out);
    // Digits to base 10,000, the last one first; zeros at the end are not stored.
    let (mut digits, mut rest, mut count, mut skipped) = ([0u16; 5], value.unsigned_abs(), 0, 0);
    while rest > 0 {
        let digit = (rest % 10_000) as u16;
        rest /= 10_000;
        if count == 0 && digit == 0 {
            skipped += 1;
        } else {
            digits[count] = digit;
            count += 1;
        }
    }
    let weight = (count + skipped).saturating_sub(1) as u16;
    let sign = if value < 0 { 0x2000 } else { 0 };
    varlena_header(4 + 2 + count * 2, out);
    out.extend_from_slice(&(0x8000 | sign | weight).to_ne_bytes());
    for digit in digits[..count].iter().rev() {
        out.extend_from_slice(&digit.to_ne_bytes());
    }
    Kind(NUMERIC)
}

/// Appends a number that is given as decimal text.
pub fn number(text: &str, out: &mut Vec<u8>) -> Kind {
    pad(out);
    numeric(text, out);
    Kind(NUMERIC)
}

/// Appends a numeric as it is stored, given without its varlena header; neither NaN nor infinite.
pub fn stored_numeric(content: &[u8], out: &mut Vec<u8>) -> Kind {
    pad(out);
    varlena_header(4 + content.len(), out);
    out.extend_from_slice(content);
    Kind(NUMERIC)
}

/// Appends a JSON value within another.
pub fn nested(json: &Json, out: &mut Vec<u8>) -> Kind {
    Kind(append(json, out))
}

/// Appends a `jsonb` within another; its bytes are given without the varlena header.
pub fn copy(data: &[u8], out: &mut Vec<u8>) -> Result<Kind, super::jsonb::Corrupt> {
    use super::jsonb::Item;
    Ok(Kind(match super::jsonb::root(data)? {
        Item::Null => NULL,
        Item::Bool(true) => TRUE,
        Item::Bool(false) => FALSE,
        Item::String(text) => {
            out.extend_from_slice(text);
            STRING
        }
        Item::Number(stored) => {
            pad(out);
            out.extend_from_slice(stored);
            NUMERIC
        }
        Item::Container(inner) => {
            // Offsets and padding within it count from its begin, which is aligned again.
            pad(out);
            out.extend_from_slice(inner);
            CONTAINER
        }
    }))
}

/// Writes an object whose keys are given in jsonb's order: by length, then by bytes.
pub struct ObjectWriter<'a> {
    entries: Entries,
    out: &'a mut Vec<u8>,
}

impl<'a> ObjectWriter<'a> {
    /// Begins with all keys; as many values follow.
    pub fn begin<'k>(keys: impl ExactSizeIterator<Item = &'k [u8]>, out: &'a mut Vec<u8>) -> ObjectWriter<'a> {
        pad(out);
        word(out, keys.len() as u32 | OBJECT);
        let mut entries = Entries::reserve(keys.len() * 2, out);
        for key in keys {
            let start = out.len();
            out.extend_from_slice(key);
            entries.push(STRING, start, out);
        }
        ObjectWriter { entries, out }
    }

    /// The next value.
    pub fn value(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Kind) {
        let start = self.out.len();
        let kind = write(self.out);
        self.entries.push(kind.0, start, self.out);
    }
}

fn varlena_header(size: usize, out: &mut Vec<u8>) {
    let size = size as u32;
    word(
        out,
        if cfg!(target_endian = "little") {
            size << 2
        } else {
            size
        },
    );
}

/// Calls `f` with the content of a `jsonb`, the bytes after the varlena header.
pub fn with_bytes<R>(json: &Json, f: impl FnOnce(&[u8]) -> R) -> R {
    let mut out = Vec::with_capacity(256);
    match json {
        Json::Object(_) | Json::Array(_) => container(json, &mut out),
        scalar => array(std::slice::from_ref(scalar), SCALAR, &mut out),
    }
    f(&out)
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

fn word(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_ne_bytes());
}

fn container(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::Array(items) => array(items, 0, out),
        Json::Object(pairs) => object(pairs, out),
        _ => unreachable!("only containers come here"),
    }
}

/// Entries of a container under construction.
struct Entries {
    at: usize,
    count: usize,
    total: u32,
}

impl Entries {
    /// Reserves `n` entries at the end of `out`.
    fn reserve(n: usize, out: &mut Vec<u8>) -> Entries {
        let at = out.len();
        out.resize(at + n * 4, 0);
        Entries { at, count: 0, total: 0 }
    }

    /// Fills the next entry for the data that was written since `start`.
    fn push(&mut self, kind: u32, start: usize, out: &mut [u8]) {
        let length = (out.len() - start) as u32;
        self.total += length;
        let entry = if self.count.is_multiple_of(STRIDE) {
            kind | self.total | HAS_OFFSET
        } else {
            kind | length
        };
        let place = self.at + self.count * 4;
        out[place..place + 4].copy_from_slice(&entry.to_ne_bytes());
        self.count += 1;
    }
}

fn array(items: &[Json], flags: u32, out: &mut Vec<u8>) {
    pad(out);
    word(out, items.len() as u32 | ARRAY | flags);
    let mut entries = Entries::reserve(items.len(), out);
    for item in items {
        value(item, &mut entries, out);
    }
}

fn object(pairs: &[(String, Json)], out: &mut Vec<u8>) {
    pad(out);
    let mut sorted: Vec<&(String, Json)> = pairs.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes())));
    word(out, sorted.len() as u32 | OBJECT);
    let mut entries = Entries::reserve(sorted.len() * 2, out);
    for (key, _) in &sorted {
        let start = out.len();
        out.extend_from_slice(key.as_bytes());
        entries.push(STRING, start, out);
    }
    for (_, item) in &sorted {
        value(item, &mut entries, out);
    }
}

fn value(json: &Json, entries: &mut Entries, out: &mut Vec<u8>) {
    let start = out.len();
    let kind = append(json, out);
    entries.push(kind, start, out);
}

/// Appends a value and returns the bits of its kind.
fn append(json: &Json, out: &mut Vec<u8>) -> u32 {
    match json {
        Json::Null => NULL,
        Json::Bool(true) => TRUE,
        Json::Bool(false) => FALSE,
        Json::String(text) => {
            out.extend_from_slice(text.as_bytes());
            STRING
        }
        Json::Number(text) => {
            pad(out);
            numeric(text, out);
            NUMERIC
        }
        Json::Array(_) | Json::Object(_) => {
            container(json, out);
            CONTAINER
        }
    }
}

/// Appends a numeric as it is stored, with its four byte header.
fn numeric(text: &str, out: &mut Vec<u8>) {
    let text = CString::new(text).unwrap_or_default();
    // SAFETY: numeric_in reads the string and returns a plain varlena with a four byte header.
    unsafe {
        let datum = pg_sys::OidFunctionCall3Coll(
            pg_sys::F_NUMERIC_IN.into(),
            pg_sys::InvalidOid,
            text.as_ptr().into(),
            Datum::from(0u32),
            Datum::from(-1i32),
        );
        let start: *const u8 = datum.cast_mut_ptr();
        out.extend_from_slice(std::slice::from_raw_parts(start, pgrx::varsize_any(start.cast())));
    }
}
