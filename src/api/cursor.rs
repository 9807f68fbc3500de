//! Cursors of `auditlog.search`: where an event stands in the order of pages, as an opaque text.
//!
//! base64url of `{"v":1,"t":microseconds since 1970,"i":"event_id","h":"first 8 bytes of entry_hash"}`.

use crate::error::Fault;
use crate::fmgr::{Call, Rows};
use crate::store::POSTGRES_EPOCH;
use crate::store::columns::text;
use crate::store::row::{bytes, text as text_of};
use crate::store::view::EventRow;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;
use serde_json::{Value, json};

crate::sql_function!(auditlog_cursor, pg_finfo_auditlog_cursor, cursor);
crate::sql_function!(
    auditlog_cursor_position,
    pg_finfo_auditlog_cursor_position,
    cursor_position
);

const VERSION: u64 = 1;
const HASH_BYTES: usize = 8;
/// An `event_id` has at most some hundred characters; nothing longer is read.
const LONGEST: usize = 16 * 1024;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn cursor(call: &Call) -> Datum {
    let Some(event) = call.arg(0) else { return call.null() };
    // SAFETY: declared as auditlog.events.
    let row = unsafe { EventRow::of(event) };
    let (Some(time), Some(id), Some(hash)) = (row.get("timestamp"), row.get("event_id"), row.get("entry_hash")) else {
        return call.null(); // a row of nothing, as outer joins make them
    };
    // SAFETY: the types are those of the view's columns.
    let (id, hash) = unsafe { (text_of(id), bytes(hash)) };
    let hash: String = hash.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let time = (time.value() as i64).saturating_add(POSTGRES_EPOCH);
    let json = json!({"v": VERSION, "t": time, "i": id, "h": hash}).to_string();
    text(encode(json.as_bytes()).as_bytes())
}

fn cursor_position(call: &Call) -> Datum {
    let Some(cursor) = call.str(0) else { return call.null() };
    let Some((time, id, hash)) = position(cursor) else {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "not a cursor of a search")
            .detail("A cursor is the text that auditlog.cursor() gives for an event, unchanged.")
            .hint("Give auditlog.cursor() of the last event of the page before, or NULL for the first page.")
            .raise()
    };
    let mut rows = Rows::new(call);
    rows.push(&[
        Some(crate::planner::time(time)),
        Some(text(id.as_bytes())),
        Some(text(&hash)),
    ]);
    call.null()
}

fn position(cursor: &str) -> Option<(i64, String, Vec<u8>)> {
    if cursor.len() > LONGEST {
        return None;
    }
    let value: Value = serde_json::from_slice(&decode(cursor)?).ok()?;
    if value.get("v")?.as_u64()? != VERSION {
        return None;
    }
    let id = value.get("i")?.as_str()?;
    let hash = value.get("h")?.as_str()?;
    if id.contains('\0') || hash.len() != 2 * HASH_BYTES || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let hash: Option<Vec<u8>> = (0..HASH_BYTES)
        .map(|i| u8::from_str_radix(&hash[2 * i..2 * i + 2], 16).ok())
        .collect();
    Some((value.get("t")?.as_i64()?, id.to_owned(), hash?))
}

fn encode(data: &[u8]) -> String {
    let mut out = String::with_capacity(data.len().div_ceil(3) * 4);
    for chunk in data.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            out.push(char::from(ALPHABET[(group >> (18 - 6 * i)) as usize & 63]));
        }
    }
    out
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in text.as_bytes().chunks(4) {
        if chunk.len() == 1 {
            return None;
        }
        let mut group = 0u32;
        for byte in chunk {
            group = group << 6 | ALPHABET.iter().position(|c| c == byte)? as u32;
        }
        group <<= 6 * (4 - chunk.len());
        out.extend(&group.to_be_bytes()[1..chunk.len()]);
    }
    Some(out)
}
