//! Shared memory: wake flags, hints and counters, one slot for each database that has the
//! extension. Never truth: everything here may be lost without an answer becoming wrong.

pub mod place;
pub mod text;

use pgrx::pg_sys;
use place::Place;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use text::{LastError, Text};

/// Databases with the extension that one cluster can serve.
pub const SLOTS: usize = 64;
/// Inbox tables that writers rotate through.
pub const INBOXES: usize = 4;
/// Waiting transactions that are known; a further one may have to wait longer.
const WAITERS: usize = 64;

/// A worker of one database. All zero: the launcher should start one.
#[repr(C)]
pub struct Worker {
    /// Process id; 0 means that there is none.
    pub pid: AtomicI32,
    /// Address of its latch, in shared memory.
    latch: AtomicUsize,
    /// Earliest time (Unix seconds) at which the launcher may start it again.
    pub not_before: AtomicI64,
}

impl Worker {
    /// Is this process not needed, because another one already does this work?
    pub fn is_taken(&self) -> bool {
        let running = self.pid.load(Ordering::Acquire);
        // SAFETY: a global of this process; looks a pid up among the cluster's processes.
        running > 0 && unsafe { running != pg_sys::MyProcPid && !pg_sys::BackendPidGetProc(running).is_null() }
    }

    /// Makes this process the worker.
    pub fn register(&self) {
        // SAFETY: plain globals of this process.
        unsafe {
            self.latch.store(pg_sys::MyLatch as usize, Ordering::Release);
            self.pid.store(pg_sys::MyProcPid, Ordering::Release);
            self.not_before.store(0, Ordering::Release);
        }
    }

    /// The worker leaves; the launcher may start another after `pause` seconds.
    pub fn unregister(&self, pause: i64) {
        self.not_before
            .store(unix_micros() / 1_000_000 + pause, Ordering::Release);
        self.latch.store(0, Ordering::Release);
        self.pid.store(0, Ordering::Release);
    }

    /// Wakes it, or the launcher when there is none.
    pub fn wake(&self) {
        match self.latch.load(Ordering::Acquire) {
            0 => wake_launcher(),
            address => set_latch(address),
        }
    }

    /// Wakes it if there is one.
    pub fn nudge(&self) {
        set_latch(self.latch.load(Ordering::Acquire));
    }

    /// There is something to do: it is woken, or started without waiting any longer.
    pub fn start_soon(&self) {
        self.not_before.store(0, Ordering::Release);
        self.wake();
    }

    fn clear(&self) {
        self.pid.store(0, Ordering::Release);
        self.latch.store(0, Ordering::Release);
        self.not_before.store(0, Ordering::Release);
    }
}

