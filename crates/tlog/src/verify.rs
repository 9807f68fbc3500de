//! Checking proofs: RFC 9162 §2.1.3.2 and §2.1.4.2. Nothing given is trusted but the roots.

use crate::hash::{Hash, empty_root, node_hash};
use crate::text::MAX_SIZE;

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
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
    /// A hash is missing.
    #[error("the proof is too short")]
    TooShort,
    /// There is a hash too many.
    #[error("the proof is too long")]
    TooLong,
    /// The proof leads to another root.
    #[error("the proof leads to another root")]
    Root,
    /// The proof leads to another root of the old tree.
    #[error("the proof leads to another root of the old tree")]
    OldRoot,
}

/// Checks that the tree of `size` entries with the root `root` has the leaf hash `leaf` at `index`.
///
/// # Errors
/// When `proof` does not prove that.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), VerifyError> {
    check_size(size)?;
    if index >= size {
        return Err(VerifyError::Index { index, size });
    }
    let mut path = Path {
        node: index,
        last: size - 1,
    };
    let mut hash = *leaf;
    for sibling in proof {
        hash = match path.up()? {
            Side::Left => node_hash(sibling, &hash),
            Side::Right => node_hash(&hash, sibling),
        };
    }
    path.end()?;
    if hash != *root {
        return Err(VerifyError::Root);
    }
    Ok(())
}

/// Checks that the tree of `old_size` entries with the root `old_root` is the beginning of the tree of
/// `new_size` entries with the root `new_root`.
///
/// The tree without entries is the beginning of every tree, which takes no proof but its own root.
///
/// # Errors
/// When `proof` does not prove that.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), VerifyError> {
    check_size(new_size)?;
    if old_size > new_size {
        return Err(VerifyError::Sizes {
            old: old_size,
            new: new_size,
        });
    }
    if old_size == 0 && *old_root != empty_root() {
        return Err(VerifyError::OldRoot);
    }
    if old_size == 0 || old_size == new_size {
        if !proof.is_empty() {
            return Err(VerifyError::TooLong);
        }
        if old_size == new_size && old_root != new_root {
            return Err(VerifyError::Root);
        }
        return Ok(());
    }
    verify_growth(old_size, old_root, new_size, new_root, proof)
}

/// [`verify_consistency`] for 0 < old < new.
fn verify_growth(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), VerifyError> {
    // A complete tree is a node of the new one, so that its root is not repeated in the proof.
    let (start, rest) = if old_size.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().ok_or(VerifyError::TooShort)?
    };
    let mut path = Path {
        node: old_size - 1,
        last: new_size - 1,
    };
    path.shift(path.node.trailing_ones());
    let (mut old, mut new) = (*start, *start);
    for hash in rest {
        match path.up()? {
            Side::Left => {
                old = node_hash(hash, &old);
                new = node_hash(hash, &new);
            }
            Side::Right => new = node_hash(&new, hash),
        }
    }
    path.end()?;
    if old != *old_root {
        return Err(VerifyError::OldRoot);
    }
    if new != *new_root {
        return Err(VerifyError::Root);
    }
    Ok(())
}

fn check_size(size: u64) -> Result<(), VerifyError> {
    if size > MAX_SIZE {
        return Err(VerifyError::TooLarge(size));
    }
    Ok(())
}

/// On which side of the path the next hash of the proof is.
enum Side {
    Left,
    Right,
}

/// The way from a node up to the root: the node's number in its level, and the number of the level's
/// last (`fn` and `sn` of the RFC).
struct Path {
    node: u64,
    last: u64,
}

impl Path {
    /// Takes a hash of the proof.
    fn up(&mut self) -> Result<Side, VerifyError> {
        if self.last == 0 {
            return Err(VerifyError::TooLong);
        }
        let left = self.node & 1 == 1 || self.node == self.last;
        if left && self.node & 1 == 0 {
            // The last of its level without a sibling is its own parent.
            self.shift(self.node.trailing_zeros());
        }
        self.shift(1);
        Ok(if left { Side::Left } else { Side::Right })
    }

    fn shift(&mut self, levels: u32) {
        self.node >>= levels;
        self.last >>= levels;
    }

    /// Whether the root has been reached.
    fn end(&self) -> Result<(), VerifyError> {
        if self.last == 0 {
            Ok(())
        } else {
            Err(VerifyError::TooShort)
        }
    }
}
