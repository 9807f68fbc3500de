//! The recorder: one for each database. It records what sessions left in the queue of shared memory, in
//! transactions of its own, so that a session's rollback takes nothing of it away. On a standby it is `forwarder` that
//! works in its place.
//!
//! Room is given back in the commit's callback: there PostgreSQL serves no interrupt, so that an entry is neither
//! recorded twice nor lost when this worker is ended at any moment.

use super::presence::{database_is_being_dropped, extension_stays};
use super::settings::Settings;
use super::{job, launcher};
use crate::api::own_event::{self, OwnEvent};
use crate::queue::{self, Entry, Queue};
use crate::shmem::Slot;
use crate::store::bulk::Bulk;
use crate::store::catalog;
use crate::store::columns::RowBuf;
use crate::store::row_memory::RowMemory;
use pgrx::PgSqlErrorCode as Code;
use pgrx::bgworkers::BackgroundWorker;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Longest sleep: somebody may want to drop the database.
pub(super) const NAP: Duration = Duration::from_millis(500);
/// At most this often entries are recorded, unless somebody waits for room: a crash loses what is queued, and a
/// commit for each entry would cost the server more than the reads.
const BETWEEN_BATCHES: Duration = Duration::from_millis(20);
/// Longest time between two attempts that fail.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Entries of one transaction.
pub(super) const BATCH_ENTRIES: usize = 500;
/// Bytes of one transaction's entries.
pub(super) const BATCH_BYTES: usize = 512 * 1024;
/// Seconds after which it is started again when the database could not be dropped after all, or has no extension.
pub(super) const AFTER_LEAVING: i64 = 2;
/// Attempts after which an entry that no transaction takes is left to the server's log.
pub(super) const ATTEMPTS: u32 = 3;

thread_local! {
    /// What the running transaction gives back when it commits.
    static RECORDED: Cell<Option<Recorded>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Recorded {
    queue: &'static Queue,
    until: u64,
    entries: u64,
    told: u64,
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _argument: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT};
    if matches!(event, XACT_EVENT_ABORT | XACT_EVENT_COMMIT)
        && let Some(recorded) = RECORDED.take()
        && event == XACT_EVENT_COMMIT
    {
        recorded.queue.told.store(recorded.told, Ordering::Release);
        recorded.queue.free(recorded.until, recorded.entries);
    }
}

#[doc(hidden)]
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auditlog_recorder_main(argument: pg_sys::Datum) {
    let Some(slot) = super::begin(argument, super::Duty::Recorder) else {
        return;
    };
    // SAFETY: a plain function that lives as long as the process.
    unsafe { pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut()) }
    // SAFETY: reads this server's state.
    if unsafe { pg_sys::RecoveryInProgress() } {
        let pause = super::forwarder::run(queue::of(slot));
        slot.recorder.unregister(pause);
        return;
    }
    let pause = Recorder {
        slot,
        queue: queue::of(slot),
        last_batch: Instant::now(),
        failures: 0,
        settings: Settings::default(),
    }
    .run();
    slot.recorder.unregister(pause);
}

struct Recorder {
    slot: &'static Slot,
    queue: &'static Queue,
    last_batch: Instant,
    /// Rounds that have failed since one went well.
    failures: u32,
    settings: Settings,
}

/// What a round found.
enum Round {
    /// There was something, and there may be more.
    More,
    /// Nothing waits.
    Idle,
    /// Somebody wants to drop the database, or the extension is not here.
    Leave,
}

impl Recorder {
    /// Works until there is nothing to work for; returns the seconds after which to start again.
    fn run(mut self) -> i64 {
        loop {
            pgrx::check_for_interrupts!();
            if launcher::reload() || self.settings.is_unknown() {
                self.settings.compare();
            }
            let nap = match self.round() {
                Ok(Round::More) => None,
                Ok(Round::Idle) => Some(NAP),
                Ok(Round::Leave) => return AFTER_LEAVING,
                Err(()) => Some(Duration::from_millis(50 << self.failures.min(7)).min(LONGEST_PAUSE)),
            };
            if let Some(nap) = nap
                && !BackgroundWorker::wait_latch(Some(nap))
            {
                return 1;
            }
            self.linger();
        }
    }

