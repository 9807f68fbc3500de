//! Settings of what the database records by itself. Of the server, not of a session: nobody switches them off for
//! himself.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::ffi::CString;

/// What the database records by itself: a list.
pub static CAPTURE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
/// Database whose log takes the events of databases without one.
pub static CAPTURE_DATABASE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));

/// Defines them.
pub(super) fn define() {
    // SAFETY: the hooks are guarded, and keep to what hooks may do.
    unsafe {
        GucRegistry::define_string_guc_with_hooks(
            c"auditlog.capture",
            c"What the database records by itself: login, ddl, role, config, permission.",
            c"A list, or all, or nothing. A statement whose event cannot be recorded fails.",
            &CAPTURE,
            GucContext::Sighup,
            GucFlags::default(),
            Some(check_capture),
            Some(capture_changed),
            None,
        );
    }
    GucRegistry::define_string_guc(
        c"auditlog.capture_database",
        c"Database whose log takes what happens in databases without the extension.",
        c"Roles, logins and settings belong to the whole server. Empty: what happens elsewhere is not recorded.",
        &CAPTURE_DATABASE,
        GucContext::Sighup,
        GucFlags::default(),
    );
}

/// Refuses words that name nothing.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn check_capture(
    value: *mut *mut std::ffi::c_char,
    _extra: *mut *mut std::ffi::c_void,
    _source: pgrx::pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: PostgreSQL hands over a NUL-terminated string; what it keeps of the detail is copied.
    unsafe {
        let list = std::ffi::CStr::from_ptr(*value).to_string_lossy();
        let Err(word) = crate::capture::parse(&list) else {
            return true;
        };
        let detail = CString::new(format!(
            "«{word}» is none of login, ddl, role, config, permission, all, none."
        ));
        pgrx::pg_sys::GUC_check_errdetail_string = pgrx::pg_sys::pstrdup(detail.unwrap_or_default().as_ptr());
        false
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn capture_changed(value: *const std::ffi::c_char, _extra: *mut std::ffi::c_void) {
    // SAFETY: PostgreSQL hands over a NUL-terminated string.
    crate::capture::switch(&unsafe { std::ffi::CStr::from_ptr(value) }.to_string_lossy());
}
