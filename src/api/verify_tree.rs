//! The tree's part of `auditlog.verify`: leaves against rows, tiles against each other, the root against
//! the head and against every checkpoint that was signed.

use super::verify::Line;
use crate::store::checkpoints;
use crate::store::head::Head;
use crate::store::tiles::{self, Damaged, Stored};
use auditlog_tlog::hash::Hash;
use auditlog_tlog::proof::{HashSource, root_at};
use auditlog_tlog::tile::{Appender, LevelTiles, TILE_WIDTH, TileId, tiles_of_size};
use auditlog_tlog::{Checkpoint, Frontier, SignedNote, VerifierKey};
use std::cell::RefCell;
use std::collections::HashMap;

/// Tiles that are read at once.
const WINDOW: u64 = 64;
/// Tiles of all levels that are kept while checkpoints are checked: 32 MiB.
const KEPT_TILES: usize = 4096;

/// What does not fit in the tree as a whole.
pub fn check(head: &Head) -> Vec<Line> {
    let mut lines = Vec::new();
    let size = head.size.max(0) as u64;
    let levels = tiles_of_size(size);
    let mut edge = Vec::new();
    for (level, expected) in levels.iter().enumerate() {
        edge.push(check_level(level as u8, expected, levels.get(level + 1), &mut lines));
    }
    if let Some(leaves) = tiles::beyond(&levels) {
        lines.push(line(
            Some(size),
            "missing",
            format!(
                "the Merkle tree has leaves beyond the end of the log, {leaves} tiles of them: events were cut off"
            ),
        ));
    }
    let root = edge
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .and_then(|edge| Appender::from_edge(size, edge).ok())
        .map(|tree| tree.root());
    if root != Some(head.root) {
        lines.push(line(
            None,
            "forked",
            "the Merkle tree does not give the root on record in auditlog_data.head".to_owned(),
        ));
    }
    check_checkpoints(size, &mut lines);
    // What somebody outside has seen of this log, and we have not.
    if let Some((state, detail)) = checkpoints::incarnation().and_then(|now| checkpoints::blocked(&now.origin)) {
        lines.push(line(None, &state, detail));
    }
    lines
}

fn line(log_index: Option<u64>, kind: &str, detail: String) -> Line {
    Line {
        log_index: log_index.map(|index| index as i64),
        kind: kind.to_owned(),
        detail,
        event_id: None,
    }
}

/// Compares the tiles of a level with those above; returns the partial tile.
fn check_level(
    level: u8,
    expected: &LevelTiles,
    above: Option<&LevelTiles>,
    lines: &mut Vec<Line>,
) -> Option<Vec<Hash>> {
    let span = 1u64.checked_shl(8 * u32::from(level + 1)).unwrap_or(u64::MAX);
    let mut partial = (expected.partial == 0).then(Vec::new);
    let mut parents: Option<(u64, Vec<Hash>)> = None;
    let mut next = 0;
    let count = expected.full + u64::from(expected.partial > 0);
    while next < count {
        let mut found: HashMap<u64, Vec<Hash>> = tiles::range(level, next, WINDOW).into_iter().collect();
        for index in next..count.min(next + WINDOW) {
            let width = if index < expected.full {
                TILE_WIDTH
            } else {
                expected.partial
            };
            let Some(hashes) = found.remove(&index).filter(|hashes| hashes.len() >= usize::from(width)) else {
                lines.push(line(
                    Some(index.saturating_mul(span)),
                    "missing",
                    format!("tile {index} of level {level} of the Merkle tree is missing or cut"),
                ));
                continue;
            };
            if hashes.len() > usize::from(width) {
                lines.push(line(
                    Some((index * u64::from(TILE_WIDTH) + u64::from(width)).saturating_mul(span / 256)),
                    "missing",
                    "the Merkle tree has leaves beyond the end of the log: events were cut off".to_owned(),
                ));
            }
            if index == expected.full {
                partial = Some(hashes[..usize::from(width)].to_vec());
                continue;
            }
            let place = index / u64::from(TILE_WIDTH);
            if above.is_some() && parents.as_ref().is_none_or(|(known, _)| *known != place) {
                let parent = tiles::range(level + 1, place, 1).pop();
                parents = Some((place, parent.map_or(Vec::new(), |(_, hashes)| hashes)));
            }
            let parent = parents
                .as_ref()
                .and_then(|(_, hashes)| hashes.get((index % 256) as usize));
            if parent != Some(&root_of(&hashes)) {
                lines.push(line(
                    Some(index.saturating_mul(span)),
                    "modified",
                    format!("tile {index} of level {level} of the Merkle tree does not give the hash above it"),
                ));
            }
        }
        next += WINDOW;
        pgrx::check_for_interrupts!();
    }
    partial
}

