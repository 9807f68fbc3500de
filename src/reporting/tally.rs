//! The aggregate `auditlog_data.report_tally`: a [`Tally`] in each process that reads the log, and one of them all at the end.

use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::POSTGRES_EPOCH;
use crate::store::columns::{jsonb_from_text, text};
use auditlog_report::tally::{Counted, Tally};
use pgrx::memcxt::PgMemoryContexts;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_report_tally_add, pg_finfo_auditlog_report_tally_add, add);
crate::sql_function!(auditlog_report_tally_merge, pg_finfo_auditlog_report_tally_merge, merge);
crate::sql_function!(auditlog_report_tally_bytes, pg_finfo_auditlog_report_tally_bytes, bytes);
crate::sql_function!(auditlog_report_tally_read, pg_finfo_auditlog_report_tally_read, read);
crate::sql_function!(auditlog_report_tally_json, pg_finfo_auditlog_report_tally_json, json);

/// Where states live until the aggregate has ended.
fn memory(call: &Call) -> pg_sys::MemoryContext {
    let mut memory = std::ptr::null_mut();
    // SAFETY: valid call info; tells whether an aggregate calls.
    if unsafe { pg_sys::AggCheckCallContext(call.raw(), &mut memory) } == 0 {
        Fault::broken("a part of the aggregate auditlog_data.report_tally was called by hand").raise();
    }
    memory
}

/// A state that goes when its aggregate ends, also by an error.
fn kept(call: &Call, tally: Tally) -> *mut Tally {
    PgMemoryContexts::For(memory(call)).leak_and_drop_on_delete(tally)
}

/// The state that is argument `i`.
///
/// # Safety
/// It is used within this call only, and once.
unsafe fn state<'a>(call: &Call, i: usize) -> Option<&'a mut Tally> {
    memory(call);
    // SAFETY: an aggregate calls, and its states are what `kept` has given it; one call at a time uses them.
    call.arg(i)
        .and_then(|datum| unsafe { datum.cast_mut_ptr::<Tally>().as_mut() })
}

fn add(call: &Call) -> Datum {
    let (since, width) = (call.int(9).unwrap_or(0) + POSTGRES_EPOCH, call.int(10).unwrap_or(1));
    // SAFETY: once in this call.
    let tally = match unsafe { state(call, 0) } {
        Some(tally) => tally,
        // SAFETY: just made, and nobody else's.
        None => unsafe { &mut *kept(call, Tally::new(since, width)) },
    };
    // What somebody has written into a table behind our back need not be UTF-8.
    let texts = [1, 2, 3, 6, 7].map(|i| match call.str(i) {
        Some(text) => Some(std::borrow::Cow::Borrowed(text)),
        None => call.text(i).map(std::borrow::Cow::Owned),
    });
    let [event_type, category, status, actor, resource] = texts.each_ref().map(Option::as_deref);
    tally.add(&Counted {
        event_type: event_type.unwrap_or_default(),
        category: category.unwrap_or_default(),
        status,
        grave: call.arg(4).is_some_and(|grave| grave.value() != 0),
        at: call.int(5).unwrap_or(0).saturating_add(POSTGRES_EPOCH),
        actor,
        resource,
        log_index: call.int(8).unwrap_or(0) as u64,
    });
    Datum::from(std::ptr::from_mut(tally))
}

fn merge(call: &Call) -> Datum {
    // SAFETY: once in this call.
    let Some(other) = (unsafe { state(call, 1) }) else {
        return call.arg(0).unwrap_or_else(|| call.null());
    };
    // Its memory goes with the aggregate; what is in it is wanted here only.
    let other = std::mem::replace(other, Tally::new(0, 1));
    // SAFETY: once in this call.
    match unsafe { state(call, 0) } {
        Some(tally) => {
            tally.merge(other);
            Datum::from(std::ptr::from_mut(tally))
        }
        None => {
            let mut tally = other.empty();
            tally.merge(other);
            Datum::from(kept(call, tally))
        }
    }
}

fn bytes(call: &Call) -> Datum {
    // SAFETY: once in this call.
    match unsafe { state(call, 0) }.map(|tally| tally.to_bytes()) {
        // bytea and text are the same but for what their bytes mean
        Some(Ok(bytes)) => text(&bytes),
        Some(Err(error)) => Fault::broken(format!("counts of a report cannot be handed over: {error}")).raise(),
        None => call.null(),
    }
}

fn read(call: &Call) -> Datum {
    match call.bytea(0).map(Tally::from_bytes) {
        Some(Ok(tally)) => Datum::from(kept(call, tally)),
        Some(Err(error)) => Fault::broken(format!("counts of a report cannot be taken over: {error}")).raise(),
        None => call.null(),
    }
}

fn json(call: &Call) -> Datum {
    // SAFETY: once in this call.
    let json = match unsafe { state(call, 0) } {
        Some(tally) => tally.to_json(),
        None => Tally::new(0, 1).to_json(),
    };
    jsonb_from_text(json.to_string())
}