    /// Lets a batch grow, unless somebody waits for room.
    fn linger(&self) {
        while self.last_batch.elapsed() < BETWEEN_BATCHES && !self.queue.is_waited_for() {
            let rest = BETWEEN_BATCHES.saturating_sub(self.last_batch.elapsed());
            // SAFETY: sleeps without the latch (which sessions keep setting), serving interrupts.
            unsafe {
                let events = pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
                let rest = rest.as_millis().clamp(1, 5);
                pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, rest as _, pg_sys::PG_WAIT_EXTENSION);
            }
            pgrx::check_for_interrupts!();
        }
    }

    fn round(&mut self) -> Result<Round, ()> {
        // After a failure one entry at a time, to find the one that cannot be recorded.
        let limit = if self.failures == 0 { BATCH_ENTRIES } else { 1 };
        let taken = self.queue.look(limit, BATCH_BYTES);
        if taken.damaged && taken.entries.is_empty() {
            let lost = self.queue.clear();
            self.queue.unrecordable.fetch_add(1, Ordering::AcqRel);
            self.queue.last_error.set("the queue was written over");
            pgrx::log!("pg_auditlog: the queue was written over; {lost} bytes of it are lost");
            return Ok(Round::More);
        }
        let (dropped, told) = (
            self.queue.dropped.load(Ordering::Acquire),
            self.queue.told.load(Ordering::Acquire),
        );
        let nothing = taken.entries.is_empty() && dropped == told;
        let mut refused = Vec::new();
        let result = job::attempt(|| {
            if database_is_being_dropped() || catalog::find().is_none() {
                return Round::Leave;
            }
            self.note_name();
            if nothing || !extension_stays() {
                return Round::Idle;
            }
            if dropped > told {
                tell_of_dropped(dropped - told);
            }
            refused = record(&taken.entries);
            RECORDED.set(Some(Recorded {
                queue: self.queue,
                until: taken.next,
                entries: taken.entries.len() as u64,
                told: dropped,
            }));
            Round::More
        });
        if !nothing {
            self.last_batch = Instant::now();
        }
        match result {
            Ok(round) => {
                // Not before the commit: what is rolled back is tried once more, and would be told of twice.
                for (entry, why) in refused {
                    give_up(self.queue, entry, &why);
                }
                self.failures = 0;
                Ok(round)
            }
            Err(failure) => {
                self.queue.last_error.set(&failure.message);
                self.failures += 1;
                if let [entry] = taken.entries.as_slice()
                    && self.failures > ATTEMPTS
                    && is_entrys_fault(failure.code)
                {
                    give_up(self.queue, entry, &failure.message);
                    self.queue.free(taken.next, 0);
                    self.failures = 0;
                }
                Err(())
            }
        }
    }

    /// Sessions that are not connected yet know their database by name only.
    fn note_name(&self) {
        let name = crate::provenance::database();
        if self.slot.name.get().as_deref() != Some(&*name) {
            self.slot.name.set(&name);
        }
    }
}

/// Records entries in the running transaction. Returns those that are no events, and why.
fn record(entries: &[Vec<u8>]) -> Vec<(&[u8], String)> {
    // SAFETY: the transaction's memory.
    let mut bulk = unsafe { Bulk::begin(pg_sys::CurrentMemoryContext) };
    let memory = RowMemory::new();
    let mut refused = Vec::new();
    for bytes in entries {
        memory.clear();
        let Some(entry) = Entry::decode(bytes) else {
            refused.push((bytes.as_slice(), "it cannot be decoded".to_owned()));
            continue;
        };
        let mut row = RowBuf::new();
        match own_event::row_for(&entry, &mut row) {
            Ok(()) => bulk.push(&row),
            Err(fault) => refused.push((bytes.as_slice(), fault.to_string())),
        }
    }
    drop(memory);
    bulk.end();
    refused
}

/// Is it the entry that is wrong, and not the server's state?
fn is_entrys_fault(code: Code) -> bool {
    use Code::{
        ERRCODE_CHARACTER_NOT_IN_REPERTOIRE, ERRCODE_DATA_CORRUPTED, ERRCODE_INTERNAL_ERROR,
        ERRCODE_INVALID_PARAMETER_VALUE, ERRCODE_INVALID_TEXT_REPRESENTATION, ERRCODE_NULL_VALUE_NOT_ALLOWED,
        ERRCODE_PROGRAM_LIMIT_EXCEEDED, ERRCODE_STATEMENT_TOO_COMPLEX, ERRCODE_UNTRANSLATABLE_CHARACTER,
    };
    matches!(
        code,
        ERRCODE_CHARACTER_NOT_IN_REPERTOIRE
            | ERRCODE_DATA_CORRUPTED
            | ERRCODE_INTERNAL_ERROR
            | ERRCODE_INVALID_PARAMETER_VALUE
            | ERRCODE_INVALID_TEXT_REPRESENTATION
            | ERRCODE_NULL_VALUE_NOT_ALLOWED
            | ERRCODE_PROGRAM_LIMIT_EXCEEDED
            | ERRCODE_STATEMENT_TOO_COMPLEX
            | ERRCODE_UNTRANSLATABLE_CHARACTER
    )
}

/// What cannot be recorded goes to the server's log, so that it is not lost and keeps nobody waiting.
pub(super) fn give_up(queue: &Queue, entry: &[u8], why: &str) {
    queue.unrecordable.fetch_add(1, Ordering::AcqRel);
    queue.last_error.set(why);
    pgrx::log!(
        "pg_auditlog: a queued event cannot be recorded: {why}: {}",
        String::from_utf8_lossy(entry).replace('\0', " ")
    );
}

/// What found no room is gone; that it is gone is in the log.
fn tell_of_dropped(entries: u64) {
    own_event::record(&OwnEvent {
        event_type: "auditlog.write_failed",
        severity: "critical",
        actor: ("system", "pg_auditlog"),
        operation: "access_journal",
        metadata: &[
            ("entries", own_event::number(entries as i64)),
            (
                "reason",
                own_event::text("the access queue was full, and auditlog.access_policy let them through"),
            ),
        ],
    });
}
