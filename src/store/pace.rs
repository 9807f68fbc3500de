//! Work that goes over many rows in the background, at a pace that leaves the machine to those who record.

use crate::compat;
use pgrx::pg_sys;
use std::time::{Duration, Instant};

/// Rows between two rests.
const ROWS: u32 = 500;
/// Longest rest.
const MOST: Duration = Duration::from_millis(200);

/// Works a third of the time. What it has written is on disk before it rests: otherwise the next commit of an
/// application would wait for all of that.
pub struct Pace {
    begun: Instant,
    rows: u32,
}

impl Default for Pace {
    /// Begins now.
    fn default() -> Pace {
        Pace {
            begun: Instant::now(),
            rows: 0,
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
        compat::flush_wal();
        let rest = (2 * self.begun.elapsed()).min(MOST).as_millis().max(1);
        // SAFETY: waits for time to pass, and ends with the postmaster.
        unsafe {
            let events = pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
            pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, rest as _, pg_sys::PG_WAIT_EXTENSION);
        }
        pgrx::check_for_interrupts!();
        *self = Pace::default();
    }
}
