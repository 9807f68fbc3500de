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
    let kind = match json {
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
    };
    entries.push(kind, start, out);
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
