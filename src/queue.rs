//! The way out of a transaction: entries of a session that are recorded whatever becomes of its
//! transaction, in shared memory until the recorder has committed them.
//!
//! Whoever does something that must be told of reserves a place first, where waiting and failing are still
//! possible ([`reserve`]), and puts the entry there when it is over ([`Reservation::push`]), which can neither
//! wait nor fail: at commit, after an error, while the session is being ended. A server crash loses what is
//! queued.
//!
//! Each database has a ring and a lock. Nothing raises an error while the lock is held, and PostgreSQL serves
//! no interrupt meanwhile, so the ring is whole whenever somebody gets the lock.

use crate::error::Fault;
use crate::guc::{self, AccessPolicy};
use crate::shmem::text::LastError;
use crate::shmem::{self, SLOTS, Slot};
pub use auditlog_queue::{Entry, Provenance, Taken};
use auditlog_queue::{Positions, Ring, framed};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One ring's control block. All zero is the empty queue, once the condition variable is set up.
#[repr(C)]
pub struct Queue {
    positions: UnsafeCell<Positions>,
    room: UnsafeCell<pg_sys::ConditionVariable>,
    /// Changes when the ring is given to another database: promises made before are void.
    generation: AtomicU32,
    /// Sessions that wait for room.
    waiting: AtomicU32,
    /// When what waits was put in first, microseconds since the Unix epoch; 0 when nothing waits.
    oldest: AtomicI64,
    /// Entries put in.
    pub pushed: AtomicU64,
    /// Entries recorded.
    pub recorded: AtomicU64,
    /// Entries that found no room and were let go, as `auditlog.access_policy = count` allows.
    pub dropped: AtomicU64,
    /// Of those, how many the log has been told of.
    pub told: AtomicU64,
    /// What was refused because its entry found no room.
    pub refused: AtomicU64,
    /// How often somebody waited for room.
    pub waits: AtomicU64,
    /// Entries that could not be recorded and went to the server's log.
    pub unrecordable: AtomicU64,
    /// When the recorder committed last, microseconds since the Unix epoch.
    pub last_recorded: AtomicI64,
    /// The recorder's last failure.
    pub last_error: LastError,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy)]
pub struct Fill {
    /// Bytes of waiting entries.
    pub used: u64,
    /// Bytes promised.
    pub reserved: u64,
    /// Bytes in all.
    pub size: u64,
    /// When the oldest waiting entry was put in, microseconds since the Unix epoch; 0 when none waits.
    pub oldest: i64,
}

static QUEUES: AtomicPtr<Queue> = AtomicPtr::new(std::ptr::null_mut());
static LOCKS: AtomicPtr<pg_sys::LWLockPadded> = AtomicPtr::new(std::ptr::null_mut());
const TRANCHE: &std::ffi::CStr = c"pg_auditlog_queue";

thread_local! {
    /// Bytes that this process was promised, and of which generation of which queue.
    static HELD: Cell<(usize, u32, u64)> = const { Cell::new((0, 0, 0)) };
    static EXIT: Cell<bool> = const { Cell::new(false) };
}

fn ring_bytes() -> usize {
    guc::ACCESS_QUEUE_SIZE.get() as usize * 1024
}

fn total_bytes() -> usize {
    SLOTS * (size_of::<Queue>().next_multiple_of(64) + ring_bytes())
}

/// Asks for memory and locks; called in the postmaster's request hook.
pub fn request() {
    // SAFETY: called where PostgreSQL wants it to be called.
    unsafe {
        pg_sys::RequestAddinShmemSpace(total_bytes());
        pg_sys::RequestNamedLWLockTranche(TRANCHE.as_ptr(), SLOTS as i32);
    }
}

