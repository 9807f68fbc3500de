//! What the sealer does between batches: rotates and empties inbox tables, makes partitions ahead,
//! forgets old idempotency keys.

use crate::guc;
use crate::shmem::{self, INBOXES, Slot};
use crate::store::partitions::{Month, Partitions};
use crate::store::{idempotency, inbox};
use pgrx::pg_sys;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Blocks of 8 KiB that an idle inbox may keep.
const IDLE_BLOCKS: u32 = 64;
/// An idle inbox larger than that is rotated after this time, so that readers don't wade through it.
const IDLE_TIME: Duration = Duration::from_secs(2);
/// Time between two attempts to empty tables.
const TRUNCATE_INTERVAL: Duration = Duration::from_millis(500);
/// Time between two rounds of the rest.
const SLOW_INTERVAL: Duration = Duration::from_secs(60);
/// Months for which partitions are made ahead, besides the current one.
const MONTHS_AHEAD: usize = 2;

/// State of the upkeep.
pub struct Upkeep {
    /// For each inbox, the newest transaction that deleted sealed rows; at start, the newest of all.
    last_delete: [pg_sys::TransactionId; INBOXES],
    last_seal: Instant,
    next_truncate: Instant,
    next_slow: Instant,
}

impl Upkeep {
    /// For a sealer that just started.
    pub fn at_start() -> Upkeep {
        // SAFETY: reads the next transaction id; what was deleted before this start is older.
        let newest = unsafe { pg_sys::ReadNextFullTransactionId().value as u32 };
        let now = Instant::now();
        Upkeep {
            last_delete: [newest.into(); INBOXES],
            last_seal: now,
            next_truncate: now,
            next_slow: now,
        }
    }

    /// This transaction deleted the sealed rows of these inboxes.
    pub fn after_batch(&mut self, inboxes: impl Iterator<Item = usize>, slot: &Slot) {
        // SAFETY: the transaction has an id, because it wrote.
        let transaction = unsafe { pg_sys::GetTopTransactionIdIfAny() };
        for i in inboxes {
            self.last_delete[i] = transaction;
        }
        self.last_seal = Instant::now();
        self.rotate(slot, (guc::INBOX_ROTATE_SIZE.get() as u32).div_ceil(8));
        if Instant::now() >= self.next_truncate {
            self.next_truncate = Instant::now() + TRUNCATE_INTERVAL;
            self.truncate(slot);
        }
    }

    /// Sends writers to an empty table when the one they use has grown to its limit.
    fn rotate(&self, slot: &Slot, limit: u32) {
        let active = slot.active_inbox.load(Ordering::Acquire) as usize % INBOXES;
        if inbox::size(active) < limit {
            return;
        }
        let empty = (1..INBOXES)
            .map(|i| (active + i) % INBOXES)
            .find(|i| inbox::size(*i) == 0);
        if let Some(empty) = empty {
            slot.active_inbox.store(empty as u32, Ordering::Release);
        }
    }

    /// Called when nothing waits to be sealed.
    pub fn run(&mut self, slot: &'static Slot, partitions: &mut Partitions) {
        let now = Instant::now();
        if now >= self.next_truncate {
            self.next_truncate = now + TRUNCATE_INTERVAL;
            if self.last_seal.elapsed() >= IDLE_TIME {
                self.rotate(slot, IDLE_BLOCKS);
            }
            self.truncate(slot);
        }
        if now >= self.next_slow {
            self.next_slow = now + SLOW_INTERVAL;
            let mut month = Month::of(shmem::unix_micros());
            for _ in 0..=MONTHS_AHEAD {
                partitions.prepare(month);
                month = month.next();
            }
            idempotency::purge();
        }
    }

    /// Empties drained tables that writers have left.
    fn truncate(&self, slot: &Slot) {
        let active = slot.active_inbox.load(Ordering::Acquire) as usize % INBOXES;
        for i in (0..INBOXES).filter(|i| *i != active) {
            if inbox::size(i) > 0 && inbox::truncate_if_unused(i, self.last_delete[i]) {
                slot.truncations.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
