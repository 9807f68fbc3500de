//! Each attack on an object or its manifest is called by its name.

mod support;

use std::sync::Arc;

use auditlog_archive::manifest::FORMAT;
use auditlog_archive::{Manifest, SignedManifest, Trust, verify};
use auditlog_bundle::synthetic::{Log, ORIGIN};
use auditlog_bundle::{Kind, Record};
use auditlog_core::chain::Hash;
use auditlog_core::columns::position;
use auditlog_core::decode::decode_plain;
use auditlog_core::encode::{Hiding, Value, encode_entry};
use auditlog_tlog::note::NoteSigner;
use auditlog_tlog::{Frontier, KeyName, SignedNote, SigningKey};
use bytes::Bytes;
use parquet::column::writer::ColumnCloseResult;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use support::{object, records, small, written};

/// An object of the places 100 to 399 with the manifest that the log has signed.
struct Archive {
    log: Log,
    records: Vec<Vec<u8>>,
    leaves: Vec<Hash>,
    object: Bytes,
    manifest: Manifest,
}

impl Archive {
    fn new() -> Self {
        let log = Log::new(7);
        let all = records(450);
        let leaves: Vec<Hash> = all
            .iter()
            .map(|record| Record::parse(record).expect("a record").entry_hash)
            .collect();
        let records = all[100..400].to_vec();
        let (object, mut manifest) = object(&records, small());
        let mut tree = Frontier::new();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        manifest.checkpoint = Some(log.sign(450, tree.root()).to_string());
        Self {
            log,
            records,
            leaves,
            object,
            manifest,
        }
    }

    fn sign(&self, manifest: Manifest) -> Vec<u8> {
        let signed = manifest.sign(&self.log.key).expect("signed");
        signed.file().expect("a file").into_bytes()
    }

    /// Findings about `object` beside `manifest`, as kind, place and count.
    fn findings(&self, manifest: &[u8], object: Bytes) -> Vec<(Kind, Option<u64>, u64)> {
        let keys = [self.log.vkey()];
        let leaf = |place: u64| self.leaves.get(place as usize).copied();
        let trust = Trust {
            keys: &keys,
            leaf: Some(&leaf),
        };
        let report = verify(manifest, object, trust);
        report
            .findings
            .iter()
            .map(|finding| (finding.kind, finding.log_index, finding.count))
            .collect()
    }

    /// Findings about an object of other records, whose manifest has its bytes and hash but else is the old one,
    /// without and with the log's leaves.
    fn forged(&self, records: &[Vec<u8>]) -> [Vec<(Kind, Option<u64>)>; 2] {
        let (bytes, new) = object(records, small());
        let manifest = Manifest {
            bytes: new.bytes,
            sha256: new.sha256,
            ..self.manifest.clone()
        };
        let file = self.sign(manifest);
        let keys = [self.log.vkey()];
        let leaf = |place: u64| self.leaves.get(place as usize).copied();
        [None, Some(&leaf as &dyn Fn(u64) -> Option<Hash>)].map(|leaf| {
            let report = verify(&file, bytes.clone(), Trust { keys: &keys, leaf });
            report
                .findings
                .iter()
                .map(|finding| (finding.kind, finding.log_index))
                .collect()
        })
    }
}

#[test]
fn an_archive_as_it_should_be_has_no_findings() {
    let archive = Archive::new();
    let file = archive.sign(archive.manifest.clone());
    assert_eq!(archive.findings(&file, archive.object.clone()), []);
    let keys = [archive.log.vkey()];
    let report = verify(
        &file,
        archive.object.clone(),
        Trust {
            keys: &keys,
            leaf: None,
        },
    );
    assert_eq!(report.events, 300);
    assert_eq!(report.signers, [archive.log.vkey().to_string()]);
    assert_eq!(report.checkpoint.expect("a checkpoint").size, 450);
    assert!(report.redacted.len() > 10);
    assert_eq!(report.manifest, Some(archive.manifest));
}

#[test]
fn a_manifest_that_somebody_else_has_signed_is_found() {
    let archive = Archive::new();
    let other = SigningKey::from_seed(&[8; 32]);
    let forged = archive
        .manifest
        .clone()
        .sign(&other)
        .expect("signed")
        .file()
        .expect("a file");
    let unsigned = archive.manifest.clone().unsigned().file().expect("a file");
    for file in [forged, unsigned] {
        let found = archive.findings(file.as_bytes(), archive.object.clone());
        assert_eq!(found, [(Kind::KeyReplaced, None, 1)]);
    }
}

