//! When a channel may be tried again: a circuit breaker and a rate limit, as numbers that the caller keeps.

use std::time::Duration;

use auditlog_sink::{MAX_RETRY_AFTER, backoff};
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;

/// Failures in a row after which a channel is left alone.
pub const MAX_FAILURES: u32 = 5;

/// How long at first; it doubles with every failed probe.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How long at most.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// How long a channel is left alone that somebody must mend ([`crate::Outcome::Pause`]).
pub const PROBE_EVERY: Duration = Duration::from_secs(300);

/// How long to wait before a notification is tried again after its `attempt`-th failure in a row, counted from 1:
/// what [`auditlog_sink::backoff()`] says, but not less than the other side has asked for. `random` is between 0 and 1.
pub fn wait(attempt: u32, after: Option<Duration>, random: f64) -> Duration {
    let own = backoff(attempt, random);
    after.map_or(own, |after| after.min(MAX_RETRY_AFTER).max(own))
}

/// A channel's circuit breaker. All times are microseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Breaker {
    /// Failures since the last success.
    pub failures: u32,
    /// Until when nothing is tried; then one try is made, the probe.
    pub open_until_us: i64,
}

impl Breaker {
    /// Whether to try now. A time further away than any that is ever set was set by a clock that has since been put
    /// back, and counts as over.
    pub fn allows(&self, now_us: i64) -> bool {
        let longest = now_us.saturating_add(micros(MAX_RETRY_AFTER));
        self.open_until_us <= now_us || self.open_until_us > longest
    }

    /// After a try. What is refused or too large has shown that the channel itself is well.
    #[must_use]
    pub fn after(self, outcome: &Outcome, now_us: i64) -> Self {
        match outcome {
            // The server has taken it for some, and defers others for reasons of theirs.
            Outcome::Retry { rest: Some(_), .. } => self.succeeded(),
            Outcome::Retry { after, .. } => self.failed(now_us, *after),
            Outcome::Pause { .. } => self.paused(now_us),
            Outcome::Delivered { .. } | Outcome::Split { .. } | Outcome::Reject { .. } => self.succeeded(),
        }
    }

    /// After a success: all is well.
    #[must_use]
    pub fn succeeded(self) -> Self {
        Self::default()
    }

    /// After a failure that may pass. From the [`MAX_FAILURES`]-th in a row on the channel is left alone, and
    /// twice as long each time; at once, and for as long as that says, when the other side has asked for it.
    #[must_use]
    pub fn failed(self, now_us: i64, after: Option<Duration>) -> Self {
        let failures = self.failures.saturating_add(1);
        let own = failures.checked_sub(MAX_FAILURES).map(|over| {
            let factor = 2_u32.saturating_pow(over);
            FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
        });
        let pause = own.max(after.map(|after| after.min(MAX_RETRY_AFTER)));
        Self {
            failures,
            open_until_us: pause.map_or(0, |pause| now_us.saturating_add(micros(pause))),
        }
    }

    /// After a failure that does not pass by itself: probed every [`PROBE_EVERY`].
    #[must_use]
    pub fn paused(self, now_us: i64) -> Self {
        Self {
            failures: self.failures.saturating_add(1).max(MAX_FAILURES),
            open_until_us: now_us.saturating_add(micros(PROBE_EVERY)),
        }
    }
}

/// A channel's rate limit, as the time from which on it would be idle (generic cell rate algorithm).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rate {
    /// Microseconds since 1970 UTC.
    pub idle_at_us: i64,
}

impl Rate {
    /// Takes one of `per_minute` at this time: the state after it, or how long to wait before asking again. No
    /// minute has more than `per_minute`; a sixth of them (at least one) may come at once.
    ///
    /// # Errors
    /// The time to wait.
    pub fn take(self, now_us: i64, per_minute: u32) -> Result<Self, Duration> {
        // With b at once, and then one after each interval i, a minute has b + 60 s / i - 1.
        let at_once = i64::from((per_minute / 6).max(1));
        let steady = i64::from(per_minute.max(1)) - at_once + 1;
        let interval = micros(Duration::from_secs(60)) / steady + 1;
        let burst = interval * (at_once - 1);
        // A clock that was put back must not stop the channel for as long.
        let idle_at = self.idle_at_us.clamp(now_us, now_us.saturating_add(burst + interval));
        let early = idle_at - now_us - burst;
        if early > 0 {
            return Err(Duration::from_micros(early.unsigned_abs()));
        }
        Ok(Self {
            idle_at_us: idle_at.saturating_add(interval),
        })
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