/// What the processes of one database share. All zero is the valid empty state, once the condition variable is set up.
#[repr(C)]
pub struct Slot {
    /// The database; 0 means free.
    pub database: AtomicU32,
    /// The sealer.
    pub sealer: Worker,
    /// The publisher of checkpoints.
    pub publisher: Worker,
    /// The recorder of what sessions leave in the queue.
    pub recorder: Worker,
    /// The evaluator of alerts.
    pub evaluator: Worker,
    /// The deliverer of notifications.
    pub deliverer: Worker,
    /// The scheduler of jobs.
    pub scheduler: Worker,
    /// The keeper, which does what retention asks for.
    pub keeper: Worker,
    /// The exporter, which writes exports to files.
    pub exporter: Worker,
    /// Exports that have failed, and its failed rounds.
    pub exporter_errors: LastError,
    /// The reporter, which makes reports.
    pub reporter: Worker,
    /// Reports that have failed, and its failed rounds.
    pub reporter_errors: LastError,
    /// The streamer, which sends events to sinks.
    pub streamer: Worker,
    /// The streamer's failed rounds.
    pub streamer_errors: LastError,
    /// The keeper's failed rounds.
    pub keeper_errors: LastError,
    /// The scheduler's failed rounds.
    pub scheduler_errors: LastError,
    /// Runs of jobs that are under way.
    pub jobs_running: AtomicU64,
    /// Runs that were started.
    pub jobs_started: AtomicU64,
    /// Runs that were due while nobody was there, and were let go.
    pub jobs_skipped: AtomicU64,
    /// The evaluator's failed rounds.
    pub evaluator_errors: LastError,
    /// The deliverer's failed rounds.
    pub deliverer_errors: LastError,
    /// Position of the evaluator.
    pub evaluated: AtomicU64,
    /// Groups that it holds in memory.
    pub alert_groups: AtomicU64,
    /// Groups that it gave up because there were too many.
    pub alert_lost_groups: AtomicU64,
    /// Events of groups that it gave up.
    pub alert_dropped_entries: AtomicU64,
    /// The database's name, once a worker has looked it up.
    pub name: Text<16>,
    /// Somebody waits for a checkpoint.
    pub checkpoint_wanted: AtomicBool,
    /// Attempts of the publisher that have ended, whatever came of them.
    pub checkpoint_attempts: AtomicU64,
    /// Somebody committed events since the sealer last looked.
    pub pending: AtomicBool,
    /// Somebody waits in `await_sealed`, so the sealer should not linger for a larger batch.
    pub urgent: AtomicBool,
    /// The inbox table that writers use now.
    pub active_inbox: AtomicU32,
    /// For each inbox, 1 + the lowest block with newly committed rows; 0 means none.
    hint: [AtomicU32; INBOXES],
    /// Where the head's row is once the sealer's last transaction commits: a hint.
    pub head_place: Place,
    /// Events that this process generation sealed.
    pub sealed: AtomicU64,
    /// Sealing transactions.
    pub batches: AtomicU64,
    /// Events whose entry did not match their hash when they were sealed.
    pub tampered: AtomicU64,
    /// Time of the last batch, microseconds since the Unix epoch.
    pub last_seal: AtomicI64,
    /// Time of the sealer's last round, also when there was nothing to seal.
    pub last_round: AtomicI64,
    /// Events of the last batch.
    pub last_batch: AtomicU64,
    /// Size of the log after the last batch; 0 when there was none since the start.
    pub log_size: AtomicI64,
    /// Told of each batch once it is committed.
    pub sealed_more: UnsafeCell<pg_sys::ConditionVariable>,
    /// Oldest event's wait in the last batch, microseconds from record to seal.
    pub last_lag: AtomicI64,
    /// Time that batches took, without their commits, in microseconds.
    pub seal_us: AtomicU64,
    /// Of that, time for the Merkle tree.
    pub tree_us: AtomicU64,
    /// Inbox tables emptied.
    pub truncations: AtomicU64,
    /// Failed rounds.
    pub errors: LastError,
    /// Calls that repeated an idempotency key.
    pub repeats: AtomicU64,
    /// Of those, calls whose event differed from the first one.
    pub differing_repeats: AtomicU64,
    /// Events that violated their JSON Schema and were recorded all the same.
    pub schema_warnings: AtomicU64,
    /// Transactions that do nothing but wait in `await_sealed`, each as two 32 bit numbers; 0 is free.
    waiters: [AtomicU64; WAITERS],
    /// Somebody asked for the word index to be made anew.
    pub rebuild_words: AtomicBool,
    /// Process id of the last `verify()`.
    pub verify_pid: AtomicI32,
    /// Rows that it has read.
    pub verify_done: AtomicU64,
    /// Rows that it has to read.
    pub verify_total: AtomicU64,
    /// When it began, microseconds since the Unix epoch.
    pub verify_started: AtomicI64,
}

#[repr(C)]
struct Shared {
    launcher_latch: AtomicUsize,
    slots: [Slot; SLOTS],
}

static SHARED: AtomicPtr<Shared> = AtomicPtr::new(std::ptr::null_mut());
static mut PREVIOUS_REQUEST: Option<unsafe extern "C-unwind" fn()> = None;
static mut PREVIOUS_STARTUP: Option<unsafe extern "C-unwind" fn()> = None;

/// Asks for the memory; called once by `_PG_init` in the postmaster.
pub fn init() {
    // SAFETY: the postmaster is single-threaded while it loads libraries.
    unsafe {
        PREVIOUS_REQUEST = pg_sys::shmem_request_hook;
        pg_sys::shmem_request_hook = Some(request);
        PREVIOUS_STARTUP = pg_sys::shmem_startup_hook;
        pg_sys::shmem_startup_hook = Some(startup);
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn request() {
    // SAFETY: PostgreSQL calls this hook once, in the postmaster.
    unsafe {
        if let Some(previous) = PREVIOUS_REQUEST {
            previous();
        }
        pg_sys::RequestAddinShmemSpace(size_of::<Shared>());
        crate::queue::request();
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn startup() {
    // SAFETY: PostgreSQL calls this hook with shared memory mapped; all-zero is a valid `Shared`.
    unsafe {
        if let Some(previous) = PREVIOUS_STARTUP {
            previous();
        }
        let mut found = false;
        let memory = pg_sys::ShmemInitStruct(c"pg_auditlog".as_ptr(), size_of::<Shared>(), &mut found);
        if !found {
            std::ptr::write_bytes(memory.cast::<u8>(), 0, size_of::<Shared>());
            for slot in &(*memory.cast::<Shared>()).slots {
                pg_sys::ConditionVariableInit(slot.sealed_more.get());
            }
        }
        SHARED.store(memory.cast(), Ordering::Release);
        crate::queue::startup();
    }
}

fn shared() -> Option<&'static Shared> {
    // SAFETY: set once to memory that lives as long as the cluster; all fields are atomics.
    unsafe { SHARED.load(Ordering::Acquire).as_ref() }
}

/// Is the library loaded by `shared_preload_libraries`?
pub fn loaded() -> bool {
    shared().is_some()
}

/// All slots, for the launcher.
pub fn slots() -> &'static [Slot] {
    shared().map_or(&[], |s| &s.slots)
}

/// Which of [`slots`] this is.
pub fn number(slot: &Slot) -> usize {
    // SAFETY: every slot is an element of the array.
    unsafe { std::ptr::from_ref(slot).offset_from(slots().as_ptr()) as usize }
}

/// The slot of a database, when it has one.
pub fn known_slot(database: pg_sys::Oid) -> Option<&'static Slot> {
    let wanted = database.to_u32();
    slots()
        .iter()
        .find(|slot| wanted != 0 && slot.database.load(Ordering::Acquire) == wanted)
}

/// The slot of the database of this name, as its workers saw the name last. For sessions that are not connected
/// to a database yet.
pub fn slot_named(name: &str) -> Option<&'static Slot> {
    slots()
        .iter()
        .find(|slot| slot.database.load(Ordering::Acquire) != 0 && slot.name.get().as_deref() == Some(name))
}

