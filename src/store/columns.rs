//! Where the columns are in inbox and log, and how Rust values become datums.

use auditlog_core::columns::COLUMNS;
use auditlog_core::event::{Inet, Severity};
use auditlog_core::json::Json;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::cell::Cell;
use std::fmt::Write;
use std::net::IpAddr;

/// Hashed columns; they come first in both tables, in the order of [`COLUMNS`].
pub const HASHED: usize = COLUMNS.len();
/// Position of `salt`.
pub const SALT: usize = HASHED;
/// Position of `redacted`.
pub const REDACTED: usize = HASHED + 1;
/// Position of `entry_hash`.
pub const ENTRY_HASH: usize = HASHED + 2;
/// Columns of an inbox table.
pub const INBOX: usize = HASHED + 3;
/// Position of `sealed_at` in the log.
pub const SEALED_AT: usize = INBOX;
/// Position of `retention_class` in the log.
pub const RETENTION_CLASS: usize = INBOX + 1;
/// Position of `log_index` in the log.
pub const LOG_INDEX: usize = INBOX + 2;
/// Position of `prev_hash` in the log.
pub const PREV_HASH: usize = INBOX + 3;
/// Position of `hash` in the log.
pub const HASH: usize = INBOX + 4;
/// Columns of the log.
pub const LOG: usize = INBOX + 5;

/// Position of a hashed column, found by the compiler: events ask for theirs, and must not look through all names each
/// time. A name that does not exist does not compile.
macro_rules! at {
    ($name:literal) => {
        const { $crate::store::columns::position($name) }
    };
}
pub(crate) use at;

/// What `at!` has computed by the compiler.
pub const fn position(name: &str) -> usize {
    let mut i = 0;
    while i < COLUMNS.len() {
        if equal(COLUMNS[i].name, name) {
            return i;
        }
        i += 1;
    }
    panic!("no such column")
}

const fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// Bytes that a row's own values may take before they go into PostgreSQL's memory.
const ARENA_BYTES: usize = 4096;
/// Largest value with a one byte header, header included (PostgreSQL's `VARATT_SHORT_MAX`).
const SHORT_MAX: usize = 0x7F;

/// A row on its way into a table: datums and null flags by position.
pub struct RowBuf<const N: usize> {
    /// The values; meaningless where null.
    pub values: [Datum; N],
    /// Which are NULL.
    pub nulls: [bool; N],
    /// Values made here, one after the other. Never grows, so that they stay where they are; one
    /// allocation a row instead of one call into PostgreSQL a value.
    arena: Vec<u64>,
    used: usize,
}

thread_local! {
    // The memory of the last row that is gone: for the next one.
    static SPARE: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
}

impl<const N: usize> Drop for RowBuf<N> {
    fn drop(&mut self) {
        if self.arena.capacity() != 0 {
            // A thread that ends has none any more.
            let _ = SPARE.try_with(|spare| spare.set(std::mem::take(&mut self.arena)));
        }
    }
}

impl<const N: usize> Default for RowBuf<N> {
    fn default() -> RowBuf<N> {
        RowBuf::new()
    }
}

impl<const N: usize> RowBuf<N> {
    /// All NULL.
    pub fn new() -> RowBuf<N> {
        RowBuf {
            values: [Datum::null(); N],
            nulls: [true; N],
            arena: Vec::new(),
            used: 0,
        }
    }

    /// Sets a column to a datum that outlives the row.
    pub fn set(&mut self, at: usize, value: Datum) {
        self.values[at] = value;
        self.nulls[at] = false;
    }

    /// Sets a column to NULL.
    pub fn clear(&mut self, at: usize) {
        self.nulls[at] = true;
    }

    /// Sets a column whose type is a plain varlena (text, bytea, inet, jsonb …) to a copy of `bytes`,
    /// the content after the varlena header.
    pub fn bytes(&mut self, at: usize, bytes: &[u8]) {
        let value = self.keep(bytes).unwrap_or_else(|| text(bytes));
        self.set(at, value);
    }

    /// Sets a text column; `None` is NULL.
    pub fn text(&mut self, at: usize, value: Option<&str>) {
        match value {
            Some(value) => self.bytes(at, value.as_bytes()),
            None => self.clear(at),
        }
    }

    /// Sets a JSON column.
    pub fn json(&mut self, at: usize, value: Option<&Json>) {
        match value {
            Some(value) => super::jsonb_build::with_bytes(value, |bytes| self.bytes(at, bytes)),
            None => self.clear(at),
        }
    }

    /// Sets an `inet` column.
    pub fn inet(&mut self, at: usize, value: &Inet) {
        let (bytes, len) = inet_bytes(value);
        self.bytes(at, &bytes[..len]);
    }

    /// Sets a timestamp given in microseconds since the Unix epoch.
    pub fn time(&mut self, at: usize, us: i64) {
        self.set(at, Datum::from(us - super::POSTGRES_EPOCH));
    }

