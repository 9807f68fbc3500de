//! Measures how many events a second each format writes on one core:
//! `cargo run --release -p auditlog-format --example format_rate [events]`.
//!
//! The events are those of `auditlog_bundle::synthetic`, which look like those of a service: about 25 columns, half of
//! them with `before` and `after`. Reading the record is part of it; nothing is written to a disk. Seconds are those of
//! the processor, so that a busy machine counts less.

use std::time::Duration;

use auditlog_bundle::Record;
use auditlog_bundle::synthetic::Log;
use auditlog_format::{Format, Options, Source, Writer};

fn main() {
    let events: usize = std::env::args()
        .nth(1)
        .and_then(|events| events.parse().ok())
        .unwrap_or(200_000);
    let log = Log::new(7);
    let mut hash = [0; 32];
    let records: Vec<Vec<u8>> = (0..events.min(20_000) as u64)
        .map(|index| {
            let (bytes, _, next) = log.record(index, hash, &log.row(index));
            hash = next;
            bytes
        })
        .collect();
    let bytes: usize = records.iter().map(Vec::len).sum();
    println!(
        "{} records, {} bytes each on average",
        records.len(),
        bytes / records.len()
    );
    println!("{:<12} {:>10} {:>8} {:>9}", "format", "events/s", "MB/s", "bytes");
    for format in Format::ALL {
        measure(format, &records, events);
    }
}

fn measure(format: Format, records: &[Vec<u8>], events: usize) {
    let source = Source {
        origin: log_origin(),
        version: "0.1.0".to_owned(),
        hostname: "db1".to_owned(),
        database: "shop".to_owned(),
    };
    let writer = Writer::new(Options::usual(format), source);
    let mut out = Vec::with_capacity(1 << 20);
    let mut written = 0;
    let start = on_processor();
    for bytes in records.iter().cycle().take(events) {
        let record = Record::parse(bytes).expect("a record");
        writer.event(&record, &mut out).expect("a plain entry");
        out.push(b'\n');
        if out.len() > 1 << 19 {
            written += out.len();
            out.clear();
        }
    }
    written += out.len();
    let seconds = (on_processor() - start).as_secs_f64();
    println!(
        "{:<12} {:>10.0} {:>8.0} {:>9}",
        format.label(),
        events as f64 / seconds,
        written as f64 / seconds / 1e6,
        written / events
    );
}

/// The time this process has had on a processor (Linux, Documentation/scheduler/sched-stats).
fn on_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").expect("Linux");
    let nanoseconds = text.split(' ').next().and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}

fn log_origin() -> String {
    auditlog_bundle::synthetic::ORIGIN.to_owned()
}
