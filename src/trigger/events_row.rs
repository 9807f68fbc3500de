//! INSTEAD OF INSERT on the view `auditlog.events`: INSERT and COPY record events like `record()`.

use super::tuples::skip;
use crate::api::record::prepare_row;
use crate::error::Fault;
use crate::fmgr::Call;
use crate::hooks::statement;
use crate::store::columns::{INBOX, RowBuf};
use crate::store::view;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_events_row, pg_finfo_auditlog_events_row, instead_of_insert);

const INSERT_INSTEAD_FOR_EACH_ROW: u32 = 16 | 4;

fn instead_of_insert(call: &Call) -> Datum {
    let trigger = call.trigger();
    if trigger.tg_event & 0x1f != INSERT_INSTEAD_FOR_EACH_ROW {
        Fault::new(
            pgrx::PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            "this trigger belongs to the view auditlog.events only",
        )
        .raise();
    }
    // SAFETY: the trigger's relation and tuple live during the call.
    unsafe {
        let desc = (*trigger.tg_relation).rd_att;
        let places = view::places(desc);
        let mut values = vec![Datum::null(); places.len()];
        let mut nulls = vec![true; places.len()];
        pg_sys::heap_deform_tuple(trigger.tg_trigtuple, desc, values.as_mut_ptr(), nulls.as_mut_ptr());
        let mut row = RowBuf::<INBOX>::new();
        for (i, place) in places.iter().enumerate() {
            if let (Some(place), false) = (place, nulls[i]) {
                row.set(*place, values[i]);
            }
        }
        if !prepare_row(&mut row) {
            return skip();
        }
        statement::append(&row);
        if !statement::returning() {
            return trigger.tg_trigtuple.into();
        }
        // What RETURNING shows: the row as recorded, without what only the sealer knows.
        for (i, place) in places.iter().enumerate() {
            nulls[i] = place.is_none_or(|p| row.nulls[p]);
            if let Some(place) = place {
                values[i] = row.values[*place];
            }
        }
        pg_sys::heap_form_tuple(desc, values.as_mut_ptr(), nulls.as_mut_ptr()).into()
    }
}
