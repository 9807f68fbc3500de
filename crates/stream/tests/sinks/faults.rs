//! Random faults of the collector, and restarts of the sender: what arrives is what was sent, in order, with repetitions of
//! equal keys only, and what was refused is given up and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_stream::{Driver, Outcome};
use proptest::prelude::*;

use crate::support::hec::{Fault, Hec, State};
use crate::support::{Event, Safe, hash, hex, items, link};

const POISON: &str = "poison";

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        3 => Just(Fault::None),
        1 => Just(Fault::Refuse("503 Busy", "", 9)),
        1 => Just(Fault::Refuse("429 Too Many", "Retry-After: 1\r\n", 9)),
        1 => Just(Fault::Refuse("500 Error", "", 8)),
        1 => Just(Fault::Refuse("413 Too Large", "", 0)),
        1 => Just(Fault::Refuse("401 Unauthorized", "", 2)),
        1 => Just(Fault::Lose("500 Error", 8)),
        1 => Just(Fault::Lose("503 Busy", 9)),
        1 => Just(Fault::Reset { kept: true }),
        1 => Just(Fault::Reset { kept: false }),
        1 => Just(Fault::Close),
    ]
}

#[derive(Debug, Clone)]
struct Schedule {
    faults: Vec<Fault>,
    poisoned: Vec<bool>,
    sizes: Vec<usize>,
    /// After which tries the sender is ended, before or after it has stored its position.
    restarts: Vec<(usize, bool)>,
    numbered: bool,
    keeps_before: bool,
    use_ack: bool,
}

fn schedule() -> impl Strategy<Value = Schedule> {
    (
        prop::collection::vec(fault(), 0..12),
        prop::collection::vec(prop::bool::weighted(0.08), 30),
        prop::collection::vec(1_usize..20, 1..5),
        prop::collection::vec((0_usize..20, any::<bool>()), 0..4),
        any::<(bool, bool)>(),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(faults, poisoned, sizes, restarts, (numbered, keeps_before), use_ack)| Schedule {
                faults,
                poisoned,
                sizes,
                restarts,
                numbered,
                keeps_before,
                use_ack,
            },
        )
}

fn run(schedule: &Schedule) -> Result<(), TestCaseError> {
    let hec = Hec::new(State {
        faults: schedule.faults.clone().into(),
        poison: Some(POISON),
        numbered: schedule.numbered,
        keeps_before: schedule.keeps_before,
        use_ack: schedule.use_ack,
        patience: Some(0),
        ..State::default()
    });
    let all: Vec<Event> = (0..)
        .zip(&schedule.poisoned)
        .map(|(index, poisoned)| match poisoned {
            true => Event::with_body(index, r#"{"a":"poison"}"#),
            false => Event::new(index),
        })
        .collect();
    let mut config = hec.config();
    config["acknowledge"] = schedule.use_ack.into();
    let safe = Safe::new();
    let (mut link_now, mut driver) = (link("splunk_hec", &config), Driver::default());
    let (mut position, mut given_up) = (0, BTreeMap::new());
    // Also where a crash forgot it: such an event may come later than its followers, as it is tried again.
    let mut ever_given_up = BTreeSet::new();
    let mut tries = 0;
    while position < all.len() {
        prop_assert!(tries < 200, "it does not end: {position}");
        let size = schedule.sizes[tries % schedule.sizes.len()];
        let batch = &all[position..(position + size).min(all.len())];
        let sent = driver.deliver(&mut link_now, &items(batch), &safe.attempt());
        prop_assert!(sent.delivered <= batch.len());
        prop_assert!(
            !matches!(
                sent.outcome,
                Outcome::Split { .. } | Outcome::Bisect { .. } | Outcome::Reject { .. }
            ),
            "{:?}",
            sent.outcome
        );
        let restart = schedule.restarts.iter().find(|(after, _)| *after == tries);
        ever_given_up.extend(sent.rejected.iter().map(|rejected| (position + rejected.index) as u64));
        // A crash before the position was stored forgets what was given up with it.
        if !restart.is_some_and(|(_, before)| *before) {
            for rejected in sent.rejected {
                prop_assert!(rejected.index < sent.delivered);
                given_up.insert(position + rejected.index, rejected.reason);
            }
            position += sent.delivered;
        }
        if restart.is_some() {
            (link_now, driver) = (link("splunk_hec", &config), Driver::default());
        }
        tries += 1;
    }
    let mut first_seen = Vec::new();
    for (index, key) in hec.keys() {
        prop_assert_eq!(key, hex(&hash(index)));
        if !first_seen.contains(&index) {
            first_seen.push(index);
        }
    }
    // An answer of 413 to one event alone says that it is too large.
    let too_large = |reason: &String| reason.contains("413");
    let refused: Vec<u64> = (0..)
        .zip(&schedule.poisoned)
        .filter(|(_, poisoned)| **poisoned)
        .map(|(index, _)| index)
        .collect();
    let mut expected = Vec::new();
    for index in 0..all.len() as u64 {
        let reason = given_up.get(&usize::try_from(index).unwrap());
        match (refused.contains(&index), reason) {
            (true, Some(_)) => {}
            (false, Some(reason)) => prop_assert!(too_large(reason), "{index}: {reason}"),
            (true, None) => prop_assert!(false, "{index} was not given up"),
            (false, None) => expected.push(index),
        }
    }
    let missing: Vec<&u64> = expected.iter().filter(|index| !first_seen.contains(index)).collect();
    prop_assert!(missing.is_empty(), "missing: {missing:?}");
    expected.retain(|index| !ever_given_up.contains(index));
    first_seen.retain(|index| expected.contains(index));
    prop_assert_eq!(first_seen, expected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if std::env::var_os("AUDITLOG_SOAK").is_some() { 1_000 } else { 150 }, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_arrives_is_what_was_sent(schedule in schedule()) {
        run(&schedule)?;
    }
}
