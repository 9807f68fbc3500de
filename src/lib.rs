//! pg_auditlog: a PostgreSQL extension that keeps a complete, searchable, tamper-evident audit log.
//!
//! This crate holds adapters only: what needs no PostgreSQL lives in `crates/`. `docs/ARCHITECTURE.md`
//! draws the map; `sql/schema/*.sql` declares everything that SQL sees.
#![allow(unsafe_code)]

use pgrx::prelude::*;

pub mod api;
pub mod capture;
pub mod client;
pub mod compat;
pub mod compressed;
pub mod error;
pub mod fmgr;
pub mod guc;
pub mod hooks;
pub mod identity;
pub mod infallible;
pub mod mask_key;
pub mod planner;
pub mod provenance;
pub mod queue;
pub mod random;
pub mod reporting;
pub mod shmem;
pub mod store;
pub mod trigger;
pub mod worker;

#[cfg(not(panic = "unwind"))]
compile_error!("pgrx turns PostgreSQL's errors into panics and back: build with panic = \"unwind\"");

::pgrx::pg_module_magic!();

extension_sql_file!("../sql/schema/10_roles.sql", name = "roles", bootstrap);
extension_sql_file!("../sql/schema/20_tables.sql", name = "tables", requires = ["roles"]);
extension_sql_file!(
    "../sql/schema/30_functions.sql",
    name = "functions",
    requires = ["tables"]
);
extension_sql_file!("../sql/schema/34_access.sql", name = "access", requires = ["functions"]);
extension_sql_file!("../sql/schema/35_query.sql", name = "query", requires = ["access"]);
extension_sql_file!("../sql/schema/36_words.sql", name = "words", requires = ["query"]);
extension_sql_file!("../sql/schema/37_search.sql", name = "search", requires = ["words"]);
extension_sql_file!("../sql/schema/38_proof.sql", name = "proof", requires = ["search"]);
extension_sql_file!("../sql/schema/39_live.sql", name = "live", requires = ["proof"]);
extension_sql_file!("../sql/schema/40_triggers.sql", name = "triggers", requires = ["live"]);
extension_sql_file!(
    "../sql/schema/41_describe.sql",
    name = "describe",
    requires = ["triggers"]
);
extension_sql_file!(
    "../sql/schema/42_investigation.sql",
    name = "investigation",
    requires = ["describe"]
);
extension_sql_file!(
    "../sql/schema/42_changes.sql",
    name = "changes",
    requires = ["investigation"]
);
extension_sql_file!(
    "../sql/schema/43_retention.sql",
    name = "retention",
    requires = ["changes"]
);
extension_sql_file!("../sql/schema/44_sinks.sql", name = "sinks", requires = ["retention"]);
extension_sql_file!(
    "../sql/schema/45_principals.sql",
    name = "principals",
    requires = ["sinks"]
);
extension_sql_file!(
    "../sql/schema/46_database_events.sql",
    name = "database_events",
    requires = ["principals"]
);
extension_sql_file!(
    "../sql/schema/47_capture.sql",
    name = "capture",
    requires = ["database_events"]
);
extension_sql_file!("../sql/schema/48_alerts.sql", name = "alerts", requires = ["capture"]);
extension_sql_file!("../sql/schema/49_jobs.sql", name = "jobs", requires = ["alerts"]);
extension_sql_file!("../sql/schema/49_exports.sql", name = "exports", requires = ["jobs"]);
extension_sql_file!("../sql/schema/50_stats.sql", name = "stats", requires = ["exports"]);
extension_sql_file!(
    "../sql/schema/51_protection.sql",
    name = "protection",
    requires = ["stats"]
);
extension_sql_file!(
    "../sql/schema/52_health.sql",
    name = "health",
    requires = ["protection"]
);
extension_sql_file!(
    "../sql/schema/53_evidence.sql",
    name = "evidence",
    requires = ["health"]
);
extension_sql_file!(
    "../sql/schema/53_report_contents.sql",
    name = "report_contents",
    requires = ["evidence"]
);
extension_sql_file!(
    "../sql/schema/54_reports.sql",
    name = "reports",
    requires = ["report_contents"]
);
extension_sql_file!(
    "../sql/schema/60_event_types.sql",
    name = "event_types",
    requires = ["reports"]
);
extension_sql_file!(
    "../sql/schema/65_policies.sql",
    name = "policies",
    requires = ["event_types"]
);
extension_sql_file!(
    "../sql/schema/70_grants.sql",
    name = "grants",
    requires = ["policies"],
    finalize
);

/// Called once when PostgreSQL loads the library. Order: settings, then shared memory and workers,
/// which only the postmaster can make.
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    // SAFETY: globals that PostgreSQL sets before it loads libraries.
    let (preloading, upgrading) = unsafe {
        (
            pg_sys::process_shared_preload_libraries_in_progress,
            pg_sys::IsBinaryUpgrade,
        )
    };
    guc::init();
    if preloading {
        // pgrx adds a backtrace to an error's DETAIL where RUST_BACKTRACE is set in the server's
        // environment: that is not for clients to see.
        if std::env::var_os("RUST_LIB_BACKTRACE").is_none() {
            // SAFETY: the postmaster has a single thread.
            unsafe { std::env::set_var("RUST_LIB_BACKTRACE", "0") };
        }
        // SAFETY: a constant name; the prefix is ours. Unknown settings under it become errors.
        unsafe { pg_sys::MarkGUCPrefixReserved(c"auditlog".as_ptr()) };
        shmem::init();
        hooks::statement::init();
        hooks::utility::init();
        hooks::session::init();
        hooks::server_log::init();
        hooks::access::init();
        if !upgrading {
            worker::launcher::register();
        }
    }
}

#[cfg(any(test, feature = "pg_test"))]
mod tests;

/// Set-up of `cargo pgrx test`.
#[cfg(test)]
pub mod pg_test {
    /// Called once before the tests.
    pub fn setup(_options: Vec<&str>) {}

    /// Settings of the test cluster.
    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![
            "shared_preload_libraries = 'pg_auditlog'",
            "max_prepared_transactions = 10",
            "auditlog.access_log = off",
        ]
    }
}
