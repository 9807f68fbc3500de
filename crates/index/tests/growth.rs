//! The merge policy, simulated: few runs, each event written few times.

use auditlog_index::policy::MAX_RUNS;
use auditlog_index::run::MAX_EVENTS;
use auditlog_index::{RunHead, next_merge};

/// What a growing log did.
#[derive(Debug)]
struct Growth {
    most_runs: usize,
    /// Events written, by building and merging, per event.
    written: f64,
}

fn grow(sizes: impl Iterator<Item = u64>) -> Growth {
    let mut runs: Vec<RunHead> = Vec::new();
    let mut written = 0;
    let mut most_runs = 0;
    for size in sizes {
        let first = runs.last().map_or(0, |run| run.end);
        let end = first + size;
        runs.push(RunHead {
            first,
            end,
            bits: 0,
            postings: 0,
        });
        written += size;
        while let Some(range) = next_merge(&runs) {
            assert!(
                range.len() >= 2 && range.end <= runs.len(),
                "{range:?} of {}",
                runs.len()
            );
            let merged = RunHead {
                first: runs[range.start].first,
                end: runs[range.end - 1].end,
                bits: 0,
                postings: 0,
            };
            assert!(merged.events() <= MAX_EVENTS);
            written += merged.events();
            runs.splice(range, [merged]);
        }
        most_runs = most_runs.max(runs.len());
    }
    assert!(runs.windows(2).all(|pair| pair[0].end == pair[1].first));
    let events = runs.last().map_or(0, |run| run.end);
    Growth {
        most_runs,
        written: written as f64 / events as f64,
    }
}

fn upto(events: u64, mut size: impl FnMut(u64) -> u64) -> impl Iterator<Item = u64> {
    let mut sum = 0;
    std::iter::from_fn(move || {
        let next = size(sum);
        sum += next;
        (sum <= events).then_some(next)
    })
}

fn keeps_the_bounds(name: &str, growth: &Growth) {
    println!("{name}: {growth:?}");
    assert!(growth.most_runs <= MAX_RUNS, "{name}: {growth:?}");
    assert!(growth.written <= 8.0, "{name}: {growth:?}");
}

#[test]
fn runs_of_any_size_stay_few_and_are_written_few_times() {
    for size in [8_192, 4_096, 1_024, 100, 5] {
        keeps_the_bounds(&format!("runs of {size}"), &grow(upto(10_000_000, |_| size)));
    }
}

#[test]
fn runs_of_single_events_stay_few() {
    keeps_the_bounds("runs of 1", &grow(upto(500_000, |_| 1)));
}

#[test]
fn runs_of_changing_sizes_stay_few_and_are_written_few_times() {
    let mut state = 1u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let busy_and_idle = grow(upto(10_000_000, |sum| if (sum / 100_000) % 2 == 0 { 8_192 } else { 5 }));
    keeps_the_bounds("busy and idle by turns", &busy_and_idle);
    keeps_the_bounds(
        "1 to 8,192 at random",
        &grow(upto(10_000_000, |_| 1 + random() % 8_192)),
    );
    let mut place = 0;
    let alternating = grow(upto(10_000_000, |_| {
        place += 1;
        if place % 2 == 0 { 8_192 } else { 3 }
    }));
    keeps_the_bounds("large and small by turns", &alternating);
    // A log whose index is built at once, in falling sizes: the levels never meet.
    keeps_the_bounds(
        "falling",
        &grow([8_000_000, 1_000_000, 900_000, 90_000, 9_000, 900, 90, 9].into_iter()),
    );
}

#[test]
fn the_longest_runs_are_left_alone() {
    let growth = grow(upto(3_000_000_000, |_| 1 << 20));
    assert!(
        growth.most_runs <= MAX_RUNS + 3_000_000_000 / (MAX_EVENTS as usize / 8),
        "{growth:?}"
    );
    assert!(growth.written <= 8.0, "{growth:?}");
    let full = RunHead {
        first: 0,
        end: MAX_EVENTS,
        bits: 20,
        postings: 0,
    };
    let many: Vec<RunHead> = (0..200)
        .map(|place| RunHead {
            first: place * MAX_EVENTS,
            end: (place + 1) * MAX_EVENTS,
            ..full
        })
        .collect();
    assert_eq!(next_merge(&many), None);
    assert_eq!(next_merge(&[]), None);
}
