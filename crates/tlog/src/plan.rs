//! Which subtrees a proof consists of, and which tiles they are computed from.

use std::collections::BTreeMap;

use crate::hash::{Hash, complete_root, fold};
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, TileId, width_at};

/// The entries `start..end` of a tree, a subtree of RFC 6962's recursion: the largest power of two below
/// its length divides its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    start: u64,
    end: u64,
}

/// A complete subtree: the entries `index << height` up to those of the next.
#[derive(Debug, Clone, Copy)]
struct Node {
    height: u32,
    index: u64,
}

impl Node {
    /// The tile that has the hashes of this subtree, and where they are in it.
    fn place(self) -> (TileId, std::ops::Range<usize>) {
        let above = self.height % u32::from(TILE_HEIGHT);
        let first = self.index << above;
        let id = TileId {
            level: (self.height / u32::from(TILE_HEIGHT)) as u8,
            index: first / u64::from(TILE_WIDTH),
        };
        let start = (first % u64::from(TILE_WIDTH)) as usize;
        (id, start..start + (1 << above))
    }
}

impl Range {
    /// All of a tree.
    pub(crate) fn all(size: u64) -> Self {
        Self { start: 0, end: size }
    }

    /// One entry.
    pub(crate) fn one(index: u64) -> Self {
        Self {
            start: index,
            end: index + 1,
        }
    }

    fn len(self) -> u64 {
        self.end - self.start
    }

    /// The two subtrees it consists of: RFC 6962 splits at the largest power of two below the length.
    fn split(self) -> (Self, Self) {
        let middle = self.start + (1 << (self.len() - 1).ilog2());
        (Self { end: middle, ..self }, Self { start: middle, ..self })
    }

    /// The complete subtrees it consists of, from the left.
    fn nodes(self) -> impl Iterator<Item = Node> {
        let mut start = self.start;
        std::iter::from_fn(move || {
            let height = (self.end - start).checked_ilog2()?;
            let node = Node {
                height,
                index: start >> height,
            };
            start += 1 << height;
            Some(node)
        })
    }
}

/// PATH of RFC 6962 §2.1.1: the siblings from the leaf to the root. `index` is below `size`.
pub(crate) fn inclusion(index: u64, size: u64) -> Vec<Range> {
    let mut path = Vec::new();
    let mut at = Range::all(size);
    while at.len() > 1 {
        let (left, right) = at.split();
        let (inside, sibling) = if index < right.start {
            (left, right)
        } else {
            (right, left)
        };
        path.push(sibling);
        at = inside;
    }
    path.reverse();
    path
}

/// PROOF of RFC 6962 §2.1.2, for 0 < `old` < `new`.
pub(crate) fn consistency(old: u64, new: u64) -> Vec<Range> {
    let mut proof = Vec::new();
    let mut at = Range::all(new);
    // Whether the old tree's root, which the verifier has, is the root of what is left.
    let mut whole = true;
    while old < at.end {
        let (left, right) = at.split();
        if old <= right.start {
            proof.push(right);
            at = left;
        } else {
            proof.push(left);
            at = right;
            whole = false;
        }
    }
    if !whole {
        proof.push(at);
    }
    proof.reverse();
    proof
}

/// The tiles `ranges` are computed from, with their widths in a tree of `size` entries, each once.
pub(crate) fn tiles(ranges: &[Range], size: u64) -> Vec<(TileId, u16)> {
    let wanted: BTreeMap<TileId, u16> = ranges
        .iter()
        .flat_map(|range| range.nodes())
        .map(|node| node.place().0)
        .map(|id| (id, width_at(id, size)))
        .collect();
    wanted.into_iter().collect()
}

/// The root of each range, from tiles that have the widths [`tiles`] asked for.
pub(crate) fn roots(ranges: &[Range], tiles: &BTreeMap<TileId, Vec<Hash>>) -> Vec<Hash> {
    let root = |node: Node| {
        let (id, hashes) = node.place();
        complete_root(&tiles[&id][hashes])
    };
    ranges
        .iter()
        .filter_map(|range| fold(&range.nodes().map(root).collect::<Vec<_>>()))
        .collect()
}
