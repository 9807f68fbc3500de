//! The one change that a sealed event ever sees: its personal values make way for their commitments.

use super::catalog::as_owner;
use super::columns::{LOG, LOG_INDEX, REDACTED, SALT};
use super::row::{Erasure, Hasher, RowError};
use super::spi::{self, Arg};
use crate::error::Fault;
use auditlog_core::columns::COLUMNS;
use auditlog_core::erase::hex;
use auditlog_core::json::Json;
use pgrx::pg_sys;
use std::cell::Cell;

thread_local! {
    static ERASING: Cell<bool> = const { Cell::new(false) };
    static ERASED: Cell<bool> = const { Cell::new(false) };
    static CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Is this process erasing at this moment? SQL cannot say so.
pub fn is_erasing() -> bool {
    ERASING.get()
}

/// Places of the sealed events that the caller sees, that satisfy the query and have something left to
/// erase.
pub fn places(query: &str) -> Vec<i64> {
    let rows = spi::read(
        "SELECT e.log_index FROM auditlog.events AS e \
         WHERE auditlog.matches(e, $1) AND e.log_index IS NOT NULL AND e.salt IS NOT NULL ORDER BY e.log_index",
        &[Arg::text(Some(query))],
    );
    rows.iter().filter_map(|row| row[0].int()).collect()
}

/// How many events that satisfy the query are not sealed yet.
pub fn unsealed(query: &str) -> i64 {
    let rows = spi::read(
        "SELECT count(*) FROM auditlog.events AS e WHERE auditlog.matches(e, $1) AND e.log_index IS NULL",
        &[Arg::text(Some(query))],
    );
    rows.first().and_then(|row| row[0].int()).unwrap_or(0)
}

/// Erases the personal values of the events at these places; returns how many values there were.
pub fn erase(places: &[i64]) -> usize {
    let mut found: Vec<(i64, Result<Option<Erasure>, RowError>)> = Vec::new();
    let mut hasher = Hasher::default();
    as_owner(|| {
        spi::read_rows::<LOG>(
            "SELECT * FROM auditlog_data.log WHERE log_index = ANY ($1) ORDER BY log_index",
            &[Arg::ints(places)],
            |values, nulls| {
                let index = values[LOG_INDEX].value() as i64;
                // SAFETY: the log's columns and types.
                found.push((index, unsafe { hasher.erasure(values, nulls) }));
            },
        );
    });
    let _erasing = Erasing::begin();
    // Gone with the values, also when the server dies before the index is made anew.
    as_owner(super::words::forget);
    let mut values = 0;
    for (index, erasure) in found {
        match erasure {
            Ok(Some(erasure)) => {
                values += erasure.columns.len() + erasure.inside;
                write(index, &erasure);
            }
            Ok(None) => {}
            Err(e) => Fault::broken("an event cannot be read")
                .detail(format!("log_index {index}: {e}."))
                .hint("Run auditlog.verify().")
                .raise(),
        }
        pgrx::check_for_interrupts!();
    }
    values
}

/// Places that erasure events name, as pairs of first and last, ascending. One that was just committed waits in the
/// inbox while its values are erased already.
pub fn told() -> Vec<(i64, i64)> {
    // A superuser may have written such an event past all guards, so nothing is expected of its shape.
    let rows = as_owner(|| {
        spi::read(
            "SELECT (r ->> 0)::bigint AS first, (r ->> 1)::bigint AS last FROM (\
                 SELECT extra FROM auditlog_data.log WHERE event_type = 'auditlog.erasure' \
                 UNION ALL SELECT extra FROM auditlog_data.inbox_0 WHERE event_type = 'auditlog.erasure' \
                 UNION ALL SELECT extra FROM auditlog_data.inbox_1 WHERE event_type = 'auditlog.erasure' \
                 UNION ALL SELECT extra FROM auditlog_data.inbox_2 WHERE event_type = 'auditlog.erasure' \
                 UNION ALL SELECT extra FROM auditlog_data.inbox_3 WHERE event_type = 'auditlog.erasure') AS l \
             CROSS JOIN LATERAL jsonb_array_elements( \
                 CASE WHEN jsonb_typeof(l.extra #> '{metadata,log_indexes}') = 'array' \
                 THEN l.extra #> '{metadata,log_indexes}' ELSE '[]' END) AS r \
             WHERE CASE WHEN jsonb_typeof(r) = 'array' THEN r ->> 0 ~ '^[0-9]{1,18}$' AND r ->> 1 ~ '^[0-9]{1,18}$' ELSE false END \
             ORDER BY 1, 2",
            &[],
        )
    });
    rows.iter()
        .filter_map(|row| Some((row[0].int()?, row[1].int()?)))
        .collect()
}

struct Erasing;

impl Erasing {
    fn begin() -> Erasing {
        if !CALLBACK.replace(true) {
            // SAFETY: a plain function that lives as long as the process.
            unsafe { pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut()) }
        }
        ERASING.set(true);
        ERASED.set(true);
        Erasing
    }
}

