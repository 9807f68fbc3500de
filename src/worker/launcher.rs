//! The launcher: one for the cluster, connected to no database. It starts the workers of each database
//! that has the extension, and again when one has ended.

use super::Duty;
use crate::guc;
use crate::shmem::{self, Worker};
use pgrx::bgworkers::{BackgroundWorker, BackgroundWorkerBuilder, BgWorkerStartTime, SignalWakeFlags};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Longest sleep.
const NAP: Duration = Duration::from_secs(1);
/// Seconds after which a start that was never heard of is tried again.
const START_PATIENCE: i64 = 5;
/// Seconds between two discoveries: a copy of a database makes no noise.
const DISCOVERY_INTERVAL: i64 = 60;
/// Mark in `Worker::pid` for one that is being started.
const STARTING: i32 = -1;

/// Registers the launcher with the postmaster.
pub fn register() {
    BackgroundWorkerBuilder::new("pg_auditlog launcher")
        .set_type("pg_auditlog launcher")
        .set_function("auditlog_launcher_main")
        .set_library("pg_auditlog")
        .enable_shmem_access(None)
        .enable_spi_access()
        .set_start_time(BgWorkerStartTime::ConsistentState)
        .set_restart_time(Some(Duration::from_secs(2)))
        .load();
}

#[doc(hidden)]
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auditlog_launcher_main(_argument: pg_sys::Datum) {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP);
    crate::compat::terminate_like_a_backend();
    BackgroundWorker::connect_worker_to_spi(None, None);
    reread();
    shmem::register_launcher();
    // After a crash of the launcher alone, sealers may still run: they keep their slots.
    let mut next_discovery = 0;
    while BackgroundWorker::wait_latch(Some(NAP)) {
        pgrx::check_for_interrupts!();
        reload();
        let now = shmem::unix_micros() / 1_000_000;
        if now >= next_discovery && start_discovery() {
            next_discovery = now + DISCOVERY_INTERVAL;
        }
        for slot in shmem::slots() {
            let database = slot.database.load(Ordering::Acquire);
            if database == 0 {
                continue;
            }
            // SAFETY: reads this server's state.
            let is_standby = unsafe { pg_sys::RecoveryInProgress() };
            for duty in [
                Duty::Sealer,
                Duty::Recorder,
                Duty::Publisher,
                Duty::Evaluator,
                Duty::Deliverer,
                Duty::Scheduler,
                Duty::Keeper,
                Duty::Exporter,
                Duty::Reporter,
                Duty::Streamer,
            ] {
                let worker = duty.of(slot);
                // A standby cannot write: all that it can do is tell its primary who reads.
                if is_standby && (duty != Duty::Recorder || !guc::reads_are_forwarded()) {
                    continue;
                }
                let pid = worker.pid.load(Ordering::Acquire);
                let due = now >= worker.not_before.load(Ordering::Acquire);
                if pid > 0 && !is_running(pid) {
                    worker.unregister(1);
                } else if pid == STARTING && due && duty == Duty::Sealer {
                    // Never heard of: the database is gone, or takes no connections. Its place is for
                    // others; if it still records, it claims a place again.
                    shmem::free(slot);
                    next_discovery = next_discovery.min(now + START_PATIENCE);
                    break;
                } else if pid == STARTING && due {
                    worker.unregister(if is_standby { DISCOVERY_INTERVAL } else { START_PATIENCE });
                } else if pid == 0 && due {
                    start(duty, worker, database, now);
                }
            }
        }
    }
}

/// Takes over changed settings after a SIGHUP; returns whether there was one.
pub fn reload() -> bool {
    let received = BackgroundWorker::sighup_received();
    if received {
        reread();
    }
    received
}

/// Reads the configuration anew, at the begin of a worker, too: a SIGHUP between fork and its handler is lost, because
/// PostgreSQL has such processes ignore it until then, and the worker would have the settings of before for ever.
pub fn reread() {
    // SAFETY: on the main thread of a worker, outside any transaction.
    unsafe { pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP) }
}

fn is_running(pid: i32) -> bool {
    // SAFETY: looks the pid up among the cluster's processes.
    unsafe { !pg_sys::BackendPidGetProc(pid).is_null() }
}

fn start(duty: Duty, worker: &Worker, database: u32, now: i64) {
    worker.pid.store(STARTING, Ordering::Release);
    worker.not_before.store(now + START_PATIENCE, Ordering::Release);
    let (name, function) = match duty {
        Duty::Sealer => ("sealer", "auditlog_sealer_main"),
        Duty::Publisher => ("publisher", "auditlog_publisher_main"),
        Duty::Recorder => ("recorder", "auditlog_recorder_main"),
        Duty::Evaluator => ("evaluator", "auditlog_evaluator_main"),
        Duty::Deliverer => ("deliverer", "auditlog_deliverer_main"),
        Duty::Scheduler => ("scheduler", "auditlog_scheduler_main"),
        Duty::Keeper => ("keeper", "auditlog_keeper_main"),
        Duty::Exporter => ("exporter", "auditlog_exporter_main"),
        Duty::Reporter => ("reporter", "auditlog_reporter_main"),
        Duty::Streamer => ("streamer", "auditlog_streamer_main"),
    };
    let started = BackgroundWorkerBuilder::new(&format!("pg_auditlog {name} {database}"))
        .set_type(&format!("pg_auditlog {name}"))
        .set_function(function)
        .set_library("pg_auditlog")
        .set_argument(Some(pg_sys::Datum::from(database)))
        .enable_shmem_access(None)
        .enable_spi_access()
        .set_start_time(BgWorkerStartTime::ConsistentState)
        .set_restart_time(None)
        .load_dynamic();
    if started.is_err() {
        worker.pid.store(0, Ordering::Release);
        worker.not_before.store(now + 10, Ordering::Release);
        pgrx::log!(
            "pg_auditlog: no background worker free for the {name} of database {database}; raise max_worker_processes"
        );
    }
}

/// Starts the short visit that finds out which databases have the extension.
fn start_discovery() -> bool {
    BackgroundWorkerBuilder::new("pg_auditlog discovery")
        .set_type("pg_auditlog discovery")
        .set_function("auditlog_discovery_main")
        .set_library("pg_auditlog")
        .enable_shmem_access(None)
        .enable_spi_access()
        .set_start_time(BgWorkerStartTime::ConsistentState)
        .set_restart_time(None)
        .load_dynamic()
        .is_ok()
}
