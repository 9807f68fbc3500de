//! Settings for the rest of a transaction. A statement of ours can't set one: spi.rs takes back what it changes.

use pgrx::pg_sys;
use std::ffi::CStr;

/// SET LOCAL: ends with the transaction, and with a savepoint that is rolled back. Raises an error for a value that the
/// setting doesn't take.
pub fn set(name: &'static CStr, value: &CStr) {
    // SAFETY: two texts that end with a NUL; PostgreSQL copies them.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
    }
}