/// The slot of a database, claimed when it has none yet; `None` when all are taken or the library
/// was not preloaded.
pub fn slot(database: pg_sys::Oid) -> Option<&'static Slot> {
    let wanted = database.to_u32();
    if let Some(slot) = known_slot(database) {
        return Some(slot);
    }
    slots().iter().find(|s| {
        match s
            .database
            .compare_exchange(0, wanted, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => true,
            Err(now) => now == wanted,
        }
    })
}

/// The slot of the database that this process is connected to.
pub fn my_slot() -> Option<&'static Slot> {
    // SAFETY: a plain global of this process.
    slot(unsafe { pg_sys::MyDatabaseId })
}

/// Gives the slot of a database without the extension back.
pub fn free(slot: &Slot) {
    slot.sealer.clear();
    slot.publisher.clear();
    slot.recorder.clear();
    slot.evaluator.clear();
    slot.deliverer.clear();
    slot.scheduler.clear();
    slot.keeper.clear();
    slot.exporter.clear();
    slot.reporter.clear();
    slot.streamer.clear();
    slot.name.set("");
    slot.log_size.store(0, Ordering::Release);
    slot.head_place.forget();
    crate::queue::of(slot).reset();
    slot.database.store(0, Ordering::Release);
}

/// Makes this process the launcher.
pub fn register_launcher() {
    if let Some(shared) = shared() {
        // SAFETY: a plain global of this process, pointing into shared memory.
        shared
            .launcher_latch
            .store(unsafe { pg_sys::MyLatch } as usize, Ordering::Release);
    }
}

/// Wakes the launcher; a no-op without one.
pub fn wake_launcher() {
    if let Some(shared) = shared() {
        set_latch(shared.launcher_latch.load(Ordering::Acquire));
    }
}

fn set_latch(address: usize) {
    if address != 0 {
        // SAFETY: the address of a PGPROC's latch in shared memory, which stays mapped; at worst
        // it belongs to another process by now, which then wakes up once for nothing.
        unsafe { pg_sys::SetLatch(address as *mut pg_sys::Latch) }
    }
}

impl Slot {
    /// A batch is committed, after which the log has `size` events.
    pub fn announce_sealed(&self, size: i64) {
        self.log_size.store(size, Ordering::Release);
        // SAFETY: a condition variable that was set up; cannot fail.
        unsafe { pg_sys::ConditionVariableBroadcast(self.sealed_more.get()) }
        self.evaluator.nudge();
        self.streamer.nudge();
    }

    /// Announces committed rows from `block` of an inbox on, and wakes the sealer if it sleeps.
    pub fn announce(&self, inbox: usize, block: u32) {
        let mut now = self.hint[inbox].load(Ordering::Acquire);
        while now == 0 || now > block + 1 {
            match self.hint[inbox].compare_exchange_weak(now, block + 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(seen) => now = seen,
            }
        }
        self.wake();
    }

    /// Wakes the sealer, or the launcher when there is none. Once per round is enough.
    pub fn wake(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
            self.sealer.wake();
        }
    }

    /// Takes the hint of an inbox: the lowest block with news.
    pub fn take_hint(&self, inbox: usize) -> Option<u32> {
        self.hint[inbox].swap(0, Ordering::AcqRel).checked_sub(1)
    }

    /// Notes a transaction that only waits; returns its place, when there is one.
    pub fn add_waiter(&self, transaction: [u32; 2]) -> Option<usize> {
        let key = waiter_key(transaction);
        self.waiters
            .iter()
            .position(|w| w.compare_exchange(0, key, Ordering::AcqRel, Ordering::Acquire).is_ok())
    }

    /// The waiting is over.
    pub fn remove_waiter(&self, place: usize) {
        self.waiters[place].store(0, Ordering::Release);
    }

    /// Does this transaction only wait?
    pub fn is_waiter(&self, transaction: [u32; 2]) -> bool {
        let key = waiter_key(transaction);
        self.waiters.iter().any(|w| w.load(Ordering::Acquire) == key)
    }
}

fn waiter_key(transaction: [u32; 2]) -> u64 {
    u64::from(transaction[0]) << 32 | u64::from(transaction[1])
}

/// The clock in microseconds since the Unix epoch.
pub fn unix_micros() -> i64 {
    // SAFETY: reads the clock.
    unsafe { crate::infallible::GetCurrentTimestamp() + crate::store::POSTGRES_EPOCH }
}
