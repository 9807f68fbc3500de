//! How long to wait before the next attempt.

use std::time::Duration;

/// The least time between two attempts.
pub const MIN_BACKOFF: Duration = Duration::from_secs(1);

/// The most time between two attempts, unless the other side asks for more.
pub const MAX_BACKOFF: Duration = Duration::from_secs(300);

/// How long to wait after the `attempt`-th failure in a row, counted from 1: something between
/// [`MIN_BACKOFF`] and twice as much as after the failure before, but no more than [`MAX_BACKOFF`].
///
/// `random` is between 0 and 1 and decides where between (full jitter): many senders that failed
/// together don't come back together. Anything else counts as the nearer bound, a NaN as 1.
pub fn backoff(attempt: u32, random: f64) -> Duration {
    let most = MIN_BACKOFF
        .saturating_mul(2_u32.saturating_pow(attempt))
        .min(MAX_BACKOFF);
    let random = if random.is_nan() { 1.0 } else { random.clamp(0.0, 1.0) };
    MIN_BACKOFF + (most - MIN_BACKOFF).mul_f64(random)
}
