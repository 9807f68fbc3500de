//! Refuses UPDATE, DELETE and TRUNCATE of inbox, log and head, for everybody but the sealer.

use super::log_row::restoring;
use super::tuples::relation_name;
use crate::error::Fault;
use crate::fmgr::Call;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_refuse, pg_finfo_auditlog_refuse, refuse);

fn refuse(call: &Call) -> Datum {
    let trigger = call.trigger();
    let relation = relation_name(call);
    // The sealer advances the head, and empties drained inbox tables (store/inbox.rs). A dump brings
    // its head along.
    let trusted = crate::worker::is_sealer() || (relation == "head" && trigger.tg_event & 3 == 0 && restoring());
    match (trigger.tg_event & 3, relation.as_str()) {
        (3, _) | (_, "word_run" | "word_chunk") if trusted => Datum::null(),
        (2, "head") if trusted => trigger.tg_newtuple.into(),
        (_, "head") if trusted => trigger.tg_trigtuple.into(),
        (event, _) => refused(event, &relation),
    }
}

fn refused(event: u32, relation: &str) -> ! {
    let operation = match event {
        1 => "DELETE",
        2 => "UPDATE",
        3 => "TRUNCATE",
        _ => "INSERT",
    };
    Fault::refused(format!("{operation} of audit events is refused"))
        .detail(format!("Table {relation} is part of a write-once audit log.",))
        .hint("Events leave the log by retention only. To correct an event, record another one that refers to it.")
        .raise()
}
