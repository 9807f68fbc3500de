//! Tells every process that the principals changed.

use crate::fmgr::Call;
use crate::store::catalog::objects;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;

crate::sql_function!(
    auditlog_principals_changed,
    pg_finfo_auditlog_principals_changed,
    changed
);

/// A plan over the log knows whether there were tenants when it was made, so these plans have to go as well.
fn changed(call: &Call) -> Datum {
    let trigger = call.trigger();
    // SAFETY: the trigger's relation is open during the call.
    unsafe {
        pg_sys::CacheInvalidateRelcacheByRelid((*trigger.tg_relation).rd_id);
        pg_sys::CacheInvalidateRelcacheByRelid(objects().log);
    }
    Datum::null()
}