/// Finds the memory, and sets it up when it is new; called in the start-up hook.
pub fn startup() {
    // SAFETY: as above, with shared memory mapped. Only control blocks are touched, so that a ring that
    // nobody uses takes no memory.
    unsafe {
        let mut found = false;
        let memory: *mut Queue =
            pg_sys::ShmemInitStruct(c"pg_auditlog queues".as_ptr(), total_bytes(), &mut found).cast();
        if !found {
            for i in 0..SLOTS {
                let queue = memory.add(i);
                std::ptr::write_bytes(queue, 0, 1);
                pg_sys::ConditionVariableInit((*queue).room.get());
            }
        }
        LOCKS.store(pg_sys::GetNamedLWLockTranche(TRANCHE.as_ptr()), Ordering::Release);
        QUEUES.store(memory, Ordering::Release);
    }
}

/// The queue of a slot.
pub fn of(slot: &Slot) -> &'static Queue {
    // SAFETY: slots exist only with shared memory, where there is a queue for each.
    unsafe { &*QUEUES.load(Ordering::Acquire).add(shmem::number(slot)) }
}

impl Queue {
    fn number(&self) -> usize {
        // SAFETY: one of the array's elements.
        unsafe { std::ptr::from_ref(self).offset_from(QUEUES.load(Ordering::Acquire)) as usize }
    }

    /// Calls `f` with the ring, alone.
    fn with<R>(&self, f: impl FnOnce(&mut Ring<'_>) -> R) -> R {
        let number = self.number();
        // SAFETY: the lock guards positions and bytes; the rings lie behind all control blocks.
        unsafe {
            let lock = &raw mut (*LOCKS.load(Ordering::Acquire).add(number)).lock;
            let rings = QUEUES.load(Ordering::Acquire).add(SLOTS).cast::<u8>();
            let size = ring_bytes();
            pg_sys::LWLockAcquire(lock, pg_sys::LWLockMode::LW_EXCLUSIVE);
            let bytes = std::slice::from_raw_parts_mut(rings.add(number * size), size);
            let result = f(&mut Ring::new(&mut *self.positions.get(), bytes));
            pg_sys::LWLockRelease(lock);
            result
        }
    }

    /// How full it is.
    pub fn fill(&self) -> Fill {
        let positions = self.with(|ring| ring.positions());
        Fill {
            used: positions.used(),
            reserved: positions.reserved(),
            size: ring_bytes() as u64,
            oldest: if positions.used() == 0 {
                0
            } else {
                self.oldest.load(Ordering::Acquire)
            },
        }
    }

    /// Is it fuller than entries should be held back for?
    pub fn is_tight(&self) -> bool {
        let fill = self.fill();
        (fill.used + fill.reserved) * 2 > fill.size
    }

    /// Does anybody wait for room?
    pub fn is_waited_for(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Entries from the oldest on, for the recorder.
    pub fn look(&self, limit: usize, bytes: usize) -> Taken {
        self.with(|ring| ring.take(ring.positions().first(), limit, bytes))
    }

    /// The entries before `until` are dealt with, `entries` of them by recording.
    pub fn free(&self, until: u64, entries: u64) {
        self.with(|ring| {
            ring.free(until);
            self.oldest.store(shmem::unix_micros(), Ordering::Release);
        });
        self.recorded.fetch_add(entries, Ordering::AcqRel);
        self.last_recorded.store(shmem::unix_micros(), Ordering::Release);
        self.tell_waiting();
    }

    /// What waits cannot be read: throws it away, and returns how many bytes that were.
    pub fn clear(&self) -> u64 {
        let lost = self.with(|ring| ring.clear());
        self.tell_waiting();
        lost
    }

    /// The database's slot is given back, or goes to another database.
    pub fn reset(&self) {
        self.with(|ring| {
            ring.reset();
            self.generation.fetch_add(1, Ordering::AcqRel);
        });
        self.told.store(self.dropped.load(Ordering::Acquire), Ordering::Release);
        self.tell_waiting();
    }

    fn tell_waiting(&self) {
        if self.is_waited_for() {
            // SAFETY: a condition variable that was set up; cannot fail.
            unsafe { pg_sys::ConditionVariableBroadcast(self.room.get()) }
        }
    }

    fn give_back(&self, generation: u32, bytes: u64) {
        if bytes > 0 {
            self.with(|ring| {
                if self.generation.load(Ordering::Acquire) == generation {
                    ring.release(bytes);
                }
            });
            self.tell_waiting();
        }
    }

    /// Puts an entry in, into a promised place or when there is room beside what is promised. Not when the promise
    /// was made for another database.
    fn push(&self, generation: Option<u32>, reserved: u64, entry: &[u8]) -> bool {
        let now = shmem::unix_micros();
        let pushed = self.with(|ring| {
            if generation.is_some_and(|promised| promised != self.generation.load(Ordering::Acquire)) {
                return None;
            }
            if ring.positions().used() == 0 {
                self.oldest.store(now, Ordering::Release);
            }
            Some(ring.push_reserved(reserved, entry))
        });
        match pushed {
            Some(true) => self.pushed.fetch_add(1, Ordering::AcqRel),
            Some(false) => self.dropped.fetch_add(1, Ordering::AcqRel),
            None => 0,
        };
        if reserved > 0 {
            self.tell_waiting();
        }
        pushed == Some(true)
    }
}

/// A place in a queue. It has to be used, or dropped, by the process that reserved it.
#[derive(Debug)]
pub struct Reservation {
    slot: usize,
    generation: u32,
    bytes: u64,
}

/// Reserves room for an entry whose [`Entry::size`] is `bytes` at most. When there is none, does as
/// `auditlog.access_policy` says: waits, refuses, or lets the entry go and counts it. An entry that finds no room
/// later because it was let go here is counted when it is pushed.
pub fn reserve(slot: &Slot, bytes: usize) -> Result<Reservation, Fault> {
    let queue = of(slot);
    let mut reservation = Reservation {
        slot: shmem::number(slot),
        generation: queue.generation.load(Ordering::Acquire),
        bytes: 0,
    };
    reservation.obtain(framed(bytes))?;
    Ok(reservation)
}

impl Reservation {
    fn queue(&self) -> &'static Queue {
        of(&shmem::slots()[self.slot])
    }

    /// Makes the place as large as an entry of `bytes` needs.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Fault> {
        match framed(bytes).checked_sub(self.bytes) {
            Some(more) if more > 0 => self.obtain(more),
            _ => Ok(()),
        }
    }

