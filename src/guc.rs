//! Every setting of the extension, one static and one definition each. What weakens auditing is
//! for superusers only.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use std::ffi::CString;

/// What happens to an event that its type's JSON Schema does not accept.
#[derive(PostgresGucEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Validation {
    /// Nothing is checked.
    #[name = c"off"]
    Off,
    /// A WARNING; the event is recorded.
    #[name = c"warn"]
    Warn,
    /// An ERROR, also for types that the catalogue does not have.
    #[name = c"reject"]
    Reject,
}

/// Milliseconds after which the sealer looks for committed events even when nobody woke it.
pub static SEAL_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(200);
/// Largest number of events that one sealing transaction moves.
pub static SEAL_BATCH: GucSetting<i32> = GucSetting::<i32>::new(10_000);
/// Kilobytes after which writers move on to the next inbox table, so that this one can be emptied.
pub static INBOX_ROTATE_SIZE: GucSetting<i32> = GucSetting::<i32>::new(8 * 1024);
/// Seconds that an event's timestamp may lie in the future.
pub static MAX_CLOCK_SKEW: GucSetting<i32> = GucSetting::<i32>::new(300);
/// Kilobytes that one event may take.
pub static MAX_EVENT_SIZE: GucSetting<i32> = GucSetting::<i32>::new(1024);
/// Levels of nesting that one event may have.
pub static MAX_JSON_DEPTH: GucSetting<i32> = GucSetting::<i32>::new(64);
/// See [`Validation`].
pub static VALIDATION: GucSetting<Validation> = GucSetting::<Validation>::new(Validation::Warn);
/// Paths of personal fields, separated by commas.
pub static PERSONAL_FIELDS: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"actor.email, actor.ip_address, actor.user_agent"));
/// JSON of `auditlog.set_context`, transaction-local.
pub static CONTEXT: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
/// Database that the launcher visits to learn which databases have the extension.
pub static LAUNCHER_DATABASE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"postgres"));
/// Zone of roundings and of dates without an offset in queries.
pub static QUERY_TIMEZONE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"UTC"));

/// Defines all settings; called once by `_PG_init`.
pub fn init() {
    use GucContext::{Sighup, Suset, Userset};
    let none = GucFlags::default();
    GucRegistry::define_int_guc(
        c"auditlog.seal_interval",
        c"Longest time between two looks of the sealer into the inbox.",
        c"A committing transaction wakes the sealer; this is for events that nobody announced.",
        &SEAL_INTERVAL,
        10,
        60_000,
        Sighup,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_int_guc(
        c"auditlog.seal_batch",
        c"Largest number of events that one sealing transaction moves from the inbox into the log.",
        c"Larger batches seal faster under load and hold their transaction longer.",
        &SEAL_BATCH,
        1,
        1_000_000,
        Sighup,
        none,
    );
    GucRegistry::define_int_guc(
        c"auditlog.inbox_rotate_size",
        c"Size after which writers move on to the next inbox table.",
        c"A drained table is emptied at once when no snapshot can see its rows any more.",
        &INBOX_ROTATE_SIZE,
        64,
        4 * 1024 * 1024,
        Sighup,
        GucFlags::UNIT_KB,
    );
    GucRegistry::define_int_guc(
        c"auditlog.max_clock_skew",
        c"How far an event's timestamp may lie in the future.",
        c"An event beyond it is refused: its producer's clock is wrong.",
        &MAX_CLOCK_SKEW,
        0,
        10 * 365 * 86_400,
        Suset,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"auditlog.max_event_size",
        c"Largest size of one event.",
        c"Measured on the JSON document as PostgreSQL stores it.",
        &MAX_EVENT_SIZE,
        1,
        256 * 1024,
        Suset,
        GucFlags::UNIT_KB,
    );
    GucRegistry::define_int_guc(
        c"auditlog.max_json_depth",
        c"Deepest nesting of one event's JSON.",
        c"",
        &MAX_JSON_DEPTH,
        4,
        512,
        Suset,
        none,
    );
    GucRegistry::define_enum_guc(
        c"auditlog.validation",
        c"What happens to events that the JSON Schema of their type does not accept.",
        c"off: nothing is checked; warn: a WARNING and a count; reject: an ERROR, also for types that auditlog.event_types lacks.",
        &VALIDATION, Suset, none,
    );
    GucRegistry::define_string_guc(
        c"auditlog.personal_fields",
        c"Paths of personal fields, which enter the hash as salted commitments and can be erased later.",
        c"Separated by commas, like «actor.email, metadata.customer.name». Paths lead through objects, not into arrays.",
        &PERSONAL_FIELDS, Suset, none,
    );
    GucRegistry::define_string_guc(
        c"auditlog.context",
        c"Actor, tenant and request that events get when they lack them; set by auditlog.set_context().",
        c"",
        &CONTEXT,
        Userset,
        GucFlags::NO_SHOW_ALL,
    );
    GucRegistry::define_string_guc(
        c"auditlog.launcher_database",
        c"Database that is visited for a moment at start to learn which databases have the extension.",
        c"",
        &LAUNCHER_DATABASE,
        Sighup,
        none,
    );
    GucRegistry::define_string_guc(
        c"auditlog.query_timezone",
        c"Time zone of queries: of roundings such as now/d, and of dates without an offset.",
        c"Not the session's TimeZone, so that a query means the same for everybody.",
        &QUERY_TIMEZONE,
        Userset,
        none,
    );
}
