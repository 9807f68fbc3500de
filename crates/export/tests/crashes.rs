//! Whenever an export is interrupted, and whatever was not made durable is lost: its files come out the same, and prove themselves.

use std::fs;
use std::path::Path;

use auditlog_bundle::synthetic::{Log, Plan as Events, Random};
use auditlog_export::files::Names;
use auditlog_export::{Content, Ended, Manifest, Output, Plan, Progress, manifest, tree, verify};
use auditlog_format::Source;
use auditlog_tlog::Hash;
use auditlog_tlog::tree::Frontier;

const EVENTS: u64 = 200;

struct World {
    log: Log,
    /// Records that are exported, with their places.
    records: Vec<(u64, Vec<u8>)>,
    leaves: Vec<Hash>,
}

impl World {
    fn new() -> Self {
        let log = Log::new(4);
        let plan = Events {
            size: EVENTS,
            ..Events::default()
        };
        let (mut records, mut leaves, mut prev) = (Vec::new(), Vec::new(), [0; 32]);
        for index in 0..EVENTS {
            let (bytes, leaf, hash) = log.record(index, prev, &log.row_of(index, &plan));
            if index % 3 != 1 {
                records.push((index, bytes));
            }
            leaves.push(leaf);
            prev = hash;
        }
        Self { log, records, leaves }
    }

    /// A salt that may not leave.
    fn salt(&self) -> Vec<u8> {
        let salts = self.records.iter().filter_map(|(_, bytes)| {
            let record = auditlog_bundle::Record::parse(bytes).expect("a record");
            record.salt.map(<[u8]>::to_vec)
        });
        salts.into_iter().next().expect("an event with a salt")
    }

    fn gap(&self, from: u64, to: u64) -> Vec<Hash> {
        let hash = |subtree: tree::Subtree| {
            let (width, mut builder) = (1usize << subtree.height, tree::Builder::default());
            let first = subtree.index as usize * width;
            self.leaves[first..first + width]
                .iter()
                .for_each(|leaf| builder.add(0, *leaf));
            builder.root()
        };
        tree::gap(from, to).map(hash).collect()
    }

    fn plan(&self, folder: &Path, format: &str, part_bytes: Option<u64>) -> Plan {
        let source = Source {
            origin: self.log.origin.clone(),
            version: "1".to_owned(),
            hostname: String::new(),
            database: String::new(),
        };
        Plan {
            names: Names::new(&folder.join("out.ndjson"), 7).expect("a path"),
            content: Content::parse(format, &serde_json::json!({}), source).expect("a format"),
            part_bytes,
            max_bytes: u64::MAX,
        }
    }

    /// Writes up to so many events, and returns what was written down; `None`: all of them.
    fn write(
        &self,
        plan: &Plan,
        saved: Progress,
        most: Option<usize>,
        random: &mut Random,
    ) -> (Progress, Option<Ended>) {
        let mut output = Output::open(plan.clone(), saved.clone()).expect("open");
        let mut saved = output.progress().clone();
        let (mut position, mut gap_from) = (saved.position, saved.gap_from());
        let from = saved.position;
        let rest = self.records.iter().filter(|(index, _)| *index >= from);
        for (written, (index, record)) in rest.enumerate() {
            if most == Some(written) {
                // what lies in memory is lost
                std::mem::forget(output);
                return (saved, None);
            }
            output.event(record, &self.gap(gap_from, *index)).expect("event");
            (position, gap_from) = (index + 1, index + 1);
            if random.below(9) == 0 {
                output.sync().expect("sync");
                saved = output.progress().clone();
            }
        }
        assert_eq!(output.progress().position, position);
        let ended = output.end(&self.gap(gap_from, EVENTS)).expect("end");
        if most.is_some() {
            // it ends right before that is written down
            return (saved, None);
        }
        (output.progress().clone(), Some(ended))
    }

