//! The tree above the leaves' tiles: from the checkpoint's root down, each tile against what is above it.

use std::path::Path;

use auditlog_tlog::hash::{empty_root, node_hash};
use auditlog_tlog::tile::{Changed, LevelTiles, TILE_WIDTH, tiles_of_size};
use auditlog_tlog::{Appender, Hash, TileId};

use super::leaves::leaves_from_events;
use super::{CannotJudge, Check, Checks};
use crate::finding::{Finding, Findings, Kind};
use crate::layout::EVENTS_PER_FILE;
use crate::tiles::{TileError, TileFiles, Tiles};

const WIDTH: u64 = TILE_WIDTH as u64;

/// The tree, once everything above the leaves' tiles and the full tiles over them has been judged.
pub(super) struct Tree {
    /// The tiles.
    pub(super) tiles: Tiles,
    /// Whether the tiles give the checkpoint's root. If not, they are all there is to compare with.
    pub(super) root_fits: bool,
}

/// The root of the complete tree over these hashes: 256 of a full tile.
pub(super) fn tile_root(hashes: &[Hash]) -> Hash {
    debug_assert!(hashes.len().is_power_of_two());
    let mut nodes = hashes.to_vec();
    while nodes.len() > 1 {
        for at in 0..nodes.len() / 2 {
            nodes[at] = node_hash(&nodes[2 * at], &nodes[2 * at + 1]);
        }
        nodes.truncate(nodes.len() / 2);
    }
    nodes.first().copied().unwrap_or_else(empty_root)
}

/// The hashes of a tile, or what is wrong with its file.
pub(super) fn read(files: &TileFiles, id: TileId) -> Result<Result<Vec<Hash>, String>, CannotJudge> {
    match files.read(id) {
        Ok(hashes) => Ok(Ok(hashes)),
        Err(TileError::Damaged(why)) => Ok(Err(why)),
        Err(TileError::Io(error)) => Err(CannotJudge::io(files.path(id))(error)),
    }
}

/// The finding about a tile that is not the tree's.
pub(super) fn tile_finding(files: &TileFiles, id: TileId, why: Option<&String>, recovered: bool) -> Finding {
    let kind = why.map_or(Kind::Modified, |_| Kind::Unreadable);
    let what = why.map_or("it is not the tile of the checkpoint's tree", String::as_str);
    let rest = if recovered {
        "what is below it gives the right one"
    } else {
        "nor does what is below it give the right one"
    };
    Finding::of_file(kind, files.path(id), format!("{what}; {rest}"))
}

/// Judges the tiles at the right edge, and the full ones of the levels from 2 up.
pub(super) fn upper(
    files: TileFiles,
    root: &Hash,
    directory: &Path,
    checks: Checks,
    findings: &mut Findings,
) -> Result<Tree, CannotJudge> {
    let levels = tiles_of_size(files.size());
    let mut tree = Tree {
        tiles: Tiles::new(files),
        root_fits: true,
    };
    let mut found = Findings::default();
    edge(&mut tree, &levels, root, directory, checks, &mut found)?;
    for (level, tiles) in levels.iter().enumerate().skip(2).rev() {
        for index in 0..tiles.full {
            let id = TileId {
                level: level as u8,
                index,
            };
            full_tile(&mut tree, id, checks, &mut found)?;
        }
    }
    let torn = !tree.root_fits || !tree.tiles.lost.is_empty();
    if torn && let Some(recovered) = from_events(&tree.tiles.files, root, directory, findings)? {
        return Ok(Tree {
            tiles: recovered,
            root_fits: true,
        });
    }
    findings.extend(found.into_vec());
    Ok(tree)
}

/// The tree as the events alone make it, if it is the checkpoint's: then the tiles are damaged in more
/// than one place, and every one can be compared.
fn from_events(
    files: &TileFiles,
    root: &Hash,
    directory: &Path,
    findings: &mut Findings,
) -> Result<Option<Tiles>, CannotJudge> {
    let size = files.size();
    let mut tree = Appender::new();
    let mut tiles = Vec::new();
    for block in 0..size.div_ceil(EVENTS_PER_FILE) {
        for leaf in leaves_from_events(directory, block, size)? {
            let Some(leaf) = leaf else { return Ok(None) };
            tree.append(leaf);
        }
        let full = |tile: &Changed| tile.hashes.len() == usize::from(TILE_WIDTH) && tile.id.level > 0;
        tiles.extend(
            tree.changed()
                .into_iter()
                .filter(full)
                .map(|tile| (tile.id, tile.hashes)),
        );
    }
    if tree.root() != *root {
        return Ok(None);
    }
    for (level, (hashes, place)) in tree.edge().into_iter().zip(tiles_of_size(size)).enumerate() {
        if place.partial > 0 {
            tiles.push((edge_tile(level, &place), hashes));
        }
    }
    let mut recovered = Tiles::new(files.clone());
    for (id, hashes) in tiles {
        let stored = read(files, id)?;
        if stored.as_ref() != Ok(&hashes) {
            findings.add(tile_finding(files, id, stored.as_ref().err(), true));
            recovered.recovered.insert(id, hashes);
        }
    }
    Ok(Some(recovered))
}

