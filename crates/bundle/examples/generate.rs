//! A synthetic bundle: `cargo run --release -p auditlog-bundle --features testing --example generate --
//! DIR EVENTS`. Prints the public key.

use std::path::PathBuf;

use auditlog_bundle::synthetic::{Log, Plan};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().expect("a directory"));
    let size: u64 = arguments
        .next()
        .map_or(Ok(1_000_000), |text| text.parse())
        .expect("a number");
    let log = Log::new(1);
    let plan = Plan {
        size,
        checkpoints: (1..=size / 100_000).map(|number| number * 100_000).collect(),
        every: None,
        ..Plan::default()
    };
    log.write(&directory, &plan).expect("an empty directory");
    println!("{}", log.vkey());
}
