//! The sealer: one for each database. It moves committed events from the inbox into the log, in
//! batches, and is the only process that ever does.

use super::presence::{database_is_being_dropped, extension_stays, may_work};
use super::{indexer::Indexer, job, launcher, origin, upkeep::Upkeep};
use crate::guc;
use crate::shmem::{self, INBOXES, Slot};
use crate::store::head::{self, Head};
use crate::store::inbox::{self, Waiting};
use crate::store::partitions::Partitions;
use crate::store::{catalog, log, tiles};
use auditlog_tlog::tile::Appender;
use pgrx::bgworkers::BackgroundWorker;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// At most this often a batch is begun: larger batches cost less, for writers too.
const BETWEEN_BATCHES: Duration = Duration::from_millis(50);
/// The same under load. A batch costs a few milliseconds whatever its size, and those are the writers'
/// as well; still well below `auditlog.seal_interval`.
const BETWEEN_LARGE_BATCHES: Duration = Duration::from_millis(150);
/// Events of a batch that mean load.
const LARGE_BATCH: usize = 200;
/// A full look through all inbox tables, for rows that nobody announced (COMMIT PREPARED, rows that
/// a superuser inserted), may take this share of the time.
const FULL_SCAN_SHARE: u32 = 20;
/// Shortest time between two full looks.
const FULL_SCAN_INTERVAL: Duration = Duration::from_secs(1);
/// Time between two looks whether a new database is quiet.
const QUIET_CHECK: Duration = Duration::from_millis(500);
/// Time between two looks whether a new partition is ready.
const SOON: Duration = Duration::from_millis(20);
/// Seconds that the launcher waits before it starts this sealer again after a DROP DATABASE that
/// may yet fail.
const AFTER_DROP: i64 = 3;

#[doc(hidden)]
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auditlog_sealer_main(argument: pg_sys::Datum) {
    let Some(slot) = super::begin(argument, super::Duty::Sealer) else {
        return;
    };
    let pause = Sealer::new(slot).run();
    match pause {
        Some(seconds) => slot.sealer.unregister(seconds),
        None => shmem::free(slot),
    }
}

/// What a round found.
enum Round {
    /// Events were sealed, and more may be waiting.
    More,
    /// Events wait for a new partition to become ready.
    Soon,
    /// Nothing is left to do.
    Idle,
    /// The extension is not here (any more).
    NoExtension,
    /// Somebody wants to drop the database.
    Leave,
}

struct Sealer {
    slot: &'static Slot,
    partitions: Partitions,
    upkeep: Upkeep,
    indexer: Indexer,
    /// The Merkle tree's right edge as committed; read again after a failure.
    tree: Option<Appender>,
    /// For each inbox, the block to look from; `None` when nothing is known to be there.
    from: [Option<u32>; INBOXES],
    next_full_scan: Instant,
    last_batch: Instant,
    /// Time to let pass before the next batch.
    between: Duration,
    failures: u32,
    /// The log's table; another one after DROP and CREATE EXTENSION.
    log: pg_sys::Oid,
    next_quiet_check: Instant,
    /// Size of the log after the running round, when it has sealed anything.
    sealed_to: Option<i64>,
    /// The log has events, so this is no database that a dump may be about to be loaded into.
    started: bool,
}

impl Sealer {
    fn new(slot: &'static Slot) -> Sealer {
        Sealer {
            slot,
            partitions: Partitions::default(),
            upkeep: Upkeep::at_start(),
            indexer: Indexer::default(),
            tree: None,
            from: [Some(0); INBOXES],
            next_full_scan: Instant::now(),
            last_batch: Instant::now() - BETWEEN_BATCHES,
            between: BETWEEN_BATCHES,
            failures: 0,
            next_quiet_check: Instant::now(),
            log: pg_sys::Oid::INVALID,
            sealed_to: None,
            started: false,
        }
    }

