//! Checks the chain while rows stream by in any order, and names the rows that were touched.
//!
//! Rows whose `hash` fits (`hash = link_hash(prev_hash, entry_hash, log_index)`) are kept as runs:
//! stretches in which each row's `prev_hash` is the `hash` before it. An intact log is one run,
//! however long. Rows that do not fit are kept whole; [`Checker::finish`] finds out what happened.
//!
//! The reasoning leans on one fact: nobody can make another row with a given hash. So a row that a
//! trusted later row points to by `prev_hash` is genuine, and of two rows that claim one place the
//! chain itself, read backwards, knows which.

mod displaced;
mod finish;
mod segments;

use crate::chain::{GENESIS, Hash, link_hash};
use std::collections::{BTreeMap, HashMap};

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Its values or hashes were changed.
    Modified,
    /// It was removed.
    Missing,
    /// It was put in.
    Extra,
    /// It was moved from another place.
    Reordered,
}

impl Kind {
    /// The name that `auditlog.verify` shows.
    pub fn label(self) -> &'static str {
        match self {
            Kind::Modified => "modified",
            Kind::Missing => "missing",
            Kind::Extra => "extra",
            Kind::Reordered => "reordered",
        }
    }
}

/// A row that was touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where the row stands, or stood when it is missing.
    pub log_index: u64,
    /// What happened to it.
    pub kind: Kind,
    /// What does not fit, and where a moved row belongs.
    pub detail: String,
    /// The row's `event_id`, where it is known.
    pub event_id: Option<String>,
}

/// What the rows are compared with.
#[derive(Debug, Clone, Copy)]
pub struct Expect {
    /// The first `log_index` that was read.
    pub first: u64,
    /// One more than the last `log_index` there should be.
    pub size: u64,
    /// The `hash` before row `first`: [`crate::chain::GENESIS`] for row 0, `None` when unknown.
    pub start_prev: Option<Hash>,
    /// The `hash` of row `size - 1` as the head has it, `None` when unknown.
    pub head_hash: Option<Hash>,
}

/// Runs that grow at their end while rows come in; more are set aside and joined later.
const OPEN_RUNS: usize = 8;

/// Rows that don't fit, before removed ones, over which the chain is followed by the tree.
const FOLLOWED: u64 = 1_000;

/// The streaming checker. Memory grows with the number of runs and of touched rows.
#[derive(Debug)]
pub struct Checker {
    open: Vec<Run>,
    closed: Vec<Run>,
    join_at: usize,
    /// Rows whose `hash` does not fit.
    broken: Vec<Row>,
    /// Rows in runs whose values do not give their `entry_hash`.
    changed: Vec<Row>,
}

/// A row that is kept whole.
#[derive(Debug, Clone)]
struct Row {
    index: u64,
    prev: Hash,
    entry: Hash,
    hash: Hash,
    content_ok: bool,
    event_id: Vec<u8>,
}

/// Rows `first..=last`, each linked to the one before it.
#[derive(Debug, Clone)]
struct Run {
    first: u64,
    first_prev: Hash,
    first_id: Vec<u8>,
    last: u64,
    last_hash: Hash,
    last_id: Vec<u8>,
    /// `prev_hash` of the last row, where it is still known: lets a forged end be taken off again.
    last_prev: Option<Hash>,
}

impl Default for Checker {
    fn default() -> Checker {
        Checker::new()
    }
}

