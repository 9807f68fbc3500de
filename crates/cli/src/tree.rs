//! The leaves of a log's tree, from the checkpoint and tiles of a bundle.

use std::cell::RefCell;
use std::path::Path;

use auditlog_bundle::layout::CHECKPOINT;
use auditlog_bundle::tiles::TileFiles;
use auditlog_tlog::{Checkpoint, Frontier, Hash, TileId, VerifierKey};

use crate::failure::Failure;
use crate::input;

/// The leaves in a tile.
const WIDTH: u64 = 256;

/// A tree whose leaves give the root that a key has signed.
pub struct Tree {
    files: TileFiles,
    /// Its origin.
    pub origin: String,
    /// The tile that was read last: an archive asks in the order of places.
    last: RefCell<(u64, Vec<Hash>)>,
}

impl Tree {
    /// Reads the bundle's checkpoint and all leaves.
    ///
    /// # Errors
    /// When no key has signed the checkpoint, or the leaves are not those of its tree.
    pub fn open(directory: &Path, keys: &[VerifierKey]) -> Result<Self, Failure> {
        let note = input::note(&directory.join(CHECKPOINT))?;
        let checkpoint = Checkpoint::parse(note.text())?;
        let named = |key: &&VerifierKey| key.name().as_str() == checkpoint.origin;
        let own: Vec<VerifierKey> = keys.iter().filter(named).cloned().collect();
        note.verify(&own)?;
        let files = TileFiles::new(directory, checkpoint.size);
        let mut leaves = Frontier::new();
        for index in 0..checkpoint.size.div_ceil(WIDTH) {
            for leaf in files.read(tile(index))? {
                leaves.push(leaf);
            }
        }
        if leaves.root() != checkpoint.root {
            return Err(Failure::new(format!(
                "the tiles in {} are not those of its checkpoint: verify the bundle first",
                directory.display()
            )));
        }
        Ok(Self {
            files,
            origin: checkpoint.origin,
            last: RefCell::new((u64::MAX, Vec::new())),
        })
    }

    /// The leaf at a place; `None` behind the end of the tree.
    pub fn leaf(&self, place: u64) -> Option<Hash> {
        let (index, within) = (place / WIDTH, place % WIDTH);
        let mut last = self.last.borrow_mut();
        if last.0 != index {
            let hashes = if place < self.files.size() {
                self.files.read(tile(index)).ok()?
            } else {
                return None;
            };
            *last = (index, hashes);
        }
        last.1.get(within as usize).copied()
    }

    /// The entries of the tree.
    pub fn size(&self) -> u64 {
        self.files.size()
    }
}

fn tile(index: u64) -> TileId {
    TileId { level: 0, index }
}