    /// Takes another place of the same queue into this one.
    pub fn absorb(&mut self, mut other: Reservation) {
        if other.generation == self.generation {
            self.bytes += std::mem::take(&mut other.bytes);
        }
    }

    /// Puts the entry into its place. Neither waits nor fails.
    pub fn push(mut self, entry: &Entry) {
        let reserved = std::mem::take(&mut self.bytes);
        forget(reserved);
        self.queue().push(Some(self.generation), reserved, &entry.encode());
        shmem::slots()[self.slot].recorder.wake();
    }

    /// Gives back what an entry of `bytes` does not need.
    pub fn shrink(&mut self, bytes: usize) {
        if let Some(less) = self.bytes.checked_sub(framed(bytes)) {
            self.bytes -= less;
            forget(less);
            self.queue().give_back(self.generation, less);
        }
    }

    fn obtain(&mut self, bytes: u64) -> Result<(), Fault> {
        let queue = self.queue();
        if bytes > ring_bytes() as u64 / 2 {
            return Err(full("the entry is larger than half of the access queue"));
        }
        if !queue.with(|ring| ring.reserve(bytes)) {
            match guc::ACCESS_POLICY.get() {
                AccessPolicy::Count => return Ok(()),
                AccessPolicy::Refuse => {
                    queue.refused.fetch_add(1, Ordering::AcqRel);
                    return Err(full("the access queue is full"));
                }
                AccessPolicy::Block if !wait(queue, bytes) => {
                    queue.refused.fetch_add(1, Ordering::AcqRel);
                    return Err(full("the access queue stayed full for auditlog.access_timeout"));
                }
                AccessPolicy::Block => {}
            }
        }
        self.bytes += bytes;
        remember(self.slot, self.generation, bytes);
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            forget(self.bytes);
            self.queue().give_back(self.generation, self.bytes);
        }
    }
}

