//! The leaves of one file's events: the tiles of level 0 below one tile of level 1.

use std::fs::File;
use std::io;
use std::path::Path;

use auditlog_tlog::tile::{TILE_WIDTH, width_at};
use auditlog_tlog::{Hash, TileId};

use super::tree::{Tree, above, read, tile_finding, tile_root};
use super::{CannotJudge, Check, Checks};
use crate::content::Entries;
use crate::finding::Finding;
use crate::frames::{Frame, Frames};
use crate::layout::{EVENTS_PER_FILE, events_path};
use crate::record::Record;

const WIDTH: usize = TILE_WIDTH as usize;

/// The leaves of a block, and how far they are to be trusted.
pub(super) struct Leaves {
    /// The leaf of each event of the block.
    pub(super) hashes: Vec<Hash>,
    /// Of each tile, what is known of its leaves.
    pub(super) tiles: Vec<Trust>,
    /// What is wrong with the tiles.
    pub(super) findings: Vec<Finding>,
    /// Tiles that were computed anew.
    pub(super) recovered: Vec<(TileId, Vec<Hash>)>,
    /// Tiles that could not be.
    pub(super) lost: Vec<TileId>,
}

/// What is known of the leaves of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// They are those of the checkpoint's tree.
    Proven,
    /// They are what the file has, which is not in the checkpoint's tree.
    Stored,
    /// The file cannot be read.
    Unknown,
}

/// The entries of a block of a tree of `size`.
pub(super) fn block_range(block: u64, size: u64) -> std::ops::Range<u64> {
    let first = block.saturating_mul(EVENTS_PER_FILE).min(size);
    first..first.saturating_add(EVENTS_PER_FILE).min(size)
}

