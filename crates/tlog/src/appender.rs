//! Appending to a tree that is stored in tiles.

use crate::hash::{Hash, complete_root};
use crate::tile::{LevelTiles, TILE_HEIGHT, TILE_WIDTH, TileId, tiles_of_size};
use crate::tree::Frontier;

/// The right edge of a stored tree: the partial tile of every level, and which of them has changed.
///
/// To append costs one node hash for every entry on average, since the same hashes complete the subtrees
/// and the tiles.
#[derive(Debug, Clone)]
pub struct Appender {
    frontier: Frontier,
    levels: Vec<Level>,
    /// Tiles completed since they were last asked for.
    completed: Vec<Changed>,
}

/// The partial tile of a level.
#[derive(Debug, Clone)]
struct Level {
    hashes: Vec<Hash>,
    /// Its index in the level.
    index: u64,
    /// How many of its hashes have been handed out.
    reported: u16,
}

impl Level {
    fn new(index: u64, mut hashes: Vec<Hash>) -> Self {
        let reported = hashes.len() as u16;
        hashes.reserve_exact(usize::from(TILE_WIDTH) - hashes.len());
        Self {
            hashes,
            index,
            reported,
        }
    }
}

/// A tile that has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Which tile.
    pub id: TileId,
    /// How many hashes it had when it was last handed out, by this [`Appender`] or by the edge it began
    /// with; 0 when the tile is new.
    pub from_width: u16,
    /// All its hashes: the first `from_width` are those it had.
    pub hashes: Vec<Hash>,
}

/// Why tiles are no right edge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EdgeError {
    /// A level is missing, or there is one too many.
    #[error("the right edge of a tree of size {size} has {expected} levels, not {found}")]
    Levels {
        /// Entries of the tree.
        size: u64,
        /// The levels of its tiles.
        expected: usize,
        /// The levels given.
        found: usize,
    },
    /// A partial tile has another width.
    #[error("the partial tile of level {level} of a tree of size {size} has {expected} hashes, not {found}")]
    Width {
        /// The level.
        level: u8,
        /// Entries of the tree.
        size: u64,
        /// The hashes its partial tile has.
        expected: u16,
        /// The hashes given.
        found: usize,
    },
    /// A tree has at most [`MAX_SIZE`](crate::MAX_SIZE) entries.
    #[error("no tree has the size {0}")]
    Size(u64),
}

impl Default for Appender {
    fn default() -> Self {
        Self::new()
    }
}

impl Appender {
    /// The tree without entries.
    pub fn new() -> Self {
        Self {
            frontier: Frontier::new(),
            levels: Vec::new(),
            completed: Vec::new(),
        }
    }

    /// The tree of `size` entries with the partial tiles `edge`, one for each level that
    /// [`tiles_of_size`] names, from the leaves; without hashes where a level has no partial tile.
    ///
    /// Only the numbers of hashes can be checked: compare [`Appender::root`] with the root on record.
    ///
    /// # Errors
    /// When a tree of this size has partial tiles of other widths.
    pub fn from_edge(size: u64, edge: Vec<Vec<Hash>>) -> Result<Self, EdgeError> {
        if size > crate::MAX_SIZE {
            return Err(EdgeError::Size(size));
        }
        let tiles = tiles_of_size(size);
        if edge.len() != tiles.len() {
            return Err(EdgeError::Levels {
                size,
                expected: tiles.len(),
                found: edge.len(),
            });
        }
        for (level, (hashes, LevelTiles { partial, .. })) in edge.iter().zip(&tiles).enumerate() {
            if hashes.len() != usize::from(*partial) {
                return Err(EdgeError::Width {
                    level: level as u8,
                    size,
                    expected: *partial,
                    found: hashes.len(),
                });
            }
        }
        let subtrees = edge.iter().rev().flat_map(|hashes| complete_parts(hashes)).collect();
        Ok(Self {
            frontier: Frontier::from_parts(size, subtrees).map_err(|_| EdgeError::Size(size))?,
            levels: edge
                .into_iter()
                .zip(tiles)
                .map(|(hashes, tiles)| Level::new(tiles.full, hashes))
                .collect(),
            completed: Vec::new(),
        })
    }

    /// Appends the entry with the leaf hash `leaf`.
    #[inline]
    pub fn append(&mut self, leaf: Hash) {
        let Self {
            frontier,
            levels,
            completed,
        } = self;
        frontier.push_with(leaf, |height, root| {
            if height % u32::from(TILE_HEIGHT) == 0 {
                add(levels, completed, (height / u32::from(TILE_HEIGHT)) as u8, root);
            }
        });
    }

    /// The root of the tree, after at most 62 hashes.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The number of entries.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The complete subtrees of the tree.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The partial tile of every level, from the leaves, as [`Appender::from_edge`] takes them.
    pub fn edge(&self) -> Vec<Vec<Hash>> {
        self.levels.iter().map(|level| level.hashes.clone()).collect()
    }

    /// The tiles that have been completed or have grown since the last call, by level and index. A
    /// completed tile is among them once, with all its 256 hashes.
    ///
    /// Write them in one transaction with what records the size: after a failure begin again from the
    /// edge on record, since they are not handed out again.
    pub fn changed(&mut self) -> Vec<Changed> {
        let mut changed = std::mem::take(&mut self.completed);
        for (number, level) in self.levels.iter_mut().enumerate() {
            let width = level.hashes.len() as u16;
            if width > level.reported {
                changed.push(Changed {
                    id: TileId {
                        level: number as u8,
                        index: level.index,
                    },
                    from_width: level.reported,
                    hashes: level.hashes.clone(),
                });
                level.reported = width;
            }
        }
        changed.sort_by_key(|tile| tile.id);
        changed
    }
}

/// Adds `hash` to the last tile of `level`.
#[inline]
fn add(levels: &mut Vec<Level>, completed: &mut Vec<Changed>, level: u8, hash: &Hash) {
    let place = usize::from(level);
    if place == levels.len() {
        levels.push(Level::new(0, Vec::new()));
    }
    let tile = &mut levels[place];
    tile.hashes.push(*hash);
    if tile.hashes.len() == usize::from(TILE_WIDTH) {
        let next = Level::new(tile.index + 1, Vec::new());
        let full = std::mem::replace(tile, next);
        completed.push(Changed {
            id: TileId {
                level,
                index: full.index,
            },
            from_width: full.reported,
            hashes: full.hashes,
        });
    }
}

/// The roots of the complete subtrees over the hashes of a partial tile, the largest first.
fn complete_parts(mut hashes: &[Hash]) -> Vec<Hash> {
    let mut parts = Vec::new();
    while !hashes.is_empty() {
        let (part, rest) = hashes.split_at(1 << hashes.len().ilog2());
        parts.push(complete_root(part));
        hashes = rest;
    }
    parts
}
