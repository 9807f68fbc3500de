//! The place of a row, shared by all processes.

use std::sync::atomic::{AtomicU64, Ordering};

/// A tid: block and line (from 1) as one number; 0 means unknown.
#[repr(transparent)]
pub struct Place(AtomicU64);

impl Place {
    /// As a tid's text.
    pub fn get(&self) -> Option<String> {
        let place = self.0.load(Ordering::Relaxed);
        (place != 0).then(|| format!("({},{})", place >> 16, place & 0xffff))
    }

    /// Notes a tid's text.
    pub fn set(&self, tid: &str) {
        let inner = tid.trim_matches(['(', ')']).split_once(',');
        let number = inner.and_then(|(block, line)| Some(block.parse::<u64>().ok()? << 16 | line.parse::<u64>().ok()?));
        self.0.store(number.unwrap_or(0), Ordering::Relaxed);
    }

    /// It is unknown from now on.
    pub fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}
