//! Tells every process that the principals changed.

use crate::fmgr::Call;
use crate::store::checkpoints;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;

crate::sql_function!(
    auditlog_principals_changed,
    pg_finfo_auditlog_principals_changed,
    changed
);

/// What a dump brings along may have tenants, of which plans know nothing; our own functions look for
/// themselves.
fn changed(call: &Call) -> Datum {
    let trigger = call.trigger();
    // SAFETY: the trigger's relation is open during the call.
    unsafe {
        if checkpoints::is_trusted() {
            pg_sys::CacheInvalidateRelcacheByRelid((*trigger.tg_relation).rd_id);
        } else {
            pg_sys::CacheInvalidateRelcacheAll();
        }
    }
    Datum::null()
}
