//! A trigger's rows: from the tuple to datums and back.

use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::columns::RowBuf;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::ffi::CStr;

const FOR_EACH_ROW: u32 = 4;
const TIMING: u32 = 8 | 16;
const BEFORE: u32 = 8;
const INSTEAD: u32 = 16;
const OPERATION: u32 = 3;

/// When a row trigger may fire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// BEFORE INSERT FOR EACH ROW.
    Before,
    /// INSTEAD OF INSERT FOR EACH ROW.
    Instead,
}

/// The row that is to be inserted; raises an error when the trigger was attached elsewhere.
pub fn new_row<const N: usize>(call: &Call, when: When) -> RowBuf<N> {
    let trigger = call.trigger();
    let event = trigger.tg_event;
    let timing = if when == When::Before { BEFORE } else { INSTEAD };
    let fits = event & OPERATION == 0 && event & FOR_EACH_ROW != 0 && event & TIMING == timing;
    // SAFETY: an open relation during the call.
    let desc = unsafe { (*trigger.tg_relation).rd_att };
    // SAFETY: a live descriptor.
    if !fits || unsafe { (*desc).natts } as usize != N {
        Fault::new(
            pgrx::PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            "this trigger belongs to tables of pg_auditlog only",
        )
        .raise();
    }
    let mut row = RowBuf::new();
    // SAFETY: N values and flags for a descriptor of N attributes.
    unsafe {
        pg_sys::heap_deform_tuple(
            trigger.tg_trigtuple,
            desc,
            row.values.as_mut_ptr(),
            row.nulls.as_mut_ptr(),
        )
    }
    row
}

/// The tuple that the trigger gives back, changed.
pub fn give_back<const N: usize>(call: &Call, row: &RowBuf<N>) -> Datum {
    let trigger = call.trigger();
    // SAFETY: N values and flags for a descriptor of N attributes, as `new_row` checked.
    unsafe {
        pg_sys::heap_form_tuple(
            (*trigger.tg_relation).rd_att,
            row.values.as_ptr().cast_mut(),
            row.nulls.as_ptr().cast_mut(),
        )
        .into()
    }
}

/// The tuple unchanged.
pub fn unchanged(call: &Call) -> Datum {
    call.trigger().tg_trigtuple.into()
}

/// No row: the insert is skipped.
pub fn skip() -> Datum {
    Datum::null()
}

/// Name of the trigger's relation.
pub fn relation_name(call: &Call) -> String {
    // SAFETY: an open relation during the call; names are NUL-terminated.
    unsafe {
        let class = (*call.trigger().tg_relation).rd_rel;
        CStr::from_ptr((*class).relname.data.as_ptr())
            .to_string_lossy()
            .into_owned()
    }
}