impl Checker {
    /// A checker that has seen nothing.
    pub fn new() -> Checker {
        Checker {
            open: Vec::new(),
            closed: Vec::new(),
            join_at: 1024,
            broken: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// Takes one row. `content_ok` says whether the row's values give its `entry_hash`.
    pub fn row(
        &mut self,
        log_index: u64,
        prev_hash: &Hash,
        entry_hash: &Hash,
        hash: &Hash,
        content_ok: bool,
        event_id: &[u8],
    ) {
        let fits = link_hash(prev_hash, entry_hash, log_index) == *hash;
        if !fits || !content_ok {
            let row = Row {
                index: log_index,
                prev: *prev_hash,
                entry: *entry_hash,
                hash: *hash,
                content_ok,
                event_id: event_id.to_vec(),
            };
            if !fits {
                self.broken.push(row);
                return;
            }
            self.changed.push(row);
        }
        for run in &mut self.open {
            if run.last.checked_add(1) == Some(log_index) && run.last_hash == *prev_hash {
                run.last = log_index;
                run.last_hash = *hash;
                run.last_prev = Some(*prev_hash);
                run.last_id.clear();
                run.last_id.extend_from_slice(event_id);
                return;
            }
        }
        self.start(Run {
            first: log_index,
            first_prev: *prev_hash,
            first_id: event_id.to_vec(),
            last: log_index,
            last_hash: *hash,
            last_id: event_id.to_vec(),
            last_prev: Some(*prev_hash),
        });
    }

    /// Says which places, as ascending pairs of first and last with a place between two of them, need no row: retention has
    /// removed them. `leaf` is the `entry_hash` that the Merkle tree has at a place. The chain is followed through them, so that
    /// what comes behind them must still fit. Called once, after all rows.
    pub fn removed(&mut self, ranges: &[(u64, u64)], mut leaf: impl FnMut(u64) -> Option<Hash>) {
        self.closed.append(&mut self.open);
        let mut runs = join(std::mem::take(&mut self.closed), None);
        let mut ends: BTreeMap<u64, Vec<(Hash, Option<Hash>)>> = BTreeMap::new();
        for run in &runs {
            ends.entry(run.last).or_default().push((run.last_hash, run.last_prev));
        }
        let mut starts: HashMap<u64, Vec<Hash>> = HashMap::new();
        for run in &runs {
            starts.entry(run.first).or_default().push(run.first_prev);
        }
        for &(first, last) in ranges {
            let leads_on = |hash: &Hash| starts.get(&(last + 1)).is_some_and(|prevs| prevs.contains(hash));
            let mut found: Vec<(Hash, Hash)> = before(&ends, first, &mut leaf)
                .into_iter()
                .filter_map(|before| Some((before, follow(before, first, last, &mut leaf)?)))
                .collect();
            // The last resort comes last: what follows from the tree alone.
            let place = found.iter().position(|(_, end)| leads_on(end));
            let Some((first_prev, last_hash)) = place.map(|place| found.swap_remove(place)).or(found.pop()) else {
                continue;
            };
            runs.push(Run {
                first,
                first_prev,
                first_id: Vec::new(),
                last,
                last_hash,
                last_id: Vec::new(),
                last_prev: None,
            });
            ends.entry(last).or_default().push((last_hash, None));
        }
        self.closed = runs;
    }

    /// Takes what another checker saw of the same log.
    pub fn merge(&mut self, other: Checker) {
        self.broken.extend(other.broken);
        self.changed.extend(other.changed);
        self.closed.extend(other.closed);
        self.closed.extend(other.open);
        self.join_when_many();
    }

    fn start(&mut self, run: Run) {
        if self.open.len() == OPEN_RUNS {
            let oldest = self.open.remove(0);
            self.closed.push(oldest);
            self.join_when_many();
        }
        self.open.push(run);
    }

    fn join_when_many(&mut self) {
        if self.closed.len() >= self.join_at {
            self.closed = join(std::mem::take(&mut self.closed), None);
            self.join_at = (self.closed.len() * 2).max(1024);
        }
    }

    /// All findings, sorted by `log_index`: one for each touched row, none for its neighbours.
    ///
    /// Where the rows leave a choice, the fewest touched rows that explain everything are named. A
    /// row that was made anew stays hidden while the row after it is missing or broken as well, or
    /// when two or more forged rows hang on to it beside the genuine ones: what is named there must
    /// be looked at together with the row before it.
    pub fn finish(mut self, expect: Expect) -> Vec<Finding> {
        self.closed.append(&mut self.open);
        let runs = join(self.closed, expect.head_hash);
        finish::findings(runs, self.broken, self.changed, &expect)
    }
}

/// The hashes that the row before `first` may have: what the rows there say, and what follows from the tree where such a row was
/// touched.
fn before(
    ends: &BTreeMap<u64, Vec<(Hash, Option<Hash>)>>,
    first: u64,
    leaf: &mut impl FnMut(u64) -> Option<Hash>,
) -> Vec<Hash> {
    let Some(place) = first.checked_sub(1) else {
        return vec![GENESIS];
    };
    let mut found = Vec::new();
    let here = ends.get(&place).map_or(&[][..], Vec::as_slice);
    for (hash, prev) in here {
        found.push(Some(*hash));
        found.push(prev.and_then(|prev| follow(prev, place, place, leaf)));
    }
    // The row itself does not fit, or is missing: from the nearest one before it.
    let nearest = ends.range(..place).next_back();
    let (from, hashes) = nearest.map_or((0, vec![GENESIS]), |(end, hashes)| {
        (end + 1, hashes.iter().map(|(hash, _)| *hash).collect())
    });
    if place - from < FOLLOWED {
        found.extend(hashes.into_iter().map(|hash| follow(hash, from, place, leaf)));
    }
    found.into_iter().flatten().collect()
}

/// The `hash` of row `last`, from the one before row `first` and the tree's leaves.
fn follow(before: Hash, first: u64, last: u64, leaf: &mut impl FnMut(u64) -> Option<Hash>) -> Option<Hash> {
    (first..=last).try_fold(before, |hash, place| Some(link_hash(&hash, &leaf(place)?, place)))
}

/// Joins runs that follow each other, from the end backwards: the row before a row is certain, the
/// row after it is not when there is a fork.
fn join(mut runs: Vec<Run>, head: Option<Hash>) -> Vec<Run> {
    runs.sort_unstable_by_key(|run| (std::cmp::Reverse(run.last), Some(run.last_hash) != head, run.first));
    let mut by_end: HashMap<(u64, Hash), Vec<usize>> = HashMap::with_capacity(runs.len());
    for (at, run) in runs.iter().enumerate() {
        by_end.entry((run.last, run.last_hash)).or_default().push(at);
    }
    let mut runs: Vec<Option<Run>> = runs.into_iter().map(Some).collect();
    let mut joined = Vec::new();
    for at in 0..runs.len() {
        let Some(mut run) = runs[at].take() else { continue };
        while let Some(before) = run.first.checked_sub(1) {
            let key = (before, run.first_prev);
            // of equal ends (copies of a row) the longest run is the log, the others are the copies
            let ends = by_end.get(&key).map_or(&[][..], Vec::as_slice);
            let best = ends
                .iter()
                .copied()
                .filter(|&k| runs[k].is_some())
                .min_by_key(|&k| runs[k].as_ref().map(|r| r.first));
            let Some(earlier) = best.and_then(|k| runs[k].take()) else {
                break;
            };
            run.first = earlier.first;
            run.first_prev = earlier.first_prev;
            run.first_id = earlier.first_id;
        }
        joined.push(run);
    }
    joined
}

fn text(event_id: &[u8]) -> Option<String> {
    (!event_id.is_empty()).then(|| String::from_utf8_lossy(event_id).into_owned())
}