#[test]
fn a_checkpoint_that_does_not_cover_the_object_is_found() {
    let archive = Archive::new();
    let with = |checkpoint: String| {
        let manifest = Manifest {
            checkpoint: Some(checkpoint),
            ..archive.manifest.clone()
        };
        archive.findings(&archive.sign(manifest), archive.object.clone())
    };
    assert_eq!(with(archive.log.sign(400, [1; 32]).to_string()), []);
    assert_eq!(
        with(archive.log.sign(399, [1; 32]).to_string()),
        [(Kind::Modified, None, 1)]
    );
    let mut other = archive.log.clone();
    other.key = SigningKey::from_seed(&[8; 32]);
    assert_eq!(
        with(other.sign(450, [1; 32]).to_string()),
        [(Kind::KeyReplaced, None, 1)]
    );
    other.origin = "elsewhere".to_owned();
    let found = with(other.sign(450, [1; 32]).to_string());
    assert_eq!(found, [(Kind::Modified, None, 1), (Kind::KeyReplaced, None, 1)]);
    assert_eq!(with("no note".to_owned()), [(Kind::Unreadable, None, 1)]);
}

#[test]
fn a_manifest_that_cannot_be_read_is_found() {
    let archive = Archive::new();
    let file = String::from_utf8(archive.sign(archive.manifest.clone())).expect("UTF-8");
    for file in ["", "{}", &file.replace(FORMAT, "pg_auditlog-archive/9"), &file[1..]] {
        assert_eq!(
            archive.findings(file.as_bytes(), archive.object.clone()),
            [(Kind::Unreadable, None, 1)]
        );
    }
}

#[test]
fn another_value_is_found_at_its_place() {
    let archive = Archive::new();
    let mut forged = archive.records.clone();
    let record = Record::parse(&archive.records[50]).expect("a record");
    let values = replace(record.values, b"orders-api", b"orders-ap1");
    forged[50] = written(&Record {
        values: &values,
        ..record
    });
    for found in archive.forged(&forged) {
        assert_eq!(found, [(Kind::Modified, Some(150))]);
    }
}

/// The forger also makes the hashes anew: the row is sound, but it is not the one that was sealed.
#[test]
fn another_event_is_found_by_the_root_and_at_its_place_by_the_tree() {
    let archive = Archive::new();
    let mut forged = archive.records.clone();
    let mut log = archive.log.clone();
    log.seed = 99;
    let previous = Record::parse(&archive.records[50]).expect("a record").prev_hash;
    forged[50] = log.record(150, previous, &log.row_of(150, &support::plan(450))).0;
    let [without, with] = archive.forged(&forged);
    assert_eq!(
        without,
        [(Kind::Modified, Some(151)), (Kind::Modified, None)],
        "the link and the root"
    );
    assert!(with.contains(&(Kind::Modified, Some(150))), "{with:?}");
}

#[test]
fn rows_that_are_taken_out_put_in_or_twice_are_found() {
    let archive = Archive::new();
    let mut forged = archive.records.clone();
    forged.drain(20..23);
    for found in archive.forged(&forged) {
        assert_eq!(found, [(Kind::Missing, Some(120))]);
    }
    forged = archive.records.clone();
    forged.push(records(450)[400].clone());
    for found in archive.forged(&forged) {
        assert_eq!(found, [(Kind::Extra, Some(400))]);
    }
    forged = archive.records[..299].to_vec();
    for found in archive.forged(&forged) {
        assert_eq!(found, [(Kind::Missing, Some(399))]);
    }
    forged = archive.records[1..].to_vec();
    for found in archive.forged(&forged) {
        assert_eq!(found, [(Kind::Missing, Some(100))]);
    }
}

#[test]
fn events_that_change_places_are_found() {
    let archive = Archive::new();
    let mut forged = archive.records.clone();
    let place = |at: usize, of: usize| {
        let record = Record::parse(&archive.records[of]).expect("a record");
        let log_index = Record::parse(&archive.records[at]).expect("a record").log_index;
        let hash = auditlog_core::chain::link_hash(&record.prev_hash, &record.entry_hash, log_index);
        written(&Record {
            log_index,
            hash,
            ..record
        })
    };
    forged[10] = place(10, 200);
    forged[200] = place(200, 10);
    let [without, with] = archive.forged(&forged);
    assert!(without.contains(&(Kind::Modified, None)), "the root: {without:?}");
    assert!(with.contains(&(Kind::Reordered, Some(110))), "{with:?}");
    assert!(with.contains(&(Kind::Reordered, Some(300))), "{with:?}");
}

