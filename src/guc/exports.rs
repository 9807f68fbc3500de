//! Settings of exports.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

/// Megabytes that one export may have.
pub static EXPORT_MAX_SIZE: GucSetting<i32> = GucSetting::<i32>::new(10 * 1024);

/// Defines them.
pub(super) fn define() {
    GucRegistry::define_int_guc(
        c"auditlog.export_max_size",
        c"Largest size of one export.",
        c"An export that would be larger ends with an error. Of auditlog.export(), the size of all its files.",
        &EXPORT_MAX_SIZE,
        1,
        i32::MAX,
        GucContext::Suset,
        GucFlags::UNIT_MB,
    );
}
