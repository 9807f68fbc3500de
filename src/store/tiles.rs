//! The Merkle tree's tiles (crates/tlog): written by the sealer in the transaction that appends the rows,
//! read for proofs under the statement's own snapshot.

use super::catalog::as_owner;
use super::head::Head;
use super::spi::{self, Arg};
use auditlog_tlog::Hash;
use auditlog_tlog::proof::HashSource;
use auditlog_tlog::tile::{self, Appender, Changed, LevelTiles, TILE_WIDTH, TileId};
use std::collections::HashMap;

/// The right edge of the tree that `head` speaks of; `None` when the tiles don't give its root.
pub fn edge(head: &Head) -> Option<Appender> {
    let size = u64::try_from(head.size).ok()?;
    let levels = tile::tiles_of_size(size);
    let edge = levels
        .iter()
        .enumerate()
        .map(|(level, tiles)| {
            if tiles.partial == 0 {
                return Some(Vec::new());
            }
            let rows = spi::run(
                "SELECT hashes FROM auditlog_data.tile WHERE (level, tile_index) = ($1, $2)",
                &[Arg::int(level as i64), Arg::int(tiles.full as i64)],
            );
            tile::from_bytes(rows.first()?.first()?.bytes()?)
        })
        .collect::<Option<Vec<_>>>()?;
    Appender::from_edge(size, edge)
        .ok()
        .filter(|tree| tree.root() == head.root)
}

/// Writes the tiles that have changed.
pub fn write(changed: &[Changed]) {
    for Changed { id, hashes, .. } in changed {
        spi::run(
            "INSERT INTO auditlog_data.tile AS t (level, tile_index, hashes) VALUES ($1, $2, $3) \
             ON CONFLICT (level, tile_index) DO UPDATE SET hashes = EXCLUDED.hashes",
            &[
                Arg::int(i64::from(id.level)),
                Arg::int(id.index as i64),
                Arg::bytea(&tile::to_bytes(hashes)),
            ],
        );
    }
}

/// Up to `count` tiles of a level from `first` on, each with its index; those with other bytes than hashes are
/// left out.
pub fn range(level: u8, first: u64, count: u64) -> Vec<(u64, Vec<Hash>)> {
    let rows = as_owner(|| {
        spi::read(
            "SELECT tile_index, hashes FROM auditlog_data.tile \
             WHERE level = $1 AND tile_index >= $2 AND tile_index < $3 ORDER BY tile_index",
            &[
                Arg::int(i64::from(level)),
                Arg::int(first as i64),
                Arg::int((first + count) as i64),
            ],
        )
    });
    let tile = |row: &Vec<spi::Cell>| Some((row[0].int()? as u64, tile::from_bytes(row[1].bytes()?)?));
    rows.iter().filter_map(tile).collect()
}

/// How many tiles lie beyond those of a tree with these levels; `None` when there are none.
pub fn beyond(levels: &[LevelTiles]) -> Option<i64> {
    let count = |sql: &str, arguments: &[Arg]| as_owner(|| spi::read(sql, arguments)).first()?.first()?.int();
    let mut found = count(
        "SELECT count(*) FROM auditlog_data.tile WHERE level >= $1 OR tile_index < 0 OR level < 0",
        &[Arg::int(levels.len() as i64)],
    )?;
    for (level, tiles) in levels.iter().enumerate() {
        found += count(
            "SELECT count(*) FROM auditlog_data.tile WHERE level = $1 AND tile_index >= $2",
            &[
                Arg::int(level as i64),
                Arg::int((tiles.full + u64::from(tiles.partial > 0)) as i64),
            ],
        )?;
    }
    (found > 0).then_some(found)
}

/// The tiles as the active snapshot shows them.
pub struct Stored;

/// A tile is not there, or holds other bytes than hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("tile {} of level {} of the Merkle tree is missing or damaged", .0.index, .0.level)]
pub struct Damaged(pub TileId);

impl HashSource for Stored {
    type Error = Damaged;

    fn tiles(&self, wanted: &[(TileId, u16)]) -> Result<Vec<Vec<Hash>>, Damaged> {
        as_owner(|| {
            wanted
                .iter()
                .map(|(id, width)| {
                    let rows = spi::read(
                        "SELECT hashes FROM auditlog_data.tile WHERE (level, tile_index) = ($1, $2)",
                        &[Arg::int(i64::from(id.level)), Arg::int(id.index as i64)],
                    );
                    let bytes = rows.first().and_then(|row| row[0].bytes());
                    bytes
                        .and_then(tile::from_bytes)
                        .filter(|hashes| hashes.len() >= usize::from(*width))
                        .ok_or(Damaged(*id))
                })
                .collect()
        })
    }
}

/// Tiles of a window.
const LEAF_WINDOW: u64 = 64;
/// Windows that are kept: partitions whose events alternate in the log are read one after the other.
const KEPT_WINDOWS: usize = 8;

/// The leaves by their place in the log.
#[derive(Default)]
pub struct Leaves {
    /// Newest first: number of the window, its tiles by index.
    windows: Vec<(u64, HashMap<u64, Vec<Hash>>)>,
}

impl Leaves {
    /// The leaf of the event with this `log_index`; `None` when the tree has none.
    pub fn at(&mut self, log_index: u64) -> Option<Hash> {
        let tile = log_index / u64::from(TILE_WIDTH);
        let number = tile / LEAF_WINDOW;
        match self.windows.iter().position(|(known, _)| *known == number) {
            Some(0) => {}
            Some(place) => self.windows[..=place].rotate_right(1),
            None => {
                self.windows.truncate(KEPT_WINDOWS - 1);
                let window = range(0, number * LEAF_WINDOW, LEAF_WINDOW).into_iter().collect();
                self.windows.insert(0, (number, window));
            }
        }
        let place = usize::try_from(log_index % u64::from(TILE_WIDTH)).ok()?;
        self.windows[0].1.get(&tile)?.get(place).copied()
    }
}

/// Complete subtrees of the log's tree, from tiles that are read as they are asked for: best from left to right.
#[derive(Default)]
pub struct Subtrees {
    /// For each level of tiles the number of its window, and the tiles there.
    windows: HashMap<u8, (u64, HashMap<u64, Vec<Hash>>)>,
}

impl Subtrees {
    /// The hash of the subtree of 2 to the power of `height` leaves with so many of them to its left; `None` when a
    /// tile is missing.
    pub fn hash(&mut self, height: u32, index: u64) -> Option<Hash> {
        let (level, rows) = (
            u8::try_from(height / u32::from(tile::TILE_HEIGHT)).ok()?,
            height % u32::from(tile::TILE_HEIGHT),
        );
        let first = index << rows;
        let number = first / u64::from(TILE_WIDTH);
        let window = number / LEAF_WINDOW;
        let known = self.windows.get(&level).is_some_and(|(known, _)| *known == window);
        if !known {
            let tiles = range(level, window * LEAF_WINDOW, LEAF_WINDOW).into_iter().collect();
            self.windows.insert(level, (window, tiles));
        }
        let offset = usize::try_from(first % u64::from(TILE_WIDTH)).ok()?;
        let hashes = self
            .windows
            .get(&level)?
            .1
            .get(&number)?
            .get(offset..offset + (1 << rows))?;
        let mut subtree = auditlog_export::tree::Builder::default();
        hashes.iter().for_each(|hash| subtree.add(0, *hash));
        Some(subtree.root())
    }
}
