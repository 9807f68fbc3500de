//! Settings of sinks.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

/// Milliseconds that an event waits for others before it is sent, where the sink itself says nothing else.
pub static SINK_BATCH_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(1_000);
/// Kilobytes that the streamer holds in memory for one sink.
pub static SINK_MEMORY: GucSetting<i32> = GucSetting::<i32>::new(64 * 1024);

/// Defines them.
pub(super) fn define() {
    GucRegistry::define_int_guc(
        c"auditlog.sink_batch_interval",
        c"Longest time that an event waits for others before it is sent to a sink.",
        c"For sinks whose config has no batch_seconds; those that make objects wait for as long as their kind says.",
        &SINK_BATCH_INTERVAL,
        0,
        60_000,
        GucContext::Sighup,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_int_guc(
        c"auditlog.sink_memory",
        c"Memory that the streamer takes for the events of one sink.",
        c"An event that is larger is sent alone. Of more than this no batch is made, whatever the sink's config says.",
        &SINK_MEMORY,
        1_024,
        1024 * 1024,
        GucContext::Sighup,
        GucFlags::UNIT_KB,
    );
}
