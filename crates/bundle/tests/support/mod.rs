//! Bundles in temporary directories, and how to touch them.
#![allow(dead_code)] // each test binary uses some of them

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use auditlog_bundle::frames::{Frame, Frames, write_frame};
use auditlog_bundle::layout::{checkpoint_path, events_path};
use auditlog_bundle::manifest::Manifest;
use auditlog_bundle::synthetic::{Log, Plan};
use auditlog_bundle::verify::{Check, Checks, NoProgress, Options};
use auditlog_bundle::{Report, record::Record};
use auditlog_tlog::tile::{from_bytes, to_bytes, width_at};
use auditlog_tlog::{Appender, Hash, Policy, SignedNote, TileId, VerifierKey};
use tempfile::TempDir;

/// A bundle in a directory of its own.
pub struct Bundle {
    directory: TempDir,
    pub size: u64,
}

/// What the auditor brings.
#[derive(Clone, Default)]
pub struct Auditor {
    pub keys: Vec<VerifierKey>,
    pub known: Vec<SignedNote>,
    pub policy: Option<Policy>,
}

/// Verifies with all checks.
pub fn verify(directory: &std::path::Path, keys: &[VerifierKey], known: &[SignedNote]) -> Report {
    let auditor = Auditor {
        keys: keys.to_vec(),
        known: known.to_vec(),
        policy: None,
    };
    judge(directory, &auditor, Checks::all())
}

/// Verifies without one check.
pub fn verify_without(directory: &std::path::Path, auditor: &Auditor, check: Check) -> Report {
    judge(directory, auditor, Checks::without(check))
}

/// Verifies.
pub fn judge(directory: &std::path::Path, auditor: &Auditor, checks: Checks) -> Report {
    let known: Vec<(String, SignedNote)> = auditor
        .known
        .iter()
        .map(|note| ("old".to_owned(), note.clone()))
        .collect();
    let options = Options {
        keys: &auditor.keys,
        known: &known,
        policy: auditor.policy.as_ref(),
        threads: 2,
        progress: &NoProgress,
        checks,
    };
    auditlog_bundle::verify(directory, &options).expect("a verdict")
}

