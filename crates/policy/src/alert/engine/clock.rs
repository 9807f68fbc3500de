//! The engine's clock, and from where the log is to be read again after a restart.

use std::collections::VecDeque;

/// Where to begin reading again, and what the clock showed there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// The first event that may still matter.
    pub log_index: i64,
    /// The engine's clock at that event, microseconds since the epoch.
    pub clock_us: i64,
}

/// Marks kept for a reach: the horizon is at most this part of it too early.
const MARKS: i64 = 64;

/// The greatest time of arrival so far.
#[derive(Debug)]
pub(super) struct Clock {
    now_us: i64,
    marks: VecDeque<Horizon>,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock {
            now_us: i64::MIN,
            marks: VecDeque::new(),
        }
    }
}

impl Clock {
    pub fn now_us(&self) -> i64 {
        self.now_us
    }

    /// Goes on from a horizon.
    pub fn start(&mut self, horizon: Horizon) {
        self.now_us = self.now_us.max(horizon.clock_us);
    }

    /// An event arrives; `reach_us` is how long events may matter.
    pub fn arrive(&mut self, log_index: i64, arrived_us: i64, reach_us: i64) -> i64 {
        self.now_us = self.now_us.max(arrived_us);
        let clock_us = self.now_us;
        if self
            .marks
            .back()
            .is_none_or(|mark| clock_us.saturating_sub(mark.clock_us) > reach_us / MARKS)
        {
            self.marks.push_back(Horizon { log_index, clock_us });
            // the second mark is early enough: what the first one begins is of no use any more
            while self
                .marks
                .get(1)
                .is_some_and(|mark| mark.clock_us <= clock_us.saturating_sub(reach_us))
            {
                self.marks.pop_front();
            }
        }
        clock_us
    }

    /// Where to begin for events that may matter for `reach_us`; none before the first event.
    pub fn horizon(&self, reach_us: i64) -> Option<Horizon> {
        let early = |mark: &&Horizon| mark.clock_us <= self.now_us.saturating_sub(reach_us);
        self.marks.iter().rev().find(early).or(self.marks.front()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_horizon_is_early_enough_and_not_much_earlier() {
        let mut clock = Clock::default();
        assert_eq!(clock.horizon(1000), None);
        for n in 0..10_000 {
            // it jumps back for a while
            let arrived = if (5000..5100).contains(&n) { 17 } else { n };
            clock.arrive(n, arrived, 640);
            let horizon = clock.horizon(640).expect("marks");
            let now = clock.now_us();
            assert!(
                horizon.log_index == 0 || horizon.clock_us <= now - 640,
                "{n} {horizon:?}"
            );
            if n > 5800 {
                assert!(horizon.clock_us >= now - 640 - 12, "{n} {horizon:?}");
            }
        }
        assert!(clock.marks.len() < 70, "{}", clock.marks.len());
    }

    #[test]
    fn reading_again_from_the_horizon_shows_the_same_clock() {
        let arrivals = [10, 500, 20, 30, 600, 40, 700, 1500, 5, 1600];
        let mut clock = Clock::default();
        let shown: Vec<i64> = (0..)
            .zip(arrivals)
            .map(|(n, arrived)| clock.arrive(n, arrived, 800))
            .collect();
        let horizon = clock.horizon(800).expect("marks");
        let mut again = Clock::default();
        again.start(horizon);
        for (n, arrived) in (0..).zip(arrivals).skip(horizon.log_index as usize) {
            assert_eq!(again.arrive(n, arrived, 800), shown[n as usize]);
        }
    }
}
