//! Measures building, merging and lookups: `cargo run --release -p auditlog-index --example measure [events]`.
//!
//! Times are CPU times. Each event has about 40 words: 10 of its own, 10 of a thousand and 20 of fifty (repetitions included).

use std::hint::black_box;
use std::time::{Duration, Instant};

use auditlog_index::{Builder, Corrupt, Merge, Run, next_merge, postings, term};

const RUN: u64 = 8_192;

#[derive(Default)]
struct Costs {
    build: Duration,
    merge: Duration,
    merged: u64,
    built: u64,
    bytes_built: usize,
}

fn main() {
    let events: u64 = std::env::args()
        .nth(1)
        .and_then(|events| events.parse().ok())
        .unwrap_or(1_000_000);
    let medium: Vec<u32> = (0..1_000).map(|number| term(&format!("medium{number}"))).collect();
    let common: Vec<u32> = (0..50).map(|number| term(&format!("common{number}"))).collect();
    let mut costs = Costs::default();
    let mut runs: Vec<Run> = Vec::new();
    let mut state = 1u64;
    for first in (0..events).step_by(RUN as usize) {
        let end = events.min(first + RUN);
        let words: Vec<[u32; 40]> = (first..end)
            .map(|event| {
                std::array::from_fn(|place| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let random = (state >> 33) as usize;
                    match place {
                        0..10 => unique(event, place as u64),
                        10..20 => medium[random % medium.len()],
                        _ => common[random % common.len()],
                    }
                })
            })
            .collect();
        runs.push(build(first, end, &words, &mut costs));
        merge_all(&mut runs, &mut costs);
    }
    report(events, &runs, &costs);
    for (name, wanted) in [
        ("unique", unique(events / 3, 4)),
        ("medium", medium[7]),
        ("common", common[7]),
        ("absent", term("nowhere")),
    ] {
        lookup(name, wanted, &runs);
    }
    let text = "user=Alice.Miller@example.com action=policy.update resource=arn:aws:iam::123456789012:role/Admin ok";
    let begin = cpu();
    let mut terms = 0u64;
    for _ in 0..100_000 {
        auditlog_index::terms_of(black_box(text), &mut |term| terms += u64::from(term > 0));
    }
    println!(
        "terms of a text: {:.1} ns/word",
        (cpu() - begin).as_nanos() as f64 / terms as f64
    );
}

/// The CPU time of this thread: what a busy machine does beside it does not count.
fn cpu() -> Duration {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells the CPU time");
    let nanoseconds = line.split(' ').next().and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.expect("the first number is the time"))
}

fn unique(event: u64, place: u64) -> u32 {
    term(&format!("{event:x}u{place}"))
}

fn build(first: u64, end: u64, words: &[[u32; 40]], costs: &mut Costs) -> Run {
    let begin = cpu();
    let mut builder = Builder::new(first);
    for (log_index, words) in (first..end).zip(words) {
        for word in words {
            builder.add(log_index, *word).expect("the event is in the run");
        }
    }
    let run = builder.finish(end).expect("the run is possible");
    let took = cpu() - begin;
    costs.build += took;
    costs.built += run.postings;
    costs.bytes_built += bytes(&run);
    run
}

fn merge_all(runs: &mut Vec<Run>, costs: &mut Costs) {
    loop {
        let heads: Vec<_> = runs.iter().map(Run::head).collect();
        let Some(range) = next_merge(&heads) else {
            return;
        };
        let begin = cpu();
        let mut merge = Merge::new(&heads[range.clone()]).expect("the runs are adjacent");
        let head = merge.out_head();
        let inputs = &runs[range.clone()];
        let mut read = |run: usize, bucket: u32| Ok::<_, Corrupt>(inputs[run].chunks[bucket as usize].clone());
        let chunks = (0..head.chunks()).map(|number| merge.chunk(number, &mut read).expect("the chunks are whole"));
        let chunks = chunks.collect();
        costs.merge += cpu() - begin;
        costs.merged += head.postings;
        let merged = Run {
            first: head.first,
            end: head.end,
            bits: head.bits,
            chunks,
            postings: head.postings,
        };
        runs.splice(range, [merged]);
    }
}

fn bytes(run: &Run) -> usize {
    run.chunks.iter().map(Vec::len).sum()
}

fn report(events: u64, runs: &[Run], costs: &Costs) {
    let total: usize = runs.iter().map(bytes).sum();
    let chunks: usize = runs.iter().map(|run| run.chunks.len()).sum();
    let count: u64 = runs.iter().map(|run| run.postings).sum();
    let per = |time: Duration, number: u64| time.as_nanos() as f64 / number.max(1) as f64;
    println!("{events} events, {:.1} postings each", count as f64 / events as f64);
    println!("build: {:.0} ns/event", per(costs.build, events));
    println!(
        "merge: {:.1} ns/posting, {:.0} ns/event in all",
        per(costs.merge, costs.merged),
        per(costs.merge, events)
    );
    println!(
        "written by merges: {:.2} times each posting",
        costs.merged as f64 / costs.built as f64
    );
    println!(
        "size: {:.1} bytes/event, {:.2} bytes/posting; as built {:.1} and {:.2}",
        total as f64 / events as f64,
        total as f64 / count as f64,
        costs.bytes_built as f64 / events as f64,
        costs.bytes_built as f64 / costs.built as f64,
    );
    println!(
        "{} runs, {chunks} chunks of {} bytes on average",
        runs.len(),
        total / chunks
    );
    for run in runs {
        let largest = run.chunks.iter().map(Vec::len).max().unwrap_or(0);
        println!(
            "  {} events, {} bits, {} bytes, largest chunk {largest}",
            run.end - run.first,
            run.bits,
            bytes(run)
        );
    }
}

/// The fastest of many times by the clock: one is too short for the kernel's count of CPU time.
fn lookup(name: &str, wanted: u32, runs: &[Run]) {
    let mut found = Vec::new();
    let mut fastest = Duration::MAX;
    for _ in 0..200 {
        found.clear();
        let begin = Instant::now();
        for run in runs {
            let chunk = &run.chunks[run.head().bucket(black_box(wanted)) as usize];
            if let Some(list) = postings(chunk, run.first, wanted).expect("the chunk is whole") {
                list.collect_into(&mut found).expect("the list is whole");
            }
        }
        fastest = fastest.min(begin.elapsed());
    }
    println!("{name}: {} events in {fastest:?} over {} runs", found.len(), runs.len());
}
