//! Settings of the access journal.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};

/// What happens when a read of the audit log finds no room in the queue of what is to be recorded.
#[derive(PostgresGucEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessPolicy {
    /// It waits.
    #[name = c"block"]
    Block,
    /// It is refused.
    #[name = c"refuse"]
    Refuse,
    /// It is let through unrecorded, and counted.
    #[name = c"count"]
    Count,
}

/// What happens to a read of the audit log on a standby, which cannot record it.
#[derive(PostgresGucEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum StandbyPolicy {
    /// It is refused.
    #[name = c"refuse"]
    Refuse,
    /// It is let through unrecorded, and counted.
    #[name = c"count"]
    Count,
}

/// Kilobytes of each database's queue of what is to be recorded outside of its transaction.
pub static ACCESS_QUEUE_SIZE: GucSetting<i32> = GucSetting::<i32>::new(1024);
/// Are reads of the audit log recorded?
pub static ACCESS_LOG: GucSetting<bool> = GucSetting::<bool>::new(true);
/// See [`StandbyPolicy`].
pub static STANDBY_ACCESS_POLICY: GucSetting<StandbyPolicy> = GucSetting::<StandbyPolicy>::new(StandbyPolicy::Refuse);
/// Connection string of the primary, to which a standby tells reads of the audit log.
pub static PRIMARY_CONNINFO: GucSetting<Option<std::ffi::CString>> = GucSetting::<Option<std::ffi::CString>>::new(None);
/// See [`AccessPolicy`].
pub static ACCESS_POLICY: GucSetting<AccessPolicy> = GucSetting::<AccessPolicy>::new(AccessPolicy::Block);
/// Milliseconds that a read waits for room in the queue.
pub static ACCESS_TIMEOUT: GucSetting<i32> = GucSetting::<i32>::new(30_000);

/// Are reads on this server, when it is a standby, told to the primary?
pub fn reads_are_forwarded() -> bool {
    PRIMARY_CONNINFO.get().is_some_and(|dsn| !dsn.is_empty())
}

/// Defines them.
pub(super) fn define() {
    use GucContext::{Postmaster, Suset};
    let none = GucFlags::default();
    // SAFETY: a global that PostgreSQL sets before it loads libraries.
    if unsafe { pgrx::pg_sys::process_shared_preload_libraries_in_progress } {
        // PostgreSQL ends a process that defines such a setting later.
        GucRegistry::define_int_guc(
            c"auditlog.access_queue_size",
            c"Size of each database's queue of events that are recorded outside of their transaction.",
            c"Reads of the audit log go through it. Shared memory for 64 databases is set aside, and used where there is something queued.",
            &ACCESS_QUEUE_SIZE,
            64,
            1024 * 1024,
            Postmaster,
            GucFlags::UNIT_KB,
        );
    }
    GucRegistry::define_bool_guc(
        c"auditlog.access_log",
        c"Are reads of the audit log recorded, as events of it?",
        c"Whoever may switch this off reads unnoticed.",
        &ACCESS_LOG,
        Suset,
        none,
    );
    GucRegistry::define_enum_guc(
        c"auditlog.standby_access_policy",
        c"What happens to a read of the audit log on a standby without auditlog.primary_conninfo, where it cannot be recorded.",
        c"refuse: it is refused; count: it goes unrecorded, and is counted.",
        &STANDBY_ACCESS_POLICY,
        Suset,
        none,
    );
    GucRegistry::define_string_guc(
        c"auditlog.primary_conninfo",
        c"Connection string with which a standby has the primary record reads of the audit log.",
        c"Its role needs EXECUTE on auditlog.record_standby_reads(text, bytea[]) and nothing else. Empty: reads on a standby are dealt with as auditlog.standby_access_policy says.",
        &PRIMARY_CONNINFO,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
    GucRegistry::define_enum_guc(
        c"auditlog.access_policy",
        c"What happens to a read of the audit log that finds no room in the queue.",
        c"block: it waits for auditlog.access_timeout, then it is refused; refuse: it is refused; count: it goes unrecorded, and is counted.",
        &ACCESS_POLICY,
        Suset,
        none,
    );
    GucRegistry::define_int_guc(
        c"auditlog.access_timeout",
        c"Longest time that a read of the audit log waits for room in the queue.",
        c"",
        &ACCESS_TIMEOUT,
        0,
        i32::MAX,
        Suset,
        GucFlags::UNIT_MS,
    );
}