/// Waits until there is room, and takes it; false when it took too long.
fn wait(queue: &'static Queue, bytes: u64) -> bool {
    struct Waiting(&'static Queue);
    impl Drop for Waiting {
        fn drop(&mut self) {
            self.0.waiting.fetch_sub(1, Ordering::AcqRel);
        }
    }
    let until = Instant::now() + Duration::from_millis(guc::ACCESS_TIMEOUT.get() as u64);
    queue.waits.fetch_add(1, Ordering::AcqRel);
    queue.waiting.fetch_add(1, Ordering::AcqRel);
    let waiting = Waiting(queue);
    let obtained = loop {
        // SAFETY: prepared before the look, so that room made in between is not missed.
        unsafe { pg_sys::ConditionVariablePrepareToSleep(queue.room.get()) };
        if queue.with(|ring| ring.reserve(bytes)) {
            break true;
        }
        shmem::slots()[queue.number()].recorder.wake();
        let left = until.saturating_duration_since(Instant::now()).as_millis();
        if left == 0 {
            break false;
        }
        // SAFETY: serves interrupts; an error there ends the transaction, which ends the waiting.
        unsafe {
            pg_sys::ConditionVariableTimedSleep(queue.room.get(), left as _, pg_sys::PG_WAIT_EXTENSION);
        }
    };
    // SAFETY: ends what was begun above.
    unsafe {
        pg_sys::ConditionVariableCancelSleep();
    }
    drop(waiting);
    obtained
}

fn full(why: &str) -> Fault {
    Fault::new(
        Code::ERRCODE_INSUFFICIENT_RESOURCES,
        "access to the audit log cannot be recorded",
    )
    .detail(format!(
        "What is read must be recorded first, and {why}; auditlog.access_queue_size is {} kB.",
        guc::ACCESS_QUEUE_SIZE.get()
    ))
    .hint("See auditlog.stat_access and auditlog.health(); is the recorder running, and can it write?")
}

/// Puts an entry into the queue of a database when there is room beside what others have reserved. For what has
/// happened already and cannot be refused any more. Never raises an error: what finds no room is counted.
pub fn try_push(database: pg_sys::Oid, entry: &Entry) -> bool {
    let Some(slot) = shmem::known_slot(database) else {
        return false;
    };
    // SAFETY: reads this server's state.
    if unsafe { pg_sys::RecoveryInProgress() } && !guc::reads_are_forwarded() {
        // Nobody records here.
        of(slot).dropped.fetch_add(1, Ordering::AcqRel);
        return false;
    }
    let pushed = of(slot).push(None, 0, &entry.encode());
    slot.recorder.wake();
    pushed
}

/// What this process was promised and does not use any more when it ends.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn at_exit(_code: i32, _argument: pg_sys::Datum) {
    let (slot, generation, bytes) = HELD.replace((0, 0, 0));
    if let Some(slot) = shmem::slots().get(slot) {
        of(slot).give_back(generation, bytes);
    }
}

fn remember(slot: usize, generation: u32, bytes: u64) {
    if !EXIT.replace(true) {
        // SAFETY: a plain function; runs while this process may still take locks.
        unsafe { pg_sys::on_shmem_exit(Some(at_exit), pg_sys::Datum::null()) }
    }
    let (_, known, held) = HELD.get();
    HELD.set((slot, generation, if known == generation { held + bytes } else { bytes }));
}

fn forget(bytes: u64) {
    let (slot, generation, held) = HELD.get();
    HELD.set((slot, generation, held.saturating_sub(bytes)));
}
