//! What the tests have in common: RFC 6962 written down as it stands there, and tiles in memory.
#![allow(dead_code)] // not every test uses all of it

use std::cell::RefCell;
use std::collections::BTreeMap;

use auditlog_tlog::hash::{Hash, empty_root, leaf_hash, node_hash};
use auditlog_tlog::proof::HashSource;
use auditlog_tlog::tile::{Appender, Changed, TILE_WIDTH, TileId, width_at};

/// The leaf hash of entry `number` in the tests' trees.
pub fn leaf(number: u64) -> Hash {
    leaf_hash(&number.to_be_bytes())
}

pub fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(leaf).collect()
}

/// The largest power of two below `n`.
fn split(n: usize) -> usize {
    let mut k = 1;
    while 2 * k < n {
        k *= 2;
    }
    k
}

/// MTH of RFC 6962 §2.1, over leaf hashes.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// PATH of RFC 6962 §2.1.1.
pub fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = split(leaves.len());
    let (mut path, sibling) = if m < k {
        (path(m, &leaves[..k]), root(&leaves[k..]))
    } else {
        (path(m - k, &leaves[k..]), root(&leaves[..k]))
    };
    path.push(sibling);
    path
}

/// PROOF of RFC 6962 §2.1.2.
pub fn proof(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    subproof(m, leaves, true)
}

fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let k = split(leaves.len());
    let (mut proof, sibling) = if m <= k {
        (subproof(m, &leaves[..k], whole), root(&leaves[k..]))
    } else {
        (subproof(m - k, &leaves[k..], false), root(&leaves[..k]))
    };
    proof.push(sibling);
    proof
}

/// Stored tiles, as an appender wrote them.
#[derive(Default)]
pub struct Tiles {
    pub stored: BTreeMap<TileId, Vec<Hash>>,
    /// What has been asked for, one list for each query.
    pub asked: RefCell<Vec<Vec<(TileId, u16)>>>,
}

impl Tiles {
    /// The tiles of the tests' tree of `size` entries.
    pub fn of(size: u64) -> Self {
        let mut appender = Appender::new();
        (0..size).for_each(|number| appender.append(leaf(number)));
        let mut tiles = Self::default();
        tiles.write(appender.changed());
        tiles
    }

    /// Writes what an appender reports, checking that it continues what is stored.
    pub fn write(&mut self, changed: Vec<Changed>) {
        for tile in changed {
            let had = self.stored.insert(tile.id, tile.hashes.clone()).unwrap_or_default();
            assert_eq!(had.len(), usize::from(tile.from_width), "{:?}", tile.id);
            assert!(tile.hashes.len() > had.len() && tile.hashes.len() <= usize::from(TILE_WIDTH));
            assert_eq!(had, tile.hashes[..had.len()], "{:?}", tile.id);
        }
    }

    /// The partial tiles at the right edge.
    pub fn edge(&self, size: u64) -> Vec<Vec<Hash>> {
        (0..8u8)
            .take_while(|level| size >> (8 * level) > 0)
            .map(|level| {
                let index = size >> (8 * (level + 1));
                let width = width_at(TileId { level, index }, size);
                let stored = self.stored.get(&TileId { level, index }).cloned().unwrap_or_default();
                stored[..usize::from(width)].to_vec()
            })
            .collect()
    }

    /// Checks that the one query so far asked for tiles of a tree of `size`, each once, and forgets it.
    pub fn check_asked(&self, size: u64) {
        let asked = self.asked.take();
        assert!(asked.len() <= 1, "tiles are to be asked for in one query");
        for query in asked {
            assert!(!query.is_empty());
            assert!(query.is_sorted_by(|a, b| a.0 < b.0), "a tile is asked for twice");
            for (id, width) in query {
                assert!(
                    width > 0 && width == width_at(id, size),
                    "{id:?} of a tree of {size}: {width}"
                );
            }
        }
    }
}

impl HashSource for Tiles {
    type Error = String;

    fn tiles(&self, wanted: &[(TileId, u16)]) -> Result<Vec<Vec<Hash>>, String> {
        self.asked.borrow_mut().push(wanted.to_vec());
        wanted
            .iter()
            .map(|(id, _)| {
                self.stored
                    .get(id)
                    .cloned()
                    .ok_or_else(|| format!("no tile {}", id.path(256)))
            })
            .collect()
    }
}

/// Tiles without a record of who asks.
pub struct Stored(pub BTreeMap<TileId, Vec<Hash>>);

impl HashSource for Stored {
    type Error = String;

    fn tiles(&self, wanted: &[(TileId, u16)]) -> Result<Vec<Vec<Hash>>, String> {
        wanted
            .iter()
            .map(|(id, _)| {
                self.0
                    .get(id)
                    .cloned()
                    .ok_or_else(|| format!("no tile {}", id.path(256)))
            })
            .collect()
    }
}

/// Numbers without a pattern, the same in every run.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        ((u128::from(self.0.rotate_right(16)) * u128::from(end)) >> 64) as u64
    }
}

pub fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}

pub fn hex_hash(text: &str) -> Hash {
    hex(text).try_into().expect("32 bytes")
}

pub fn base64(text: &str) -> Vec<u8> {
    use ::base64::Engine;
    ::base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("base64")
}

pub fn base64_hash(text: &str) -> Hash {
    base64(text).try_into().expect("32 bytes")
}
