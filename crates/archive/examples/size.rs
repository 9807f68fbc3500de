//! How many bytes an event takes in an object, column by column, and how long that takes.
//!
//! ```text
//! cargo run --release -p auditlog-archive --example size -- 1000000 [LEVEL] [FILE of records]
//! ```
//!
//! Without a file the events are those of the synthetic log. A file has frames of a bundle: for each record
//! its length as a u32, big endian, and its bytes.

use std::fs;
use std::time::Instant;

use auditlog_archive::{ObjectReader, ObjectWriter, Options, Placement};
use auditlog_bundle::Record;
use auditlog_bundle::synthetic::{Log, ORIGIN, Plan};
use auditlog_core::chain::GENESIS;
use auditlog_core::decode::decode_plain;
use auditlog_core::encode::Value;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate};
use parquet::file::reader::{FileReader, SerializedFileReader};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let size: u64 = arguments
        .first()
        .map_or(Ok(100_000), |size| size.parse())
        .expect("a number of events");
    let mut options = Options::default();
    if let Some(level) = arguments.get(1) {
        options.level = level.parse().expect("a level of zstd");
    }
    let records = arguments
        .get(2)
        .map_or_else(|| synthetic(size), |file| framed(file, size));
    let plain: usize = records.iter().map(Vec::len).sum();
    let placement = Placement {
        origin: ORIGIN.to_owned(),
        retention_class: "default".to_owned(),
        day: day(&records[0]).unwrap_or_default(),
    };
    let begun = Instant::now();
    let mut writer = ObjectWriter::new(Vec::new(), placement, options).expect("options");
    let mut events = 0;
    for record in &records {
        // events of other days would go into objects of their own
        if writer.push(record).is_ok() {
            events += 1;
        }
    }
    let (object, _) = writer.finish().expect("an object");
    let object = Bytes::from(object);
    let seconds = begun.elapsed().as_secs_f64();
    println!("{events} events, {} bytes each as records", plain / records.len());
    println!(
        "written: {} bytes each, {:.0} events/s",
        object.len() / events,
        events as f64 / seconds
    );
    let begun = Instant::now();
    let mut read = 0;
    let reader = ObjectReader::open(object.clone()).expect("an object");
    reader
        .for_each(|_, record| read += usize::from(record.is_ok()))
        .expect("row groups");
    println!(
        "read: {:.0} events/s, {} row groups",
        read as f64 / begun.elapsed().as_secs_f64(),
        reader.groups()
    );
    columns(object, events);
}

fn columns(object: Bytes, events: usize) {
    let file = SerializedFileReader::new(object.clone()).expect("an object");
    let groups = file.metadata().row_groups();
    let mut sum = 0;
    println!("{:<24}{:>12}{:>12}{:>10}", "column", "bytes/event", "plain", "bloom");
    for at in 0..groups[0].num_columns() {
        let of = |value: &dyn Fn(&parquet::file::metadata::ColumnChunkMetaData) -> i64| -> i64 {
            groups.iter().map(|group| value(group.column(at))).sum()
        };
        let compressed = of(&|column| column.compressed_size());
        let plain = of(&|column| column.uncompressed_size());
        let bloom = of(&|column| column.bloom_filter_length().unwrap_or(0).into());
        sum += compressed + bloom;
        let each = |bytes: i64| bytes as f64 / events as f64;
        let name = groups[0].column(at).column_path().string();
        println!(
            "{name:<24}{:>12.2}{:>12.2}{:>10.2}",
            each(compressed),
            each(plain),
            each(bloom)
        );
    }
    let rest = object.len() as i64 - sum;
    println!("{:<24}{:>12.2}", "metadata, page index", rest as f64 / events as f64);
}

fn day(record: &[u8]) -> Option<NaiveDate> {
    let values = decode_plain(Record::parse(record).ok()?.values).ok()?;
    let Value::Int(time) = values[0] else { return None };
    Some(DateTime::from_timestamp_micros(time)?.date_naive())
}

fn synthetic(size: u64) -> Vec<Vec<u8>> {
    let log = Log::new(7);
    let plan = Plan {
        size,
        ..Plan::default()
    };
    let mut previous = GENESIS;
    (0..size)
        .map(|index| {
            let (bytes, _, hash) = log.record(index, previous, &log.row_of(index, &plan));
            previous = hash;
            bytes
        })
        .collect()
}

fn framed(file: &str, size: u64) -> Vec<Vec<u8>> {
    let bytes = fs::read(file).expect("a file of frames");
    let mut rest = &bytes[..];
    let mut records = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let Some((record, after)) = after.split_at_checked(u32::from_be_bytes(*length) as usize) else {
            break;
        };
        records.push(record.to_vec());
        rest = after;
        if records.len() as u64 == size {
            break;
        }
    }
    records
}
