//! Records of synthetic logs, and objects of them.
#![allow(dead_code)]

use auditlog_archive::{Manifest, ObjectReader, ObjectWriter, Options, Placement};
use auditlog_bundle::Record;
use auditlog_bundle::synthetic::{Log, ORIGIN, Plan};
use auditlog_core::chain::{GENESIS, Hash, entry_hash, link_hash};
use bytes::Bytes;
use chrono::NaiveDate;

pub fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 10).expect("a day")
}

pub fn placement() -> Placement {
    Placement {
        origin: ORIGIN.to_owned(),
        retention_class: "default".to_owned(),
        day: day(),
    }
}

pub fn plan(size: u64) -> Plan {
    Plan {
        size,
        ..Plan::default()
    }
}

/// The records of the log of seed 7, with some erased ones.
pub fn records(size: u64) -> Vec<Vec<u8>> {
    let log = Log::new(7);
    let plan = plan(size);
    let mut previous = GENESIS;
    (0..size)
        .map(|index| {
            let row = log.row_of(index, &plan);
            let (bytes, _, hash) = log.record(index, previous, &row);
            previous = hash;
            bytes
        })
        .collect()
}

/// The record of plain values with nothing personal in them.
pub fn record_of(index: u64, prev_hash: Hash, values: &[u8]) -> Vec<u8> {
    let leaf = entry_hash(values);
    written(&Record {
        log_index: index,
        sealed_at: 1_773_153_046_000_000,
        prev_hash,
        entry_hash: leaf,
        hash: link_hash(&prev_hash, &leaf, index),
        salt: None,
        redacted: None,
        values,
    })
}

pub fn written(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.write(&mut bytes);
    bytes
}

/// Row groups of some dozen rows.
pub fn small() -> Options {
    Options {
        row_group_bytes: 40_000,
        level: 3,
    }
}

pub fn object(records: &[Vec<u8>], options: Options) -> (Bytes, Manifest) {
    let mut writer = ObjectWriter::new(Vec::new(), placement(), options).expect("options");
    for record in records {
        writer.push(record).expect("a record");
    }
    let (bytes, manifest) = writer.finish().expect("an object");
    (Bytes::from(bytes), manifest)
}

pub fn read(object: &Bytes) -> Vec<Vec<u8>> {
    let reader = ObjectReader::open(object.clone()).expect("an object");
    let mut records = Vec::new();
    reader
        .for_each(|_, record| records.push(record.expect("a record").to_vec()))
        .expect("row groups");
    records
}
