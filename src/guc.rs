//! Every setting of the extension, one static and one definition each. What weakens auditing is
//! for superusers only.

mod access;
mod assign;
mod capture;
mod exports;
mod jobs;
mod others;
mod reports;
mod retention;
mod sinks;
mod watch;
mod workers;

pub use access::{
    ACCESS_LOG, ACCESS_POLICY, ACCESS_QUEUE_SIZE, ACCESS_TIMEOUT, AccessPolicy, PRIMARY_CONNINFO,
    STANDBY_ACCESS_POLICY, StandbyPolicy, reads_are_forwarded,
};
pub use assign::{set_for_level, set_for_worker, set_local};
pub use capture::{CAPTURE, CAPTURE_DATABASE};
pub use exports::EXPORT_MAX_SIZE;
pub use jobs::{JOB_HISTORY, JOB_TIMEOUT, JOB_TIMEZONE, MISSED_RUNS, MissedRuns, USE_PG_CRON};
pub use others::OthersSetting;
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
pub use reports::{ORGANISATION, REPORT_DIRECT_EVENTS, REPORT_MAX_ROWS, SAMPLE_INTERVAL};
pub use retention::{
    ARCHIVE, ARCHIVE_OPTIONS, Compression, HOLD_FOUR_EYES, RETENTION_INTERVAL, WARM_COMPRESSION, WARM_TABLESPACE,
};
pub use sinks::{SINK_BATCH_INTERVAL, SINK_MEMORY};
use std::ffi::{CStr, CString, c_char};
pub use watch::{ALERT_LATENESS, ALERT_MAX_GROUPS, ALLOWED_HOSTS, SECRETS_DIRECTORY};
pub use workers::WORKER_NICE;

/// A text setting of ours as it is now, without a copy; good until a setting changes.
pub fn raw(setting: &GucSetting<Option<CString>>) -> &[u8] {
    // SAFETY: PostgreSQL's variable, read by the process that has it.
    unsafe { bytes(*setting.as_ptr()) }
}

/// The text that PostgreSQL keeps for a setting.
unsafe fn bytes<'a>(value: *const c_char) -> &'a [u8] {
    if value.is_null() {
        return &[];
    }
    // SAFETY: NUL-terminated, valid until the setting changes.
    unsafe { CStr::from_ptr(value) }.to_bytes()
}

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

/// Does the sealer NOTIFY of each batch?
pub static NOTIFY: GucSetting<bool> = GucSetting::<bool>::new(true);
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
/// Seconds between two checkpoints, when there are new events.
pub static CHECKPOINT_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(10);
/// File with the key that signs checkpoints, relative to the data directory; `%d` is the database's oid.
pub static SIGNING_KEY_FILE: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"auditlog_signing_key_%d.pem"));
/// Kilobytes of a captured value that are recorded; a longer one is cut.
pub static CAPTURE_MAX_VALUE: GucSetting<i32> = GucSetting::<i32>::new(16);
/// File with the key of masks that hash, relative to the data directory.
pub static MASK_KEY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"auditlog_mask_key"));
/// Seconds after which the whole log is verified again in the background; 0 for never.
pub static VERIFY_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(86_400);
/// Socket of an external signer; empty: the key file is used.
pub static SIGNER_SOCKET: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
/// The external signer's key, as vkey.
pub static SIGNER_KEY: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
/// File with the public keys (JWK Set) that tokens are checked with; empty: those of the table.
pub static JWKS_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
/// The claim `iss` of tokens, with that file.
pub static JWT_ISSUER: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
/// The claim `aud` of tokens, with that file.
pub static JWT_AUDIENCE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
/// Zone of roundings and of dates without an offset in queries.
pub static QUERY_TIMEZONE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"UTC"));
/// Longest text of a query, in kB.
pub static QUERY_MAX_LENGTH: GucSetting<i32> = GucSetting::<i32>::new(64);
/// Deepest nesting of a query.
pub static QUERY_MAX_DEPTH: GucSetting<i32> = GucSetting::<i32>::new(100);
/// Most conditions of a query.
pub static QUERY_MAX_TERMS: GucSetting<i32> = GucSetting::<i32>::new(2000);
/// Most values of one list of a query.
pub static QUERY_MAX_LIST_ITEMS: GucSetting<i32> = GucSetting::<i32>::new(1000);
/// Longest regular expression or pattern of a query, in characters.
pub static QUERY_MAX_REGEX_LENGTH: GucSetting<i32> = GucSetting::<i32>::new(1000);
/// Are unknown fields of a query errors?
pub static QUERY_STRICT: GucSetting<bool> = GucSetting::<bool>::new(false);
/// May the planner use the word index?
pub static WORD_INDEX: GucSetting<bool> = GucSetting::<bool>::new(true);

