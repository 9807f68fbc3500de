//! How fast leaves are appended: `cargo run --release -p auditlog-tlog --example append [leaves]`.

use std::time::Instant;

use auditlog_tlog::{Appender, hash::leaf_hash};

fn main() {
    let leaves: u64 = std::env::args()
        .nth(1)
        .map_or(10_000_000, |text| text.parse().expect("a number"));
    let leaf = leaf_hash(b"entry");
    let mut appender = Appender::new();
    let mut tiles = 0;
    let start = Instant::now();
    for number in 0..leaves {
        let mut leaf = leaf;
        leaf[..8].copy_from_slice(&number.to_be_bytes());
        appender.append(leaf);
        // As the sealer does: the root and the tiles once for each batch.
        if number % 256 == 99 {
            tiles += appender.changed().len();
            std::hint::black_box(appender.root());
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{leaves} leaves in {seconds:.2} s, {:.2} million a second, {tiles} tiles written",
        leaves as f64 / seconds / 1e6
    );
}
