//! Which of the rows are the log: the way of the chain through the runs.

use super::{Expect, Run};
use crate::chain::Hash;
use std::cmp::Reverse;

/// A stretch of the log through which the chain leads.
pub(super) struct Segment {
    pub first: u64,
    pub first_prev: Hash,
    pub first_id: Vec<u8>,
    pub last: u64,
    /// `hash` of the last row, unless the run's end was cut off where it is no longer known.
    pub last_hash: Option<Hash>,
    pub last_id: Vec<u8>,
}

/// Rows of a run that the chain does not lead through.
pub(super) struct Spare {
    pub first: u64,
    pub last: u64,
    /// `hash` of the row when it is one.
    pub hash: Option<Hash>,
    /// Of the last row.
    pub event_id: Vec<u8>,
}

/// Follows the chain from the end to the start; where runs overlap, the one that the rows after it
/// point to is the log and the other one was put in.
pub(super) fn follow_back(mut runs: Vec<Run>, expect: &Expect) -> (Vec<Segment>, Vec<Spare>) {
    runs.sort_unstable_by_key(|run| Reverse(run.last));
    let mut segments = Vec::new();
    let mut spares = Vec::new();
    let mut waiting = runs.into_iter().peekable();
    // runs that have the row before `end`
    let mut active: Vec<Run> = Vec::new();
    let mut end = expect.size;
    let mut wanted = expect.head_hash;
    while end > expect.first {
        while let Some(run) = waiting.next_if(|run| run.last.saturating_add(1) >= end) {
            active.push(run);
        }
        retire(&mut active, &mut spares, end);
        let Some(best) = best(&active, end, wanted) else {
            let Some(next) = waiting.peek() else { break };
            end = next.last + 1;
            wanted = None;
            continue;
        };
        let run = active.swap_remove(best);
        let last_hash = hash_before(&run, end);
        let cut = run.last >= end;
        if cut {
            let hash = (run.last == end).then_some(run.last_hash);
            spares.push(Spare {
                first: end,
                last: run.last,
                hash,
                event_id: run.last_id.clone(),
            });
        }
        let last_id = if cut { Vec::new() } else { run.last_id };
        let (first, first_prev, first_id) = (run.first, run.first_prev, run.first_id);
        segments.push(Segment {
            first,
            first_prev,
            first_id,
            last: end - 1,
            last_hash,
            last_id,
        });
        end = first;
        wanted = Some(first_prev);
    }
    spares.extend(active.into_iter().chain(waiting).map(spare));
    segments.reverse();
    (segments, spares)
}

/// The run to go on with: the one with the wanted hash, else the longest.
fn best(active: &[Run], end: u64, wanted: Option<Hash>) -> Option<usize> {
    let rank = |run: &Run| match (hash_before(run, end), wanted) {
        (Some(hash), Some(wanted)) if hash == wanted => 0,
        (Some(_), Some(_)) => 2,
        _ => 1,
    };
    (0..active.len()).min_by_key(|&at| (rank(&active[at]), active[at].first))
}

/// Takes runs off the list that begin only at `end` or after it: the chain leads past them.
fn retire(active: &mut Vec<Run>, spares: &mut Vec<Spare>, end: u64) {
    let mut at = 0;
    while at < active.len() {
        if active[at].first >= end {
            spares.push(spare(active.swap_remove(at)));
        } else {
            at += 1;
        }
    }
}

fn spare(run: Run) -> Spare {
    let hash = (run.first == run.last).then_some(run.last_hash);
    Spare {
        first: run.first,
        last: run.last,
        hash,
        event_id: run.last_id,
    }
}

/// `hash` of row `end - 1` of this run, where it is known.
fn hash_before(run: &Run, end: u64) -> Option<Hash> {
    if run.last == end {
        run.last_prev
    } else {
        (run.last.checked_add(1) == Some(end)).then_some(run.last_hash)
    }
}

/// Does the chain lead through a row with this `log_index`? `segments` are in order.
pub(super) fn covers(segments: &[Segment], log_index: u64) -> bool {
    let after = segments.partition_point(|segment| segment.first <= log_index);
    after > 0 && segments[after - 1].last >= log_index
}
