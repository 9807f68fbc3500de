//! Settings of the background workers as processes.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

/// How far workers that are in no hurry stand back behind sessions, as nice(1) counts it.
pub static WORKER_NICE: GucSetting<i32> = GucSetting::<i32>::new(10);

/// Defines them.
pub(super) fn define() {
    GucRegistry::define_int_guc(
        c"auditlog.worker_nice",
        c"How far keeper, exporter and reporter stand back behind sessions where both want a processor: 0 to 19, as nice counts.",
        c"It is taken when such a worker starts.",
        &WORKER_NICE,
        0,
        19,
        GucContext::Sighup,
        GucFlags::default(),
    );
}