/// Opens a file of events; `None` when it is not there.
pub(super) fn open(directory: &Path, block: u64) -> Result<Option<Frames<File>>, CannotJudge> {
    let path = events_path(block);
    match File::open(directory.join(&path)) {
        Ok(file) => Ok(Some(Frames::new(file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CannotJudge::io(path)(error)),
    }
}

/// What the events of a block say their leaves are, where there is exactly one that says it.
pub(super) fn leaves_from_events(directory: &Path, block: u64, size: u64) -> Result<Vec<Option<Hash>>, CannotJudge> {
    let range = block_range(block, size);
    let mut leaves = vec![None; (range.end - range.start) as usize];
    let Some(mut frames) = open(directory, block)? else {
        return Ok(leaves);
    };
    let mut entries = Entries::default();
    while let Some(frame) = frames
        .next()
        .map_err(|error| CannotJudge::io(events_path(block))(error))?
    {
        let Frame::Record(bytes) = frame else { continue };
        let Ok(record) = Record::parse(bytes) else { continue };
        if range.contains(&record.log_index)
            && let Ok(content) = entries.content(&record)
        {
            leaves[(record.log_index - range.start) as usize] = Some(content.entry_hash);
        }
    }
    Ok(leaves)
}

impl Leaves {
    /// Reads the tiles of a block and compares them with the tile above them, and that with the one above it.
    pub(super) fn read(tree: &Tree, directory: &Path, block: u64, checks: Checks) -> Result<Self, CannotJudge> {
        let files = &tree.tiles.files;
        let range = block_range(block, files.size());
        let count = (range.end - range.start) as usize;
        let mut stored = Vec::with_capacity(count.div_ceil(WIDTH));
        for tile in 0..count.div_ceil(WIDTH) {
            stored.push(read(files, leaf_tile(block, tile))?);
        }
        let mut leaves = Self {
            hashes: Vec::with_capacity(count),
            tiles: Vec::with_capacity(stored.len()),
            findings: Vec::new(),
            recovered: Vec::new(),
            lost: Vec::new(),
        };
        let mut from_events = FromEvents {
            directory,
            block,
            size: files.size(),
            leaves: None,
        };
        let expected = leaves.level_one(tree, block, &stored, &mut from_events, checks)?;
        for (tile, stored) in stored.into_iter().enumerate() {
            let id = leaf_tile(block, tile);
            let expected = expected.as_ref().and_then(|expected| expected.get(tile));
            leaves.tile(tree, id, stored, expected, &mut from_events, checks)?;
        }
        Ok(leaves)
    }

    /// The tile over the block's full tiles; `None` when it is lost.
    fn level_one(
        &mut self,
        tree: &Tree,
        block: u64,
        below: &[Result<Vec<Hash>, String>],
        from_events: &mut FromEvents<'_>,
        checks: Checks,
    ) -> Result<Option<Vec<Hash>>, CannotJudge> {
        let id = TileId { level: 1, index: block };
        let files = &tree.tiles.files;
        if let Some(hashes) = tree.tiles.recovered.get(&id) {
            return Ok(Some(hashes.clone()));
        }
        match width_at(id, files.size()) {
            0 => return Ok(Some(Vec::new())),
            TILE_WIDTH => {}
            // the partial one has been judged with the root
            _ if tree.tiles.lost.contains(&id) => return Ok(None),
            _ => return Ok(read(files, id)?.ok()),
        }
        let stored = read(files, id)?;
        let expected = above(&tree.tiles, id)?;
        let fits = |hashes: &[Hash]| expected.is_none_or(|expected| tile_root(hashes) == expected);
        if let Ok(hashes) = &stored
            && (!checks.on(Check::UpperTiles) || fits(hashes))
        {
            return Ok(Some(hashes.clone()));
        }
        // from the tiles below where they can be read, else from the events; then from the events alone
        let mut found = None;
        for tiles_first in [true, false] {
            let mut roots = Vec::with_capacity(WIDTH);
            for (tile, below) in below.iter().enumerate() {
                let root = match below {
                    Ok(hashes) if tiles_first => Some(tile_root(hashes)),
                    _ => from_events.tile(tile, WIDTH)?.map(|hashes| tile_root(&hashes)),
                };
                roots.extend(root);
            }
            if found.is_none() && roots.len() == WIDTH && fits(&roots) {
                found = Some(roots);
            }
        }
        self.findings
            .push(tile_finding(files, id, stored.as_ref().err(), found.is_some()));
        match &found {
            Some(hashes) => self.recovered.push((id, hashes.clone())),
            None => self.lost.push(id),
        }
        Ok(found)
    }

    /// One tile of leaves. `expected` is the root of a full one; the partial one has been judged already.
    fn tile(
        &mut self,
        tree: &Tree,
        id: TileId,
        stored: Result<Vec<Hash>, String>,
        expected: Option<&Hash>,
        from_events: &mut FromEvents<'_>,
        checks: Checks,
    ) -> Result<(), CannotJudge> {
        let files = &tree.tiles.files;
        let width = usize::from(width_at(id, files.size()));
        if let Some(hashes) = tree.tiles.recovered.get(&id) {
            self.add(hashes, Trust::Proven);
            return Ok(());
        }
        let proven = if tree.root_fits { Trust::Proven } else { Trust::Stored };
        if width < WIDTH {
            match stored {
                Ok(hashes) => self.add(&hashes, proven),
                Err(_) => self.add(&vec![[0; 32]; width], Trust::Unknown),
            }
            return Ok(());
        }
        let fits = |hashes: &[Hash]| expected.is_some_and(|expected| tile_root(hashes) == *expected);
        match &stored {
            Ok(hashes) if fits(hashes) => {
                self.add(hashes, proven);
                return Ok(());
            }
            // nothing is known above it, which has its own finding; or the check is off
            Ok(hashes) if expected.is_none() => {
                self.add(hashes, Trust::Stored);
                return Ok(());
            }
            Ok(hashes) if !checks.on(Check::LeafTiles) => {
                self.add(hashes, proven);
                return Ok(());
            }
            _ => {}
        }
        let tile = (id.index % WIDTH as u64) as usize;
        let anew = from_events.tile(tile, width)?.filter(|hashes| fits(hashes));
        self.findings
            .push(tile_finding(files, id, stored.as_ref().err(), anew.is_some()));
        match (anew, stored) {
            (Some(hashes), _) => {
                self.add(&hashes, proven);
                self.recovered.push((id, hashes));
            }
            (None, Ok(hashes)) => {
                self.add(&hashes, Trust::Stored);
                self.lost.push(id);
            }
            (None, Err(_)) => {
                self.add(&vec![[0; 32]; width], Trust::Unknown);
                self.lost.push(id);
            }
        }
        Ok(())
    }

    fn add(&mut self, hashes: &[Hash], trust: Trust) {
        self.hashes.extend_from_slice(hashes);
        self.tiles.push(trust);
    }

    /// What is known of the leaf at this place of the block.
    pub(super) fn trust(&self, place: usize) -> Trust {
        self.tiles[place / WIDTH]
    }
}

fn leaf_tile(block: u64, tile: usize) -> TileId {
    TileId {
        level: 0,
        index: block * WIDTH as u64 + tile as u64,
    }
}

/// The leaves by the events, computed when they are first asked for.
struct FromEvents<'a> {
    directory: &'a Path,
    block: u64,
    size: u64,
    leaves: Option<Vec<Option<Hash>>>,
}

impl FromEvents<'_> {
    /// The leaves of a tile of the block; `None` when an event is missing.
    fn tile(&mut self, tile: usize, width: usize) -> Result<Option<Vec<Hash>>, CannotJudge> {
        let leaves = match self.leaves.take() {
            Some(leaves) => leaves,
            None => leaves_from_events(self.directory, self.block, self.size)?,
        };
        let leaves = self.leaves.insert(leaves);
        Ok(leaves[tile * WIDTH..][..width].iter().copied().collect())
    }
}