impl Bundle {
    pub fn new(log: &Log, plan: &Plan) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        log.write(directory.path(), plan).expect("a bundle");
        Self {
            directory,
            size: plan.size,
        }
    }

    /// A copy of it.
    pub fn copy(&self) -> Self {
        fn copy(from: &std::path::Path, to: &std::path::Path) {
            fs::create_dir_all(to).expect("a folder");
            for entry in fs::read_dir(from).expect("a folder") {
                let entry = entry.expect("an entry");
                let to = to.join(entry.file_name());
                if entry.file_type().expect("a type").is_dir() {
                    copy(&entry.path(), &to);
                } else {
                    fs::copy(entry.path(), to).expect("a copy");
                }
            }
        }
        let directory = TempDir::new().expect("a temporary directory");
        copy(self.directory.path(), directory.path());
        Self {
            directory,
            size: self.size,
        }
    }

    /// Another bundle takes its place.
    pub fn replace(&self, other: &Self) {
        fs::remove_dir_all(self.path()).expect("a directory");
        fs::rename(other.path(), self.path()).expect("the same file system");
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    pub fn file(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    pub fn bytes(&self, path: &str) -> Vec<u8> {
        fs::read(self.file(path)).expect(path)
    }

    pub fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.file(path), bytes).expect(path);
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.file(path)).expect(path);
    }

    pub fn edit_bytes(&self, path: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.bytes(path);
        edit(&mut bytes);
        self.put(path, bytes);
    }

    pub fn manifest(&self, edit: impl FnOnce(&mut Manifest)) {
        let mut manifest = Manifest::parse(&self.bytes("bundle.json")).expect("a manifest");
        edit(&mut manifest);
        self.put("bundle.json", manifest.text());
    }

    /// The records of a file.
    pub fn records(&self, number: u64) -> Vec<Vec<u8>> {
        let bytes = self.bytes(&events_path(number));
        let mut frames = Frames::new(bytes.as_slice());
        let mut records = Vec::new();
        while let Some(frame) = frames.next().expect("a slice") {
            match frame {
                Frame::Record(bytes) => records.push(bytes.to_vec()),
                Frame::Damage(damage) => panic!("{damage:?}"),
            }
        }
        records
    }

    pub fn edit_file(&self, number: u64, edit: impl FnOnce(&mut Vec<Vec<u8>>)) {
        let mut records = self.records(number);
        edit(&mut records);
        let mut out = Vec::new();
        for record in &records {
            write_frame(record, &mut out).expect("a vector");
        }
        self.put(&events_path(number), out);
    }

    /// Changes the record of one event.
    pub fn edit_record(&self, index: u64, edit: impl FnOnce(&mut Parts)) {
        self.edit_file(index / 65_536, |records| {
            let at = records
                .iter()
                .position(|bytes| Record::parse(bytes).expect("a record").log_index == index)
                .expect("the record");
            let mut parts = Parts::of(&records[at]);
            edit(&mut parts);
            records[at] = parts.bytes();
        });
    }

    /// Writes the tiles of the levels up to `level` anew over the `entry_hash`es of the records, and with
    /// them the chain. Returns the root of the new tree.
    pub fn rebuild(&self, levels: std::ops::Range<u8>) -> Hash {
        let mut tree = Appender::new();
        let mut prev = [0; 32];
        for number in 0..self.size.div_ceil(65_536) {
            self.edit_file(number, |records| {
                for bytes in records {
                    let mut parts = Parts::of(bytes);
                    parts.prev_hash = prev;
                    prev = auditlog_core::chain::link_hash(&prev, &parts.entry_hash, parts.log_index);
                    parts.hash = prev;
                    tree.append(parts.entry_hash);
                    *bytes = parts.bytes();
                }
            });
        }
        assert_eq!(tree.size(), self.size, "rebuild needs all records");
        let mut tiles = BTreeMap::new();
        for tile in tree.changed() {
            tiles.insert(tile.id, tile.hashes);
        }
        for (id, hashes) in tiles {
            if levels.contains(&id.level) {
                let width = width_at(id, self.size);
                self.put(&id.path(width), to_bytes(&hashes[..usize::from(width)]));
            }
        }
        tree.root()
    }

    pub fn tile(&self, level: u8, index: u64, edit: impl FnOnce(&mut Vec<Hash>)) {
        let path = self.tile_path(level, index);
        let mut hashes = from_bytes(&self.bytes(&path)).expect("a tile");
        edit(&mut hashes);
        self.put(&path, to_bytes(&hashes));
    }

    pub fn tile_path(&self, level: u8, index: u64) -> String {
        let id = TileId { level, index };
        id.path(width_at(id, self.size))
    }

    pub fn note(&self, size: u64) -> SignedNote {
        SignedNote::parse_bytes(&self.bytes(&checkpoint_path(size))).expect("a note")
    }

    pub fn head(&self) -> SignedNote {
        SignedNote::parse_bytes(&self.bytes("checkpoint")).expect("a note")
    }
}

/// The parts of a record.
#[derive(Debug, Clone)]
pub struct Parts {
    pub log_index: u64,
    pub sealed_at: i64,
    pub prev_hash: Hash,
    pub entry_hash: Hash,
    pub hash: Hash,
    pub salt: Option<Vec<u8>>,
    pub redacted: Option<Vec<u8>>,
    pub values: Vec<u8>,
}

impl Parts {
    pub fn of(bytes: &[u8]) -> Self {
        let record = Record::parse(bytes).expect("a record");
        Self {
            log_index: record.log_index,
            sealed_at: record.sealed_at,
            prev_hash: record.prev_hash,
            entry_hash: record.entry_hash,
            hash: record.hash,
            salt: record.salt.map(<[u8]>::to_vec),
            redacted: record.redacted.map(<[u8]>::to_vec),
            values: record.values.to_vec(),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        Record {
            log_index: self.log_index,
            sealed_at: self.sealed_at,
            prev_hash: self.prev_hash,
            entry_hash: self.entry_hash,
            hash: self.hash,
            salt: self.salt.as_deref(),
            redacted: self.redacted.as_deref(),
            values: &self.values,
        }
        .write(&mut out);
        out
    }
}