/// Defines all settings; called once by `_PG_init`.
pub fn init() {
    use GucContext::{Sighup, Suset, Userset};
    let none = GucFlags::default();
    access::define();
    capture::define();
    exports::define();
    reports::define();
    watch::define();
    jobs::define();
    retention::define();
    sinks::define();
    workers::define();
    GucRegistry::define_bool_guc(
        c"auditlog.notify",
        c"Does the sealer NOTIFY the channel «auditlog» of each batch?",
        c"The payload is the first and the last log_index of the batch.",
        &NOTIFY,
        Sighup,
        none,
    );
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
    GucRegistry::define_int_guc(
        c"auditlog.checkpoint_interval",
        c"Longest time from a sealed event to a signed checkpoint that covers it.",
        c"auditlog.checkpoint() makes one at once.",
        &CHECKPOINT_INTERVAL,
        1,
        86_400,
        Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"auditlog.verify_interval",
        c"Time after which the whole log is verified again in the background.",
        c"New events are verified at once. 0 verifies nothing in the background.",
        &VERIFY_INTERVAL,
        0,
        i32::MAX,
        Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_string_guc(
        c"auditlog.signing_key_file",
        c"File with the private key that signs checkpoints, a PKCS#8 PEM file of an Ed25519 key.",
        c"Relative to the data directory; %d is the number (oid) of the database, so that each has its own. Made with mode 0600 at the first start when it is not there; keep it outside of the data directory, where base backups copy it.",
        &SIGNING_KEY_FILE,
        Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
    GucRegistry::define_int_guc(
        c"auditlog.capture_max_value",
        c"Longest value of a tracked table's column that is recorded whole.",
        c"Of a longer one the event has the beginning, the length and the SHA-256.",
        &CAPTURE_MAX_VALUE,
        1,
        256 * 1024,
        Suset,
        GucFlags::UNIT_KB,
    );
    GucRegistry::define_string_guc(
        c"auditlog.mask_key_file",
        c"File with the key of masks that hash: 64 hexadecimal digits.",
        c"Relative to the data directory. Made with mode 0600 when it is needed and not there; equal values have equal hashes as long as it stays the same.",
        &MASK_KEY_FILE,
        Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
    GucRegistry::define_string_guc(
        c"auditlog.signer_socket",
        c"Unix socket of an external signer (auditlog signer), which then holds the key instead of the server.",
        c"It keeps the last signed size itself and refuses to sign a log that was rolled back. Set it by ALTER DATABASE where several databases have the extension.",
        &SIGNER_SOCKET,
        Suset,
        GucFlags::SUPERUSER_ONLY,
    );
    GucRegistry::define_string_guc(
        c"auditlog.signer_key",
        c"Public key of the external signer, as the vkey that it prints.",
        c"What it signs is checked with this key.",
        &SIGNER_KEY,
        Suset,
        GucFlags::SUPERUSER_ONLY,
    );
    for (name, description, more, setting, flags) in [
        (
            c"auditlog.jwks_file",
            c"File with the public keys (a JWK Set) that auditlog.authenticate() checks tokens with.",
            c"Relative to the data directory. Empty: the keys that auditlog.set_token_keys() has set.",
            &JWKS_FILE,
            GucFlags::SUPERUSER_ONLY,
        ),
        (
            c"auditlog.jwt_issuer",
            c"Issuer (iss) that tokens must have when their keys come from auditlog.jwks_file.",
            c"",
            &JWT_ISSUER,
            none,
        ),
        (
            c"auditlog.jwt_audience",
            c"Audience (aud) that tokens must have when their keys come from auditlog.jwks_file.",
            c"",
            &JWT_AUDIENCE,
            none,
        ),
    ] {
        GucRegistry::define_string_guc(name, description, more, setting, Suset, flags);
    }
    // SAFETY: the hooks are guarded, and keep to what hooks may do.
    unsafe {
        GucRegistry::define_string_guc_with_hooks(
            c"auditlog.query_timezone",
            c"Time zone of queries: of roundings such as now/d, and of dates without an offset.",
            c"Not the session's TimeZone, so that a query means the same for everybody.",
            &QUERY_TIMEZONE,
            Userset,
            none,
            Some(check_timezone),
            Some(query_timezone_changed),
            None,
        );
    }
    GucRegistry::define_bool_guc(
        c"auditlog.query_strict",
        c"Are fields that auditlog.fields() does not list errors in queries?",
        c"Otherwise they are keys of the event's document, and a NOTICE names the nearest known field.",
        &QUERY_STRICT,
        Userset,
        none,
    );
    GucRegistry::define_bool_guc(
        c"auditlog.word_index",
        c"May the planner use the word index for searches?",
        c"For finding out whether a search is wrong or slow because of it.",
        &WORD_INDEX,
        Userset,
        GucFlags::EXPLAIN,
    );
    for (name, description, setting, most, flags) in [
        (
            c"auditlog.query_max_length",
            c"Longest text of a query.",
            &QUERY_MAX_LENGTH,
            1024,
            GucFlags::UNIT_KB,
        ),
        (
            c"auditlog.query_max_depth",
            c"Deepest nesting of a query's parentheses and negations.",
            &QUERY_MAX_DEPTH,
            200,
            none,
        ),
        (
            c"auditlog.query_max_terms",
            c"Largest number of a query's conditions, those of saved queries included.",
            &QUERY_MAX_TERMS,
            100_000,
            none,
        ),
        (
            c"auditlog.query_max_list_items",
            c"Largest number of values of one list in a query.",
            &QUERY_MAX_LIST_ITEMS,
            100_000,
            none,
        ),
        (
            c"auditlog.query_max_regex_length",
            c"Longest regular expression or pattern of a query, in characters.",
            &QUERY_MAX_REGEX_LENGTH,
            10_000,
            none,
        ),
    ] {
        GucRegistry::define_int_guc(
            name,
            description,
            c"Keeps a query from taking more time and memory than its author may ask for.",
            setting,
            1,
            most,
            Suset,
            flags,
        );
    }
}

thread_local! {
    static QUERY_TIMEZONE_CHANGES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Another number whenever the zone of queries has changed: cheaper to ask for every row than the zone.
pub fn query_timezone_changes() -> u64 {
    QUERY_TIMEZONE_CHANGES.get()
}

/// Refuses a zone that is none, when it is set.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn check_timezone(
    value: *mut *mut std::ffi::c_char,
    _extra: *mut *mut std::ffi::c_void,
    _source: pgrx::pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: PostgreSQL hands over a NUL-terminated string.
    let zone = unsafe { std::ffi::CStr::from_ptr(*value) };
    zone.to_str()
        .is_ok_and(|zone| zone.parse::<auditlog_query::dates::Zone>().is_ok())
}

/// Cached plans hold the moments of their queries' dates.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn query_timezone_changed(_value: *const std::ffi::c_char, _extra: *mut std::ffi::c_void) {
    QUERY_TIMEZONE_CHANGES.set(QUERY_TIMEZONE_CHANGES.get() + 1);
    // SAFETY: marks the plans of this process as stale; there may be none.
    unsafe { pgrx::pg_sys::ResetPlanCache() }
}

/// The text of a setting; empty when it has none.
pub fn text(setting: &GucSetting<Option<CString>>) -> String {
    let value = setting.get();
    value
        .as_deref()
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}
