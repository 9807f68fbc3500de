//! Settings as our own code sets them.

use pgrx::pg_sys;
use pgrx::pg_sys::{GucAction, GucContext};
use std::ffi::CStr;

/// SET LOCAL: ends with the transaction, and with a savepoint that is rolled back. Raises an error for a value that the
/// setting doesn't take. A statement of ours can't do it: `store/spi` takes back what one changes.
pub fn set_local(name: &CStr, value: &CStr) {
    assign(name, value, GucContext::PGC_USERSET, GucAction::GUC_ACTION_LOCAL);
}

/// Until the level of settings ends that `NewGUCNestLevel` has begun.
pub fn set_for_level(name: &CStr, value: &CStr) {
    assign(name, value, GucContext::PGC_USERSET, GucAction::GUC_ACTION_SAVE);
}

/// For as long as this worker lives.
pub fn set_for_worker(name: &CStr, value: &CStr) {
    assign(name, value, GucContext::PGC_SUSET, GucAction::GUC_ACTION_SET);
}

fn assign(name: &CStr, value: &CStr, context: GucContext::Type, action: GucAction::Type) {
    let source = pg_sys::GucSource::PGC_S_SESSION;
    // SAFETY: two texts that end with a NUL; PostgreSQL copies them.
    unsafe {
        pg_sys::set_config_option(name.as_ptr(), value.as_ptr(), context, source, action, true, 0, false);
    }
}