    /// Works until there is nothing to work for; returns the seconds after which to start again,
    /// `None` when this database has no extension.
    fn run(mut self) -> Option<i64> {
        let mut nap = None;
        loop {
            if let Some(nap) = nap
                && !BackgroundWorker::wait_latch(Some(self.back_off(nap)))
            {
                return Some(1);
            }
            pgrx::check_for_interrupts!();
            launcher::reload();
            self.linger();
            nap = match self.round() {
                Round::More => None,
                Round::Soon => Some(SOON),
                Round::Idle => Some(Duration::from_millis(guc::SEAL_INTERVAL.get() as u64)),
                Round::NoExtension => return None,
                Round::Leave => return Some(AFTER_DROP),
            };
            // Sealing comes first: the index gets a piece of time between two rounds.
            if self.started && self.indexer.step(self.slot, nap.is_some(), may_work) {
                nap = None;
            }
        }
    }

    /// After failures the naps grow, up to 10 s: a full disk must not fill the server's log.
    fn back_off(&self, nap: Duration) -> Duration {
        nap.saturating_mul(1 << self.failures.min(6))
            .min(Duration::from_secs(10))
            .max(nap)
    }

    /// Lets a batch grow, unless somebody waits for it.
    fn linger(&self) {
        while self.last_batch.elapsed() < self.between && !self.slot.urgent.load(Ordering::Acquire) {
            let rest = self
                .between
                .saturating_sub(self.last_batch.elapsed())
                .as_millis()
                .clamp(1, 10);
            // SAFETY: sleeps without the latch (which writers keep setting), serving interrupts.
            unsafe {
                let events = pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
                pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, rest as _, pg_sys::PG_WAIT_EXTENSION);
            }
            pgrx::check_for_interrupts!();
        }
    }

    fn round(&mut self) -> Round {
        // Taken before the look: what is announced from now on wakes us again.
        self.slot.pending.store(false, Ordering::Release);
        self.slot.urgent.store(false, Ordering::Release);
        for i in 0..INBOXES {
            if let Some(block) = self.slot.take_hint(i) {
                self.from[i] = Some(self.from[i].map_or(block, |b| b.min(block)));
            }
        }
        let full = Instant::now() >= self.next_full_scan;
        if full {
            self.from = [Some(0); INBOXES];
        }
        let before = self.from;
        let begun = Instant::now();
        self.sealed_to = None;
        let result = job::transaction(|| self.seal());
        self.slot.last_round.store(shmem::unix_micros(), Ordering::Release);
        match result {
            Ok(round) => {
                self.failures = 0;
                if let Some(size) = self.sealed_to {
                    self.slot.announce_sealed(size);
                }
                if full {
                    self.next_full_scan = Instant::now() + FULL_SCAN_INTERVAL.max(begun.elapsed() * FULL_SCAN_SHARE);
                }
                round
            }
            Err(message) => {
                self.from = before;
                self.partitions.forget();
                self.tree = None;
                self.failures += 1;
                self.slot.errors.set(&message);
                Round::Idle
            }
        }
    }

    /// One transaction: looks, seals, cleans up.
    fn seal(&mut self) -> Round {
        if database_is_being_dropped() {
            return Round::Leave;
        }
        let Some(objects) = catalog::find() else {
            return Round::NoExtension;
        };
        if !extension_stays() {
            return Round::Idle;
        }
        if self.log != objects.log {
            self.log = objects.log;
            self.partitions.forget();
            self.started = false;
        }
        // While a dump is being loaded nothing may be made here: health() says what we wait for.
        if !self.started {
            match origin::settle() {
                Ok(has_events) => self.started = has_events,
                Err(_) => return Round::Idle,
            }
        }
        let limit = guc::SEAL_BATCH.get() as usize;
        let mut waiting: Vec<Waiting> = Vec::new();
        let mut next = [None; INBOXES];
        self.partitions.refresh(self.slot);
        // The table that writers use now comes last: a transaction that went from one to the next
        // keeps its order, also when the batch is full before its end.
        let active = self.slot.active_inbox.load(Ordering::Acquire) as usize % INBOXES;
        for i in (1..=INBOXES).map(|k| (active + k) % INBOXES) {
            if let Some(from) = self.from[i] {
                let place = |timestamp, event_type: &str| self.partitions.ready(timestamp, event_type);
                next[i] = inbox::collect(i, from, limit, place, &mut waiting);
            }
        }
        if waiting.is_empty() {
            self.from = next;
            // Partitions are made ahead once events were sealed, or nobody can be loading a dump here:
            // they would be in its way.
            if self.started
                || Instant::now() >= self.next_quiet_check && {
                    self.next_quiet_check = Instant::now() + QUIET_CHECK;
                    origin::is_quiet()
                }
            {
                self.upkeep.run(self.slot, &mut self.partitions);
            }
            return if next.iter().any(Option::is_some) {
                Round::Soon
            } else {
                Round::Idle
            };
        }
        let head = match origin::ready() {
            Ok(head) => head,
            Err(why) => crate::error::Fault::broken(why).raise(),
        };
        // Physical order is nearly the order of recording; this makes it exact within a batch, and
        // so within a transaction.
        waiting.sort_by_key(|w| w.recorded_at);
        let sealed_at = shmem::unix_micros();
        let begun = Instant::now();
        let sealed = log::append(&waiting, &head, sealed_at);
        let appended = Instant::now();
        self.grow_tree(&head, &sealed);
        if guc::NOTIFY.get() && waiting.iter().any(|row| row.is_news) {
            head::notify(head.size, sealed.size - 1);
        }
        self.sealed_to = Some(sealed.size);
        let micros = |duration: Duration| duration.as_micros() as u64;
        self.slot
            .tree_us
            .fetch_add(micros(appended.elapsed()), Ordering::Relaxed);
        self.slot.seal_us.fetch_add(micros(begun.elapsed()), Ordering::Relaxed);
        self.upkeep.after_batch(waiting.iter().map(|w| w.inbox), self.slot);
        self.last_batch = Instant::now();
        self.between = if next.iter().any(Option::is_some) {
            Duration::ZERO // the batch was full
        } else if waiting.len() >= LARGE_BATCH {
            BETWEEN_LARGE_BATCHES
        } else {
            BETWEEN_BATCHES
        };
        self.started = true;
        self.from = next;
        self.report(&waiting, &sealed, sealed_at);
        if next.iter().any(Option::is_some) {
            Round::More
        } else {
            Round::Idle
        }
    }

    /// Appends the rows to the Merkle tree and moves the head.
    fn grow_tree(&mut self, head: &Head, sealed: &log::Sealed) {
        let fits = |tree: &Appender| tree.size() == head.size as u64 && tree.root() == head.root;
        let known = self.tree.take().filter(fits);
        let mut tree = known.or_else(|| tiles::edge(head)).unwrap_or_else(|| {
            crate::error::Fault::broken("the tiles of the Merkle tree do not give the root on record")
                .detail(format!("The log has {} events.", head.size))
                .hint("Run auditlog.verify(); somebody changed auditlog_data.tile or auditlog_data.head.")
                .raise()
        });
        for leaf in &sealed.leaves {
            tree.append(*leaf);
        }
        tiles::write(&tree.changed());
        let after = Head {
            size: sealed.size,
            hash: sealed.hash,
            root: tree.root(),
        };
        head::advance(head, &after);
        self.tree = Some(tree);
    }

    fn report(&self, waiting: &[Waiting], sealed: &log::Sealed, sealed_at: i64) {
        let slot = self.slot;
        slot.sealed.fetch_add(waiting.len() as u64, Ordering::Relaxed);
        slot.batches.fetch_add(1, Ordering::Relaxed);
        slot.last_batch.store(waiting.len() as u64, Ordering::Relaxed);
        slot.last_seal.store(sealed_at, Ordering::Relaxed);
        slot.last_lag.store(sealed_at - sealed.oldest, Ordering::Relaxed);
        for index in &sealed.tampered {
            slot.tampered.fetch_add(1, Ordering::Relaxed);
            pgrx::log!("pg_auditlog: event {index} was changed in the inbox before it was sealed");
        }
    }
}
