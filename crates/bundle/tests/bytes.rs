//! Whatever bytes stand in a bundle, they are judged without panic, and never as proven.

mod support;

use std::sync::LazyLock;

use auditlog_bundle::content::Entries;
use auditlog_bundle::frames::{Frame, Frames, write_frame};
use auditlog_bundle::layout::{certificate_path, events_path};
use auditlog_bundle::show::line;
use auditlog_bundle::signer::{Answer, parse_request};
use auditlog_bundle::synthetic::{Log, Plan, Removal};
use auditlog_bundle::{Manifest, Record};
use proptest::prelude::*;
use proptest::sample::Index;
use support::{Bundle, verify};

static LOG: LazyLock<Log> = LazyLock::new(|| Log::new(9));

static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| {
    Bundle::new(
        &LOG,
        &Plan {
            size: 300,
            checkpoints: vec![100, 256],
            every: None,
            ..Plan::default()
        },
    )
});

/// One of which retention has removed the beginning.
static RETAINED: LazyLock<Bundle> = LazyLock::new(|| {
    Bundle::new(
        &LOG,
        &Plan {
            size: 70,
            removals: vec![Removal::new(40, &[(0, 9), (12, 12)])],
            ..Plan::default()
        },
    )
});

/// A file read through a reader that gives a few bytes at a time.
struct Slow<'a>(&'a [u8], usize);

impl std::io::Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(into.len()).min(self.0.len());
        let (now, later) = self.0.split_at(count);
        into[..count].copy_from_slice(now);
        self.0 = later;
        Ok(count)
    }
}

/// The records of a file, and how many bytes are none.
fn frames(source: impl std::io::Read) -> (Vec<Vec<u8>>, u64) {
    let mut frames = Frames::new(source);
    let (mut records, mut damaged) = (Vec::new(), 0);
    while let Some(frame) = frames.next().expect("a slice") {
        match frame {
            Frame::Record(bytes) => records.push(bytes.to_vec()),
            Frame::Damage(damage) => damaged += damage.bytes,
        }
    }
    (records, damaged)
}

