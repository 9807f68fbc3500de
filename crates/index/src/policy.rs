//! Which runs to merge next, so that there are few of them and each posting is written few times.
//!
//! The *level* of a run is the whole part of log8 of its events, so that eight of one level make one of
//! the next. A merge raises each of its events by a level or more: the events of runs of 8,192 are
//! written at most five times up to ten million. Levels begin at one event, so that an idle system,
//! whose runs are a handful of events, is no special case.

use std::ops::Range;

use crate::run::{MAX_EVENTS, RunHead};

/// How many runs of a level are merged into one of the next.
pub const FAN_IN: usize = 8;

/// The most runs that are left alone, not counting those so long that eight of them can't be merged
/// ([`MAX_EVENTS`]). A lookup reads one chunk of each.
pub const MAX_RUNS: usize = 40;

/// The runs to merge next: a range of `runs`, which are all runs in the order of the log. None when
/// there are few enough. To be asked again after each new or merged run.
pub fn next_merge(runs: &[RunHead]) -> Option<Range<usize>> {
    let highest = runs.iter().map(level).max()?;
    (0..=highest)
        .find_map(|level| of_one_level(runs, level))
        .or_else(|| cheapest(runs))
}

fn level(run: &RunHead) -> u32 {
    run.events().max(1).ilog2() / 3
}

fn events(runs: &[RunHead]) -> u64 {
    runs.iter().map(RunHead::events).sum()
}

/// The first [`FAN_IN`] runs of `wanted` with no higher one among them. Lower ones among and before
/// them come along: they would otherwise lie between larger runs for long.
fn of_one_level(runs: &[RunHead], wanted: u32) -> Option<Range<usize>> {
    let mut start = 0;
    let mut found = 0;
    for (place, run) in runs.iter().enumerate() {
        match level(run).cmp(&wanted) {
            std::cmp::Ordering::Greater => (start, found) = (place + 1, 0),
            std::cmp::Ordering::Equal => found += 1,
            std::cmp::Ordering::Less => {}
        }
        if found == FAN_IN {
            if events(&runs[start..=place]) <= MAX_EVENTS {
                return Some(start..place + 1);
            }
            (start, found) = (place + 1, 0);
        }
    }
    None
}

/// When there are too many runs of all levels together: the neighbours whose merge writes the fewest
/// events for each run it saves. Those are the last and smallest ones in a log that grows evenly.
fn cheapest(runs: &[RunHead]) -> Option<Range<usize>> {
    let small = runs.iter().filter(|run| run.events() <= MAX_EVENTS / FAN_IN as u64);
    if small.count() <= MAX_RUNS {
        return None;
    }
    let ranges = (2..=FAN_IN).flat_map(|length| (0..=runs.len() - length).map(move |start| start..start + length));
    let possible = ranges.filter(|range| events(&runs[range.clone()]) <= MAX_EVENTS);
    possible.min_by_key(|range| events(&runs[range.clone()]) / (range.len() as u64 - 1))
}
