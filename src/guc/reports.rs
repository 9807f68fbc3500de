//! Settings of reports and of the evidence that they read.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::ffi::CString;

/// Seconds between two samples of health; 0 for none.
pub static SAMPLE_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(3_600);
/// Whose log it is.
pub static ORGANISATION: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
/// Rows that a section of a report shows at most.
pub static REPORT_MAX_ROWS: GucSetting<i32> = GucSetting::<i32>::new(500);
/// Events of the period up to which `report_json` makes a report in the caller's own process.
pub static REPORT_DIRECT_EVENTS: GucSetting<i32> = GucSetting::<i32>::new(100_000);

/// Defines them.
pub(super) fn define() {
    let none = GucFlags::default();
    GucRegistry::define_int_guc(
        c"auditlog.sample_interval",
        c"Time between two samples of the audit log's health, which reports read.",
        c"0: none are taken, and checks of frameworks that read them have no evidence.",
        &SAMPLE_INTERVAL,
        0,
        86_400,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_string_guc(
        c"auditlog.organisation",
        c"Whose audit log it is: the name on the cover of reports.",
        c"",
        &ORGANISATION,
        GucContext::Suset,
        none,
    );
    GucRegistry::define_int_guc(
        c"auditlog.report_max_rows",
        c"Rows that a section of a report shows at most, exceptions first.",
        c"All of them are counted; an export with the section's query has them all.",
        &REPORT_MAX_ROWS,
        0,
        5_000,
        GucContext::Suset,
        none,
    );
    GucRegistry::define_int_guc(
        c"auditlog.report_direct_events",
        c"Events of a period up to which auditlog.report_json() answers at once.",
        c"For longer ones auditlog.generate_report() has a worker do it.",
        &REPORT_DIRECT_EVENTS,
        0,
        i32::MAX,
        GucContext::Suset,
        none,
    );
}
