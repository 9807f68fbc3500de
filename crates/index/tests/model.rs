//! What is built or merged is what a naive index says.

mod support;

use auditlog_index::{BuildError, Builder, Corrupt, Merge, MergeError, Run, RunHead};
use proptest::prelude::*;
use support::{Numbers, build, lookup, merge, model};

/// Events whose terms are partly shared, partly at the edges of chunks and of the numbers.
fn events() -> impl Strategy<Value = Vec<Vec<u32>>> {
    let term = prop_oneof![
        4 => (0u32..8).prop_map(|place| place * 0x2000_0000),
        2 => (0u32..40).prop_map(|place| u32::MAX - place * 0x0123_4567),
        1 => any::<u32>(),
        1 => prop_oneof![Just(0), Just(u32::MAX)],
    ];
    prop::collection::vec(prop::collection::vec(term, 0..12), 0..80)
}

fn agrees(run: &Run, first: u64, events: &[Vec<u32>]) {
    let model = model(first, events);
    for (term, expected) in &model {
        assert!(
            lookup(run, *term).into_iter().eq(expected.iter().copied()),
            "term {term:x}"
        );
        for near in [term.wrapping_sub(1), term.wrapping_add(1)] {
            assert_eq!(
                lookup(run, near).is_empty(),
                !model.contains_key(&near),
                "term {near:x}"
            );
        }
    }
    assert_eq!(run.postings, model.values().map(|set| set.len() as u64).sum::<u64>());
    assert_eq!((run.first, run.end), (first, first + events.len() as u64));
    assert_eq!(run.chunks.len(), 1 << run.bits);
}

/// `events` as runs that end at `cuts`.
fn split(first: u64, events: &[Vec<u32>], cuts: &[prop::sample::Index]) -> Vec<Run> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(events.len() + 1)).collect();
    ends.extend([0, events.len()]);
    ends.sort_unstable();
    ends.windows(2)
        .map(|w| build(first + w[0] as u64, &events[w[0]..w[1]]))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_run_holds_what_was_added(first in prop_oneof![Just(0), 0..1u64 << 40], events in events()) {
        agrees(&build(first, &events), first, &events);
    }

    #[test]
    fn merging_any_split_is_building_at_once(
        first in 0..1u64 << 40, events in events(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let whole = merge(&split(first, &events, &cuts));
        prop_assert_eq!(&whole, &build(first, &events));
        agrees(&whole, first, &events);
    }
}

/// Large enough for several chunks, wide offsets, bitmaps and inputs of different sizes.
#[test]
fn large_runs_of_different_sizes_merge_to_what_is_built_at_once() {
    let mut numbers = Numbers(1);
    let events: Vec<Vec<u32>> = (0..9_000).map(|_| (0..30).map(|_| numbers.term()).collect()).collect();
    let ends = [0, 1, 3, 5_000, 5_001, 8_999, 9_000];
    let runs: Vec<Run> = ends
        .windows(2)
        .map(|w| build(70 + w[0], &events[w[0] as usize..w[1] as usize]))
        .collect();
    let bits: Vec<u8> = runs.iter().map(|run| run.bits).collect();
    assert_eq!(bits, [0, 0, 5, 0, 4, 0]);
    let whole = merge(&runs);
    assert_eq!(whole, build(70, &events));
    assert!(whole.bits > 4);
    agrees(&whole, 70, &events);
    let halves = merge(&[merge(&runs[..3]), merge(&runs[3..])]);
    assert_eq!(halves, whole);
}

#[test]
fn chunks_of_a_merge_may_be_asked_for_in_any_order() {
    let mut numbers = Numbers(2);
    let events: Vec<Vec<u32>> = (0..4_000).map(|_| (0..20).map(|_| numbers.term()).collect()).collect();
    let runs = [build(0, &events[..2_000]), build(2_000, &events[2_000..])];
    let whole = merge(&runs);
    let mut again = Merge::new(&runs.each_ref().map(Run::head)).expect("the runs are adjacent");
    for number in [7, 3, 3, 0, 5, 1] {
        let chunk = again.chunk(number, &mut |run, bucket| {
            Ok::<_, Corrupt>(runs[run].chunks[bucket as usize].clone())
        });
        assert_eq!(chunk.as_ref(), Ok(&whole.chunks[number as usize]));
    }
}

#[test]
fn impossible_runs_are_refused() {
    let mut builder = Builder::new(10);
    assert_eq!(
        builder.add(9, 1),
        Err(BuildError::Outside {
            log_index: 9,
            first: 10
        })
    );
    builder.add(12, 1).expect("it is in the run");
    assert_eq!(builder.clone().finish(12), Err(BuildError::End { first: 10, end: 12 }));
    assert!(builder.clone().finish(9).is_err());
    assert!(builder.clone().finish(u64::MAX).is_err());
    assert_eq!(builder.finish(13).map(|run| run.postings), Ok(1));

    let head = |first, end| RunHead {
        first,
        end,
        bits: 0,
        postings: 1,
    };
    assert_eq!(Merge::new(&[]).err(), Some(MergeError::Nothing));
    let apart = Merge::new(&[head(0, 5), head(6, 7)]);
    assert_eq!(apart.err(), Some(MergeError::Gap { end: 5, first: 6 }));
    assert_eq!(Merge::new(&[head(0, 1 << 40)]).err(), Some(MergeError::Impossible));
    assert_eq!(Merge::new(&[head(5, 0)]).err(), Some(MergeError::Impossible));
    let wide = RunHead { bits: 21, ..head(0, 5) };
    assert_eq!(Merge::new(&[wide]).err(), Some(MergeError::Impossible));
}
