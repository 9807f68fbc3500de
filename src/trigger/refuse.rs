//! Refuses UPDATE, DELETE and TRUNCATE of inbox and log, for everybody.

use super::tuples::relation_name;
use crate::error::Fault;
use crate::fmgr::Call;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_refuse, pg_finfo_auditlog_refuse, refuse);

fn refuse(call: &Call) -> Datum {
    let operation = match call.trigger().tg_event & 3 {
        1 => "DELETE",
        2 => "UPDATE",
        3 => "TRUNCATE",
        _ => "INSERT",
    };
    // Only the sealer may empty an inbox table, and only a drained one (store/inbox.rs).
    if operation == "TRUNCATE" && crate::worker::is_sealer() {
        return Datum::null();
    }
    Fault::refused(format!("{operation} of audit events is refused"))
        .detail(format!(
            "Table {} is part of a write-once audit log.",
            relation_name(call)
        ))
        .hint("Events leave the log by retention only. To correct an event, record another one that refers to it.")
        .raise()
}
