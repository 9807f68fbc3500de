//! A synthetic bundle: `cargo run --release -p auditlog-bundle --features testing --example generate --
//! DIR EVENTS [N]`. With N, retention has removed every Nth event. Prints the public key.

use std::path::PathBuf;

use auditlog_bundle::certificate::{MAX_RANGES, Range};
use auditlog_bundle::synthetic::{Log, Plan, Removal, tells_of_erasures};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().expect("a directory"));
    let mut number = |default: u64| {
        let given = arguments.next().map(|text| text.parse().expect("a number"));
        given.unwrap_or(default)
    };
    let size = number(1_000_000);
    let every = number(0);
    let log = Log::new(1);
    let plan = Plan {
        size,
        checkpoints: (1..=size / 100_000).map(|number| number * 100_000).collect(),
        removals: removals(size, every),
        ..Plan::default()
    };
    log.write(&directory, &plan).expect("an empty directory");
    println!("{}", log.vkey());
}

/// Certificates as full as they can be; the last events tell of them.
fn removals(size: u64, every: u64) -> Vec<Removal> {
    if every == 0 {
        return Vec::new();
    }
    let end = size - size / every / MAX_RANGES as u64 - 2;
    let ranges: Vec<Range> = (0..end)
        .step_by(every as usize)
        .filter(|place| !tells_of_erasures(*place))
        .map(|place| (place, place))
        .collect();
    let certificates = ranges.chunks(MAX_RANGES).zip(end..);
    certificates
        .map(|(ranges, told_at)| Removal::new(told_at, ranges))
        .collect()
}
