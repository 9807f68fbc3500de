//! Background workers: a launcher for the cluster; a sealer, a recorder and a publisher for each database with
//! the extension, an evaluator where there are alerts, a deliverer where somebody is to be told, a scheduler where
//! there are jobs, a keeper where retention has something to do, a streamer where there are sinks, an exporter while something
//! is exported, a reporter while a report is made.

pub mod archiver;
pub mod checkpoint;
pub mod comparison;
pub mod deliverer;
pub mod delivery;
pub mod discovery;
pub mod evaluator;
pub mod export_output;
pub mod exporter;
pub mod external_signer;
pub mod firing;
pub mod forwarder;
pub mod indexer;
pub mod job;
pub mod job_run;
pub mod keeper;
pub mod launcher;
pub mod off_main;
pub mod origin;
pub mod presence;
mod priority;
pub mod publisher;
pub mod recorder;
pub mod removal;
pub mod report_delivery;
pub mod report_upload;
pub mod reporter;
pub mod restored;
pub mod scheduler;
pub mod sealer;
pub mod settings;
pub mod signing;
pub mod stream_link;
pub mod stream_sink;
pub mod streamer;
pub mod upkeep;
pub mod verification;

use crate::shmem::{self, Slot, Worker};
use pgrx::bgworkers::{BackgroundWorker, SignalWakeFlags};
use pgrx::pg_sys;
use std::cell::Cell;
use std::ffi::CStr;

/// What a worker of a database is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Moves events from the inbox into the log.
    Sealer,
    /// Signs checkpoints and hands them out.
    Publisher,
    /// Records what sessions left in the queue.
    Recorder,
    /// Says when alerts fire.
    Evaluator,
    /// Delivers what is to be told.
    Deliverer,
    /// Runs jobs by their schedules.
    Scheduler,
    /// Moves and removes events by the retention policy.
    Keeper,
    /// Writes exports to files.
    Exporter,
    /// Makes reports.
    Reporter,
    /// Sends events to sinks.
    Streamer,
}

thread_local! {
    static DUTY: Cell<Option<Duty>> = const { Cell::new(None) };
}

/// Is this process the sealer? Kept in this process' memory, so no SQL can claim it.
pub fn is_sealer() -> bool {
    DUTY.get() == Some(Duty::Sealer)
}

/// Is this process the publisher?
pub fn is_publisher() -> bool {
    DUTY.get() == Some(Duty::Publisher)
}

/// Is this process the evaluator, the deliverer or the scheduler?
pub fn is_watching() -> bool {
    matches!(DUTY.get(), Some(Duty::Evaluator | Duty::Deliverer | Duty::Scheduler))
}

/// Is this process the keeper?
pub fn is_keeper() -> bool {
    DUTY.get() == Some(Duty::Keeper)
}

/// Is this process the exporter?
pub fn is_exporter() -> bool {
    DUTY.get() == Some(Duty::Exporter)
}

/// Is this process the reporter?
pub fn is_reporter() -> bool {
    DUTY.get() == Some(Duty::Reporter)
}

/// Is this process the streamer?
pub fn is_streamer() -> bool {
    DUTY.get() == Some(Duty::Streamer)
}

/// Is this process a worker of ours for a database?
pub fn is_ours() -> bool {
    DUTY.get().is_some()
}

impl Duty {
    /// The worker of a database with this duty.
    pub fn of(self, slot: &'static Slot) -> &'static Worker {
        match self {
            Duty::Sealer => &slot.sealer,
            Duty::Publisher => &slot.publisher,
            Duty::Recorder => &slot.recorder,
            Duty::Evaluator => &slot.evaluator,
            Duty::Deliverer => &slot.deliverer,
            Duty::Scheduler => &slot.scheduler,
            Duty::Keeper => &slot.keeper,
            Duty::Exporter => &slot.exporter,
            Duty::Reporter => &slot.reporter,
            Duty::Streamer => &slot.streamer,
        }
    }
}

/// How every worker of a database begins: signals, connection, settings, its place and its duty. `None` when the work is
/// done by another process already.
fn begin(argument: pg_sys::Datum, duty: Duty) -> Option<&'static Slot> {
    let database = pg_sys::Oid::from_u32(argument.value() as u32);
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP);
    crate::compat::terminate_like_a_backend();
    BackgroundWorker::connect_worker_to_spi_by_oid(Some(database), None);
    launcher::reread();
    settle_settings();
    let slot = shmem::slot(database)?;
    let worker = duty.of(slot);
    if worker.is_taken() {
        return None;
    }
    worker.register();
    DUTY.set(Some(duty));
    priority::settle(duty);
    Some(slot)
}

/// What ALTER DATABASE … SET and ALTER ROLE … SET could turn against a worker: its database's owner may
/// say the one, and a worker has a superuser's rights.
const SETTINGS: [(&CStr, &CStr); 9] = [
    (c"search_path", c"pg_catalog, pg_temp"),
    (c"default_transaction_read_only", c"off"),
    (c"default_transaction_isolation", c"read committed"),
    (c"default_transaction_deferrable", c"off"),
    (c"statement_timeout", c"0"),
    (c"lock_timeout", c"0"),
    (c"idle_in_transaction_session_timeout", c"0"),
    (c"session_replication_role", c"origin"),
    (c"row_security", c"on"),
];

/// Sets this worker's own settings; called after it has connected.
fn settle_settings() {
    settle(&SETTINGS);
}

fn settle(settings: &[(&CStr, &CStr)]) {
    for (name, value) in settings {
        crate::guc::set_for_worker(name, value);
    }
}
