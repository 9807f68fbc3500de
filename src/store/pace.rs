//! Work that goes over many rows in the background, at a pace that leaves the machine to those who record.

use crate::{compat, shmem};
use pgrx::pg_sys;
use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Rows between two rests, and to be read at a time: reading is work as well. A commit that falls into the work waits for its end, so it is short:
/// with five times as many rows, `record()` took a fifth longer beside a move that worked for the same share of the time.
pub const ROWS: u32 = 50;
/// Every so many rests WAL is flushed.
const UNFLUSHED: u32 = 5;
/// Longest rest.
const MOST: Duration = Duration::from_millis(800);
/// Rests are so many times as long as the work before them: while events are recorded, and while nobody records any.
const BUSY: u32 = 16;
const QUIET: u32 = 2;

/// After this time nobody is waited for: a transaction that lasts for hours keeps VACUUM from removing rows anywhere.
const PATIENCE: Duration = Duration::from_secs(600);
/// Events are recorded when some were sealed within this time: the sealer takes many at once.
const RECENT: Duration = Duration::from_secs(2);

thread_local! {
    /// Events that were sealed when this process looked last, and when it last saw more than before.
    static SEALED: Cell<(u64, Option<Instant>)> = const { Cell::new((0, None)) };
}

/// Works a third of the time, or a seventeenth while events are recorded, for the first ten minutes. What it has written goes to disk soon:
/// otherwise the next commit of an application would wait for all of that.
pub struct Pace {
    begun: Instant,
    /// When it rested last.
    woke: Instant,
    rows: u32,
    /// Rests since WAL was flushed.
    unflushed: u32,
}

impl Default for Pace {
    /// Begins now.
    fn default() -> Pace {
        let now = Instant::now();
        Pace {
            begun: now,
            woke: now,
            rows: 0,
            unflushed: 0,
        }
    }
}

impl Pace {
    /// A row is done; rests now and then. Raises an error when the work is cancelled.
    pub fn row(&mut self) {
        self.rows += 1;
        if self.rows < ROWS {
            return;
        }
        self.unflushed += 1;
        if self.unflushed == UNFLUSHED {
            self.rest();
        } else {
            self.sleep();
        }
    }

    /// Brings what was done to disk, and rests for it. Raises an error when the work is cancelled.
    pub fn rest(&mut self) {
        compat::flush_wal();
        self.unflushed = 0;
        self.sleep();
    }

    fn sleep(&mut self) {
        let factor = if is_recorded() && self.begun.elapsed() < PATIENCE {
            BUSY
        } else {
            QUIET
        };
        let rest = (factor * self.woke.elapsed()).min(MOST).as_millis().max(1);
        // SAFETY: waits for time to pass, and ends with the postmaster.
        unsafe {
            let events = pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
            pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, rest as _, pg_sys::PG_WAIT_EXTENSION);
        }
        pgrx::check_for_interrupts!();
        (self.woke, self.rows) = (Instant::now(), 0);
    }
}

/// Does anybody record events?
fn is_recorded() -> bool {
    let now = shmem::my_slot().map_or(0, |slot| slot.sealed.load(Ordering::Relaxed));
    let (before, mut since) = SEALED.get();
    if now != before {
        since = Some(Instant::now());
    }
    SEALED.set((now, since));
    since.is_some_and(|since| since.elapsed() < RECENT)
}
