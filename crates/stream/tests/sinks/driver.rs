//! The one rule, against a receiver that is a model: it has a limit of size, refuses some events, says which or not, and fails
//! now and then.

use std::time::Duration;

use auditlog_notify::breaker::Breaker;
use auditlog_stream::{Attempt, Driver, Failure, Item, MAX_REFUSED_IN_A_ROW, Outcome, Rejected, Sender, Sent};
use proptest::prelude::*;

use crate::support::{NOW, Safe, events, failure, items};

fn error() -> Failure {
    Failure::new("no")
}

fn sent(delivered: usize, outcome: Outcome) -> Sent {
    Sent {
        delivered,
        rejected: Vec::new(),
        outcome,
        answer: "an answer".to_owned(),
    }
}

/// The model.
#[derive(Debug, Clone, Default)]
struct Model {
    /// Places that are refused, and those that are too large.
    wrong: Vec<u64>,
    large: Vec<u64>,
    /// The most events of a batch.
    most: usize,
    named: bool,
    /// Which calls end with a retry, with how many events taken.
    fails: Vec<(usize, usize)>,
    calls: usize,
    received: Vec<u64>,
}

impl Sender for Model {
    fn send(&mut self, batch: &[Item<'_>], _: &Attempt<'_>) -> Sent {
        self.calls += 1;
        assert!(!batch.is_empty());
        if let Some((_, taken)) = self.fails.iter().find(|(call, _)| *call == self.calls) {
            let good = batch
                .iter()
                .take_while(|item| !self.wrong.contains(&item.log_index) && !self.large.contains(&item.log_index));
            let taken = good.count().min(*taken);
            self.received.extend(batch[..taken].iter().map(|item| item.log_index));
            return sent(
                taken,
                Outcome::Retry {
                    after: None,
                    error: error(),
                },
            );
        }
        if batch.len() > self.most || batch.iter().any(|item| self.large.contains(&item.log_index)) {
            return sent(0, Outcome::Split { error: error() });
        }
        if let Some(index) = batch.iter().position(|item| self.wrong.contains(&item.log_index)) {
            return match self.named {
                true => sent(0, Outcome::Reject { index, error: error() }),
                false => sent(0, Outcome::Bisect { error: error() }),
            };
        }
        self.received.extend(batch.iter().map(|item| item.log_index));
        sent(batch.len(), Outcome::Delivered)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn all_that_is_good_arrives_once_and_in_order(
        kinds in prop::collection::vec(prop_oneof![8 => Just(0), 1 => Just(1), 1 => Just(2)], 1..60),
        most in 1_usize..30,
        named in any::<bool>(),
        fails in prop::collection::vec((1_usize..40, 0_usize..10), 0..4),
        size in 1_usize..40,
    ) {
        let of = |kind| (0..).zip(&kinds).filter(|(_, found)| **found == kind).map(|(index, _)| index).collect::<Vec<u64>>();
        let mut model = Model { wrong: of(1), large: of(2), most, named, fails, ..Model::default() };
        let all = events(kinds.len() as u64);
        let safe = Safe::new();
        let mut driver = Driver::default();
        let (mut position, mut given_up, mut tries) = (0, Vec::new(), 0);
        while position < all.len() {
            tries += 1;
            prop_assert!(tries < 500);
            let batch = &all[position..(position + size).min(all.len())];
            let sent = driver.deliver(&mut model, &items(batch), &safe.attempt());
            prop_assert!(sent.delivered <= batch.len());
            given_up.extend(sent.rejected.iter().map(|rejected| (position + rejected.index) as u64));
            position += sent.delivered;
            if sent.outcome == Outcome::Delivered {
                prop_assert_eq!(sent.delivered, batch.len());
            }
            if let Outcome::Pause { .. } = sent.outcome {
                // Too many wrong ones in a row: somebody looks and resumes.
                driver = Driver::default();
            }
        }
        given_up.sort_unstable();
        let mut expected = [of(1), of(2)].concat();
        expected.sort_unstable();
        prop_assert_eq!(given_up, expected);
        prop_assert_eq!(model.received, of(0));
    }
}

/// Says the same to every batch.
struct Says(fn(usize) -> Sent);

impl Sender for Says {
    fn send(&mut self, batch: &[Item<'_>], _: &Attempt<'_>) -> Sent {
        (self.0)(batch.len())
    }
}

fn deliver(driver: &mut Driver, says: fn(usize) -> Sent, count: u64) -> Sent {
    let all = events(count);
    driver.deliver(&mut Says(says), &items(&all), &Safe::new().attempt())
}

#[test]
fn refusals_are_counted_over_batches() {
    let refuse: fn(usize) -> Sent = |_| {
        sent(
            0,
            Outcome::Reject {
                index: 0,
                error: error(),
            },
        )
    };
    let mut driver = Driver::default();
    for _ in 0..MAX_REFUSED_IN_A_ROW {
        assert_eq!(deliver(&mut driver, refuse, 1).delivered, 1);
    }
    let paused = deliver(&mut driver, refuse, 1);
    assert_eq!(paused.delivered, 0);
    assert!(failure(&paused, "pause").hint.is_some());
    // What is accepted counts from the begin again.
    let mut driver = Driver::default();
    for _ in 0..3 {
        assert_eq!(deliver(&mut driver, refuse, 10).rejected.len(), 10);
        assert_eq!(
            deliver(&mut driver, |count| sent(count, Outcome::Delivered), 1).delivered,
            1
        );
    }
}

#[test]
fn a_number_beyond_the_batch_names_no_event() {
    let sent = deliver(
        &mut Driver::default(),
        |_| {
            sent(
                0,
                Outcome::Reject {
                    index: 7,
                    error: error(),
                },
            )
        },
        4,
    );
    assert_eq!(sent.delivered, 4);
    assert_eq!(sent.rejected.len(), 4);
}

#[test]
fn what_the_sender_gives_up_is_counted_from_the_batch() {
    let says: fn(usize) -> Sent = |count| {
        if count > 3 {
            return sent(0, Outcome::Split { error: error() });
        }
        Sent {
            rejected: vec![Rejected {
                index: count - 1,
                reason: "bad".to_owned(),
            }],
            ..sent(count, Outcome::Delivered)
        }
    };
    let sent = deliver(&mut Driver::default(), says, 6);
    let places: Vec<usize> = sent.rejected.iter().map(|rejected| rejected.index).collect();
    assert_eq!((sent.delivered, places), (6, vec![2, 5]));
}

#[test]
fn a_success_without_progress_is_none() {
    failure(
        &deliver(&mut Driver::default(), |_| sent(0, Outcome::Delivered), 2),
        "retry",
    );
}

#[test]
fn going_back_is_told() {
    let sent = deliver(&mut Driver::default(), |_| sent(0, Outcome::Rewind { events: 5 }), 2);
    assert_eq!((sent.delivered, sent.outcome), (0, Outcome::Rewind { events: 5 }));
}

#[test]
fn the_deadline_ends_it_between_two_tries() {
    struct Slow;
    impl Sender for Slow {
        fn send(&mut self, batch: &[Item<'_>], attempt: &Attempt<'_>) -> Sent {
            assert!(attempt.deadline <= Duration::from_millis(50));
            assert!(attempt.now >= NOW);
            std::thread::sleep(Duration::from_millis(20));
            match batch.len() {
                1 => sent(1, Outcome::Delivered),
                _ => sent(0, Outcome::Split { error: error() }),
            }
        }
    }
    let mut safe = Safe::new();
    safe.deadline = Duration::from_millis(50);
    let all = events(64);
    let sent = Driver::default().deliver(&mut Slow, &items(&all), &safe.attempt());
    assert!(sent.delivered < 64);
    let Outcome::Retry { after, .. } = sent.outcome else {
        panic!("{sent:?}")
    };
    assert_eq!(after, Some(Duration::ZERO));
}

#[test]
fn outcomes_move_the_breaker() {
    let fresh = Breaker::default();
    let retry = Outcome::Retry {
        after: Some(Duration::from_secs(60)),
        error: error(),
    };
    assert_eq!(retry.breaker(fresh, NOW).open_until_us, NOW + 60_000_000);
    let paused = Outcome::Pause { error: error() }.breaker(fresh, NOW);
    assert!(paused.open_until_us > NOW);
    assert_eq!(Outcome::Delivered.breaker(paused, NOW), Breaker::default());
}
