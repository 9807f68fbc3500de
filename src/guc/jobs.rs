//! Settings of the scheduler.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use std::ffi::CString;

/// What happens to a run that was due while nobody was there to start it.
#[derive(PostgresGucEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum MissedRuns {
    /// It is let go, as pg_cron does.
    #[name = c"skip"]
    Skip,
    /// It is made up for: one run, however many were missed.
    #[name = c"once"]
    Once,
}

/// See [`MissedRuns`].
pub static MISSED_RUNS: GucSetting<MissedRuns> = GucSetting::<MissedRuns>::new(MissedRuns::Skip);
/// Zone in which schedules are read.
pub static JOB_TIMEZONE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"GMT"));
/// Milliseconds that a run may take; 0 for as long as it needs.
pub static JOB_TIMEOUT: GucSetting<i32> = GucSetting::<i32>::new(0);
/// Days that runs are remembered.
pub static JOB_HISTORY: GucSetting<i32> = GucSetting::<i32>::new(30);
/// Are jobs handed to pg_cron?
pub static USE_PG_CRON: GucSetting<bool> = GucSetting::<bool>::new(false);

/// Defines them.
pub(super) fn define() {
    use GucContext::{Sighup, Suset};
    let none = GucFlags::default();
    GucRegistry::define_enum_guc(
        c"auditlog.missed_runs",
        c"What happens to runs of jobs that were due while the server was down or the scheduler did not run.",
        c"skip: they are let go, as pg_cron does; once: a job that missed any has one run.",
        &MISSED_RUNS,
        Sighup,
        none,
    );
    // SAFETY: the hook is a plain function that lives as long as the process.
    unsafe {
        GucRegistry::define_string_guc_with_hooks(
            c"auditlog.job_timezone",
            c"Time zone in which schedules of jobs are read.",
            c"A name of the IANA data base; pg_cron calls it cron.timezone.",
            &JOB_TIMEZONE,
            Sighup,
            none,
            Some(super::check_timezone),
            None,
            None,
        );
    }
    GucRegistry::define_int_guc(
        c"auditlog.job_timeout",
        c"Longest time that a run of a job may take; then it is ended.",
        c"0: as long as it needs.",
        &JOB_TIMEOUT,
        0,
        i32::MAX,
        Sighup,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_int_guc(
        c"auditlog.job_history",
        c"Days that runs of jobs stay in auditlog.job_run_details.",
        c"",
        &JOB_HISTORY,
        1,
        36_500,
        Sighup,
        none,
    );
    GucRegistry::define_bool_guc(
        c"auditlog.use_pg_cron",
        c"Are jobs of auditlog.schedule() handed to the extension pg_cron?",
        c"It must be installed in the same database.",
        &USE_PG_CRON,
        Suset,
        none,
    );
}
