//! Settings of alerts and their delivery.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::ffi::CString;

/// Groups of all alerts together that are held in memory.
pub static ALERT_MAX_GROUPS: GucSetting<i32> = GucSetting::<i32>::new(100_000);
/// Seconds by which events may come later than others and still count with them.
pub static ALERT_LATENESS: GucSetting<i32> = GucSetting::<i32>::new(3_600);
/// Directory with the secrets that channels name.
pub static SECRETS_DIRECTORY: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"auditlog_secrets"));
/// Hosts that channels may connect to.
pub static ALLOWED_HOSTS: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

/// Defines them.
pub(super) fn define() {
    use GucContext::Sighup;
    GucRegistry::define_int_guc(
        c"auditlog.alert_max_groups",
        c"Most groups that alerts count at the same time, of all alerts together.",
        c"What is given up is counted in auditlog.stat_alerts and shown by health().",
        &ALERT_MAX_GROUPS,
        100,
        100_000_000,
        Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"auditlog.alert_lateness",
        c"By how much an event may be sealed later than others and still count with them in an alert.",
        c"",
        &ALERT_LATENESS,
        0,
        31 * 86_400,
        Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_string_guc(
        c"auditlog.secrets_directory",
        c"Directory with a file for each secret that channels name as secret:NAME.",
        c"Relative to the data directory. Files must belong to the server's account, with mode 0600.",
        &SECRETS_DIRECTORY,
        Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
    // SAFETY: the hook is a plain function that lives as long as the process.
    unsafe {
        GucRegistry::define_string_guc_with_hooks(
            c"auditlog.allowed_hosts",
            c"Hosts that channels may connect to: names, *.names, addresses, networks, separated by commas.",
            c"Empty: every host, but for this machine, its link and the addresses where clouds keep metadata, which must be listed.",
            &ALLOWED_HOSTS,
            Sighup,
            GucFlags::default(),
            Some(check_hosts),
            None,
            None,
        );
    }
}

/// Refuses a list that cannot be read, when it is set.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn check_hosts(
    value: *mut *mut std::ffi::c_char,
    _extra: *mut *mut std::ffi::c_void,
    _source: pgrx::pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: PostgreSQL hands over a NUL-terminated string, or null for none.
    let list = unsafe { (!(*value).is_null()).then(|| std::ffi::CStr::from_ptr(*value)) };
    let Some(list) = list else { return true };
    list.to_str()
        .is_ok_and(|list| auditlog_notify::egress::AllowedHosts::parse(list).is_ok())
}
