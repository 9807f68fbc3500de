//! Proofs: that an entry is in a tree, and that a tree is the beginning of a larger one.
//!
//! They are made from stored tiles, which are asked for all at once, and checked against nothing but
//! the roots. The algorithms are RFC 6962 §2.1.1 and §2.1.2, and RFC 9162 §2.1.3.2 and §2.1.4.2.

use std::collections::BTreeMap;

use crate::hash::{Hash, empty_root};
use crate::plan::{self, Range};
use crate::text::MAX_SIZE;
use crate::tile::TileId;

pub use crate::verify::{VerifyError, verify_consistency, verify_inclusion};

/// Where tiles are stored.
pub trait HashSource {
    /// Why tiles could not be read.
    type Error;

    /// The hashes of the tiles `wanted`, each with the number of hashes needed of it, in the same order.
    /// Only tiles that a tree of the size in question has are asked for, each once. A tile that has
    /// grown since may be given with all its hashes.
    ///
    /// # Errors
    /// Whatever keeps the tiles from being read.
    fn tiles(&self, wanted: &[(TileId, u16)]) -> Result<Vec<Vec<Hash>>, Self::Error>;
}

impl<S: HashSource + ?Sized> HashSource for &S {
    type Error = S::Error;

    fn tiles(&self, wanted: &[(TileId, u16)]) -> Result<Vec<Vec<Hash>>, Self::Error> {
        (**self).tiles(wanted)
    }
}

/// Why a proof cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError<E> {
    /// The entry is not in the tree.
    #[error("entry {index} is not in a tree of size {size}")]
    Index {
        /// The entry.
        index: u64,
        /// Entries of the tree.
        size: u64,
    },
    /// The old tree is larger than the new one.
    #[error("a tree of size {old} is not the beginning of one of size {new}")]
    Sizes {
        /// Entries of the old tree.
        old: u64,
        /// Entries of the new tree.
        new: u64,
    },
    /// A tree has at most [`MAX_SIZE`] entries.
    #[error("no tree has the size {0}")]
    TooLarge(u64),
    /// The source gave more or fewer tiles than asked for.
    #[error("{found} tiles were read where {wanted} were asked for")]
    Tiles {
        /// Tiles asked for.
        wanted: usize,
        /// Tiles given.
        found: usize,
    },
    /// A stored tile lacks hashes.
    #[error("the tile {} has {found} hashes where the tree has {wanted}", id.path(*wanted))]
    Short {
        /// The tile.
        id: TileId,
        /// The hashes it has in the tree.
        wanted: u16,
        /// The hashes given.
        found: usize,
    },
    /// The tiles could not be read.
    #[error("{0}")]
    Source(E),
}

/// The proof that entry `index` is in the tree of `size` entries: the hashes of RFC 6962 §2.1.1, from
/// the leaf's sibling to the root's child.
///
/// # Errors
/// When there is no such entry, or the tiles cannot be read or lack hashes.
pub fn inclusion<S: HashSource>(index: u64, size: u64, source: &S) -> Result<Vec<Hash>, ProofError<S::Error>> {
    check_index(index, size)?;
    roots(&plan::inclusion(index, size), size, source)
}

/// The proof that the tree of `old` entries is the beginning of the one of `new` entries: the hashes of
/// RFC 6962 §2.1.2. None when `old` is 0 or `new`.
///
/// # Errors
/// When `old` is greater than `new`, or the tiles cannot be read or lack hashes.
pub fn consistency<S: HashSource>(old: u64, new: u64, source: &S) -> Result<Vec<Hash>, ProofError<S::Error>> {
    check_size(new)?;
    if old > new {
        return Err(ProofError::Sizes { old, new });
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    roots(&plan::consistency(old, new), new, source)
}

/// The root of the tree of `size` entries.
///
/// # Errors
/// When the tiles cannot be read or lack hashes.
pub fn root_at<S: HashSource>(size: u64, source: &S) -> Result<Hash, ProofError<S::Error>> {
    check_size(size)?;
    if size == 0 {
        return Ok(empty_root());
    }
    roots(&[Range::all(size)], size, source).map(|roots| roots[0])
}

/// The leaf hash of entry `index` as the tree of `size` entries has it.
///
/// # Errors
/// When there is no such entry, or the tile cannot be read or lacks hashes.
pub fn leaf_at<S: HashSource>(index: u64, size: u64, source: &S) -> Result<Hash, ProofError<S::Error>> {
    check_index(index, size)?;
    roots(&[Range::one(index)], size, source).map(|roots| roots[0])
}

fn check_size<E>(size: u64) -> Result<(), ProofError<E>> {
    if size > MAX_SIZE {
        return Err(ProofError::TooLarge(size));
    }
    Ok(())
}

fn check_index<E>(index: u64, size: u64) -> Result<(), ProofError<E>> {
    check_size(size)?;
    if index >= size {
        return Err(ProofError::Index { index, size });
    }
    Ok(())
}

/// The root of each range of the tree of `size` entries.
fn roots<S: HashSource>(ranges: &[Range], size: u64, source: &S) -> Result<Vec<Hash>, ProofError<S::Error>> {
    let wanted = plan::tiles(ranges, size);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let found = source.tiles(&wanted).map_err(ProofError::Source)?;
    if found.len() != wanted.len() {
        return Err(ProofError::Tiles {
            wanted: wanted.len(),
            found: found.len(),
        });
    }
    let mut tiles = BTreeMap::new();
    for ((id, wanted), hashes) in wanted.into_iter().zip(found) {
        if hashes.len() < usize::from(wanted) {
            return Err(ProofError::Short {
                id,
                wanted,
                found: hashes.len(),
            });
        }
        // More hashes, of a tile that has grown, are behind those that are looked at.
        tiles.insert(id, hashes);
    }
    Ok(plan::roots(ranges, &tiles))
}