    fn manifest(&self, format: &str, progress: &Progress, ended: &Ended) -> Manifest {
        let mut tree = Frontier::new();
        self.leaves.iter().for_each(|leaf| tree.push(*leaf));
        Manifest {
            format_version: manifest::FORMAT.to_owned(),
            version: "1".to_owned(),
            export_id: 7,
            origin: self.log.origin.clone(),
            format: format.to_owned(),
            options: serde_json::json!({}),
            query: String::new(),
            since: None,
            until: None,
            asked_by: "alice".to_owned(),
            asked_at: "2026-03-10T14:30:46Z".to_owned(),
            log_size: EVENTS,
            events: progress.events,
            bytes: progress.bytes(),
            first_log_index: progress.first,
            last_log_index: progress.last,
            files: ended.files.clone(),
            proof: ended.proof.clone(),
            checkpoint: Some(self.log.sign(EVENTS, tree.root()).to_string()),
            consistency: Vec::new(),
        }
    }
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                fs::read(entry.path()).expect("read"),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn interrupted_exports_come_out_the_same() {
    let world = World::new();
    let mut random = Random::new(99);
    for (format, part_bytes) in [
        ("json", None),
        ("json", Some(20_000)),
        ("parquet", None),
        ("parquet", Some(20_000)),
    ] {
        let whole = tempfile::tempdir().expect("a folder");
        let plan = world.plan(whole.path(), format, part_bytes);
        let (progress, ended) = world.write(&plan, Progress::default(), None, &mut random);
        let ended = ended.expect("all of it");
        let expected = files(whole.path());
        let salt = &world.salt();
        for (name, bytes) in &expected {
            assert!(
                !bytes.windows(salt.len()).any(|part| part == salt),
                "a salt is in {name}"
            );
        }
        for _ in 0..if format == "json" { 60 } else { 12 } {
            let folder = tempfile::tempdir().expect("a folder");
            let plan = world.plan(folder.path(), format, part_bytes);
            let mut saved = Progress::default();
            for _ in 0..random.below(4) {
                let most = random.below(world.records.len() as u64 + 2) as usize;
                saved = world.write(&plan, saved, Some(most), &mut random).0;
            }
            let (other, again) = world.write(&plan, saved, None, &mut random);
            assert_eq!((other.events, other.bytes()), (progress.events, progress.bytes()));
            assert_eq!(again.as_ref(), Some(&ended));
            assert!(files(folder.path()) == expected);
        }
        let manifest = world.manifest(format, &progress, &ended);
        let path = whole.path().join("out.ndjson.manifest.json");
        fs::write(&path, manifest.text()).expect("write");
        let report = verify(&path, &[world.log.vkey()], None).expect("a report");
        // only lines of JSON have hashes beside them
        let proves = format == "json";
        assert!(report.fits() && report.in_log == proves, "{}", report.text());
        assert_eq!(report.events as usize, world.records.len());
        if part_bytes.is_some() {
            assert!(ended.files.len() > 1, "{ended:?}");
        }
        let other = auditlog_tlog::SigningKey::from_seed(&[9; 32]);
        let key = other.vkey(auditlog_tlog::KeyName::new(&world.log.origin).expect("a name"));
        let report = verify(&path, &[key], None).expect("a report");
        assert!(!report.fits() && !report.in_log);
    }
}

/// What cannot be read as Parquet any more is found, and so is a row less.
#[test]
fn a_changed_table_is_found() {
    let world = World::new();
    let folder = tempfile::tempdir().expect("a folder");
    let plan = world.plan(folder.path(), "parquet", None);
    let (progress, ended) = world.write(&plan, Progress::default(), None, &mut Random::new(3));
    let manifest = world.manifest("parquet", &progress, &ended.expect("all of it"));
    let path = folder.path().join("out.ndjson.manifest.json");
    fs::write(&path, manifest.text()).expect("write");
    let table = folder.path().join("out.ndjson");
    // the archive's reader finds the same events
    let reader = auditlog_archive::ObjectReader::open(fs::File::open(&table).expect("open")).expect("Parquet");
    let mut hashes = Vec::new();
    reader
        .for_each(|place, record| {
            let bytes = record.expect("a record").to_vec();
            let record = auditlog_bundle::Record::parse(&bytes).expect("a record");
            assert_eq!(record.salt, None);
            hashes.push((place, record.entry_hash));
        })
        .expect("it can be read");
    let expected = world.records.iter().map(|(index, bytes)| {
        let record = auditlog_bundle::Record::parse(bytes).expect("a record");
        (*index, record.entry_hash)
    });
    assert_eq!(hashes, expected.collect::<Vec<_>>());
    let bytes = fs::read(&table).expect("read");
    for cut in [0, 10, bytes.len() / 2] {
        let mut changed = bytes.clone();
        changed.truncate(bytes.len() - cut - 1);
        fs::write(&table, &changed).expect("write");
        let report = verify(&path, &[world.log.vkey()], None).expect("a report");
        assert!(!report.fits(), "{}", report.text());
    }
}

#[test]
fn nothing_is_overwritten() {
    let world = World::new();
    let mut random = Random::new(1);
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("out.ndjson"), "something else").expect("write");
    let plan = world.plan(folder.path(), "json", None);
    let mut output = Output::open(plan.clone(), Progress::default()).expect("open");
    output.event(&world.records[0].1, &[]).expect("event");
    let error = output.end(&[]).expect_err("it is not overwritten");
    assert!(error.to_string().contains("not overwritten"), "{error}");
    assert_eq!(
        fs::read(folder.path().join("out.ndjson")).expect("read"),
        b"something else"
    );
    fs::remove_file(folder.path().join("out.ndjson")).expect("remove");
    let (progress, _) = world.write(&plan, Progress::default(), None, &mut random);
    assert_eq!(progress.events as usize, world.records.len());
    plan.names.remove_temporary(1).expect("remove");
    assert_eq!(files(folder.path()).len(), 2);
}
