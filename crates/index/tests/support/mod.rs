//! Runs kept in memory, beside the naive index they must agree with.
#![allow(dead_code, reason = "not every test uses all of it")]

use std::collections::{BTreeMap, BTreeSet};

use auditlog_index::{Builder, Corrupt, Merge, Run, postings};

/// Term → log indexes.
pub type Model = BTreeMap<u32, BTreeSet<u64>>;

/// A run of `events`, which begin at `first`, each a list of terms.
pub fn build(first: u64, events: &[Vec<u32>]) -> Run {
    let mut builder = Builder::new(first);
    for (log_index, terms) in (first..).zip(events) {
        for term in terms {
            builder.add(log_index, *term).expect("the event is in the run");
        }
    }
    builder
        .finish(first + events.len() as u64)
        .expect("the run is possible")
}

/// The same, naively.
pub fn model(first: u64, events: &[Vec<u32>]) -> Model {
    let mut model = Model::new();
    for (log_index, terms) in (first..).zip(events) {
        for term in terms {
            model.entry(*term).or_default().insert(log_index);
        }
    }
    model
}

/// What a run says about a term.
pub fn lookup(run: &Run, term: u32) -> Vec<u64> {
    let chunk = &run.chunks[run.head().bucket(term) as usize];
    let mut found = Vec::new();
    if let Some(list) = postings(chunk, run.first, term).expect("the chunk is whole") {
        list.collect_into(&mut found).expect("the list is whole");
        assert_eq!(found.len() as u64, list.count());
    }
    found
}

/// The runs as one.
pub fn merge(runs: &[Run]) -> Run {
    let heads: Vec<_> = runs.iter().map(Run::head).collect();
    let mut merge = Merge::new(&heads).expect("the runs are adjacent");
    let head = merge.out_head();
    let mut reads = BTreeSet::new();
    let chunks = (0..head.chunks()).map(|number| {
        let read = &mut |run: usize, bucket: u32| {
            assert!(reads.insert((run, bucket)), "chunk {bucket} of run {run} is read once");
            Ok::<_, Corrupt>(runs[run].chunks[bucket as usize].clone())
        };
        merge.chunk(number, read).expect("the chunks are whole")
    });
    Run {
        first: head.first,
        end: head.end,
        bits: head.bits,
        chunks: chunks.collect(),
        postings: head.postings,
    }
}

/// A cheap source of numbers for tests that need many (splitmix64).
pub struct Numbers(pub u64);

impl Numbers {
    /// The next one.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A term: unique, one of many, or one of few.
    pub fn term(&mut self) -> u32 {
        let number = self.next();
        let spread = |value: u64| (value as u32).wrapping_mul(0x9e37_79b1);
        match number % 4 {
            0 => spread(number >> 8),
            1 => spread((number >> 8) % 1_000),
            _ => spread((number >> 8) % 50),
        }
    }
}
