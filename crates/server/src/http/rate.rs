//! Budgets: so many requests a minute, all at once or spread out (token buckets).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use http::StatusCode;

use super::Problem;
use crate::config::RateSettings;

/// Buckets that are kept before full ones are forgotten.
const MANY: usize = 10_000;

/// All budgets.
pub struct Rates {
    /// Of any request.
    pub requests: Budget,
    /// Of exports, beside that of requests.
    pub exports: Budget,
    /// Of refused logins.
    pub refusals: Budget,
}

impl Rates {
    /// Full ones.
    pub fn new(settings: &RateSettings) -> Rates {
        Rates {
            requests: Budget::new(settings.requests),
            exports: Budget::new(settings.exports),
            refusals: Budget::new(settings.refusals),
        }
    }
}

/// A budget for each identity.
pub struct Budget {
    per_minute: f64,
    buckets: Mutex<HashMap<[u8; 32], Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Budget {
    fn new(per_minute: u32) -> Budget {
        Budget {
            per_minute: f64::from(per_minute.max(1)),
            buckets: Mutex::new(HashMap::new()),
        }
    }

    /// Takes one.
    ///
    /// # Errors
    /// When there is none left (429).
    pub fn take(&self, key: &[u8; 32]) -> Result<(), Problem> {
        self.change(key, Instant::now(), 1.0)
    }

    /// Is there one? Takes none.
    ///
    /// # Errors
    /// When there is none left (429).
    pub fn look(&self, key: &[u8; 32]) -> Result<(), Problem> {
        self.change(key, Instant::now(), 0.0)
    }

    /// Takes one, whatever is left.
    pub fn count(&self, key: &[u8; 32]) {
        // Whoever asks next is told.
        let _ = self.take(key);
    }

    fn change(&self, key: &[u8; 32], now: Instant, cost: f64) -> Result<(), Problem> {
        let rate = self.per_minute / 60.0;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let refilled = |bucket: &Bucket| {
            let seconds = now.saturating_duration_since(bucket.at).as_secs_f64();
            (bucket.left + seconds * rate).min(self.per_minute)
        };
        if buckets.len() >= MANY && !buckets.contains_key(key) {
            buckets.retain(|_, bucket| refilled(bucket) < self.per_minute);
        }
        let left = buckets.get(key).map_or(self.per_minute, refilled);
        if left < 1.0 {
            let seconds = ((1.0 - left) / rate).ceil() as u64;
            return Err(
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "That was too often")
                    .detail(format!("There may be {} a minute.", self.per_minute))
                    .retry_after(seconds.max(1)),
            );
        }
        if cost > 0.0 {
            buckets.insert(
                *key,
                Bucket {
                    left: left - cost,
                    at: now,
                },
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_budget_ends_and_fills_again() {
        let budget = Budget::new(60);
        let begin = Instant::now();
        for _ in 0..60 {
            assert!(budget.change(&[1; 32], begin, 1.0).is_ok());
        }
        let refused = budget.change(&[1; 32], begin, 1.0).expect_err("empty");
        assert_eq!((refused.status, refused.retry_after), (429, Some(1)));
        assert!(budget.change(&[2; 32], begin, 1.0).is_ok(), "somebody else's");
        let later = begin + Duration::from_millis(1_001);
        assert!(budget.change(&[1; 32], later, 0.0).is_ok(), "looking takes none");
        assert!(budget.change(&[1; 32], later, 1.0).is_ok());
        assert!(budget.change(&[1; 32], later, 1.0).is_err());
    }
}
