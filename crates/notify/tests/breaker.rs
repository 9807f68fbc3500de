//! When a channel is tried again.

mod support;

use std::time::Duration;

use auditlog_notify::breaker::{Breaker, LONGEST_PAUSE, MAX_FAILURES, PROBE_EVERY, Rate, wait};
use auditlog_notify::{Failure, Outcome};
use proptest::prelude::*;

const SECOND: i64 = 1_000_000;
const NOW: i64 = 1_763_823_600 * SECOND;

#[test]
fn five_failures_open_it_and_probes_come_ever_later() {
    let mut breaker = Breaker::default();
    for _ in 1..MAX_FAILURES {
        breaker = breaker.failed(NOW, None);
        assert!(breaker.allows(NOW));
    }
    let mut pauses = Vec::new();
    for _ in 0..15 {
        breaker = breaker.failed(NOW, None);
        assert!(!breaker.allows(NOW));
        pauses.push((breaker.open_until_us - NOW) / SECOND);
        assert!(!breaker.allows(breaker.open_until_us - 1));
        assert!(breaker.allows(breaker.open_until_us));
    }
    assert_eq!(
        pauses,
        [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 3_600, 3_600, 3_600]
    );
    assert_eq!(breaker.succeeded(), Breaker::default());
    assert!(breaker.succeeded().allows(NOW));
}

#[test]
fn what_the_other_side_asks_for_holds_at_once() {
    let breaker = Breaker::default().failed(NOW, Some(Duration::from_secs(30)));
    assert_eq!(
        breaker,
        Breaker {
            failures: 1,
            open_until_us: NOW + 30 * SECOND
        }
    );
    // But no longer than a day, and no shorter than the breaker's own time.
    let long = Breaker::default().failed(NOW, Some(Duration::MAX));
    assert_eq!(long.open_until_us, NOW + 86_400 * SECOND);
    assert!(!long.allows(NOW));
    let many = Breaker {
        failures: 8,
        open_until_us: 0,
    }
    .failed(NOW, Some(Duration::from_secs(1)));
    assert_eq!(many.open_until_us, NOW + 16 * SECOND);
}

#[test]
fn each_outcome_says_how_the_channel_is() {
    let error = || Failure {
        message: "no".to_owned(),
        status: None,
        hint: None,
    };
    let bad = Breaker {
        failures: 7,
        open_until_us: NOW,
    };
    let retry = |after, rest| Outcome::Retry {
        after,
        error: error(),
        rest,
    };
    let n = Box::new(support::notification());
    assert_eq!(
        bad.after(&Outcome::Delivered { detail: String::new() }, NOW),
        Breaker::default()
    );
    assert_eq!(bad.after(&Outcome::Reject { error: error() }, NOW), Breaker::default());
    assert_eq!(bad.after(&Outcome::Split { error: error() }, NOW), Breaker::default());
    assert_eq!(bad.after(&retry(None, Some(n)), NOW), Breaker::default());
    assert_eq!(bad.after(&retry(None, None), NOW), bad.failed(NOW, None));
    let minute = Some(Duration::from_secs(60));
    assert_eq!(bad.after(&retry(minute, None), NOW), bad.failed(NOW, minute));
    assert_eq!(bad.after(&Outcome::Pause { error: error() }, NOW), bad.paused(NOW));
}

#[test]
fn what_must_be_mended_is_probed_every_five_minutes() {
    let paused = Breaker::default().paused(NOW);
    assert!(!paused.allows(NOW + 299 * SECOND) && paused.allows(NOW + 300 * SECOND));
    assert_eq!(
        paused.paused(NOW).open_until_us,
        NOW + i64::try_from(PROBE_EVERY.as_micros()).unwrap()
    );
}

#[test]
fn a_clock_that_was_put_back_does_not_keep_it_open() {
    let breaker = Breaker {
        failures: u32::MAX,
        open_until_us: NOW,
    }
    .failed(NOW, None);
    assert_eq!(breaker.failures, u32::MAX);
    assert!(breaker.allows(NOW - 2 * 86_400 * SECOND));
    assert!(
        !Breaker {
            failures: 9,
            open_until_us: i64::MAX
        }
        .failed(i64::MAX, None)
        .allows(i64::MAX - 1)
    );
}

proptest! {
    #[test]
    fn waits_are_jittered_and_bounded(attempt in 0..200_u32, after in proptest::option::of(0..200_000_u64), random in 0.0..1.0_f64) {
        let after = after.map(Duration::from_secs);
        let waited = wait(attempt, after, random);
        prop_assert!(waited >= Duration::from_secs(1));
        if let Some(after) = after {
            prop_assert!(waited >= after.min(Duration::from_secs(86_400)));
        }
        let own = Duration::from_secs(2_u64.saturating_pow(attempt).clamp(1, 300));
        prop_assert!(waited <= own.max(after.unwrap_or_default().min(Duration::from_secs(86_400))));
        prop_assert!(attempt < 1 || wait(attempt, None, 0.0) < wait(attempt, None, 1.0));
    }

    #[test]
    fn no_pause_is_longer_than_the_longest(failures in any::<u32>(), now in 0..i64::MAX / 2) {
        let breaker = Breaker { failures, open_until_us: 0 }.failed(now, None);
        prop_assert!(breaker.open_until_us <= now + i64::try_from(LONGEST_PAUSE.as_micros()).unwrap());
    }

    /// However often it is asked, no minute has more than it may, and who waits as told is let through.
    #[test]
    fn no_minute_has_more_than_its_rate(per_minute in 1..500_u32, steps in prop::collection::vec(prop_oneof![0..20_000_i64, 0..3_000_000_i64], 1..600)) {
        let (mut rate, mut now, mut taken) = (Rate::default(), NOW, Vec::new());
        for step in steps {
            now += step;
            match rate.take(now, per_minute) {
                Ok(next) => {
                    rate = next;
                    taken.push(now);
                }
                Err(wait) => {
                    let later = now + i64::try_from(wait.as_micros()).unwrap();
                    prop_assert!(wait > Duration::ZERO && wait <= Duration::from_secs(61));
                    prop_assert!(rate.take(later - 1, per_minute).is_err());
                    prop_assert!(rate.take(later, per_minute).is_ok());
                }
            }
        }
        for (place, begin) in taken.iter().enumerate() {
            let within = taken[place..].iter().take_while(|time| **time < begin + 60 * SECOND).count();
            prop_assert!(within <= per_minute as usize, "{} of {}", within, per_minute);
        }
    }

    /// Who asks without a pause gets nearly all of it, and a clock that is put back costs a minute at most.
    #[test]
    fn a_rate_is_used(per_minute in 1..500_u32, back in 0..10_000_i64) {
        let (mut rate, mut now, mut taken) = (Rate::default(), NOW, 0_u32);
        while now < NOW + 600 * SECOND {
            match rate.take(now, per_minute) {
                Ok(next) => (rate, taken) = (next, taken + 1),
                Err(wait) => now += i64::try_from(wait.as_micros()).unwrap(),
            }
        }
        prop_assert!(taken >= per_minute * 8 && taken <= per_minute * 10 + per_minute, "{} at {}", taken, per_minute);
        let earlier = NOW - back * SECOND;
        let wait = rate.take(earlier, per_minute).err().unwrap_or_default();
        prop_assert!(wait <= Duration::from_secs(61), "{:?}", wait);
    }
}
