//! The tiles of a bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use auditlog_tlog::proof::HashSource;
use auditlog_tlog::tile::{from_bytes, width_at};
use auditlog_tlog::{Hash, TileId};

/// The tiles of a tree as files.
#[derive(Debug, Clone)]
pub struct TileFiles {
    directory: PathBuf,
    size: u64,
}

/// A tile that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    /// The file is not there or has not the tile's length: the bundle is damaged.
    #[error("{0}")]
    Damaged(String),
    /// The file cannot be read for a reason that has nothing to do with the bundle.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl TileFiles {
    /// The tiles of the tree of `size` entries in the bundle `directory`.
    pub fn new(directory: &Path, size: u64) -> Self {
        Self {
            directory: directory.to_owned(),
            size,
        }
    }

    /// The entries of the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The path of a tile in the bundle.
    pub fn path(&self, id: TileId) -> String {
        id.path(width_at(id, self.size))
    }

    /// The hashes of a tile, as many as the tree has in it.
    ///
    /// # Errors
    /// [`TileError`].
    pub fn read(&self, id: TileId) -> Result<Vec<Hash>, TileError> {
        let width = usize::from(width_at(id, self.size));
        let bytes = match fs::read(self.directory.join(self.path(id))) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(TileError::Damaged("the file is not there".to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        match from_bytes(&bytes) {
            Some(hashes) if hashes.len() == width => Ok(hashes),
            _ => Err(TileError::Damaged(format!(
                "the file has {} bytes where the tile has {}",
                bytes.len(),
                width * 32
            ))),
        }
    }
}

/// The tiles after damaged ones have been computed anew.
#[derive(Debug, Clone)]
pub struct Tiles {
    /// The files.
    pub files: TileFiles,
    /// Tiles that are damaged in the files but could be computed from what is below them.
    pub recovered: BTreeMap<TileId, Vec<Hash>>,
    /// Tiles that are damaged, and what is below them too.
    pub lost: BTreeSet<TileId>,
}

impl Tiles {
    /// The tiles in `files`.
    pub fn new(files: TileFiles) -> Self {
        Self {
            files,
            recovered: BTreeMap::new(),
            lost: BTreeSet::new(),
        }
    }

    /// The hashes of a tile.
    ///
    /// # Errors
    /// [`TileError`], also for a lost tile.
    pub fn read(&self, id: TileId) -> Result<Vec<Hash>, TileError> {
        if let Some(hashes) = self.recovered.get(&id) {
            return Ok(hashes.clone());
        }
        if self.lost.contains(&id) {
            return Err(TileError::Damaged("the tile is not the one of the tree".to_owned()));
        }
        self.files.read(id)
    }
}

impl HashSource for Tiles {
    type Error = TileError;

    fn tiles(&self, wanted: &[(TileId, u16)]) -> Result<Vec<Vec<Hash>>, TileError> {
        wanted.iter().map(|(id, _)| self.read(*id)).collect()
    }
}
