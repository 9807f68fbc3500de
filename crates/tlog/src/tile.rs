//! Tiles: how the tree is stored, c2sp.org/tlog-tiles.
//!
//! A tile is 256 hashes of one level of the tree, 8 levels apart from the next: tile *n* of level *l* has
//! the roots of the complete subtrees of 256^*l* entries with the numbers 256 *n* to 256 *n* + 255. The
//! last tile of a level is usually partial, with fewer. What lies between the levels is hashed when needed.

use std::fmt::Write as _;

use crate::hash::Hash;

pub use crate::appender::{Appender, Changed, EdgeError};

/// The levels of the tree that a tile stands for.
pub const TILE_HEIGHT: u8 = 8;

/// The hashes of a full tile.
pub const TILE_WIDTH: u16 = 256;

/// The largest level a path may have.
const MAX_LEVEL: u8 = 63;

/// Which tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// 0 is the leaves, each next one stands for 8 levels of the tree.
    pub level: u8,
    /// Its place in the level, from 0.
    pub index: u64,
}

/// Why a text is no path of a tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no path of a tile")]
pub struct PathError(String);

impl TileId {
    /// The path of the tile when it has `width` hashes: `tile/0/x001/x234/067`, with `.p/` and the width
    /// when it is partial. The width is not checked.
    pub fn path(&self, width: u16) -> String {
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        let mut path = format!("tile/{}/", self.level);
        for group in groups[1..].iter().rev() {
            let _ = write!(path, "x{group:03}/");
        }
        let _ = write!(path, "{:03}", groups[0]);
        if width != TILE_WIDTH {
            let _ = write!(path, ".p/{width}");
        }
        path
    }

    /// The tile and the number of hashes of it that `path` names.
    ///
    /// # Errors
    /// When [`TileId::path`] would not have written it.
    pub fn parse(path: &str) -> Result<(TileId, u16), PathError> {
        parse(path)
            .filter(|(id, width)| id.path(*width) == path)
            .ok_or_else(|| PathError(crate::text::quoted(path)))
    }
}

/// As [`TileId::parse`], but other ways to write the same pass.
fn parse(path: &str) -> Option<(TileId, u16)> {
    let rest = path.strip_prefix("tile/")?;
    let (level, rest) = rest.split_once('/')?;
    let level = level.parse().ok().filter(|level| *level <= MAX_LEVEL)?;
    let (rest, width) = match rest.split_once(".p/") {
        None => (rest, TILE_WIDTH),
        Some((rest, width)) => (rest, width.parse().ok().filter(|w| (1..TILE_WIDTH).contains(w))?),
    };
    let mut index = 0u64;
    for group in rest.split('/') {
        let group: u64 = group.trim_start_matches('x').parse().ok()?;
        index = index.checked_mul(1000)?.checked_add(group)?;
    }
    Some((TileId { level, index }, width))
}

/// The tiles of one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelTiles {
    /// Full tiles: those with an index below.
    pub full: u64,
    /// Hashes in the partial tile behind them; 0 when there is none.
    pub partial: u16,
}

/// The tiles of a tree of `size` entries, for every level that has any, from the leaves.
pub fn tiles_of_size(size: u64) -> Vec<LevelTiles> {
    (0..8)
        .map(|level| size >> (level * u32::from(TILE_HEIGHT)))
        .take_while(|hashes| *hashes > 0)
        .map(|hashes| LevelTiles {
            full: hashes / u64::from(TILE_WIDTH),
            partial: (hashes % u64::from(TILE_WIDTH)) as u16,
        })
        .collect()
}

/// How many hashes the tile has in a tree of `size` entries; 0 when it doesn't exist.
pub fn width_at(id: TileId, size: u64) -> u16 {
    let hashes = size
        .checked_shr(u32::from(id.level) * u32::from(TILE_HEIGHT))
        .unwrap_or(0);
    let before = id.index.saturating_mul(u64::from(TILE_WIDTH));
    hashes.saturating_sub(before).min(u64::from(TILE_WIDTH)) as u16
}

/// The bytes of a tile: its hashes one after the other.
pub fn to_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.concat()
}

/// The hashes of a tile's bytes; `None` when they are no whole number of hashes, or more than a tile's.
pub fn from_bytes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    (rest.is_empty() && hashes.len() <= usize::from(TILE_WIDTH)).then(|| hashes.to_vec())
}