/// A full tile of a level from 2 up, against the hash of it in the tile above.
fn full_tile(tree: &mut Tree, id: TileId, checks: Checks, findings: &mut Findings) -> Result<(), CannotJudge> {
    let stored = read(&tree.tiles.files, id)?;
    let expected = above(&tree.tiles, id)?;
    let fits = |hashes: &[Hash]| expected.is_none_or(|expected| tile_root(hashes) == expected);
    if let Ok(hashes) = &stored
        && (!checks.on(Check::UpperTiles) || fits(hashes))
    {
        return Ok(());
    }
    let below = roots_below(&tree.tiles.files, id, TILE_WIDTH)?.filter(|hashes| fits(hashes));
    findings.add(tile_finding(
        &tree.tiles.files,
        id,
        stored.as_ref().err(),
        below.is_some(),
    ));
    match below {
        Some(hashes) => drop(tree.tiles.recovered.insert(id, hashes)),
        None => drop(tree.tiles.lost.insert(id)),
    }
    Ok(())
}

/// The root of a full tile as the tile above says; `None` when that one is lost.
pub(super) fn above(tiles: &Tiles, id: TileId) -> Result<Option<Hash>, CannotJudge> {
    let parent = TileId {
        level: id.level + 1,
        index: id.index / WIDTH,
    };
    match tiles.read(parent) {
        Ok(hashes) => Ok(hashes.get((id.index % WIDTH) as usize).copied()),
        Err(TileError::Damaged(_)) => Ok(None),
        Err(TileError::Io(error)) => Err(CannotJudge::io(tiles.files.path(parent))(error)),
    }
}

/// The first `width` hashes of a tile from the full tiles below it; `None` when one of them cannot be read.
fn roots_below(files: &TileFiles, id: TileId, width: u16) -> Result<Option<Vec<Hash>>, CannotJudge> {
    let mut roots = Vec::with_capacity(usize::from(width));
    for child in 0..u64::from(width) {
        let child = TileId {
            level: id.level - 1,
            index: id.index * WIDTH + child,
        };
        match read(files, child)? {
            Ok(hashes) => roots.push(tile_root(&hashes)),
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(roots))
}

/// The partial tiles of all levels, which give the root.
fn edge(
    tree: &mut Tree,
    levels: &[LevelTiles],
    root: &Hash,
    directory: &Path,
    checks: Checks,
    findings: &mut Findings,
) -> Result<(), CannotJudge> {
    let files = tree.tiles.files.clone();
    let size = files.size();
    let mut stored = Vec::with_capacity(levels.len());
    for (level, tiles) in levels.iter().enumerate() {
        stored.push(match tiles.partial {
            0 => Ok(Vec::new()),
            _ => read(&files, edge_tile(level, tiles))?,
        });
    }
    let fits = |edge: &[Vec<Hash>]| Appender::from_edge(size, edge.to_vec()).is_ok_and(|tree| tree.root() == *root);
    let as_stored: Option<Vec<Vec<Hash>>> = stored.iter().map(|hashes| hashes.clone().ok()).collect();
    if let Some(edge) = &as_stored
        && (!checks.on(Check::Root) || fits(edge))
    {
        return Ok(());
    }
    let below = edge_from_below(&files, levels, directory)?;
    let candidates = [(false, true), (true, true), (true, false)];
    for (leaves, upper) in candidates {
        let choose = |level: usize| {
            let anew = if level == 0 { leaves } else { upper };
            if anew {
                below[level].clone()
            } else {
                stored[level].clone().ok()
            }
        };
        let Some(edge) = (0..levels.len()).map(choose).collect::<Option<Vec<_>>>() else {
            continue;
        };
        if !fits(&edge) {
            continue;
        }
        for (level, hashes) in edge.into_iter().enumerate() {
            if stored[level].as_ref() != Ok(&hashes) {
                let id = edge_tile(level, &levels[level]);
                findings.add(tile_finding(&files, id, stored[level].as_ref().err(), true));
                tree.tiles.recovered.insert(id, hashes);
            }
        }
        return Ok(());
    }
    tree.root_fits = false;
    for (level, hashes) in stored.iter().enumerate() {
        if let Err(why) = hashes {
            let id = edge_tile(level, &levels[level]);
            findings.add(tile_finding(&files, id, Some(why), false));
            tree.tiles.lost.insert(id);
        }
    }
    if as_stored.is_some() {
        let detail = "the tiles are not those of the checkpoint's tree: they give another root, and so do the events";
        findings.add(Finding::of_bundle(Kind::Modified, detail));
    }
    Ok(())
}

/// The partial tile of a level.
fn edge_tile(level: usize, tiles: &LevelTiles) -> TileId {
    TileId {
        level: level as u8,
        index: tiles.full,
    }
}

/// The partial tiles computed from what is below them: full tiles, and for the leaves the events.
fn edge_from_below(
    files: &TileFiles,
    levels: &[LevelTiles],
    directory: &Path,
) -> Result<Vec<Option<Vec<Hash>>>, CannotJudge> {
    let mut edge = Vec::with_capacity(levels.len());
    for (level, tiles) in levels.iter().enumerate() {
        let id = edge_tile(level, tiles);
        edge.push(match (level, tiles.partial) {
            (_, 0) => Some(Vec::new()),
            (0, _) => {
                let block = id.index / WIDTH;
                let all = leaves_from_events(directory, block, files.size())?;
                let first = ((id.index % WIDTH) * WIDTH) as usize;
                all[first..].iter().copied().collect()
            }
            (_, width) => roots_below(files, id, width)?,
        });
    }
    Ok(edge)
}