fn root_of(hashes: &[Hash]) -> Hash {
    let mut tree = Frontier::new();
    hashes.iter().for_each(|hash| tree.push(*hash));
    tree.root()
}

/// Tiles that were read before.
#[derive(Default)]
struct Cached(RefCell<HashMap<TileId, Vec<Hash>>>);

impl HashSource for Cached {
    type Error = Damaged;

    fn tiles(&self, wanted: &[(TileId, u16)]) -> Result<Vec<Vec<Hash>>, Damaged> {
        let mut known = self.0.borrow_mut();
        wanted
            .iter()
            .map(|(id, width)| {
                if let Some(hashes) = known.get(id).filter(|hashes| hashes.len() >= usize::from(*width)) {
                    return Ok(hashes.clone());
                }
                let hashes = Stored.tiles(&[(*id, *width)])?.swap_remove(0);
                if known.len() >= KEPT_TILES {
                    known.clear();
                }
                known.insert(*id, hashes.clone());
                Ok(hashes)
            })
            .collect()
    }
}

/// Every checkpoint of this incarnation must be of this log, and signed.
fn check_checkpoints(size: u64, lines: &mut Vec<Line>) {
    let Some(now) = checkpoints::incarnation() else { return };
    let keys: Vec<VerifierKey> = checkpoints::keys(&now.origin)
        .iter()
        .filter_map(|key| VerifierKey::parse(key).ok())
        .collect();
    let tree = Cached::default();
    let mut after = 0;
    loop {
        let some = checkpoints::after(&now.origin, after);
        let Some(last) = some.last() else { break };
        after = last.size;
        for stored in &some {
            let of = stored.size as u64;
            let (kind, detail) = match judge(stored, &now.origin, &keys) {
                Some(fault) => fault,
                None if of > size => (
                    "rolled_back",
                    format!("a checkpoint over {of} events was signed, the log has {size}"),
                ),
                None if root_at(of, &tree).ok() != Some(stored.root) => (
                    "forked",
                    format!("the checkpoint over {of} events was signed for another log: the tree gives another root"),
                ),
                None => continue,
            };
            lines.push(line(None, kind, detail));
        }
        pgrx::check_for_interrupts!();
    }
}

/// Is the note what the row says, and signed by a key on record?
fn judge(stored: &checkpoints::Stored, origin: &str, keys: &[VerifierKey]) -> Option<(&'static str, String)> {
    let of = stored.size;
    let changed = || Some(("modified", format!("the checkpoint over {of} events was changed")));
    let Ok(note) = SignedNote::parse(&stored.note) else {
        return changed();
    };
    match Checkpoint::parse(note.text()) {
        Ok(said) if said.origin == origin && said.size == of as u64 && said.root == stored.root => {}
        _ => return changed(),
    }
    match note.verify(keys) {
        Ok(_) => None,
        Err(e) => Some((
            "key_replaced",
            format!("the checkpoint over {of} events is not signed by a key on record: {e}"),
        )),
    }
}