#[test]
fn values_and_commitments_of_erased_events_are_looked_at() {
    let archive = Archive::new();
    let is_erased = |record: &Vec<u8>| Record::parse(record).expect("a record").redacted.is_some();
    let at = archive.records.iter().position(is_erased).expect("an erased event");
    let erased = Record::parse(&archive.records[at]).expect("a record");
    let mut values = decode_plain(erased.values).expect("values");
    let email = position("actor_email").expect("a column");
    assert_eq!(values[email], Value::Null);
    values[email] = Value::Text(b"mallory@example.com");
    let nothing = Hiding {
        paths: Some(&[]),
        ..Hiding::default()
    };
    let mut filled = Vec::new();
    encode_entry(&values, &nothing, &mut filled).expect("nothing is hidden");
    let salted = Record {
        salt: Some(b"0123456789abcdef"),
        values: &filled,
        ..erased
    };
    let without = Record {
        redacted: None,
        ..erased
    };
    let plain = Record {
        values: &filled,
        ..erased
    };
    for forgery in [salted, without, plain] {
        let mut forged = archive.records.clone();
        forged[at] = written(&forgery);
        for found in archive.forged(&forged) {
            assert_eq!(found, [(Kind::Modified, Some(100 + at as u64))]);
        }
    }
}

#[test]
fn another_object_is_found_by_its_hash() {
    let archive = Archive::new();
    let file = archive.sign(archive.manifest.clone());
    let (other, _) = object(&archive.records, auditlog_archive::Options::default());
    assert_eq!(
        archive.findings(&file, other),
        [(Kind::Modified, None, 1)],
        "same rows, other bytes"
    );
    let found = archive.findings(&file, Bytes::from_static(b"PAR1 nothing PAR1"));
    assert_eq!(
        found,
        [
            (Kind::Modified, None, 1),
            (Kind::Unreadable, None, 1),
            (Kind::Missing, Some(100), 300)
        ]
    );
    assert_eq!(archive.findings(&file, Bytes::new()).len(), 3);
}

#[test]
fn a_manifest_of_another_log_is_not_signed_by_the_key_of_this_one() {
    let archive = Archive::new();
    let manifest = Manifest {
        origin: "elsewhere".to_owned(),
        checkpoint: None,
        ..archive.manifest.clone()
    };
    let note = SignedNote::new(&manifest.text().expect("a text")).expect("a note");
    let own = NoteSigner::new(KeyName::new(ORIGIN).expect("a name"), archive.log.key.clone());
    let signed = SignedManifest {
        signatures: vec![own.sign(&note)],
        manifest,
    };
    let found = archive.findings(signed.file().expect("a file").as_bytes(), archive.object.clone());
    assert_eq!(found, [(Kind::KeyReplaced, None, 1)]);
}

/// Row groups are copied as they are: a forger needs no records for that.
#[test]
fn row_groups_that_are_twice_or_elsewhere_are_found() {
    let archive = Archive::new();
    let reader = SerializedFileReader::new(archive.object.clone()).expect("an object");
    let metadata = reader.metadata();
    let rows: Vec<i64> = metadata.row_groups().iter().map(|group| group.num_rows()).collect();
    let count = rows.len();
    assert!(count > 3);
    let forged = |order: &[usize]| {
        let schema = metadata.file_metadata().schema_descr().root_schema_ptr();
        let mut out = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).expect("a file");
        for number in order {
            let mut group = out.next_row_group().expect("a row group");
            for column in metadata.row_group(*number).columns() {
                let close = ColumnCloseResult {
                    bytes_written: column.compressed_size() as u64,
                    rows_written: rows[*number] as u64,
                    metadata: column.clone(),
                    bloom_filter: None,
                    column_index: None,
                    offset_index: None,
                };
                group.append_column(&archive.object, close).expect("a column");
            }
            group.close().expect("a row group");
        }
        let bytes = out.into_inner().expect("a file");
        let manifest = Manifest {
            bytes: bytes.len() as u64,
            sha256: Sha256::digest(&bytes).into(),
            ..archive.manifest.clone()
        };
        archive.findings(&archive.sign(manifest), bytes.into())
    };
    let all: Vec<usize> = (0..count).collect();
    assert_eq!(forged(&all), []);
    let twice = [&[0], &all[..]].concat();
    let found = forged(&twice);
    assert!(found.contains(&(Kind::Extra, Some(100), rows[0] as u64)), "{found:?}");
    assert!(found.iter().all(|(kind, ..)| *kind != Kind::Missing), "{found:?}");
    let swapped = [&[1, 0], &all[2..]].concat();
    assert!(
        forged(&swapped).contains(&(Kind::Reordered, None, 1)),
        "{:?}",
        forged(&swapped)
    );
}

fn replace(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(old.len()).position(|part| part == old).expect("is there");
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is damaged is found, and nothing panics or hangs.
    #[test]
    fn any_damage_is_found(at: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 1..6)) {
        thread_local!(static ARCHIVE: Archive = Archive::new());
        ARCHIVE.with(|archive| {
            let mut object = archive.object.to_vec();
            let at = at.index(object.len());
            let end = (at + bytes.len()).min(object.len());
            object[at..end].copy_from_slice(&bytes[..end - at]);
            let changed = object != archive.object;
            let file = archive.sign(archive.manifest.clone());
            let found = archive.findings(&file, object.into());
            prop_assert_eq!(changed, !found.is_empty());
            Ok(())
        })?;
    }
}