impl Drop for Erasing {
    fn drop(&mut self) {
        ERASING.set(false);
    }
}

/// The word index still knows the words of what was erased: once that is committed, it is made anew.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _argument: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PRE_PREPARE};
    match event {
        XACT_EVENT_COMMIT if ERASED.replace(false) => {
            if let Some(slot) = crate::shmem::my_slot() {
                slot.rebuild_words.store(true, std::sync::atomic::Ordering::Release);
                slot.wake();
            }
        }
        XACT_EVENT_ABORT => ERASED.set(false),
        // The index would be made anew before COMMIT PREPARED, of what is still there.
        XACT_EVENT_PRE_PREPARE if ERASED.get() => Fault::new(
            pgrx::PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "a transaction that has erased personal values cannot be prepared",
        )
        .hint("COMMIT it.")
        .raise(),
        _ => {}
    }
}

/// Writes one row; the log's trigger checks that nothing else changes.
fn write(index: i64, erasure: &Erasure) {
    let redacted = Json::Object(
        erasure
            .redacted
            .iter()
            .map(|(path, commitment)| (path.clone(), Json::String(hex(commitment))))
            .collect(),
    );
    let mut arguments = vec![Arg::int(index), Arg::jsonb(&redacted)];
    let mut set = String::from("salt = NULL, redacted = $2");
    for column in &erasure.columns {
        set.push_str(&format!(", {} = NULL", COLUMNS[*column].name));
    }
    for (column, json) in &erasure.json {
        arguments.push(Arg::jsonb(json));
        set.push_str(&format!(", {} = ${}", COLUMNS[*column].name, arguments.len()));
    }
    as_owner(|| {
        spi::run(
            &format!("UPDATE auditlog_data.log SET {set} WHERE log_index = $1"),
            &arguments,
        );
    });
}

/// May this UPDATE of a row of the log pass? Only salt, commitments and personal values may differ, and the
/// entry must stay what it was: the hash over the new values says so.
///
/// # Safety
/// Rows of the log.
pub unsafe fn is_erasure(
    old: (&[pg_sys::Datum; LOG], &[bool; LOG]),
    new: (&[pg_sys::Datum; LOG], &[bool; LOG]),
) -> bool {
    let same = |at: usize| match (old.1[at], new.1[at]) {
        (true, true) => true,
        // SAFETY: log_index is a bigint, the other columns after the hashed ones are varlena or timestamps.
        (false, false) if at == LOG_INDEX || at == super::columns::SEALED_AT => old.0[at].value() == new.0[at].value(),
        // SAFETY: a varlena column.
        (false, false) => unsafe { super::row::bytes(old.0[at]) == super::row::bytes(new.0[at]) },
        _ => false,
    };
    new.1[SALT]
        && !new.1[REDACTED]
        && (super::columns::ENTRY_HASH..LOG).all(same)
        // SAFETY: as the caller promises.
        && unsafe { Hasher::default().matches(new.0, new.1) }.unwrap_or(false)
}
