//! Settings of retention.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use std::ffi::{CStr, CString};

/// How the warm tier is compressed.
#[derive(PostgresGucEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
    /// Rows in groups, by Zstandard.
    #[name = c"zstd"]
    Zstd,
    /// PostgreSQL's own, value by value.
    #[name = c"pglz"]
    Pglz,
    /// LZ4, value by value, where the server was built with it.
    #[name = c"lz4"]
    Lz4,
}

impl Compression {
    /// As in `default_toast_compression`.
    pub fn label(self) -> &'static CStr {
        match self {
            Compression::Zstd | Compression::Pglz => c"pglz",
            Compression::Lz4 => c"lz4",
        }
    }
}

/// Seconds between two rounds of retention; 0: only when somebody asks.
pub static RETENTION_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(3_600);
/// Tablespace of the warm tier; empty: the database's own.
pub static WARM_TABLESPACE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
/// How it is compressed.
pub static WARM_COMPRESSION: GucSetting<Compression> = GucSetting::<Compression>::new(Compression::Zstd);
/// URL of the archive; empty: there is none.
pub static ARCHIVE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
/// Its options, a JSON object.
pub static ARCHIVE_OPTIONS: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"{}"));
/// Does the release of a hold need two people?
pub static HOLD_FOUR_EYES: GucSetting<bool> = GucSetting::<bool>::new(false);

/// Defines them.
pub(super) fn define() {
    use GucContext::{Sighup, Suset};
    let none = GucFlags::default();
    GucRegistry::define_int_guc(
        c"auditlog.retention_interval",
        c"Time between two rounds of retention, which move and remove what is due by the policy.",
        c"0: only when somebody calls auditlog.run_retention(). Nothing is ever moved before a policy is set.",
        &RETENTION_INTERVAL,
        0,
        i32::MAX,
        Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_string_guc(
        c"auditlog.warm_tablespace",
        c"Tablespace of the warm tier.",
        c"Empty: the database's own. What is warm already stays where it is.",
        &WARM_TABLESPACE,
        Sighup,
        none,
    );
    GucRegistry::define_enum_guc(
        c"auditlog.warm_compression",
        c"How the warm tier is compressed.",
        c"zstd: rows in groups, which take the least. pglz, lz4 (which must be built into the server): ordinary tables with long values compressed one by one.",
        &WARM_COMPRESSION,
        Sighup,
        none,
    );
    GucRegistry::define_string_guc(
        c"auditlog.archive",
        c"URL of the archive, where the cold tier is: file:///directory, s3://bucket/prefix, az://container/prefix or gs://bucket/prefix.",
        c"Empty: there is none, and events that would go there stay in the warm tier.",
        &ARCHIVE,
        Sighup,
        none,
    );
    GucRegistry::define_string_guc(
        c"auditlog.archive_options",
        c"Options of the archive, as a JSON object: credentials_file, region, endpoint and others.",
        c"Credentials are in a file, never here.",
        &ARCHIVE_OPTIONS,
        Sighup,
        none,
    );
    GucRegistry::define_bool_guc(
        c"auditlog.hold_four_eyes",
        c"Does the release of a legal hold need two people?",
        c"Then one asks for it with auditlog.release_hold(), and another one's call releases it.",
        &HOLD_FOUR_EYES,
        Suset,
        none,
    );
}
