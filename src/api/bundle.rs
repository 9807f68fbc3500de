//! `auditlog.bundle_record`: a sealed event as a bundle holds it (docs/format.md), from which the offline
//! verifier computes everything anew.

use crate::error::Fault;
use crate::fmgr::Call;
use crate::hooks::access;
use crate::store::columns::{ENTRY_HASH, REDACTED, SALT, text};
use crate::store::row::{self, Hasher};
use crate::store::view::{self, EventRow};
use crate::store::{POSTGRES_EPOCH, jsonb};
use auditlog_core::json::Json;
use pgrx::pg_sys::Datum;
use std::cell::RefCell;

crate::sql_function!(auditlog_bundle_record, pg_finfo_auditlog_bundle_record, bundle_record);

/// First bytes of a record: magic and version.
const MAGIC: [u8; 5] = *b"pgar\x01";
/// Length that stands for NULL.
const ABSENT: u32 = u32::MAX;

thread_local! {
    static HASHER: RefCell<Hasher> = RefCell::new(Hasher::default());
}

/// What cannot be read of a row that somebody has touched goes in as it lies, so that the row is in the bundle and the
/// verifier names it: an error here would leave an auditor without any bundle.
fn bundle_record(call: &Call) -> Datum {
    let Some(event) = call.arg(0) else { return call.null() };
    access::note(access::Kind::Export, "bundle_record", Json::Null);
    let mut out = Vec::with_capacity(1024);
    // SAFETY: declared as auditlog.events.
    match unsafe { append_record(event, &mut out) } {
        Ok(true) => text(&out),
        Ok(false) => call.null(),
        Err(why) => unreadable(&why),
    }
}

/// Appends a sealed event as a record; false when it is not sealed.
///
/// # Errors
/// When its entry cannot be made; `out` then has a part of it.
///
/// # Safety
/// `event` is a composite value of the row type of `auditlog.events`.
pub unsafe fn append_record(event: Datum, out: &mut Vec<u8>) -> Result<bool, String> {
    // SAFETY: as the caller promises.
    let (places, row) = unsafe { (EventRow::of(event), view::read(event)) };
    let Some(index) = places.get("log_index") else {
        return Ok(false);
    };
    // Not hashed: a row that was robbed of it is shown without a time, and whatever else was done to it is found.
    let sealed_at = places.get("sealed_at").map_or(0, |datum| datum.value() as i64);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&(index.value() as u64).to_be_bytes());
    out.extend_from_slice(&sealed_at.wrapping_add(POSTGRES_EPOCH).to_be_bytes());
    // SAFETY: bytea and jsonb columns of the row type.
    unsafe {
        for hash in [
            places.get("prev_hash"),
            (!row.nulls[ENTRY_HASH]).then(|| row.values[ENTRY_HASH]),
            places.get("hash"),
        ] {
            let hash = hash.and_then(|datum| row::hash(datum)).unwrap_or([0; 32]);
            out.extend_from_slice(&hash);
        }
        optional(out, (!row.nulls[SALT]).then(|| row::bytes(row.values[SALT])));
        let redacted = (!row.nulls[REDACTED]).then(|| {
            let raw = row::bytes(row.values[REDACTED]);
            let mut canonical = Vec::new();
            match jsonb::canonical(raw, &mut canonical) {
                Ok(()) => canonical,
                // no verifier reads commitments in it
                Err(_) => raw.to_vec(),
            }
        });
        optional(out, redacted.as_deref());
        HASHER.with_borrow_mut(|hasher| match hasher.plain_entry(&row.values, &row.nulls) {
            Ok(entry) => {
                out.extend_from_slice(entry);
                Ok(true)
            }
            Err(e) => Err(e.to_string()),
        })
    }
}

fn optional(out: &mut Vec<u8>, value: Option<&[u8]>) {
    let length = value.map_or(ABSENT, |value| value.len() as u32);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value.unwrap_or(&[]));
}

fn unreadable(why: &str) -> ! {
    Fault::broken("an event cannot be read")
        .detail(format!("{why}."))
        .hint("Run auditlog.verify().")
        .raise()
}