    /// A varlena in the row's own memory; `None` when there is no room left.
    fn keep(&mut self, bytes: &[u8]) -> Option<Datum> {
        if self.arena.capacity() == 0 {
            self.arena = SPARE.take();
            self.arena.reserve_exact(ARENA_BYTES / size_of::<u64>());
        }
        let short = bytes.len() < SHORT_MAX;
        let start = if short {
            self.used
        } else {
            self.used.next_multiple_of(4)
        };
        let header = if short { 1 } else { 4 };
        let end = start + header + bytes.len();
        if end > self.arena.capacity() * size_of::<u64>() {
            return None;
        }
        self.used = end;
        // SAFETY: start..end lies within the allocation, which neither moves nor is read as u64.
        unsafe {
            let place = self.arena.as_mut_ptr().cast::<u8>().add(start);
            let size = header + bytes.len();
            if short {
                place.write(if cfg!(target_endian = "little") {
                    (size << 1 | 1) as u8
                } else {
                    size as u8 | 0x80
                });
            } else {
                place.cast::<u32>().write(if cfg!(target_endian = "little") {
                    (size as u32) << 2
                } else {
                    size as u32
                });
            }
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), place.add(header), bytes.len());
            Some(Datum::from(place))
        }
    }
}

/// A `text` (or `bytea`: same layout) datum in the current memory context.
pub fn text(bytes: &[u8]) -> Datum {
    // SAFETY: allocates and copies `bytes.len()` bytes.
    unsafe { pg_sys::cstring_to_text_with_len(bytes.as_ptr().cast(), bytes.len() as i32).into() }
}

/// A `text[]` datum in the current memory context.
pub fn text_list<'a>(items: impl Iterator<Item = &'a str>) -> Datum {
    let mut datums: Vec<Datum> = items.map(|i| text(i.as_bytes())).collect();
    // SAFETY: text is varlena (-1, not by value, int aligned).
    unsafe {
        pg_sys::construct_array(
            datums.as_mut_ptr(),
            datums.len() as i32,
            pg_sys::TEXTOID,
            -1,
            false,
            b'i' as _,
        )
        .into()
    }
}

/// A `bigint[]` datum in the current memory context.
pub fn bigint_list(items: &[i64]) -> Datum {
    let mut datums: Vec<Datum> = items.iter().map(|i| Datum::from(*i)).collect();
    // SAFETY: bigint is 8 bytes, by value, double aligned.
    unsafe {
        pg_sys::construct_array(
            datums.as_mut_ptr(),
            datums.len() as i32,
            pg_sys::INT8OID,
            8,
            true,
            b'd' as _,
        )
        .into()
    }
}

/// The content of an `inet` and its length.
fn inet_bytes(value: &Inet) -> ([u8; 18], usize) {
    let mut bytes = [0u8; 18];
    bytes[1] = value.bits;
    // The family bytes are PostgreSQL's own (utils/inet.h), not the operating system's.
    let len = match value.address {
        IpAddr::V4(v4) => {
            bytes[0] = 2;
            bytes[2..6].copy_from_slice(&v4.octets());
            6
        }
        IpAddr::V6(v6) => {
            bytes[0] = 3;
            bytes[2..18].copy_from_slice(&v6.octets());
            18
        }
    };
    (bytes, len)
}

/// An `inet` datum in the current memory context.
pub fn inet(value: &Inet) -> Datum {
    let (bytes, len) = inet_bytes(value);
    text(&bytes[..len])
}

/// A `jsonb` datum in the current memory context.
pub fn jsonb(value: &Json) -> Datum {
    super::jsonb_build::datum(value)
}

/// Parses JSON text; raises PostgreSQL's own error when it is none.
pub fn jsonb_from_text(text: String) -> Datum {
    let mut bytes = text.into_bytes();
    bytes.push(0);
    // SAFETY: a NUL-terminated string, which jsonb_in only reads.
    unsafe { pg_sys::OidFunctionCall1Coll(pg_sys::F_JSONB_IN.into(), pg_sys::InvalidOid, bytes.as_mut_ptr().into()) }
}

/// Appends JSON text.
pub fn write_json(value: &Json, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Json::Number(n) => out.push_str(n),
        Json::String(s) => write_string(s, out),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Json::Object(pairs) => {
            out.push('{');
            for (i, (key, item)) in pairs.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write_json(item, out);
            }
            out.push('}');
        }
    }
}

fn write_string(s: &str, out: &mut String) {
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => write!(out, "\\u{:04x}", c as u32).expect("writing to a String cannot fail"),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The labels of `auditlog.severity` by the order of [`Severity::ALL`]; see `catalog::severities`.
pub fn severity(value: Severity) -> Datum {
    super::catalog::objects().severities[value as usize].into()
}
