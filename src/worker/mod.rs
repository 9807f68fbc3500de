//! Background workers: a launcher for the cluster, a sealer for each database with the extension.

pub mod discovery;
pub mod indexer;
pub mod job;
pub mod launcher;
pub mod off_main;
pub mod origin;
pub mod sealer;
pub mod upkeep;

use pgrx::pg_sys;
use std::cell::Cell;
use std::ffi::CStr;

thread_local! {
    static SEALER: Cell<bool> = const { Cell::new(false) };
}

/// Is this process the sealer? Kept in this process' memory, so no SQL can claim it.
pub fn is_sealer() -> bool {
    SEALER.get()
}

/// Makes this process the sealer; called by its main function only.
fn become_sealer() {
    SEALER.set(true);
}

/// What ALTER DATABASE … SET and ALTER ROLE … SET could turn against a worker: its database's owner may
/// say the one, and a worker has a superuser's rights.
const SETTINGS: [(&CStr, &CStr); 9] = [
    (c"search_path", c"pg_catalog, pg_temp"),
    (c"default_transaction_read_only", c"off"),
    (c"default_transaction_isolation", c"read committed"),
    (c"default_transaction_deferrable", c"off"),
    (c"statement_timeout", c"0"),
    (c"lock_timeout", c"0"),
    (c"idle_in_transaction_session_timeout", c"0"),
    (c"session_replication_role", c"origin"),
    (c"row_security", c"on"),
];

/// Sets this worker's own settings; called after it has connected.
fn settle_settings() {
    for (name, value) in SETTINGS {
        // SAFETY: a worker of ours outside any transaction; names and values are constants.
        unsafe {
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SET,
                true,
                0,
                false,
            );
        }
    }
}
