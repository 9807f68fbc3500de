//! The right edge of a tree, all that is needed to append to it.

use crate::hash::{Hash, empty_root, fold, node_hash};
use crate::text::MAX_SIZE;

/// A tree as its size and the roots of the complete subtrees it consists of, from the left and so the
/// largest first: one for each 1 in the size's binary digits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

/// Why parts are no frontier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// The number of hashes is not the number of complete subtrees.
    #[error("a tree of size {size} has {expected} complete subtrees, not {found}")]
    Hashes {
        /// Entries of the tree.
        size: u64,
        /// Its complete subtrees.
        expected: usize,
        /// The hashes given.
        found: usize,
    },
    /// A tree has at most [`MAX_SIZE`] entries.
    #[error("no tree has the size {0}")]
    Size(u64),
}

impl Frontier {
    /// The tree without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree of `size` entries whose complete subtrees have the roots `hashes`, the largest first.
    ///
    /// # Errors
    /// When there are more or fewer hashes than such a tree has complete subtrees, or it is too large.
    pub fn from_parts(size: u64, hashes: Vec<Hash>) -> Result<Self, FrontierError> {
        if size > MAX_SIZE {
            return Err(FrontierError::Size(size));
        }
        let expected = size.count_ones() as usize;
        if hashes.len() != expected {
            return Err(FrontierError::Hashes {
                size,
                expected,
                found: hashes.len(),
            });
        }
        Ok(Self { size, hashes })
    }

    /// Appends the entry with the leaf hash `leaf`.
    #[inline]
    pub fn push(&mut self, leaf: Hash) {
        self.push_with(leaf, |_, _| ());
    }

    /// Appends, and hands `completed` the height and the root of every subtree this completes, the
    /// leaf (height 0) first.
    #[inline]
    pub(crate) fn push_with(&mut self, leaf: Hash, mut completed: impl FnMut(u32, &Hash)) {
        completed(0, &leaf);
        let mut root = leaf;
        for height in 1..=self.size.trailing_ones() {
            let left = self
                .hashes
                .pop()
                .expect("a frontier has a hash for every 1 of its size");
            root = node_hash(&left, &root);
            completed(height, &root);
        }
        self.hashes.push(root);
        self.size += 1;
    }

    /// The number of entries.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree, after at most 62 hashes.
    pub fn root(&self) -> Hash {
        fold(&self.hashes).unwrap_or_else(empty_root)
    }

    /// The roots of the complete subtrees, the largest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }
}