fn judge(bytes: &[u8]) {
    if let Ok(record) = Record::parse(bytes) {
        let mut again = Vec::new();
        record.write(&mut again);
        assert_eq!(again, bytes, "a record has one way to be written");
        let _ = Entries::default().content(&record);
        let _ = line(&record);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_bytes_are_a_file(bytes in prop::collection::vec(any::<u8>(), 0..400), chunk in 1usize..50) {
        let (records, damaged) = frames(bytes.as_slice());
        let read: usize = records.iter().map(|record| record.len() + 4).sum();
        prop_assert_eq!(read as u64 + damaged, bytes.len() as u64);
        prop_assert_eq!(frames(Slow(&bytes, chunk)), (records, damaged));
        judge(&bytes);
        let _ = parse_request(&bytes);
        let _ = Answer::parse(&bytes);
        let _ = Manifest::parse(&bytes);
    }

    #[test]
    fn a_changed_record_is_read_or_refused(
        index in 0u64..300, edits in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let (mut bytes, ..) = LOG.record(index, [1; 32], &LOG.row(index));
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        judge(&bytes);
    }

    #[test]
    fn what_is_between_damage_is_read(
        before in prop::collection::vec(any::<u8>(), 0..60), after in prop::collection::vec(any::<u8>(), 0..60), chunk in 1usize..2000,
    ) {
        let (record, ..) = LOG.record(7, [1; 32], &LOG.row(7));
        let mut bytes = before.clone();
        write_frame(&record, &mut bytes).expect("a vector");
        write_frame(&record, &mut bytes).expect("a vector");
        bytes.extend(&after);
        let (records, damaged) = frames(Slow(&bytes, chunk));
        prop_assert_eq!(records, vec![record.clone(), record]);
        prop_assert_eq!(damaged, (before.len() + after.len()) as u64);
    }
}

#[test]
fn entries_are_those_that_the_core_makes() {
    for index in 0..3000 {
        let row = LOG.row(index);
        let (bytes, leaf, _) = LOG.record(index, [1; 32], &row);
        let record = Record::parse(&bytes).expect("a record");
        let content = Entries::default().content(&record).expect("an entry");
        assert_eq!(content.entry_hash, leaf, "event {index}");
        assert!(content.event_id.starts_with(b"evt_"));
        let line = line(&record).expect("an event");
        let json: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(json["log_index"], index);
        assert_eq!(json["event_id"], json["event"]["event_id"]);
    }
}

#[test]
fn a_checkpoint_of_too_many_events_keeps_nobody_busy() {
    for size in [(1 << 36) + 1, 1 << 62, i64::MAX as u64] {
        let bundle = BUNDLE.copy();
        bundle.put("checkpoint", LOG.sign(size, [1; 32]).to_string());
        let report = verify(&bundle.path(), &[LOG.vkey()], &[]);
        assert!(!report.proven());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    /// A single flipped bit anywhere but in `sealed_at` is found, and named as some kind.
    #[test]
    fn every_flipped_bit_of_an_events_file_is_found(at in any::<Index>(), bit in 0u8..8) {
        let bundle = BUNDLE.copy();
        let path = events_path(0);
        let mut bytes = bundle.bytes(&path);
        let at = at.index(bytes.len());
        let sealed_at = {
            let mut start = 0;
            loop {
                let length = u32::from_be_bytes(bytes[start..start + 4].try_into().expect("4 bytes")) as usize;
                if at < start + 4 + length {
                    break start + 4 + 13..start + 4 + 21;
                }
                start += 4 + length;
            }
        };
        bytes[at] ^= 1 << bit;
        bundle.put(&path, bytes);
        let report = verify(&bundle.path(), &[LOG.vkey()], &[]);
        // the salt of an event without personal values leads to nothing
        let salt_alone = report.proven() && {
            let before = frames(BUNDLE.bytes(&path).as_slice()).0;
            let after = frames(bundle.bytes(&path).as_slice()).0;
            before.iter().zip(&after).all(|(before, after)| {
                let (before, after) = (Record::parse(before).expect("a record"), Record::parse(after).expect("a record"));
                let salt = Record { salt: after.salt, ..before };
                salt == after
            })
        };
        prop_assert_eq!(report.proven(), sealed_at.contains(&at) || salt_alone);
    }

    #[test]
    fn every_flipped_bit_of_a_certificate_is_found(at in any::<Index>(), bit in 0u8..8) {
        let bundle = RETAINED.copy();
        bundle.edit_bytes(&certificate_path(40), |bytes| {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        });
        let report = verify(&bundle.path(), &[LOG.vkey()], &[]);
        prop_assert!(!report.proven() && report.covered == 0);
    }

    #[test]
    fn any_bytes_are_judged_as_a_certificate(bytes in prop::collection::vec(any::<u8>(), 0..3000), text in "pg_auditlog-certificate/1\n\\{.{0,60}\\}\n") {
        let bundle = RETAINED.copy();
        bundle.put(&certificate_path(40), &bytes);
        prop_assert!(!verify(&bundle.path(), &[LOG.vkey()], &[]).proven());
        if let Ok(certificate) = auditlog_bundle::Certificate::parse(&text) {
            prop_assert_eq!(certificate.text(), Ok(text));
        }
    }

    #[test]
    fn any_bytes_in_any_file_are_judged(which in 0usize..8, bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let bundle = BUNDLE.copy();
        let path = [
            "bundle.json", "checkpoint", "checkpoints/00000000000000000100", "tile/0/000", "tile/0/001.p/44",
            "tile/1/000.p/1", "events/000000.bin", "events/000004.bin",
        ][which];
        bundle.put(path, &bytes);
        let report = verify(&bundle.path(), &[LOG.vkey()], &[]);
        prop_assert!(!report.proven() || (which == 7 && bytes.is_empty()));
    }
}
