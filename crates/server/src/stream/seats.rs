//! How many live streams each identity has.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Streams that are open, by identity.
#[derive(Default)]
pub struct Seats(Mutex<HashMap<[u8; 32], usize>>);

impl Seats {
    /// One more, unless there are as many as there may be.
    pub fn take(&self, key: [u8; 32], most: usize) -> bool {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = seats.entry(key).or_insert(0);
        let is_free = *taken < most;
        *taken += usize::from(is_free);
        is_free
    }

    /// One less.
    pub fn give(&self, key: [u8; 32]) {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = seats.get_mut(&key) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Seats;

    #[test]
    fn seats_end_and_come_back() {
        let seats = Seats::default();
        assert!(seats.take([1; 32], 1));
        assert!(!seats.take([1; 32], 1));
        assert!(seats.take([2; 32], 1));
        seats.give([1; 32]);
        assert!(seats.take([1; 32], 1));
    }
}
