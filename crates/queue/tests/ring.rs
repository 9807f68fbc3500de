//! The ring against a model that is a list, and entries there and back.

use auditlog_queue::{Entry, Positions, Provenance, Ring, framed};
use proptest::prelude::*;
use std::collections::VecDeque;

/// What may happen to a ring.
#[derive(Debug, Clone)]
enum Step {
    Reserve(u64),
    Release,
    PushReserved(usize),
    Push(usize),
    Take(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u64..200).prop_map(Step::Reserve),
        Just(Step::Release),
        (0usize..200).prop_map(Step::PushReserved),
        (0usize..200).prop_map(Step::Push),
        (1usize..8).prop_map(Step::Take),
    ]
}

proptest! {
    #[test]
    fn a_ring_is_a_list_of_limited_size(size in 16usize..700, steps in prop::collection::vec(step(), 1..300)) {
        let (mut at, mut memory) = (Positions::default(), vec![0u8; size]);
        let (mut waiting, mut promises) = (VecDeque::<Vec<u8>>::new(), VecDeque::<u64>::new());
        let mut number = 0u8;
        for step in steps {
            let used: u64 = waiting.iter().map(|entry| framed(entry.len())).sum();
            let promised: u64 = promises.iter().sum();
            let free = size as u64 - used - promised;
            let mut ring = Ring::new(&mut at, &mut memory);
            prop_assert_eq!(ring.free_bytes(), free);
            let mut entry = |length: usize| {
                number = number.wrapping_add(1);
                vec![number; length]
            };
            match step {
                Step::Reserve(bytes) => {
                    prop_assert_eq!(ring.reserve(bytes), bytes <= free);
                    if bytes <= free {
                        promises.push_back(bytes);
                    }
                }
                Step::Release => {
                    if let Some(bytes) = promises.pop_front() {
                        ring.release(bytes);
                    }
                }
                // Whoever keeps to what was promised always gets its entry in.
                Step::PushReserved(length) => {
                    if let Some(bytes) = promises.pop_front() {
                        let length = length.min((bytes as usize).saturating_sub(8));
                        let entry = entry(length);
                        let pushed = ring.push_reserved(bytes, &entry);
                        prop_assert_eq!(pushed, framed(length) <= bytes + free);
                        prop_assert!(pushed || bytes < 8);
                        if pushed {
                            waiting.push_back(entry);
                        }
                    }
                }
                Step::Push(length) => {
                    let entry = entry(length);
                    let pushed = ring.push(&entry);
                    prop_assert_eq!(pushed, framed(length) <= free);
                    if pushed {
                        waiting.push_back(entry);
                    }
                }
                Step::Take(limit) => {
                    let taken = ring.take(ring.positions().first(), limit, usize::MAX);
                    prop_assert!(!taken.damaged);
                    let expected: Vec<_> = waiting.iter().take(limit).cloned().collect();
                    prop_assert_eq!(&taken.entries, &expected);
                    Ring::new(&mut at, &mut memory).free(taken.next);
                    waiting.drain(..expected.len());
                }
            }
        }
    }

    #[test]
    fn entries_come_back_equal(
        session_user: Vec<u8>, current_user: Vec<u8>, client_addr: Option<Vec<u8>>, application: Option<Vec<u8>>, document: String,
    ) {
        let provenance = Provenance { session_user, current_user, client_addr, application };
        let entry = Entry { provenance, document };
        let bytes = entry.encode();
        prop_assert_eq!(bytes.len(), Entry::size(&entry.provenance, entry.document.len()));
        prop_assert_eq!(Entry::decode(&bytes), Some(entry));
        for end in 0..bytes.len() {
            prop_assert_eq!(Entry::decode(&bytes[..end]), None);
        }
    }

    #[test]
    fn any_bytes_are_an_entry_or_none(bytes: Vec<u8>) {
        if let Some(entry) = Entry::decode(&bytes) {
            prop_assert_eq!(entry.encode(), bytes);
        }
    }
}

#[test]
fn a_look_takes_at_least_one_entry_and_then_as_much_as_is_wanted() {
    let (mut at, mut memory) = (Positions::default(), vec![0u8; 1000]);
    let mut ring = Ring::new(&mut at, &mut memory);
    for _ in 0..5 {
        assert!(ring.push(&[7; 100]));
    }
    assert_eq!(ring.take(0, 10, 1).entries.len(), 1);
    assert_eq!(ring.take(0, 10, 150).entries.len(), 2);
    assert_eq!(ring.take(0, 3, 10_000).entries.len(), 3);
    assert_eq!(ring.take(0, 10, 10_000).entries.len(), 5);
}

#[test]
fn a_ring_that_was_written_over_says_so_and_can_be_cleared() {
    let (mut at, mut memory) = (Positions::default(), vec![0u8; 200]);
    assert!(Ring::new(&mut at, &mut memory).push(b"one"));
    let second = at.used();
    assert!(Ring::new(&mut at, &mut memory).push(b"two"));
    memory[second as usize] = 200;
    let mut ring = Ring::new(&mut at, &mut memory);
    let taken = ring.take(0, 10, 1000);
    assert_eq!((taken.entries.len(), taken.damaged, taken.next), (1, true, second));
    assert_eq!(ring.clear(), 2 * framed(3));
    assert!(ring.push(b"three"));
    assert_eq!(ring.take(ring.positions().first(), 10, 1000).entries, [b"three"]);
}

#[test]
fn an_entry_that_outgrows_its_promise_takes_what_is_free_or_is_refused() {
    let (mut at, mut memory) = (Positions::default(), vec![0u8; 100]);
    let mut ring = Ring::new(&mut at, &mut memory);
    assert!(ring.reserve(20));
    assert!(ring.push_reserved(20, &[1; 50]));
    assert!(ring.reserve(20));
    assert!(!ring.push_reserved(20, &[1; 50]));
    assert_eq!(ring.free_bytes(), 100 - framed(50));
}
