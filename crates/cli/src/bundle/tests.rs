//! Bundles from a log in memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use auditlog_bundle::synthetic::{Log, Plan};
use auditlog_bundle::verify::{Checks, NoProgress, Options};
use auditlog_bundle::{Report, Selection, verify};
use auditlog_core::chain::GENESIS;
use auditlog_tlog::tile::to_bytes;
use auditlog_tlog::{Appender, TileId};

use super::{Source, write};
use crate::failure::Failure;

/// A log that has grown since its newest checkpoint.
struct Memory {
    log: Log,
    records: Vec<Vec<u8>>,
    tiles: BTreeMap<TileId, Vec<u8>>,
    notes: Vec<(u64, String)>,
    size: u64,
}

impl Memory {
    fn new(size: u64, grown: u64) -> Self {
        let log = Log::new(3);
        let mut memory = Self {
            records: Vec::new(),
            tiles: BTreeMap::new(),
            notes: Vec::new(),
            size,
            log,
        };
        let plan = Plan {
            size,
            ..Plan::default()
        };
        let mut tree = Appender::new();
        let mut prev = GENESIS;
        for index in 0..size + grown {
            let (record, leaf, hash) = memory.log.record(index, prev, &memory.log.row_of(index, &plan));
            memory.records.push(record);
            tree.append(leaf);
            prev = hash;
            if (index + 1) % 100 == 0 || index + 1 == size {
                let note = memory.log.sign(index + 1, tree.root()).to_string();
                memory.notes.push((index + 1, note));
            }
        }
        for tile in tree.changed() {
            memory.tiles.insert(tile.id, to_bytes(&tile.hashes));
        }
        memory
    }

    fn report(&self, directory: &Path) -> Report {
        let options = Options {
            keys: &[self.log.vkey()],
            known: &[],
            policy: None,
            threads: 2,
            progress: &NoProgress,
            checks: Checks::all(),
        };
        verify(directory, &options).expect("a verdict")
    }
}

impl Source for Memory {
    fn checkpoint(&mut self) -> Result<String, Failure> {
        let note = self.notes.iter().find(|(size, _)| *size == self.size);
        Ok(note.expect("the checkpoint").1.clone())
    }

    fn checkpoints(
        &mut self,
        origin: &str,
        size: u64,
        each: &mut dyn FnMut(u64, &str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        assert_eq!(origin, self.log.origin);
        self.notes
            .iter()
            .filter(|(known, _)| *known <= size)
            .try_for_each(|(size, note)| each(*size, note))
    }

    fn keys(&mut self, _: &str) -> Result<Vec<String>, Failure> {
        Ok(vec![self.log.vkey().to_string()])
    }

    fn certificates(&mut self, _: u64, _: &mut dyn FnMut(u64, &str) -> Result<(), Failure>) -> Result<(), Failure> {
        Ok(())
    }

    fn tiles(&mut self, level: u8, first: u64, last: u64) -> Result<Vec<(u64, Vec<u8>)>, Failure> {
        let range = TileId { level, index: first }..=TileId { level, index: last };
        let tiles = self.tiles.range(range);
        Ok(tiles.map(|(id, bytes)| (id.index, bytes.clone())).collect())
    }

    fn records(
        &mut self,
        range: Range<u64>,
        selection: Option<&Selection>,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let every = if selection.is_some() { 3 } else { 1 };
        range
            .filter(|index| index % every == 0)
            .try_for_each(|index| each(&self.records[index as usize]))
    }
}

#[test]
fn a_bundle_fits_its_checkpoint_though_the_log_has_grown() {
    for (size, grown) in [(1, 0), (255, 2), (256, 300), (300, 700), (1000, 1)] {
        let mut memory = Memory::new(size, grown);
        let folder = tempfile::tempdir().expect("a folder");
        let written = write(&mut memory, folder.path(), None, &NoProgress).expect("written");
        assert_eq!((written.size, written.events), (size, size));
        let report = memory.report(folder.path());
        assert_eq!(report.findings, [], "{size} events of {}", size + grown);
        assert_eq!(report.proven, size);
    }
}

#[test]
fn a_selection_is_proven() {
    let mut memory = Memory::new(1000, 10);
    let folder = tempfile::tempdir().expect("a folder");
    let selection = Selection {
        query: Some("every third".to_owned()),
        ..Selection::default()
    };
    let written = write(&mut memory, folder.path(), Some(selection), &NoProgress).expect("written");
    assert_eq!(written.events, 334);
    let report = memory.report(folder.path());
    assert_eq!(report.findings, []);
    assert!(report.text().contains("334 of 1000 events"), "{}", report.text());
}

#[test]
fn what_is_missing_is_no_bundle() {
    let mut memory = Memory::new(1000, 0);
    memory.tiles.remove(&TileId { level: 0, index: 2 });
    let folder = tempfile::tempdir().expect("a folder");
    let failure = write(&mut memory, folder.path(), None, &NoProgress).expect_err("a tile is missing");
    assert!(failure.to_string().contains("tiles of level 0"), "{failure}");
    assert!(!folder.path().join("bundle.json").exists());
    let failure = write(&mut memory, folder.path(), None, &NoProgress).expect_err("not empty");
    assert!(failure.to_string().contains("not empty"), "{failure}");
}
