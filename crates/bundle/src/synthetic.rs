//! Synthetic logs, for tests and measurements: events from a seed, with columns of all kinds, personal
//! values and erased ones, and with what the log says about itself: erasures, and what retention removed.

mod events;
mod own;
mod row;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use auditlog_core::chain::{GENESIS, Hash, entry_hash, link_hash};
use auditlog_tlog::{Appender, Checkpoint, SignedNote, SigningKey, TileId, VerifierKey};

use crate::layout::FORMAT;
use crate::manifest::{Manifest, Selection};
use crate::record::Record;
use crate::writer::{BundleWriter, WriteError};

pub use events::Random;
pub use own::{Erasures, Removal, tells_of_erasures};
pub use row::{Owned, Row};

/// The origin of synthetic logs.
pub const ORIGIN: &str = "example.org/synthetic";

/// A log from a seed.
#[derive(Debug, Clone)]
pub struct Log {
    /// What it is called.
    pub origin: String,
    /// Its key.
    pub key: SigningKey,
    /// What its events come from.
    pub seed: u64,
}

/// What a bundle is to have.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The entries of the tree.
    pub size: u64,
    /// Sizes at which the log has published checkpoints.
    pub checkpoints: Vec<u64>,
    /// Only events whose place this divides.
    pub every: Option<u64>,
    /// What the log tells of erasures.
    pub erasures: Erasures,
    /// What retention has removed.
    pub removals: Vec<Removal>,
    /// Places at which the log went on under this log's origin, and the origin before.
    pub incarnations: Vec<(u64, &'static str)>,
    /// Places of which the records are there although they are removed.
    pub left: Vec<u64>,
}

impl Log {
    /// The log of this seed.
    pub fn new(seed: u64) -> Self {
        Self {
            origin: ORIGIN.to_owned(),
            key: SigningKey::from_seed(&[7; 32]),
            seed,
        }
    }

    /// Its public key.
    ///
    /// # Panics
    /// When the origin is no name of a key.
    pub fn vkey(&self) -> VerifierKey {
        let name = auditlog_tlog::KeyName::new(&self.origin).expect("the origin is the name of a key");
        self.key.vkey(name)
    }

    /// Event `index` of a log without end: every 64th tells that the personal values of some before it were
    /// erased.
    pub fn row(&self, index: u64) -> Row {
        self.row_of(
            index,
            &Plan {
                size: u64::MAX,
                ..Plan::default()
            },
        )
    }

    /// Event `index` of the log of a plan.
    pub fn row_of(&self, index: u64, plan: &Plan) -> Row {
        let mut random = Random::new(self.seed ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut row = events::row(index, &mut random);
        if let Some(removal) = plan.removals.iter().find(|removal| removal.told_at == index) {
            let text = removal.text(self, plan);
            own::tell_of_removal(&mut row, &text);
        } else if let Some((_, previous)) = plan.incarnations.iter().find(|(place, _)| *place == index) {
            own::tell_of_incarnation(&mut row, &self.origin, previous);
        } else if tells_of_erasures(index) && plan.erasures != Erasures::Untold {
            own::tell_of_erasures(&mut row, index, plan);
        } else if own::is_erased(index, plan) {
            row.erase();
        }
        row
    }

    /// The leaf of event `index` of the log of a plan.
    pub fn leaf(&self, index: u64, plan: &Plan) -> Hash {
        entry_hash(&self.row_of(index, plan).entry())
    }

    /// The bytes of the record of `row`, its leaf and its link.
    pub fn record(&self, index: u64, prev_hash: Hash, row: &Row) -> (Vec<u8>, Hash, Hash) {
        let leaf = entry_hash(&row.entry());
        let hash = link_hash(&prev_hash, &leaf, index);
        let redacted = row.redacted();
        let mut bytes = Vec::new();
        Record {
            log_index: index,
            sealed_at: 1_773_153_046_000_000 + index as i64 * 1000,
            prev_hash,
            entry_hash: leaf,
            hash,
            salt: row.salt.as_deref(),
            redacted: redacted.as_deref(),
            values: &row.plain(),
        }
        .write(&mut bytes);
        (bytes, leaf, hash)
    }

    /// The signed checkpoint of a tree.
    ///
    /// # Panics
    /// When the origin is none.
    pub fn sign(&self, size: u64, root: Hash) -> SignedNote {
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size,
            root,
            extensions: Vec::new(),
        };
        checkpoint.sign(&self.key).expect("the origin is the name of a key")
    }

    /// The manifest of a bundle.
    pub fn manifest(&self, plan: &Plan, events: u64) -> Manifest {
        Manifest {
            format: FORMAT.to_owned(),
            origin: self.origin.clone(),
            size: plan.size,
            created_at: "2026-03-10T14:30:46Z".to_owned(),
            events,
            selection: plan.every.map(|every| Selection {
                query: Some(format!("every {every}")),
                ..Selection::default()
            }),
            keys: vec![self.vkey().to_string()],
            generator: "auditlog-bundle synthetic".to_owned(),
        }
    }

    /// Writes a bundle.
    ///
    /// # Errors
    /// When the directory is not empty or a file cannot be written.
    pub fn write(&self, directory: &Path, plan: &Plan) -> Result<(), WriteError> {
        let mut writer = BundleWriter::new(directory, plan.size)?;
        let sizes: BTreeSet<u64> = plan.checkpoints.iter().copied().collect();
        let mut tree = Appender::new();
        let mut partial = Partial::new();
        let mut prev_hash = GENESIS;
        for index in 0..plan.size {
            let row = self.row_of(index, plan);
            let (bytes, leaf, hash) = self.record(index, prev_hash, &row);
            let removed = !plan.left.contains(&index) && plan.removals.iter().any(|removal| removal.has(index));
            if !removed && plan.every.is_none_or(|every| index.is_multiple_of(every)) {
                writer.record(&bytes)?;
            }
            tree.append(leaf);
            prev_hash = hash;
            if sizes.contains(&(index + 1)) {
                writer.known(index + 1, &self.sign(index + 1, tree.root()).to_string())?;
            }
            if index % 65_536 == 65_535 {
                write_tiles(&writer, &mut tree, &mut partial)?;
            }
        }
        write_tiles(&writer, &mut tree, &mut partial)?;
        for (id, hashes) in &partial {
            writer.tile(*id, hashes)?;
        }
        for removal in &plan.removals {
            writer.certificate(removal.told_at, &removal.note(self, plan).to_string())?;
        }
        writer.checkpoint(&self.sign(plan.size, tree.root()).to_string())?;
        let events = writer.events();
        writer.finish(&self.manifest(plan, events))
    }
}

/// Writes the tiles that are full, and keeps the others, which grow.
fn write_tiles(writer: &BundleWriter, tree: &mut Appender, partial: &mut Partial) -> Result<(), WriteError> {
    for tile in tree.changed() {
        if tile.hashes.len() == 256 {
            writer.tile(tile.id, &tile.hashes)?;
            partial.remove(&tile.id);
        } else {
            partial.insert(tile.id, tile.hashes);
        }
    }
    Ok(())
}

type Partial = BTreeMap<TileId, Vec<Hash>>;
