//! What the database itself knows about who writes an event: set by the trigger, never by the
//! caller, and kept apart from the actor that the application claims.

use crate::store::columns::{INBOX, RowBuf, at};
use pgrx::pg_sys;
use std::cell::{Cell, OnceCell};
use std::ffi::CStr;

thread_local! {
    static LAST_RECORDED: Cell<i64> = const { Cell::new(0) };
    static CLIENT: OnceCell<Option<Vec<u8>>> = const { OnceCell::new() };
}

/// The clock in microseconds since the Unix epoch, strictly increasing within this process, so that
/// the events of one transaction keep their order.
pub fn recorded_at() -> i64 {
    let now = crate::shmem::unix_micros().max(LAST_RECORDED.get() + 1);
    LAST_RECORDED.set(now);
    now
}

/// Fills the provenance columns of a row.
pub fn fill(row: &mut RowBuf<INBOX>) {
    // SAFETY: globals and catalogue look-ups of this process, inside a transaction.
    unsafe {
        row.set(at("db_xid"), (pg_sys::GetTopFullTransactionId().value as i64).into());
        let name = |user| CStr::from_ptr(pg_sys::GetUserNameFromId(user, false)).to_bytes();
        let session = pg_sys::GetSessionUserId();
        let current = pg_sys::GetUserId();
        row.set(at("db_session_user"), crate::store::columns::text(name(session)));
        row.set(at("db_current_user"), crate::store::columns::text(name(current)));
        match application() {
            Some(application) => row.set(at("db_application"), crate::store::columns::text(application)),
            None => row.clear(at("db_application")),
        }
        CLIENT.with(|cell| match cell.get_or_init(client_address) {
            Some(address) => row.set(at("db_client_addr"), crate::store::columns::text(address)),
            None => row.clear(at("db_client_addr")),
        });
    }
}

fn application<'a>() -> Option<&'a [u8]> {
    // SAFETY: a setting's string, valid until the setting changes.
    let name = unsafe { pg_sys::application_name };
    if name.is_null() {
        return None;
    }
    // SAFETY: NUL-terminated.
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes();
    (!bytes.is_empty()).then_some(bytes)
}

/// The bytes of the session's `inet_client_addr()`; NULL for Unix sockets and background workers.
fn client_address() -> Option<Vec<u8>> {
    // SAFETY: a parameterless strict function of PostgreSQL, called as the executor would.
    unsafe {
        let mut info = std::mem::zeroed::<pg_sys::FmgrInfo>();
        pg_sys::fmgr_info(pg_sys::F_INET_CLIENT_ADDR.into(), &mut info);
        let mut call = std::mem::zeroed::<pg_sys::FunctionCallInfoBaseData>();
        call.flinfo = &mut info;
        let function = info.fn_addr?;
        let datum = function(&mut call);
        (!call.isnull).then(|| crate::store::row::bytes(datum).to_vec())
    }
}
